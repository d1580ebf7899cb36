"""Open a file as a document: find its kind, by its name and first bytes, and the kind's reader.

Knows every format by name. Does not know how bytes become text (source.file_bytes), where headings
are (formats.markdown), what is inside a PDF (formats.pdf), or how a reader that does not end is
stopped (source.worker_process).
"""

from __future__ import annotations

import hashlib
import re
from importlib import import_module
from pathlib import Path

from crystalcli.datatypes import Fingerprint, Reading
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.archive.archive_reader import is_archive
from crystalcli.text.formats.markup_headings import MARKUP_SUFFIXES, is_man_page
from crystalcli.text.source.encoding_detector import BINARY_FILE, MAGIC, PALM, PICTURE
from crystalcli.text.source.file_bytes import FileSurvey, survey_file
from crystalcli.text.source.read_request import DEFAULT_READ_OPTIONS, LOCKED, ReadOptions, ReadRequest
from crystalcli.text.source.reader_guard import GuardedReading, ReadingWithFiles
from crystalcli.text.source.sniff_messages import JSON_SUFFIXES, is_mail, is_saved_page, may_be_chat
from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.unforeseen import contained_errors

BINARY_ENCODINGS = frozenset(("pdf", "tar", PALM, PICTURE, *(name for _, name in MAGIC)))

SUFFIXES = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".mdwn", ".mdx", ".qmd", ".rmd"), "markdown"),
    **dict.fromkeys(MARKUP_SUFFIXES, "markup"),
    **dict.fromkeys((".rst", ".rest"), "rst"),
    **dict.fromkeys((".html", ".htm", ".xhtml", ".xht"), "html"),
    **dict.fromkeys((".csv", ".tsv", ".tab"), "csv"),
    ".ipynb": "notebook",
    ".fb2": "fb2",
    ".opml": "opml",
    ".canvas": "canvas",
    **dict.fromkeys((".ics", ".ical", ".vcs"), "calendar"),
    **dict.fromkeys((".vcf", ".vcard"), "contacts"),
    ".enex": "notes",
}
HTML_HEAD = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
# Suffixes of files that are cut at definitions and brackets rather than at sentences. HTML and
# reStructuredText are prose with markup.
# fmt: off
CODE = frozenset((
    ".py", ".pyi", ".pyx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte",
    ".go", ".rs", ".zig", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".inl", ".cu", ".cuh", ".m", ".mm",
    ".java", ".kt", ".kts", ".scala", ".groovy", ".gradle", ".clj", ".cljs", ".cs", ".fs", ".vb", ".swift", ".dart",
    ".rb", ".php", ".pl", ".pm", ".lua", ".tcl", ".r", ".jl", ".nim", ".d", ".sol", ".proto", ".graphql",
    ".hs", ".ml", ".mli", ".erl", ".ex", ".exs", ".elm", ".lisp", ".el", ".scm", ".rkt", ".f", ".f90", ".f95", ".pas",
    ".s", ".asm", ".glsl", ".wgsl", ".vert", ".frag", ".v", ".sv", ".vhd", ".vhdl",
    ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".awk", ".sed", ".vim",
    ".gd", ".gdshader", ".tres", ".tscn", ".razor", ".cshtml", ".vbhtml", ".xaml", ".axaml", ".astro", ".erb", ".ejs", ".haml",
    ".slim", ".pug", ".hbs", ".handlebars", ".mustache", ".j2", ".jinja", ".jinja2", ".twig", ".liquid", ".ftl", ".jsp", ".aspx",
    ".prisma", ".gql", ".graphqls", ".thrift", ".capnp", ".fbs", ".avdl", ".wit", ".smithy", ".bicep", ".hcl", ".tfvars", ".cue",
    ".dhall", ".jsonnet", ".libsonnet", ".kdl", ".ron", ".rego", ".star", ".bazel", ".gn", ".gni", ".ninja", ".sbt", ".gemspec",
    ".podspec", ".rake", ".ru", ".coffee", ".ls", ".hx", ".as", ".ino", ".pde", ".ipp", ".tpp", ".ixx", ".cppm", ".metal", ".hlsl",
    ".comp", ".geom", ".tesc", ".tese", ".shader", ".nasm", ".cr", ".ecr", ".odin", ".vala", ".gleam", ".roc", ".mojo", ".cairo",
    ".vy", ".purs", ".idr", ".agda", ".lean", ".sml", ".fsx", ".fsi", ".vbs", ".bas", ".psm1", ".psd1", ".raku", ".rakumod",
    ".cljc", ".edn", ".hy", ".fnl", ".ss", ".sld", ".lhs", ".hrl", ".eex", ".leex", ".heex", ".adb", ".ads", ".for", ".f03", ".f08",
    ".cob", ".cbl", ".abap", ".sas", ".do", ".ado", ".ahk", ".au3", ".nut", ".nu", ".ksh", ".csh", ".tcsh", ".postcss", ".styl",
    ".csproj", ".vcxproj", ".fsproj", ".props", ".targets", ".resx", ".plist", ".storyboard", ".xib", ".service", ".desktop",
    ".sql", ".css", ".scss", ".sass", ".less", ".tf", ".nix", ".bzl", ".cmake", ".mk",
    ".jsonc", ".geojson", ".har", ".webmanifest",
    ".json", ".json5", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".xsd", ".xsl", ".svg",
))
CODE_NAMES = frozenset((
    "makefile", "gnumakefile", "dockerfile", "containerfile", "jenkinsfile", "vagrantfile", "rakefile", "gemfile",
    "procfile", "justfile", "cmakelists.txt", "meson.build", "build", "build.bazel", "workspace", "sconstruct",
    "go.mod", "go.sum", ".bashrc", ".zshrc", ".profile", ".vimrc", ".editorconfig", ".gitignore", ".gitattributes",
    ".dockerignore",
))
# fmt: on


# The reader of each kind: a module of this room, imported when it is needed, and a class in it that
# is called with a ReadRequest and is a Reading.
READERS = {
    "text": "formats.plain:PlainReading",
    "markdown": "formats.plain:PlainReading",
    "code": "formats.source_code:CodeReading",
    "pdf": "formats.pdf.pdf_reader:PdfReading",
    "mobi": "formats.kindle.kindle_reader:KindleReading",
    "picture": "formats.pictures.picture_reader:PictureReading",
    "rtf": "formats.rtf.rtf_reader:RtfReading",
    "archive": "formats.archive.archive_reader:ArchiveReading",
    "mhtml": "formats.mail.saved_page:SavedPageReading",
    "mail": "formats.mail.mail_reader:MailReading",
    "calendar": "formats.personal.calendar_reader:CalendarReading",
    "contacts": "formats.personal.contacts_reader:ContactsReading",
    "notes": "formats.personal.evernote_reader:EvernoteReading",
    "records": "formats.chats.chat_reader:ChatReading",
    "json": "formats.chats.chat_reader:ChatReading",
    "chat": "formats.chats.chat_reader:ChatReading",
    "subtitles": "formats.subtitles:SubtitlesReading",
    "html": "formats.web.html_reader:HtmlReading",
    "rst": "formats.plain:PlainReading",
    "markup": "formats.plain:PlainReading",
    "csv": "formats.csv_table:CsvReading",
    "notebook": "formats.notebook:NotebookReading",
    "epub": "formats.epub:EpubReading",
    "fb2": "formats.fictionbook:FictionBookReading",
    "opml": "formats.opml:OpmlReading",
    "canvas": "formats.canvas:CanvasReading",
    "docx": "formats.office.docx:DocxReading",
    "pptx": "formats.office.pptx:PptxReading",
    "xlsx": "formats.office.xlsx:XlsxReading",
    "odt": "formats.office.odf:OdfReading",
    "ods": "formats.office.odf:OdfReading",
    "odp": "formats.office.odf:OdfReading",
}
# Versions of readers by the kind of their documents, 1 for all others. A version is raised when a
# reader gives other text or landmarks for the same file: such files are then read again.
READER_VERSIONS = {
    **dict.fromkeys(("csv", "docx", "pptx", "xlsx", "odt", "ods", "odp", "html", "epub", "mobi", "notebook"), 2),
    **dict.fromkeys(("text", "markdown", "markup", "subtitles", "code", "chat", "notes", "opml", "canvas"), 2),
    **dict.fromkeys(("calendar", "contacts"), 2),
    **dict.fromkeys(("pdf", "mail"), 3),
}
FOLDER_KINDS = frozenset(("archive",))  # kinds that hold files, each of which is opened by itself
# Formats without a reader, and what to do with such a file.
_UNREADABLE = {
    ".pages": "a Pages document (export it as .docx)",
    ".numbers": "a Numbers sheet (export it as .xlsx)",
    ".key": "a Keynote presentation (export it as .pptx)",
    ".sxw": "an OpenOffice 1 text (save it as .odt)",
    ".sxc": "an OpenOffice 1 sheet (save it as .ods)",
    ".sxi": "an OpenOffice 1 presentation (save it as .odp)",
    ".kfx": "a Kindle book in KFX (convert it to EPUB)",
    ".azw8": "a Kindle book in KFX (convert it to EPUB)",
    ".azw1": "a Kindle book in Topaz (convert it to EPUB)",
    ".tpz": "a Kindle book in Topaz (convert it to EPUB)",
    ".djvu": "a DjVu book (convert it to PDF)",
    ".djv": "a DjVu book (convert it to PDF)",
    ".one": "a OneNote section (export it as PDF or .docx)",
    ".onepkg": "a OneNote notebook (export it as PDF or .docx)",
    ".pst": "an Outlook data file (export its mails as .eml or .msg)",
    ".ost": "an Outlook data file (export its mails as .eml or .msg)",
}
# Office files that are not zip files: those from before 2007, and encrypted ones.
_OLD_OFFICE = frozenset((".doc", ".dot", ".xls", ".xlt", ".ppt", ".pps"))
_OFFICE = frozenset((".docx", ".docm", ".xlsx", ".xlsm", ".pptx", ".pptm"))
# Kinds with encodings of their own, part by part.
MIXED_KINDS = frozenset(("mail", "mhtml"))
# Kinds whose readers may hang, crash or fill the memory over a bad file: they are read in a child
# process.
WORKER_KINDS = frozenset(("pdf", "picture", "mobi"))


def open_source(path: Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> tuple[Fingerprint, Reading]:
    """Open a file as a document.

    The file is read once from end to end, and not parsed yet: a caller that knows the fingerprint
    already pays for the hash only.

    Args:
        path: the file.
        options: the user's options.

    Returns:
        The fingerprint of the file's bytes, and a way to read its text.

    Raises:
        SourceError: The file cannot be read, or is of a format without a reader. The message is a
            short reason without the path. The reading raises the same when the file has changed.
    """
    try:
        survey = survey_file(path, options.piece, named_pdf=path.suffix.lower() == ".pdf")
    except SourceError as error:
        raise _with_advice(error, path) from None
    if survey.encoding == PICTURE and not options.ocr:
        raise SourceError("a picture (--ocr reads the text in it)", Reason.PICTURE)
    kind = _kind_of_binary(path, survey) if survey.encoding in BINARY_ENCODINGS else kind_of_file(path, survey.head)
    request = ReadRequest(path, survey, kind, options)
    if kind in WORKER_KINDS:
        from crystalcli.text.source.worker_process import DEFAULT_BOUNDS, OCR_BOUNDS, WorkerReading

        bounds = OCR_BOUNDS if options.ocr else DEFAULT_BOUNDS
        return survey.fingerprint, WorkerReading(request, READERS[kind], bounds)
    module, name = READERS[kind].split(":")
    reader = getattr(import_module(f"crystalcli.text.{module}"), name)
    with contained_errors():
        reading: Reading = reader(request)
    if kind in FOLDER_KINDS:
        return survey.fingerprint, reading
    guard = ReadingWithFiles if hasattr(reader, "members") else GuardedReading
    return survey.fingerprint, guard(reading, encoding_doubt(survey) if kind not in MIXED_KINDS else "")


def reader_version(kind: str) -> int:
    """Return the version of the reader of a kind of documents, from 1."""
    return READER_VERSIONS.get(kind, 1)


def readers_digest() -> str:
    """Return a digest of what can be read: kinds of documents, endings, versions of readers."""
    known = [sorted(READERS), sorted(SUFFIXES.items()), sorted(BINARY_ENCODINGS), sorted(_UNREADABLE)]
    return hashlib.blake2b(repr((known, sorted(READER_VERSIONS.items()))).encode(), digest_size=8).hexdigest()


def encoding_doubt(survey: FileSurvey) -> str:
    """Return why a text may not be in the encoding that it was read in, with a code; or ""."""
    encoding = survey.encoding
    if encoding == "utf-8 with strays":
        return f"{Reason.INVALID_BYTES}: bytes that are not UTF-8 became U+FFFD"
    if (
        encoding in BINARY_ENCODINGS
        or encoding.startswith(("utf", "iso2022"))
        or encoding == stated_encoding(survey.head)
    ):
        return ""
    return f"{Reason.GUESSED_ENCODING}: read as {encoding}, by its letters"


def _with_advice(error: SourceError, path: Path) -> SourceError:
    """Return the error for a file that is no text: what it is, and what to do with it, if known."""
    advice = _UNREADABLE.get(path.suffix.lower()) if error.code == Reason.NOT_TEXT else None
    return SourceError(advice, Reason.UNSUPPORTED) if advice else error


def _kind_of_binary(path: Path, survey: FileSurvey) -> str:
    """The kind of a file that is not text. Raises SourceError for a format without a reader."""
    if survey.encoding in ("pdf", "rtf", PICTURE):
        return survey.encoding
    if survey.encoding == PALM:
        return "mobi"
    if survey.encoding == "zip":
        from crystalcli.text.formats.office.zip_package import kind_inside

        if kind := kind_inside(path):
            return kind
    if survey.encoding == "ole":
        if path.suffix.lower() in _OFFICE:
            raise SourceError(*LOCKED)
        if path.suffix.lower() in (".msg", ".oft"):
            return "mail"
        if path.suffix.lower() in _OLD_OFFICE:
            raise SourceError("an Office file from before 2007 (save it as .docx, .xlsx or .pptx)", Reason.UNSUPPORTED)
    if survey.encoding in ("7z", "rar"):
        raise SourceError(f"a {survey.encoding} archive (of archives zip and tar are read)", Reason.UNSUPPORTED)
    if path.suffix.lower() in _UNREADABLE:
        raise SourceError(_UNREADABLE[path.suffix.lower()], Reason.UNSUPPORTED)
    if is_archive(path, survey.encoding, survey.head):
        return "archive"
    raise SourceError(*BINARY_FILE)


def kind_of_file(path: Path, head: bytes = b"") -> str:
    """The kind of a text.

    The name decides, or the beginning: of mails, chats, `<!DOCTYPE html>`, and of `#!/bin/sh` in a
    file without a suffix.

    Args:
        path: the file.
        head: its first bytes.

    Returns:
        A key of READERS.
    """
    suffix, name = path.suffix.lower(), path.name.lower()
    if suffix in (".srt", ".vtt"):
        return "subtitles"
    if is_mail(path, head):
        return "mail"
    if is_saved_page(suffix, head):
        return "mhtml"
    if may_be_chat(suffix, head):
        return "json" if suffix == ".json" else "records" if suffix in JSON_SUFFIXES else "chat"
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    if suffix in CODE or name in CODE_NAMES or name.startswith("dockerfile."):
        return "code"
    if HTML_HEAD.match(head):
        return "html"
    if is_man_page(suffix, head):
        return "markup"
    return "code" if not suffix and head.startswith(b"#!") else "text"
