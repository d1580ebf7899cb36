"""Where text may be cut: boundaries, chunks, and hard-wrapped lines joined."""
