"""Books for Kindle and Mobipocket (.mobi, .azw, .azw3, .prc), without copy protection.

book_file: headers of a book, its fields, and its text unpacked.
book_index: indexes in a book: rows with tags, labels.
book_parts: parts of a book, and the places of its chapters in them.
kindle_reader: reader of such books.
palm_records: records of a Palm database.
text_compression: the two compressions of text, PalmDOC and HUFF/CDIC.
"""
