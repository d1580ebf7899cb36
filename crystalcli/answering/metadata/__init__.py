"""Answers about a document itself: who wrote it, its title, its date, its chapters and pages."""
