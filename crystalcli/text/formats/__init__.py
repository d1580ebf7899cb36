"""Readers of file formats: each turns the bytes of a file into text and landmarks.

book_chapters: chapters of a book in plain text.
csv_table: reader of comma- or tab-separated values.
definitions: definitions of source code, found by tree-sitter.
epub: reader of EPUB books.
grammars: grammars of programming languages.
markdown: headings of a Markdown text.
notebook: reader of Jupyter notebooks.
plain: reader of text, code, Markdown and reStructuredText files.
rst: headings of a reStructuredText.
source_code: reader of source code.
subtitles: reader of SubRip and WebVTT subtitles.

archive/: zip, tar and compressed files as folders.
chats/: exports of chats.
mail/: mails and mailboxes.
office/: Word, Excel, PowerPoint and OpenDocument files.
pdf/: PDF files.
web/: web pages.
"""
