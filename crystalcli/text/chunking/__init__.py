"""The chunking room."""
