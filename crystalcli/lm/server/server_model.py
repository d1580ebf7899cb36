"""A language model behind an OpenAI-compatible server: Ollama, llama.cpp, LM Studio, vLLM and their like.

Knows: `/chat/completions` as a stream. Does not know: how a server says what it has (offered.py); weights or vocabularies, so
tokens are estimated (token_estimate.py). Nothing is sent anywhere but to the URL given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm.chat import chat_template
from crystalcli.lm.chat.stream import check_figures, check_length, spoken, until
from crystalcli.lm.server import http_client, token_estimate
from crystalcli.lm.server.discovery import Offer, short
from crystalcli.lm.server.url import Address, parse

# Models that think at length before they speak are asked not to: llama.cpp and vLLM take the one, Ollama the other.
_UNTHINKING = {"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "none"}
_DONE = b"[DONE]"  # the last event of a stream


class ServerModel:
    """A model opened with `ServerModel.open`. A Speaker (crystalcli.types)."""

    estimates = True  # it counts tokens without knowing the vocabulary

    def __init__(self, address: Address, name: str, context: int) -> None:
        self._address = address
        self._name = name
        self._context = context
        self._extra = _UNTHINKING  # until the server refuses it

    @classmethod
    def open(cls, url: str, *, allow_remote: bool = False) -> ServerModel:
        """Asks the server which models it has: the one named behind `#` in the URL, else the first that is loaded, or its first.

        Raises UsageError for a URL that is none, or of another machine unless `allow_remote`; CrystalError when the server is
        not there or is none; ModelMissingError when it has no such model.
        """
        address = parse(url, allow_remote=allow_remote)
        offer = Offer(address)
        name = offer.model()
        return cls(address, name, offer.context(name))

    @property
    def name(self) -> str:
        """The model's name, as the server has it; of a path, the file's."""
        return short(self._name)

    @property
    def context_length(self) -> int:
        """What the server says, else 4,096."""
        return self._context

    def count(self, text: str) -> int:
        """About how many tokens, and hardly ever fewer than there are."""
        return token_estimate.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """A beginning of `text` of at most `tokens` tokens. Raises UsageError when `tokens` is negative."""
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        return token_estimate.truncate(text, tokens)

    def prompt_size(self, messages: Sequence[Mapping[str, str]]) -> int:
        """About how many tokens the conversation comes to."""
        return token_estimate.conversation(chat_template.checked(messages))

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
        plain = chat_template.checked(messages)
        check_length(self.name, token_estimate.conversation(plain), max_tokens, self._context, "about ")
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
        except http_client.Refused as refused:
            if refused.status not in (400, 422) or not self._extra or _too_long(refused):
                raise self._better(refused) from None
            self._extra = {}  # a server that takes nothing it does not know
            try:
                yield from self._stream(body)
            except http_client.Refused as again:
                raise self._better(again) from None

    def _stream(self, body: Mapping[str, Any]) -> Iterator[str]:
        most = (1 << 20) + 4096 * int(body["max_tokens"])  # bytes: an event of a stream has some 300 for each token
        told = _Told(self.name, int(body["max_tokens"]))
        with http_client.asked(self._address, "/chat/completions", body) as response:
            if response.kind == "application/json":  # a server that does not stream
                yield from told.pieces(response.json(), "message")
                told.whole = True
            else:
                for data in _events(response, most):
                    if data == _DONE:
                        told.whole = True
                        break
                    for piece in told.pieces(response.parsed(data), "delta"):
                        response.renew()
                        yield piece
                    if told.thinking:
                        response.renew()
        if body["stream"] and not told.began:
            # llama-cpp-python fails so when the prompt is too long, and says why only where nothing is streamed.
            yield from self._stream({**body, "stream": False})
            return
        told.check(f"{self._address.url('/chat/completions')}")

    def _better(self, refused: http_client.Refused) -> CrystalError:
        """A refusal with what can be done about it, where something can."""
        if refused.status == 404 and self._name in refused.reason:  # it may have said nothing of what it has
            return ModelMissingError(str(refused))
        return (
            CrystalError(f"{str(refused).rstrip('.')}: give it less context (--budget)")
            if _too_long(refused)
            else refused
        )


def _too_long(refused: http_client.Refused) -> bool:
    """Whether the conversation has more tokens than the server can take; each says so in its own words."""
    return refused.status in (400, 413) and "context" in refused.reason and "token" in refused.reason


class _Told:
    """What a stream has said so far."""

    def __init__(self, name: str, max_tokens: int) -> None:
        self._name = name
        self._max_tokens = max_tokens
        self.began = False  # whether anything came at all
        self.whole = False  # whether the server ended it: not each gives a reason
        self._spoke = False
        self._thought = False
        self.thinking = False  # in the last event

    def pieces(self, data: object, key: str) -> Iterator[str]:
        """The words of one event; key: where the protocol keeps them. Raises CrystalError for an error and for anything else."""
        self.began = True
        if reason := http_client.said(data):
            raise CrystalError(f"{self._name} failed: {reason}")
        choices = data.get("choices") if isinstance(data, dict) else None
        if not isinstance(choices, list) or not all(isinstance(each, dict) for each in choices):
            raise CrystalError(f"{self._name} answers with something else than a chat completion")
        self.thinking = False
        for choice in choices[:1]:
            self.whole = self.whole or bool(choice.get("finish_reason"))
            words = choice.get(key)
            words = words if isinstance(words, dict) else {}
            self.thinking = bool(words.get("reasoning_content") or words.get("reasoning"))
            self._thought |= self.thinking
            if isinstance(piece := words.get("content"), str) and piece:
                self._spoke = True
                yield piece

    def check(self, url: str) -> None:
        """At the end of the stream. Raises CrystalError when it was not the end of the answer."""
        if not (self.began and self.whole):
            raise CrystalError(f"{url} broke off in the middle of its answer")
        if self._thought and not self._spoke:
            raise CrystalError(
                f"{self._name} only thought and said nothing within {self._max_tokens} tokens: give it more (--max-tokens)"
            )


def _events(response: http_client.Response, most: int) -> Iterator[bytes]:
    """The data of each event of a stream, _DONE as well."""
    if response.kind == "text/html":
        response.parsed(response.body())  # which says so
    plain = b""
    for line in response.lines(most):
        field, colon, data = line.partition(b":")
        if field in (b"data", b"error") and colon:  # llama.cpp has had events of both names
            yield data.strip() if field == b"data" else b'{"error":' + data + b"}"
        elif line[:1] in (b"{", b"<") or plain:
            plain += line  # no stream at all: an error, or a page, in several lines
    if plain:
        yield plain
