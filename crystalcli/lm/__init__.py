"""The language model room: a GGUF file, a folder or a server becomes a model that generates text.

Knows: formats of files, vocabularies, the Llama decoder, chat templates, the servers' protocol.
Does not know: documents, crystals, recall, prompts for answering, where model files come from.

Its files, and its wings from the lowest up; a wing imports from those above it in this list:

    files/                 containers of weights and formats of numbers
    tokenizer/             text to token ids and back
    decoder/               token ids to logits
    chat/                  messages to prompts, and the stream of an answer
    server/                a model behind an HTTP server
    transformers_model.py  a model of another family, run by transformers
    local_model.py         a model run by crystal's own decoder
    opener.py              opens a model by its path or URL
    preload.py             opens and loads a model in a thread

Other rooms import the names below from here. They are looked up when first used: importing this package costs milliseconds, and
torch, tiktoken and jinja2 are imported when a model needs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crystalcli.lm.local_model import LanguageModel
    from crystalcli.lm.opener import model_kind, open_model_at
    from crystalcli.lm.preload import Preload
    from crystalcli.lm.server.http_client import ServerRefusedError
    from crystalcli.lm.server.token_estimate import estimate_tokens
    from crystalcli.lm.server.url import lacks_scheme

__all__ = [
    "LanguageModel",
    "Preload",
    "ServerRefusedError",
    "estimate_tokens",
    "lacks_scheme",
    "model_kind",
    "open_model_at",
]

_HOMES = {
    "LanguageModel": "crystalcli.lm.local_model",
    "Preload": "crystalcli.lm.preload",
    "ServerRefusedError": "crystalcli.lm.server.http_client",
    "estimate_tokens": "crystalcli.lm.server.token_estimate",
    "lacks_scheme": "crystalcli.lm.server.url",
    "model_kind": "crystalcli.lm.opener",
    "open_model_at": "crystalcli.lm.opener",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crystalcli.lm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
