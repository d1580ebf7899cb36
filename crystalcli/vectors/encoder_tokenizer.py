"""The tokenizer of an encoder, by the `tokenizers` library.

The default encoder has BERT's uncased WordPiece (Devlin et al., 2019); its vocabulary ships with
the package, so text can be chunked, counted and indexed before any weights are downloaded. The
folder of another encoder has a tokenizer of its own.
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
from crystalcli.vectors.encoder_config import EncoderPrompts

if TYPE_CHECKING:
    from crystalcli.datatypes import IntArray

VOCABULARY = Path(__file__).parent / "data" / "minilm-vocab.txt"
CLS, SEP = 101, 102
NO_PROMPTS = EncoderPrompts()
_FILES = ("tokenizer.json", "vocab.txt")
_NORMALIZER = ("do_lower_case", "strip_accents", "tokenize_chinese_chars")


class WordPieceTokenizer:
    """The tokenizer of the default encoder; implements `crystalcli.datatypes.Tokenizer`.

    Special tokens are never added; texts are never truncated.

    Attributes:
        special: ids of the tokens that the encoder expects before and after a text.
        concatenates: whether the tokens of consecutive pieces are those of the whole text. If not,
            chunks are tokenized again when they are complete.
        query_prompt: int32 [n], ids of the prompt that the encoder expects before a question.
        passage_prompt: int32 [n], the same before a passage.
    """

    def __init__(self, vocabulary: Path = VOCABULARY) -> None:
        self._tokenizer = _wordpiece(vocabulary, {})
        self.special = (CLS, SEP)
        self.concatenates = True
        self.query_prompt = self.passage_prompt = np.zeros(0, np.int32)

    def tokenize(self, texts: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
        """Tokenize texts.

        Returns:
            For each text its token ids, int32 [n], and the character offset at which each token
            ends, int32 [n], in non-descending order.
        """
        return [
            (
                np.array(encoding.ids, np.int32),
                np.maximum.accumulate(np.array([end for _, end in encoding.offsets], np.int32)),
            )
            for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    def token_ids(self, texts: Sequence[str]) -> list[IntArray]:
        """Tokenize texts to ids alone, int32 [n] each, which takes three quarters of the time."""
        # Older versions of the library always count characters.
        encode = getattr(self._tokenizer, "encode_batch_fast", self._tokenizer.encode_batch)
        return [np.array(encoding.ids, np.int32) for encoding in encode(list(texts), add_special_tokens=False)]


class FolderTokenizer(WordPieceTokenizer):
    """The tokenizer of a folder in Hugging Face layout.

    It is read from `tokenizer.json`, without its truncation and padding; else it is WordPiece from
    `vocab.txt` with the normalization that `tokenizer_config.json` sets.

    Args:
        folder: holds the tokenizer.
        prompts: of the encoder.

    Raises:
        ModelMissingError: The folder has neither file, the file cannot be read, or it defines no
            special tokens.
    """

    def __init__(self, folder: Path, prompts: EncoderPrompts = NO_PROMPTS) -> None:
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
        # A byte-level token includes the space before a word; a piece of text begins without that
        # space.
        self.concatenates = "ByteLevel" not in str(self._tokenizer.pre_tokenizer)
        (self.query_prompt, _), (self.passage_prompt, _) = self.tokenize(prompts)

    def _special(self, settings: dict[str, Any], path: Path) -> tuple[int, int]:
        """Find the ids of the tokens that stand before and after a text."""
        template = self._tokenizer.encode("", add_special_tokens=True).ids
        if len(template) == 2:
            return template[0], template[1]
        special: list[int] = []
        for setting, *defaults in (("cls_token", "[CLS]", "<s>"), ("sep_token", "[SEP]", "</s>")):
            token = settings.get(setting)
            token = token.get("content") if isinstance(token, dict) else token
            ids = (self._tokenizer.token_to_id(name) for name in (token, *defaults) if isinstance(name, str))
            special += [number for number in ids if number is not None][:1]
        if len(special) < 2:
            raise ModelMissingError(f"{path} has no tokens for the beginning and the end of a text")
        return special[0], special[1]


def tokenizer_file(folder: Path) -> Path:
    """Return the file that defines a folder's tokenizer.

    Raises ModelMissingError if neither file exists.
    """
    for name in _FILES:
        if (folder / name).is_file():
            return folder / name
    raise ModelMissingError(f"cannot read the encoder's tokenizer in {folder}: no {' and no '.join(_FILES)}")


def tokenizer_digest(folder: Path) -> str:
    """Compute the SHA-256, in hex, of a tokenizer's file and of the settings that change tokens."""
    path = tokenizer_file(folder)
    digest = hashlib.sha256(path.read_bytes())
    if path.name == "vocab.txt":
        settings = _settings(folder)
        digest.update(repr([settings.get(name) for name in _NORMALIZER]).encode())
    return digest.hexdigest()


def _settings(folder: Path) -> dict[str, Any]:
    """Read `tokenizer_config.json`; {} without one.

    Raises ModelMissingError if it cannot be read.
    """
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelMissingError(f"cannot read the encoder's tokenizer_config.json in {folder}: {error}") from error
    return settings if isinstance(settings, dict) else {}


def _wordpiece(vocabulary: Path, settings: dict[str, Any]) -> Any:
    """Make BERT's WordPiece from a vocabulary file, normalized by `tokenizer_config.json`."""
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
    """Return the tokenizer of the default encoder, made once."""
    return WordPieceTokenizer()
