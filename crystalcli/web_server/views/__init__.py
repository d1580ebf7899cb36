"""Views: what templates are given of texts, code, answers and filters."""
