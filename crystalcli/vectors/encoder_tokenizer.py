"""Text to the encoder's tokens, by the `tokenizers` library.

The default encoder has BERT's uncased WordPiece (Devlin et al., 2019); its vocabulary ships with the package, so text can be
cut, counted and indexed before any weights are here. An own encoder's folder brings its tokenizer along.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalcli.errors import ModelMissingError

if TYPE_CHECKING:
    from crystalcli.types import IntArray

VOCABULARY = Path(__file__).parent / "data" / "minilm-vocab.txt"
CLS, SEP = 101, 102
_FILES = ("tokenizer.json", "vocab.txt")
_NORMALIZER = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")


class WordPieceTokenizer:
    """Implements `crystalcli.types.Tokenizer`. Special tokens are never added; nothing is truncated.

    special: the ids that the encoder wants before and after a text. joined: whether a text in pieces has the tokens of
    the whole; where it has not, chunks are tokenized again when they are whole.
    """

    def __init__(self, vocabulary: Path = VOCABULARY) -> None:
        self._tokenizer = _wordpiece(vocabulary, {})
        self.special = (CLS, SEP)
        self.joined = True

    def tokenize(self, texts: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
        """For each text: token ids, int32 [n], and the character offset at which each ends, int32 [n], never falling."""
        return [
            (
                np.array(encoding.ids, np.int32),
                np.maximum.accumulate(np.array([end for _, end in encoding.offsets], np.int32)),
            )
            for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def words(self, text: str) -> tuple[list[int], list[str]]:
        """Token ids and token strings of one text."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.tokens


class FolderTokenizer(WordPieceTokenizer):
    """The tokenizer of a folder in Hugging Face layout: `tokenizer.json` as it is, without truncation and padding, else
    WordPiece from `vocab.txt` with what `tokenizer_config.json` says of case.

    Raises ModelMissingError when there is neither, or it cannot be read, or it has no special tokens.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        path = tokenizer_file(folder)
        settings = _settings(folder)
        try:
            if path.name == "vocab.txt":
                self._tokenizer = _wordpiece(path, settings)
            else:
                self._tokenizer = Tokenizer.from_file(str(path))
                self._tokenizer.no_truncation()
                self._tokenizer.no_padding()
        except Exception as error:  # the library raises bare Exception
            raise ModelMissingError(f"cannot read the encoder's {path.name} in {folder}: {error}") from error
        self.special = self._special(settings, path)
        # A byte-level vocabulary says a word with the space before it; a piece of text begins without that space.
        self.joined = "ByteLevel" not in str(self._tokenizer.pre_tokenizer)

    def _special(self, settings: dict[str, Any], path: Path) -> tuple[int, int]:
        around = self._tokenizer.encode("", add_special_tokens=True).ids
        if len(around) == 2:
            return around[0], around[1]
        found: list[int] = []
        for names in (("cls_token", "[CLS]", "<s>"), ("sep_token", "[SEP]", "</s>")):
            said = settings.get(names[0])
            said = said.get("content") if isinstance(said, dict) else said
            ids = (self._tokenizer.token_to_id(name) for name in (said, *names[1:]) if isinstance(name, str))
            found += [number for number in ids if number is not None][:1]
        if len(found) < 2:
            raise ModelMissingError(f"{path} has no tokens for the beginning and the end of a text")
        return found[0], found[1]


def tokenizer_file(folder: Path) -> Path:
    """The file that a folder's tokenizer is made from. Raises ModelMissingError where there is none."""
    for name in _FILES:
        if (folder / name).is_file():
            return folder / name
    raise ModelMissingError(f"cannot read the encoder's tokenizer in {folder}: no {' and no '.join(_FILES)}")


def tokenizer_digest(folder: Path) -> str:
    """SHA-256, in hex, over what decides how a folder's text becomes tokens."""
    path = tokenizer_file(folder)
    found = hashlib.sha256(path.read_bytes())
    if path.name == "vocab.txt":
        settings = _settings(folder)
        found.update(repr([settings.get(name) for name in _NORMALIZER]).encode())
    return found.hexdigest()


def _settings(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"cannot read the encoder's tokenizer_config.json in {folder}: {error}") from error
    return found if isinstance(found, dict) else {}


def _wordpiece(vocabulary: Path, settings: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    model = models.WordPiece.from_file(str(vocabulary), unk_token="[UNK]", max_input_chars_per_word=100)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True) is not False,
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True) is not False,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


@cache
def default_tokenizer() -> WordPieceTokenizer:
    """The one that belongs to the default encoder, made once."""
    return WordPieceTokenizer()
