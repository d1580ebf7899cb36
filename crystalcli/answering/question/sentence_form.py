"""Sentence forms with gaps, `who wrote <DOC>`, each compiled when it is first tried.

A form fits a whole text. Most questions fit none, and compiling takes longer than trying, so that
who tries them looks first for words without which none fits.

Knows: gaps and the pieces that fill them. Does not know: what a form means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_GAP = re.compile(r"<([A-Z]+\d?)>")


class SentenceForms:
    """Forms whose gaps are filled from one set of pieces.

    Args:
        pieces: The pattern for each gap, by its name; one may have gaps itself.
    """

    def __init__(self, pieces: Mapping[str, str]) -> None:
        self._pieces = pieces
        self._compiled: dict[str, re.Pattern[str]] = {}

    def match(self, form: str, text: str) -> re.Match[str] | None:
        """Match a form with the whole of a text, in any letter case."""
        if form not in self._compiled:
            self._compiled[form] = re.compile(self._filled(form), re.IGNORECASE)
        return self._compiled[form].fullmatch(text)

    def _filled(self, form: str) -> str:
        while _GAP.search(form):
            form = _GAP.sub(lambda gap: self._pieces[gap[1]], form)
        return form
