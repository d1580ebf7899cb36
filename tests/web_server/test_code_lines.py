"""Lines of source code as pages show them."""

from __future__ import annotations

from crystalcli.web_server.views.code_lines import code_lines

SOURCE = 'def f():\n    """Say\n    a word.\n    """\n    return 12\n'


def styles(lines):
    return {(piece.text.strip(), piece.style) for line in lines for piece in line.pieces if piece.text.strip()}


def test_a_part_has_the_colours_that_it_has_in_its_file():
    cut = SOURCE.index("    a word.")
    whole, part = code_lines(SOURCE, "a.py", 1, (0, 0)), code_lines(SOURCE[cut:], "a.py", 3, (0, 0), SOURCE[:cut])
    assert [line.number for line in part] == [3, 4, 5]
    assert styles(part) <= styles(whole)
    assert ("return", "keyword") in styles(part)
    assert ("a word.", "comment") in styles(part)


def test_the_passage_is_marked():
    start = SOURCE.index("return")
    (line,) = [line for line in code_lines(SOURCE, "a.py", 1, (start, start + 6)) if line.marked]
    assert (line.number, [piece.text for piece in line.pieces if piece.marked]) == (5, ["return"])
