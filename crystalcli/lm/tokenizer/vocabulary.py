"""A language model's tokens, of whatever kind: text to ids and back, with special tokens kept apart from what is said.

Knows: special tokens in templates and in documents, streams of bytes that become characters, cutting to a number of
tokens. Does not know: how a text becomes tokens, which each kind says for itself; files, weights, who speaks.
"""

from __future__ import annotations

import codecs
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from crystalcli.errors import UsageError

ORDINARY, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6  # of `tokenizer.ggml.token_type`


@dataclass(frozen=True, slots=True)
class Frame:
    """What a vocabulary says of itself.

    size: ids are below it; specials: tokens that text never becomes, by their names; silent: ids that are not spoken;
    spoken: those among the special ones that are, as text; begin: the id of the first token of a text, which a prompt
    gets when `adds_begin`; ends: ids after which a model has finished speaking; names: what templates call them
    (`bos_token`, `eos_token`).
    """

    size: int
    specials: Mapping[str, int] = field(default_factory=dict)
    silent: Set[int] = frozenset()
    spoken: Mapping[int, str] = field(default_factory=dict)
    begin: int | None = None
    adds_begin: bool = False
    ends: Set[int] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """The tokens as the file lists them: what each is written as, and its kind."""

    texts: list[str]
    kinds: Sequence[int | float]
    frame: Frame


class Vocabulary(ABC):
    """Tokens of one model; what it says of itself stands in `frame`. Its methods may be called from several threads.

    longest: characters of the longest token.
    """

    def __init__(self, frame: Frame, longest: int) -> None:
        self.frame = frame
        self.size = frame.size
        self.specials = frame.specials
        self.longest = longest
        self._special = _alternatives(frame.specials)
        self.holed = False  # whether `tokenize` gives ids beyond `size`

    @abstractmethod
    def tokenize(self, text: str) -> list[int]:
        """The ids of `text`, names of special tokens as ordinary text; ids beyond `size` for what has no token."""

    @abstractmethod
    def bytes_of(self, number: int) -> bytes:
        """What an ordinary token stands for; nothing for an id without a token."""

    def encode(self, text: str) -> list[int]:
        """The ids of `text`; the names of special tokens in it are ordinary text."""
        ids = self.tokenize(text)
        return [number for number in ids if number < self.size] if self.holed else ids

    def count(self, text: str) -> int:
        """How many ids `encode` gives."""
        return len(self.encode(text))

    def encode_template(self, text: str, mark: str = "") -> list[int]:
        """The ids of `text`, in which the names of special tokens are special tokens.

        `mark` is taken out of the ordinary text between them: whoever writes the template puts it inside names that
        come from a user, who thereby cannot speak as the system.
        """
        ids: list[int] = []
        place = 0
        for found in self._special.finditer(text):
            ids += self.encode(text[place : found.start()].replace(mark, ""))
            ids.append(self.specials[found.group()])
            place = found.end()
        return ids + self.encode(text[place:].replace(mark, ""))

    def disarm(self, text: str, mark: str) -> str:
        """`text` with `mark` put inside every name of a special token, for `encode_template`."""
        return self._special.sub(lambda found: found.group()[0] + mark + found.group()[1:], text)

    def truncate(self, text: str, tokens: int) -> str:
        """A beginning of `text`, as long as may be, that counts at most `tokens`; all of it where it fits.

        Raises UsageError when `tokens` is negative.
        """
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        # No token is longer than the longest, so what lies beyond need not be encoded.
        head = text[: tokens * self.longest + 1]
        ids = self.tokenize(head)
        if len(head) == len(text) and sum(number < self.size for number in ids) <= tokens:
            return text
        for keep in range(min(tokens, len(ids)), 0, -1):
            # The cut may split a character, whose bytes then go; and a text cut short may make more tokens at its end.
            cut = text[: len(self.join(ids[:keep]).decode("utf-8", "ignore"))]
            if self.count(cut) <= tokens:
                return cut
        return ""

    def join(self, ids: Iterable[int]) -> bytes:
        """What the first tokens of a text stand for."""
        return b"".join(map(self.bytes_of, ids))

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`, special tokens left out, bytes that are not UTF-8 replaced."""
        return "".join(self.stream(ids))

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of `ids` as they come: each piece as soon as its last character is whole. Never an empty piece."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for number in ids:
            if number in self.frame.silent:
                continue
            name = self.frame.spoken.get(number)
            piece = decoder.decode(self.bytes_of(number) if name is None else name.encode())
            if piece:
                yield piece
        rest = decoder.decode(b"", final=True)
        if rest:
            yield rest


def _alternatives(names: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the names, longer ones first; matches nothing when there are none."""
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)")
