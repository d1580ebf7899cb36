"""Vectors: the encoder's tokens, the encoder itself (torch for chunks, numpy for a question), the pyramid, its codes."""
