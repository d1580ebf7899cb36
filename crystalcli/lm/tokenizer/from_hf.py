"""The vocabulary of a folder in Hugging Face's layout: `tokenizer.json`.

The `tokenizers` library runs it.

Knows: that file, the special tokens in `tokenizer_config.json`, and the ids that end an answer.
Does not know: weights, templates. Texts are neither truncated nor padded, whatever the file asks
for.

The library would find the names of special tokens anywhere in a text. So it is given the file
without them: a document that holds such a name holds ordinary text, and only the template's own
names become special.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm.files.safetensors_files import read_json
from crystalcli.lm.tokenizer.vocabulary import Vocabulary, VocabularyConfig

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SPACE = "\u2581"  # SentencePiece's sign for a space
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")
_NAMES = ("bos_token", "eos_token", "pad_token", "unk_token")


class HFVocabulary(Vocabulary):
    """The tokens of a model in a folder.

    Args:
        folder: The folder with `tokenizer.json`.
        embeddings: Tokens that the model has embeddings for.
        config: Its `config.json`.
        templated: Whether the folder has a chat template, which then writes the first token.

    Raises:
        ModelMissingError: There is no `tokenizer.json`.
        CrystalError: It cannot be read, or is of a kind whose tokens have no text of their own.
    """

    def __init__(self, folder: Path, embeddings: int, config: Mapping[str, Any], templated: bool) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file() and any((folder / name).is_file() for name in ("vocab.json", "tokenizer.model")):
            raise ModelMissingError(
                f"there is no tokenizer.json in {folder}, only an older form of it; "
                "`AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)` writes one"
            )
        data = read_json(path)
        added = _added_tokens(data, path)
        special = {number: entry for number, entry in added.items() if entry["content"].strip() and number < embeddings}
        settings = read_json(folder / "tokenizer_config.json", dict)
        names = {key: _special_name(settings, folder, key) for key in _NAMES}
        ids = {entry["content"]: number for number, entry in special.items()}
        bos_id = ids.get(names["bos_token"])
        self._first = _tokenizer(data, path, added, special)
        self._rest = _without_prefix(data, path, added, special) or self._first
        self._spellings = _spellings(data, path, added)
        size = max((*self._spellings, *special), default=-1) + 1
        vocabulary_config = VocabularyConfig(
            size=min(size, embeddings),
            special_ids={name: number for name, number in ids.items() if len(name) > 1},
            silent_ids=frozenset(number for number, entry in special.items() if entry.get("special")),
            spoken={number: entry["content"] for number, entry in special.items() if not entry.get("special")},
            bos_id=bos_id,
            adds_bos=not templated and bos_id is not None and _adds_bos(data, settings, names["bos_token"]),
            eos_ids=_eos_ids(folder, config, ids.get(names["eos_token"]), min(size, embeddings)),
            names=names,
        )
        super().__init__(vocabulary_config, max(map(len, self._spellings.values()), default=1))
        self.has_gaps = size > embeddings
        self._to_bytes = _byte_decoder(data, path)
        self._strips_first_space = _strips_first_space(data)
        self._strips = {
            number: (bool(entry.get("lstrip")), bool(entry.get("rstrip")))
            for number, entry in special.items()
            if entry.get("lstrip") or entry.get("rstrip")
        }

    def tokenize(self, text: str) -> list[int]:
        """Tokenize a text, as the beginning of a prompt."""
        return self._encode(self._first, text)

    def bytes_of(self, number: int) -> bytes:
        """The bytes of a token."""
        return self._to_bytes(self._spellings.get(number, ""))

    def truncate(self, text: str, tokens: int) -> str:
        """Cut a text as in Vocabulary, at the library's offsets.

        The library may normalise the text first.
        """
        if tokens < 0:
            raise UsageError(f"cannot cut a text to {tokens} tokens")
        head = _without_surrogates(text[: tokens * self.longest + 1])
        encoding = self._first.encode(head, add_special_tokens=False)
        if len(head) == len(text) and len(encoding.ids) <= tokens:
            return text
        for length in range(min(tokens, len(encoding.ids)), 0, -1):
            cut = text[: encoding.offsets[length - 1][1]]
            if self.count(cut) <= tokens:
                return cut
        return ""

    def encode_template(self, text: str, marker: str = "") -> list[int]:
        """Encode as in Vocabulary.

        Special tokens take the white space at their sides along where their file says so.
        """
        ids: list[int] = []
        place, strips_right = 0, False
        for match in self._special_names.finditer(text):
            number = self.special_ids[match.group()]
            strips_left, next_strips_right = self._strips.get(number, (False, False))
            ids += self._between(text[place : match.start()], marker, place == 0, strips_right, strips_left)
            ids.append(number)
            place, strips_right = match.end(), next_strips_right
        return ids + self._between(text[place:], marker, place == 0, strips_right, False)

    def stream(self, ids: Iterable[int]) -> Iterator[str]:
        """Decode as in Vocabulary, without the space before the first word.

        It is dropped where the vocabulary puts it there.
        """
        begun = not self._strips_first_space
        for piece in super().stream(ids):
            text = piece if begun else piece.removeprefix(" ")
            begun = True
            if text:
                yield text

    def _between(self, text: str, marker: str, first: bool, lstrip: bool, rstrip: bool) -> list[int]:
        """Encode the ordinary text between two special tokens."""
        text = text.lstrip() if lstrip else text
        text = text.rstrip() if rstrip else text
        ids = self._encode(self._first if first else self._rest, text.replace(marker, "") if marker else text)
        return [number for number in ids if number < self.size] if self.has_gaps else ids

    def _encode(self, tokenizer: Tokenizer, text: str) -> list[int]:
        return list(tokenizer.encode(_without_surrogates(text), add_special_tokens=False).ids) if text else []


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which the library does not take."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _added_tokens(data: Mapping[str, Any], path: Path) -> dict[int, dict[str, Any]]:
    """Read the tokens added to the vocabulary, by id."""
    entries = data.get("added_tokens") or []
    if not isinstance(entries, list) or not all(
        isinstance(entry, dict)
        and isinstance(entry.get("content"), str)
        and type(entry.get("id")) is int
        and entry["id"] >= 0
        for entry in entries
    ):
        raise CrystalError(f"{path} is damaged: its added tokens are malformed")
    return {entry["id"]: entry for entry in entries}


def _tokenizer(
    data: Mapping[str, Any], path: Path, added: Mapping[int, dict[str, Any]], special: Mapping[int, object]
) -> Tokenizer:
    """Build the library's tokenizer without the special tokens."""
    from tokenizers import Tokenizer

    # The added tokens that remain are white space, which is ordinary text.
    blanks = [entry for number, entry in added.items() if not entry["content"].strip() and number not in special]
    bare = {**data, "added_tokens": blanks, "post_processor": None, "truncation": None, "padding": None}
    try:
        return Tokenizer.from_str(json.dumps(bare))
    # The library raises bare Exception, and classes outside of Exception where it panics.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        reason = " ".join(str(error).split())[:200]
        raise CrystalError(f"{path} cannot be read: {reason}") from None


def _without_prefix(
    data: Mapping[str, Any], path: Path, added: Mapping[int, dict[str, Any]], special: Mapping[int, object]
) -> Tokenizer | None:
    """Build the tokenizer for text that does not begin a prompt; None where it is the same.

    The two differ where a space is put before the first word alone.
    """
    pre_tokenizer = data.get("pre_tokenizer")
    if not any(step.get("prepend_scheme") == "first" for step in _steps(pre_tokenizer)):
        return None
    changed = json.loads(json.dumps(pre_tokenizer).replace('"prepend_scheme": "first"', '"prepend_scheme": "never"'))
    return _tokenizer({**data, "pre_tokenizer": changed}, path, added, special)


def _steps(step: Any) -> Iterator[dict[str, Any]]:
    """Walk a step of the file and the steps inside it."""
    if isinstance(step, dict):
        yield step
        for key in ("pretokenizers", "decoders", "normalizers", "processors"):
            for inner in step.get(key) or []:
                yield from _steps(inner)


def _spellings(data: Mapping[str, Any], path: Path, added: Mapping[int, dict[str, Any]]) -> dict[int, str]:
    """Read the spelling of each ordinary token, by id."""
    try:
        vocabulary = data["model"]["vocab"]
        pairs = (
            vocabulary.items()
            if isinstance(vocabulary, dict)
            else ((entry[0], number) for number, entry in enumerate(vocabulary))
        )
        spellings = {number: text for text, number in pairs}
        if not all(type(number) is int and type(text) is str for number, text in spellings.items()):
            raise TypeError
    except (KeyError, TypeError, IndexError):
        raise CrystalError(f"{path} is damaged: its vocabulary is malformed") from None
    return spellings | {number: entry["content"] for number, entry in added.items() if not entry["content"].strip()}


def _byte_decoder(data: Mapping[str, Any], path: Path) -> Callable[[str], bytes]:
    """Make the function from a token's spelling to its bytes.

    It follows the decoder that the file names.
    """
    kinds = {str(step.get("type")) for step in _steps(data.get("decoder"))}
    if "ByteLevel" in kinds:
        printable_bytes = [*range(33, 127), *range(161, 173), *range(174, 256)]
        other_bytes = [byte for byte in range(256) if byte not in set(printable_bytes)]
        table = {chr(byte): byte for byte in printable_bytes}
        table |= {chr(256 + place): byte for place, byte in enumerate(other_bytes)}
        return lambda text: bytes(map(table.__getitem__, text)) if table.keys() >= set(text) else text.encode()
    if {"Metaspace", "Replace"} & kinds:
        has_byte_tokens = "ByteFallback" in kinds

        def to_bytes(text: str) -> bytes:
            if has_byte_tokens and (match := _BYTE.fullmatch(text)):
                return bytes([int(match[1], 16)])
            return text.replace(_SPACE, " ").encode()

        return to_bytes
    raise CrystalError(f"{path}: its decoder is of an unknown kind ({', '.join(sorted(kinds)) or 'none'})")


def _strips_first_space(data: Mapping[str, Any]) -> bool:
    """Tell whether the space before an answer's first word is the vocabulary's.

    Otherwise it belongs to the answer.
    """
    for step in _steps(data.get("decoder")):
        if step.get("type") == "Strip" and step.get("start"):
            return True
        default = "always" if step.get("add_prefix_space", True) else "never"
        if step.get("type") == "Metaspace" and step.get("prepend_scheme", default) != "never":
            return True
    return False


def _special_name(settings: Mapping[str, Any], folder: Path, key: str) -> str:
    """Read a special token's name, "" for none.

    It is in `tokenizer_config.json`, else in `special_tokens_map.json`.
    """
    entry = settings.get(key)
    if entry is None and key not in settings:
        entry = read_json(folder / "special_tokens_map.json", dict).get(key)
    name = entry.get("content") if isinstance(entry, dict) else entry
    return name if isinstance(name, str) else ""


def _adds_bos(data: Mapping[str, Any], settings: Mapping[str, Any], name: str) -> bool:
    """Tell whether a text begins with the token `name`."""
    if isinstance(flag := settings.get("add_bos_token"), bool):
        return flag
    for step in _steps(data.get("post_processor")):
        single = step.get("single")
        if isinstance(single, list) and single and isinstance(single[0], dict):
            return bool((single[0].get("SpecialToken") or {}).get("id") == name)
    return False


def _eos_ids(folder: Path, config: Mapping[str, Any], eos_id: int | None, size: int) -> frozenset[int]:
    """Collect the ids that end an answer, from all files that name any."""
    ids = set() if eos_id is None else {eos_id}
    generation = read_json(folder / "generation_config.json", dict)
    for value in (generation.get("eos_token_id"), config.get("eos_token_id")):
        numbers = value if isinstance(value, list) else [value]
        ids |= {number for number in numbers if type(number) is int and 0 <= number < size}
    return frozenset(ids)
