"""Evidence: how well the sentences of passages answer a question."""
