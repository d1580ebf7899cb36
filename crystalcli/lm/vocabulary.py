"""The language model's tokens: text to ids and back, through tiktoken, from the vocabulary the GGUF file carries.

Knows: byte-level byte-pair vocabularies (`tokenizer.ggml.model` = gpt2) and how each family cuts text first.
Does not know: weights, prompts, who speaks. Nothing is ever fetched: tiktoken gets its ranks from the file.

A byte-level vocabulary is trained by adding one merged token at a time, so a token's id is also its rank, which is
all tiktoken asks for; the file's list of merges is read once to make sure that it is so.
"""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.gguf import GGUF, show

_CONTROL, _USER_DEFINED, _UNUSED = 3, 4, 5  # of `tokenizer.ggml.token_type`
_NOT_ORDINARY = frozenset((_CONTROL, _USER_DEFINED, _UNUSED))

_WORDS = r" ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d|" + _WORDS
# Digits are taken out one by one before the GPT-2 pattern sees what lies between them. In one pattern: a digit stands
# first, and white space before a digit is one piece, since there the reference's piece of text ended.
_DIGITS_THEN_GPT2 = r"\p{N}|'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?=\p{N})|\s+(?!\S)|\s+"
_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_PATTERNS = {
    "gpt-2": _GPT2,
    "smollm": _DIGITS_THEN_GPT2,
    "starcoder": _DIGITS_THEN_GPT2,
    "refact": _DIGITS_THEN_GPT2,
    "command-r": _DIGITS_THEN_GPT2,
    "codeshell": _DIGITS_THEN_GPT2,
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "llama-bpe": _LLAMA3,
    "falcon3": _LLAMA3,
}

# tiktoken's pattern engine gives up (and panics) on a million characters of white space in one run.
_LONGEST_BLANK = 500_000
_LONG_BLANK = re.compile(rf"\s{{{_LONGEST_BLANK}}}")

_END_NAMES = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "</s>")


class Vocabulary:
    """Tokens of one model. Ids are those of the file; `size` of them.

    Raises CrystalError when the file carries no vocabulary of a kind that can be read here.
    """

    def __init__(self, file: GGUF) -> None:
        import tiktoken

        tokens, kinds = _tokens_of(file)
        pattern = _pattern_of(file)
        _check_ranks(file, tokens)
        texts = [token.decode("utf-8", "replace") for token in tokens]
        self.specials: dict[str, int] = {}
        for number, kind in enumerate(kinds):
            if kind in _NOT_ORDINARY:
                if kind != _UNUSED and texts[number]:
                    self.specials[texts[number]] = number
                texts[number] = ""
        ordinary = dict(zip(_spell(file, texts), range(len(texts)), strict=True))
        ordinary.pop(b"", None)
        self.size = len(tokens)
        self.longest = max(map(len, ordinary), default=1)
        # A vocabulary may lack single bytes that its training text never had (SmolLM2's lacks 21). tiktoken needs
        # all 256, so the missing ones get ids past the end; `encode` leaves those out, as other readers do.
        for byte in range(256):
            ordinary.setdefault(bytes([byte]), self.size + byte)
        self.missing = sum(1 for number in ordinary.values() if number >= self.size)
        self._encoding = tiktoken.Encoding(
            "gguf", pat_str=pattern, mergeable_ranks=ordinary, special_tokens=self.specials
        )
        self._special = _alternatives(self.specials)
        self.begin = _id(file, "tokenizer.ggml.bos_token_id", self.size)
        self.adds_begin = file.metadata.get("tokenizer.ggml.add_bos_token") is True and self.begin is not None
        ends = {self.specials[name] for name in _END_NAMES if name in self.specials}
        for key in ("eos", "eot", "eom"):
            end = _id(file, f"tokenizer.ggml.{key}_token_id", self.size)
            if end is not None:
                ends.add(end)
        self.ends = frozenset(ends)
        """Ids after which a model has finished speaking."""

    def encode(self, text: str) -> list[int]:
        """The ids of `text`; the names of special tokens in it are ordinary text."""
        ids = self._encode(text)
        return [number for number in ids if number < self.size] if self.missing else ids

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
        ids = self._encode(head)
        if len(head) == len(text) and sum(number < self.size for number in ids) <= tokens:
            return text
        for keep in range(min(tokens, len(ids)), 0, -1):
            # The cut may split a character, whose bytes then go; and a text cut short may make more tokens at its end.
            cut = text[: len(self._encoding.decode_bytes(ids[:keep]).decode("utf-8", "ignore"))]
            if self.count(cut) <= tokens:
                return cut
        return ""

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`, special tokens left out, bytes that are not UTF-8 replaced."""
        return "".join(self.stream(ids))

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of `ids` as they come: each piece as soon as its last character is whole. Never an empty piece."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        special = frozenset(self.specials.values())
        for number in ids:
            if number in special:
                continue
            piece = decoder.decode(self._bytes(number))
            if piece:
                yield piece
        rest = decoder.decode(b"", final=True)
        if rest:
            yield rest

    def _bytes(self, number: int) -> bytes:
        try:
            return self._encoding.decode_single_token_bytes(number)
        except KeyError:  # an unused place in the vocabulary
            return b""

    def _encode(self, text: str) -> list[int]:
        if len(text) < _LONGEST_BLANK or not _LONG_BLANK.search(text):
            return self._encoding.encode_ordinary(text)
        # Cut after each such run: at most a token more than in one piece, where the alternative is none at all.
        ids: list[int] = []
        place = 0
        for found in _LONG_BLANK.finditer(text):
            ids += self._encoding.encode_ordinary(text[place : found.end()])
            place = found.end()
        return ids + self._encoding.encode_ordinary(text[place:])


def _tokens_of(file: GGUF) -> tuple[list[bytes], Sequence[int | float]]:
    model = file.metadata.get("tokenizer.ggml.model")
    if model != "gpt2":
        raise CrystalError(
            f"{file.path}: its vocabulary is of the kind {show(str(model))}; only byte-level ones (gpt2) can be read"
        )
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens:
        raise CrystalError(f"{file.path}: it carries no vocabulary (tokenizer.ggml.tokens)")
    kinds = file.metadata.get("tokenizer.ggml.token_type")
    if kinds is None:
        return tokens, bytes([1]) * len(tokens)
    if not isinstance(kinds, array) or len(kinds) != len(tokens):
        raise CrystalError(f"{file.path}: its vocabulary is damaged: {len(tokens):,} tokens, other token types")
    return tokens, kinds


def _pattern_of(file: GGUF) -> str:
    name = file.metadata.get("tokenizer.ggml.pre", "gpt-2")
    if not isinstance(name, str) or name not in _PATTERNS:
        known = ", ".join(sorted(_PATTERNS))
        raise CrystalError(f"{file.path}: its text is cut in an unknown way, {show(str(name))} (known: {known})")
    return _PATTERNS[name]


def _check_ranks(file: GGUF, tokens: list[bytes]) -> None:
    merges = file.metadata.get("tokenizer.ggml.merges")
    if not isinstance(merges, list):
        raise CrystalError(f"{file.path}: it carries no merges (tokenizer.ggml.merges)")
    # What the merges make must be found among the tokens in the same order; `in` moves the iterator on.
    rest = iter(tokens)
    if not all(merge.replace(b" ", b"", 1) in rest for merge in merges):
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


def _alternatives(names: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the names, longer ones first; matches nothing when there are none."""
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)")


def _id(file: GGUF, key: str, size: int) -> int | None:
    number = file.metadata.get(key)
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < size:
        return number
    return None
