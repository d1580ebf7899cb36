from __future__ import annotations

import os
import shutil

import pytest

from crystalcli import Crystal
from crystalcli.errors import CrystalError, EncoderMismatchError, SourceError
from crystalcli.memory.crystal import default_path
from crystalcli.storage.store import Store


def text_of(crystal: Crystal, path: str) -> str:
    source = crystal._store.source_named(path)
    assert source is not None
    return crystal.shelf.span_text(source)


def test_what_is_read_comes_back_exactly(tmp_path, shelf_folder, encoder_folder):
    (shelf_folder / "odd.txt").write_text("a\r\nb\r\n\r\n\tç 中文 🙂 end without newline", encoding="utf-8", newline="")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        report = crystal.ingest([shelf_folder])
        assert (report.read, report.skipped, report.lexical_only) == (4, [], False)
        assert report.encoded_tokens == report.tokens == crystal.stats().tokens
        for name in ("tale.txt", "notes.md", "code/tide.py", "odd.txt"):
            with (shelf_folder / name).open(encoding="utf-8", newline="") as file:
                assert text_of(crystal, name) == file.read()
        assert sorted(crystal) == ["code/tide.py", "notes.md", "odd.txt", "tale.txt"]
        kinds = {document.path: document.kind for document in crystal.documents()}
        assert kinds == {"tale.txt": "text", "notes.md": "markdown", "code/tide.py": "code", "odd.txt": "text"}


def test_a_second_run_encodes_nothing(tmp_path, shelf_folder, encoder_folder):
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
    before = path.stat().st_size
    with Crystal.open(path, writable=True, encoder=encoder_folder) as crystal:
        report = crystal.ingest([shelf_folder])
        assert (report.read, report.unchanged, report.encoded_tokens) == (0, 3, 0)
        os.utime(shelf_folder / "tale.txt", (1, 1))  # touched, not changed
        report = crystal.ingest([shelf_folder])
        assert (report.read, report.unchanged, report.encoded_tokens) == (0, 3, 0)
    assert path.stat().st_size == before


def test_a_change_encodes_only_the_chunks_around_it(tmp_path, encoder_folder):
    folder = tmp_path / "docs"
    folder.mkdir()
    text = "".join(f"Paragraph {i} tells of ship number {i * 7919 % 1000} and of her crew.\n\n" for i in range(300))
    (folder / "long.txt").write_text(text)
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        first = crystal.ingest([folder]).encoded_tokens
        encoded = []
        for number in (30, 90, 200, 250, 290):
            text = text.replace(f"Paragraph {number} tells", f"Paragraph {number} now tells")
            (folder / "long.txt").write_text(text)
            encoded.append(crystal.ingest([folder]).encoded_tokens)
        assert 0 < sorted(encoded)[2] <= 3 * 254
        assert max(encoded) < first
        assert text_of(crystal, "long.txt") == text
        found = crystal.recall("ship of paragraph 200", k=20)
        assert not any("Paragraph 200 tells" in passage.text for passage in found)


def test_a_renamed_file_encodes_nothing_and_the_old_name_is_gone(tmp_path, shelf_folder, encoder_folder):
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
        (shelf_folder / "tale.txt").rename(shelf_folder / "story.txt")
        report = crystal.ingest([shelf_folder])
        assert (report.read, report.encoded_tokens, report.gone) == (1, 0, 1)
        states = {document.path: document.state for document in crystal.documents()}
        assert states["tale.txt"] == "gone"
        assert states["story.txt"] == "done"


def test_the_same_text_twice_is_stored_once_and_cited_at_its_place(tmp_path, shelf_folder, encoder_folder):
    shutil.copy(shelf_folder / "tale.txt", shelf_folder / "copy.txt")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        report = crystal.ingest([shelf_folder])
        assert report.encoded_tokens < report.tokens
        assert text_of(crystal, "copy.txt") == text_of(crystal, "tale.txt")


def test_two_folders_with_the_same_names_are_kept_apart(tmp_path, encoder_folder):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"# The {name} project\n\nIt is about number {name}.\n")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path / "one", tmp_path / "two"])
        assert sorted(crystal) == ["README.md", "two/README.md"]
        assert "two project" in text_of(crystal, "two/README.md")
        assert crystal.ingest([tmp_path / "two"]).unchanged == 1


def test_what_cannot_be_read_is_listed_with_its_reason(tmp_path, shelf_folder, encoder_folder):
    (shelf_folder / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    (shelf_folder / "empty.txt").write_text("")
    (shelf_folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnothing of the kind")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        report = crystal.ingest([shelf_folder])
        assert report.read == 3
        reasons = dict(report.skipped)
        assert set(reasons) == {"image.png", "empty.txt", "broken.pdf"}
        assert reasons["image.png"].startswith("binary")
        assert reasons["empty.txt"].startswith("empty")
        assert "PDF" in reasons["broken.pdf"]
        again = crystal.ingest([shelf_folder])
        assert dict(again.skipped) == reasons
        (shelf_folder / "empty.txt").write_text("No longer empty: the code word is quince.\n")
        assert crystal.ingest([shelf_folder]).read == 1
        assert "quince" in crystal.recall("What is the code word?", k=1)[0].text


def test_a_file_that_turns_bad_keeps_what_was_read_of_it(tmp_path, shelf_folder, encoder_folder):
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
        (shelf_folder / "notes.md").write_bytes(b"\0\0\0\0binary now\0\0")
        crystal.ingest([shelf_folder])
        (document,) = [each for each in crystal.documents() if each.path == "notes.md"]
        assert document.state == "failed"
        assert "binary" in document.reason
        assert "04:10" in text_of(crystal, "notes.md")
        assert not crystal.stats().complete


def test_a_path_that_does_not_exist_is_named(tmp_path, encoder_folder):
    with (
        Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal,
        pytest.raises(SourceError, match="no such file or folder"),
    ):
        crystal.ingest([tmp_path / "nowhere"])


def test_without_weights_the_lexical_index_is_made_and_layers_follow_later(tmp_path, shelf_folder, encoder_folder):
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=None) as crystal:
        report = crystal.ingest([shelf_folder])
        assert report.lexical_only
        assert crystal.lexical_only
        assert crystal.stats().layers[3].nodes == 0
        assert not crystal.stats().complete
        assert "04:10" in crystal.recall("high water at Oldhaven", k=1)[0].text
    with Crystal.open(path, writable=True, encoder=encoder_folder) as crystal:
        tokens = crystal.stats().tokens
        report = crystal.ingest([shelf_folder])
        assert (report.read, report.encoded_tokens) == (0, tokens)
        assert crystal.stats().complete
        later = crystal.recall("When does the sea rise?", k=3)
    with Crystal.create(tmp_path / "n.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
        at_once = crystal.recall("When does the sea rise?", k=3)
    assert [(p.path, p.start, p.end) for p in later] == [(p.path, p.start, p.end) for p in at_once]


def test_an_interrupted_ingest_keeps_what_was_committed_and_goes_on(tmp_path, encoder_folder):
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(3):
        text = "".join(f"Volume {number}, entry {i}: the value is {i * 31 + number}.\n\n" for i in range(4500))
        (folder / f"{number}.txt").write_text(text)
    path = tmp_path / "m.crystal"

    def stop(progress):
        if progress.files == 2:
            raise KeyboardInterrupt

    with Crystal.create(path, encoder=None) as crystal, pytest.raises(KeyboardInterrupt):
        crystal.ingest([folder], stop)
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        held = crystal.stats().tokens
        assert held > 0
        assert crystal.recall("Volume 0 entry 7", k=1)
        crystal.ingest([folder])
        assert crystal.stats().tokens > held
        for number in range(3):
            assert text_of(crystal, f"{number}.txt") == (folder / f"{number}.txt").read_text()
        assert crystal.stats().complete is False  # lexical only
        assert {each.state for each in crystal.documents()} == {"done"}


def test_another_encoder_s_crystal_is_refused(tmp_path, encoder_folder):
    Store.create(tmp_path / "m.crystal", {"encoder": "some-other-model"}).close()
    with pytest.raises(EncoderMismatchError, match="made with the encoder some-other-model"):
        Crystal.open(tmp_path / "m.crystal", encoder=encoder_folder)


def test_a_crystal_open_for_reading_is_not_written(tmp_path, shelf_folder, encoder_folder):
    Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder).close()
    with (
        Crystal.open(tmp_path / "m.crystal", encoder=encoder_folder) as crystal,
        pytest.raises(CrystalError, match="for reading only"),
    ):
        crystal.ingest([shelf_folder])


def test_the_default_crystal_is_the_nearest_upward(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert default_path(deep, None) == deep / "memory.crystal"
    (tmp_path / "memory.crystal").write_bytes(b"")
    assert default_path(deep, None) == tmp_path / "memory.crystal"
    assert str(default_path(deep, "elsewhere.crystal")) == "elsewhere.crystal"


def test_a_renamed_file_is_cited_by_its_new_name_and_a_gone_one_is_marked_until_pruned(tmp_path, encoder_folder):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "old.md").write_text("The pump was repaired by Ingrid.\n")
    (folder / "other.md").write_text("The ferry leaves at noon.\n")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([str(folder)])
        (folder / "old.md").rename(folder / "new.md")
        (folder / "other.md").unlink()
        assert crystal.ingest([folder]).gone == 2
        best = crystal.recall("Who repaired the pump?", 1)[0]
        assert (best.path, best.gone) == ("new.md", False)
        best = crystal.recall("When does the ferry leave?", 1)[0]
        assert (best.path, best.gone) == ("other.md", True)
        assert crystal.ingest([folder], prune=True).pruned == 2
        assert {document.path for document in crystal.documents()} == {"new.md"}
        assert not any("ferry" in passage.text for passage in crystal.recall("When does the ferry leave?", 5))


def test_a_name_that_is_not_utf8_is_skipped_and_the_rest_is_read(tmp_path, shelf_folder, encoder_folder):
    (shelf_folder / os.fsdecode(b"bad\xff.md")).write_bytes(b"x")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        report = crystal.ingest([shelf_folder])
        assert report.read == 3
        assert len(report.skipped) == 1


def test_hidden_files_are_left_out(tmp_path, shelf_folder, encoder_folder):
    (shelf_folder / ".env").write_text("SECRET_KEY=hunter2\n")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        assert crystal.ingest([shelf_folder]).read == 3
        assert ".env" not in {document.path for document in crystal.documents()}
