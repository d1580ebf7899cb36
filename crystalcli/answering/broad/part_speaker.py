"""A part summed up by a language model, in words that the part bears out.

The model is given the most telling sentences of the part, a few at a time, and repeats one of them
in fewer words. What it says stays only if it says no more than one of these sentences does
(`compression`), and if every name and number stands there (`attribution`); else it gets the next
few. A small model that may say anything is wrong of every other part.

Knows: parts, requests, the time there is. Does not know: what is said of parts that the model does
not sum up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from crystalcli.answering.broad.reading_pace import ReadingPace
from crystalcli.answering.broad.whole_parts import Part
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.grounding.attribution import Sources
from crystalcli.answering.grounding.compression import is_compression
from crystalcli.answering.prompt import prompt_context
from crystalcli.datatypes import ChatModel, Passage, Sampling
from crystalcli.overview import TellingSentence
from crystalcli.recall import CrystalReader
from crystalcli.text import sentence_spans

_SYSTEM = "You are a helpful assistant."
_REQUEST = "Repeat the one sentence that tells most of what happens, without its less important words."
_TOPIC_REQUEST = (
    "Repeat the one sentence that says most to the question “{question}”, without its less important words."
)
_AT_ONCE, _TURNS = 5, 3  # sentences that the model is given at a time, and how often
_MAX_TOKENS = 64  # that it may say
_OVERHEAD = 128  # tokens that a template needs beside the sentences


class PartSpeaker:
    """Lets one model sum up parts.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer, for its question, its options and its counts.
        model: The language model.
        topical: Whether a part is summed up in view of the question.
    """

    def __init__(self, crystal: CrystalReader, draft: AnswerDraft, model: ChatModel, *, topical: bool) -> None:
        self._crystal, self._draft, self._model = crystal, draft, model
        self.request = _TOPIC_REQUEST.format(question=draft.question.strip()) if topical else _REQUEST

    def sum_up(self, part: Part, turns: int, pace: ReadingPace) -> tuple[str, bool]:
        """Sum up a part.

        Args:
            part: The part.
            turns: How often the model may be asked.
            pace: The time there is, and what the model takes.

        Returns:
            The sentences that the part bears out, "" without one; and whether more time would
            bring no others.
        """
        groups = _groups(part)
        for group in groups[:turns]:
            words, is_complete = self._listen(group, pace)
            spans = sentence_spans(words)
            sentences = [words[start:end].strip() for start, end in (spans if is_complete else spans[:-1])]
            if borne_out := " ".join(sentence for sentence in sentences if self._is_borne_out(sentence, group)):
                return borne_out, True
            if not is_complete:
                return "", False
        return "", turns >= len(groups)

    def bears_out(self, part: Part, text: str) -> bool:
        """Tell whether a part bears out each sentence of a text."""
        told = part.sentences[: _AT_ONCE * _TURNS]
        return all(self._is_borne_out(text[start:end].strip(), told) for start, end in sentence_spans(text))

    def _listen(self, group: Sequence[TellingSentence], pace: ReadingPace) -> tuple[str, bool]:
        """Let the model speak; tell whether it came to its end before the deadline."""
        model, draft = self._model, self._draft
        listed = "\n".join(f"{number}. {sentence.text}" for number, sentence in enumerate(group, 1))
        room = max(1, model.context_length - _MAX_TOKENS - _OVERHEAD - model.count(self.request))
        context = model.truncate(f"Sentences of a text:\n{listed}", room)
        messages = prompt_context.chat_messages(f"{context}\n\n{self.request}", _SYSTEM)
        most = min(_MAX_TOKENS, draft.options.max_tokens)
        pieces: list[str] = []
        start = time.monotonic()
        first, is_complete = 0.0, True
        for piece in model.say(messages, Sampling(max_tokens=most, seed=draft.options.seed, stop=("\n",))):
            first = first or time.monotonic() - start
            draft.model_spoke = True
            pieces.append(piece)
            if time.monotonic() > pace.deadline:
                is_complete = False
                break
        words, size = "".join(pieces).strip(), model.prompt_size(messages)
        seconds, said = time.monotonic() - start, model.count(words)
        pace.add(size, first or seconds, said, seconds)
        draft.tokens.update({"context": model.count(context), "prompt": size, "answer": said})
        return words, is_complete

    def _is_borne_out(self, sentence: str, told: Sequence[TellingSentence]) -> bool:
        """Tell whether a sentence says no more than one of those that were told."""
        for source in told:
            if is_compression(sentence, source.text):
                match = Sources(self._crystal, "", [source.alone]).find(sentence)
                return bool(match.citations) and not match.missing
        return False


def told_passages(part: Part) -> list[Passage]:
    """Give the sentences of a part that a model may be given, as passages."""
    return [sentence.alone for sentence in part.sentences[: _AT_ONCE * _TURNS]]


def _groups(part: Part) -> list[list[TellingSentence]]:
    """Give the sentences for each turn, in the order of the documents."""
    told = part.sentences[: _AT_ONCE * _TURNS]
    return [
        sorted(told[start : start + _AT_ONCE], key=lambda sentence: sentence.place)
        for start in range(0, len(told), _AT_ONCE)
    ]
