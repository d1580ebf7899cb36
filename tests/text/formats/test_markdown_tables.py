"""Tables in Markdown: the text is exact, and the names of the columns stand over each row, shown with it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import read

from crystalcli import Crystal
from crystalcli.datatypes import Landmark
from crystalcli.text.chunking.unwrap import unwrap_lines
from crystalcli.text.formats.markdown import with_headings

TEXT = r"""# Lamps

Lamp | Oil
-----|----
Holm | whale

Not a | table

| Port | Depth \| low | |
|:--|--:|---|
| Bale | 4.1 m | mud |
|  | 3.0 m | |
## Later
```
| a | b |
|---|---|
| 1 | 2 |
```
| a |
|---|---|
| 1 | 2 |
"""


def test_names_of_columns_stand_over_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(TEXT)
    found = read(path)
    assert found.text == TEXT
    assert [(TEXT[mark.start :].split("\n")[0], mark.label) for mark in found.marks if mark.kind == "table"] == [
        ("Holm | whale", "Lamp | Oil"),
        ("", ""),
        ("| Bale | 4.1 m | mud |", "Port | Depth / low | "),
        ("## Later", ""),
    ]
    assert found.labels("heading") == ["Lamps", "Lamps › Later"]


@settings(deadline=None, max_examples=80)
@given(st.lists(st.sampled_from([*TEXT.splitlines(), "---", "", "|", "a|b", "-|-"]), max_size=14), st.integers(1, 30))
def test_the_pieces_do_not_matter(lines: list[str], size: int) -> None:
    text = "\n".join(lines)
    whole = list(with_headings([text]))
    pieces = list(with_headings(text[i : i + size] for i in range(0, len(text), size)))
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == text
    marks = [piece for piece in whole if isinstance(piece, Landmark)]
    assert [piece for piece in pieces if isinstance(piece, Landmark)] == marks
    assert len({(mark.kind, mark.start) for mark in marks}) == len(marks)


def test_rows_are_shown_with_their_names() -> None:
    names = "Port | Depth | "
    rows = "| Bale | 4.1 m | mud |\n|  | 3 | |\n\nAfter a | table.\n"
    shown = "Port: Bale; Depth: 4.1 m; mud\nDepth: 3\n\nAfter a | table.\n"
    assert "".join(unwrap_lines(rows, "markdown", names=names)) == shown
    assert unwrap_lines(rows, "markdown", (23,), names) == [shown[:30], shown[30:]]
    header = "| Port | Depth | |\n|---|---|---|\n| Bale | 4 | |"
    assert "".join(unwrap_lines(header, "markdown", names=names)) == header


def test_a_row_is_quoted_alone_and_with_its_names(tmp_path: Path, encoder_folder) -> None:
    rows = "".join(
        f"| B{n:02} | {'Phalarope' if n == 62 else hull} | {n / 10 + 1} m | swinging mooring with a chain of eleven metres |\n"
        for n, hull in enumerate(["Tern", "Auk", "Ruff", "Knot"] * 20)
    )
    path = tmp_path / "docs" / "berths.md"
    path.parent.mkdir()
    path.write_text(f"# Berths\n\n| Berth | Hull | Depth at low water | Kind |\n|---|---|---|---|\n{rows}")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([path.parent])
        answer = crystal.ask("What is the depth at low water of the Phalarope?", model=None)
        assert (
            answer.citations[0].quote == "| B62 | Phalarope | 7.2 m | swinging mooring with a chain of eleven metres |"
        )
        assert "“Berth: B62; Hull: Phalarope; Depth at low water: 7.2 m; Kind: swinging" in answer.text
        chunks = list(crystal.recall("Berth B70 depth at low water", k=3))
        assert all("Depth at low water" in (passage.place.marks.get("table", "") + passage.text) for passage in chunks)
