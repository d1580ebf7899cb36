"""Handling of requests: who is let in, what they ask for, and the templates to answer with."""
