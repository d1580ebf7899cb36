"""RTF: the text as the word processor shows it, its headings, rows and notes, and nothing of its machinery."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.readings import read

from crystalcli.errors import SourceError
from crystalcli.text.formats.rtf.rtf_reader import rtf_text

relaxed = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])

DOCUMENT = rb"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset2 Symbol;}{\f2\fcharset238 Times;}
{\f3\fcharset204 Arial;}{\f4\fcharset128 MS Gothic;}}{\colortbl;\red255\green0\blue0;}
{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 heading 1;}{\*\cs10 Default;}{\s2 heading 2;}{\s9\outlinelevel2 Own;}}
{\info{\title The {\b oar} book}{\author Me}{\company None}}{\header Draft copy\par}{\*\generator Riched20;}
\pard\s1 The pier\par\pard\plain\s0 The oar is \'fcberholt by M\u246?ller & Sons for \u8364 ?2,300\emdash now.\par
\pard\s2 Lists\par{\listtext\f1\'b7\tab}\pard one\par{\listtext\f1\'b7\tab}two\par{\pntext\f0 1.\tab}three\par
\pard\s9 Rows\par\pard
\trowd\cellx1\cellx2\pard\intbl Boat\cell Oars\cell\row\trowd\pard\intbl Wren\cell four\par of ash\cell\row
\pard After{\super\chftn{\footnote\pard\plain {\super\chftn} Only in winter.\par}} the rows.\par
{\f2 \'b3\'f3d\'9f}, {\f3 \'ea\'eb\'fe\'f7}, {\f4 \'8c\'ae}: {\uc0\u-10179\u-8704} {\upr{lost}{\*\ud{kept}}}\line same\~line\_here\par
{\field{\*\fldinst HYPERLINK "http://x.example"}{\fldrslt the link}} and {\v hidden}{\pict\pngblip 89504e47}
{\*\unknown gone}end.\par}"""


def test_a_document(tmp_path: Path) -> None:
    for name in ("oars.rtf", "oars.doc"):
        found = read(tmp_path / name, DOCUMENT)
        assert (found.kind, found.title) == ("rtf", "The oar book")
        assert found.text == (
            "The pier\n\nThe oar is überholt by Möller & Sons for €2,300—now.\n\nLists\n\n- one\n- two\n1. three\n\nRows\n\n"
            "Boat | Oars\nWren | four of ash\n\nAfter[1] the rows.\n\n[1] Only in winter.\n\n"
            "łódź, ключ, 鍵: 😀 kept\nsame line-here\n\nthe link and end.\n"
        )
        assert [label for _, label in found.marks["heading"]] == [
            "The pier",
            "The pier › Lists",
            "The pier › Lists › Rows",
        ]


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2\par}", "Привет"),
        (rb"{\rtf1\mac \'8a\par}", "ä"),
        (rb"{\rtf1\ansi\ansicpg932 \'8c\'ae\'83A\par}", "鍵ア"),
        (rb"{\rtf1\ansi a\b b\b0 c\par d}", "abc\n\nd"),
        (rb"{\rtf1\ansi\uc2 \u20320\'c4\'e3 x}", "你 x"),
        (rb"{\rtf1 brackets \{ and \} and \\}", "brackets { and } and \\"),
        (rb"{\rtf1 a{\bin3 }}}b}", "ab"),
        (rb"{\rtf1 a}}} b", "a b"),
        (rb"{\rtf1 {\deleted gone}kept\deleted gone\deleted0 too}", "kepttoo"),
        (rb"{\rtf1 {\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt In the box\par}}}Out}", "In the box\n\nOut"),
    ],
)
def test_words_of_rtf(rtf: bytes, text: str) -> None:
    assert rtf_text(rtf) == (text, False)


def test_documents_without_text(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^no text in it$"):
        read(tmp_path / "a.rtf", rb"{\rtf1\ansi{\pict 00}}")


@relaxed
@given(st.integers(0, len(DOCUMENT)), st.integers(0, len(DOCUMENT) - 1), st.binary(max_size=6))
def test_damage_ends_quietly(end: int, at: int, noise: bytes) -> None:
    text, _ = rtf_text(DOCUMENT[:at] + noise + DOCUMENT[at:end])
    text.encode()


def test_hostile_documents_take_no_longer() -> None:
    start = time.process_time()
    for body in (
        b"{" * 200_000,
        b"\\'e9" * 100_000,
        b"{\\footnote " * 20_000,
        b"\\bin99999999 x",
        b"\\u1 " * 50_000,
        b"}" * 100_000,
    ):
        rtf_text(b"{\\rtf1 " + body)
    assert time.process_time() - start < 20
