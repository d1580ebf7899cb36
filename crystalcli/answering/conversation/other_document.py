"""The other document: the one that "in the other book" means, by name.

Knows: the documents of a crystal, and those that were cited. Does not know: pronouns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.answering.metadata.stated_facts import document_name
from crystalcli.answering.question.phrases import stems
from crystalcli.datatypes import Turn
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow

_OTHER = re.compile(
    r"\bthe other (?:book|novel|story|tale|document|file|paper|article|report|play|manual|chat|text|pdf)\b(?! than)",
    re.IGNORECASE,
)


def name_other_document(question: str, turns: Sequence[Turn], crystal: CrystalReader) -> str:
    """Put a title in the place of "the other book".

    It is another one that was asked about before, or the only one beside the last in the crystal.

    Args:
        question: The question.
        turns: The turns before it, oldest first.
        crystal: The crystal.

    Returns:
        The question with the title; unchanged where no document, or more than one, can be meant.
    """
    match = _OTHER.search(question)
    cited = [turn for turn in reversed(turns) if turn.document]
    if match is None or not cited:
        return question
    sources = {source.path: source for source in crystal.shelf.store.sources() if source.chunks}
    last = cited[0].document
    named = [turn.document for turn in cited if turn.document in sources and _names(turn, sources[turn.document])]
    others = [sources[path] for path in named if path != last] or _beside(last, list(sources.values()))
    if not others:
        return question
    return f"{question[: match.start()]}“{document_name(others[0])}”{question[match.end() :]}"


def _names(turn: Turn, source: SourceRow) -> bool:
    """Tell whether a question names a document, by most words of its title."""
    title = set(stems(document_name(source)))
    return 2 * len(title & set(stems(turn.read_as))) > len(title)


def _beside(path: str, sources: Sequence[SourceRow]) -> list[SourceRow]:
    """Give the only document beside one, or the only one of its kind; [] where there are more."""
    others = [source for source in sources if source.path != path]
    kind = next((source.kind for source in sources if source.path == path), "")
    alike = [source for source in others if source.kind == kind]
    return others if len(others) == 1 else alike if len(alike) == 1 else []
