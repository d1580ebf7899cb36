"""Readers of file formats: each turns the bytes of a file into text and landmarks.

book_chapters: chapters of a book in plain text.
canvas: reader of JSON Canvas files.
csv_table: reader of comma- or tab-separated values.
definitions: definitions of source code, found by tree-sitter.
epub: reader of EPUB books.
fictionbook: reader of FictionBook 2.
grammars: grammars of programming languages.
json_escapes: letters in JSON that are escapes.
markdown: headings and headers of tables in a Markdown text.
markup_headings: headings of Org, AsciiDoc, LaTeX and other markups.
notebook: reader of Jupyter notebooks.
opml: reader of outlines in OPML.
plain: reader of text, code, Markdown and other markups.
rst: headings of a reStructuredText.
source_code: reader of source code.
subtitles: reader of SubRip and WebVTT subtitles.
xml_document: reader of documents that are one XML file.

archive/: zip, tar and compressed files as folders.
chats/: exports of chats.
kindle/: books for Kindle and Mobipocket.
mail/: mails and mailboxes.
ocr/: letters in pictures of text.
office/: Word, Excel, PowerPoint and OpenDocument files.
pdf/: PDF files.
pictures/: pictures of text.
web/: web pages.
"""
