"""The question: its words and their classes, its names and nouns."""
