"""Office documents, all of them zip files with XML inside.

docx: reader of Word documents.
odf: reader of OpenDocument files.
ooxml: common structure of Word, Excel and PowerPoint files.
pptx: reader of PowerPoint presentations.
sheet_layout: merged cells, header rows and text boxes of a worksheet.
xlsx: reader of Excel workbooks.
zip_package: a zip file that is one document; EPUB books use it too.
"""
