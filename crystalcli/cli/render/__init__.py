"""Views of results: text for people and plain dictionaries for programs. Decide nothing."""
