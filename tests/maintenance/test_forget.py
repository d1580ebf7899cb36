from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lexical_crystals import inside, read_into, texts, write

from crystalcli import Crystal
from crystalcli.errors import CrystalError, NotFoundError, UsageError
from crystalcli.index.glob_pattern import glob_to_regex
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.storage.store import Store

FILES = {
    "a.txt": "The lamp burns oil.\n",
    "b.md": "# Bells\n\nThe bell rings twice.\n",
    "c/a.txt": "The rope is new.\n",
    "c/d/e.py": "anchor = 1\n",
    "c/[x].txt": "The chart is old.\n",
    "cc.txt": "The salt is wet.\n",
}


@pytest.fixture
def path(tmp_path):
    return read_into(tmp_path / "m.crystal", write(tmp_path / "docs", FILES))


@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (["b.md"], ["b.md"]),
        (["a.txt"], ["a.txt"]),  # cited just so; the other one is c/a.txt
        (["c"], ["c/[x].txt", "c/a.txt", "c/d/e.py"]),
        (["c/"], ["c/[x].txt", "c/a.txt", "c/d/e.py"]),
        (["*.txt"], ["a.txt", "c/[x].txt", "c/a.txt", "cc.txt"]),
        (["c/*.txt"], ["c/[x].txt", "c/a.txt"]),
        (["c/*"], ["c/[x].txt", "c/a.txt"]),
        (["c/**"], ["c/[x].txt", "c/a.txt", "c/d/e.py"]),
        (["**/*.py"], ["c/d/e.py"]),
        (["c/[x].txt"], ["c/[x].txt"]),  # a name, though it looks like a glob
        (["?.md", "a.txt", "*.md"], ["a.txt", "b.md"]),
        (["**"], sorted(FILES)),
        (["{docs}/c/d"], ["c/d/e.py"]),  # a folder on this machine
        (["{docs}/b.md"], ["b.md"]),
        (["../docs/b.md"], ["b.md"]),
    ],
)
def test_names_folders_paths_and_globs(path, names, meant, monkeypatch):
    monkeypatch.chdir(path.parent / "docs")
    names = [name.replace("{docs}", str(path.parent / "docs")) for name in names]
    with Crystal.open(path, encoder=None) as crystal:
        report = crystal.forget(names, dry_run=True)
        assert sorted(document.path for document in report.documents) == meant
        assert report.tokens == sum(document.tokens for document in report.documents) > 0
    assert texts(path) == FILES
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        assert crystal.recall("lamp")
        assert crystal.forget(names) == report
        assert crystal.shelf.dead is not None
        assert sorted(crystal) == sorted(FILES.keys() - set(meant))
        for document in meant:
            assert not any(p.path == document for p in crystal.recall("lamp bell rope anchor chart salt", 20))
        with pytest.raises(NotFoundError, match=r"no document .*inspect --documents"):
            crystal.forget(names)


def test_a_name_that_means_nothing_forgets_nothing(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "docs")
    before = inside(path)
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        for wrong in ("none.txt", "*.rst", "c/d/*.txt", "[", "no/such/folder/", "d/e.py"):
            with pytest.raises(NotFoundError, match="no document"):
                crystal.forget(["a.txt", wrong])
        for empty in ("", " "):  # not the folder we are in
            with pytest.raises(UsageError, match="name is empty"):
                crystal.forget([empty])
        with pytest.raises(UsageError, match="invalid glob"):
            crystal.forget(["[z-a]"])
        assert sorted(crystal) == sorted(FILES)
    with (
        Crystal.open(path, encoder=None) as crystal,
        pytest.raises(CrystalError, match="for reading only"),
    ):
        crystal.forget(["a.txt"])
    assert inside(path) == before


def test_the_text_leaves_the_file_when_it_is_compacted_and_comes_back_with_its_file(path, tmp_path):
    def file_bytes() -> bytes:
        with Store.open(path) as store:
            return b"".join(store.text(segment.id) for segment in store.segments())

    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.forget(["b.md"])
    assert b"The bell rings twice." in file_bytes()
    compact_crystal(path)
    assert b"The bell" not in file_bytes()
    for trace in (b"b.md", b"Bells", b"bell"):
        assert trace not in path.read_bytes()
    assert texts(path) == {name: text for name, text in FILES.items() if name != "b.md"}
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        assert crystal.ingest([tmp_path / "docs"]).read == 1
    (tmp_path / "docs" / ".crystalignore").write_text("b.md\n")
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.forget(["b.md"])
        assert crystal.ingest([tmp_path / "docs"]).read == 0
    assert "b.md" not in texts(path)


def test_text_that_another_document_holds_stays(path, tmp_path):
    write(tmp_path / "more", {"twin.txt": FILES["a.txt"]})
    read_into(path, tmp_path / "more")
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        report = crystal.forget(["a.txt", "b.md"])
        (kept,) = [document for document in report.documents if document.path == "a.txt"]
        assert report.kept == kept.tokens < report.tokens
        assert crystal.recall("lamp")[0].path == "twin.txt"
    compact_crystal(path)
    assert texts(path)["twin.txt"] == FILES["a.txt"]


@given(st.text("ab/.[]*?!\\-^\n", max_size=9), st.text("ab/.\n", max_size=9))
def test_globs_stop_at_slashes_and_names_without_signs_mean_themselves(glob, path):
    try:
        pattern = glob_to_regex(glob)
    except UsageError:
        return
    if not re.search(r"[*?\[]", glob):
        assert bool(pattern.fullmatch(path)) == (glob == path)
    elif "**" not in glob and pattern.fullmatch(path):
        assert path.count("/") == re.sub(r"\[[!^]?\]?[^\]]*\]", "", glob).count("/")
