"""Markups besides Markdown and reStructuredText: headings where they are, and nowhere else; and formats without a reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import read

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.markup_headings import MARKUP_SUFFIXES, with_markup_headings
from crystalcli.text.readers import open_source

ORG = """#+TITLE: The light
* Oil
** DONE [#A] Whale oil :stock:winter:
#+begin_example
* no heading
#+end_example
* [[https://example.org][Rape]] oil
*bold* is no heading
"""
ADOC = """= The light

== Oil ==
----
== no heading
----
=== *Whale* oil

Rape oil
--------
"""
TEX = r"""\documentclass{article}
\title[Short]{The light of \emph{Holm}}
% \section{no heading}
\section{Oil \& wicks}\label{sec:oil}
\begin{verbatim}
\section{no heading}
\end{verbatim}
\subsection*{Whale oil \footnote{cheap} {\bf old}} % why
  \subsubsection[toc]{K\"aufe}
\begin{frame}[t]{A slide}
"""
TYPST = """#set document(title: "The light")
= Oil
```
== no heading
```
== Whale oil <whale>
"""
WIKI = """= The light =
== [[Oil|'''Oil''']] ==
<pre>
== no heading ==
</pre>
=== Whale oil === <!-- old -->
a == b is no heading
"""
TEXTILE = """h1. The light

h2(#id). Oil

<pre>
h2. no heading
</pre>

h3{color:red}. Whale oil
"""
MAN = r""".\" a page
.TH LAMP 8 "2031-01-02"
.SH "NAME"
lamp \- trim a lamp
.SH SEE ALSO
.SS \fBWhale\fR oil
"""
POD = """=head1 Oil

=begin html
=head1 no heading
=end html

=head2 B<Whale> oil
"""


@pytest.mark.parametrize(
    ("name", "text", "title", "headings"),
    [
        ("a.org", ORG, "The light", ["Oil", "Oil › Whale oil", "Rape oil"]),
        ("a.adoc", ADOC, "The light", ["The light", "The light › Oil", "The light › Oil › Whale oil", "The light › Rape oil"]),
        ("a.tex", TEX, "The light of Holm",
         ["Oil & wicks", "Oil & wicks › Whale oil old", "Oil & wicks › Whale oil old › Käufe",
          "Oil & wicks › Whale oil old › Käufe › A slide"]),
        ("a.typ", TYPST, "The light", ["Oil", "Oil › Whale oil"]),
        ("a.wiki", WIKI, "The light", ["The light", "The light › Oil", "The light › Oil › Whale oil"]),
        ("a.textile", TEXTILE, "The light", ["The light", "The light › Oil", "The light › Oil › Whale oil"]),
        ("lamp.8", MAN, "LAMP(8)", ["NAME", "SEE ALSO", "SEE ALSO › Whale oil"]),
        ("a.pod", POD, "Oil", ["Oil", "Oil › Whale oil"]),
    ],
)  # fmt: skip
def test_headings_and_titles(tmp_path: Path, name: str, text: str, title: str, headings: list[str]) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = read(path)
    assert (found.kind, found.title, found.text) == ("markup", title, text)
    assert found.labels("heading") == headings
    assert read(path, piece=5).marks == found.marks


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([*sorted(MARKUP_SUFFIXES), ".1"]),
    st.lists(
        st.sampled_from(
            [*(ORG + ADOC + TEX + WIKI + TEXTILE + MAN).splitlines(), "", "=", "----", "```", "x" * 70_000]
        ),
        max_size=20,
    ),
    st.integers(1, 50),
)
def test_the_text_is_exact_in_whatever_pieces(suffix: str, lines: list[str], size: int) -> None:
    text = "\n".join(lines)
    size = max(size, len(text) // 2000)
    pieces = list(with_markup_headings([text[i : i + size] for i in range(0, len(text), size)], suffix))
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == text
    if len(text) < 60_000:
        marks = [piece for piece in with_markup_headings([text], suffix) if isinstance(piece, Landmark)]
        assert [piece for piece in pieces if isinstance(piece, Landmark)] == marks


def test_markdown_of_notebooks_in_text(tmp_path: Path) -> None:
    for name in ("a.qmd", "a.Rmd"):
        path = tmp_path / name
        path.write_text("---\ntitle: Light\n---\n\n# Oil\n\n```{r}\n# no heading\n```\n")
        found = read(path)
        assert (found.kind, found.title, found.labels("heading")) == ("markdown", "Light", ["Oil"])


def test_a_log_with_a_number_is_no_page_of_the_manual(tmp_path: Path) -> None:
    path = tmp_path / "app.log.1"
    path.write_text("a line\n")
    assert read(path).kind == "text"


@pytest.mark.parametrize(
    ("name", "data", "advice"),
    [
        ("a.pages", b"PK\x03\x04", "export it as .docx"),
        ("a.numbers", b"PK\x03\x04", "export it as .xlsx"),
        ("a.key", b"PK\x03\x04", "export it as .pptx"),
        ("a.djvu", b"AT&TFORM\0\0", "convert it to PDF"),
        ("a.sxw", b"PK\x03\x04\0\0", "save it as .odt"),
        ("a.one", b"\xe4R\\{\x8c\xd8\0\0", "export it as PDF or .docx"),
        ("a.PST", b"!BDN\0\0", "export its mails as .eml or .msg"),
    ],
)
def test_a_format_without_a_reader_says_what_to_do(tmp_path: Path, name: str, data: bytes, advice: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(SourceError, match=advice) as raised:
        open_source(path)
    assert raised.value.code == Reason.UNSUPPORTED


def test_a_key_in_letters_is_a_text(tmp_path: Path) -> None:
    path = tmp_path / "server.key"
    path.write_text("-----BEGIN KEY-----\nabc\n-----END KEY-----\n")
    assert read(path).kind == "text"
