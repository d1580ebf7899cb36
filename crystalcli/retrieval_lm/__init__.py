"""The retrieval_lm room."""
