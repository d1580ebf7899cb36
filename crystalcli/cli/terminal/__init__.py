"""The terminal: stdout and stderr, progress, word wrap, signals. Know nothing of crystals."""
