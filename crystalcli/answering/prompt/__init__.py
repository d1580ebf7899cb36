"""The prompt room."""
