"""Byte-level byte-pair vocabularies, through tiktoken, from the tokens that a GGUF file lists.

Knows: how each family cuts text before its bytes are paired, and GPT-2's spelling of bytes.
Does not know: weights, prompts, special tokens. Nothing is ever fetched: tiktoken gets its ranks from the file.

A byte-level vocabulary is trained by adding one merged token at a time, so a token's id is also its rank, which is
all tiktoken asks for; the file's list of merges is read once to make sure that it is so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, pairwise

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF, show
from crystalcli.lm.tokenizer.vocabulary import CONTROL, UNUSED, USER_DEFINED, Listed, Vocabulary

_NOT_ORDINARY = frozenset((CONTROL, USER_DEFINED, UNUSED))

_WORDS = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d|" + _WORDS
# Digits are taken out one by one before the GPT-2 pattern sees what lies between them. In one pattern: a digit stands
# first, and white space before a digit is one piece, since there the reference's piece of text ended.
_DIGITS_THEN_GPT2 = r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?=\p{N})|\s+(?!\S)|\s+"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2 = _LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
_TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PATTERNS = {
    "gpt-2": _GPT2,
    "default": _GPT2,  # what files say that were made before models were told apart
    "smollm": _DIGITS_THEN_GPT2,
    "starcoder": _DIGITS_THEN_GPT2,
    "refact": _DIGITS_THEN_GPT2,
    "command-r": _DIGITS_THEN_GPT2,
    "codeshell": _DIGITS_THEN_GPT2,
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "llama-bpe": _LLAMA3,
    "smaug-bpe": _LLAMA3,
    "falcon3": _LLAMA3,
    "qwen2": _QWEN2,
    "deepseek-r1-qwen": _QWEN2,
    "tekken": _TEKKEN,
}
_COMPOSED = frozenset(("qwen2",))  # whose text is brought into Unicode's form NFC first

# tiktoken's pattern engine gives up (and panics) on a million characters of white space in one run.
_LONGEST_BLANK = 500_000
_LONG_BLANK = re.compile(rf"\s{{{_LONGEST_BLANK}}}")


class ByteLevel(Vocabulary):
    """A vocabulary of the kind `gpt2`. Raises CrystalError when it is damaged or cut in a way unknown here."""

    def __init__(self, file: GGUF, listed: Listed) -> None:
        import tiktoken

        way = file.metadata.get("tokenizer.ggml.pre", "default")
        if not isinstance(way, str) or way not in _PATTERNS:
            known = ", ".join(sorted(_PATTERNS))
            raise CrystalError(f"{file.path}: its text is cut in an unknown way, {show(str(way))} (known: {known})")
        _check_ranks(file, listed.texts)
        texts = ["" if kind in _NOT_ORDINARY else text for text, kind in zip(listed.texts, listed.kinds, strict=True)]
        ordinary = dict(zip(_spell(file, texts), range(len(texts)), strict=True))
        ordinary.pop(b"", None)
        super().__init__(listed.frame, max(map(len, ordinary), default=1))
        # A vocabulary may lack single bytes that its training text never had (SmolLM2's lacks 21). tiktoken needs
        # all 256, so the missing ones get ids past the end; `encode` leaves those out, as other readers do.
        for byte in range(256):
            ordinary.setdefault(bytes([byte]), self.size + byte)
        self.holed = any(number >= self.size for number in ordinary.values())
        self._composed = way in _COMPOSED
        self._encoding = tiktoken.Encoding(
            "gguf", pat_str=_PATTERNS[way], mergeable_ranks=ordinary, special_tokens=dict(self.specials)
        )

    def tokenize(self, text: str) -> list[int]:
        """The ids of `text`; a byte without a token has its own id beyond `size`."""
        if self._composed:
            text = unicodedata.normalize("NFC", text)  # costs little where it is so already
        if len(text) < _LONGEST_BLANK or not _LONG_BLANK.search(text):
            return self._encoding.encode_ordinary(text)
        # Cut after each such run: at most a token more than in one piece, where the alternative is none at all.
        ids: list[int] = []
        place = 0
        for found in _LONG_BLANK.finditer(text):
            ids += self._encoding.encode_ordinary(text[place : found.end()])
            place = found.end()
        return ids + self._encoding.encode_ordinary(text[place:])

    def bytes_of(self, number: int) -> bytes:
        """What a token stands for."""
        try:
            return self._encoding.decode_single_token_bytes(number)
        except KeyError:  # an unused place in the vocabulary
            return b""


def _check_ranks(file: GGUF, texts: Sequence[str]) -> None:
    merges = file.metadata.get("tokenizer.ggml.merges")
    if not isinstance(merges, list):
        raise CrystalError(f"{file.path}: it carries no merges (tokenizer.ggml.merges)")
    # What the merges make must be found among the tokens in the same order; `in` moves the iterator on.
    rest = iter(texts)
    if all(merge.decode("utf-8", "replace").replace(" ", "", 1) in rest for merge in merges):
        return
    # Some files list several ways to make one token: slower, and needed for few.
    places = dict(zip(texts, range(len(texts)), strict=True))
    made = [places.get(merge.decode("utf-8", "replace").replace(" ", "", 1), -1) for merge in merges]
    if min(made) < 0 or any(later < former for former, later in pairwise(made)):
        raise CrystalError(f"{file.path}: its tokens do not stand in the order of its merges, which is needed here")


def _spell(file: GGUF, texts: list[str]) -> list[bytes]:
    """The bytes each token stands for.

    The file spells every byte as one printable character (GPT-2's alphabet): printable Latin-1 as itself, the other 68
    bytes, in order, as the characters from 256 on. One pass over all tokens joined is ten times quicker than one each.
    """
    itself = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in set(itself)]
    # Characters that stand for no byte must fail below, not pass as themselves.
    table: dict[int, int | str] = dict.fromkeys(others, "\ufffd")
    table |= {256 + place: byte for place, byte in enumerate(others)}
    try:
        joined = "".join(texts).translate(table).encode("latin-1")
    except UnicodeEncodeError:
        raise CrystalError(f"{file.path}: its vocabulary is damaged: a token is not spelled in bytes") from None
    ends = accumulate(map(len, texts), initial=0)
    return [joined[start:end] for start, end in pairwise(ends)]
