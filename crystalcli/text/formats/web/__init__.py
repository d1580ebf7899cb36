"""Web pages.

html_blocks: text of an HTML tree, block by block.
html_reader: reader of web pages.
main_content: main content of a page, without navigation and the like.
"""
