"""The prompt of a language model, and how it fits into the window."""
