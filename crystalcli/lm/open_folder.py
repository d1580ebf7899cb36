"""A language model in a folder of Hugging Face's layout: which of its files are what, and which class runs it.

Knows: the names of the files. `config.json` and `*.safetensors` are the model, `tokenizer.json` its vocabulary;
`tokenizer_config.json` or `chat_template.jinja` has its template, `generation_config.json` what ends an answer.
Does not know: what is computed. Nothing is unpickled, no code from the folder is run, nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError
from crystalcli.lm.decoder.config_hf import OWN, architecture, context_of, is_tied, shape_of
from crystalcli.lm.files.safetensors_files import TensorFolder, read_json, weight_files
from crystalcli.lm.local_model import LanguageModel
from crystalcli.lm.tokenizer.from_hf import FolderVocabulary

if TYPE_CHECKING:
    from crystalcli.types import Speaker

_LARGEST_TEMPLATE = 1 << 20  # bytes


def open_folder(folder: Path, *, precision: str = "auto", threads: int | None = None) -> Speaker:
    """The model in `folder`: by crystal's own decoder where it knows the family, else by transformers, where that is installed.

    precision, threads: as of LanguageModel.open. Headers and the vocabulary are read; weights come with the first word.
    Raises ModelMissingError when files are missing, CrystalError when they are damaged or cannot be run here.
    """
    config = read_json(folder / "config.json")
    name = architecture(config, folder)
    template = _template(folder)
    if name not in OWN:
        from crystalcli.lm.transformers_model import AnyModel

        weight_files(folder)
        rows = _rows(config)
        vocabulary = FolderVocabulary(folder, rows, config, bool(template))
        return AnyModel(folder, name, vocabulary, template, context_of(config))
    shape = shape_of(config, folder)
    source = TensorFolder(folder, is_tied(config))
    try:
        vocabulary = FolderVocabulary(folder, shape.vocabulary, config, bool(template))
        return LanguageModel(source, shape, vocabulary, template, precision=precision, threads=threads)
    except BaseException:
        source.close()
        raise


def _rows(config: Mapping[str, Any]) -> int:
    """How many tokens a model of any family has embeddings for."""
    text = config.get("text_config")
    told = config.get("vocab_size", text.get("vocab_size") if isinstance(text, dict) else None)
    return told if type(told) is int and told > 0 else 2**24


def _template(folder: Path) -> str:
    """The source of the chat template; "" where there is none."""
    try:
        path = folder / "chat_template.jinja"
        if path.is_file():
            with path.open("rb") as file:
                return file.read(_LARGEST_TEMPLATE).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CrystalError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    told = read_json(folder / "tokenizer_config.json", dict).get("chat_template")
    if isinstance(told, list):  # several, by name
        named = [each.get("template") for each in told if isinstance(each, dict) and each.get("name") == "default"]
        told = named[-1] if named else None
    return told if isinstance(told, str) else ""
