"""Opens a file as a document: what its bytes are, what kind of text they hold, and a way to read it in pieces.

Knows which kind a name and a first look make of a file, and which reader that needs. Does not know how bytes
become text (reader_bytes), where headings are (reader_markdown), what is inside a PDF (formats.pdf), or how a reader is
stopped that does not end (apart).
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.archive.archive_reader import is_archive
from crystalcli.text.source.file_bytes import BINARY_FILE, MAGIC, FileSurvey, survey_file
from crystalcli.text.source.read_request import LOCKED, PLAINLY, ReadOptions, ReadRequest
from crystalcli.text.source.reader_guard import GuardedReading, trouble_named
from crystalcli.text.source.sniff_messages import is_mail, may_be_chat
from crystalcli.types import Fingerprint, Reading

BINARY = frozenset(("pdf", "tar", *(name for _, name in MAGIC)))

SUFFIXES = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdx"), "markdown"),
    **dict.fromkeys((".rst", ".rest"), "rst"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xht"), "html"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    ".ipynb": "notebook",
}
HTML_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
# What is cut at definitions and brackets rather than at sentences. HTML and reStructuredText are prose with marks.
# fmt: off
CODE = frozenset((
    ".py", ".pyi", ".pyx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte",
    ".go", ".rs", ".zig", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".inl", ".cu", ".cuh", ".m", ".mm",
    ".java", ".kt", ".kts", ".scala", ".groovy", ".gradle", ".clj", ".cljs", ".cs", ".fs", ".vb", ".swift", ".dart",
    ".rb", ".php", ".pl", ".pm", ".lua", ".tcl", ".r", ".jl", ".nim", ".d", ".sol", ".proto", ".graphql",
    ".hs", ".ml", ".mli", ".erl", ".ex", ".exs", ".elm", ".lisp", ".el", ".scm", ".rkt", ".f", ".f90", ".f95", ".pas",
    ".s", ".asm", ".glsl", ".wgsl", ".vert", ".frag", ".v", ".sv", ".vhd", ".vhdl",
    ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".awk", ".sed", ".vim",
    ".sql", ".css", ".scss", ".sass", ".less", ".tf", ".nix", ".bzl", ".cmake", ".mk",
    ".json", ".json5", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".xsd", ".xsl", ".svg",
))
CODE_NAMES = frozenset((
    "makefile", "gnumakefile", "dockerfile", "containerfile", "jenkinsfile", "vagrantfile", "rakefile", "gemfile",
    "procfile", "justfile", "cmakelists.txt", "meson.build", "build", "build.bazel", "workspace", "sconstruct",
    "go.mod", "go.sum", ".bashrc", ".zshrc", ".profile", ".vimrc", ".editorconfig", ".gitignore", ".gitattributes",
    ".dockerignore",
))
# fmt: on


# The reader of each kind: a module of this room, imported when it is needed, and a class in it that is called with what
# `Asked` says and is a Reading.
READERS = {
    "text": "formats.plain:PlainReading",
    "markdown": "formats.plain:PlainReading",
    "code": "formats.source_code:CodeReading",
    "pdf": "formats.pdf.reader:PdfReading",
    "archive": "formats.archive.archive_reader:ArchiveReading",
    "mail": "formats.mail.mail_reader:MailReading",
    "chat": "formats.chats.chat_reader:ChatReading",
    "subtitles": "formats.subtitles:SubtitlesReading",
    "html": "formats.web.html_reader:HtmlReading",
    "rst": "formats.plain:PlainReading",
    "csv": "formats.csv_table:CsvReading",
    "notebook": "formats.notebook:NotebookReading",
    "epub": "formats.epub:EpubReading",
    "docx": "formats.office.docx:DocxReading",
    "pptx": "formats.office.pptx:PptxReading",
    "xlsx": "formats.office.xlsx:XlsxReading",
    "odt": "formats.office.odf:OdfReading",
    "ods": "formats.office.odf:OdfReading",
    "odp": "formats.office.odf:OdfReading",
}
FOLDERS = frozenset(("archive",))  # kinds that hold files rather than text: each of these is opened by itself
# Office files that are no zip files: those from before 2007, and encrypted ones.
_OLD_OFFICE = frozenset((".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps"))
_OFFICE = frozenset((".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm"))
# The kinds whose readers may hang, crash or fill the memory over a bad file: they are read in a process of their own.
APART = frozenset(("pdf",))


def open_source(path: Path, options: ReadOptions = PLAINLY) -> tuple[Fingerprint, Reading]:
    """Reads the file once from end to end for its fingerprint and encoding, and hands back a way to read it again.

    Nothing is parsed yet: a caller who knows the fingerprint already pays for the hash and no more. Raises SourceError with a
    short reason that does not repeat the path; the reading raises the same when the file is no longer what it was.
    """
    seen = survey_file(path, options.piece, named_pdf=path.suffix.lower() == ".pdf")
    kind = _kind_of_bytes(path, seen) if seen.encoding in BINARY else kind_of_file(path, seen.head)
    asked = ReadRequest(path, seen, kind, options)
    if kind in APART:
        from crystalcli.text.source.worker_process import WorkerReading

        return seen.fingerprint, WorkerReading(asked, READERS[kind])
    module, name = READERS[kind].split(":")
    reader = getattr(import_module(f"crystalcli.text.{module}"), name)
    with trouble_named():
        reading: Reading = reader(asked)
    return seen.fingerprint, reading if kind in FOLDERS else GuardedReading(reading)


def _kind_of_bytes(path: Path, seen: FileSurvey) -> str:
    """The kind of a file that is no text, by its content. Raises SourceError for one that no reader takes."""
    if seen.encoding == "pdf":
        return "pdf"
    if seen.encoding == "zip":
        from crystalcli.text.formats.office.zip_package import kind_inside

        if kind := kind_inside(path):
            return kind
    if seen.encoding == "ole":
        if path.suffix.lower() in _OFFICE:
            raise SourceError(*LOCKED)
        if path.suffix.lower() in _OLD_OFFICE:
            raise SourceError("an Office file from before 2007 (save it as .docx, .xlsx or .pptx)", Reason.UNSUPPORTED)
    if seen.encoding in ("7z", "rar"):
        raise SourceError(f"a {seen.encoding} archive (of archives zip and tar are read)", Reason.UNSUPPORTED)
    if is_archive(path, seen.encoding, seen.head):
        return "archive"
    raise SourceError(*BINARY_FILE)


def kind_of_file(path: Path, head: bytes = b"") -> str:
    """The kind of a text: by the name, or by how it begins, as with mails, chats, `<!DOCTYPE html>`, and `#!/bin/sh` where the name
    says nothing."""
    suffix, name = path.suffix.lower(), path.name.lower()
    if suffix in (".srt", ".vtt"):
        return "subtitles"
    if is_mail(path, head):
        return "mail"
    if may_be_chat(suffix, head):
        return "chat"
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if suffix in CODE or name in CODE_NAMES or name.startswith("dockerfile."):
        return "code"
    if HTML_HEAD.match(head):
        return "html"
    return "code" if not suffix and head.startswith(b"#!") else "text"
