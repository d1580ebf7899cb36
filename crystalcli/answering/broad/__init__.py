"""Answers from the whole of documents: intent, plan, summary of parts, mentions."""
