"""The vocabulary of a GGUF file.

Knows: the keys below `tokenizer.ggml.`. Does not know: how text is cut, weights.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from crystalcli.errors import CrystalError
from crystalcli.lm.files.gguf import GGUF, printable
from crystalcli.lm.tokenizer.byte_level import ByteLevelVocabulary
from crystalcli.lm.tokenizer.sentencepiece import SentencePieceVocabulary
from crystalcli.lm.tokenizer.vocabulary import (
    CONTROL,
    ORDINARY,
    USER_DEFINED,
    TokenList,
    Vocabulary,
    VocabularyConfig,
)

_EOS_NAMES = (
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>", "</s>"),
    *("<|end|>", "<end_of_turn>"),
)
# Ways to cut whose models are given a first token unless the file says otherwise.
_ADD_BOS = frozenset(("llama3", "llama-v3", "llama-bpe", "falcon3", "tekken"))


def vocabulary_from_gguf(file: GGUF) -> Vocabulary:
    """Read the vocabulary of a file: byte-level (`gpt2`) or SentencePiece (`llama`).

    Raises:
        CrystalError: The file has none, or one of another kind, or it is damaged.
    """
    model = file.metadata.get("tokenizer.ggml.model")
    if model == "gpt2":
        adds_bos = file.metadata.get("tokenizer.ggml.pre") in _ADD_BOS
        return ByteLevelVocabulary(file, _token_list(file, adds_bos))
    if model == "llama":
        return SentencePieceVocabulary(file, _token_list(file, adds_bos=True))
    raise CrystalError(
        f"{file.path}: its vocabulary is of the kind {printable(str(model))}; those that can be read: gpt2, llama"
    )


def _token_list(file: GGUF, adds_bos: bool) -> TokenList:
    """Read the tokens. adds_bos: the default where the file does not say."""
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, list) or not tokens:
        raise CrystalError(f"{file.path}: it carries no vocabulary (tokenizer.ggml.tokens)")
    kinds = file.metadata.get("tokenizer.ggml.token_type")
    if kinds is None:
        kinds = array("b", [ORDINARY]) * len(tokens)
    if not isinstance(kinds, array) or len(kinds) != len(tokens):
        raise CrystalError(f"{file.path}: its vocabulary is damaged: {len(tokens):,} tokens, other token types")
    texts = [token.decode("utf-8", "replace") for token in tokens]
    special = [number for number, kind in enumerate(kinds) if kind in (CONTROL, USER_DEFINED) and texts[number]]
    # A marker inside a name must break it, so a single character cannot be a name.
    special_ids = {texts[number]: number for number in special if len(texts[number]) > 1}
    silent_ids = frozenset(number for number, kind in enumerate(kinds) if kind == CONTROL)
    bos_id = _token_id(file, "bos", len(tokens))
    eos_ids = {special_ids[name] for name in _EOS_NAMES if name in special_ids}
    eos_ids |= {end for key in ("eos", "eot", "eom") if (end := _token_id(file, key, len(tokens))) is not None}
    config = VocabularyConfig(
        size=len(tokens),
        special_ids=special_ids,
        silent_ids=silent_ids,
        spoken={number: texts[number] for number in special if number not in silent_ids},
        bos_id=bos_id,
        adds_bos=file.metadata.get("tokenizer.ggml.add_bos_token", adds_bos) is True and bos_id is not None,
        eos_ids=frozenset(eos_ids),
        names={f"{key}_token": _name(_token_id(file, key, len(tokens)), special_ids) for key in ("bos", "eos")},
    )
    return TokenList(texts, kinds, config)


def _token_id(file: GGUF, key: str, size: int) -> int | None:
    number = file.metadata.get(f"tokenizer.ggml.{key}_token_id")
    if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < size:
        return number
    return None


def _name(number: int | None, special_ids: Mapping[str, int]) -> str:
    return next((name for name, special in special_ids.items() if special == number), "")
