"""Byte-level byte-pair vocabularies, through tiktoken, from the tokens that a GGUF file lists.

Knows: how each family cuts text before its bytes are paired, and GPT-2's spelling of bytes.
Does not know: weights, prompts, special tokens. Nothing is ever fetched: tiktoken gets its ranks
from the file.

A byte-level vocabulary is trained by adding one merged token at a time, so a token's id is also its
rank, which is all that tiktoken asks for; the file's list of merges is read once to make sure of
it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, pairwise

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF, printable
from crystalcli.lm.tokenizer.vocabulary import CONTROL, UNUSED, USER_DEFINED, TokenList, Vocabulary

_NOT_ORDINARY = frozenset((CONTROL, USER_DEFINED, UNUSED))

_WORDS = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d|" + _WORDS
# Digits are taken out one by one before the GPT-2 pattern sees what lies between them. In one
# pattern: a digit comes first, and white space before a digit is one piece, since there the
# reference's piece of text ended.
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
    "default": _GPT2,  # in files made before models were told apart
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
_NFC = frozenset(("qwen2",))  # text is normalised to NFC first

# tiktoken's pattern engine gives up (and panics) on a million characters of white space in one run.
_LONGEST_BLANK = 500_000
_LONG_BLANK = re.compile(rf"\s{{{_LONGEST_BLANK}}}")


class ByteLevelVocabulary(Vocabulary):
    """A vocabulary of the kind `gpt2`.

    Raises:
        CrystalError: It is damaged, or its pre-tokenizer is unknown.
    """

    def __init__(self, file: GGUF, tokens: TokenList) -> None:
        import tiktoken

        pre_tokenizer = file.metadata.get("tokenizer.ggml.pre", "default")
        if not isinstance(pre_tokenizer, str) or pre_tokenizer not in _PATTERNS:
            known = ", ".join(sorted(_PATTERNS))
            raise CrystalError(
                f"{file.path}: its text is cut in an unknown way, {printable(str(pre_tokenizer))} (known: {known})"
            )
        _check_ranks(file, tokens.texts)
        texts = ["" if kind in _NOT_ORDINARY else text for text, kind in zip(tokens.texts, tokens.kinds, strict=True)]
        ranks = dict(zip(_token_bytes(file, texts), range(len(texts)), strict=True))
        ranks.pop(b"", None)
        super().__init__(tokens.config, max(map(len, ranks), default=1))
        # A vocabulary may lack single bytes that its training text never had (SmolLM2's lacks 21).
        # tiktoken needs all 256, so the missing ones get ids past the end; `encode` leaves those
        # out, as other readers do.
        for byte in range(256):
            ranks.setdefault(bytes([byte]), self.size + byte)
        self.has_gaps = any(number >= self.size for number in ranks.values())
        self._normalizes = pre_tokenizer in _NFC
        self._encoding = tiktoken.Encoding(
            "gguf", pat_str=_PATTERNS[pre_tokenizer], mergeable_ranks=ranks, special_tokens=dict(self.special_ids)
        )

    def tokenize(self, text: str) -> list[int]:
        """Tokenize a text; a byte without a token has its own id beyond `size`."""
        if self._normalizes:
            text = unicodedata.normalize("NFC", text)  # cheap for text in NFC
        if len(text) < _LONGEST_BLANK or not _LONG_BLANK.search(text):
            return self._encoding.encode_ordinary(text)
        # Cut after each long run of white space: at most a token more than in one piece, which
        # would fail.
        ids: list[int] = []
        place = 0
        for blank in _LONG_BLANK.finditer(text):
            ids += self._encoding.encode_ordinary(text[place : blank.end()])
            place = blank.end()
        return ids + self._encoding.encode_ordinary(text[place:])

    def bytes_of(self, number: int) -> bytes:
        """The bytes of a token."""
        try:
            return self._encoding.decode_single_token_bytes(number)
        except KeyError:  # an unused place in the vocabulary
            return b""


def _check_ranks(file: GGUF, texts: Sequence[str]) -> None:
    """Raise CrystalError unless the tokens are in the order of the file's merges."""
    merges = file.metadata.get("tokenizer.ggml.merges")
    if not isinstance(merges, list):
        raise CrystalError(f"{file.path}: it carries no merges (tokenizer.ggml.merges)")
    merged = [merge.decode("utf-8", "replace").replace(" ", "", 1) for merge in merges]
    # The merged tokens must be found among the tokens in the same order; `in` moves the iterator
    # on.
    rest = iter(texts)
    if all(token in rest for token in merged):
        return
    # Some files list several ways to make one token: slower, and needed for few.
    ranks = dict(zip(texts, range(len(texts)), strict=True))
    merged_ranks = [ranks.get(token, -1) for token in merged]
    if min(merged_ranks) < 0 or any(later < former for former, later in pairwise(merged_ranks)):
        raise CrystalError(f"{file.path}: its tokens are not in the order of its merges, which is needed here")


def _token_bytes(file: GGUF, texts: list[str]) -> list[bytes]:
    """Decode the spelling of tokens to bytes.

    The file spells every byte as one printable character (GPT-2's alphabet): printable Latin-1 as
    itself, the other 68 bytes, in order, as the characters from 256 on. One pass over all tokens
    joined is ten times faster than one for each.
    """
    printable_bytes = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other_bytes = [byte for byte in range(256) if byte not in set(printable_bytes)]
    # Characters outside the alphabet must fail below, not pass as themselves.
    table: dict[int, int | str] = dict.fromkeys(other_bytes, "\ufffd")
    table |= {256 + place: byte for place, byte in enumerate(other_bytes)}
    try:
        joined = "".join(texts).translate(table).encode("latin-1")
    except UnicodeEncodeError:
        raise CrystalError(f"{file.path}: its vocabulary is damaged: a token is not spelled in bytes") from None
    ends = accumulate(map(len, texts), initial=0)
    return [joined[start:end] for start, end in pairwise(ends)]
