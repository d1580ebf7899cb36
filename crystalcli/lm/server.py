"""A language model behind an OpenAI-compatible server: Ollama, llama.cpp, LM Studio, vLLM and their like.

Knows: `/models`, `/chat/completions` as a stream, and where such servers say how long a context may be.
Does not know: weights or vocabularies, so tokens are estimated (estimate.py). Nothing is sent anywhere but to the URL given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm import chat, estimate, wire
from crystalcli.lm.address import Address, parse
from crystalcli.lm.utterance import check_figures, check_length, spoken, until

_CONTEXT = 4096  # tokens, where nobody says: what such servers take when they are not told otherwise
_LOOK = (10.0, 30.0)  # seconds without a byte, and in all, for a look at what there is
_GLANCE = (3.0, 5.0)  # the same for what can be done without
_MOST_NAMED = 5  # models in a message
# Models that think at length before they speak are asked not to: llama.cpp and vLLM take the one, Ollama the other.
_UNTHINKING = {"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "none"}


class ServerModel:
    """A model opened with `ServerModel.open`. A Speaker (crystalcli.types)."""

    def __init__(self, address: Address, name: str, context: int) -> None:
        self._address = address
        self._name = name
        self._context = context
        self._extra = _UNTHINKING  # until the server refuses it

    @classmethod
    def open(cls, url: str, *, allow_remote: bool = False) -> ServerModel:
        """Asks the server which models it has: the one named behind `#` in the URL, else its first.

        Raises UsageError for a URL that is none, or of another machine unless `allow_remote`; CrystalError when the server is
        not there or is none; ModelMissingError when it has no such model.
        """
        address = parse(url, allow_remote=allow_remote)
        try:
            with wire.asked(address, "/models", bounds=_LOOK) as response:
                found = _models(response.json(), response)
        except wire.Refused as refused:
            if not address.model or refused.status not in (404, 405, 501):
                raise
            found = {address.model: {}}  # a server that does not say what it has
        name = _chosen(found, address)
        return cls(address, name, _context(found.get(name, {}), address))

    @property
    def name(self) -> str:
        """The model's name, as the server has it."""
        return " ".join(self._name.split())[:200]

    @property
    def context_length(self) -> int:
        """What the server says, else 4,096."""
        return self._context

    def count(self, text: str) -> int:
        """About how many tokens, and hardly ever fewer than there are."""
        return estimate.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """A beginning of `text` of at most `tokens` tokens. Raises UsageError when `tokens` is negative."""
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        return estimate.truncate(text, tokens)

    def prompt_size(self, messages: Sequence[Mapping[str, str]]) -> int:
        """About how many tokens the conversation comes to."""
        return estimate.conversation(chat.checked(messages))

    def say(
        self,
        messages: Sequence[Mapping[str, str]],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 0.95,
        seed: int = 0,
        repetition_penalty: float = 1.0,
        stop: Sequence[str] = (),
    ) -> Iterator[str]:
        """As a Speaker does. No field of the protocol means repetition_penalty, so it is not sent; nor are stop strings, which
        a model's thoughts would run into: what it says is cut off here.
        """
        check_figures(max_tokens, temperature, top_p, repetition_penalty)
        plain = chat.checked(messages)
        check_length(self.name, estimate.conversation(plain), max_tokens, self._context, "about ")
        body = {
            "model": self._name,
            "messages": plain,
            "stream": True,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "top_p": top_p,
            "seed": seed,
        }
        return until(spoken(self._words(body)), stop)

    def _words(self, body: Mapping[str, Any]) -> Iterator[str]:
        try:
            yield from self._stream({**body, **self._extra})
        except wire.Refused as refused:
            if refused.status not in (400, 422) or not self._extra:
                raise
            self._extra = {}  # a server that takes nothing it does not know
            yield from self._stream(body)

    def _stream(self, body: Mapping[str, Any]) -> Iterator[str]:
        most = (1 << 20) + 4096 * int(body["max_tokens"])  # bytes: an event of a stream has some 300 for each token
        with wire.asked(self._address, "/chat/completions", body) as response:
            told = _Told(self.name, int(body["max_tokens"]))
            if response.kind == "application/json":  # a server that does not stream
                yield from told.pieces(response.json(), "message")
            else:
                for data in _events(response, most):
                    for piece in told.pieces(response.parsed(data), "delta"):
                        response.renew()
                        yield piece
                    if told.thinking:
                        response.renew()
            told.check(f"{self._address.url('/chat/completions')}")


class _Told:
    """What a stream has said so far."""

    def __init__(self, name: str, max_tokens: int) -> None:
        self._name = name
        self._max_tokens = max_tokens
        self._finish = ""
        self._spoke = False
        self._thought = False
        self.thinking = False  # in the last event

    def pieces(self, data: object, key: str) -> Iterator[str]:
        """The words of one event; key: where the protocol keeps them. Raises CrystalError for an error and for anything else."""
        if reason := wire.said(data):
            raise CrystalError(f"{self._name} failed: {reason}")
        choices = data.get("choices") if isinstance(data, dict) else None
        if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
            raise CrystalError(f"{self._name} answers with something else than a chat completion")
        self.thinking = False
        for choice in choices[:1]:
            self._finish = str(choice.get("finish_reason") or self._finish)
            words = choice.get(key)
            words = words if isinstance(words, dict) else {}
            self.thinking = bool(words.get("reasoning_content") or words.get("reasoning"))
            self._thought |= self.thinking
            if isinstance(piece := words.get("content"), str) and piece:
                self._spoke = True
                yield piece

    def check(self, url: str) -> None:
        """At the end of the stream. Raises CrystalError when it was not the end of the answer."""
        if not self._finish:
            raise CrystalError(f"{url} broke off in the middle of its answer")
        if self._thought and not self._spoke:
            raise CrystalError(
                f"{self._name} only thought and said nothing within {self._max_tokens} tokens: give it more (--max-tokens)"
            )


def _events(response: wire.Response, most: int) -> Iterator[bytes]:
    """The data of each event of a stream, up to its end."""
    if response.kind == "text/html":
        response.parsed(response.body())  # which says so
    plain = b""
    for line in response.lines(most):
        field, colon, data = line.partition(b":")
        if field == b"data" and data.strip() == b"[DONE]":
            return
        if field in (b"data", b"error") and colon:  # llama.cpp has had events of both names
            yield data.strip() if field == b"data" else b'{"error":' + data + b"}"
        elif line[:1] in (b"{", b"<") or plain:
            plain += line  # no stream at all: an error, or a page, in several lines
    if plain:
        yield plain


def _models(data: object, response: wire.Response) -> dict[str, dict[str, Any]]:
    """What the server has, by name, in its order."""
    listed = data.get("data", data.get("models")) if isinstance(data, dict) else data
    if reason := wire.said(data):
        raise CrystalError(f"the server failed: {reason}")
    if listed is None and isinstance(data, dict) and data.get("object") == "list":
        return {}  # Ollama without models
    if not isinstance(listed, list):
        raise CrystalError(f"{response.url} answers with something else than a list of models: is it a model server?")
    return {
        each["id"]: each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str) and each["id"]
    }


def _chosen(found: Mapping[str, dict[str, Any]], address: Address) -> str:
    if not found:
        raise ModelMissingError(f"the server at {address.url()} has no model: load one there first")
    if not address.model:
        # Servers list models for embeddings beside those that speak.
        return next((name for name in found if "embed" not in name.lower()), next(iter(found)))
    for name in (address.model, f"{address.model}:latest"):  # Ollama's name for what has no tag
        if name in found:
            return name
    names = ", ".join(list(found)[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
    raise ModelMissingError(f"the server at {address.url()} has no model called {address.model!r}: it has {names}")


def _context(entry: Mapping[str, Any], address: Address) -> int:
    """How many tokens the server takes, as far as it tells."""
    meta = entry.get("meta")
    meta = meta if isinstance(meta, dict) else {}
    for told in (entry.get("max_model_len"), entry.get("context_length"), meta.get("n_ctx")):
        if length := _length(told):
            return length
    props = f"/{address.path.removesuffix('/v1')}/props"  # llama.cpp's, from the root
    with suppress(CrystalError), wire.asked(address, props, bounds=_GLANCE) as response:
        data = response.json()
        settings = data.get("default_generation_settings") if isinstance(data, dict) else None
        if isinstance(settings, dict) and (length := _length(settings.get("n_ctx"))):
            return length
    # What it was trained for is what it could take, not what the server gives it.
    return min(_length(meta.get("n_ctx_train")) or _CONTEXT, _CONTEXT)


def _length(told: object) -> int:
    """A number of tokens; 0 for what is none."""
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 < told < 2**31 else 0
