"""A language model's tokens, of any kind: text to ids and back.

Special tokens are kept apart from ordinary text.

Knows: special tokens in templates and in documents, streams of bytes that become characters,
cutting to a number of tokens.
Does not know: how a text becomes tokens, which each kind defines for itself; files, weights.
"""

from __future__ import annotations

import codecs
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from crystalcli.errors import UsageError

ORDINARY, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
"""Kinds of tokens, as `tokenizer.ggml.token_type` numbers them."""


@dataclass(frozen=True, slots=True)
class VocabularyConfig:
    """The size and the special tokens of a vocabulary.

    Attributes:
        size: Ids are below it.
        special_ids: Tokens that ordinary text never becomes, by their names.
        silent_ids: Ids that are left out of decoded text.
        spoken: Special tokens that decode to text, with that text.
        bos_id: Id of the token that begins a text.
        adds_bos: Whether a prompt begins with `bos_id`.
        eos_ids: Ids that end an answer.
        names: Special tokens by the names that templates use (`bos_token`, `eos_token`).
    """

    size: int
    special_ids: Mapping[str, int] = field(default_factory=dict)
    silent_ids: Set[int] = frozenset()
    spoken: Mapping[int, str] = field(default_factory=dict)
    bos_id: int | None = None
    adds_bos: bool = False
    eos_ids: Set[int] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenList:
    """The tokens as a GGUF file lists them.

    Attributes:
        texts: The text of each token, as the file writes it.
        kinds: The kind of each token, one of the constants above.
        config: The vocabulary's configuration.
    """

    texts: list[str]
    kinds: Sequence[int | float]
    config: VocabularyConfig


class Vocabulary(ABC):
    """The tokens of one model. Its methods may be called from several threads.

    Attributes:
        config: Size and special tokens.
        size: As in `config`.
        special_ids: As in `config`.
        longest: Characters of the longest token.
        has_gaps: Whether `tokenize` gives ids beyond `size`, for text without a token.
    """

    def __init__(self, config: VocabularyConfig, longest: int) -> None:
        self.config = config
        self.size = config.size
        self.special_ids = config.special_ids
        self.longest = longest
        self._special_names = _any_of(config.special_ids)
        self.has_gaps = False

    @abstractmethod
    def tokenize(self, text: str) -> list[int]:
        """Tokenize a text, names of special tokens as ordinary text.

        Text without a token gets ids beyond `size`.
        """

    @abstractmethod
    def bytes_of(self, number: int) -> bytes:
        """The bytes of an ordinary token; b"" for an id without a token."""

    def encode(self, text: str) -> list[int]:
        """Encode a text to ids; the names of special tokens in it are ordinary text."""
        ids = self.tokenize(text)
        return [number for number in ids if number < self.size] if self.has_gaps else ids

    def count(self, text: str) -> int:
        """Count the ids of `encode`."""
        return len(self.encode(text))

    def encode_template(self, text: str, marker: str = "") -> list[int]:
        """Encode a rendered template, in which the names of special tokens are special tokens.

        Args:
            text: The rendered template.
            marker: Removed from the ordinary text. `disarm` puts it inside names that come from a
                user, who thereby cannot speak as the system.
        """
        ids: list[int] = []
        place = 0
        for match in self._special_names.finditer(text):
            ids += self.encode(text[place : match.start()].replace(marker, ""))
            ids.append(self.special_ids[match.group()])
            place = match.end()
        return ids + self.encode(text[place:].replace(marker, ""))

    def disarm(self, text: str, marker: str) -> str:
        """Put `marker` inside every name of a special token, for `encode_template`."""
        return self._special_names.sub(lambda match: match.group()[0] + marker + match.group()[1:], text)

    def truncate(self, text: str, tokens: int) -> str:
        """Cut a text to its longest beginning of at most `tokens` tokens.

        Raises:
            UsageError: `tokens` is negative.
        """
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        # A token has at most `longest` characters, so the rest need not be encoded.
        head = text[: tokens * self.longest + 1]
        ids = self.tokenize(head)
        if len(head) == len(text) and sum(number < self.size for number in ids) <= tokens:
            return text
        for length in range(min(tokens, len(ids)), 0, -1):
            # The cut may split a character, whose bytes then go; and a text cut short may make more
            # tokens at its end.
            cut = text[: len(self.join(ids[:length]).decode("utf-8", "ignore"))]
            if self.count(cut) <= tokens:
                return cut
        return ""

    def join(self, ids: Iterable[int]) -> bytes:
        """Join the bytes of the first tokens of a text."""
        return b"".join(map(self.bytes_of, ids))

    def decode(self, ids: Iterable[int]) -> str:
        """Decode ids to text; silent tokens are left out, bytes that are not UTF-8 replaced."""
        return "".join(self.stream(ids))

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """Decode ids as they come, each piece as soon as its last character is whole.

        Pieces are never empty.
        """
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for number in ids:
            if number in self.config.silent_ids:
                continue
            spoken = self.config.spoken.get(number)
            piece = decoder.decode(self.bytes_of(number) if spoken is None else spoken.encode())
            if piece:
                yield piece
        rest = decoder.decode(b"", final=True)
        if rest:
            yield rest


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Compile a pattern for any of the names, longer ones first.

    Without names it matches nothing.
    """
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)")
