"""Memory: files in, passages out."""
