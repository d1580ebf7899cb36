"""Rich Text Format.

rtf_parser: the text of a document and where its parts end.
rtf_reader: reader of documents in RTF.
"""
