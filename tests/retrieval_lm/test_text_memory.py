"""A crystal that is written as text is read: what it opens, what it recalls behind an atom, and what an interruption leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.small_encoder import make_encoder

from crystalcli.errors import CrystalError, EncoderMismatchError, UsageError
from crystalcli.library import Crystal
from crystalcli.retrieval_lm import TextMemory

pytestmark = pytest.mark.usefixtures("one_thread")

LAMPS = "".join(f"Line {number} is about the {number * 37 % 101}th lamp of the harbour.\n" for number in range(60))
GULLS = "The keeper of the lighthouse paints his door green every spring, and the gulls applaud. "
VAULT = "The vault opens to eleven, twenty-two, thirty-three, and nobody may be told of it again. " * 3


def open_files(path: Path) -> list[str]:
    """What this process has open of a crystal."""
    links = Path("/proc/self/fd")
    if not links.is_dir():
        pytest.skip("this system does not say which files are open")
    found = []
    for link in links.iterdir():
        try:
            found.append(str(link.readlink()))
        except OSError:  # it was open for the listing alone
            continue
    return [each for each in found if path.name in each]


def test_a_crystal_with_an_encoder_of_its_own_is_refused_and_let_go(tmp_path, shelf_folder, encoder_folder):
    own, path = make_encoder(tmp_path / "own", positions=64), tmp_path / "own.crystal"
    with Crystal.create(path, encoder=own) as crystal:
        crystal.ingest([shelf_folder])
    before = path.read_bytes()
    for encoder, error, said in (
        (None, UsageError, "expected all-MiniLM-L6-v2"),
        (own, UsageError, "expected all-MiniLM-L6-v2"),
        (encoder_folder, EncoderMismatchError, "holds another"),
    ):
        with pytest.raises(error, match=said) as raised:
            TextMemory(encoder, path)
        assert open_files(path) == []  # though the error, and the frames in it, are still here
        del raised
    assert path.read_bytes() == before
    with pytest.raises(UsageError, match="expected all-MiniLM-L6-v2"):
        TextMemory(own, tmp_path / "new.crystal")
    assert not (tmp_path / "new.crystal").exists()


def test_what_is_given_with_an_atom_is_the_next_of_its_text_and_nothing_forgotten(tmp_path):
    folder, path = tmp_path / "src", tmp_path / "x.crystal"
    folder.mkdir()
    for name, text in (("a", GULLS), ("b", VAULT), ("c", "Ploughing begins in the barley fields."), ("d", "Sheep.")):
        (folder / f"{name}.txt").write_text(text)
    with Crystal.create(path, encoder=None) as crystal:
        crystal.ingest([folder])
    with TextMemory(None, path) as past:
        (found,) = past.recall("the keeper paints his door green", 1)
        assert found.text == GULLS  # and not the next document
        both = past.recall("the vault that opens; ploughing the barley fields", 2)
        assert [each.text for each in sorted(both, key=lambda each: each.atom)] == [
            VAULT,
            "Ploughing begins in the barley fields.",
        ]  # each by itself, though their atoms touch
    with Crystal.open(path, writable=True) as crystal:
        crystal.forget(["b.txt"])
    with TextMemory(None, path) as past:
        for after in (0, 1, 5):
            assert [each.text for each in past.recall("the keeper paints his door green", 1, after=after)] == [GULLS]
        assert not any("vault" in each.text for each in past.recall("the vault, the door, the barley", 9, after=3))


def test_stretches_that_were_read_go_on_in_one_another(tmp_path):
    path = tmp_path / "read.crystal"
    with TextMemory(None, path) as past:
        past.add(GULLS)
        past.add("Then the ferry came in.")
    with TextMemory(None, path) as past:
        past.add(" It brought the post.")
        found = past.recall("the keeper paints his door green", 1, after=2)
        assert [each.text for each in found] == [f"{GULLS}Then the ferry came in. It brought the post."]
        past.add(GULLS)  # is stored already, so that what was stored before it is not followed by it there
        past.add("Sheep.")
        assert [each.text for each in past.recall("brought the post", 1)] == [" It brought the post."]


class _Interrupted:
    """Layers that stop at the first call, as Ctrl-C does."""

    def __init__(self, layers):
        self._layers, self._calls = layers, 0

    def codes(self, chunks, tokens=None):
        self._calls += 1
        if self._calls == 1:
            raise KeyboardInterrupt
        return self._layers.codes(chunks, tokens)


def test_what_was_interrupted_is_not_there_and_can_be_added_again(tmp_path, encoder_folder):
    path = tmp_path / "past.crystal"
    with TextMemory(encoder_folder, path) as past:
        past.add(LAMPS)
        past._chunk_encoder = past._writer._encoder = _Interrupted(past._chunk_encoder)
        with pytest.raises(KeyboardInterrupt):
            past.add(GULLS)
        assert past.characters == len(LAMPS)
        past.add(VAULT)
        past.add(GULLS)
        assert past.characters == len(LAMPS + VAULT + GULLS)
        assert past.recall("the keeper paints his door green", 1)[0].text == GULLS
    with Crystal.open(path) as crystal:
        assert [each.characters for each in crystal.documents()] == [len(LAMPS), len(VAULT), len(GULLS)]
        assert crystal.shelf.dead is None  # nothing was written for the one that was interrupted
        assert crystal.verify().sound


def test_what_was_written_before_it_was_interrupted_is_there(tmp_path):
    with TextMemory(None, tmp_path / "past.crystal") as past:
        commit = past._writer.commit

        def then_stop():
            commit()
            raise KeyboardInterrupt  # as it is held back until all is written

        past._writer.commit = then_stop
        with pytest.raises(KeyboardInterrupt):
            past.add(GULLS)
        assert past.characters == len(GULLS)
        past._writer.commit = commit
        past.add(VAULT)
        assert len(past.recall("the keeper and the vault", 2, after=0)) == 1  # they touch
        assert past.recall("the keeper", 1)[0].text == GULLS + VAULT


def test_a_folder_of_its_own_goes_with_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(CrystalError, match="nowhere"):
        TextMemory(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []
