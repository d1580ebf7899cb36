"""The walk: order, links, ignore files held against Git itself, and what cannot be read."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crystalcli.errors import Reason, SourceError
from crystalcli.text.discover.walk import FoundFile, SkippedPath, walk_files

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="Git is what the walk is compared with")


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")


def found(*paths: Path, **options: Any) -> list[str]:
    return [one.relative for one in walk_files(paths, **options) if isinstance(one, FoundFile)]


def skipped(*paths: Path) -> dict[str, str]:
    return {one.relative: one.reason for one in walk_files(paths) if isinstance(one, SkippedPath)}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "-q")
    return root


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def listed_by_git(root: Path) -> list[str]:
    names = git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
    return sorted((name for name in names if name), key=lambda name: name.split("/"))


# --- what is found, and in which order ------------------------------------------------------------


def test_order_is_by_the_parts_of_the_path_and_never_varies(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a/z.txt", "a/b/c.txt", "a.txt", "a-b/x", "Z", "ä/ö.txt")
    expected = ["Z", "a/b/c.txt", "a/z.txt", "a-b/x", "a.txt", "b.txt", "ä/ö.txt"]
    assert found(tmp_path) == expected == sorted(expected, key=lambda name: name.split("/"))
    assert list(walk_files([tmp_path])) == list(walk_files([tmp_path]))


def test_a_found_file_says_what_it_is(tmp_path: Path) -> None:
    write(tmp_path, "in/file.txt")
    os.utime(tmp_path / "in/file.txt", ns=(5, 1_234_567_890))
    one = FoundFile(tmp_path / "in/file.txt", tmp_path, "in/file.txt", 1, 1_234_567_890)
    assert list(walk_files([tmp_path])) == [one]
    assert list(walk_files([tmp_path / "in/file.txt"])) == [
        FoundFile(one.path, tmp_path / "in", "file.txt", 1, one.mtime_ns)
    ]


def test_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "in/a.txt", "b.txt")
    monkeypatch.chdir(tmp_path / "in")
    for asked in (Path(), Path("../in"), Path("../in/")):
        (one,) = walk_files([asked])
        assert (one.path, one.root, one.relative) == (tmp_path / "in/a.txt", tmp_path / "in", "a.txt")


def test_nothing_is_found_twice(tmp_path: Path) -> None:
    write(tmp_path, "a/1.txt", "a/b/2.txt", "3.txt")
    (tmp_path / "again").symlink_to(tmp_path / "a")
    assert found(tmp_path, tmp_path / "a") == ["3.txt", "a/1.txt", "a/b/2.txt"]
    assert found(tmp_path / "a/b", tmp_path, tmp_path) == ["2.txt", "3.txt", "a/1.txt"]
    assert found(tmp_path / "a/1.txt", tmp_path) == ["1.txt", "3.txt", "a/b/2.txt"]
    assert found(tmp_path, tmp_path / "a/1.txt") == ["3.txt", "a/1.txt", "a/b/2.txt"]
    assert found(tmp_path / "again", tmp_path / "a") == ["1.txt", "b/2.txt"]
    assert found(tmp_path / "again/1.txt", tmp_path / "a/1.txt") == ["1.txt"]


@pytest.mark.parametrize("name", ["nothing", "file/below", "broken", "nul\0byte"])
def test_what_does_not_exist_is_an_error_before_anything_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "file")
    (tmp_path / "broken").symlink_to("nowhere")
    with pytest.raises(SourceError, match=r". does not exist$"):
        walk_files([tmp_path, tmp_path / name])


def test_machine_made_folders_and_crystals_are_passed_over_in_silence(tmp_path: Path) -> None:
    write(tmp_path, ".git/config", "node_modules/a.js", "in/__pycache__/a.pyc", ".venv/a.py", "in/venv/a.py")
    write(tmp_path, "a.crystal", "in/a.crystal-wal", "a.crystal-shm", "a.crystal-journal")
    write(tmp_path, "b/crystal", "crystals.txt", "tox/a", "venvs/a", "b/venv.txt", "old.crystal.d/a")
    write(tmp_path, "sub/.git")  # a submodule's or work tree's is a file
    (tmp_path / "in/node_modules").symlink_to("../b")
    expected = ["b/crystal", "b/venv.txt", "crystals.txt", "old.crystal.d/a", "tox/a", "venvs/a"]
    assert found(tmp_path) == expected
    assert skipped(tmp_path) == {"in/venv": "installed packages", "node_modules": "installed packages"}
    assert found(tmp_path / "node_modules") == ["a.js"]  # asked for


def test_excluded_paths_are_passed_over_in_silence(tmp_path: Path) -> None:
    write(tmp_path, "a/1.txt", "a/2.txt", "b/3.txt", "4.txt")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    out = {tmp_path / "a/1.txt", tmp_path / "b", tmp_path / "4.txt"}
    assert [one.relative for one in walk_files([tmp_path, tmp_path / "4.txt"], exclude=out)] == ["a/2.txt"]
    assert found(tmp_path / "link", exclude=out) == ["2.txt"]


# --- what stands there and is not read ------------------------------------------------------------


def test_links_are_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write(root, "in/a.txt")
    write(tmp_path, "root-2/b.txt", "outside.txt")
    (root / "to-file").symlink_to("in/a.txt")
    (root / "to-folder").symlink_to("in")
    (root / "in/up").symlink_to("..")
    (root / "self").symlink_to("self")
    (root / "out-file").symlink_to("../outside.txt")
    (root / "out-folder").symlink_to(tmp_path / "root-2")
    (root / "nowhere").symlink_to("missing")
    assert found(root) == ["in/a.txt"]
    reasons = skipped(root)
    assert reasons.pop("self").startswith("broken link")
    assert reasons == {
        "nowhere": "broken link",
        "out-file": "link leads outside the folder",
        "out-folder": "link leads outside the folder",
    }
    # Asked for as well, so it is no longer outside.
    assert found(root, tmp_path / "root-2", tmp_path / "outside.txt") == ["in/a.txt", "b.txt", "outside.txt"]
    assert set(skipped(root, tmp_path / "root-2", tmp_path / "outside.txt")) == {"nowhere", "self"}


def test_a_link_asked_for_is_followed(tmp_path: Path) -> None:
    write(tmp_path, "real/a.txt")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file-link").symlink_to("real/a.txt")
    (one,) = walk_files([tmp_path / "link"])
    assert (one.path, one.root) == (tmp_path / "link/a.txt", tmp_path / "link")
    (one,) = walk_files([tmp_path / "file-link"])
    assert isinstance(one, FoundFile)
    assert (one.relative, one.size) == ("file-link", 1)


def test_pipes_and_sockets_are_skipped_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / ".gitignore")  # to open it would wait for ever
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")
        assert skipped(tmp_path) == {
            ".gitignore": "not a file but a named pipe",
            "pipe": "not a file but a named pipe",
            "socket": "not a file but a socket",
        }
    assert skipped(tmp_path / "pipe") == {"pipe": "not a file but a named pipe"}
    assert skipped(Path(os.devnull)) == {"null": "not a file but a device"}


def test_what_the_system_refuses_is_skipped_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a/1.txt", "b/2.txt", "c/3.txt")
    real = os.scandir

    def refuse(folder: Path) -> Any:  # as root, no folder is closed
        name = Path(folder).name
        if name == "a":
            raise PermissionError(13, "Permission denied", str(folder))
        if name == "b":
            raise OSError(5, "Input/output error")
        return real(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    assert list(walk_files([tmp_path]))[:2] == [
        SkippedPath(tmp_path / "a", tmp_path, "a", "permission denied", Reason.PERMISSION_DENIED),
        SkippedPath(tmp_path / "b", tmp_path, "b", "input/output error", Reason.UNREADABLE),
    ]
    assert found(tmp_path) == ["c/3.txt"]
    assert skipped(tmp_path / "a") == {".": "permission denied"}


def test_a_file_that_vanishes_during_the_walk_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    steps = walk_files([tmp_path])
    assert next(steps).relative == "a.txt"
    (tmp_path / "b.txt").unlink()
    assert list(steps) == [SkippedPath(tmp_path / "b.txt", tmp_path, "b.txt", "no longer there", Reason.NOT_FOUND)]


def test_a_name_that_is_not_unicode_is_skipped_legibly(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        write(tmp_path, name, "ok.txt", f"{name}.d/a.txt")
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes no such name")
    assert found(tmp_path) == ["ok.txt"]
    assert set(skipped(tmp_path)) == {"caf\ufffd.txt", "caf\ufffd.txt.d"}
    assert set(skipped(tmp_path).values()) == {"its name is not valid Unicode"}
    assert skipped(tmp_path / name) == {"caf\ufffd.txt": "its name is not valid Unicode"}


def test_folders_may_nest_deeper_than_python_calls(tmp_path: Path) -> None:
    root = folder = tmp_path / "deep"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1050):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("leaf.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    try:
        assert found(root) == ["d/" * 1050 + "leaf.txt"]
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=True)  # shutil.rmtree, and so pytest, gives up


# --- ignore files ---------------------------------------------------------------------------------

TREE = (
    "a.txt b.log keep.log foo foo.py Foo.py src/a.txt src/b.log src/foo/x src/foo/keep src/foo/deep/y "
    "src/build/out.txt build/out.txt build/keep.txt build/sub/keep.txt docs/a/b/c.md docs/c.md docs/b/c.md doc.md "
    "logs/1.log logs/x/2.log #hash !bang sp\\ ace trailing\\  [b] a1.c a2.c ab.c .hidden .config/x deep/er/est/z.tmp "
    "deep/z.tmp target/debug/x ünï.txt üb/x.txt"
).replace("\\ ", "\0")
PATTERNS = {
    "suffix": "*.log\n",
    "suffix but one": "*.log\n!keep.log\n",
    "order decides": "!keep.log\n*.log\n",
    "anchored": "/foo\n/build\n",
    "folders only": "build/\nfoo/\n",
    "folder anchored by a slash inside": "src/foo\n",
    "nothing comes back from an ignored folder": "build/\n!build/keep.txt\n",
    "something comes back from ignored contents": "build/*\n!build/keep.txt\n",
    "contents, at any depth": "build/**\n!build/keep.txt\n!build/sub/\n!build/sub/keep.txt\n",
    "everything but": "*\n!*/\n!*.md\n!*.txt\n",
    "everything but, anchored": "/*\n!/src\n/src/*\n!/src/foo\n",
    "two stars before": "**/c.md\n",
    "two stars within": "docs/**/c.md\n",
    "two stars within a name": "fo**\n",
    "two stars alone": "**\n!a.txt\n",
    "slash and two stars": "src/**/\n",
    "one star does not cross": "docs/*/c.md\ndeep/*.tmp\n",
    "question mark": "a?.c\n",
    "brackets": "a[0-9].c\n[Ff]oo.py\n",
    "brackets negated": "a[!0-9].c\n",
    "brackets caret": "a[^0-9].c\n",
    "brackets of a class": "a[[:digit:]].c\n",
    "brackets escaped": "\\[b\\]\n",
    "hash escaped": "\\#hash\n#foo\n",
    "bang escaped": "\\!bang\n",
    "spaces": "sp ace\nfoo   \ntrailing\\ \n",
    "hidden": ".*\n!.gitignore\n",
    "blank and comment": "\n   \n# foo\n\n",
    "windows newlines": "*.log\r\n!keep.log\r\nbuild/\r\n",
    "no newline at the end": "foo",
    "byte order mark": "\ufeff*.log\n",
    "broken": "[\n\\\n/\n!\n!/\n//\n*.md\n",
    "trailing slash and negation": "foo/\n!foo\n",
    "negated folder says nothing of files in it": "*.txt\n!build/\n!src/\n",
    "beyond ascii": "ünï.*\nüb/\n",
}


@needs_git
@pytest.mark.parametrize("patterns", PATTERNS.values(), ids=PATTERNS.keys())
def test_ignore_files_mean_what_git_says(repository: Path, patterns: str) -> None:
    write(repository, *(name.replace("\0", " ") for name in TREE.split(" ")))
    (repository / ".gitignore").write_bytes(patterns.encode())
    assert found(repository) == listed_by_git(repository)
    for folder in ("src", "docs/a", "deep/er"):  # from below, the files above still hold
        below = [name.removeprefix(folder + "/") for name in listed_by_git(repository) if name.startswith(folder + "/")]
        if below:
            assert found(repository / folder) == below


@needs_git
def test_ignore_files_at_every_level(repository: Path) -> None:
    write(
        repository, *(f"{folder}{name}" for folder in ("", "a/", "a/b/", "c/") for name in ("x.log", "y.tmp", "z.md"))
    )
    (repository / ".gitignore").write_text("*.log\n/y.tmp\na/b/z.md\n", encoding="utf-8")
    (repository / "a/.gitignore").write_text("!*.log\n/y.tmp\n/b/x.log\n", encoding="utf-8")
    (repository / "a/b/.gitignore").write_text("!z.md\n", encoding="utf-8")
    (repository / ".git/info/exclude").write_text("c/z.md\n!x.log\ny.tmp\n", encoding="utf-8")
    assert found(repository) == listed_by_git(repository)
    assert found(repository / "a/b") == [".gitignore", "z.md"]
    assert found(repository / "c") == []
    assert found(repository / "a") == [".gitignore", "b/.gitignore", "b/z.md", "x.log", "z.md"]


@needs_git
@pytest.mark.parametrize("seed", range(12))
def test_ignore_files_mean_what_git_says_at_random(repository: Path, seed: int) -> None:
    dice = random.Random(seed)
    names = ["a", "b", "foo", "bar", "a.txt", "b.txt", "foo.py", "x.log", "build", ".hid"]
    parts = [
        "a",
        "b",
        "foo",
        "*.txt",
        "*.py",
        "*",
        "**",
        "f*",
        "?",
        "[ab]",
        "[!a]*",
        "build",
        "x.log",
        "b*r",
        ".*",
        "\\a",
    ]

    def line() -> str:
        path = "/".join(dice.choices(parts, k=dice.choice((1, 1, 2, 3))))
        return f"{dice.choice(('', '', '!'))}{dice.choice(('', '', '/'))}{path}{dice.choice(('', '', '/'))}\n"

    def plant(folder: Path, depth: int) -> None:
        folder.mkdir(exist_ok=True)
        for name in dice.sample(names, dice.randint(2, 6)):
            if depth < 3 and dice.random() < 0.45:
                plant(folder / name, depth + 1)
            else:
                write(folder, name)
        if dice.random() < (0.25 if depth else 0.9):
            (folder / ".gitignore").write_text("".join(line() for _ in range(dice.randint(1, 6))), encoding="utf-8")

    for turn in range(4):
        plant(repository / f"t{turn}", 0)
    (repository / ".git/info/exclude").write_text(line() + line(), encoding="utf-8")
    assert found(repository) == listed_by_git(repository)


@needs_git
def test_repositories_inside_and_elsewhere_kept_records(repository: Path) -> None:
    write(repository, "inner/a.log", "inner/b.txt", "outer.log")
    (repository / ".gitignore").write_text("*.log\n*.txt\n", encoding="utf-8")
    git(repository, "init", "-q", "inner")
    (repository / "inner/.git/info/exclude").write_text("b.txt\n", encoding="utf-8")
    assert found(repository) == [".gitignore", "inner/a.log"]
    assert found(repository / "inner") == listed_by_git(repository / "inner") == ["a.log"]

    git(repository, "-c", "user.name=a", "-c", "user.email=a", "commit", "-q", "--allow-empty", "-m", "one")
    git(repository, "worktree", "add", "-q", "../tree")  # its `.git` is a file
    tree = repository.parent / "tree"
    write(tree, "a.log", "b.txt", "sub/b.txt", "sub/c")
    (repository / ".git/info/exclude").write_text("b.txt\n", encoding="utf-8")
    assert found(tree) == listed_by_git(tree) == ["a.log", "sub/c"]
    assert found(tree / "sub") == ["c"]


def test_what_was_asked_for_is_found_though_ignored(tmp_path: Path) -> None:
    write(tmp_path, ".git/HEAD", "build/a.txt", "build/b.log", "build/in/a.txt", "a.log")
    (tmp_path / ".gitignore").write_text("build\n*.log\n", encoding="utf-8")
    assert found(tmp_path) == [".gitignore"]
    assert found(tmp_path / "a.log", tmp_path / "build/b.log") == ["a.log", "b.log"]
    # Rules that leave out the whole folder say nothing about which files in it are worth reading.
    assert found(tmp_path / "build") == ["a.txt", "b.log", "in/a.txt"]
    assert found(tmp_path / "build/in") == ["a.txt"]


def test_ignore_files_hold_outside_repositories_but_not_from_above(tmp_path: Path) -> None:
    write(tmp_path, "in/a.log", "in/b.txt", "in/c.md")
    (tmp_path / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (tmp_path / "in/.gitignore").write_text("*.txt\n", encoding="utf-8")
    assert found(tmp_path) == [".gitignore", "in/.gitignore", "in/c.md"]
    assert found(tmp_path / "in") == [".gitignore", "a.log", "c.md"]


def test_an_ignore_file_that_cannot_be_read_ignores_nothing(tmp_path: Path) -> None:
    write(tmp_path, "a.log", "in/b.log")
    (tmp_path / "rules").write_text("*.log\n", encoding="utf-8")
    (tmp_path / ".gitignore").symlink_to("rules")  # Git does not follow it either
    (tmp_path / "in/.gitignore").mkdir()
    assert found(tmp_path) == ["a.log", "in/b.log", "rules"]


# --- speed ----------------------------------------------------------------------------------------


@pytest.fixture
def thousand(tmp_path: Path) -> Iterator[Path]:
    for number in range(1000):
        write(tmp_path, f"p{number % 10}/s{number % 100}/module_{number}.py")
    lines = [f"*.x{n}" for n in range(40)] + [f"build{n}/" for n in range(30)] + [f"/t{n}/*.c" for n in range(30)]
    (tmp_path / ".gitignore").write_text("\n".join(lines), encoding="utf-8")
    yield tmp_path


def test_a_thousand_files_take_few_steps(thousand: Path) -> None:
    """Calls of functions are counted, Python's and C's: they are as many on any machine."""
    found(thousand)  # imports and translates
    calls: Counter[str] = Counter()
    sys.setprofile(lambda _frame, event, _argument: calls.update((event,)))
    try:
        files = len(found(thousand))
    finally:
        sys.setprofile(None)
    assert files == 1001
    assert calls["call"] < 40 * files
    assert calls["c_call"] < 250 * files


def test_crystalignore_leaves_out_what_git_keeps(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("kept.md", "answers.jsonl", "sub/answers.jsonl", "sub/again.md", "ignored.log"):
        (tmp_path / name).write_text("x\n")
    (tmp_path / ".crystalignore").write_text("answers.jsonl\n!ignored.log\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    found = {each.relative for each in walk_files([tmp_path])}
    assert found == {".gitignore", "ignored.log", "kept.md", "sub/again.md"}


def test_hidden_files_can_be_left_out(tmp_path):
    (tmp_path / ".config").mkdir()
    for name in (".env", ".config/token", "seen.md"):
        (tmp_path / name).write_text("x\n")
    assert [each.relative for each in walk_files([tmp_path], hidden=False)] == ["seen.md"]
    assert [each.relative for each in walk_files([tmp_path / ".env"], hidden=False)] == [".env"]
    assert len(list(walk_files([tmp_path]))) == 3
