"""Encodes a conversation to the ids that a model was trained on.

It joins the model's template and its vocabulary.

Knows: messages never become part of the frame; names of special tokens inside them are ordinary
text.
Does not know: weights, what the messages say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from crystalcli.errors import CrystalError
from crystalcli.lm.chat.chat_template import (
    CHATML,
    Message,
    compile_template,
    normalize_messages,
    unused_marker,
)
from crystalcli.lm.tokenizer.vocabulary import Vocabulary


class PromptEncoder:
    """Encodes messages by a template.

    Args:
        vocabulary: The tokens.
        template: Source of the template, "" for ChatML.
    """

    def __init__(self, vocabulary: Vocabulary, template: str) -> None:
        self._vocabulary = vocabulary
        self._source = template if template.strip() else CHATML

    def encode(self, messages: Iterable[Message]) -> list[int]:
        """Encode messages, up to where the assistant answers.

        No document can close its message and open another.

        Args:
            messages: Each with `role` ("system", "user", "assistant") and `content`.

        Raises:
            UsageError: A message has no role or no content.
            CrystalError: The template fails on the messages.
        """
        plain = normalize_messages(messages)
        marker = unused_marker(text for message in plain for text in message.values())
        disarmed = [{key: self._vocabulary.disarm(text, marker) for key, text in message.items()} for message in plain]
        ids = self._vocabulary.encode_template(self._render(disarmed), marker)
        bos_id = self._vocabulary.config.bos_id
        if self._vocabulary.config.adds_bos and bos_id is not None and ids[:1] != [bos_id]:
            ids.insert(0, bos_id)
        return ids

    def _render(self, messages: Sequence[Message]) -> str:
        try:
            return self._template(messages, self._names)
        except CrystalError:
            # Some models were trained without system messages: put it before the user's.
            if [message["role"] for message in messages[:2]] != ["system", "user"]:
                raise
            content = "\n\n".join(message["content"] for message in messages[:2])
            with suppress(CrystalError):
                return self._template([{"role": "user", "content": content}, *messages[2:]], self._names)
            raise

    @functools.cached_property
    def _template(self) -> Callable[[Sequence[Message], Mapping[str, object]], str]:
        return compile_template(self._source)

    @functools.cached_property
    def _names(self) -> dict[str, object]:
        """Names that templates expect; models that can think first are told not to."""
        return {**self._vocabulary.config.names, "enable_thinking": False}
