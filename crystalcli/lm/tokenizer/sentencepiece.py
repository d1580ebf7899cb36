"""SentencePiece vocabularies with scores, as Llama 2, TinyLlama and Mistral have them.

Knows: the space that is written `▁`, merging by score, bytes for characters that have no token.
Does not know: weights, prompts, special tokens. Plain Python: a word is merged once and remembered.

Method: Kudo & Richardson 2018, the byte-pair mode: of all neighbours that make a token together, those with the highest
score merge first, the leftmost among equals. Held equal to the `tokenizers` library by the tests.
"""

from __future__ import annotations

import heapq
import math
import re
from array import array
from collections.abc import Iterable, Iterator
from itertools import groupby

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF
from crystalcli.lm.tokenizer.vocabulary import BYTE, ORDINARY, UNKNOWN, Listed, Vocabulary

_SPACE = "▁"
_BYTE_NAME = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_WORD = re.compile(rf"{_SPACE}*[^{_SPACE}]+|{_SPACE}+")
_INNER_SPACE = re.compile(rf"[^{_SPACE}]{_SPACE}")
_REMEMBERED = 50_000  # words
_LONG_WORD = 64  # characters; longer ones are not remembered


class SentencePiece(Vocabulary):
    """A vocabulary of the kind `llama`. Raises CrystalError when it is damaged."""

    def __init__(self, file: GGUF, listed: Listed) -> None:
        super().__init__(listed.frame, max(map(len, listed.texts)))
        scores = file.metadata.get("tokenizer.ggml.scores")
        if not isinstance(scores, array) or len(scores) != self.size or not all(map(math.isfinite, scores)):
            raise CrystalError(f"{file.path}: its vocabulary is damaged: {self.size:,} tokens need as many scores")
        self._bytes: dict[int, int] = {}  # byte -> id
        self._spelled: dict[int, bytes] = {}  # id -> what it stands for
        self._ids: dict[str, int] = {}
        self._scores: dict[str, float] = {}
        self._unknown: int | None = None
        for number, (text, kind) in enumerate(zip(listed.texts, listed.kinds, strict=True)):
            if kind == ORDINARY and text and text not in self._ids:
                self._ids[text], self._scores[text] = number, float(scores[number])
                self._spelled[number] = text.replace(_SPACE, " ").encode()
            elif kind == BYTE and (found := _BYTE_NAME.fullmatch(text)):
                byte = int(found[1], 16)
                self._bytes[byte] = number
                self._spelled[number] = bytes([byte])
            elif kind == UNKNOWN and self._unknown is None:
                self._unknown = number
        prefix = file.metadata.get("tokenizer.ggml.add_space_prefix", True)
        self._prefix = " " if prefix is True else ""
        # Where no token has a space behind something else, nothing merges across the beginning of a word.
        self._word = re.compile("(?s:.+)") if any(map(_INNER_SPACE.search, self._ids)) else _WORD
        self._known_words: dict[str, list[int]] = {}

    def tokenize(self, text: str) -> list[int]:
        """The ids of `text`, before which a space is put where the file says so."""
        if not text:
            return []
        try:
            text.encode()
        except UnicodeEncodeError:  # lone surrogates
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ids: list[int] = []
        for word in self._word.findall((self._prefix + text).replace(" ", _SPACE)):
            ids += self._known(word)
        if self._unknown is None or ids.count(self._unknown) < 2:
            return ids
        return [one for number, run in groupby(ids) for one in ([number] if number == self._unknown else run)]

    def bytes_of(self, number: int) -> bytes:
        """What a token stands for."""
        return self._spelled.get(number, b"")

    def join(self, ids: Iterable[int]) -> bytes:
        """What the first tokens of a text stand for, without the space put before it."""
        return super().join(ids).removeprefix(self._prefix.encode())

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of `ids` as they come, without a space at its beginning that the vocabulary puts there."""
        begun = not self._prefix
        for piece in super().stream(ids):
            shown = piece if begun else piece.removeprefix(self._prefix)
            begun = True
            if shown:
                yield shown

    def _known(self, word: str) -> list[int]:
        found = self._known_words.get(word)
        if found is None:
            found = self._merge(word)
            if len(word) <= _LONG_WORD:
                if len(self._known_words) >= _REMEMBERED:
                    self._known_words.clear()
                self._known_words[word] = found
        return found

    def _merge(self, word: str) -> list[int]:
        """The ids of one word."""
        parts = list(word)  # "" once it has become part of the one to its left
        before, after = list(range(-1, len(parts) - 1)), list(range(1, len(parts) + 1))
        waiting: list[tuple[float, int, int, int]] = []  # score, from the highest; left; right; length together

        def consider(left: int, right: int) -> None:
            if left >= 0 and right < len(parts):
                joined = parts[left] + parts[right]
                score = self._scores.get(joined)
                if score is not None:
                    heapq.heappush(waiting, (-score, left, right, len(joined)))

        for place in range(len(parts) - 1):
            consider(place, place + 1)
        while waiting:
            _, left, right, length = heapq.heappop(waiting)
            if not parts[left] or not parts[right] or len(parts[left]) + len(parts[right]) != length:
                continue  # one of them has merged since
            parts[left] += parts[right]
            parts[right] = ""
            after[left] = after[right]
            if after[left] < len(parts):
                before[after[left]] = left
            consider(before[left], left)
            consider(left, after[left])
        return [number for part in parts if part for number in self._numbers(part)]

    def _numbers(self, part: str) -> Iterator[int]:
        """The id of a token; else those of its bytes, where the vocabulary has them all, else the unknown token's."""
        if part in self._ids:
            yield self._ids[part]
        elif all(byte in self._bytes for byte in part.encode()):
            yield from (self._bytes[byte] for byte in part.encode())
        elif self._unknown is not None:
            yield self._unknown
