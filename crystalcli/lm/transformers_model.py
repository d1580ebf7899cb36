"""A language model of a family that crystal's own decoder does not know, run by transformers: the extra `crystalcli[hf]`.

Knows: AutoModelForCausalLM, its cache, and how little may be left to it: a local folder, safetensors only, no code from it.
Does not know: vocabularies, templates, sampling, which are crystal's own here, too.

transformers takes seconds to import, so it is imported with the first word.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.chat import chat_template
from crystalcli.lm.chat.chat_prompt import Conversation
from crystalcli.lm.chat.stream import check_figures, check_length, spoken, until
from crystalcli.lm.decoder.config_hf import OWN
from crystalcli.lm.files.safetensors_files import read_json, weight_files
from crystalcli.lm.tokenizer.vocabulary import Vocabulary

_CONTEXT = 2048  # tokens, where the configuration says nothing


class AnyModel:
    """A Speaker (crystalcli.types) over a folder in Hugging Face's layout.

    architecture: the name of its class; template: the source of its chat template; context: positions, 0 where nobody says.
    Raises CrystalError when transformers is not installed.
    """

    def __init__(self, folder: Path, architecture: str, vocabulary: Vocabulary, template: str, context: int) -> None:
        if importlib.util.find_spec("transformers") is None:
            raise CrystalError(
                f"{folder} holds a {architecture}, which crystal runs only with transformers: install `crystalcli[hf]` "
                f"(without it there are {', '.join(OWN)})"
            )
        self._folder = folder
        self._architecture = architecture
        self._vocabulary = vocabulary
        self._conversation = Conversation(vocabulary, template)
        self._context = context or _CONTEXT
        self._model: Any = None
        self._loading = threading.Lock()

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._folder.name

    @property
    def context_length(self) -> int:
        """What the configuration says, else 2,048."""
        return self._context

    def count(self, text: str) -> int:
        """How many tokens `text` has. Needs neither torch nor weights."""
        return self._vocabulary.count(text)

    def truncate(self, text: str, tokens: int) -> str:
        """A beginning of `text` of at most `tokens` tokens. Raises UsageError when `tokens` is negative."""
        return self._vocabulary.truncate(text, tokens)

    def prompt_size(self, messages: Sequence[chat_template.Message]) -> int:
        """How many tokens the conversation comes to. Raises UsageError or CrystalError as the template does."""
        return len(self._conversation.ids(messages))

    def say(
        self,
        messages: Sequence[chat_template.Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        top_p: float = 0.95,
        seed: int = 0,
        repetition_penalty: float = 1.0,
        stop: Sequence[str] = (),
    ) -> Iterator[str]:
        """As a Speaker does. Raises, at the call: UsageError for figures out of range, CrystalError for more than the model can
        take; while iterating, on first use: CrystalError when the weights cannot be used.
        """
        check_figures(max_tokens, temperature, top_p, repetition_penalty)
        prompt = self._conversation.ids(messages)
        if not prompt:
            raise UsageError("an empty prompt: there is nothing to continue")
        check_length(self.name, len(prompt), max_tokens, self._context)
        choices = (temperature, top_p, seed, repetition_penalty)
        return until(spoken(self._vocabulary.stream(self._continue(prompt, max_tokens, choices))), stop)

    def load(self) -> Any:
        """Loads the weights now, if they are not there yet; gives transformers' model.

        Raises CrystalError when transformers cannot load them.
        """
        with self._loading:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _load(self) -> Any:
        # Whatever a folder says of where more of it can be found: nothing is asked of the network.
        os.environ["HF_HUB_OFFLINE"] = "1"
        import torch
        import transformers

        from crystalcli.lm.decoder import memory_budget
        from crystalcli.lm.decoder.linear import fast_bfloat16

        narrow = fast_bfloat16()
        memory_budget.check(self._needed(2 if narrow else 4), self.name, "take a smaller model")
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
        except Exception as error:  # whatever a library for everything may raise
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise CrystalError(f"transformers cannot load {self._folder}: {reason}") from None
        return model.eval()

    def _needed(self, width: int) -> int:
        """Bytes of the weights as numbers of `width` bytes each."""
        config = read_json(self._folder / "config.json")
        stored = 4 if "float32" in (config.get("dtype"), config.get("torch_dtype")) else 2
        return sum(path.stat().st_size for path in weight_files(self._folder)) * width // stored

    def _continue(self, prompt: list[int], max_tokens: int, choices: tuple[float, float, int, float]) -> Iterator[int]:
        model = self.load()
        import torch

        from crystalcli.lm.decoder.sampler import Sampler

        sampler = Sampler(*choices)
        read, cache = list(prompt), None
        new = read
        for _ in range(max_tokens):
            try:
                with torch.inference_mode():
                    found = model(input_ids=torch.tensor([new]), past_key_values=cache, use_cache=True)
                logits = found.logits[0, -1, : self._vocabulary.size].float()
                cache = getattr(found, "past_key_values", None)
            except Exception as error:
                reason = " ".join(str(error).split())[:200] or type(error).__name__
                raise CrystalError(f"{self._architecture} failed in transformers: {reason}") from None
            token = sampler.choose(logits)
            if token in self._vocabulary.frame.ends:
                return
            yield token
            read.append(token)
            new = (
                [token] if cache is not None else read
            )  # some families keep what they have read in other ways, or not at all
