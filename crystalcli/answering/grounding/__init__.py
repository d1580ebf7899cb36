"""Grounding: the sentences of an answer, checked against passages and cited."""
