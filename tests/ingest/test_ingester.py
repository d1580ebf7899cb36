from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from support import faults

from crystalcli import Crystal
from crystalcli.errors import CrystalError, EncoderMismatchError, SourceError
from crystalcli.index import segment_writer
from crystalcli.index.encoder import DEFAULT_META
from crystalcli.index.fill import fill_layers
from crystalcli.ingest.ingester import Ingester, IngestReport
from crystalcli.paths import default_path
from crystalcli.recall.session import CrystalReader
from crystalcli.storage.store import Store
from crystalcli.text import read_ahead


def text_of(crystal: Crystal, path: str) -> str:
    source = crystal._store.source_named(path)
    assert source is not None
    return crystal.shelf.span_text(source)


def test_what_is_read_comes_back_exactly(tmp_path, shelf_folder, encoder_folder):
    (shelf_folder / "odd.txt").write_text("a\r\nb\r\n\r\n\tç 中文 🙂 end without newline", encoding="utf-8", newline="")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        report = crystal.ingest([shelf_folder])
        assert (report.read, list(report.skipped), report.lexical_only) == (4, [], False)
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
        reasons = {file.path: file.reason for file in report.skipped}
        codes = {file.path: file.code for file in report.skipped}
        assert codes == {"image.png": "image", "empty.txt": "empty", "broken.pdf": "damaged"}
        assert set(reasons) == {"image.png", "empty.txt", "broken.pdf"}
        assert reasons["image.png"] == "image"
        assert reasons["empty.txt"].startswith("empty")
        assert "PDF" in reasons["broken.pdf"]
        again = crystal.ingest([shelf_folder])
        assert sorted(again.skipped) == sorted(report.skipped)
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
        pytest.raises(SourceError, match="does not exist"),
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
        crystal.ingest([folder], progress=stop)
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


# --- with a stand-in that counts what it is given to encode -----------------------------------------------------------


class Shelf:
    """A folder and its crystal, ingested with the stand-in."""

    def __init__(self, home: Path) -> None:
        self.folder, self.path = home / "docs", home / "m.crystal"
        self.folder.mkdir(parents=True)
        self.encoded = 0  # chunks, in the last run

    def ingest(self, *paths: Path, progress=None, prune: bool = False) -> IngestReport:
        exists = self.path.exists()
        with Store.open(self.path, writable=True) if exists else Store.create(self.path, dict(DEFAULT_META)) as store:
            encoder = faults.HashEncoder()
            try:
                return Ingester(store, encoder, progress).run(list(paths) or [self.folder], prune=prune)
            finally:
                self.encoded = encoder.chunks

    def states(self) -> dict[str, str]:
        with Store.open(self.path) as store:
            return {row.path: row.state for row in store.sources()}

    def reason(self, path: str) -> str:
        with Store.open(self.path) as store:
            return store.source_named(path).reason

    def text(self, path: str) -> str:
        with Store.open(self.path) as store:
            opened = CrystalReader(store, None)
            return opened.shelf.span_text(store.source_named(path))

    def age(self) -> None:
        """Make the files older than a moment, so that their times are trusted."""
        for path in self.folder.rglob("*.txt"):
            os.utime(path, ns=(10**18, path.stat().st_mtime_ns - 10**10))


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path)


def write(path: Path, seed: int, lines: int = 40) -> Path:
    chance = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(faults.sentence(chance) for _ in range(lines)))
    return path


def test_a_line_of_a_thousand_files_encodes_the_chunks_around_it(shelf, monkeypatch):
    for number in range(1000):
        write(shelf.folder / f"{number % 10}" / f"{number}.txt", number, lines=30)
    shelf.age()
    report = shelf.ingest()
    assert (report.read, report.unchanged) == (1000, 0)
    assert shelf.encoded >= 1000
    opened = Counter()
    real = read_ahead.open_source
    monkeypatch.setattr(
        read_ahead, "open_source", lambda path, options: opened.update([path.name]) or real(path, options)
    )
    assert shelf.ingest().unchanged == 1000
    assert not opened
    target = shelf.folder / "7" / "507.txt"
    lines = target.read_text().splitlines(keepends=True)
    lines[14] = "One line is quite another now.\n"
    target.write_text("".join(lines))
    report = shelf.ingest()
    assert (report.read, report.unchanged) == (1, 999)
    assert set(opened) == {"507.txt"}
    assert 1 <= shelf.encoded <= 3
    assert shelf.text("7/507.txt") == target.read_text()
    target.rename(shelf.folder / "new name.txt")
    report = shelf.ingest()
    assert (report.read, report.gone, shelf.encoded) == (1, 1, 0)
    (shelf.folder / "3").rename(shelf.folder / "three")  # a hundred at once
    report = shelf.ingest(prune=True)
    assert (report.read, report.gone, report.pruned, shelf.encoded) == (100, 100, 101, 0)
    assert Counter(shelf.states().values()) == {"done": 1000}


def test_a_touched_file_is_not_read_and_one_that_comes_back_neither(shelf):
    path = write(shelf.folder / "a.txt", 1)
    shelf.ingest()
    path.touch()
    report = shelf.ingest()
    assert (report.read, report.unchanged) == (0, 1)
    kept = path.read_bytes()
    path.unlink()
    assert shelf.ingest().gone == 1
    assert shelf.states() == {"a.txt": "gone"}
    path.write_bytes(kept)
    report = shelf.ingest()
    assert (report.read, report.unchanged, shelf.states()) == (0, 1, {"a.txt": "done"})


def test_a_change_right_after_the_reading_is_seen_though_time_and_size_are_the_same(shelf):
    path = write(shelf.folder / "a.txt", 1)
    shelf.ingest()
    time = path.stat().st_mtime_ns
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(time, time))
    assert shelf.ingest().read == 1
    assert shelf.text("a.txt") == path.read_text()


def test_identical_chunks_are_stored_once_and_found_at_each_of_their_places(shelf):
    text = write(shelf.folder / "a.txt", 1, lines=100).read_text()
    shutil.copy(shelf.folder / "a.txt", shelf.folder / "b.txt")
    shelf.age()
    assert shelf.ingest().read == 2
    with Store.open(shelf.path) as store:
        opened = CrystalReader(store, None)
        (one, two) = store.sources()
        assert one.chunks == two.chunks == sum(segment.chunks for segment in store.segments()) == shelf.encoded
        for row in (one, two):
            document, views = opened.zoom(row.path)
            assert all(view.shared and text[view.start : view.end] for view in views)
            assert opened.quote(document.path, 500, 600) == text[500:600]
        for passage in opened.recall(text[1000:1100], 3):
            assert passage.path == "a.txt"
            (other,) = passage.also
            assert (other.path, other.start, str(other)) == ("b.txt", passage.start, str(passage.place))
    (shelf.folder / "a.txt").unlink()
    shelf.ingest(prune=True)
    with Store.open(shelf.path) as store:
        passage = CrystalReader(store, None).recall(text[1000:1100], 1)[0]
        assert passage.path == "b.txt"
        assert text[passage.start : passage.end] == passage.text


def test_the_other_places_of_a_passage_are_where_they_are_said_to_be(shelf, monkeypatch):
    """Shared passages after beginnings of different lengths, twice in one document, and once where only a part stands."""
    chance = random.Random(8)
    shared = "".join(faults.sentence(chance) for _ in range(90))
    texts = {
        "a.txt": shared,
        "b.txt": "Other lines.\n" * 400 + shared,
        "c.txt": shared + "\n" * 3 + shared,
        "d.txt": shared[:2500],
    }
    for name, text in texts.items():
        (shelf.folder / name).write_text(text)
    shelf.ingest()
    seen = set()
    with Store.open(shelf.path) as store:
        opened = CrystalReader(store, None)
        for at in range(200, len(shared), 450):
            for passage in opened.recall(shared[at : at + 80], 4):
                for place in passage.also:
                    text = texts[place.path]
                    assert text[place.start : place.end] == passage.text
                    assert place.line_start == text.count("\n", 0, place.start) + 1
                    assert place.line_end - place.line_start == passage.place.line_end - passage.place.line_start
                    seen.add(place.path)
    assert {"b.txt", "c.txt"} <= seen


def test_what_is_gone_under_a_folder_is_seen_from_any_folder_above_or_below(shelf):
    for name in ("a.txt", "deep/b.txt", "deep/c.txt", "deeper/d.txt"):
        write(shelf.folder / name, len(name))
    shelf.ingest()
    (shelf.folder / "deep" / "b.txt").unlink()
    (shelf.folder / "deeper" / "d.txt").unlink()
    assert shelf.ingest(shelf.folder / "deep").gone == 1
    assert shelf.states() == {"a.txt": "done", "deep/b.txt": "gone", "deep/c.txt": "done", "deeper/d.txt": "done"}
    assert shelf.ingest(shelf.folder / "deep" / "..").gone == 1
    assert shelf.states()["deeper/d.txt"] == "gone"


def test_a_folder_that_cannot_be_looked_into_is_not_gone(shelf, monkeypatch):
    write(shelf.folder / "a.txt", 1)
    text = write(shelf.folder / "closed" / "b.txt", 2).read_text()
    shelf.ingest()
    real = os.scandir

    def refuse(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = shelf.ingest(prune=True)
    assert (report.gone, report.pruned) == (0, 0)
    assert list(report.skipped) == [("closed", "permission denied", "permission_denied")]
    assert shelf.text("closed/b.txt") == text


def test_a_file_that_is_gone_keeps_its_text_when_another_takes_its_name(shelf):
    old = write(shelf.folder / "one" / "README.txt", 1)
    text = old.read_text()
    shelf.ingest(shelf.folder / "one")
    old.unlink()
    new = write(shelf.folder / "two" / "README.txt", 2)
    report = shelf.ingest(shelf.folder / "two")
    assert (report.read, report.gone) == (1, 1)
    assert shelf.states() == {"README.txt": "done", "README.txt (gone, 1)": "gone"}
    assert shelf.text("README.txt") == new.read_text()
    assert shelf.text("README.txt (gone, 1)") == text
    assert shelf.ingest(shelf.folder / "two", prune=True).pruned == 1
    assert shelf.states() == {"README.txt": "done"}


def test_a_folder_that_was_moved_is_not_read_again(shelf):
    text = write(shelf.folder / "one" / "a.txt", 1).read_text()
    shelf.ingest(shelf.folder / "one")
    (shelf.folder / "one").rename(shelf.folder / "two")
    report = shelf.ingest(shelf.folder / "two")
    assert (report.read, report.unchanged, report.gone, shelf.states()) == (0, 1, 0, {"a.txt": "done"})
    assert shelf.text("a.txt") == text
    assert shelf.ingest().gone == 0


# --- files that do not keep still ------------------------------------------------------------------------------------


class Meddler:
    """Does something to a file when the ingest tells that it has come so far: while it is being read."""

    def __init__(self, times: int, what) -> None:
        self.left, self.what = times, what

    def __call__(self, progress) -> None:
        if progress.current == "b.txt" and progress.tokens > 0 and self.left > 0:
            self.left -= 1
            self.what()


def _in_small_pieces(real, path, options):
    return real(path, replace(options, piece=1 << 14))


@pytest.fixture
def busy(shelf, monkeypatch):
    """A shelf whose second document is long, so that parts of it are committed while it is read."""
    monkeypatch.setattr(segment_writer, "SEGMENT_BYTES", 8_000)
    monkeypatch.setattr(read_ahead, "open_source", partial(_in_small_pieces, read_ahead.open_source))
    write(shelf.folder / "a.txt", 1)
    write(shelf.folder / "b.txt", 2, lines=1500)
    write(shelf.folder / "c.txt", 3)
    return shelf


CHANGES = {
    "rewritten": lambda path: path.write_text(path.read_text().swapcase()),
    "shrunk": lambda path: path.write_text(path.read_text()[: path.stat().st_size // 2]),
    "grown": lambda path: path.write_text(path.read_text() + "A line more.\n"),
}


@pytest.mark.parametrize("before", [False, True], ids=["new", "known"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_file_that_changes_once_while_it_is_read_is_read_again(busy, change, before):
    path = busy.folder / "b.txt"
    if before:
        busy.ingest()
        write(path, 4, lines=1500)
    report = busy.ingest(progress=Meddler(1, lambda: change(path)))
    assert list(report.skipped) == []
    assert set(busy.states().values()) == {"done"}
    assert busy.text("b.txt") == path.read_text()
    faults.check_sound(busy.path)
    assert busy.ingest().unchanged == 3


@pytest.mark.parametrize("before", [False, True], ids=["new", "known"])
def test_a_file_that_never_keeps_still_is_failed_and_what_was_read_before_stays(busy, before, monkeypatch):
    path = busy.folder / "b.txt"
    old = path.read_text()
    if before:
        busy.ingest()
        write(path, 4, lines=1500)
    real = Ingester._pieces

    def restless(self, reading, current):
        for number, piece in enumerate(real(self, reading, current)):
            yield piece
            if current.file.path == path and number == 1:
                path.write_text(path.read_text() + "more\n")

    with monkeypatch.context() as context:
        context.setattr(Ingester, "_pieces", restless)
        report = busy.ingest()
    assert list(report.skipped) == [("b.txt", "changed while it was being read", "changed_while_read")]
    assert busy.states() == {"a.txt": "done", "b.txt": "failed", "c.txt": "done"}
    assert busy.text("b.txt") == (old if before else "")
    faults.check_sound(busy.path)
    assert busy.ingest().read == 1
    assert busy.text("b.txt") == path.read_text()


def test_a_file_that_vanishes_while_it_is_read_is_failed_and_then_gone(busy):
    path = busy.folder / "b.txt"
    old = path.read_text()
    busy.ingest()
    write(path, 4, lines=1500)

    def vanish() -> None:
        path.write_text("x")
        path.unlink()

    report = busy.ingest(progress=Meddler(1, vanish))
    assert list(report.skipped) == [("b.txt", "no longer there", "not_found")]
    assert (busy.states()["b.txt"], busy.reason("b.txt")) == ("failed", "no longer there")
    assert busy.text("b.txt") == old
    assert busy.ingest().gone == 1
    assert busy.states()["b.txt"] == "gone"


def test_a_file_that_vanishes_between_the_walk_and_its_reading_is_failed(busy):
    report = busy.ingest(
        progress=lambda now: now.current == "a.txt" and (busy.folder / "c.txt").unlink(missing_ok=True)
    )
    assert list(report.skipped) == [("c.txt", "no longer there", "not_found")]
    assert busy.states() == {"a.txt": "done", "b.txt": "done", "c.txt": "failed"}


def test_a_file_that_may_not_be_read_is_tried_again(shelf, monkeypatch):
    write(shelf.folder / "a.txt", 1)
    shelf.age()
    real = Path.open

    def refuse(path, *rest, **more):
        if path.name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **more)

    with monkeypatch.context() as context:
        context.setattr(Path, "open", refuse)
        assert list(shelf.ingest().skipped) == [("a.txt", "permission denied", "permission_denied")]
    assert shelf.states() == {"a.txt": "failed"}
    assert shelf.ingest().read == 1  # chmod leaves size and time as they were


# --- interruptions ---------------------------------------------------------------------------------------------------


def test_what_was_read_before_a_ctrl_c_is_committed_without_layers(shelf, tmp_path):
    texts = [write(shelf.folder / f"{number}.txt", number).read_text() for number in range(6)]

    def stop(progress) -> None:
        if progress.files == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.ingest(progress=stop)
    assert shelf.encoded == 0
    assert shelf.states() == {f"{number}.txt": "done" for number in range(4)}
    with Store.open(shelf.path, writable=True) as store:
        opened = CrystalReader(store, None)
        assert [opened.recall(text[:100], 1)[0].path for text in texts[:4]] == [f"{number}.txt" for number in range(4)]
        fill_layers(store, faults.HashEncoder())
    assert shelf.ingest().read == 2
    fresh = Shelf(tmp_path / "fresh")
    shutil.copytree(shelf.folder, fresh.folder, dirs_exist_ok=True)
    fresh.ingest()
    faults.check_same(shelf.path, fresh.path)


def test_a_ctrl_c_while_layers_are_made_loses_nothing_that_was_read(shelf, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    write(shelf.folder / "a.txt", 1)
    monkeypatch.setattr(faults.HashEncoder, "codes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shelf.ingest()
    assert shelf.states() == {"a.txt": "done"}


def test_text_without_layers_beside_text_with_layers_is_recalled(tmp_path, encoder_folder, shelf_folder):
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder / "tale.txt", shelf_folder / "code"])
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.ingest([shelf_folder / "notes.md"])
    with Crystal.open(path, encoder=encoder_folder) as crystal:
        assert not crystal.lexical_only
        for depth in (1, 2, 3):
            assert "04:10" in crystal.recall("high water at Oldhaven", 1, depth=depth)[0].text


def test_a_partly_read_document_is_never_shown_with_less_than_before(busy):
    """A large file, interrupted again and again: what may be recalled of it only grows."""
    path, seen = busy.folder / "b.txt", [0]
    for limit in (6_000, 2_000, 9_000, 1):

        def stop(progress, limit=limit) -> None:
            if progress.current == "b.txt" and progress.tokens > limit:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            busy.ingest(progress=stop)
        text = busy.text("b.txt")
        assert path.read_text().startswith(text)
        seen.append(len(text))
        faults.check_sound(busy.path)
    assert seen == sorted(seen)
    assert 0 < seen[1] < seen[-1]
    busy.ingest()
    assert busy.text("b.txt") == path.read_text()


def test_slow_work_is_committed_in_time(shelf, monkeypatch):
    for number in range(30):
        write(shelf.folder / f"{number}.txt", number)
    monkeypatch.setattr(segment_writer, "PATIENCE", 0.0)
    shelf.ingest()
    with Store.open(shelf.path) as store:
        assert len(store.segments()) >= 30
