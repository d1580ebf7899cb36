"""A gallery: one small, real and varied file of every format that is read, with facts that must be found in it, and where.

Each fact stands between sentences that say nothing of it, far enough inside its page, sheet, slide, cell, message or definition
that a passage with the fact begins there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from support import kindle
from support import packed_formats as packed
from support.outlook import compound_file, message_streams

_NAMES = ("anchor", "barrel", "compass", "dinghy", "ensign", "fender", "gangway", "hawser", "jetty", "keel", "mooring")


@dataclass(frozen=True, slots=True)
class Fact:
    """text: a regular expression for what the document says, spaces counted as one; question: what finds it.

    marks: the landmarks it stands under, by kind, as regular expressions for the whole label; of "heading" the end of the
    path. at: the row of a sheet or the line of the file that it stands in, 0 where there is none.
    """

    text: str
    question: str
    marks: Mapping[str, str] = field(default_factory=dict)
    at: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A file. kind: what it is read as; unwanted: what no reader should take for its text; title: what it calls itself."""

    name: str
    kind: str
    make: Callable[[], bytes]
    facts: tuple[Fact, ...]
    unwanted: tuple[str, ...] = ()
    title: str = ""


def _filler(start: int, count: int = 12) -> list[str]:
    """Sentences that answer no question."""
    return [
        f"Entry {n}: the {_NAMES[n % 11]} was seen to at {n % 24:02d}:{n * 7 % 60:02d} and the {_NAMES[(n * 3 + 1) % 11]} painted grey."
        for n in range(start, start + count)
    ]


def _around(text: str, start: int, count: int = 12) -> str:
    return " ".join([*_filler(start, count), text, *_filler(start + count, count)])


LAMP = "The lamp at Oldhaven burns 14 litres of oil a night."
TIDE = "Spring tide comes two days after the full moon."
ROPE = "Marta bought 90 fathoms of tarred rope in Sandwick."
LAMP_ASKED, TIDE_ASKED, ROPE_ASKED = "litres of oil the lamp burns", "days after full moon", "fathoms of tarred rope"


def _fact(text: str, asked: str, at: int = 0, **marks: str) -> Fact:
    return Fact(text.replace(".", r"\."), asked, marks, at)


# --- text and what is nearly text -----------------------------------------------------------------------------


def _text() -> str:
    paragraphs = [" ".join(_filler(0)), _around(LAMP, 20), " ".join(_filler(60)), _around(TIDE, 80)]
    return "\n\n".join(paragraphs) + "\n"


_MARKDOWN = "\n\n".join(
    (
        "---\ntitle: Harbour notes\n---",
        "# Harbour",
        _around(ROPE, 0),
        "## Light",
        _around(LAMP, 30),
        "```python\n# not a heading\n```",
        "Water\n-----",
        _around(TIDE, 60),
        "",
    )
)
_RST = "\n\n".join(
    (
        "=======\nHarbour\n=======",
        _around(ROPE, 0),
        "Light\n=====",
        _around(LAMP, 30),
        ".. code-block:: python\n\n   x = 1",
        "Wicks\n-----",
        " ".join(_filler(60)),
        "Water\n=====",
        _around(TIDE, 90),
        "",
    )
)
_ORG = "\n".join(
    ("#+TITLE: Harbour notes", "* Harbour", _around(ROPE, 0), "** TODO Light :oil:", _around(LAMP, 30), "")
)
_TEX = "\n\n".join(
    (
        r"\title{Harbour \emph{notes}}",
        r"\section{Harbour}",
        _around(ROPE, 0),
        r"\subsection*{Light at \"Oland}\label{l}",
        _around(LAMP, 30),
        "",
    )
)
_FICTION = f"""<?xml version="1.0" encoding="utf-8"?>
<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0" xmlns:l="http://www.w3.org/1999/xlink"><description><title-info>
<book-title>The Book</book-title><author><first-name>A.</first-name><last-name>Marsh</last-name></author></title-info></description>
<body><title><p>The Book</p></title><section><title><p>Rope</p></title><p>{_around(ROPE, 0)}</p></section>
<section><title><p>Light</p></title><p>{_around(LAMP, 30)}<a l:href="#n" type="note">1</a></p></section></body>
<body name="notes"><section id="n"><p>{_around(TIDE, 60)}</p></section></body><binary id="c">{"QUJD" * 5000}</binary></FictionBook>
"""
_OUTLINE = f"""<?xml version="1.0"?><opml version="2.0"><head><title>Harbour notes</title></head><body>
<outline text="Harbour"><outline text="{ROPE}"/><outline text="Light"><outline text="{LAMP}" _note="{TIDE}"/></outline></outline>
</body></opml>"""
_CANVAS = json.dumps(
    {
        "nodes": [
            {"id": "a", "type": "text", "text": LAMP, "x": 20, "y": 20, "width": 90, "height": 40},
            {"id": "g", "type": "group", "label": "Light", "x": 0, "y": 0, "width": 200, "height": 200},
            {"id": "b", "type": "text", "text": TIDE, "x": 400, "y": 20, "width": 90, "height": 40},
        ],
        "edges": [{"id": "e", "fromNode": "a", "toNode": "b", "label": "needs"}],
    }
)
_PAGE = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="iso-8859-1"><title>The harbour</title>
<style>.lamp {{ color: crimson }}</style><script>var unwanted = "oil lamp litres";</script></head>
<body><nav><ul><li><a href="/">Home</a></li><li><a href="/shop">Shop lamps and oil</a></li></ul></nav>
<main><h1>Harbour</h1><p>{_around("The café by the pier opens at six.", 0)}</p>
<h2>Light</h2>
<p>{" ".join(_filler(30))}</p>
<p>{_around(LAMP.replace("Oldhaven", "<b>Oldhaven</b>"), 50)}</p>
<h2>Water</h2><table><tr><th>Port</th><th>Depth</th></tr><tr><td>Sandwick</td><td>31 feet</td></tr></table>
<ul><li>{_around(TIDE, 90)}</li></ul></main><footer>Cookies and consent</footer></body></html>
"""
_CSV = "Port;Depth;Remark\r\n" + "".join(
    f'{"Sandwick" if n == 17 else f"Port {n}"};{n * 3};"{"rope, tarred: 90 fathoms" if n == 17 else f"{_NAMES[n % 11]} grey"}"\r\n'
    for n in range(1, 40)
)
_CUES = [*_filler(0), LAMP, *_filler(20), TIDE, *_filler(40)]


def _clock(seconds: int, comma: str) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{comma}000"


def _srt() -> str:
    cues = [
        f"{n}\n{_clock(7 * n, ',')} --> {_clock(7 * n + 6, ',')}\n<i>{text}</i>\n" for n, text in enumerate(_CUES, 1)
    ]
    return "\n".join(cues)


def _vtt() -> str:
    cues = [f"{_clock(7 * n, '.')} --> {_clock(7 * n + 6, '.')}\n<v Ann>{text}\n" for n, text in enumerate(_CUES, 1)]
    return "WEBVTT\n\nNOTE made by hand\n\n" + "\n".join(cues)


def _notebook() -> bytes:
    def cell(kind: str, source: str, **more: object) -> dict[str, object]:
        return {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True), **more}

    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "iVBORw0KGgo" * 40}}
    printed = {"output_type": "stream", "name": "stdout", "text": [_around(TIDE, 90) + "\n"]}
    cells = [
        cell("markdown", "# Harbour\n\n" + _around(ROPE, 0)),
        cell("code", "import math\nmath.sqrt(2)", execution_count=1, outputs=[picture]),
        cell("markdown", "## Light\n\n" + _around(LAMP, 30)),
        cell("code", "print(water)", execution_count=2, outputs=[printed]),
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}, indent=1).encode()


# --- messages -------------------------------------------------------------------------------------------------


def _letter(sender: str, subject: str, day: int, text: str) -> str:
    plain = base64.encodebytes(text.encode()).decode()
    return (
        f"From: {sender}\nTo: Ben Hale <ben@example.org>\nSubject: {subject}\n"
        f"Date: Wed, {day:02d} May 2024 10:30:00 +0000\nMessage-ID: <{day}@example.org>\nMIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="cut"\n\n'
        f"--cut\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{plain}\n"
        f"--cut\nContent-Type: text/html; charset=utf-8\n\n<p>only in the other part</p>\n--cut--\n"
    )


_ANN, _CAT = "Ann Marsh <ann@example.org>", "=?utf-8?q?C=C3=A1t?= <cat@example.org>"
_TALK = [
    ("Ann", "2024-05-01T10:30:00", _around(LAMP, 0)),
    ("Ben", "2024-05-01T10:42:00", _around("Good to know.", 40)),
    ("Cát", "2024-05-02T08:05:00", _around(TIDE, 80)),
]


def _mbox() -> str:
    letters = (_letter(_ANN, "Oil", 1, _around(LAMP, 0)), _letter(_CAT, "The moon", 8, _around(TIDE, 50)))
    return "".join(f"From ann@example.org Wed May  1 10:30:00 2024\n{each}\n" for each in letters)


def _chat_json() -> bytes:
    messages = [{"author": who, "time": when, "text": text} for who, when, text in _TALK]
    return json.dumps({"title": "Harbour", "messages": messages}, ensure_ascii=False, indent=1).encode()


def _whatsapp() -> str:
    lines = ["01/05/2024, 10:29 - Messages and calls are end-to-end encrypted."]
    for who, when, text in _TALK:
        lines.append(f"{when[8:10]}/{when[5:7]}/{when[:4]}, {when[11:16]} - {who}: {text}\nand a second line")
    return "\n".join([*lines, "02/05/2024, 08:06 - Ben: <Media omitted>"]) + "\n"


def _calendar() -> str:
    entries = ((LAMP, "Oil", "20240501T103000Z", 0), (TIDE, "The moon", "20240502T080500Z", 80))
    events = "".join(
        f"BEGIN:VEVENT\r\nSUMMARY:{name}\r\nDTSTART:{time}\r\nDESCRIPTION:{_around(text, start)}\r\nEND:VEVENT\r\n"
        for text, name, time, start in entries
    )
    return f"BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n"


def _contacts() -> str:
    photo = "\r\n ".join(["iVBORw0KGgo" * 6] * 40)
    return "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nPHOTO;ENCODING=b:{photo}\r\nNOTE:{_around(text, start)}\r\nEND:VCARD\r\n"
        for name, text, start in (("Ann Marsh", LAMP, 0), ("Cát", TIDE, 80))
    )


def _notes() -> str:
    notes = "".join(
        f"<note><title>{title}</title><created>20240501T103000Z</created><content><![CDATA[<en-note><div>{_around(text, start)}</div>"
        f'</en-note>]]></content><resource><data encoding="base64">{"iVBORw0KGgo" * 90}</data><mime>image/png</mime></resource></note>'
        for title, text, start in (("Oil", LAMP, 0), ("The moon", TIDE, 80))
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE en-export SYSTEM "x.dtd">\n<en-export>{notes}</en-export>'
    )


def _rtf() -> bytes:
    parts = "".join(f"\\pard\\s1 {title}\\par\\pard\\s0 {_around(text, start)}\\par" for title, text, start in (
        ("Harbour", ROPE, 0), ("Light", LAMP, 45), ("Water", TIDE, 90),
    ))  # fmt: skip
    return (
        "{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}}{\\stylesheet{\\s0 Normal;}{\\s1 heading 1;}}{\\info{\\title Report}}"
        f"{{\\header Draft copy}}{{\\pict 89504e47}}{parts}}}"
    ).encode()


def _saved_page() -> str:
    page = base64.encodebytes(_PAGE.replace("iso-8859-1", "utf-8").encode()).decode()
    return (
        'Subject: The harbour\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary="cut"\n\n'
        f"--cut\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{page}\n"
        f"--cut\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n{'iVBORw0KGgo' * 90}\n--cut--\n"
    )


def _session() -> str:
    said = [("user", LAMP, "10:30", 0), ("assistant", TIDE, "10:42", 80)]
    return "".join(
        json.dumps({
            "type": who, "sessionId": "s", "timestamp": f"2024-05-01T{time}:00.000Z",
            "message": {"role": who, "content": [{"type": "text", "text": _around(text, start)}]},
        }) + "\n"
        for who, text, time, start in said
    )  # fmt: skip


def _outlook() -> bytes:
    texts = {"0037": "Oil for the lamp", "0C1A": "Ann Marsh", "5D01": "ann@example.org", "1000": _around(LAMP, 0)}
    sent = (datetime(2024, 5, 1, 10, 30) - datetime(1601, 1, 1)) // timedelta(microseconds=1) * 10
    return compound_file(message_streams(texts, sent=sent))


# --- source code ----------------------------------------------------------------------------------------------

# For each language: a file's name, what opens the class and the method, how a comment begins, what closes them, and the name.
_LANGUAGES = (
    ("tide.py", "class Harbour:\n    def spring(self):\n", "#", "        return 2\n", r"Harbour\.spring"),
    ("tide.js", "class Harbour {\n  spring() {\n", "//", "    return 2;\n  }\n}\n", r"Harbour\.spring"),
    ("tide.ts", "export class Harbour {\n  spring(): number {\n", "//", "    return 2;\n  }\n}\n", r"Harbour\.spring"),
    ("tide.tsx", "class Harbour {\n  spring() {\n", "//", "    return <b>2</b>;\n  }\n}\n", r"Harbour\.spring"),
    ("tide.go", "type Harbour struct{}\n\nfunc (h *Harbour) spring() int {\n", "//", "\treturn 2\n}\n", r"\(?\*?Harbour\)?\.spring"),
    ("tide.rs", "struct Harbour;\n\nimpl Harbour {\n    fn spring(&self) -> i32 {\n", "//", "        2\n    }\n}\n", "Harbour::spring"),
    ("tide.c", "int spring(void) {\n", "//", "    return 2;\n}\n", "spring"),
    ("tide.cpp", "class Harbour {\n  int spring() {\n", "//", "    return 2;\n  }\n};\n", "Harbour::spring"),
    ("Tide.java", "class Harbour {\n  int spring() {\n", "//", "    return 2;\n  }\n}\n", r"Harbour\.spring"),
    ("Tide.cs", "class Harbour {\n  int spring() {\n", "//", "    return 2;\n  }\n}\n", r"Harbour\.spring"),
    ("tide.rb", "class Harbour\n  def spring\n", "#", "    2\n  end\nend\n", "Harbour(?:#|::|\\.)spring"),
    ("tide.php", "<?php\nclass Harbour {\n  function spring() {\n", "//", "    return 2;\n  }\n}\n", "Harbour::spring"),
    ("tide.sh", "spring() {\n", "#", "  echo 2\n}\n", "spring"),
)  # fmt: skip


def _code(opening: str, mark: str, ending: str) -> str:
    inside = [*_filler(0, 9), TIDE, *_filler(20, 5)]
    indent = " " * 8
    return opening + "".join(f"{indent}{mark} {line}\n" for line in inside) + ending


def _code_sample(name: str, opening: str, mark: str, ending: str, label: str) -> Sample:
    fact = _fact(TIDE, TIDE_ASKED, at=opening.count("\n") + 10, definition=label)
    return Sample(name, "code", lambda: _code(opening, mark, ending).encode(), (fact,))


# --- the gallery ----------------------------------------------------------------------------------------------

_CHAPTERS = [
    ("The pier", [_around(ROPE, 0)]),
    ("The light", [*_filler(40), _around(LAMP, 60)]),
    ("The water", [_around(TIDE, 90)]),
]
_BOOK_FACTS = (
    _fact(ROPE, ROPE_ASKED, heading="The pier"),
    _fact(LAMP, LAMP_ASKED, heading="The light"),
    _fact(TIDE, TIDE_ASKED, heading="The water"),
)
_SLIDES = [("Rope", [_around(ROPE, 0)]), ("Light", [_around(LAMP, 30)]), ("Water", ["First.", _around(TIDE, 60)])]
_SLIDE_FACTS = (
    _fact(LAMP, LAMP_ASKED, slide="2", heading="Light"),
    _fact(TIDE, TIDE_ASKED, slide="3", heading="Water"),
)
_ROWS: list[list[str | int]] = [["Port", "Remark", "Oil"]]
_ROWS += [["Oldhaven" if n == 21 else f"Port {n}", f"{_NAMES[n % 11]} grey", n * 10] for n in range(1, 40)]
_DATED: list[list[str | int | float | None]] = [["Ship", "Cargo", "Sailed"]]
_DATED += [["Petrel" if n == 9 else f"Ship {n}", "tarred rope" if n == 9 else "coal", 45_413 + n] for n in range(1, 30)]
_HEADED = [
    (1, "Harbour"), (0, _around(ROPE, 0)), (2, "Light"), (0, " ".join(_filler(30))), (0, _around(LAMP, 45)), (1, "Water"),
    (0, _around(TIDE, 90)),
]  # fmt: skip
_HEADED_FACTS = (
    _fact(LAMP, LAMP_ASKED, heading="Harbour › Light"),
    _fact(TIDE, TIDE_ASKED, heading="Water"),
)
_SHEET_FACTS = (Fact(r"Oldhaven\b[^\n]*\b210\b", "Oldhaven", {"sheet": "Lamps"}, 22),)
_TALK_FACTS = (
    _fact(LAMP, LAMP_ASKED, message="Ann, 2024-05-01 10:30"),
    _fact(TIDE, TIDE_ASKED, message="Cát, 2024-05-02 08:05"),
)
_CUE_FACTS = (_fact(LAMP, LAMP_ASKED, time=r"00:01:\d\d"), _fact(TIDE, TIDE_ASKED, time=r"00:0[23]:\d\d"))


def _pdf() -> bytes:
    pages = [
        [_around(ROPE, 0)],
        [*_filler(40, 3), _around(LAMP, 50)],
        [_around(TIDE, 90)],
    ]
    return packed.pdf(pages, "Harbour papers")


def _inner(depth: int = 1) -> dict[str, bytes]:
    """What the archives hold: a book of notes, a text in a folder, and an archive in an archive."""
    held = {"notes.md": _MARKDOWN.encode(), "in/tale.txt": _text().encode()}
    return held | ({"deeper.zip": packed.zipped(_inner(0))} if depth else {})


SAMPLES: tuple[Sample, ...] = (
    Sample(
        "tale.txt", "text", lambda: _text().encode(), (_fact(LAMP, LAMP_ASKED, at=3), _fact(TIDE, TIDE_ASKED, at=7))
    ),
    Sample(
        "tale-utf16.txt",
        "text",
        lambda: _text().replace("\n", "\r\n").encode("utf-16"),
        (_fact(LAMP, LAMP_ASKED, at=3),),
    ),
    Sample(
        "tale-1252.txt",
        "text",
        lambda: ("“Café,” said Cát’s aunt. " + _text()).replace("á", "à").encode("cp1252"),
        (_fact("“Café,” said Càt’s aunt.", "aunt said café", at=1), _fact(TIDE, TIDE_ASKED, at=7)),
    ),
    Sample(
        "notes.md",
        "markdown",
        _MARKDOWN.encode,
        (_fact(LAMP, LAMP_ASKED, at=11, heading="Light"), _fact(TIDE, TIDE_ASKED, at=20, heading="Water")),
        title="Harbour notes",
    ),
    Sample(
        "guide.rst",
        "rst",
        _RST.encode,
        (_fact(LAMP, LAMP_ASKED, at=10, heading="Harbour › Light"), _fact(TIDE, TIDE_ASKED, heading="Harbour › Water")),
    ),
    Sample(
        "notes.org",
        "markup",
        _ORG.encode,
        (_fact(ROPE, ROPE_ASKED, at=3, heading="Harbour"), _fact(LAMP, LAMP_ASKED, at=5, heading="Harbour › Light")),
        title="Harbour notes",
    ),
    Sample(
        "notes.tex",
        "markup",
        _TEX.encode,
        (_fact(LAMP, LAMP_ASKED, at=9, heading="Harbour › Light at Öland"),),
        title="Harbour notes",
    ),
    Sample(
        "book.fb2",
        "fb2",
        _FICTION.encode,
        (_fact(LAMP, LAMP_ASKED, heading="Light"), _fact(TIDE, TIDE_ASKED, heading="notes")),
        unwanted=("QUJD",),
        title="The Book — A. Marsh",
    ),
    Sample(
        "book.mobi",
        "mobi",
        lambda: kindle.mobi([("Rope", _around(ROPE, 0)), ("Light", _around(LAMP, 30))], "The Book"),
        (_fact(ROPE, ROPE_ASKED, heading="Rope"), _fact(LAMP, LAMP_ASKED, heading="Light")),
        title="The Book",
    ),
    Sample(
        "book.azw3",
        "mobi",
        lambda: kindle.kf8([("Rope", _around(ROPE, 0)), ("Water", _around(TIDE, 30))], "The Book"),
        (_fact(ROPE, ROPE_ASKED, heading="Rope"), _fact(TIDE, TIDE_ASKED, heading="Water")),
        unwanted=("margin",),
        title="The Book",
    ),
    Sample(
        "notes.opml",
        "opml",
        _OUTLINE.encode,
        (_fact(ROPE, ROPE_ASKED, heading="Harbour"), _fact(LAMP, LAMP_ASKED, heading="Harbour › Light")),
        title="Harbour notes",
    ),
    Sample("harbour.canvas", "canvas", _CANVAS.encode, (_fact(LAMP, LAMP_ASKED, heading="Light"),)),
    Sample(
        "settings.json",
        "code",
        lambda: json.dumps({"lamp": {"note": LAMP}, "n": list(range(9))}, indent=1).encode(),
        (_fact(LAMP, LAMP_ASKED, at=3),),
    ),
    *(_code_sample(*each) for each in _LANGUAGES),
    Sample(
        "papers.pdf",
        "pdf",
        _pdf,
        (_fact(LAMP, LAMP_ASKED, page="2"), _fact(TIDE, TIDE_ASKED, page="3")),
        title="Harbour papers",
    ),
    Sample(
        "page.html",
        "html",
        lambda: _PAGE.encode("latin-1"),
        (
            _fact(LAMP, LAMP_ASKED, at=8, heading="Harbour › Light"),
            _fact(TIDE, TIDE_ASKED, at=10, heading="Harbour › Water"),
            Fact("café", "café pier"),
        ),
        unwanted=("var unwanted", "crimson", "Shop lamps", "Cookies"),
        title="The harbour",
    ),
    Sample(
        "two.epub", "epub", lambda: packed.epub(_CHAPTERS, "The Book", "A. Marsh", 2), _BOOK_FACTS, title="The Book"
    ),
    Sample(
        "three.epub", "epub", lambda: packed.epub(_CHAPTERS, "The Book", "A. Marsh", 3), _BOOK_FACTS, title="The Book"
    ),
    Sample(
        "report.docx",
        "docx",
        lambda: packed.docx([*_HEADED, [["Port", "Depth"], ["Sandwick", "31 feet"]]], "Report"),
        (*_HEADED_FACTS, Fact(r"Sandwick\b.{0,40}\b31 feet", "Sandwick feet")),
        unwanted=("Draft copy",),
        title="Report",
    ),
    Sample("talk.pptx", "pptx", lambda: packed.pptx(_SLIDES, "Talk"), _SLIDE_FACTS, title="Talk"),
    Sample(
        "lamps.xlsx",
        "xlsx",
        lambda: packed.xlsx({"Ships": _DATED, "Lamps": [list(row) for row in _ROWS]}, "Lamps"),
        (*_SHEET_FACTS, Fact(r"Petrel\b[^\n]*\b2024\b", "Petrel tarred rope", {"sheet": "Ships"}, 10)),
        title="Lamps",
    ),
    Sample("ports.csv", "csv", _CSV.encode, (Fact(r"Sandwick\b[^\n]*\b51\b[^\n]*90 fathoms", ROPE_ASKED, at=18),)),
    Sample(
        "ports.tsv",
        "csv",
        lambda: _CSV.replace(";", "\t").encode("cp1252"),
        (Fact(r"Sandwick\b[^\n]*90 fathoms", ROPE_ASKED, at=18),),
    ),
    Sample(
        "work.ipynb",
        "notebook",
        _notebook,
        (_fact(LAMP, LAMP_ASKED, cell="3", heading="Harbour › Light"), _fact(TIDE, TIDE_ASKED, cell="4")),
        unwanted=("iVBORw0KGgo",),
    ),
    Sample("report.odt", "odt", lambda: packed.odt(_HEADED, "Report"), _HEADED_FACTS, title="Report"),
    Sample(
        "lamps.ods",
        "ods",
        lambda: packed.ods({"Ships": [["Ship"], ["Petrel"]], "Lamps": _ROWS}, "Lamps"),
        _SHEET_FACTS,
        title="Lamps",
    ),
    Sample("talk.odp", "odp", lambda: packed.odp(_SLIDES, "Talk"), _SLIDE_FACTS, title="Talk"),
    Sample(
        "letter.eml",
        "mail",
        lambda: _letter(_ANN, "Oil for the lamp", 1, _around(LAMP, 0)).encode(),
        (_fact(LAMP, LAMP_ASKED, message="Ann Marsh, 2024-05-01 10:30", heading="Oil for the lamp"),),
        unwanted=("only in the other part",),
    ),
    Sample(
        "letters.mbox",
        "mail",
        lambda: _mbox().encode(),
        (
            _fact(LAMP, LAMP_ASKED, message="Ann Marsh, 2024-05-01 10:30", heading="Oil"),
            _fact(TIDE, TIDE_ASKED, message="Cát, 2024-05-08 10:30", heading="The moon"),
        ),
    ),
    Sample(
        "letter.emlx",
        "mail",
        lambda: (
            b"%d\n" % len(_letter(_ANN, "Oil", 1, _around(LAMP, 0)).encode())
            + _letter(_ANN, "Oil", 1, _around(LAMP, 0)).encode()
        ),
        (_fact(LAMP, LAMP_ASKED, message="Ann Marsh, 2024-05-01 10:30", heading="Oil"),),
    ),
    Sample(
        "letter.msg",
        "mail",
        _outlook,
        (_fact(LAMP, LAMP_ASKED, message="Ann Marsh, 2024-05-01 10:30 UTC", heading="Oil for the lamp"),),
        title="Oil for the lamp",
    ),
    Sample(
        "harbour.mhtml",
        "html",
        lambda: _saved_page().encode(),
        (_fact(LAMP, LAMP_ASKED, heading="Harbour › Light"), _fact(TIDE, TIDE_ASKED, heading="Harbour › Water")),
        unwanted=("var unwanted", "iVBORw0KGgo"),
        title="The harbour",
    ),
    Sample(
        "report.rtf",
        "rtf",
        _rtf,
        (_fact(LAMP, LAMP_ASKED, heading="Light"), _fact(TIDE, TIDE_ASKED, heading="Water")),
        unwanted=("Draft copy", "89504e47"),
        title="Report",
    ),
    Sample(
        "club.ics",
        "calendar",
        lambda: _calendar().encode(),
        (
            _fact(LAMP, LAMP_ASKED, message="2024-05-01 10:30 UTC", heading="Oil"),
            _fact(TIDE, TIDE_ASKED, message="2024-05-02 08:05 UTC", heading="The moon"),
        ),
    ),
    Sample(
        "crew.vcf",
        "contacts",
        lambda: _contacts().encode(),
        (_fact(LAMP, LAMP_ASKED, heading="Ann Marsh"), _fact(TIDE, TIDE_ASKED, heading="Cát")),
        unwanted=("iVBORw0KGgo",),
    ),
    Sample(
        "notes.enex",
        "notes",
        lambda: _notes().encode(),
        (_fact(LAMP, LAMP_ASKED, heading="Oil"), _fact(TIDE, TIDE_ASKED, heading="The moon")),
        unwanted=("iVBORw0KGgo",),
    ),
    Sample(
        "boats.jsonl",
        "records",
        lambda: "".join(json.dumps(dict(zip(_ROWS[0], row, strict=True))) + "\n" for row in _ROWS[1:]).encode(),
        (Fact(r"Oldhaven\b[^\n]*\b210\b", "Oldhaven", {}, 21),),
    ),
    Sample(
        "session.jsonl",
        "chat",
        lambda: _session().encode(),
        (
            _fact(LAMP, LAMP_ASKED, message="user, 2024-05-01 10:30 UTC"),
            _fact(TIDE, TIDE_ASKED, message="assistant, 2024-05-01 10:42 UTC"),
        ),
    ),
    Sample("talk.json", "chat", _chat_json, _TALK_FACTS),
    Sample("WhatsApp Chat with Ann.txt", "chat", lambda: _whatsapp().encode(), _TALK_FACTS),
    Sample("film.srt", "subtitles", lambda: _srt().encode(), _CUE_FACTS, unwanted=("-->", "<i>")),
    Sample("film.vtt", "subtitles", lambda: _vtt().encode(), _CUE_FACTS, unwanted=("-->", "made by hand")),
)

# Archives have no text of their own: each member is a document.
ARCHIVES: dict[str, Callable[[], bytes]] = {
    "papers.zip": lambda: packed.zipped(_inner()),
    "papers.tar": lambda: packed.tarred(_inner()),
    "papers.tar.gz": lambda: packed.gzipped(packed.tarred(_inner())),
    "papers.tar.bz2": lambda: packed.tarred(_inner(), "w:bz2"),
    "papers.tar.xz": lambda: packed.tarred(_inner(), "w:xz"),
    "tale.txt.gz": lambda: packed.gzipped(_text().encode()),
}
MEMBERS = ("notes.md", "in/tale.txt", "deeper.zip/notes.md", "deeper.zip/in/tale.txt")


def gallery() -> dict[str, bytes]:
    """Every file by its name."""
    return {sample.name: sample.make() for sample in SAMPLES} | {name: make() for name, make in ARCHIVES.items()}
