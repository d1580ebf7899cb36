"""Text: files into documents.

The question it answers: which files are there, what text do they hold, and where may it be cut?

readers.py           Opens a file as a document: what its bytes are, what kind of text they hold

chunking/
    boundaries.py        Where text may be cut: sentence, line, paragraph and definition ends, each
    chunker.py           Cuts a stream of text into chunks of at most `limit` tokens that end at
    unwrap.py            Hard-wrapped text as it reads: lines that end only because a column was

discover/
    file_filter.py       What of a folder is to be read: patterns that keep, patterns that leave
    fs_events.py         Which paths change under folders and files that are watched, as the system
    ignore_files.py      Which paths the ignore files leave out: `.crystalignore`, `.gitignore` at
    skip_rules.py        Which files nobody means to read, though they may hold text: what a
    walk.py              Which files stand under the folders that were asked for, in an order that

document/
    composer.py          Writes the text of a document that is no text file: blocks with the white
    line_index.py        Pieces of text as lines, whatever ends them, one held at a time
    markup.py            XML and HTML parsed so that no file can do harm: no entities of its own
    messages.py          Messages of a chat, and when they were written, in the form in which a
    number_format.py     Numbers and dates as a spreadsheet shows them, by the format codes of
    outline.py           The headings above a place, from their levels
    table_rows.py        The rows of a sheet as lines that carry their header: `Year: 2020

formats/
    book_chapters.py     Where the chapters of a book in plain text begin, and what Project
    csv_table.py         Tables in text files: comma- or tab-separated values and their kin. Every
    definitions.py       Where the definitions of source code begin and end, and what they are
    epub.py              Books in EPUB 2 and 3: the documents of the spine in reading order, under
    grammars.py          Which grammar reads which file, and what a definition is in each language
    markdown.py          Where the headings of a Markdown text are
    notebook.py          Jupyter notebooks, cell by cell: Markdown with its headings, code, and
    plain.py             Text, code, Markdown and reStructuredText files as readings: decoded in
    rst.py               Where the headings of a reStructuredText are
    source_code.py       Source code as a reading: its exact text, with a landmark where each
    subtitles.py         Subtitles (SubRip and WebVTT) as running text: cues joined into sentences

formats/archive/
    archive_members.py   Zip, tar and compressed files as lists of entries, unpacked in pieces.
    archive_reader.py    An archive as a folder of files: every member by its name, and as a file

formats/chats/
    chat_json.py         Messages in JSON: lists of objects that say who, what and when, wherever
    chat_reader.py       Exports of chats: a paragraph for each message, and who wrote it when
    whatsapp.py          What WhatsApp exports as text: lines that begin with a date, and lines

formats/mail/
    mail_body.py         The words of a mail that is written in HTML
    mail_message.py      One mail as text: its headers, what it says, and the names of what is
    mail_reader.py       Mails: one in a file (.eml, a Maildir's), or many in a mailbox, one after

formats/office/
    docx.py              Word documents: paragraphs, headings by their styles, lists, tables row by
    odf.py               OpenDocument texts, spreadsheets and presentations, as LibreOffice writes
    ooxml.py             What Office files share: parts, the relations between them, and the
    pptx.py              PowerPoint presentations: slide by slide the title, the texts, tables row
    xlsx.py              Excel workbooks: every row a line that carries its header, values as the
    zip_package.py       A zip file that is one document: EPUB, Office and OpenDocument files. Its

formats/pdf/
    annotations.py       Annotations of a PDF: values of form fields, typed text, comments
    bidi.py              Reading order of letters and words on a line of Hebrew, Arabic or another
    fallback.py          Pages of a PDF that pdfium cannot read, as pypdf reads them
    glyphs.py            Letters of a PDF with their places; also title, page labels and outline
    page_layout.py       Lines in reading order from fragments
    paragraphs.py        Paragraphs from lines, with an empty line between them and broken words
    pdf_pages.py         Pages of a PDF, read one by one or by several processes, before they
    pdf_reader.py        A PDF as a reading: page after page, in reading order
    running_headers.py   Running headers and footers, and page numbers: rows that are not part of a
    structure.py         Structure of a PDF: title, author, labels, outline, form fields

formats/web/
    html_blocks.py       The text of an HTML tree, block by block: paragraphs, headings, lists
    html_reader.py       Web pages as readings: the main text with its headings, lists, tables and
    main_content.py      Which part of a web page is worth reading: the text, and not what leads

source/
    file_bytes.py        A file's bytes: their fingerprint, and which encoding they are in
    legacy_encodings.py  Which of the older encodings a text is in whose letters are mostly not
    read_request.py      What a reader is given: a file that has been looked through once, and what
    reader_guard.py      A reading that keeps to what readings promise, whatever is in the file
    sniff_messages.py    Whether a file looks like mail or like a chat, from its name and its first
    unforeseen.py        The one name for whatever a reader, or a library below it, raises that
    worker_process.py    Readers in a process of their own, which can be stopped: a file that makes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.text.chunking.boundaries import (
        sentence_spans,
    )
    from crystalcli.text.chunking.chunker import (
        FLOOR,
        LIMIT,
        cut_chunks,
    )
    from crystalcli.text.chunking.unwrap import (
        unwrap_lines,
    )
    from crystalcli.text.discover.file_filter import (
        LARGEST,
        USUAL,
        FileFilter,
        format_limit,
    )
    from crystalcli.text.discover.fs_events import (
        Next,
        watch_events,
    )
    from crystalcli.text.discover.skip_rules import (
        INSTALLED,
        by_content,
    )
    from crystalcli.text.discover.walk import (
        NEVER_ENTERED,
        OWN_SUFFIXES,
        ChangedPaths,
        FoundFile,
        SkippedPath,
        asked_place,
        walk_files,
    )
    from crystalcli.text.formats.archive.archive_reader import (
        DEPTH,
        PEOPLE,
        TOO_DEEP,
        Allowance,
        ArchiveReading,
    )
    from crystalcli.text.readers import (
        open_source,
    )
    from crystalcli.text.source.file_bytes import (
        survey_file,
    )
    from crystalcli.text.source.read_request import (
        PLAINLY,
        ReadOptions,
        may_open,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "chunking.boundaries": ("sentence_spans",),
            "chunking.chunker": (
                "FLOOR",
                "LIMIT",
                "cut_chunks",
            ),
            "chunking.unwrap": ("unwrap_lines",),
            "discover.file_filter": (
                "FileFilter",
                "LARGEST",
                "USUAL",
                "format_limit",
            ),
            "discover.fs_events": (
                "Next",
                "watch_events",
            ),
            "discover.skip_rules": (
                "INSTALLED",
                "by_content",
            ),
            "discover.walk": (
                "ChangedPaths",
                "FoundFile",
                "NEVER_ENTERED",
                "OWN_SUFFIXES",
                "SkippedPath",
                "asked_place",
                "walk_files",
            ),
            "formats.archive.archive_reader": (
                "Allowance",
                "ArchiveReading",
                "DEPTH",
                "PEOPLE",
                "TOO_DEEP",
            ),
            "readers": ("open_source",),
            "source.file_bytes": ("survey_file",),
            "source.read_request": (
                "PLAINLY",
                "ReadOptions",
                "may_open",
            ),
        },
    )

__all__ = [
    "DEPTH",
    "FLOOR",
    "INSTALLED",
    "LARGEST",
    "LIMIT",
    "NEVER_ENTERED",
    "OWN_SUFFIXES",
    "PEOPLE",
    "PLAINLY",
    "TOO_DEEP",
    "USUAL",
    "Allowance",
    "ArchiveReading",
    "ChangedPaths",
    "FileFilter",
    "FoundFile",
    "Next",
    "ReadOptions",
    "SkippedPath",
    "asked_place",
    "by_content",
    "cut_chunks",
    "format_limit",
    "may_open",
    "open_source",
    "sentence_spans",
    "survey_file",
    "unwrap_lines",
    "walk_files",
    "watch_events",
]
