"""What a language model has said of parts before, and what it says now, to be kept.

A summary is good for the text that it was made from, and for the request: where either changes, it
is made again.

Knows: rows of summaries, parts. Does not know: how a part is summed up, where rows are written.
"""

from __future__ import annotations

from collections.abc import Iterable

from crystalcli.answering.broad.whole_parts import Part, PartSpan
from crystalcli.answering.grounding.answer_draft import KeepSummaries
from crystalcli.recall import CrystalReader
from crystalcli.storage import SummaryRow


class KeptSummaries:
    """The summaries of some parts by one model.

    Args:
        crystal: The crystal, inside a snapshot.
        parts: The parts; those that are not in one document are never kept.
        model: The name of the model.
        request: The request to the model.
    """

    def __init__(self, crystal: CrystalReader, parts: Iterable[Part], model: str, request: str) -> None:
        self._model = model
        self._digests = {part.span: part.span.digest(crystal, request) for part in parts if part.span is not None}
        sources = {span.source.id for span in self._digests}
        rows = {
            (row.source, row.start, row.characters): row
            for source in sources
            for row in crystal.shelf.store.summaries(source)
            if row.model == model
        }
        self._texts = {
            span: rows[key].text
            for span, known in self._digests.items()
            if (key := _key(span)) in rows and rows[key].digest == known
        }
        self._new: list[tuple[PartSpan, SummaryRow]] = []

    def text_of(self, part: Part) -> str | None:
        """Give what was said of a part: "" where nothing was borne out; None: it was not asked."""
        return self._texts.get(part.span) if part.span is not None else None

    def add(self, part: Part, text: str) -> None:
        """Note what the model says of a part, if it is one that is kept."""
        if part.span is not None and part.span in self._digests:
            row = SummaryRow(*_key(part.span), self._model, self._digests[part.span], text)
            self._new.append((part.span, row))

    def keep(self, keep: KeepSummaries | None) -> None:
        """Have what is new kept, if it can be."""
        if self._new and keep is not None:
            keep([(span.source, row) for span, row in self._new])
        self._new.clear()


def _key(span: PartSpan) -> tuple[int, int, int]:
    return span.source.id, span.start, span.end - span.start
