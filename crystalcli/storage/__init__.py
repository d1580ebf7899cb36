"""The file: tables, blobs with digests, transactions."""
