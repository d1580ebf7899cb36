"""Pictures of text.

picture_reader: reader of pictures of text: the letters that OCR recognizes, page by page.
"""
