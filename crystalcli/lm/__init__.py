"""The language model, out of a GGUF file, a folder or a server: counts and cuts text in its tokens, and speaks.

Knows: formats of files, vocabularies, the Llama decoder, chat templates, the servers' protocol.
Does not know: documents, crystals, recall, prompts for answering, where model files come from.
Importing this package costs milliseconds: torch, tiktoken and jinja2 are imported when first used.
"""

from __future__ import annotations

from crystalcli.lm.local_model import LanguageModel

__all__ = ["LanguageModel"]
