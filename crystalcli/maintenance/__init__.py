"""The maintenance room."""
