"""The common form of documents: text with landmarks, whatever format it comes from.

composer: writes the text of a document, block by block.
markdown_row: rows of a Markdown table, cell by cell.
markup: parses XML and HTML safely.
messages: messages of a chat, and how they are written down.
number_format: numbers and dates as a spreadsheet shows them.
outline: the path of headings above a place.
reading_order: the order in which shapes on a plane are read.
row_names: names of columns that stand in every row of a table.
table_header: which rows of a table name its columns.
table_rows: rows of a table as lines that carry their header.
table_spans: merged cells, whose value stands in each cell that they cover.
"""
