"""Text: files into documents.

The question it answers: which files are there, what text do they hold, and where may it be cut?

The order of its folders is discover, source, document, formats, chunking; each imports from those
before it, and chunking does not import formats. `readers.py` alone knows every format.

read_ahead.py          Files that are parsed before they are asked for, each by a process of its
                       own.
readers.py             Open a file as a document: find its kind, by its name and first bytes, and
                       the kind's reader.

chunking/
    boundaries.py          Boundaries at which text may be cut: sentence, line, paragraph and
                           definition ends, with ranks.
    chunker.py             Cut a stream of text into chunks of at most `limit` tokens that end at
                           natural places.
    encoded_data.py        Encoded data in texts: pictures and keys in base64, which have letters
                           and no words.
    line_shape.py          Shape of lines: rows of tables and logs, and lines of code, which end
                           where they mean to.
    own_lines.py           Lines that a text has of its own: rows, lists, fences and indented code.
    unwrap.py              Join the lines of hard-wrapped text, which end only because a column was
                           full.

discover/
    file_filter.py         Filters of a folder's files: patterns to include, patterns to exclude,
                           and a limit on size.
    fs_events.py           Changes under folders and files that are watched, as the system reports
                           them.
    ignore_files.py        Ignore files and the paths that they leave out.
    skip_rules.py          Rules for files that are skipped by default: written by a machine, or not
                           text by their name.
    walk.py                Walk over the files under the folders that the user named, in an order
                           that never varies.

document/
    composer.py            Composer of a document's text: blocks with the white space between them,
                           and landmarks.
    front_matter.py        Front matter of Markdown documents: the authors, the date and the tags
                           that it gives them.
    markdown_row.py        Rows of a Markdown table, cell by cell, as they stand in its text.
    markup.py              Safe parser of XML and HTML: no entities of the file's own, no network,
                           bounds on depth.
    message_author.py      Author of a message: a person, or a program that answers people.
    messages.py            Messages of a chat, in the form in which a crystal stores them.
    number_format.py       Numbers and dates as a spreadsheet shows them, by the format codes of
                           Office Open XML.
    outline.py             Path of the headings above a place, from their levels.
    reading_order.py       Reading order of things on a plane: from the top, and column by column
                           where there are columns.
    row_names.py           Names of columns that stand in every row of a table: `Goodwill; 2022:
                           $12,787; 2021: $12,668`.
    stated_fields.py       Fields that a document states of itself: its authors, its date, its tags.
    table_header.py        Headers of tables: which rows at the top of a table name its columns.
    table_rows.py          Rows of a table as lines that carry their header: `Year: 2020; Revenue:
                           1,200`.
    table_spans.py         Merged cells of tables: their value stands in every row and column that
                           they cover.

formats/
    book_chapters.py       Chapters of a book in plain text, and the header and licence that Project
                           Gutenberg adds.
    canvas.py              Reader of canvases (JSON Canvas, as Obsidian writes them): cards by their
                           places, and arrows.
    csv_table.py           Reader of comma- or tab-separated values: every row becomes a line that
                           carries its header.
    definition_names.py    Names of definitions in languages whose grammars do not keep them in a
                           field of the node.
    definitions.py         Definitions of source code, their names and extents, by tree-sitter's
                           grammars.
    epub.py                Reader of books in EPUB 2 and 3: the spine in reading order, under the
                           chapters of the contents.
    fictionbook.py         Reader of books in FictionBook 2 (.fb2): sections under their titles,
                           verse, notes.
    grammars.py            Grammars of programming languages: the files they read, and the nodes
                           that are definitions.
    json_escapes.py        Letters in JSON that are written as escapes: a backslash and `u00fc` are
                           ü.
    markdown.py            Headings and headers of tables in a Markdown text.
    markup_fields.py       Fields that plain-text markups state of a document: its authors, its
                           date, its tags.
    markup_headings.py     Headings of plain-text markups besides Markdown and reStructuredText.
    notebook.py            Reader of Jupyter notebooks, cell by cell: Markdown with its headings,
                           code, outputs in words.
    opml.py                Reader of outlines in OPML: each entry a line under those above it, with
                           its note and address.
    plain.py               Reader of text, code, Markdown and other markups: decoded exactly, in
                           pieces.
    rst.py                 Headings of a reStructuredText.
    source_code.py         Reader of source code: its text, with a landmark where each definition
                           begins.
    subtitles.py           Reader of subtitles (SubRip and WebVTT): cues joined into sentences, with
                           their times.
    xml_document.py        Reader of documents that are one XML file, held whole and parsed when it
                           is first needed.

formats/archive/
    archive_entry.py       Entries of an archive, and the limits on unpacking them.
    archive_members.py     Zip, tar and compressed files as lists of entries, unpacked in pieces and
                           never to a disk.
    archive_reader.py      Reader of archives as folders of files: each member by its name, and as a
                           temporary file.

formats/chats/
    agent_session.py       Messages in the sessions of coding agents, as Claude Code and Codex keep
                           them in lines of JSON.
    chat_json.py           Messages in JSON exports of chats: lists of objects with an author, a
                           text and a time.
    chat_reader.py         Reader of chats and of records: exports as text or JSON, sessions of
                           agents, lines of JSON.
    content_blocks.py      Content of a message in the exports of chats: texts, calls of tools, and
                           their results.
    json_lines.py          Lines of JSON: a record in each.
    text_chats.py          Messages in the text exports of LINE, KakaoTalk and iMessage.
    whatsapp.py            Messages in WhatsApp's text exports: lines that begin with a date, and
                           lines that continue them.

formats/kindle/
    book_file.py           A Kindle book as a file: its headers, its fields, and its text unpacked.
    book_index.py          Indexes in a Kindle book: rows with a name and tagged numbers, and the
                           labels they refer to.
    book_parts.py          Parts of a Kindle book in reading order, and the places of its chapters
                           in them.
    kindle_reader.py       Reader of books for Kindle and Mobipocket: their pages in order, under
                           their chapters.
    palm_records.py        Records of a Palm database, the container of Mobipocket's and Kindle's
                           books.
    text_compression.py    The two compressions of text in Kindle's books: PalmDOC and HUFF/CDIC.

formats/mail/
    mail_body.py           Text of a mail that is written in HTML.
    mail_headers.py        Headers of a mail: their words decoded, their people and their time.
    mail_message.py        One mail as text: its headers, its body, and its attachments by name.
    mail_reader.py         Reader of mails: one in a file (.eml, .emlx, .msg, a Maildir's), or many
                           in a mailbox.
    outlook_message.py     One mail in a file of Outlook (.msg, MS-OXMSG), also one inside another.
    outlook_rtf.py         Text of a mail in the compressed RTF in which Outlook keeps it (MS-
                           OXRTFCP).
    saved_page.py          Reader of web pages that a browser saved with their pictures in one file
                           (MHTML, RFC 2557).
    signed_mail.py         Mail inside a signature: the content of S/MIME (RFC 8551) that is signed
                           and not encrypted.
    tnef.py                Parts of a `winmail.dat`, into which Outlook packs what MIME has no place
                           for (MS-OXTNEF).

formats/ocr/
    letter_recognition.py  Recognition of the letters in a picture (OCR): lines of text and where
                           they stand.

formats/office/
    compound_file.py       Compound file (OLE2, MS-CFB): a file that holds folders and streams, as
                           Outlook's messages do.
    docx.py                Reader of Word documents: paragraphs, headings by style, lists, table
                           rows, notes.
    odf.py                 Reader of OpenDocument texts, spreadsheets and presentations, as
                           LibreOffice writes them.
    ooxml.py               Common structure of Office files: parts, the relations between them, the
                           document's properties.
    pptx.py                Reader of PowerPoint presentations: title, texts, table rows and
                           speaker's notes of each slide.
    sheet_layout.py        Layout of a worksheet: merged cells, known header rows, text boxes on the
                           sheet.
    symbols.py             Letters of fonts of symbols, which Office files name by font and code.
    xlsx.py                Reader of Excel workbooks: every row a line that carries its header,
                           values as shown.
    zip_package.py         Package: a zip file that is one document, as EPUB, Office and
                           OpenDocument files are.

formats/pdf/
    annotations.py         Annotations of a PDF: values of form fields, typed text, comments.
    bidi.py                Reading order of letters and words on a line of Hebrew, Arabic or another
                           script that runs left.
    fallback.py            Pages of a PDF that pdfium cannot read, as pypdf reads them.
    glyphs.py              Letters of a PDF with their places; also title, page labels and outline,
                           should pypdf fail.
    legibility.py          Letters without meaning: what a page says whose fonts do not tell which
                           letters they draw.
    note_marks.py          Marks of notes, raised behind a word: `revenue¹²` becomes `revenue [12]`,
                           as in other formats.
    page_layout.py         Lines in reading order from fragments.
    page_picture.py        Picture of a PDF's page, and the rectangles on it in which a passage
                           stands.
    page_rules.py          Rules and areas of a page, as pdfium finds them among the things that it
                           draws.
    page_tables.py         Tables on pages: each row carries the names of its columns, `Revenue;
                           2022: $17; 2021: $15`.
    paragraphs.py          Paragraphs from lines, with an empty line between them and broken words
                           joined.
    pdf_pages.py           Pages of a PDF, read one by one or by several processes, before they
                           become text.
    pdf_reader.py          A PDF as a reading: page after page, in reading order.
    ruled_grids.py         Grids that a page draws: the rules of tables, and the cells between them.
    ruled_tables.py        Ruled tables of pages: letters in the cells of a grid are rows with the
                           names of their columns.
    running_headers.py     Running headers and footers, and page numbers: rows that are not part of
                           a page's text.
    scanned_page.py        Pages that are pictures of text: which they are, and their letters as OCR
                           reads them.
    short_columns.py       Columns of a few lines, which are too short to be told from a table by
                           how they fill their width.
    special_rows.py        Rows that are read otherwise than from left to right: initials, line
                           numbers, tables, columns.
    structure.py           Structure of a PDF: title, author, labels, outline, form fields,
                           annotations, attachments.
    table_columns.py       Columns of a table on a page: which cells of its rows stand below one
                           another, and their names.

formats/personal/
    calendar_reader.py     Reader of calendars (.ics): a paragraph for each event, task and entry of
                           a journal.
    contacts_reader.py     Reader of address books (.vcf): a paragraph for each card. Pictures and
                           keys are left out.
    content_lines.py       Content lines of calendars and address books (RFC 5545, RFC 6350, and
                           vCard 2.1 before them).
    evernote_reader.py     Reader of notes in Evernote's exports (.enex): each note with its title,
                           its tags and its time.
    keep_note.py           Notes in Google Keep's exports: one in each file of JSON.

formats/pictures/
    picture_reader.py      Reader of pictures of text: the letters that OCR recognizes, page by
                           page.

formats/rtf/
    rtf_parser.py          Parser of RTF: the text of a document and where its paragraphs, cells and
                           notes end.
    rtf_reader.py          Reader of RTF, as word processors write it: paragraphs, headings, table
                           rows, notes.

formats/web/
    html_blocks.py         Text of an HTML tree, block by block: paragraphs, headings, lists,
                           tables, preformatted text.
    html_reader.py         Reader of web pages: the main text with its headings, lists, tables and
                           lines.
    html_tables.py         Tables of web pages: rows with the names of their columns, merged cells
                           in each of them.
    html_text.py           Text of an HTML element: what its letters are, where they are not those
                           of the tree.
    main_content.py        Main content of a web page, without navigation, advertisements and the
                           like.
    page_fields.py         Fields that a web page states of itself: its authors, its date, its
                           keywords.
    saved_html.py          The page inside a web page that was saved with its pictures in one file
                           (MHTML, RFC 2557).

source/
    encoding_detector.py   Detection of a file's encoding during the first pass over its bytes.
    file_bytes.py          A file's bytes: their fingerprint and their encoding.
    latin_encodings.py     Detection of legacy encodings of Latin letters, where a few accents have
                           to decide.
    legacy_encodings.py    Detection of legacy encodings by the letters of a text.
    letter_sample.py       Sample of a text by which its encoding is guessed: lines with letters
                           beyond ASCII.
    read_request.py        Request to read a file: the file after its survey, and the user's
                           options.
    reader_guard.py        Guard around a reading: its text can be stored, and its only errors are
                           those of this package.
    sniff_messages.py      Detection of mail and chats by a file's name and its first bytes.
    stated_encoding.py     Encodings that texts state: labels of encodings, and the places where a
                           file names its own.
    text_decoder.py        Decoding of bytes into text, piece by piece or whole.
    text_logs.py           Lines of chats that are exported as text: WhatsApp, LINE, KakaoTalk,
                           iMessage.
    unforeseen.py          Barrier around a reader: one wording for every error that its author did
                           not foresee.
    worker_process.py      Readers in a child process: a file that makes one hang, crash or fill the
                           memory is stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.text.chunking.boundaries import (
        FULL_STOPS,
        sentence_spans,
    )
    from crystalcli.text.chunking.chunker import (
        MAX_CHUNK_TOKENS,
        MIN_CHUNK_TOKENS,
        cut_chunks,
    )
    from crystalcli.text.chunking.line_shape import (
        are_entries,
    )
    from crystalcli.text.chunking.own_lines import (
        is_flowing,
        is_item,
        stands_in_lines,
    )
    from crystalcli.text.chunking.unwrap import (
        shown_text,
        unwrap_lines,
    )
    from crystalcli.text.discover.file_filter import (
        DEFAULT_FILTER,
        DEFAULT_MAX_FILE_SIZE,
        FileFilter,
        format_limit,
    )
    from crystalcli.text.discover.fs_events import (
        NextBurst,
        watch_events,
    )
    from crystalcli.text.discover.skip_rules import (
        INSTALLED_FOLDERS,
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
    from crystalcli.text.document.front_matter import (
        front_matter_end,
        has_own_fields,
        parse_front_matter,
        tags_of,
        with_title_alone,
    )
    from crystalcli.text.document.markdown_row import (
        is_table_rule,
        named_row,
    )
    from crystalcli.text.document.message_author import (
        author_of_label,
        is_assistant,
        is_chat_owner,
    )
    from crystalcli.text.document.messages import (
        Message,
        format_message,
        label_length,
    )
    from crystalcli.text.document.row_names import (
        names_in_rows,
    )
    from crystalcli.text.formats.archive.archive_entry import (
        MAX_ARCHIVE_DEPTH,
        TOO_DEEP,
        Allowance,
    )
    from crystalcli.text.formats.archive.archive_reader import (
        ArchiveMember,
        ArchiveReading,
    )
    from crystalcli.text.formats.ocr.letter_recognition import (
        check_ocr_installed,
    )
    from crystalcli.text.formats.pdf.page_picture import (
        PagePicture,
        draw_page,
        find_rectangles,
    )
    from crystalcli.text.read_ahead import (
        ReadAhead,
    )
    from crystalcli.text.readers import (
        open_source,
        reader_version,
        readers_digest,
    )
    from crystalcli.text.source.file_bytes import (
        survey_file,
    )
    from crystalcli.text.source.read_request import (
        DEFAULT_READ_OPTIONS,
        ReadOptions,
        may_open,
    )
    from crystalcli.text.source.reader_guard import (
        ReadingWithFiles,
    )
    from crystalcli.text.source.sniff_messages import (
        SLACK_USERS_FILE,
    )
    from crystalcli.text.source.text_decoder import (
        decode_labelled,
    )
    from crystalcli.text.source.worker_process import (
        dismiss_large,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "chunking.boundaries": (
                "FULL_STOPS",
                "sentence_spans",
            ),
            "chunking.chunker": (
                "MAX_CHUNK_TOKENS",
                "MIN_CHUNK_TOKENS",
                "cut_chunks",
            ),
            "chunking.line_shape": ("are_entries",),
            "chunking.own_lines": ("is_flowing", "is_item", "stands_in_lines"),
            "chunking.unwrap": (
                "shown_text",
                "unwrap_lines",
            ),
            "discover.file_filter": (
                "DEFAULT_FILTER",
                "DEFAULT_MAX_FILE_SIZE",
                "FileFilter",
                "format_limit",
            ),
            "discover.fs_events": (
                "NextBurst",
                "watch_events",
            ),
            "discover.skip_rules": (
                "INSTALLED_FOLDERS",
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
            "document.front_matter": (
                "front_matter_end",
                "has_own_fields",
                "parse_front_matter",
                "tags_of",
                "with_title_alone",
            ),
            "document.markdown_row": ("is_table_rule", "named_row"),
            "document.message_author": ("author_of_label", "is_assistant", "is_chat_owner"),
            "document.messages": ("Message", "format_message", "label_length"),
            "document.row_names": ("names_in_rows",),
            "formats.archive.archive_entry": (
                "Allowance",
                "MAX_ARCHIVE_DEPTH",
                "TOO_DEEP",
            ),
            "formats.archive.archive_reader": (
                "ArchiveMember",
                "ArchiveReading",
            ),
            "formats.ocr.letter_recognition": ("check_ocr_installed",),
            "formats.pdf.page_picture": (
                "PagePicture",
                "draw_page",
                "find_rectangles",
            ),
            "read_ahead": ("ReadAhead",),
            "readers": ("open_source", "reader_version", "readers_digest"),
            "source.text_decoder": ("decode_labelled",),
            "source.file_bytes": ("survey_file",),
            "source.read_request": (
                "DEFAULT_READ_OPTIONS",
                "ReadOptions",
                "may_open",
            ),
            "source.reader_guard": ("ReadingWithFiles",),
            "source.sniff_messages": ("SLACK_USERS_FILE",),
            "source.worker_process": ("dismiss_large",),
        },
    )

__all__ = [
    "DEFAULT_FILTER",
    "DEFAULT_MAX_FILE_SIZE",
    "DEFAULT_READ_OPTIONS",
    "FULL_STOPS",
    "INSTALLED_FOLDERS",
    "MAX_ARCHIVE_DEPTH",
    "MAX_CHUNK_TOKENS",
    "MIN_CHUNK_TOKENS",
    "NEVER_ENTERED",
    "OWN_SUFFIXES",
    "SLACK_USERS_FILE",
    "TOO_DEEP",
    "Allowance",
    "ArchiveMember",
    "ArchiveReading",
    "ChangedPaths",
    "FileFilter",
    "FoundFile",
    "Message",
    "NextBurst",
    "PagePicture",
    "ReadAhead",
    "ReadOptions",
    "ReadingWithFiles",
    "SkippedPath",
    "are_entries",
    "asked_place",
    "author_of_label",
    "by_content",
    "check_ocr_installed",
    "cut_chunks",
    "decode_labelled",
    "dismiss_large",
    "draw_page",
    "find_rectangles",
    "format_limit",
    "format_message",
    "front_matter_end",
    "has_own_fields",
    "is_assistant",
    "is_chat_owner",
    "is_flowing",
    "is_item",
    "is_table_rule",
    "label_length",
    "may_open",
    "named_row",
    "names_in_rows",
    "open_source",
    "parse_front_matter",
    "reader_version",
    "readers_digest",
    "sentence_spans",
    "shown_text",
    "stands_in_lines",
    "survey_file",
    "tags_of",
    "unwrap_lines",
    "walk_files",
    "watch_events",
    "with_title_alone",
]
