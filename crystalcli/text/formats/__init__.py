"""Readers of file formats, a module or a folder for each."""
