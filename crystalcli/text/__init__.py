"""Text: files into documents.

The question it answers: which files are there, what text do they hold, and where may it be cut?

readers.py           Opens a file as a document: what its bytes are, what kind of text they hold,
                     and a way to read it in pieces.

chunking/
    boundaries.py        Where text may be cut: sentence, line, paragraph and definition ends, each
                         with a rank.
    chunker.py           Cuts a stream of text into chunks of at most `limit` tokens that end at
                         natural places.
    unwrap.py            Hard-wrapped text as it reads: lines that end only because a column was
                         full are joined.

discover/
    file_filter.py       What of a folder is to be read: patterns that keep, patterns that leave
                         out, how large a file may be.
    fs_events.py         Which paths change under folders and files that are watched, as the system
                         tells it.
    ignore_files.py      Which paths the ignore files leave out: `.crystalignore`, `.gitignore` at
                         every level, `.git/info/exclude`.
    skip_rules.py        Which files nobody means to read, though they may hold text: what a machine
                         wrote, and what is no text at all.
    walk.py              Which files stand under the folders that were asked for, in an order that
                         never varies.

document/
    composer.py          Writes the text of a document that is no text file: blocks with the white
                         space between them, and landmarks.
    line_index.py        Pieces of text as lines, whatever ends them, one held at a time.
    markup.py            XML and HTML parsed so that no file can do harm: no entities of its own, no
                         network, bounds on depth.
    messages.py          Messages of a chat, and when they were written, in the form in which a
                         crystal holds them.
    number_format.py     Numbers and dates as a spreadsheet shows them, by the format codes of
                         Office Open XML (ECMA-376, part 1, 18.8.30).
    outline.py           The headings above a place, from their levels.
    table_rows.py        The rows of a sheet as lines that carry their header: `Year: 2020; Revenue:
                         1,200`.

formats/
    book_chapters.py     Where the chapters of a book in plain text begin, and what Project
                         Gutenberg put around it.
    csv_table.py         Tables in text files: comma- or tab-separated values and their kin. Every
                         row becomes a line that carries its header.
    definitions.py       Where the definitions of source code begin and end, and what they are
                         called: tree-sitter's grammars over a whole file.
    epub.py              Books in EPUB 2 and 3: the documents of the spine in reading order, under
                         the chapters that the contents name.
    grammars.py          Which grammar reads which file, and what a definition is in each language.
    markdown.py          Where the headings of a Markdown text are.
    notebook.py          Jupyter notebooks, cell by cell: Markdown with its headings, code, and what
                         the code said in words.
    plain.py             Text, code, Markdown and reStructuredText files as readings: decoded in
                         pieces, exactly, newlines as they stand.
    rst.py               Where the headings of a reStructuredText are.
    source_code.py       Source code as a reading: its exact text, with a landmark where each
                         definition begins.
    subtitles.py         Subtitles (SubRip and WebVTT) as running text: cues joined into sentences,
                         with the times at which they are spoken.

formats/archive/
    archive_members.py   Zip, tar and compressed files as lists of entries, unpacked in pieces.
                         Nothing here writes a file.
    archive_reader.py    An archive as a folder of files: every member by its name, and as a file of
                         its own for as long as someone looks at it.

formats/chats/
    chat_json.py         Messages in JSON: lists of objects that say who, what and when, wherever in
                         the exports of chats they stand.
    chat_reader.py       Exports of chats: a paragraph for each message, and who wrote it when.
    whatsapp.py          What WhatsApp exports as text: lines that begin with a date, and lines that
                         go on with the message before.

formats/mail/
    mail_body.py         The words of a mail that is written in HTML.
    mail_message.py      One mail as text: its headers, what it says, and the names of what is
                         attached.
    mail_reader.py       Mails: one in a file (.eml, a Maildir's), or many in a mailbox, one after
                         the other.

formats/office/
    docx.py              Word documents: paragraphs, headings by their styles, lists, tables row by
                         row, foot- and endnotes after their paragraph.
    odf.py               OpenDocument texts, spreadsheets and presentations, as LibreOffice writes
                         them.
    ooxml.py             What Office files share: parts, the relations between them, and the
                         document's properties.
    pptx.py              PowerPoint presentations: slide by slide the title, the texts, tables row
                         by row, and the speaker's notes.
    xlsx.py              Excel workbooks: every row a line that carries its header, values as the
                         sheet shows them.
    zip_package.py       A zip file that is one document: EPUB, Office and OpenDocument files. Its
                         parts are read within bounds.

formats/pdf/
    annotations.py       Annotations of a PDF: values of form fields, typed text, comments.
    bidi.py              Reading order of letters and words on a line of Hebrew, Arabic or another
                         script that runs left.
    fallback.py          Pages of a PDF that pdfium cannot read, as pypdf reads them.
    glyphs.py            Letters of a PDF with their places; also title, page labels and outline,
                         should pypdf fail.
    page_layout.py       Lines in reading order from fragments.
    paragraphs.py        Paragraphs from lines, with an empty line between them and broken words
                         joined.
    pdf_pages.py         Pages of a PDF, read one by one or by several processes, before they become
                         text.
    pdf_reader.py        A PDF as a reading: page after page, in reading order.
    running_headers.py   Running headers and footers, and page numbers: rows that are not part of a
                         page's text.
    structure.py         Structure of a PDF: title, author, labels, outline, form fields,
                         annotations, attachments.

formats/web/
    html_blocks.py       The text of an HTML tree, block by block: paragraphs, headings, lists,
                         tables, preformatted text.
    html_reader.py       Web pages as readings: the main text with its headings, lists, tables and
                         lines.
    main_content.py      Which part of a web page is worth reading: the text, and not what leads
                         elsewhere.

source/
    file_bytes.py        A file's bytes: their fingerprint, and which encoding they are in.
    legacy_encodings.py  Which of the older encodings a text is in whose letters are mostly not
                         those of Western Europe.
    read_request.py      What a reader is given: a file that has been looked through once, and what
                         the user said of it.
    reader_guard.py      A reading that keeps to what readings promise, whatever is in the file:
                         text that can be stored, and one SourceError where it ends.
    sniff_messages.py    Whether a file looks like mail or like a chat, from its name and its first
                         bytes.
    unforeseen.py        One name for each unexpected error of a reader, or of a library below it.
    worker_process.py    Readers in a process of their own, which can be stopped: a file that makes
                         one hang, crash or fill the memory costs that file.
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
