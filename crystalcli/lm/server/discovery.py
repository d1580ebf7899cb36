"""Discovery of a server's models: which it has, which is meant, how long its context is.

Knows: where llama.cpp, Ollama, LM Studio and vLLM tell of this, each in its own place. None of it
need be there.
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
from crystalcli.lm.server.url import ServerAddress

CONTEXT = 4096  # tokens, where the server does not tell: the usual default of such servers
_LIST_TIMEOUTS = (10.0, 30.0)  # seconds without a byte, and in all, for the list of models
_OPTIONAL_TIME = 5.0  # seconds for all requests that discovery can do without
_MAX_NAMES = 5  # models in a message
_NO_LIST = (404, 405, 500, 501)  # statuses of a server that does not list its models, or fails to
_NUM_CTX = re.compile(r"^num_ctx\s+(\d+)\s*$", re.MULTILINE)
_IS_PATH = re.compile(r"/|\.{1,2}/|~|[A-Za-z]:\\")

Entries = Mapping[str, Mapping[str, Any]]


class ModelDiscovery:
    """The models of the server at an address, as far as it tells.

    Raises as `ServerModel.open` does.
    """

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._entries = _list_models(address)
        self._end = time.monotonic() + _OPTIONAL_TIME
        self._loaded_contexts: dict[str, int] | None = None

    def model(self) -> str:
        """Choose a model.

        It is the one behind `#` in the URL; else the first that is loaded; else the first.

        Raises:
            ModelMissingError: The server does not have it, or lists none.
        """
        address, names = self._address, list(self._entries)
        if address.model:
            # A server may answer with models that it does not list; it says so itself when it lacks
            # one.
            return _match_name(self._entries, address.model, address.url()) if names else address.model
        if not names:
            raise ModelMissingError(
                f"the server at {address.url()} lists no models: load one there, or name it here behind a #"
            )
        # Some make vectors only.
        chat_models = [name for name in names if "embed" not in name.lower()] or names
        if len(chat_models) > 1:
            return next((name for name in chat_models if name in self._loaded()), chat_models[0])
        return chat_models[0]

    def context(self, name: str) -> int:
        """Find the number of tokens that a model takes at once.

        4,096 where the server does not tell.
        """
        entry = self._entries.get(name, {})
        meta = _object(entry.get("meta"))
        for value in (entry.get("max_model_len"), entry.get("context_length"), meta.get("n_ctx")):
            if length := _token_count(value):
                return length
        # llama.cpp's.
        settings = _object(self._try_get("/props").get("default_generation_settings"))
        if length := _token_count(settings.get("n_ctx")) or self._loaded().get(name, 0):
            return length
        details = self._try_get("/api/show", {"model": name})  # Ollama's
        if (match := _NUM_CTX.search(str(details.get("parameters")))) and (length := _token_count(int(match[1][:12]))):
            return length
        info = _object(details.get("model_info"))
        trained = info.get(f"{info.get('general.architecture')}.context_length")
        # The trained length is what the model could take, not what the server gives it.
        return min(_token_count(trained) or _token_count(meta.get("n_ctx_train")) or CONTEXT, CONTEXT)

    def _loaded(self) -> dict[str, int]:
        """The models that are loaded, with the context that each has there.

        The context is 0 where the server does not tell.
        """
        if self._loaded_contexts is None:
            contexts = {  # llama.cpp's, where it has several
                name: 0
                for name, entry in self._entries.items()
                if _object(entry.get("status")).get("value") == "loaded"
            }
            for model in _objects(self._try_get("/api/ps").get("models")):  # Ollama's
                contexts[str(model.get("model") or model.get("name"))] = _token_count(model.get("context_length"))
            for model in _objects(self._try_get("/api/v0/models").get("data")):  # LM Studio's
                if model.get("state") == "loaded":
                    contexts[str(model.get("id"))] = _token_count(model.get("loaded_context_length"))
            self._loaded_contexts = contexts
        return self._loaded_contexts

    def _try_get(self, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Get the object at a path from the server's root.

        {} when that fails, and when there is no time left.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            return {}
        target = f"/{self._address.path.removesuffix('/v1')}{path}"
        with (
            suppress(CrystalError),
            http_client.send_request(self._address, target, body, timeouts=(left, left)) as response,
        ):
            return _object(response.json())
        return {}


def display_name(name: str) -> str:
    """Shorten a model's name for people.

    A path, as llama.cpp names a model, is shortened to the file's name.
    """
    line = " ".join(name.split())
    return (_file_name(line) if _IS_PATH.match(line) else line.removesuffix(".gguf"))[:200] or line[:200]


def _file_name(name: str) -> str:
    return re.split(r"[\\/]", name.rstrip("\\/"))[-1].removesuffix(".gguf")


def _match_name(entries: Entries, wanted: str, url: str) -> str:
    """Match a name with those served: whole, as an alias, or the only one that ends so."""
    for name in (wanted, f"{wanted}:latest"):  # Ollama's name for a model without a tag
        if name in entries:
            return name
    matches = [
        name
        for name, entry in entries.items()
        if wanted in (aliases if isinstance(aliases := entry.get("aliases"), list) else [])
        or _file_name(name).lower() == _file_name(wanted).lower()
    ]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join([display_name(name) for name in entries][:_MAX_NAMES])
    more = ", …" if len(entries) > _MAX_NAMES else ""
    raise ModelMissingError(f"the server at {url} has no model called {wanted!r}: it has {names}{more}")


def _list_models(address: ServerAddress) -> Entries:
    """List the server's models by name, in its order.

    {} where the user has named one and the server lists none.
    """
    try:
        with http_client.send_request(address, "/models", timeouts=_LIST_TIMEOUTS) as response:
            data = response.json()
    except http_client.ServerRefusedError as refusal:
        if not address.model or refusal.status not in _NO_LIST:
            raise
        return {}
    if reason := http_client.error_text(data):
        raise CrystalError(f"the server failed: {reason}")
    models = data.get("data", data.get("models")) if isinstance(data, dict) else data
    if models is None and isinstance(data, dict) and data.get("object") == "list":
        return {}  # Ollama without models
    if not isinstance(models, list):
        raise CrystalError(f"{response.url} did not answer with a list of models: is it a model server?")
    return {model["id"]: model for model in _objects(models) if isinstance(model.get("id"), str) and model["id"]}


def _object(data: object) -> Mapping[str, Any]:
    return data if isinstance(data, dict) else {}


def _objects(data: object) -> list[Mapping[str, Any]]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _token_count(value: object) -> int:
    """A positive number of tokens; 0 for any other value."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0
