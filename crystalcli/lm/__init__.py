"""The language model: reads a GGUF file, counts and cuts text in its tokens, and speaks.

Knows: the GGUF format, byte-level vocabularies, the Llama decoder, chat templates.
Does not know: documents, crystals, recall, prompts for answering, where model files come from.
Importing this package costs milliseconds: torch, tiktoken and jinja2 are imported when first used.
"""

from __future__ import annotations

from crystalcli.lm.model import LanguageModel

__all__ = ["LanguageModel"]
