from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from crystalcli.cli.render.answer_view import answer_markdown
from crystalcli.cli.render.markdown_escape import block_quote, code_quote, code_span, escape_markdown, indent_block
from crystalcli.cli.terminal.output import sanitize
from crystalcli.datatypes import Answer, Citation, Place

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
ILL = [
    *(
        "<script>alert(1)</script>",
        "</blockquote>",
        "&lt;b&gt;",
        "![x](http://e.vil)",
        "[a]: http://e.vil",
        "[a]",
        "https://e.vil",
    ),
    *(
        "```",
        "~~~",
        "> ",
        "# head",
        "===",
        "---",
        "***",
        "- ",
        "+ ",
        "1. ",
        "2) ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "\r",
        "`",
        "``",
        "\\",
    ),
    *(
        "|a|b|",
        "|-|-|",
        "$x$",
        "*b*",
        "__b__",
        "~~s~~",
        "<!--",
        "-->",
        "&amp;",
        "&#60;",
        "\x1b[2J",
        "\u2028",
        "word",
        " ",
        "\\\n",
    ),
]
ill = st.lists(st.sampled_from(ILL) | st.text(max_size=3), max_size=12).map("".join)


def words(tokens: list[Token]) -> str:
    """What a reader sees, white space aside."""
    seen = []
    for token in tokens:
        for child in token.children or [token]:
            assert child.type in {
                *("text", "softbreak", "hardbreak", "code_inline", "fence", "inline", "text_special"),
                *(
                    f"{block}_{end}"
                    for block in ("paragraph", "blockquote", "ordered_list", "list_item")
                    for end in ("open", "close")
                ),
            }, child
            seen.append(child.content)
    return "".join("".join(seen).split())


def plain(text: str) -> str:
    return "".join(sanitize(text).split())


@given(ill)
def test_escaped_text_reads_as_it_is(text):
    tokens = READER.parse(escape_markdown(text))
    assert words(tokens) == plain(text)
    assert {token.type for token in tokens} <= {"paragraph_open", "inline", "paragraph_close"}


@given(ill)
def test_nothing_leaves_its_quote(text):
    tokens = READER.parse(f"1. x\n\n{indent_block(block_quote(text), 3)}\n\n2. y\n")
    kinds = [token.type for token in tokens if "paragraph" not in token.type and token.type != "inline"]
    item = ["list_item_open", "blockquote_open", "blockquote_close", "list_item_close"]
    assert kinds == ["ordered_list_open", *item, item[0], item[-1], "ordered_list_close"]
    assert words(tokens) == "x" + plain(text) + "y"


@given(ill)
def test_code_keeps_its_lines_and_its_quote(text):
    tokens = READER.parse(code_quote(text) + "\n\nafter\n")
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert [token.type for token in tokens][:3] == ["blockquote_open", "fence", "blockquote_close"]
    wanted = sanitize(text).replace("\u2028", " ").replace("\u2029", " ").strip("\n")
    assert [line.rstrip() for line in fence.content.rstrip("\n").split("\n")] == [
        line.rstrip() for line in wanted.rstrip().split("\n")
    ]


@given(ill.filter(lambda text: sanitize(text).strip()))
def test_a_name_is_one_span_of_code(text):
    (_, inline, _) = READER.parse("1" + code_span(text))
    _, span = inline.children
    assert span.type == "code_inline"
    assert plain(span.content) == "".join(sanitize(text).replace("\n", "\N{REPLACEMENT CHARACTER}").split())


@given(ill, ill, st.sampled_from(["text", "pdf", "code", "csv"]))
def test_whatever_is_said_and_cited_the_answer_comes_first_and_then_its_sources(said, quote, kind):
    cited = tuple(
        Citation(
            number, Place("a`<b>/c.txt", 0, 1, number, number + 2, 3 if kind == "pdf" else None, None, kind), quote
        )
        for number in (1, 2)
    )
    tokens = READER.parse(answer_markdown(Answer("?", said, cited, (), "m")))
    kinds = [
        token.type for token in tokens if token.level == 0 and token.nesting >= 0 and token.type != "paragraph_open"
    ]
    assert [each for each in kinds if each != "inline"] == ["ordered_list_open"]
    assert sum(token.type == "blockquote_open" for token in tokens) == 2
    words(tokens)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("High water at 04:10, no. 3 (see p. 5).", "High water at 04:10, no. 3 (see p. 5)."),
        ("1. A list\n- or two", "1\\. A list\n\\- or two"),
        ("<b> & snake_case", "&lt;b&gt; &amp; snake\\_case"),
        ("see https://a.example or www.a.example", "see https\\://a.example or www\\.a.example"),
    ],
)
def test_plain_words_stay_readable(text, wanted):
    assert escape_markdown(text) == wanted


def test_a_quote_of_several_lines_keeps_them():
    assert block_quote("one\ntwo\n\nthree\n") == "> one\\\n> two\n>\n> three"
    assert not re.search(r"^(?!>)", block_quote("a\n\n\nb"), re.MULTILINE)
