"""Kills ingests at random moments, again and again over one crystal, and checks after each kill what is left.

    PYTHONPATH=tests python -m support.faults --kills 200        # seed 0; --seed N for other moments

The parent forks real child processes that ingest with a cheap deterministic stand-in for the encoder and small segments, and
kills them with SIGKILL. A child writes down what is committed after each commit, so that the parent knows what must be there.
When an ingest has come to its end the crystal must hold the same as one that was made without interruption; then the folder is
changed and it goes on. Prints one JSON object with what was done, and exits with 1 and a traceback when something was lost.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from crystalcli.datatypes import Chunk
from crystalcli.index import segment_writer
from crystalcli.index.encoder import DEFAULT_META
from crystalcli.index.fill import fill_layers
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.ingest.ingester import Ingester
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.recall.session import CrystalReader
from crystalcli.storage.store import Store
from crystalcli.vectors import pyramid_layout
from support.waiting import until

SEGMENT_BYTES = 4000
QUESTIONS = ("Who keeps ledger 7?", "the harbour of volume 3", "lamp oil tide", "entry 41 of the log")
WORDS = "lamp oil tide harbour ledger keeper ferry island rope brass signal fog wharf cable winter agent spike salt"


class HashEncoder:
    """Codes that depend on a chunk's text alone. It counts what it is given."""

    def __init__(self) -> None:
        self.chunks = 0

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        self.chunks += len(chunks)
        parts: tuple[list[bytes], ...] = ([], [], [])
        counts = tokens if tokens is not None else [len(chunk.ids) for chunk in chunks]
        for chunk, count in zip(chunks, counts, strict=True):
            shape = pyramid_layout(count)
            sizes = 32 * (len(shape.atoms) - 1), 12 * (len(shape.clusters) - 1), 4 * (len(shape.units) - 1)
            for part, size in zip(parts, sizes, strict=True):
                part.append(hashlib.shake_128(chunk.text.encode()).digest(size))
        return LayerCodes(*(b"".join(part) for part in parts))


# --- the folder -------------------------------------------------------------------------------------------------------


def sentence(chance: random.Random) -> str:
    return f"{' '.join(chance.choices(WORDS.split(), k=9)).capitalize()} {chance.randrange(1000)}.\n"


def make_folder(folder: Path, chance: random.Random) -> None:
    """Some sixty documents: short, long, twice the same, Markdown, code; and one that is no text."""
    folder.mkdir()
    for number in range(40):
        text = f"Volume {number}.\n\n" + "".join(sentence(chance) for _ in range(chance.choice((3, 20, 60))))
        (folder / f"{number:02d}.txt").write_text(text)
    (folder / "twin.txt").write_text((folder / "00.txt").read_text())
    (folder / "long.md").write_text(
        "".join(f"# Entry {i}\n\n{''.join(sentence(chance) for _ in range(8))}\n" for i in range(150))
    )
    (folder / "code").mkdir()
    for number in range(15):
        lines = "".join(f"def f{i}(tide):\n    return tide * {chance.random()}\n\n\n" for i in range(25))
        (folder / "code" / f"{number}.py").write_text(lines)
    (folder / "picture.bin").write_bytes(bytes(range(256)) * 8)


def change_folder(folder: Path, chance: random.Random) -> None:
    """Edit, rename, remove, add and copy some files."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".md", ".py"))
    chosen = chance.sample(files, 8)
    for path in (*chosen[:4], folder / "long.md"):
        if path.exists():
            lines = path.read_text().splitlines(keepends=True)
            for _ in range(1 + len(lines) // 40):
                lines.insert(chance.randrange(len(lines) + 1), sentence(chance))
            path.write_text("".join(lines))
    chosen[4].rename(chosen[4].with_name(f"renamed {chance.randrange(10**6)}{chosen[4].suffix}"))
    chosen[5].unlink()
    chosen[6].with_name(f"copy {chance.randrange(10**6)}{chosen[6].suffix}").write_bytes(chosen[6].read_bytes())
    new = "".join(sentence(chance) for _ in range(150))
    (folder / f"new {chance.randrange(10**6)}.txt").write_text(new)


# --- the child --------------------------------------------------------------------------------------------------------


def ingest(
    crystal: Path,
    folder: Path,
    log: Path | None = None,
    stop_after: int | None = None,
    after_commit: Callable[[], object] = lambda: None,
) -> None:
    """One ingest with the stand-in. log: a line for each commit, once it is there. stop_after: commits until a Ctrl-C."""
    segment_writer.SEGMENT_BYTES = SEGMENT_BYTES
    store = Store.open(crystal, writable=True) if crystal.exists() else Store.create(crystal, dict(DEFAULT_META))
    run = Ingester(store, None)  # text first
    commit, count = run._writer.commit, 0
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if log else -1

    def committed() -> None:
        nonlocal count
        count += 1
        if log:
            os.write(out, (json.dumps(held(store)) + "\n").encode())
        after_commit()

    def logged(*, layers: bool = True) -> None:
        commit(layers=layers)
        committed()
        if layers and count == stop_after:
            raise KeyboardInterrupt

    run._writer.commit = logged  # type: ignore[method-assign]
    with suppress(KeyboardInterrupt):
        run.run([folder])
        fill_layers(store, HashEncoder(), lambda state: committed() if state.tokens else None)
        if log:
            os.write(out, b'"finished"\n')
    if log:
        os.write(out, b'"closing"\n')
    store.close()


def held(store: Store) -> dict[str, Any]:
    """What a commit promises: the chunks that are stored, how many have layers, and how much of each document."""
    segments = store.segments()
    chunks = sum(row.first_chunk + row.chunks for row in segments[-1:])
    encoded = sum(row.chunks for row in segments if row.encoded)
    return {
        "chunks": chunks,
        "encoded": encoded,
        "documents": {row.location: [row.state, row.characters] for row in store.sources()},
    }


# --- what must hold ---------------------------------------------------------------------------------------------------


def check_sound(crystal: Path) -> dict[str, Any]:
    """A reader opens it, every row fits the others, every text is what its digest says. Returns what is held."""
    with Store.open(crystal) as store, store.snapshot():
        assert store.rows("PRAGMA integrity_check") == [("ok",)]
        shelf = IndexReader(store)
        chunks = sum(row.chunks for row in shelf.segments)
        assert [row.first_chunk for row in shelf.segments] == [
            sum(row.chunks for row in shelf.segments[:i]) for i in range(len(shelf.segments))
        ]
        sources = {row.id: row for row in store.sources()}
        assert {number for (number,) in store.rows("SELECT DISTINCT source FROM run")} <= sources.keys()
        assert all(first + count <= chunks for first, count in store.rows("SELECT first_chunk, chunks FROM run"))
        for row in sources.values():
            text = shelf.span_text(row)
            assert len(text) == row.characters, (row, len(text))
            if row.state != "partial" and row.chunks:
                assert hashlib.sha256(text.encode()).digest() == row.digest, row
        lexicons = store.lexicons()
        assert sum(each.atoms for each in lexicons) == shelf.atoms
        return held(store)


def check_kept(promised: dict[str, Any], found: dict[str, Any], crystal: Path) -> None:
    """What was committed is still there: chunks, and of each document as much text, unless all of it was read anew."""
    for name in ("chunks", "encoded"):
        assert found[name] >= promised[name], (crystal, name, promised[name], found[name])
    for location, (state, characters) in promised["documents"].items():
        now_state, now_characters = found["documents"][location]
        assert now_characters >= characters or now_state in ("done", "gone"), (location, state, now_state)
        assert state != "done" or now_state in ("done", "gone"), (location, now_state)


def content(crystal: Path) -> dict[str, Any]:
    """Everything that two crystals of the same folder must have in common."""
    with Store.open(crystal) as store:
        shelf, opened = IndexReader(store), CrystalReader(store, None)
        ledger, texts, layers, marks = {}, {}, {}, {}
        for row in store.sources():
            ledger[row.location] = row._replace(id=0, mtime_ns=0)
            texts[row.location] = shelf.span_text(row)
            marks[row.location] = store.rows("SELECT start, kind, label FROM landmark WHERE source = ?", (row.id,))
            for run in store.runs_of(row.id):
                for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
                    layers[shelf.chunk_text(chunk)] = codes_of(shelf, chunk)
        recalled = [
            [(each.path, each.start, each.end, each.text, round(each.score, 4)) for each in opened.recall(question, 5)]
            for question in QUESTIONS
        ]
        return {"ledger": ledger, "texts": texts, "marks": marks, "layers": layers, "recalled": recalled}


def codes_of(shelf: IndexReader, chunk: int) -> tuple[bytes, ...]:
    """A chunk's codes of the three layers."""
    index = shelf.segment_with(chunk)
    view = shelf.view(index)
    assert view.row.encoded, f"chunk {chunk} has no layers"
    assert shelf.atom_codes is not None
    local = chunk - view.row.first_chunk
    low, high = view.chunk_atoms[local], view.chunk_atoms[local + 1]
    clusters, units = shelf.codes(index)
    first, last = view.atom_clusters[low], view.atom_clusters[high]
    return (
        shelf.atom_codes[view.row.first_atom + low : view.row.first_atom + high].tobytes(),
        clusters[first:last].tobytes(),
        units[view.cluster_units[first] : view.cluster_units[last]].tobytes(),
    )


def check_same(crystal: Path, reference: Path) -> None:
    """The two hold the same."""
    one, other = content(crystal), content(reference)
    for name in one:
        assert one[name] == other[name], f"{name} differs"


# --- the campaign -----------------------------------------------------------------------------------------------------


def forked(crystal: Path, folder: Path, log: Path | None, stop_after: int | None = None, pause: float = 0) -> int:
    """Start a child; its process number. pause: seconds after each commit."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ingest(crystal, folder, log, stop_after, lambda: time.sleep(pause))
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def lines_of(log: Path) -> list[Any]:
    lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
    return [json.loads(line) for line in lines]


def campaign(home: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill until it has been done `kills` times; returns what happened."""
    chance = random.Random(seed)
    folder, crystal, reference, log = home / "docs", home / "m.crystal", home / "reference.crystal", home / "log"
    make_folder(folder, chance)
    done: Counter[str] = Counter()
    promised: dict[str, Any] = {"chunks": 0, "encoded": 0, "documents": {}}
    while done["kills"] < kills:
        kind = chance.choice(("start", "commits", "commits", "commits", "closing"))
        stop_after = chance.randint(1, 3) if kind == "closing" else None
        log.unlink(missing_ok=True)
        child = forked(crystal, folder, log, stop_after, chance.choice((0, 0.002)))
        awaited = chance.randint(1, 6) if kind == "commits" else 0
        wait_for(kind, awaited, log, child, chance)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        lines = lines_of(log)
        done["kills"] += os.WIFSIGNALED(status)
        done[kind] += os.WIFSIGNALED(status)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        done["while closing"] += os.WIFSIGNALED(status) and lines[-1:] == ["closing"]
        seen = sum(isinstance(line, dict) for line in lines)
        assert seen >= awaited or os.WIFEXITED(status)
        done["commits seen"] += seen
        promised = next((line for line in reversed(lines) if isinstance(line, dict)), promised)
        if crystal.exists():
            done["left in WAL"] += crystal.with_name(crystal.name + "-wal").exists()
            check_kept(promised, check_sound(crystal), crystal)
        if "finished" in lines:
            whole(reference, folder)
            whole(crystal, folder)  # nothing is left to do but what a kill while closing left
            check_same(crystal, reference)
            done["finished"] += 1
            change_folder(folder, chance)
    whole(crystal, folder)
    whole(reference, folder)
    check_same(crystal, reference)
    with Store.open(crystal) as store:
        assert verify_crystal(store).problems == ()
    left = sorted(path.name for path in home.iterdir())
    assert left == ["docs", "log", "m.crystal", "reference.crystal"], left
    return dict(done)


def wait_for(kind: str, commits: int, log: Path, child: int, chance: random.Random) -> None:
    """Until the moment to kill has come: any after the start, after so many commits, or while the crystal is being closed.

    What is awaited is what the child has done, so that a slow machine is killed at the same points as a fast one.
    """

    def come() -> bool:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        lines = lines_of(log)
        return "closing" in lines if kind == "closing" else sum(isinstance(line, dict) for line in lines) >= commits

    if kind == "start":
        time.sleep(chance.uniform(0, 0.5))
    else:
        until(come)
        time.sleep(chance.uniform(0, 0.02))


def whole(crystal: Path, folder: Path) -> None:
    """An ingest that nobody interrupts."""
    _, status = os.waitpid(forked(crystal, folder, None), 0)
    assert status == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Kill ingests at random moments and look for what is lost.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        done = campaign(Path(home), asked.kills, asked.seed)
    print(json.dumps({**done, "seed": asked.seed, "seconds": round(time.monotonic() - began, 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
