"""Tells what each part of a whole says: in a model's words, kept or new, or in quotations.

Knows: parts, what was kept of them, the time there is. Does not know: the form of the answer around
the list of parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.answering.broad.kept_summaries import KeptSummaries
from crystalcli.answering.broad.part_speaker import PartSpeaker, told_passages
from crystalcli.answering.broad.reading_pace import ReadingPace
from crystalcli.answering.broad.whole_parts import Part
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.datatypes import ChatModel, Portion
from crystalcli.recall import CrystalReader

USUAL_TIME = 60.0  # seconds for an answer from the whole
_QUOTED = 2  # telling sentences that stand for a part without a model


class PartTeller:
    """Adds parts to an answer, one after the other.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer to add to.
        parts: All parts that will be told.
        model: The language model; None: parts are quoted.
        topical: Whether a part is summed up in view of the question; it is then not kept.
    """

    def __init__(
        self,
        crystal: CrystalReader,
        draft: AnswerDraft,
        parts: Sequence[Part],
        model: ChatModel | None,
        *,
        topical: bool,
    ) -> None:
        self._crystal, self._draft, self._parts = crystal, draft, parts
        self._done = 0
        self._speaker: PartSpeaker | None = None
        if model is None:
            return
        self._speaker = PartSpeaker(crystal, draft, model, topical=topical)
        with crystal.snapshot():
            self._kept = KeptSummaries(crystal, () if topical else parts, model.name, self._speaker.request)
        self._known = {index: text for index, part in enumerate(parts) if (text := self._kept_text(part)) is not None}
        if len(self._known) < len(parts):
            model.load()  # before its pace is measured
        deadline = draft.start_time + (draft.options.time or USUAL_TIME)
        self._pace = ReadingPace(deadline, len(parts) - len(self._known))

    def tell_next(self) -> None:
        """Add the next part: its name, then what it says."""
        draft, part = self._draft, self._parts[self._done]
        draft.tell_progress(self._done, len(self._parts), "parts")
        name = part.label + (f" ({'; '.join(part.headings)})" if part.headings else "")
        text = self._summary(part)
        draft.say(f"\n- {name}: " if name else "\n- ")
        if text:
            stream = draft.recite(text, attribution.Sources(self._crystal, "", told_passages(part), draft.citations))
            numbers = [number for claim in stream.claims for number in claim.citations]
            draft.portions.append(Portion(part.label, text, numbers[0] if numbers else None, headings=part.headings))
        else:
            self._quote(part)
        self._done += 1

    def keep(self) -> None:
        """Have what the model has said kept."""
        if self._speaker is not None:
            self._kept.keep(self._draft.keep_summaries)

    def _kept_text(self, part: Part) -> str | None:
        """Give what was kept of a part; None without anything that it still bears out."""
        assert self._speaker is not None
        text = self._kept.text_of(part)
        return text if not text or self._speaker.bears_out(part, text) else None

    def _summary(self, part: Part) -> str:
        """Give the model's words on the next part; "" where it has none."""
        if self._speaker is None:
            return ""
        if (known := self._known.get(self._done)) is not None:
            return known
        turns = self._pace.next_part()
        text, is_final = self._speaker.sum_up(part, turns, self._pace) if turns else ("", False)
        if is_final:
            self._kept.add(part, text)
        return text

    def _quote(self, part: Part) -> None:
        """Quote the most telling sentences of a part, with others than those quoted before."""
        draft = self._draft
        quoted = {" ".join(citation.quote.split()) for citation in draft.citations}
        fresh = [sentence for sentence in part.sentences if sentence.text not in quoted] or part.sentences
        best = fresh[: _QUOTED if self._speaker is None else 1]
        lines: list[str] = []
        first: int | None = None
        for sentence in sorted(best, key=lambda sentence: sentence.place):
            citation = next(iter(attribution.extract_citations(self._crystal, [sentence.quotation])), None)
            if citation is None:
                continue
            number = draft.cite(citation)
            first = first or number
            line = attribution.quotation_line(citation)
            draft.say(f"{' ' if lines else ''}{line} [{number}]")
            lines.append(line)
        draft.portions.append(Portion(part.label, " ".join(lines), first, headings=part.headings))
