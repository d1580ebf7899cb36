from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from support.lexical_crystals import folders, inside, read_into, recalled, texts, write

from crystalcli import Crystal
from crystalcli.errors import CrystalError, DamagedCrystalError, EncoderMismatchError, NotACrystalError, UsageError
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.storage.store import Store
from crystalcli.storage.tables.blobs import digest


@settings(max_examples=8, deadline=None)
@given(first=folders, second=folders)
def test_a_merged_crystal_is_what_one_ingest_of_both_folders_would_have_written(first, second):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        one = read_into(home / "one.crystal", write(home / "one", first))
        two = read_into(home / "two.crystal", write(home / "two", second))
        before = inside(one), inside(two)
        report = merge_crystals([one, two], home / "all.crystal")
        same = {path for path in first.keys() & second.keys() if first[path] == second[path]}
        others = {path: text for path, text in second.items() if path not in same}
        renamed = {path: f"two/{path}" if path in first else path for path in others}
        assert texts(home / "all.crystal") == {**first, **{renamed[path]: text for path, text in others.items()}}
        assert report.same == len(same)
        assert {(old, new) for _, old, new in report.renamed} == {(a, b) for a, b in renamed.items() if a != b}
        assert report.documents == len(first) + len(others)
        fresh = read_into(home / "fresh.crystal", home / "one", write(home / "two", others))
        if any(
            old != new and not old.endswith(".txt") for old, new in renamed.items()
        ):  # their chunks keep their contexts
            assert textual(inside(home / "all.crystal")) == textual(inside(fresh))
        else:
            assert inside(home / "all.crystal") == inside(fresh)
            question = "ferry keeper lamp tide"
            assert recalled(home / "all.crystal", question) == recalled(fresh, question)
        assert (inside(one), inside(two)) == before
        # Everything forgotten that came from the second folder leaves the first.
        with Crystal.open(home / "all.crystal", writable=True, encoder=None) as crystal:
            if others:
                crystal.forget(list(renamed.values()))
        compact_crystal(home / "all.crystal")
        assert inside(home / "all.crystal") == before[0]


def textual(tables: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The tables without what depends on the place of a text."""
    parts = [row for row in tables["part"] if row[1] not in ("contexts", "lengths")]
    return {"segment": tables["segment"], "part": parts, "lexicon": tables["lexicon"]}


def test_real_layers_are_carried_over_and_recall_finds_both(samples_crystal, encoder_folder, tmp_path, answerable):
    folder = write(tmp_path / "docs", {"note.md": "# Pump\n\nThe pump of the lower lock was repaired by Ingrid.\n"})
    with Crystal.create(tmp_path / "note.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder])
    report = merge_crystals([samples_crystal, tmp_path / "note.crystal"], tmp_path / "all.crystal")
    with Crystal.open(samples_crystal, encoder=encoder_folder) as alone:
        expected = [alone.recall(item["question"], 1)[0].text for item in answerable[::10]]
        assert report.documents == alone.stats().documents + 1
        codes = alone.shelf.atom_codes
    with Crystal.open(tmp_path / "all.crystal", encoder=encoder_folder) as both:
        assert [both.recall(item["question"], 1)[0].text for item in answerable[::10]] == expected
        assert both.recall("Who repaired the pump?", 1)[0].path == "note.md"
        assert both.stats().complete
        assert both.shelf.atom_codes[: len(codes)].tobytes() == codes[: len(codes)].tobytes()


def test_the_ledger_of_a_merged_crystal_finds_the_files_again(tmp_path):
    one = read_into(tmp_path / "a" / "one.crystal", write(tmp_path / "a" / "docs", {"x.txt": "The lamp burns oil.\n"}))
    write(tmp_path / "b" / "notes", {"y.txt": "The bell rings twice.\n"})
    two = read_into(tmp_path / "b" / "two.crystal", tmp_path / "b" / "notes")
    for output in (tmp_path / "all.crystal", tmp_path / "b" / "all.crystal"):
        merge_crystals([one, two], output)
        with Crystal.open(output, writable=True, encoder=None) as crystal:
            report = crystal.ingest([tmp_path / "a" / "docs", tmp_path / "b" / "notes"])
            assert (report.read, report.unchanged, report.gone) == (0, 2, 0)
            (tmp_path / "a" / "docs" / "x.txt").rename(tmp_path / "x.txt")
            assert crystal.ingest([tmp_path / "a" / "docs"]).gone == 1
            (tmp_path / "x.txt").rename(tmp_path / "a" / "docs" / "x.txt")
    with Store.open(tmp_path / "b" / "all.crystal") as store:
        places = {source.path: source.location for source in store.sources()}
    assert places == {"x.txt": str(tmp_path / "a" / "docs" / "x.txt"), "y.txt": "notes/y.txt"}


def test_of_two_states_of_one_file_the_younger_keeps_its_place(tmp_path):
    folder = write(tmp_path / "docs", {"x.txt": "The lamp burns oil.\n", "same.txt": "The rope is new.\n"})
    os.utime(folder / "x.txt", ns=(1_000_000_000_000_000_000,) * 2)
    old = read_into(tmp_path / "old.crystal", folder)
    (folder / "x.txt").write_text("The lamp burns gas.\n")
    os.utime(folder / "x.txt", ns=(1_500_000_000_000_000_000,) * 2)
    new = read_into(tmp_path / "new.crystal", folder)
    for order, named in (([old, new], ("x.txt", "new/x.txt")), ([new, old], ("old/x.txt", "x.txt"))):
        report = merge_crystals(order, tmp_path / "all.crystal", force=True)
        assert (report.documents, report.same) == (3, 1)
        with Crystal.open(tmp_path / "all.crystal", writable=True, encoder=None) as crystal:
            states = {document.path: document.state for document in crystal.documents()}
            assert states == {named[0]: "gone", named[1]: "done", "same.txt": "done"}
            assert crystal.quote(named[1], 0, 99) == "The lamp burns gas.\n"
            assert crystal.ingest([folder]).unchanged == 2
            assert crystal.ingest([folder], prune=True).pruned == 1


def test_what_one_crystal_knows_better_is_taken_from_it(tmp_path):
    folder = write(tmp_path / "docs", {"x.txt": "The lamp burns oil.\n", "y.txt": "The bell rings.\n"})
    there = read_into(tmp_path / "there.crystal", folder)
    (folder / "x.txt").unlink()
    (folder / "y.txt").write_bytes(bytes(100))
    gone = read_into(Path(shutil.copy(there, tmp_path / "gone.crystal")), folder)
    unread = read_into(tmp_path / "unread.crystal", folder)
    for order in ([gone, there, unread], [unread, there, gone], [there, unread, gone], [unread, gone, there]):
        merge_crystals(order, tmp_path / "all.crystal", force=True)
        with Store.open(tmp_path / "all.crystal") as store:
            states = {source.path: source.state for source in store.sources()}
        assert states == {"x.txt": "done", "y.txt": "done"}
        assert texts(tmp_path / "all.crystal")["y.txt"] == "The bell rings.\n"
    merge_crystals([unread, unread], tmp_path / "all.crystal", force=True)
    with Store.open(tmp_path / "all.crystal") as store:
        assert [source.state for source in store.sources()] == ["skipped"]


def test_a_file_that_was_read_to_its_end_stands_for_its_beginning(tmp_path):
    folder = write(tmp_path / "docs", {"x.txt": "".join(f"The lamp of night {i} burns oil.\n\n" for i in range(9000))})

    def stop(progress):
        if progress.tokens > 40_000:
            raise KeyboardInterrupt

    with Crystal.create(tmp_path / "begun.crystal", encoder=None) as crystal, pytest.raises(KeyboardInterrupt):
        crystal.ingest([folder], progress=stop)
    assert 0 < len(_text(tmp_path / "begun.crystal")) < 9000 * 34
    whole = read_into(tmp_path / "whole.crystal", folder)
    for order in ([tmp_path / "begun.crystal", whole], [whole, tmp_path / "begun.crystal"]):
        merge_crystals(order, tmp_path / "all.crystal", force=True)
        assert texts(tmp_path / "all.crystal") == texts(whole)


def _text(path: Path) -> str:
    """What there is of the one document so far."""
    with Store.open(path) as store:
        chunks = ChunkReader(store)
        return "".join(map(chunks.text, chunks.of(store.sources()[0].id)))


def test_an_output_that_is_there_is_kept_without_force_and_only_a_crystal_is_replaced(tmp_path):
    one = read_into(tmp_path / "one.crystal", write(tmp_path / "one", {"x.txt": "The lamp burns oil.\n"}))
    two = read_into(tmp_path / "two.crystal", write(tmp_path / "two", {"y.txt": "The bell rings.\n"}))
    with pytest.raises(CrystalError, match="exists already; --force replaces it"):
        merge_crystals([one, two], two)
    (tmp_path / "notes.txt").write_text("not a crystal " * 20)
    with pytest.raises(NotACrystalError, match="is not a crystal"):
        merge_crystals([one, two], tmp_path / "notes.txt", force=True)
    with (
        Crystal.open(two, writable=True, encoder=None),
        pytest.raises(CrystalError, match="another program is writing"),
    ):
        merge_crystals([one, two], two, force=True)
    merge_crystals([one, two], two, force=True)  # into one of its own inputs
    assert set(texts(two)) == {"x.txt", "y.txt"}
    merge_crystals([two, two], tmp_path / "twice.crystal")
    assert set(texts(tmp_path / "twice.crystal")) == {"x.txt", "y.txt"}
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "notes.txt",
        "one",
        "one.crystal",
        "twice.crystal",
        "two",
        "two.crystal",
    ]


def test_crystals_that_do_not_go_together_are_refused(tmp_path):
    one = read_into(tmp_path / "one.crystal", write(tmp_path / "one", {"x.txt": "The lamp burns oil.\n"}))
    two = read_into(tmp_path / "two.crystal", tmp_path / "one")
    with pytest.raises(UsageError, match="two crystals or more"):
        merge_crystals([one], tmp_path / "all.crystal")
    with pytest.raises(CrystalError, match="does not exist"):
        merge_crystals([one, tmp_path / "none.crystal"], tmp_path / "all.crystal")
    with pytest.raises(CrystalError, match=r"folder .* does not exist"):
        merge_crystals([one, two], tmp_path / "none" / "all.crystal")
    sealed = digest(b"\0").hex()
    for change, kind, message in (
        (
            "UPDATE meta SET value = 'another' WHERE key = 'encoder'",
            EncoderMismatchError,
            "made with the encoder another, and",
        ),
        (
            f"INSERT INTO codebook VALUES ('atoms_rotation', x'{sealed}', x'00')",
            EncoderMismatchError,
            "different codebooks",
        ),
        ("UPDATE codebook SET data = x'01'", DamagedCrystalError, "codebook atoms_rotation does not match its digest"),
    ):
        raw = sqlite3.connect(two)
        raw.execute("UPDATE meta SET value = 'all-MiniLM-L6-v2' WHERE key = 'encoder'")
        raw.execute(change)
        raw.commit()
        raw.close()
        with pytest.raises(kind, match=message):
            merge_crystals([one, two], tmp_path / "all.crystal")
    assert not list(tmp_path.glob("*all.crystal*"))


def test_a_crystal_cannot_put_its_text_in_place_of_another_s(tmp_path):
    true = read_into(tmp_path / "true.crystal", write(tmp_path / "true", {"x.txt": "The lamp burns oil.\n"}))
    false = read_into(tmp_path / "false.crystal", write(tmp_path / "false", {"y.txt": "The lamp burns tar.\n"}))
    with Store.open(true) as store:
        claimed = store.part(1, "hashes")
    with Store.open(false, writable=True) as store, store.transaction():
        store.add_part(1, "hashes", claimed)
    with pytest.raises(DamagedCrystalError, match=r"false\.crystal is damaged: the text of chunk 0"):
        merge_crystals([false, true], tmp_path / "all.crystal")
    merge_crystals([true, false], tmp_path / "all.crystal")
    assert recalled(tmp_path / "all.crystal", "lamp")[0].text == "The lamp burns oil."
