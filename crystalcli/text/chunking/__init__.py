"""Cuts of text: its boundaries, the chunks between them, and hard-wrapped lines joined."""
