"""Damages a small crystal in every way there is, and reads it as its users would: an answer or a CrystalError, nothing else.

    PYTHONPATH=tests python -m support.hostile CRYSTAL FOLDER SEED COUNT [WEIGHTS]

Works in FOLDER; prints a line for each kind of mutation. Exits with a traceback at the first that fails. One mutation may take
ten seconds and the process a gigabyte.
"""

from __future__ import annotations

import contextlib
import faulthandler
import random
import resource
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from crystalcli.answering.answer import answer_question
from crystalcli.answering.broad.broad_question import broad_intent
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import ChatModel
from crystalcli.errors import CrystalError
from crystalcli.ingest.ingester import ingest_into
from crystalcli.lexical import varint
from crystalcli.maintenance.repair import repair_crystal
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.recall.searcher import Searcher
from crystalcli.recall.session import CrystalReader
from crystalcli.storage.file.connection import PAGE
from crystalcli.storage.store import Store
from crystalcli.storage.tables.blobs import digest
from crystalcli.vectors import EncodedQuestion, QuestionEncoder, default_codec
from support.damage import TABLES, change, reseal

QUESTIONS = ("Which day weighed the compass of port 1?", "ensign stone 999")
BROAD = ("What are these documents about?", "Which sections mention the compass?")
SECONDS = 10
ODD = (0, 1, -1, 255, 65536, 2**31, 2**40, 2**53, 2**62, -(2**62))


class Remembering(QuestionEncoder):
    """The real encoder, which reads each question once."""

    known: dict[tuple[int, ...], EncodedQuestion] = {}  # noqa: RUF012

    def encode(self, ids: list[int]) -> EncodedQuestion:
        key = tuple(ids)
        if key not in self.known:
            self.known[key] = super().encode(ids)
        return self.known[key]


def use(path: Path, encoder: QuestionEncoder | None, writable: bool) -> tuple[bool, list[object]]:
    """Everything a reader does with a crystal: whether it is sound, and what it said. Each step may fail by name."""
    said: list[object] = []
    sound = False

    def step(work: Callable[[], object]) -> None:
        try:
            said.append(work())
        except CrystalError as error:
            said.append(type(error).__name__)
            assert str(error)
            assert error.exit_code in (1, 2, 4, 5, 7)

    def document(crystal: CrystalReader, name: str) -> list[object]:
        found, chunks = crystal.zoom(name)
        return [found, list(chunks), crystal.quote(name, 0, 10**6)]

    try:
        with Store.open(path, writable=writable) as store:
            crystal = CrystalReader(store, None)
            verdict = verify_crystal(store)
            sound = verdict.sound
            step(crystal.stats)
            step(lambda: list(crystal.documents()))
            for source in store.sources():
                step(lambda name=source.path: document(crystal, name))
            for question in QUESTIONS:
                for depth in (1, 3):
                    step(
                        lambda q=question, d=depth: (
                            Searcher(crystal.shelf, encoder, default_codec() if encoder else None)
                            .recall(q, 5, d)
                            .passages
                        )
                    )
            for question in BROAD:
                step(
                    lambda q=question: (
                        answer_question(
                            crystal, q, AskOptions(extractive=True), intent=broad_intent(q), open_model=_nobody
                        ).portions
                    )
                )
            if writable:
                with contextlib.suppress(CrystalError):
                    ingest_into(store, crystal._encoder, [path.parent / "new"])
    except CrystalError as error:
        said.append(type(error).__name__)
        sound = False
    return sound, said


def _nobody() -> ChatModel:
    raise AssertionError("no language model is needed")


def mend(path: Path) -> None:
    """What repair makes of it is sound, or repair says that it cannot."""
    try:
        repair_crystal(path, backup=False)
    except CrystalError as error:
        assert error.exit_code in (4, 5), error
        return
    with Store.open(path) as store:
        verdict = verify_crystal(store)
        assert verdict.sound, verdict.problems


# --- mutations ------------------------------------------------------------------------------------------------


def flips(data: bytearray, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def odd_bytes(data: bytearray, chance: random.Random) -> bytes:
    """Bytes with meaning: page headers, cell pointers, the file's header."""
    page = PAGE * chance.randrange(len(data) // PAGE)
    for _ in range(chance.randrange(1, 5)):
        data[page + chance.randrange(0, 120)] = chance.choice((0, 1, 2, 5, 10, 13, 127, 128, 255))
    return bytes(data)


def cut_off(data: bytearray, chance: random.Random) -> bytes:
    return bytes(data[: chance.choice((chance.randrange(len(data)), PAGE * chance.randrange(len(data) // PAGE)))])


def zeroed(data: bytearray, chance: random.Random) -> bytes:
    page = PAGE * chance.randrange(len(data) // PAGE)
    data[page : page + PAGE] = bytes(PAGE)
    return bytes(data)


def pages_moved(data: bytearray, chance: random.Random) -> bytes:
    """A page in another's place; or a page number in a b-tree that points where another does."""
    pages = len(data) // PAGE
    a, b = (PAGE * chance.randrange(pages) for _ in range(2))
    if chance.random() < 0.6:
        data[a : a + PAGE] = data[b : b + PAGE]
    else:
        place = a + chance.choice((8, 12 + 2 * chance.randrange(40), chance.randrange(4092)))
        data[place : place + 4] = chance.randrange(1, pages + 2).to_bytes(4, "big")
    return bytes(data)


BYTES = (flips, odd_bytes, cut_off, zeroed, pages_moved)


def blobs_behind_digests(path: Path, chance: random.Random) -> None:
    """A blob altered, swapped, cut or made of odd numbers, with a digest that holds."""
    db = sqlite3.connect(path, isolation_level=None)
    table = chance.choice(("part", "part", "posting"))
    rows = db.execute(f"SELECT rowid, data FROM {table}").fetchall()
    rowid, data = chance.choice(rows)
    kind = chance.randrange(6)
    if kind == 0:
        raw = bytearray(data or b"\0")
        for _ in range(chance.choice((1, 3, 20))):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
        data = bytes(raw)
    elif kind == 1:
        data = chance.choice(rows)[1]
    elif kind == 2:
        data = data[: chance.randrange(len(data) + 1)]
    elif kind == 3:
        data = data * chance.choice((2, 50))
    elif kind == 4:
        try:
            numbers = varint.decode(data).copy()
            if len(numbers):
                numbers[chance.randrange(len(numbers))] = chance.choice([each for each in ODD if each >= 0])
            data = varint.encode(numbers)
        except ValueError:
            data = b"\xff" * chance.choice((1, 8, 9, 100))
    else:
        data = _bomb(chance)
    db.execute(f"UPDATE {table} SET data = ?, digest = ? WHERE rowid = ?", (data, digest(data), rowid))
    if table == "part" and chance.random() < 0.5:
        db.execute("UPDATE part SET size = ? WHERE rowid = ?", (chance.choice((len(data), *ODD)), rowid))
    db.close()
    reseal(path)


def _bomb(chance: random.Random) -> bytes:
    """A little that unpacks to a lot: zstd, or a block of the lexical index whose terms are zlib."""
    import struct
    import zlib

    import zstandard

    if chance.random() < 0.5:
        return zstandard.ZstdCompressor().compress(bytes(1 << chance.choice((20, 26))))
    column = zlib.compress(chance.choice((b"\n", b"a", b"a\n")) * (1 << 25), 9)
    return struct.pack("<HII", chance.choice((1, 65535)), len(column), 2) + column + b"\x01\x01"


def rows_behind_seals(path: Path, chance: random.Random) -> None:
    """Values of rows altered, rows deleted or doubled, with seals that hold."""
    db = sqlite3.connect(path, isolation_level=None)
    for _ in range(chance.choice((1, 1, 3))):
        table = chance.choice(TABLES[:-1])
        columns = db.execute(f"PRAGMA table_info({table})").fetchall()
        key = ", ".join(row[1] for row in columns if row[5])
        where = f"({key}) IN (SELECT {key} FROM {table} ORDER BY random() LIMIT 1)"
        _, name, kind, *_ = chance.choice(columns)
        value: object = chance.choice(ODD)
        if kind == "TEXT":
            value = chance.choice(("", "\x1b[2J", "a\nb", "text", "done", "../../etc", "é" * 5000, "[" * 3000, "units"))
        elif kind == "BLOB":
            value = chance.choice((b"", b"\0", b"x" * 40))
        try:
            if chance.random() < 0.15:
                db.execute(f"DELETE FROM {table} WHERE {where}")
            else:
                db.execute(f"UPDATE OR IGNORE {table} SET {name} = ? WHERE {where}", (value,))
        except sqlite3.IntegrityError:
            continue
    db.close()
    if chance.random() < 0.8:
        reseal(path)


def schema_of_a_stranger(path: Path, chance: random.Random) -> None:
    """Views, triggers, generated columns, columns without types, endless recursion."""
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i"
    change(
        path,
        *chance.choice(
            (
                (f"CREATE VIEW sources AS {endless}, 1 FROM n",),
                (
                    "DROP TABLE landmark",
                    f"CREATE VIEW landmark(source, start, kind, label) AS {endless}, 0, 'page', '' FROM n",
                ),
                ("DROP TABLE meta", f"CREATE VIEW meta(key, value) AS {endless}, zeroblob(1000000) FROM n"),
                ("CREATE TRIGGER t AFTER INSERT ON source BEGIN DELETE FROM run; END",),
                ("DROP TABLE run", "CREATE TABLE run (source, ordinal, first_chunk, chunks, start, lines)"),
                ("ALTER TABLE source ADD COLUMN x TEXT AS (hex(zeroblob(30000000)))",),
                ("ALTER TABLE meta RENAME COLUMN value TO worth",),
                ("DROP INDEX run_by_chunk",),
                ("CREATE TABLE extra (a)",),
                ("DROP TABLE segment", "CREATE TABLE segment AS SELECT 'a' AS id, 'b', 'c'"),
                ("PRAGMA user_version = 0",),
                ("PRAGMA user_version = -1",),
            )
        ),
    )


ROWS = (blobs_behind_digests, blobs_behind_digests, rows_behind_seals, rows_behind_seals, schema_of_a_stranger)


def main(crystal: str, folder: str, seed: str, count: str, weights: str = "") -> None:
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    encoder = Remembering(Path(weights)) if weights else None
    original = Path(crystal).read_bytes()
    path = Path(folder) / "mutated.crystal"
    path.write_bytes(original)
    (path.parent / "new").mkdir(exist_ok=True)
    (path.parent / "new" / "more.md").write_text("# More\n\nThe compass of port 1 was sold.\n", encoding="utf-8")
    sound, answers = use(path, encoder, False)
    assert sound
    assert not any(isinstance(each, str) for each in answers)
    outcomes: Counter[tuple[str, str]] = Counter()
    slowest = (0.0, 0)
    for number in range(int(seed), int(seed) + int(count)):
        chance = random.Random(number)
        mutate = chance.choice(BYTES + ROWS)
        if mutate in BYTES:
            path.write_bytes(mutate(bytearray(original), chance))
        else:
            path.write_bytes(original)
            mutate(path, chance)
        before = path.read_bytes()
        mended = chance.random() < 0.1
        signal.setitimer(
            signal.ITIMER_PROF, SECONDS
        )  # of this process's own time, so that busy neighbours do not count
        faulthandler.dump_traceback_later(12 * SECONDS, exit=True)
        began = time.process_time()
        try:
            sound, said = use(path, encoder, chance.random() < 0.2)
            if len(said) == 1:
                assert path.read_bytes() == before, "refused, and changed"
            if mended:
                mend(path)
        except BaseException:
            sys.stderr.write(f"seed {number}, {mutate.__name__}\n")
            raise
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        slowest = max(slowest, (time.process_time() - began, number))
        if mutate in BYTES and sound:
            assert said == answers, f"seed {number}, {mutate.__name__}: sound, and says something else"
        outcomes[mutate.__name__, "sound" if sound else "refused" if len(said) == 1 else "read in part"] += 1
    for (kind, outcome), times in sorted(outcomes.items()):
        print(f"{kind:22s} {outcome:14s} {times}")
    print(
        f"slowest {slowest[0]:.2f} s (seed {slowest[1]}); {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
