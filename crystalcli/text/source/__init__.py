"""One file as a source: its bytes and encoding, the request to read it, and a reader's bounds."""
