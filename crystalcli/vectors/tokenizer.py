"""Text to the encoder's tokens: BERT's uncased WordPiece (Devlin et al., 2019), by the `tokenizers` library.

The vocabulary ships with the package, so text can be cut, counted and indexed before any weights are here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crystalcli.types import IntArray

VOCABULARY = Path(__file__).parent / "data" / "minilm-vocab.txt"
CLS, SEP = 101, 102


class WordPieceTokenizer:
    """Implements `crystalcli.types.Tokenizer`. Special tokens are never added; nothing is truncated."""

    def __init__(self, vocabulary: Path = VOCABULARY) -> None:
        from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

        model = models.WordPiece.from_file(str(vocabulary), unk_token="[UNK]", max_input_chars_per_word=100)
        self._tokenizer = Tokenizer(model)
        self._tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def tokenize(self, texts: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
        """For each text: token ids, int32 [n], and the character offset at which each ends, int32 [n]."""
        return [
            (np.array(encoding.ids, np.int32), np.array([end for _, end in encoding.offsets], np.int32))
            for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def words(self, text: str) -> tuple[list[int], list[str]]:
        """Token ids and token strings of one text."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.tokens


@cache
def default_tokenizer() -> WordPieceTokenizer:
    """The one that belongs to the default encoder, made once."""
    return WordPieceTokenizer()
