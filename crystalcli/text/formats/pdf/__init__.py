"""PDF: letters from pdfium, the rest of the document from pypdf."""
