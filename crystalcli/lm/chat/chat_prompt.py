"""A conversation as the ids that a model was taught to read: its template and its vocabulary together.

Knows: that what is said is never part of the frame: names of special tokens inside messages are ordinary text.
Does not know: weights, what the messages say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from crystalcli.errors import CrystalError
from crystalcli.lm.chat import chat_template
from crystalcli.lm.tokenizer.vocabulary import Vocabulary


class Conversation:
    """Writes messages down by a template. source: the template's, "" for ChatML."""

    def __init__(self, vocabulary: Vocabulary, source: str) -> None:
        self._vocabulary = vocabulary
        self._source = source if source.strip() else chat_template.CHATML

    def ids(self, messages: Iterable[chat_template.Message]) -> list[int]:
        """The ids of the messages, up to where the assistant is to speak.

        messages: each with `role` ("system", "user", "assistant") and `content`. No document can close its message and open
        another. Raises UsageError for messages without role or content, CrystalError when the template fails on them.
        """
        plain = chat_template.checked(messages)
        mark = chat_template.unused_mark(text for message in plain for text in message.values())
        harmless = [{key: self._vocabulary.disarm(text, mark) for key, text in one.items()} for one in plain]
        ids = self._vocabulary.encode_template(self._written(harmless), mark)
        begin = self._vocabulary.frame.begin
        if self._vocabulary.frame.adds_begin and begin is not None and ids[:1] != [begin]:
            ids.insert(0, begin)
        return ids

    def _written(self, messages: Sequence[chat_template.Message]) -> str:
        try:
            return self._template(messages, self._names)
        except CrystalError:
            # Some models were taught no system message; their users say it themselves.
            if [message["role"] for message in messages[:2]] != ["system", "user"]:
                raise
            said = "\n\n".join(message["content"] for message in messages[:2])
            joined = [{"role": "user", "content": said}, *messages[2:]]
            with suppress(CrystalError):
                return self._template(joined, self._names)
            raise

    @functools.cached_property
    def _template(self) -> Callable[[Sequence[chat_template.Message], Mapping[str, object]], str]:
        return chat_template.compile_template(self._source)

    @functools.cached_property
    def _names(self) -> dict[str, object]:
        """What templates expect to find; those that may have a model think aloud first are told not to."""
        return {**self._vocabulary.frame.names, "enable_thinking": False}
