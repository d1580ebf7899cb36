"""Pictures of text: the letters in them, recognized (OCR).

letter_recognition: lines of text in a picture, and where they stand.
"""
