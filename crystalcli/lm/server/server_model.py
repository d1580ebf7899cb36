"""A language model behind an OpenAI-compatible server: Ollama, llama.cpp, LM Studio, vLLM.

Knows: `/chat/completions` as a stream. Does not know: where a server tells what it has
(discovery.py); weights or vocabularies, so tokens are estimated (token_estimate.py). Data goes to
the URL given and to no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm.chat.chat_template import normalize_messages
from crystalcli.lm.chat.stream import check_prompt_length, check_sampling, until_stop, without_thinking
from crystalcli.lm.server import http_client, token_estimate
from crystalcli.lm.server.discovery import ModelDiscovery, display_name
from crystalcli.lm.server.url import ServerAddress, parse_url

if TYPE_CHECKING:
    from crystalcli.datatypes import Sampling

# Models that think at length before they answer are asked not to: llama.cpp and vLLM take the one,
# Ollama the other.
_NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "none"}
_DONE = b"[DONE]"  # the last event of a stream


class ServerModel:
    """A model opened with `ServerModel.open`; a ChatModel."""

    estimates = True

    def __init__(self, address: ServerAddress, name: str, context: int) -> None:
        self._address = address
        self._name = name
        self._context = context
        self._extra = _NO_THINKING  # until the server refuses it

    @classmethod
    def open(cls, url: str, *, allow_remote: bool = False) -> ServerModel:
        """Ask a server for its models and choose one.

        It is the one behind `#` in the URL, else the first that is loaded, else the first.

        Args:
            url: The server's URL, as in `http://127.0.0.1:11434/v1#MODEL`.
            allow_remote: Whether the server may be another machine.

        Raises:
            UsageError: The URL is invalid, or of another machine and `allow_remote` is false.
            ModelMissingError: The server does not have the model.
            CrystalError: The server cannot be reached, or is not a model server.
        """
        address = parse_url(url, allow_remote=allow_remote)
        discovery = ModelDiscovery(address)
        name = discovery.model()
        return cls(address, name, discovery.context(name))

    @property
    def name(self) -> str:
        """The model's name on the server; of a path, the file's name."""
        return display_name(self._name)

    @property
    def context_length(self) -> int:
        """Tokens that the model takes at once; 4,096 where the server does not tell."""
        return self._context

    def count(self, text: str) -> int:
        """Estimate the tokens of a text; hardly ever fewer than there are."""
        return token_estimate.estimate_tokens(text)

    def truncate(self, text: str, tokens: int) -> str:
        """Cut a text to its longest beginning that is estimated at `tokens` or fewer.

        Raises:
            UsageError: `tokens` is negative.
        """
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        return token_estimate.truncate_by_estimate(text, tokens)

    def prompt_size(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Estimate the tokens of a conversation."""
        return token_estimate.estimate_prompt_tokens(normalize_messages(messages))

    def load(self) -> None:
        """Do nothing: the server loads the weights."""

    def say(self, messages: Sequence[Mapping[str, str]], sampling: Sampling) -> Iterator[str]:
        """Generate the next message, as a ChatModel does.

        The protocol has no field for `repetition_penalty`, so it is not sent. Nor are stop strings,
        which the model's thoughts could contain: the text is cut here.
        """
        check_sampling(sampling)
        plain = normalize_messages(messages)
        prompt_tokens = token_estimate.estimate_prompt_tokens(plain)
        check_prompt_length(self.name, prompt_tokens, sampling.max_tokens, self._context, "about ")
        body = {
            "model": self._name,
            "messages": plain,
            "stream": True,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
        }
        return until_stop(without_thinking(self._pieces(body)), sampling.stop)

    def _pieces(self, body: Mapping[str, Any]) -> Iterator[str]:
        try:
            yield from self._stream({**body, **self._extra})
        except http_client.ServerRefusedError as refusal:
            if refusal.status not in (400, 422) or not self._extra or _is_too_long(refusal):
                raise self._with_advice(refusal) from None
            self._extra = {}  # a server that refuses unknown fields
            try:
                yield from self._stream(body)
            except http_client.ServerRefusedError as second_refusal:
                raise self._with_advice(second_refusal) from None

    def _stream(self, body: Mapping[str, Any]) -> Iterator[str]:
        # An event of a stream has some 300 for each token.
        max_bytes = (1 << 20) + 4096 * int(body["max_tokens"])
        answer = _AnswerStream(self.name, int(body["max_tokens"]))
        with http_client.send_request(self._address, "/chat/completions", body) as response:
            if response.kind == "application/json":  # a server that does not stream
                yield from answer.pieces(response.json(), "message")
                answer.complete = True
            else:
                for data in _events(response, max_bytes):
                    if data == _DONE:
                        answer.complete = True
                        break
                    for piece in answer.pieces(response.parsed(data), "delta"):
                        response.renew()
                        yield piece
                    if answer.thinking:
                        response.renew()
        if body["stream"] and not answer.begun:
            # llama-cpp-python fails so when the prompt is too long, and says why only where nothing
            # is streamed.
            yield from self._stream({**body, "stream": False})
            return
        answer.check(f"{self._address.url('/chat/completions')}")

    def _with_advice(self, refusal: http_client.ServerRefusedError) -> CrystalError:
        """Add advice to a refusal, where there is any."""
        # The server may have listed no models.
        if refusal.status == 404 and self._name in refusal.reason:
            return ModelMissingError(str(refusal))
        if _is_too_long(refusal):
            return CrystalError(f"{str(refusal).rstrip('.')}: give it less context (--budget)")
        return refusal


def _is_too_long(refusal: http_client.ServerRefusedError) -> bool:
    """Tell whether the conversation has too many tokens for the server.

    Each server says so in its own words.
    """
    return refusal.status in (400, 413) and "context" in refusal.reason and "token" in refusal.reason


class _AnswerStream:
    """The state of an answer while it is streamed.

    Attributes:
        begun: Whether any event came.
        complete: Whether the server ended the answer: not each gives a reason.
        thinking: Whether the last event held thoughts.
    """

    def __init__(self, name: str, max_tokens: int) -> None:
        self._name = name
        self._max_tokens = max_tokens
        self.begun = False
        self.complete = False
        self.thinking = False
        self._has_text = False
        self._has_thoughts = False

    def pieces(self, data: object, key: str) -> Iterator[str]:
        """Take the text out of one event.

        Args:
            data: The event's JSON.
            key: The field of the text in the protocol, "delta" or "message".

        Raises:
            CrystalError: The event is an error, or not of the protocol.
        """
        self.begun = True
        if reason := http_client.error_text(data):
            raise CrystalError(f"{self._name} failed: {reason}")
        choices = data.get("choices") if isinstance(data, dict) else None
        if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
            raise CrystalError(f"{self._name} did not answer with a chat completion")
        self.thinking = False
        for choice in choices[:1]:
            self.complete = self.complete or bool(choice.get("finish_reason"))
            message = choice.get(key)
            message = message if isinstance(message, dict) else {}
            self.thinking = bool(message.get("reasoning_content") or message.get("reasoning"))
            self._has_thoughts |= self.thinking
            if isinstance(piece := message.get("content"), str) and piece:
                self._has_text = True
                yield piece

    def check(self, url: str) -> None:
        """Raise CrystalError when the stream ended before the answer did."""
        if not (self.begun and self.complete):
            raise CrystalError(f"{url} broke off in the middle of its answer")
        if self._has_thoughts and not self._has_text:
            raise CrystalError(
                f"{self._name} only thought and said nothing within {self._max_tokens} tokens: give it more (--max-tokens)"
            )


def _events(response: http_client.ServerResponse, max_bytes: int) -> Iterator[bytes]:
    """Split a stream into the data of its events, _DONE among them."""
    if response.kind == "text/html":
        response.parsed(response.body())  # raises: this is a web page
    plain = b""
    for line in response.lines(max_bytes):
        field, colon, data = line.partition(b":")
        if field in (b"data", b"error") and colon:  # llama.cpp has had events of both names
            yield data.strip() if field == b"data" else b'{"error":' + data + b"}"
        elif line[:1] in (b"{", b"<") or plain:
            plain += line  # not a stream at all: an error, or a page, in several lines
    if plain:
        yield plain
