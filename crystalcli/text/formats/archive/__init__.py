"""Zip, tar and compressed files, read as folders of files."""
