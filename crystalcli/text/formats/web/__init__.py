"""Web pages.

html_blocks: text of an HTML tree, block by block.
html_reader: reader of web pages.
html_tables: tables, row by row.
html_text: text of an element, with what stands for its letters.
main_content: main content of a page, without navigation and the like.
"""
