"""Readers: megabytes and pages a second, and peak memory, for each format, beside other libraries.

    python benchmarks/readers.py [--folder FOLDER] [--megabytes 1] [--rounds 3] [--only pdf,docx]
                                 [--others PYTHON] [--json results/readers.json]

Without a folder the inputs are made from the story in `samples/`, a file for each format, with
about so many megabytes of text in each (a tenth of it in a PDF). With one, its files are read: for
each ending the largest of up to 64 MB. Each reading is a process of its own; the figures are those
of the fastest of some rounds. Seconds are processor seconds from the opening of the file to its
last character, with those of a reader's own child processes, and without those of imports, which
a first reading of a small file takes. Megabytes are those of the file; peak memory is that of the
largest process. It needs Linux, and psutil for the figures of child processes.

The other libraries give less: text without places, and mostly without the names of columns. Those
that are no dependency of this package are looked for in another Python, `--others`, in which
markitdown, python-docx, python-pptx, openpyxl, odfpy, ebooklib, beautifulsoup4, striprtf and
extract-msg may be installed; what is not there is left out.
"""

from __future__ import annotations

import argparse
import csv
import html
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from common import machine, write_json

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.support import kindle, outlook  # noqa: E402
from tests.support import packed_formats as packed  # noqa: E402

MAX_BYTES = 64_000_000  # of a file of --folder
SECONDS = 300  # of one reading; a longer one is stopped and said to be too long

_MEASURE = """
import json, os, resource, sys, time
{imports}
try:
    import psutil
    me = psutil.Process()
except ImportError:
    me = None
def read(path):
{body}
def used():
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    living = [child.cpu_times() for child in me.children(recursive=True)] if me else []
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime + sum(t.user + t.system for t in living)
def peak():
    pids = [os.getpid(), *(child.pid for child in me.children(recursive=True))] if me else [os.getpid()]
    lines = [line for pid in pids for line in open(f"/proc/{{pid}}/status") if line.startswith("VmHWM")]
    return max(int(line.split()[1]) * 1024 for line in lines)
path, warm = sys.argv[1:3]
if warm:
    read(warm)
before, began = used(), time.perf_counter()
characters, pages = read(path)
print(json.dumps(dict(wall=time.perf_counter() - began, seconds=used() - before, characters=characters, pages=pages, peak=peak())))
"""
# What a library does to read a file: its imports, and the body of a function that returns the
# characters and the pages.
CRYSTAL = (
    "from pathlib import Path\nfrom crystalcli.text.readers import open_source\n"
    "from crystalcli.datatypes import Landmark",
    """
    characters = pages = 0
    for piece in open_source(Path(path))[1].pieces():
        if isinstance(piece, Landmark):
            pages += piece.kind in ("page", "slide")
        else:
            characters += len(piece)
    return characters, pages""",
)
_MARKITDOWN = (
    "from markitdown import MarkItDown\nreader = MarkItDown()",
    "    return len(reader.convert(path).text_content), 0",
)
OTHERS: dict[str, dict[str, tuple[str, str]]] = {
    "pdf": {
        "pypdf": (
            "from pypdf import PdfReader",
            "    pages = PdfReader(path).pages\n    return sum(len(page.extract_text()) for page in pages), len(pages)",
        ),
        "pypdfium2": (
            "import pypdfium2",
            "    file = pypdfium2.PdfDocument(path)\n"
            "    return sum(len(page.get_textpage().get_text_range()) for page in file), len(file)",
        ),
        "markitdown": _MARKITDOWN,
    },
    "docx": {
        "python-docx": (
            "import docx",
            "    file = docx.Document(path)\n    return sum(len(p.text) for p in file.paragraphs) + "
            "sum(len(c.text) for t in file.tables for r in t.rows for c in r.cells), 0",
        ),
        "markitdown": _MARKITDOWN,
    },
    "pptx": {
        "python-pptx": (
            "import pptx",
            "    slides = pptx.Presentation(path).slides\n    return sum(len(s.text_frame.text) for slide in slides "
            "for s in slide.shapes if s.has_text_frame), len(slides)",
        ),
        "markitdown": _MARKITDOWN,
    },
    "xlsx": {
        "openpyxl": (
            "import openpyxl",
            "    book = openpyxl.load_workbook(path, read_only=True)\n    return sum(len(str(value)) for sheet in book "
            "for row in sheet.iter_rows(values_only=True) for value in row if value is not None), 0",
        ),
        "markitdown": _MARKITDOWN,
    },
    "odt": {
        "odfpy": (
            "from odf import opendocument, teletype, text",
            "    file = opendocument.load(path)\n"
            "    return sum(len(teletype.extractText(p)) for p in file.getElementsByType(text.P)), 0",
        )
    },
    "epub": {
        "ebooklib": (
            "import ebooklib\nfrom bs4 import BeautifulSoup\nfrom ebooklib import epub",
            "    book = epub.read_epub(path)\n    return sum(len(BeautifulSoup(item.get_content(), 'lxml').get_text()) "
            "for item in book.get_items_of_type(ebooklib.ITEM_DOCUMENT)), 0",
        ),
        "markitdown": _MARKITDOWN,
    },
    "html": {
        "beautifulsoup4": (
            "from bs4 import BeautifulSoup",
            "    return len(BeautifulSoup(open(path, 'rb').read(), 'lxml').get_text()), 0",
        ),
        "markitdown": _MARKITDOWN,
    },
    "rtf": {
        "striprtf": (
            "from striprtf.striprtf import rtf_to_text",
            "    return len(rtf_to_text(open(path, encoding='latin-1').read())), 0",
        )
    },
    "msg": {"extract-msg": ("import extract_msg", "    return len(extract_msg.openMsg(path).body or ''), 0")},
    "csv": {
        "csv": (
            "import csv",
            "    return sum(len(cell) for row in csv.reader(open(path, newline='')) for cell in row), 0",
        ),
        "markitdown": _MARKITDOWN,
    },
    "mbox": {
        "mailbox": (
            "import mailbox",
            "    return sum(len(mail.get_payload() or '') for mail in mailbox.mbox(path)), 0",
        )
    },
    "ipynb": {
        "json": ("import json", "    return sum(len(''.join(c['source'])) for c in json.load(open(path))['cells']), 0"),
        "markitdown": _MARKITDOWN,
    },
    "jsonl": {"json": ("import json", "    return sum(len(str(json.loads(line))) for line in open(path)), 0")},
    "txt": {"open": ("", "    return len(open(path, encoding='utf-8').read()), 0")},
}
# Libraries of the standard library, and dependencies of this package.
AT_HOME = frozenset(("pypdf", "pypdfium2", "csv", "mailbox", "json", "open"))


def story() -> list[str]:
    """Return the paragraphs of the story in `samples/`."""
    text = "\n\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "samples/story").glob("*.md")))
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip() and not part.startswith("#")]


def make_inputs(folder: Path, size: int) -> None:
    """Write a file for each format.

    Args:
        folder: where they are written.
        size: bytes of text in each, about.
    """
    base = story()
    length = sum(map(len, base))
    paragraphs = [f"{part} ({number})" for number in range(max(1, size // length)) for part in base]
    step = max(20, len(paragraphs) // 25)
    starts = range(0, len(paragraphs), step)
    sections = [(f"Part {number}", paragraphs[start : start + step]) for number, start in enumerate(starts, 1)]
    words = [part.split() for part in paragraphs]
    rows: list[list[str | int | float]] = [["Date", "Boat", "Harbour", "Remark", "Depth"]]
    rows += [
        [f"20{n % 26:02d}-0{n % 9 + 1}-1{n % 9}", f"Boat {n}", "Larne", " ".join(w[:12]), n % 97 / 10]
        for n, w in enumerate(words * 4)
    ]
    for name, make in MAKERS.items():
        (folder / f"input.{name}").write_bytes(make(sections, rows))
        small = make(sections[:1], rows[:3])
        (folder / f"small.{name}").write_bytes(small)


Sections = list[tuple[str, list[str]]]
Rows = list[list[Any]]


def _markdown(sections: Sections) -> str:
    return "\n\n".join(f"## {title}\n\n" + "\n\n".join(parts) for title, parts in sections)


def _table(rows: Rows) -> str:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue()


def _html(sections: Sections, rows: Rows) -> str:
    body = "".join(f"<h2>{title}</h2>" + "".join(f"<p>{part}</p>" for part in parts) for title, parts in sections)
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[1:500])
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    return f"<!DOCTYPE html><title>Story</title><main>{body}<table><tr>{head}</tr>{cells}</table></main>"


def _rtf(sections: Sections) -> str:
    body = "".join(f"{{\\b {title}}}\\par " + "".join(f"{part}\\par " for part in parts) for title, parts in sections)
    return "{\\rtf1\\ansi " + "".join(letter if letter.isascii() else f"\\u{ord(letter)}?" for letter in body) + "}"


def _mail(title: str, parts: list[str]) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ann <ann@example.org>", "bo@example.org", title
    mail["Date"] = "Mon, 03 Mar 2025 10:00:00 +0100"
    mail.set_content("\n\n".join(parts))
    return mail.as_bytes()


def _mbox(sections: Sections) -> bytes:
    return b"".join(
        b"From ann@example.org Mon Mar  3 10:00:00 2025\n" + _mail(*section) + b"\n" for section in sections
    )


def _pdf(sections: Sections) -> bytes:
    parts = [part.encode("latin-1", "replace").decode("latin-1") for _, parts in sections for part in parts]
    parts = parts[: max(20, len(parts) // 10)]
    return packed.pdf([parts[start : start + 6] for start in range(0, len(parts), 6)], "Story")


def _notebook(sections: Sections) -> str:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# {title}\n", *(f"{part}\n\n" for part in parts)]}
        for title, parts in sections
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def _chat(sections: Sections) -> str:
    parts = [part for _, parts in sections for part in parts]
    messages = [
        {
            "author": ("Ann", "Bo")[number % 2],
            "time": f"2025-03-01T{number // 60 % 24:02d}:{number % 60:02d}:00",
            "text": part,
        }
        for number, part in enumerate(parts)
    ]
    return json.dumps({"messages": messages})


def _subtitles(sections: Sections) -> str:
    lines = [part[:120] for _, parts in sections for part in parts]
    return "".join(
        f"{number + 1}\n{number // 900:02d}:{number // 15 % 60:02d}:{number * 4 % 60:02d},000 --> "
        f"{number // 900:02d}:{number // 15 % 60:02d}:{number * 4 % 60 + 2:02d},000\n{line}\n\n"
        for number, line in enumerate(lines)
    )


def _code(sections: Sections) -> str:
    return "\n\n".join(
        f"def part_{number}(tide):\n    "
        + "\n    ".join(f"# {part[:90]}\n    tide += {n}" for n, part in enumerate(parts))
        for number, (_, parts) in enumerate(sections)
    )


def _emlx(sections: Sections) -> bytes:
    mail = _mail("Story", [part for _, parts in sections for part in parts])
    return b"%d\n%s" % (len(mail), mail)


def _mhtml(sections: Sections, rows: Rows) -> bytes:
    page = EmailMessage()
    page["Subject"], page["Snapshot-Content-Location"] = "Story", "https://example.org/story"
    page.make_related()
    part = EmailMessage()
    part.set_content(_html(sections, rows), subtype="html")
    page.attach(part)
    return page.as_bytes()


def _content_lines(sections: Sections, form: str) -> str:
    """Fill a form of iCalendar or vCard for each paragraph: its title, number, day and text."""
    return "".join(
        form.format(title=title, number=number, day=number % 28 + 1, text=part.replace(",", "\\,"))
        for title, parts in sections
        for number, part in enumerate(parts)
    )


def _calendar(sections: Sections) -> str:
    form = (
        "BEGIN:VEVENT\r\nUID:{title} {number}\r\nDTSTART:202503{day:02d}T090000\r\n"
        "SUMMARY:{title}\r\nDESCRIPTION:{text}\r\nEND:VEVENT\r\n"
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{_content_lines(sections, form)}END:VCALENDAR\r\n"


def _contacts(sections: Sections) -> str:
    form = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{title} {number}\r\nNOTE:{text}\r\nEND:VCARD\r\n"
    return _content_lines(sections, form)


def _evernote(sections: Sections) -> str:
    notes = "".join(
        f"<note><title>{title}</title><content><![CDATA[<en-note>"
        + "".join(f"<div>{html.escape(part)}</div>" for part in parts)
        + "</en-note>]]></content><created>20250301T100000Z</created></note>"
        for title, parts in sections
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><en-export>{notes}</en-export>'


def _outline(sections: Sections) -> str:
    body = "".join(
        f"<outline text={quoteattr(title)}>"
        + "".join(f"<outline text={quoteattr(part)}/>" for part in parts)
        + "</outline>"
        for title, parts in sections
    )
    return f'<opml version="2.0"><head><title>Story</title></head><body>{body}</body></opml>'


def _canvas(sections: Sections) -> str:
    parts = [part for _, parts in sections for part in parts]
    nodes = [
        {"id": str(number), "type": "text", "text": part, "x": 0, "y": 100 * number, "width": 400, "height": 90}
        for number, part in enumerate(parts)
    ]
    return json.dumps({"nodes": nodes, "edges": []})


def _bytes(make: Callable[[Sections, Rows], str | bytes]) -> Callable[[Sections, Rows], bytes]:
    def made(sections: Sections, rows: Rows) -> bytes:
        data = make(sections, rows)
        return data.encode() if isinstance(data, str) else data

    return made


MAKERS: dict[str, Callable[[Sections, Rows], bytes]] = {
    name: _bytes(make)
    for name, make in {
        "txt": lambda s, _: "\n\n".join(part for _, parts in s for part in parts),
        "md": lambda s, _: _markdown(s),
        "rst": lambda s, _: "\n\n".join(f"{t}\n{'=' * len(t)}\n\n" + "\n\n".join(p) for t, p in s),
        "org": lambda s, _: "\n\n".join(f"* {t}\n" + "\n\n".join(p) for t, p in s),
        "tex": lambda s, _: "\n\n".join(f"\\section{{{t}}}\n" + "\n\n".join(p) for t, p in s),
        "py": lambda s, _: _code(s),
        "html": _html,
        "rtf": lambda s, _: _rtf(s),
        "pdf": lambda s, _: _pdf(s),
        "epub": lambda s, _: packed.epub(s, "Story", "Ann", 3),
        "docx": lambda s, r: packed.docx(
            [*((0, p) for _, parts in s for p in parts), [list(map(str, row)) for row in r[:200]]], "Story"
        ),
        "odt": lambda s, _: packed.odt([(0, p) for _, parts in s for p in parts], "Story"),
        "pptx": lambda s, _: packed.pptx(
            [(t, p[start : start + 5]) for t, p in s for start in range(0, len(p), 5)], "Story"
        ),
        "odp": lambda s, _: packed.odp(
            [(t, p[start : start + 5]) for t, p in s for start in range(0, len(p), 5)], "Story"
        ),
        "xlsx": lambda _, r: packed.xlsx({"Boats": r}, "Story"),
        "ods": lambda _, r: packed.ods({"Boats": r}, "Story"),
        "csv": lambda _, r: _table(r),
        "jsonl": lambda _, r: "".join(json.dumps(dict(zip(r[0], row, strict=True))) + "\n" for row in r[1:]),
        "ipynb": lambda s, _: _notebook(s),
        "eml": lambda s, _: _mail("Story", [part for _, parts in s for part in parts]),
        "mbox": lambda s, _: _mbox(s),
        "json": lambda s, _: _chat(s),
        "srt": lambda s, _: _subtitles(s),
        "vtt": lambda s, _: "WEBVTT\n\n" + _subtitles(s).replace(",000", ".000"),
        "adoc": lambda s, _: "\n\n".join(f"== {t}\n\n" + "\n\n".join(p) for t, p in s),
        "mobi": lambda s, _: kindle.mobi([(t, "</p><p>".join(p)) for t, p in s], "Story"),
        "azw3": lambda s, _: kindle.kf8([(t, "</p><p>".join(p)) for t, p in s], "Story"),
        "msg": lambda s, _: outlook.compound_file(
            outlook.message_streams({"0037": "Story", "1000": "\n\n".join(part for _, parts in s for part in parts)})
        ),
        "emlx": lambda s, _: _emlx(s),
        "mhtml": _mhtml,
        "ics": lambda s, _: _calendar(s),
        "vcf": lambda s, _: _contacts(s),
        "enex": lambda s, _: _evernote(s),
        "opml": lambda s, _: _outline(s),
        "canvas": lambda s, _: _canvas(s),
        "fb2": lambda s, _: (
            '<FictionBook xmlns="http://www.gribuser.ru/xml/fictionbook/2.0"><body>'
            + "".join(
                f"<section><title><p>{t}</p></title>" + "".join(f"<p>{x}</p>" for x in p) + "</section>" for t, p in s
            )
            + "</body></FictionBook>"
        ),
    }.items()
}


def measure(python: str, library: tuple[str, str], path: Path, warm: Path | None, rounds: int) -> dict[str, Any] | None:
    """Read a file some times, each in a new process; None where the library cannot."""
    script = _MEASURE.format(imports=library[0], body=library[1])
    best: dict[str, Any] | None = None
    for _ in range(rounds):
        try:
            run = subprocess.run(
                [python, "-c", script, str(path), str(warm or "")],
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"  {path.name}: more than {SECONDS} s", file=sys.stderr)
            return None
        if run.returncode:
            last = run.stderr.strip().splitlines()[-1:] or ["?"]
            print(f"  {path.name}: {last[0][:100]}", file=sys.stderr)
            return None
        found = json.loads(run.stdout.splitlines()[-1])
        if best is None or found["seconds"] < best["seconds"]:
            best = found
    return best


def inputs_of(folder: Path) -> dict[str, Path]:
    """Return the largest file of each ending in a folder, up to MAX_BYTES."""
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        ending = path.suffix.lower().lstrip(".")
        if not path.is_file() or not ending or not 0 < path.stat().st_size <= MAX_BYTES:
            continue
        if ending not in found or path.stat().st_size > found[ending].stat().st_size:
            found[ending] = path
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="a folder of files to read instead of those that are made")
    parser.add_argument("--megabytes", type=float, default=1.0, help="text in each file that is made, up to 64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="endings, with commas between them")
    parser.add_argument("--others", default="", help="a Python with the other libraries")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    only = set(filter(None, args.only.split(",")))
    with tempfile.TemporaryDirectory() as made:
        if args.folder is None:
            make_inputs(Path(made), int(1e6 * min(64.0, args.megabytes)))
            inputs = {name: Path(made) / f"input.{name}" for name in MAKERS}
        else:
            inputs = inputs_of(args.folder)
        results = []
        heads = ("format", "reader", "file MB", "text MB", "pages", "seconds", "MB/s", "pages/s", "peak MB")
        print("{:8s}{:16s}{:>9s}{:>9s}{:>7s}{:>9s}{:>8s}{:>9s}{:>9s}".format(*heads))
        for ending, path in inputs.items():
            if only and ending not in only:
                continue
            small = Path(made) / f"small.{ending}"
            libraries = {"crystal": CRYSTAL, **OTHERS.get(ending, {})}
            for name, library in libraries.items():
                python = sys.executable if name == "crystal" or name in AT_HOME else args.others
                found = (
                    measure(python, library, path, small if small.exists() else None, args.rounds) if python else None
                )
                if found is None:
                    continue
                size = path.stat().st_size
                row = {"format": ending, "reader": name, "bytes": size, **found}
                results.append(row)
                seconds = max(found["seconds"], 1e-3)
                pages = f"{found['pages'] / seconds:9.1f}" if found["pages"] else " " * 9
                print(
                    f"{ending:8s}{name:16s}{size / 1e6:9.2f}{found['characters'] / 1e6:9.2f}{found['pages'] or '':>7}"
                    f"{found['seconds']:9.3f}{size / 1e6 / seconds:8.1f}{pages}{found['peak'] / 1e6:9.1f}",
                    flush=True,
                )
    print(machine())
    write_json(args.json, {"readers": results})


if __name__ == "__main__":
    main()
