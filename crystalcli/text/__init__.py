"""Text: which files there are, what stands in them, and where it may be cut."""
