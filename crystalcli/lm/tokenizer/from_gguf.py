"""Which vocabulary a GGUF file carries, and its tokens in it.

Knows: the keys below `tokenizer.ggml.`. Does not know: how text is cut, weights.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF, show
from crystalcli.lm.tokenizer.byte_level import ByteLevel
from crystalcli.lm.tokenizer.sentencepiece import SentencePiece
from crystalcli.lm.tokenizer.vocabulary import CONTROL, USER_DEFINED, Frame, Listed, Vocabulary

_END_NAMES = (
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "</s>"),
    *("<|end|>", "<end_of_turn>"),
)


def open_vocabulary(file: GGUF) -> Vocabulary:
    """The vocabulary of `file`: byte-level (`gpt2`) or SentencePiece (`llama`).

    Raises CrystalError when there is none, or none of a kind that can be read here.
    """
    model = file.metadata.get("tokenizer.ggml.model")
    if model == "gpt2":
        return ByteLevel(file, _listed(file, begins=file.metadata.get("tokenizer.ggml.pre") in _BEGIN_UNSAID))
    if model == "llama":
        return SentencePiece(file, _listed(file, begins=True))
    raise CrystalError(
        f"{file.path}: its vocabulary is of the kind {show(str(model))}; those that can be read: gpt2, llama"
    )


# Ways to cut whose models are given a first token unless the file says otherwise.
_BEGIN_UNSAID = frozenset(("llama3", "llama-v3", "llama-bpe", "falcon3", "tekken"))


def _listed(file: GGUF, begins: bool) -> Listed:
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens:
        raise CrystalError(f"{file.path}: it carries no vocabulary (tokenizer.ggml.tokens)")
    kinds = file.metadata.get("tokenizer.ggml.token_type")
    if kinds is None:
        kinds = array("b", [1]) * len(tokens)
    if not isinstance(kinds, array) or len(kinds) != len(tokens):
        raise CrystalError(f"{file.path}: its vocabulary is damaged: {len(tokens):,} tokens, other token types")
    texts = [token.decode("utf-8", "replace") for token in tokens]
    special = [number for number, kind in enumerate(kinds) if kind in (CONTROL, USER_DEFINED) and texts[number]]
    # A mark inside a name must break it, so a single character is no name.
    specials = {texts[number]: number for number in special if len(texts[number]) > 1}
    silent = frozenset(number for number, kind in enumerate(kinds) if kind == CONTROL)
    spoken = {number: texts[number] for number in special if number not in silent}
    begin = _id(file, "bos", len(tokens))
    ends = {specials[name] for name in _END_NAMES if name in specials}
    ends |= {end for key in ("eos", "eot", "eom") if (end := _id(file, key, len(tokens))) is not None}
    adds = file.metadata.get("tokenizer.ggml.add_bos_token", begins)
    frame = Frame(
        size=len(tokens),
        specials=specials,
        silent=silent,
        spoken=spoken,
        begin=begin,
        adds_begin=adds is True and begin is not None,
        ends=frozenset(ends),
        names={f"{key}_token": _name(_id(file, key, len(tokens)), specials) for key in ("bos", "eos")},
    )
    return Listed(texts, kinds, frame)


def _id(file: GGUF, key: str, size: int) -> int | None:
    number = file.metadata.get(f"tokenizer.ggml.{key}_token_id")
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < size:
        return number
    return None


def _name(number: int | None, specials: Mapping[str, int]) -> str:
    return next((text for text, special in specials.items() if special == number), "")
