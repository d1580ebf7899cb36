from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from support.damage import reseal
from support.lexical_crystals import folders, read_into, write

from crystalcli.errors import CrystalError
from crystalcli.maintenance.diff import diff_crystals


@settings(max_examples=10, deadline=None)
@given(first=folders, second=folders)
def test_what_is_listed_is_what_differs(first, second):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        one = read_into(home / "one.crystal", write(home / "one", first))
        two = read_into(home / "two.crystal", write(home / "two", second))
        report = diff_crystals(one, two)
        both = first.keys() & second.keys()
        old, new = {a for a, _ in report.renamed}, {b for _, b in report.renamed}
        assert set(report.gone) | old == first.keys() - second.keys()
        assert set(report.added) | new == second.keys() - first.keys()
        assert all(first[a] == second[b] for a, b in report.renamed)
        assert not {first[path] for path in report.gone} & {second[path] for path in report.added}
        assert {change.path for change in report.changed} == {path for path in both if first[path] != second[path]}
        assert report.same == sum(first[path] == second[path] for path in both)
        assert report.any == (first != second)
        for change in report.changed:
            for text, pieces in ((first[change.path], change.gone), (second[change.path], change.added)):
                for piece in pieces:
                    body = text[piece.start : piece.end].strip()
                    assert body.split("\n")[0].strip() == piece.first_line
                    low = text.index(body, piece.start)
                    line, last = text.count("\n", 0, low) + 1, text.count("\n", 0, low + len(body)) + 1
                    assert piece.place == (f"line {line}" if line == last else f"lines {line}-{last}")
        back = diff_crystals(two, one)
        assert (set(back.added), set(back.gone)) == (set(report.gone), set(report.added)) or report.renamed
        assert [(c.path, c.added, c.gone) for c in back.changed] == [(c.path, c.gone, c.added) for c in report.changed]
        assert not diff_crystals(one, one).any


def test_only_the_passages_around_an_edit_are_listed(tmp_path):
    text = "".join(f"Paragraph {i} tells of ship number {i * 7919 % 1000} and of her crew.\n\n" for i in range(300))
    one = read_into(tmp_path / "one.crystal", write(tmp_path / "docs", {"a.txt": text, "b.txt": "The lamp.\n"}))
    edited = text.replace("Paragraph 200 tells", "Paragraph 200 sings")
    two = read_into(tmp_path / "two.crystal", write(tmp_path / "docs", {"a.txt": edited, "c/b.txt": "The lamp.\n"}))
    report = diff_crystals(one, two)
    assert report.renamed == (("b.txt", "c/b.txt"),)
    (change,) = report.changed
    assert 1 <= len(change.added) <= 4
    assert any("sings" in edited[piece.start : piece.end] for piece in change.added)
    assert any("Paragraph 200 tells" in text[piece.start : piece.end] for piece in change.gone)


def test_how_a_text_is_cut_does_not_matter_nor_does_the_encoder(tmp_path):
    text = "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(200))
    one = read_into(tmp_path / "one.crystal", write(tmp_path / "docs", {"a.py": text}))
    two = read_into(tmp_path / "two.crystal", write(tmp_path / "docs", {"a.txt": text}))
    raw = sqlite3.connect(two)
    raw.execute("UPDATE source SET path = 'a.py'")
    raw.execute("UPDATE meta SET value = 'another' WHERE key = 'encoder'")
    raw.commit()
    raw.close()
    reseal(two)
    assert not diff_crystals(one, two).any
    with pytest.raises(CrystalError, match="does not exist"):
        diff_crystals(one, tmp_path / "none.crystal")
