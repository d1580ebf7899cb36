"""Answering: what is said, from what was recalled, and the quotations that carry it."""
