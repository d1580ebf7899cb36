"""The request: the options of a question, and the template of the prompt."""
