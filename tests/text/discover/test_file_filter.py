"""What is chosen of a folder: patterns held against those of an ignore file, sizes, and files that nobody means to read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crystalcli.errors import MACHINE_MADE, Reason, UsageError
from crystalcli.text.discover.file_filter import DEFAULT_FILTER, DEFAULT_MAX_FILE_SIZE, FileFilter
from crystalcli.text.discover.skip_rules import EDITOR_COPY, GENERATED, MINIFIED, by_content, by_name
from crystalcli.text.discover.walk import ChangedPaths, FoundFile, SkippedPath, walk_files

NAMES = ("a.md", "b.log", "c/a.md", "c/d/e.log", "c/d/f.txt", "g/h/a.md", "g/i.txt", "[x].txt")


def write(root: Path, *names: str, content: str = "x") -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")


def found(root: Path, choice: FileFilter = DEFAULT_FILTER, **options: Any) -> list[str]:
    return [one.relative for one in walk_files([root], choices={root: choice}, **options) if isinstance(one, FoundFile)]


def skipped(root: Path, choice: FileFilter = DEFAULT_FILTER) -> dict[str, str]:
    return {
        one.relative: one.reason for one in walk_files([root], choices={root: choice}) if isinstance(one, SkippedPath)
    }


patterns = st.lists(
    st.sampled_from(
        ["*.md", "*.log", "c/", "/c/d", "c/**", "!a.md", "**/h/*", "d", "g/i.txt", "\\[x].txt", "/a.md", "!c/d"]
    ),
    max_size=4,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns)
def test_exclude_leaves_out_what_the_same_lines_in_an_ignore_file_do(tmp_path, lines):
    write(tmp_path, *NAMES)
    ignore = tmp_path / ".crystalignore"
    ignore.write_text("\n".join(lines))
    by_file = found(tmp_path)
    ignore.unlink()
    choice = FileFilter(exclude=tuple(lines))
    assert found(tmp_path, choice) == by_file
    assert {name for name in NAMES if not choice.leaves_out(name)} == set(by_file)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns, patterns)
def test_include_keeps_what_the_same_lines_would_exclude_and_exclude_wins(tmp_path, include, exclude):
    write(tmp_path, *NAMES)
    everything = set(found(tmp_path))
    kept = everything - set(found(tmp_path, FileFilter(exclude=tuple(include)))) if include else everything
    choice = FileFilter(tuple(include), tuple(exclude))
    wanted = kept & set(found(tmp_path, FileFilter(exclude=tuple(exclude))))
    assert set(found(tmp_path, choice)) == wanted == {name for name in everything if not choice.leaves_out(name)}
    assert FileFilter.read(choice.noted()) == choice


@pytest.mark.parametrize("line", ["", "# a note", "a\nb", "a\0b", "!"])
def test_what_is_no_pattern_is_refused(line):
    with pytest.raises(UsageError, match=r"expected one as in \.gitignore"):
        FileFilter(exclude=(line,))


@pytest.mark.parametrize(
    "said", [{"include": "*.md"}, {"exclude": [1]}, {"max_file_size": "1"}, {"max_file_size": -1}, {"include": [""]}]
)
def test_a_note_that_the_program_would_not_write_is_refused(said):
    with pytest.raises(ValueError, match="invalid file filter"):
        FileFilter.read(said)


def test_large_files_are_left_out_and_listed_unless_they_are_named(tmp_path):
    write(tmp_path, "small.txt", "large.txt")
    (tmp_path / "large.txt").write_text("y" * 2001)
    choice = FileFilter(max_file_size=2000)
    assert found(tmp_path, choice) == ["small.txt"]
    assert skipped(tmp_path, choice) == {"large.txt": "larger than 2,000 bytes"}
    assert (
        found(tmp_path, FileFilter(max_file_size=2001))
        == found(tmp_path, FileFilter(max_file_size=0))
        == ["large.txt", "small.txt"]
    )
    both = [tmp_path, tmp_path / "large.txt"]
    assert [one.relative for one in walk_files(both, choices={tmp_path: choice}) if isinstance(one, FoundFile)] == [
        "large.txt",
        "small.txt",
    ]
    assert DEFAULT_MAX_FILE_SIZE == DEFAULT_FILTER.max_file_size == 100_000_000


def test_what_nobody_means_to_read_is_listed_unless_it_is_named_or_included(tmp_path):
    write(
        tmp_path,
        "Cargo.lock",
        "js/package-lock.json",
        "app.min.js",
        "app.js.map",
        "a.PNG",
        "b.ttf",
        "lib.so",
        "x.whl",
        "s.mp3",
    )
    write(tmp_path, "keep.js", "my.lock", "treasure.map", "node_modules/p/index.js")
    assert found(tmp_path) == ["keep.js", "my.lock", "treasure.map"]
    assert skipped(tmp_path) == {
        "Cargo.lock": "lock file",
        "a.PNG": "image",
        "app.js.map": "source map",
        "app.min.js": "minified",
        "b.ttf": "font",
        "js/package-lock.json": "lock file",
        "lib.so": "compiled program",
        "node_modules": "installed packages",
        "s.mp3": "sound",
        "x.whl": "packed program",
    }
    assert {one.code for one in walk_files([tmp_path]) if isinstance(one, SkippedPath)} <= MACHINE_MADE
    assert all(one.chosen for one in walk_files([tmp_path]) if isinstance(one, SkippedPath))
    assert found(tmp_path, FileFilter(include=("*.lock", "js/"))) == ["Cargo.lock", "js/package-lock.json", "my.lock"]
    (one,) = walk_files([tmp_path / "Cargo.lock"])
    assert isinstance(one, FoundFile)
    assert one.wanted
    assert [
        each.relative
        for each in walk_files([tmp_path, tmp_path / "a.PNG"])
        if isinstance(each, FoundFile) and each.wanted
    ] == ["a.PNG"]


def test_names_in_any_case_are_known():
    assert by_name("PACKAGE-LOCK.JSON") == ("lock file", Reason.LOCK_FILE)
    assert by_name("x.tar.gz") is by_name("main.rs") is by_name("Makefile") is by_name("locks.txt") is None


def test_what_editors_leave_beside_a_file_is_not_read():
    assert {by_name(name) for name in ("notes.txt~", "~$report.docx", "#notes.txt#")} == {EDITOR_COPY}
    assert {by_name(name) for name in ("~notes.txt", "#", "#1.md", "a~b.txt", "C#")} == {None}


@pytest.mark.parametrize(
    ("name", "text", "refusal"),
    [
        ("a.pb.go", "// Code generated by protoc-gen-go. DO NOT EDIT.\npackage a\n", GENERATED),
        (
            "a.py",
            "# -*- coding: utf-8 -*-\n# Generated by the protocol buffer compiler.  DO NOT EDIT!\n",
            GENERATED,
        ),
        ("a.ts", "/**\n * @generated SignedSource<<abc>>\n */\n", GENERATED),
        ("a.cs", "//------\n// <auto-generated>\n", GENERATED),
        ("a.c", "/* This file was automatically generated by x; do not edit it. */\n", GENERATED),
        ("a.py", '"""Finds files that say `Code generated by X. DO NOT EDIT.` or @generated."""\n', None),
        ("a.go", "package a\n" + "// text\n" * 400 + "// Code generated by x. DO NOT EDIT.\n", None),
        ("a.js", "/*! licence */\n" + "var a=1;" * 2000, MINIFIED),
        ("a.css", "p{color:red}" * 400, MINIFIED),
        ("a.js", "const picture = '" + "A" * 3000 + "';\n" + "let b = 2;\n" * 600, None),
        ("a.py", "x = [" + "1, " * 4000 + "]\n", None),
        ("a.js", "let a = 1;\n" * 2000, None),
    ],
)
def test_generated_and_minified_code_is_known_by_its_beginning(tmp_path, name, text, refusal):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert by_content(tmp_path / name) == refusal


def test_a_walk_near_some_places_finds_what_a_whole_walk_finds_there(tmp_path):
    write(tmp_path, *NAMES, "c/.gitignore", content="*.log\n")
    whole = [one for one in walk_files([tmp_path], hidden=False) if isinstance(one, FoundFile)]
    for places in (["c"], ["c/d/e.log", "g/i.txt"], ["g/h", "nothing/there"], ["a.md", "c/d"], [""], []):
        absolute = [str(tmp_path / place) for place in places]
        near = ChangedPaths(absolute)
        expected = [one for one in whole if any(Path(place) in (one.path, *one.path.parents) for place in absolute)]
        assert [
            one for one in walk_files([tmp_path], hidden=False, near=near) if isinstance(one, FoundFile)
        ] == expected
        assert all(near.holds(str(one.path)) for one in expected)
