"""The file room."""
