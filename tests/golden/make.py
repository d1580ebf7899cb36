"""Made the golden crystals, and makes those of the next format version: never again those of a version that is out.

    python tests/golden/make.py

`v1.crystal` holds three documents with their layers; `v1.json` says what it must give. From version
3 on there are files that were skipped, too, with their reason codes; from version 4 on a summary, from version 5 on a memory, from
version 6 on two dated notes, of which one supersedes the other.
The damaged ones are copies of it:
`v1-blob` with one bit of a compressed text turned over, `v1-short` cut off, `v1-newer` from a much later version of the format.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from crystalcli import Crystal
from crystalcli.storage.file.schema import FORMAT_VERSION
from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import SummaryRow

HERE = Path(__file__).parent
NEWER = 1 << 20  # a version that will not be reached
TEXTS = {
    "tale.txt": "The ferry left Oldhaven at six. Marta carried the brass key in her coat.\n\n"
    + "".join(f"On day {day} nobody spoke until the island of Skarn came in sight.\n" for day in range(1, 40))
    + "\nThe keeper said that the lamp burns 14 litres of oil a night. Ærlig talt, said Bjørn, that is à lot.\n",
    "notes.md": "# Notes\n\nBuy rope.\n\n## Tides\n\nHigh water at Oldhaven is at 04:10.\n",
    "tide.py": "def spring_tide(moon_age):\n"
    '    """Days to the next spring tide."""\n'
    "    return (14.765 - moon_age) % 14.765\n",
}
DATED = {"2026-01-05.md": "Rent 900 a month.\n", "2026-03-01.md": "Rent 950 a month.\n"}
SKIPPED = {"empty.txt": b"", "data.bin": bytes(range(256)), "yarn.lock": b"left-pad@1.3.0\n"}
QUESTIONS = ["How much oil does the lamp burn?", "When is high water at Oldhaven?", "days until the next spring tide"]


def make() -> None:
    """Write the crystal of this version, what it must give, and its damaged copies."""
    name = f"v{FORMAT_VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        for path, text in (TEXTS | DATED).items():
            (Path(folder) / path).write_text(text, encoding="utf-8")
        for path, data in SKIPPED.items():
            (Path(folder) / path).write_bytes(data)
        made = Path(folder) / "golden.crystal"
        with Crystal.create(made) as crystal:
            crystal.ingest([Path(folder)])
            (tale,) = (source for source in crystal.shelf.store.sources() if source.path == "tale.txt")
            summary = SummaryRow(tale.id, 0, tale.characters, "some-model", bytes(16), "The ferry left at six.")
            crystal._keep_summaries([(tale, summary)])
            crystal.remember(
                "The bell of Skarn cracked in the frost.", by="Marta", at="2026-02-03", tags=["skarn"], pin=True
            )
            said = {
                "documents": {each.path: each.kind for each in crystal.documents()},
                "codes": {each.path: each.code for each in crystal.documents() if each.code},
                "texts": {path: crystal.quote(path, 0, len(text)) for path, text in TEXTS.items()},
                "atoms": crystal.shelf.atom_codes[0].tobytes().hex() if crystal.shelf.atom_codes is not None else "",
                "summaries": [(row.model, row.text) for row in crystal.shelf.store.summaries(tale.id)],
                "memories": [[m.id, m.dated, m.author, list(m.tags), m.pinned, m.text] for m in crystal.memories()],
                "conflicts": [[c.subject, c.older.value, c.newer.value] for c in crystal.conflicts()],
                "recalled": {each: crystal.recall(each, 1)[0].path for each in QUESTIONS},
            }
        shutil.copy(made, HERE / f"{name}.crystal")
    (HERE / f"{name}.json").write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    whole = (HERE / f"{name}.crystal").read_bytes()
    with Store.open(HERE / f"{name}.crystal") as store:
        at = whole.index(store.part(1, "text")[-20:]) + 10  # on the last page of the first text
    (HERE / f"{name}-blob.crystal").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    (HERE / f"{name}-short.crystal").write_bytes(whole[: len(whole) // 2])
    (HERE / f"{name}-newer.crystal").write_bytes(whole[:60] + NEWER.to_bytes(4, "big") + whole[64:])


if __name__ == "__main__":
    make()
