"""Opens a language model: a GGUF file, a folder in Hugging Face's layout, or a server.

Knows: how to tell the three apart; which files of a folder hold what; which class runs a model. In
a folder, `config.json` and `*.safetensors` are the model, `tokenizer.json` its vocabulary,
`tokenizer_config.json` or `chat_template.jinja` its template, and `generation_config.json` names
the tokens that end an answer.
Does not know: what is computed. Nothing is unpickled, no code from a folder runs, nothing is
fetched. Light to import.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.cpu import available_processors
from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.paths import expanded

if TYPE_CHECKING:
    from crystalcli.datatypes import ChatModel

_MAX_TEMPLATE = 1 << 20  # bytes
_SMALLEST_FOR_LLAMA_CPP = 256 << 20  # bytes of a file; smaller ones answer at once in any engine
_MAX_VOCABULARY = 1 << 24  # tokens, where the configuration does not say


def model_kind(model: str | Path) -> str:
    """Tell how a model is run, by its name and its first bytes.

    Returns:
        "server" for a URL, "folder" for a folder in Hugging Face's layout, "gguf" for a file.

    Raises:
        ModelMissingError: The path does not exist.
        CrystalError: The file is a pickle, an archive, or a single file of a folder.
    """
    if isinstance(model, str) and "://" in model:
        return "server"
    path = expanded(model)
    if path.is_dir():
        return "folder"
    if not path.is_file():
        raise ModelMissingError(
            f"no model file or folder at {path}; `crystal models list` shows the ones known by name"
        )
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise CrystalError(f"cannot open the language model {path}: {error.strerror or error}") from None
    if head.startswith((b"PK\x03\x04", b"\x80\x02", b"\x80\x04")):
        raise CrystalError(
            f"{path} is a pickle or an archive, which is never read: name a GGUF file or a folder of safetensors"
        )
    if head[8:9] == b"{" or path.name in ("config.json", "tokenizer.json"):
        raise CrystalError(f"{path} is one file of a model: name the folder it lies in")
    return "gguf"  # or a damaged file, which the GGUF reader describes best


def open_model_at(model: str | Path, *, allow_remote: bool = False, cache: Path | None = None) -> ChatModel:
    """Open the language model at a path or URL; its weights load with its first word.

    Args:
        model: A GGUF file, a folder in Hugging Face's layout, or a server's URL.
        allow_remote: Whether a server may be another machine.
        cache: As in `LanguageModel.open`. With it, llama.cpp runs a GGUF file where the extra
            `crystalcli[llama]` is installed and was measured to be faster; small files excepted.

    Raises:
        ModelMissingError: There is no model at the path, or the server has no such model.
        UsageError: The server is another machine and `allow_remote` is false.
        CrystalError: The model is damaged or cannot be run.
    """
    kind = model_kind(model)
    if kind == "server":
        from crystalcli.lm.server.server_model import ServerModel

        return ServerModel.open(str(model), allow_remote=allow_remote)
    path = expanded(model)
    if kind == "folder":
        return open_folder(path)
    from crystalcli.lm.local_model import LanguageModel

    own = LanguageModel.open(path, cache=cache)
    from crystalcli.lm.llama_cpp_model import LlamaCppModel, has_llama_cpp

    if cache is None or path.stat().st_size < _SMALLEST_FOR_LLAMA_CPP or not has_llama_cpp():
        return own
    from crystalcli.lm.faster_engine import FasterEngine

    return FasterEngine(own, LlamaCppModel(own, path), path, cache)


def starts_in_process(path: Path, cache: Path) -> bool:
    """Tell whether a model speaks sooner when it starts in a process of its own, beside a recall.

    That is so for a file that crystal's own decoder runs, where torch is still to be imported and a
    second processor is there to do it.

    Args:
        path: A GGUF file.
        cache: As in `open_model_at`.
    """
    if "torch" in sys.modules or available_processors() < 2:
        return False
    from crystalcli.lm.faster_engine import OWN_ENGINE, kept_engine
    from crystalcli.lm.llama_cpp_model import has_llama_cpp

    return not has_llama_cpp() or kept_engine(path, cache) == OWN_ENGINE


def open_folder(folder: Path, *, precision: str = "auto", threads: int | None = None) -> ChatModel:
    """Open the model in a folder of Hugging Face's layout.

    Crystal's own decoder runs the families that it knows; transformers, where installed, runs the
    others. Only headers and the vocabulary are read; the weights load with the first word.

    Args:
        folder: The folder with `config.json`.
        precision: As in `LanguageModel.open`.
        threads: As in `LanguageModel.open`.

    Raises:
        ModelMissingError: A file is missing.
        CrystalError: A file is damaged, or the model cannot be run here.
    """
    from crystalcli.lm.decoder import config_hf
    from crystalcli.lm.files.safetensors_files import SafetensorsFolder, read_json, weight_files
    from crystalcli.lm.tokenizer.from_hf import HFVocabulary

    config = read_json(folder / "config.json")
    architecture = config_hf.architecture(config, folder)
    template = _chat_template(folder)
    if architecture not in config_hf.SUPPORTED_ARCHITECTURES:
        from crystalcli.lm.transformers_model import TransformersModel

        weight_files(folder)
        vocabulary = HFVocabulary(folder, _vocabulary_size(config), config, bool(template))
        return TransformersModel(folder, architecture, vocabulary, template, config_hf.context_length_of(config))
    from crystalcli.lm.local_model import LanguageModel

    decoder_config = config_hf.config_from_hf(config, folder)
    source = SafetensorsFolder(folder, config_hf.has_tied_embeddings(config))
    try:
        vocabulary = HFVocabulary(folder, decoder_config.vocab_size, config, bool(template))
        return LanguageModel(source, decoder_config, vocabulary, template, precision=precision, threads=threads)
    except BaseException:
        source.close()
        raise


def _vocabulary_size(config: Mapping[str, Any]) -> int:
    """Number of embeddings that a configuration of any family states."""
    text_config = config.get("text_config")
    size = config.get("vocab_size", text_config.get("vocab_size") if isinstance(text_config, dict) else None)
    return size if type(size) is int and size > 0 else _MAX_VOCABULARY


def _chat_template(folder: Path) -> str:
    """Source of the chat template, "" where the folder has none."""
    from crystalcli.lm.files.safetensors_files import read_json

    try:
        path = folder / "chat_template.jinja"
        if path.is_file():
            with path.open("rb") as file:
                return file.read(_MAX_TEMPLATE).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CrystalError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    template = read_json(folder / "tokenizer_config.json", dict).get("chat_template")
    if isinstance(template, list):  # several, by name
        defaults = [
            entry.get("template") for entry in template if isinstance(entry, dict) and entry.get("name") == "default"
        ]
        template = defaults[-1] if defaults else None
    return template if isinstance(template, str) else ""
