from __future__ import annotations

import pytest

from crystalcli.answering.evidence.source_lines import (
    definition_rest,
    imports_end,
    is_named_in,
    prose_lead,
    statement_start,
    whole_lines,
)


@pytest.mark.parametrize(
    ("before", "quoted", "after", "widened"),
    [
        ("class A:\n    ", "def f(self):\n        return 1", "\n\nx = 2\n", "    def f(self):\n        return 1"),
        ("", "def f(", "\n    a,\n    b=(1, 2),\n):\n    return a\n", "def f(\n    a,\n    b=(1, 2),\n):"),
        ("", "x = call(a,", " b)  # both\ny = 1\n", "x = call(a, b)  # both"),
        ("", "def f(", "\n    a,\n", "def f("),  # its end is not in sight
        ("", "text = '('", "\ny = 1\n", "text = '('"),
        ("", "return {\n  a: [", "1],\n};\nnext();", "return {\n  a: [1],\n};"),
        ("x = 1; ", "y = 2", "\n", "y = 2"),
    ],
)
def test_lines_are_whole_and_brackets_closed(before, quoted, after, widened):
    lead, behind = whole_lines(before, quoted, after)
    assert before[len(before) - lead :] + quoted + after[:behind] == widened


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("import os\nimport re\nfrom a import (\n    b,\n    c,\n)\n\nX = 1\n", "X = 1\n"),
        ("#include <a.h>\n#include <b.h>\n#include <c.h>\n\nint main() {}\n", "int main() {}\n"),
        ("package a.b;\nimport x.y;\nimport x.z;\nclass C {}\n", "class C {}\n"),
        ("use std::fs;\nuse std::io;\nuse std::env;\nfn main() {}\n", "fn main() {}\n"),
        ("import os\nimport re\nimport sys\n", ""),
        ("import os\n\nos.getcwd()\n", "import os\n\nos.getcwd()\n"),
        ("importance = 1\nimported = 2\nimports = 3\n", "importance = 1\nimported = 2\nimports = 3\n"),
    ],
)
def test_imports_at_the_beginning_are_found(text, rest):
    assert text[imports_end(text, "What does it do?") :] == rest
    assert imports_end(text, "Which modules are imported?") == 0


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('    "none",\n], "one of three"\nif a:\n    b()\n', "if a:"),
        ("a=1,\nb=(2),\n)\nreturn x\n", "return x"),
        ("x = f(1)\ny = [2]\n", "x = f(1)"),
        ("a,\n)\n", "a,"),  # nothing else follows
    ],
)
def test_the_first_whole_statement_is_found(text, start):
    assert text[statement_start(text) :].startswith(start)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("    b()\n    return c\n\n\n# Sizes are in bytes.\n", "    b()\n    return c"),
        (" /* Both. */\n  b();\n}\n\n/* The next\n * one. */\n", " /* Both. */\n  b();\n}"),
        ("    b()\n    return some_", "    b()"),
        ("\n# The next one.\n", ""),
    ],
)
def test_the_rest_of_a_definition_ends_before_the_comment_of_the_next_one(text, rest):
    assert text[: definition_rest(text)] == rest


@pytest.mark.parametrize(
    ("name", "question", "is_named"),
    [
        ("Response.set_cookie", "How do I set a cookie on a response?", True),
        ("setCookie", "How are cookies set?", True),
        ("Response.set_cookie", "Where is a cookie deleted?", False),
        ("run", "How is it run?", False),  # one word is in many questions
    ],
)
def test_a_name_of_several_words_is_asked_for_by_them(name, question, is_named):
    assert is_named_in(name, question) == is_named


DOCSTRING = """def gather(*futures):
    \"\"\"Gather the results of futures.

    All of them belong to one loop, and their results stand in the
    order of the arguments.  If *keep_errors* is true,
    an error of one of them is treated like any other result
    and is part of the list
    \"\"\"
    results = []
    return results
"""


@pytest.mark.parametrize(
    ("quoted", "first"),
    [
        ("and is part of the list", "    order of the arguments.  If *keep_errors* is true,"),
        ("order of the arguments", "    All of them belong to one loop, and their results stand in the"),
        ("All of them belong", None),
        ("results = []", None),
        ("return results", None),
    ],
)
def test_lines_of_a_comment_begin_with_their_sentence(quoted, first):
    start = DOCSTRING.index(quoted)
    lead = prose_lead(DOCSTRING, start)
    assert (DOCSTRING[start - lead :].partition("\n")[0] if lead else None) == first


def test_a_sentence_that_begins_out_of_sight_is_not_widened():
    text = "belongs to one loop and to nothing else\nand its results stand in the order\nof the arguments as they are given\n"
    assert prose_lead(text, text.index("of the arguments")) == 0
