"""The common form of documents: text with landmarks, whatever format it comes from.

composer: writes the text of a document, block by block.
markup: parses XML and HTML safely.
messages: messages of a chat, and how they are written down.
number_format: numbers and dates as a spreadsheet shows them.
outline: the path of headings above a place.
table_rows: rows of a sheet as lines that carry their header.
"""
