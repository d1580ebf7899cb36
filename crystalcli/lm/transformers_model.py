"""A language model of another family, run by transformers: the extra `crystalcli[hf]`.

Knows: AutoModelForCausalLM, its cache, and its limits: a local folder, safetensors only, no code
from the folder.
Does not know: vocabularies, templates, sampling, which are crystal's own here, too.

transformers takes seconds to import, so it is imported with the first word.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.chat.chat_prompt import PromptEncoder
from crystalcli.lm.chat.chat_template import Message
from crystalcli.lm.chat.stream import check_prompt_length, check_sampling, until_stop, without_thinking
from crystalcli.lm.decoder.config_hf import SUPPORTED_ARCHITECTURES
from crystalcli.lm.files.safetensors_files import read_json, weight_files
from crystalcli.lm.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    from crystalcli.datatypes import Sampling

_CONTEXT = 2048  # tokens, where the configuration does not say


class TransformersModel:
    """A ChatModel over a folder in Hugging Face's layout.

    Args:
        folder: The folder of the model.
        architecture: Name of its class in transformers.
        vocabulary: The tokens.
        template: Source of the chat template, "" for ChatML.
        context: Positions, 0 where the configuration does not say.

    Raises:
        CrystalError: transformers is not installed.
    """

    estimates = False

    def __init__(self, folder: Path, architecture: str, vocabulary: Vocabulary, template: str, context: int) -> None:
        if importlib.util.find_spec("transformers") is None:
            raise CrystalError(
                f"{folder} holds a {architecture}, which crystal runs only with transformers: install `crystalcli[hf]` "
                f"(crystal itself runs {', '.join(SUPPORTED_ARCHITECTURES)})"
            )
        self._folder = folder
        self._architecture = architecture
        self._vocabulary = vocabulary
        self._prompt_encoder = PromptEncoder(vocabulary, template)
        self._context = context or _CONTEXT
        self._model: Any = None
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    @property
    def context_length(self) -> int:
        """Tokens that the model takes at once, by its configuration, else 2,048."""
        return self._context

    def count(self, text: str) -> int:
        """Count the tokens of a text. Needs neither torch nor weights."""
        return self._vocabulary.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """Cut a text to its longest beginning of at most `tokens` tokens.

        Raises:
            UsageError: `tokens` is negative.
        """
        return self._vocabulary.truncate(text, tokens)

    def prompt_size(self, messages: Sequence[Message]) -> int:
        """Count the tokens of a conversation.

        Raises UsageError or CrystalError as the template does.
        """
        return len(self._prompt_encoder.encode(messages))

    def say(self, messages: Sequence[Message], sampling: Sampling) -> Iterator[str]:
        """Generate the next message, as a ChatModel does.

        Raises:
            UsageError: At the call: a value of `sampling` is out of range.
            CrystalError: At the call: prompt and answer exceed the context. While iterating, on
                first use: the weights cannot be used.
        """
        check_sampling(sampling)
        prompt = self._prompt_encoder.encode(messages)
        if not prompt:
            raise UsageError("empty prompt: give it at least one token")
        check_prompt_length(self.name, len(prompt), sampling.max_tokens, self._context)
        pieces = self._vocabulary.stream(self._generate_ids(prompt, sampling))
        return until_stop(without_thinking(pieces), sampling.stop)

    def load(self) -> Any:
        """Load the weights now, if they are not loaded.

        Returns:
            The model of transformers.

        Raises:
            CrystalError: transformers cannot load them, or they exceed the memory.
        """
        with self._loading:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _load(self) -> Any:
        # A folder may say where more of it can be found: the network is never asked.
        os.environ["HF_HUB_OFFLINE"] = "1"
        import torch
        import transformers

        from crystalcli.lm.decoder import memory_budget
        from crystalcli.lm.decoder.linear import has_fast_bfloat16

        narrow = has_fast_bfloat16()
        memory_budget.check_memory(self._weight_bytes(2 if narrow else 4), self.name, "take a smaller model")
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()
        try:
            model = transformers.AutoModelForCausalLM.from_pretrained(
                str(self._folder),
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.bfloat16 if narrow else torch.float32,
            )
        except Exception as error:  # a library for all families may raise anything
            raise CrystalError(f"transformers cannot load {self._folder}: {_reason(error)}") from None
        return model.eval()

    def _weight_bytes(self, width: int) -> int:
        """Size of the weights in bytes, as numbers of `width` bytes each."""
        config = read_json(self._folder / "config.json")
        stored_width = 4 if "float32" in (config.get("dtype"), config.get("torch_dtype")) else 2
        return sum(path.stat().st_size for path in weight_files(self._folder)) * width // stored_width

    def _generate_ids(self, prompt: list[int], sampling: Sampling) -> Iterator[int]:
        model = self.load()
        import torch

        from crystalcli.lm.decoder.sampler import Sampler

        sampler = Sampler(sampling)
        ids, cache = list(prompt), None
        new = ids
        for _ in range(sampling.max_tokens):
            try:
                with torch.inference_mode():
                    output = model(input_ids=torch.tensor([new]), past_key_values=cache, use_cache=True)
                logits = output.logits[0, -1, : self._vocabulary.size].float()
                cache = getattr(output, "past_key_values", None)
            except Exception as error:
                raise CrystalError(f"{self._architecture} failed in transformers: {_reason(error)}") from None
            token = sampler.choose(logits)
            if token in self._vocabulary.config.eos_ids:
                return
            yield token
            ids.append(token)
            # Some families cache in other ways, or not at all: these read everything again.
            new = [token] if cache is not None else ids


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
