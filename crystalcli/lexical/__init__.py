"""The lexical index: terms, postings in blocks, BM25."""
