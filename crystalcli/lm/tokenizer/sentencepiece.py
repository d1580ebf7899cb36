"""SentencePiece vocabularies with scores, as Llama 2, TinyLlama and Mistral have them.

Knows: the space that is written `▁`, merging by score, bytes for characters that have no token.
Does not know: weights, prompts, special tokens. Plain Python: a word is merged once and remembered.

Method: Kudo & Richardson 2018, the byte-pair mode: of all neighbours that make a token together,
those with the highest score merge first, the leftmost among equals. Held equal to the `tokenizers`
library by the tests.
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
from crystalcli.lm.tokenizer.vocabulary import BYTE, ORDINARY, UNKNOWN, TokenList, Vocabulary

_SPACE = "▁"
_BYTE_NAME = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_WORD = re.compile(rf"{_SPACE}*[^{_SPACE}]+|{_SPACE}+")
_INNER_SPACE = re.compile(rf"[^{_SPACE}]{_SPACE}")
_MAX_WORDS = 50_000  # remembered
_LONG_WORD = 64  # characters; longer ones are not remembered


class SentencePieceVocabulary(Vocabulary):
    """A vocabulary of the kind `llama`.

    Raises:
        CrystalError: It is damaged.
    """

    def __init__(self, file: GGUF, tokens: TokenList) -> None:
        super().__init__(tokens.config, max(map(len, tokens.texts)))
        scores = file.metadata.get("tokenizer.ggml.scores")
        if not isinstance(scores, array) or len(scores) != self.size or not all(map(math.isfinite, scores)):
            raise CrystalError(f"{file.path}: its vocabulary is damaged: {self.size:,} tokens need as many scores")
        self._byte_ids: dict[int, int] = {}
        self._bytes: dict[int, bytes] = {}  # by id
        self._ids: dict[str, int] = {}
        self._scores: dict[str, float] = {}
        self._unknown: int | None = None
        for number, (text, kind) in enumerate(zip(tokens.texts, tokens.kinds, strict=True)):
            if kind == ORDINARY and text and text not in self._ids:
                self._ids[text], self._scores[text] = number, float(scores[number])
                self._bytes[number] = text.replace(_SPACE, " ").encode()
            elif kind == BYTE and (match := _BYTE_NAME.fullmatch(text)):
                byte = int(match[1], 16)
                self._byte_ids[byte] = number
                self._bytes[number] = bytes([byte])
            elif kind == UNKNOWN and self._unknown is None:
                self._unknown = number
        prefix = file.metadata.get("tokenizer.ggml.add_space_prefix", True)
        self._prefix = " " if prefix is True else ""
        # Where no token has a space behind something else, nothing merges across the beginning of a
        # word.
        self._word = re.compile("(?s:.+)") if any(map(_INNER_SPACE.search, self._ids)) else _WORD
        self._words: dict[str, list[int]] = {}

    def tokenize(self, text: str) -> list[int]:
        """Tokenize a text, with a space before it where the file says so."""
        if not text:
            return []
        try:
            text.encode()
        except UnicodeEncodeError:  # lone surrogates
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        ids: list[int] = []
        for word in self._word.findall((self._prefix + text).replace(" ", _SPACE)):
            ids += self._word_ids(word)
        if self._unknown is None or ids.count(self._unknown) < 2:
            return ids
        # A run of unknown tokens counts as one.
        return [one for number, run in groupby(ids) for one in ([number] if number == self._unknown else run)]

    def bytes_of(self, number: int) -> bytes:
        """The bytes of a token."""
        return self._bytes.get(number, b"")

    def join(self, ids: Iterable[int]) -> bytes:
        """Join the bytes of the first tokens of a text, without the space put before it."""
        return super().join(ids).removeprefix(self._prefix.encode())

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """Decode ids as they come, without the space that the vocabulary puts before a text."""
        begun = not self._prefix
        for piece in super().stream(ids):
            text = piece if begun else piece.removeprefix(self._prefix)
            begun = True
            if text:
                yield text

    def _word_ids(self, word: str) -> list[int]:
        ids = self._words.get(word)
        if ids is None:
            ids = self._merge(word)
            if len(word) <= _LONG_WORD:
                if len(self._words) >= _MAX_WORDS:
                    self._words.clear()
                self._words[word] = ids
        return ids

    def _merge(self, word: str) -> list[int]:
        """Merge the characters of one word to tokens."""
        parts = list(word)  # "" once it has become part of the one to its left
        previous, following = list(range(-1, len(parts) - 1)), list(range(1, len(parts) + 1))
        # Negative score, left, right, length together.
        queue: list[tuple[float, int, int, int]] = []

        def consider(left: int, right: int) -> None:
            if left >= 0 and right < len(parts):
                joined = parts[left] + parts[right]
                score = self._scores.get(joined)
                if score is not None:
                    heapq.heappush(queue, (-score, left, right, len(joined)))

        for place in range(len(parts) - 1):
            consider(place, place + 1)
        while queue:
            _, left, right, length = heapq.heappop(queue)
            if not parts[left] or not parts[right] or len(parts[left]) + len(parts[right]) != length:
                continue  # one of them has merged since
            parts[left] += parts[right]
            parts[right] = ""
            following[left] = following[right]
            if following[left] < len(parts):
                previous[following[left]] = left
            consider(previous[left], left)
            consider(left, following[left])
        return [number for part in parts if part for number in self._part_ids(part)]

    def _part_ids(self, part: str) -> Iterator[int]:
        """The id of a token; else the ids of its bytes; else the unknown token's.

        Bytes are taken where the vocabulary has them all.
        """
        if part in self._ids:
            yield self._ids[part]
        elif all(byte in self._byte_ids for byte in part.encode()):
            yield from (self._byte_ids[byte] for byte in part.encode())
        elif self._unknown is not None:
            yield self._unknown
