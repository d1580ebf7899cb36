"""Conversation: what a question means after those before it."""
