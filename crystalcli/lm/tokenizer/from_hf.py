"""The vocabulary of a folder in Hugging Face's layout: `tokenizer.json`, run by the `tokenizers` library.

Knows: that file, what `tokenizer_config.json` calls the special tokens, and which ids end an answer.
Does not know: weights, templates. Nothing is truncated or padded, whatever the file says.

The library would find the names of special tokens wherever they stand in a text. So it is given the file without them: a document
that holds such a name holds ordinary text, and only what the template writes becomes special.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm.files.safetensors_files import read_json
from crystalcli.lm.tokenizer.vocabulary import Frame, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SPACE = "\u2581"  # SentencePiece's sign for a space
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_NAMES = ("bos_token", "eos_token", "pad_token", "unk_token")


class FolderVocabulary(Vocabulary):
    """The tokens of a model in `folder`. rows: how many the model has embeddings for; config: its `config.json`.

    Raises ModelMissingError when there is no `tokenizer.json`, CrystalError when it cannot be read or is of a kind whose tokens
    do not stand for text of their own.
    """

    def __init__(self, folder: Path, rows: int, config: Mapping[str, Any], templated: bool) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file() and any((folder / name).is_file() for name in ("vocab.json", "tokenizer.model")):
            raise ModelMissingError(
                f"there is no tokenizer.json in {folder}, only an older form of it; "
                "`AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)` writes one"
            )
        data = read_json(path)
        added = _added(data, path)
        special = {number: entry for number, entry in added.items() if entry["content"].strip() and number < rows}
        settings = read_json(folder / "tokenizer_config.json", dict)
        named = {key: _named(settings, folder, key) for key in _NAMES}
        ids = {entry["content"]: number for number, entry in special.items()}
        begin = ids.get(named["bos_token"])
        self._first = _tokenizer(data, path, added, special)
        self._rest = _without_prefix(data, path, added, special) or self._first
        self._written = _written(data, path, added)
        size = max((*self._written, *special), default=-1) + 1
        frame = Frame(
            size=min(size, rows),
            specials={name: number for name, number in ids.items() if len(name) > 1},
            silent=frozenset(number for number, entry in special.items() if entry.get("special")),
            spoken={number: entry["content"] for number, entry in special.items() if not entry.get("special")},
            begin=begin,
            adds_begin=not templated and begin is not None and _adds_begin(data, settings, named["bos_token"]),
            ends=_ends(folder, config, ids.get(named["eos_token"]), min(size, rows)),
            names=named,
        )
        super().__init__(frame, max(map(len, self._written.values()), default=1))
        self.holed = size > rows
        self._spell = _spelling(data, path)
        self._prefixed = _strips(data)
        self._trims = {
            number: (bool(entry.get("lstrip")), bool(entry.get("rstrip")))
            for number, entry in special.items()
            if entry.get("lstrip") or entry.get("rstrip")
        }

    def tokenize(self, text: str) -> list[int]:
        """The ids of `text`, as of the beginning of a prompt."""
        return self._ids(self._first, text)

    def bytes_of(self, number: int) -> bytes:
        """What a token stands for."""
        return self._spell(self._written.get(number, ""))

    def truncate(self, text: str, tokens: int) -> str:
        """As in Vocabulary; by where the library says that each token ends, since it may normalise the text first."""
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        head = _whole(text[: tokens * self.longest + 1])
        encoding = self._first.encode(head, add_special_tokens=False)
        if len(head) == len(text) and len(encoding.ids) <= tokens:
            return text
        for keep in range(min(tokens, len(encoding.ids)), 0, -1):
            cut = text[: encoding.offsets[keep - 1][1]]
            if self.count(cut) <= tokens:
                return cut
        return ""

    def encode_template(self, text: str, mark: str = "") -> list[int]:
        """As in Vocabulary; special tokens take the white space beside them along where their file says so."""
        ids: list[int] = []
        place, taking = 0, False
        for found in self._special.finditer(text):
            number = self.specials[found.group()]
            before, after = self._trims.get(number, (False, False))
            ids += self._between(text[place : found.start()], mark, place == 0, taking, before)
            ids.append(number)
            place, taking = found.end(), after
        return ids + self._between(text[place:], mark, place == 0, taking, False)

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """As in Vocabulary, without the space that stands before a first word where the vocabulary puts it there."""
        begun = not self._prefixed
        for piece in super().stream(ids):
            shown = piece if begun else piece.removeprefix(" ")
            begun = True
            if shown:
                yield shown

    def _between(self, text: str, mark: str, first: bool, left: bool, right: bool) -> list[int]:
        text = text.lstrip() if left else text
        text = text.rstrip() if right else text
        ids = self._ids(self._first if first else self._rest, text.replace(mark, "") if mark else text)
        return [number for number in ids if number < self.size] if self.holed else ids

    def _ids(self, tokenizer: Tokenizer, text: str) -> list[int]:
        return list(tokenizer.encode(_whole(text), add_special_tokens=False).ids) if text else []


def _whole(text: str) -> str:
    """The text with lone surrogates replaced, which the library does not take."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _added(data: Mapping[str, Any], path: Path) -> dict[int, dict[str, Any]]:
    """The tokens beside the vocabulary, by id."""
    entries = data.get("added_tokens") or []
    if not isinstance(entries, list) or not all(
        isinstance(each, dict)
        and isinstance(each.get("content"), str)
        and type(each.get("id")) is int
        and each["id"] >= 0
        for each in entries
    ):
        raise CrystalError(f"{path} is damaged: its added tokens are none")
    return {each["id"]: each for each in entries}


def _tokenizer(
    data: Mapping[str, Any], path: Path, added: Mapping[int, dict[str, Any]], special: Mapping[int, object]
) -> Tokenizer:
    from tokenizers import Tokenizer

    # What is left of the added tokens is white space, which is ordinary text.
    kept = [entry for number, entry in added.items() if not entry["content"].strip() and number not in special]
    bare = {**data, "added_tokens": kept, "post_processor": None, "truncation": None, "padding": None}
    try:
        return Tokenizer.from_str(json.dumps(bare))
    except BaseException as error:  # the library raises bare Exception, and what derives from none where it panics
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        reason = " ".join(str(error).split())[:200]
        raise CrystalError(f"{path} cannot be read: {reason}") from None


def _without_prefix(
    data: Mapping[str, Any], path: Path, added: Mapping[int, dict[str, Any]], special: Mapping[int, object]
) -> Tokenizer | None:
    """The same for what is not the beginning of a text, where the two differ: a space is put before a first word alone."""
    before = data.get("pre_tokenizer")
    if not any(each.get("prepend_scheme") == "first" for each in _steps(before)):
        return None
    never = json.loads(json.dumps(before).replace('"prepend_scheme": "first"', '"prepend_scheme": "never"'))
    return _tokenizer({**data, "pre_tokenizer": never}, path, added, special)


def _steps(step: Any) -> Iterator[dict[str, Any]]:
    """A step of the file, and those that it is a sequence of."""
    if isinstance(step, dict):
        yield step
        for key in ("pretokenizers", "decoders", "normalizers", "processors"):
            for each in step.get(key) or []:
                yield from _steps(each)


def _written(data: Mapping[str, Any], path: Path, added: Mapping[int, dict[str, Any]]) -> dict[int, str]:
    """How the file writes each ordinary token, by id."""
    try:
        listed = data["model"]["vocab"]
        pairs = (
            listed.items() if isinstance(listed, dict) else ((entry[0], number) for number, entry in enumerate(listed))
        )
        found = {number: text for text, number in pairs}
        if not all(type(number) is int and type(text) is str for number, text in found.items()):
            raise TypeError
    except (KeyError, TypeError, IndexError):
        raise CrystalError(f"{path} is damaged: its vocabulary is none") from None
    return found | {number: entry["content"] for number, entry in added.items() if not entry["content"].strip()}


def _spelling(data: Mapping[str, Any], path: Path) -> Callable[[str], bytes]:
    """What a token that is written so stands for, by how the file joins tokens to a text again."""
    kinds = {str(each.get("type")) for each in _steps(data.get("decoder"))}
    if "ByteLevel" in kinds:
        itself = [*range(33, 127), *range(161, 173), *range(174, 256)]
        others = [byte for byte in range(256) if byte not in set(itself)]
        table = {chr(byte): byte for byte in itself} | {chr(256 + place): byte for place, byte in enumerate(others)}
        return lambda text: bytes(map(table.__getitem__, text)) if table.keys() >= set(text) else text.encode()
    if {"Metaspace", "Replace"} & kinds:
        bytewise = "ByteFallback" in kinds

        def spell(text: str) -> bytes:
            if bytewise and (found := _BYTE.fullmatch(text)):
                return bytes([int(found[1], 16)])
            return text.replace(_SPACE, " ").encode()

        return spell
    raise CrystalError(f"{path}: its tokens are joined in an unknown way ({', '.join(sorted(kinds)) or 'none'})")


def _strips(data: Mapping[str, Any]) -> bool:
    """Whether the space before the first word of an answer is the vocabulary's, not the answer's."""
    for each in _steps(data.get("decoder")):
        if each.get("type") == "Strip" and each.get("start"):
            return True
        if (
            each.get("type") == "Metaspace"
            and each.get("prepend_scheme", "always" if each.get("add_prefix_space", True) else "never") != "never"
        ):
            return True
    return False


def _named(settings: Mapping[str, Any], folder: Path, key: str) -> str:
    """What `tokenizer_config.json`, else `special_tokens_map.json`, calls a special token; "" for none."""
    told = settings.get(key)
    if told is None and key not in settings:
        told = read_json(folder / "special_tokens_map.json", dict).get(key)
    told = told.get("content") if isinstance(told, dict) else told
    return told if isinstance(told, str) else ""


def _adds_begin(data: Mapping[str, Any], settings: Mapping[str, Any], name: str) -> bool:
    """Whether a text begins with that token unless it is said otherwise."""
    if isinstance(told := settings.get("add_bos_token"), bool):
        return told
    for step in _steps(data.get("post_processor")):
        single = step.get("single")
        if isinstance(single, list) and single and isinstance(single[0], dict):
            return bool((single[0].get("SpecialToken") or {}).get("id") == name)
    return False


def _ends(folder: Path, config: Mapping[str, Any], end: int | None, size: int) -> frozenset[int]:
    """After which ids the model has finished speaking: all that any of the files says."""
    found = set() if end is None else {end}
    for told in (read_json(folder / "generation_config.json", dict).get("eos_token_id"), config.get("eos_token_id")):
        numbers = told if isinstance(told, list) else [told]
        found |= {number for number in numbers if type(number) is int and 0 <= number < size}
    return frozenset(found)
