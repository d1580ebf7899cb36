"""Conversations to prompts, and the stream of an answer."""
