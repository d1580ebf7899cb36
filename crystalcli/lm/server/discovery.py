"""What a server offers: which models, which of them is meant, and how long a context that one takes.

Knows: what llama.cpp, Ollama, LM Studio and vLLM say of this, each in its own place. None of it need be there.
Does not know: conversations.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.lm.server import http_client
from crystalcli.lm.server.url import Address

CONTEXT = 4096  # tokens, where nobody says: what such servers take when they are not told otherwise
_LOOK = (10.0, 30.0)  # seconds without a byte, and in all, for a look at what there is
_GLANCES = 5.0  # seconds for all that can be done without
_MOST_NAMED = 5  # models in a message
_SAYS_NOTHING = (404, 405, 500, 501)  # of a server that does not say what it has, or fails to
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)
_PLACE = re.compile(r"/|\.{1,2}/|~|[A-Za-z]:\\")

Entries = Mapping[str, Mapping[str, Any]]


class Offer:
    """What the server at an address has, as far as it tells. Raises as `ServerModel.open` does."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._entries = _entries(address)
        self._end = time.monotonic() + _GLANCES
        self._loaded: dict[str, int] | None = None

    def model(self) -> str:
        """The name of the one behind `#` in the URL; where none is named, of the first that is loaded, else of the first.

        Raises ModelMissingError when there is no such model.
        """
        address, names = self._address, list(self._entries)
        if address.model:
            # A server may answer with models that it does not list; it will say so itself when it has none of that name.
            return _named(self._entries, address.model, address.url()) if names else address.model
        if not names:
            raise ModelMissingError(
                f"the server at {address.url()} names no model: load one there, or name it here behind a #"
            )
        speaking = [name for name in names if "embed" not in name.lower()] or names  # some make vectors only
        if len(speaking) > 1:
            return next((name for name in speaking if name in self._now()), speaking[0])
        return speaking[0]

    def context(self, name: str) -> int:
        """How many tokens `name` takes at once, as far as the server tells, else 4,096."""
        entry = self._entries.get(name, {})
        meta = _fields(entry.get("meta"))
        for told in (entry.get("max_model_len"), entry.get("context_length"), meta.get("n_ctx")):
            if length := _length(told):
                return length
        settings = _fields(self._glance("/props").get("default_generation_settings"))  # llama.cpp's
        if length := _length(settings.get("n_ctx")) or self._now().get(name, 0):
            return length
        shown = self._glance("/api/show", {"model": name})  # Ollama's
        if (chosen := _NUM_CTX.search(str(shown.get("parameters")))) and (length := _length(int(chosen[1][:12]))):
            return length
        facts = _fields(shown.get("model_info"))
        trained = facts.get(f"{facts.get('general.architecture')}.context_length")
        # What it was trained for is what it could take, not what the server gives it.
        return min(_length(trained) or _length(meta.get("n_ctx_train")) or CONTEXT, CONTEXT)

    def _now(self) -> dict[str, int]:
        """The models that are loaded at this moment, and how long a context each has there; 0 where that is not said."""
        if self._loaded is None:
            self._loaded = {
                name: 0
                for name, entry in self._entries.items()
                if _fields(entry.get("status")).get("value") == "loaded"
            }  # llama.cpp's, where it has several
            for each in _objects(self._glance("/api/ps").get("models")):  # Ollama's
                self._loaded[str(each.get("model") or each.get("name"))] = _length(each.get("context_length"))
            for each in _objects(self._glance("/api/v0/models").get("data")):  # LM Studio's
                if each.get("state") == "loaded":
                    self._loaded[str(each.get("id"))] = _length(each.get("loaded_context_length"))
        return self._loaded

    def _glance(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """What is at a path from the server's root; {} for nothing, and when there is no time left."""
        left = self._end - time.monotonic()
        if left <= 0:
            return {}
        place = f"/{self._address.path.removesuffix('/v1')}{path}"
        with suppress(CrystalError), http_client.asked(self._address, place, body, bounds=(left, left)) as response:
            return _fields(response.json())
        return {}


def short(name: str) -> str:
    """A model's name for people: of a path, as llama.cpp calls a model by, the file's name."""
    line = " ".join(name.split())
    return (_last(line) if _PLACE.match(line) else line.removesuffix(".gguf"))[:200] or line[:200]


def _last(name: str) -> str:
    return re.split(r"[\\/]", name.rstrip("\\/"))[-1].removesuffix(".gguf")


def _named(entries: Entries, wanted: str, url: str) -> str:
    """Of names that are served, the one that is meant: whole, as an alias, or the only one that ends so."""
    for name in (wanted, f"{wanted}:latest"):  # Ollama's name for what has no tag
        if name in entries:
            return name
    same = [
        name
        for name, entry in entries.items()
        if wanted in (aliases if isinstance(aliases := entry.get("aliases"), list) else [])
        or _last(name).lower() == _last(wanted).lower()
    ]
    if len(same) == 1:
        return same[0]
    names = ", ".join([short(name) for name in entries][:_MOST_NAMED]) + (", …" if len(entries) > _MOST_NAMED else "")
    raise ModelMissingError(f"the server at {url} has no model called {wanted!r}: it has {names}")


def _entries(address: Address) -> Entries:
    """What the server lists, by name, in its order; {} where the user has named a model and it lists none."""
    try:
        with http_client.asked(address, "/models", bounds=_LOOK) as response:
            data = response.json()
    except http_client.Refused as refused:
        if not address.model or refused.status not in _SAYS_NOTHING:
            raise
        return {}
    if reason := http_client.said(data):
        raise CrystalError(f"the server failed: {reason}")
    listed = data.get("data", data.get("models")) if isinstance(data, dict) else data
    if listed is None and isinstance(data, dict) and data.get("object") == "list":
        return {}  # Ollama without models
    if not isinstance(listed, list):
        raise CrystalError(f"{response.url} answers with something else than a list of models: is it a model server?")
    return {each["id"]: each for each in _objects(listed) if isinstance(each.get("id"), str) and each["id"]}


def _fields(data: object) -> Mapping[str, Any]:
    return data if isinstance(data, dict) else {}


def _objects(data: object) -> list[Mapping[str, Any]]:
    return [each for each in data if isinstance(each, dict)] if isinstance(data, list) else []


def _length(told: object) -> int:
    """A number of tokens; 0 for what is none."""
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 2**31 else 0
