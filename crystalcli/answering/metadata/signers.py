"""Who signed a document, by the signatures under it; or that the document of that time is not here.

Knows: which document a phrase means. Does not know: the forms of signatures (`signatures`).
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata.byline import HEAD_LENGTH, join_names
from crystalcli.answering.metadata.dated_document import find_dated_documents
from crystalcli.answering.metadata.document_question import DocumentQuestion
from crystalcli.answering.metadata.signatures import (
    Signature,
    find_signatures,
    signature_section,
    signed_in_office,
)
from crystalcli.answering.metadata.stated_facts import document_name
from crystalcli.datatypes import Answer
from crystalcli.recall import CrystalReader, spell_out
from crystalcli.storage import SourceRow

_MAX_DOCUMENTS = 3  # that one phrase may mean
_CODE = "code"


def answer_signers(
    crystal: CrystalReader,
    draft: AnswerDraft,
    asked: DocumentQuestion,
    sources: Sequence[SourceRow],
    named: Sequence[SourceRow],
) -> Answer | None:
    """Say who signed a document.

    Args:
        crystal: The crystal, inside a snapshot.
        draft: The answer to fill.
        asked: The question.
        sources: The documents of the crystal.
        named: Those that the question names by their names; () for none.

    Returns:
        The answer, or that no such document is of the time that the question says; None where
        neither is known.
    """
    documents = list(named)
    if not documents:
        phrase = spell_out(asked.document, lambda: (source.path for source in sources))
        prose = [source for source in sources if source.kind != _CODE]
        found = find_dated_documents(phrase, prose, lambda source: _edges(_text(crystal, source)))
        documents = found.documents
        if found.of_other_times:
            return _of_another_time(crystal, draft, found.of_other_times[:_MAX_DOCUMENTS])
    if not 0 < len(documents) <= _MAX_DOCUMENTS:
        return None
    for source in documents:
        _say_signers(crystal, draft, source, asked.subject)
    return draft.answer() if draft.citations else None


def _say_signers(crystal: CrystalReader, draft: AnswerDraft, source: SourceRow, office: str) -> None:
    """Say who signed a document, with its signatures; nothing where it has none by that office."""
    signatures = _by_name(find_signatures(_text(crystal, source)))
    chosen = signed_in_office(signatures, office) if office else [each for each in signatures if each.is_own]
    if not chosen:
        return
    crystal.shelf.vouch(source)
    names = join_names([signature.name for signature in chosen])
    marks = " ".join(f"[{number}]" for number in _cite(crystal, draft, source, chosen))
    others = 0 if office else len(signatures) - len(chosen)
    beside = f", and by {others} further person{'s' if others > 1 else ''} below" if others else ""
    draft.say(f"{chr(10) if draft.text else ''}{document_name(source)} is signed by {names} {marks}{beside}.")


def _of_another_time(crystal: CrystalReader, draft: AnswerDraft, sources: Sequence[SourceRow]) -> Answer:
    """Say that documents are of another time, with their signatures."""
    for source in sources:
        signatures = [each for each in find_signatures(_text(crystal, source)) if each.is_own]
        _cite(crystal, draft, source, signatures[:1])
    names = join_names([document_name(source) for source in sources])
    verb = "is" if len(sources) == 1 else "are"
    return draft.refusal(f"not in this crystal: {names} {verb} of another time", draft.citations)


def _edges(text: str) -> str:
    """Give the first page of a text and that of its signatures: they say of which time it is."""
    low, high = signature_section(text)
    return f"{text[:HEAD_LENGTH]}\n{text[low : min(high, low + HEAD_LENGTH)]}"


def _by_name(signatures: Sequence[Signature]) -> list[Signature]:
    """Keep the first signature of each name."""
    first: dict[str, Signature] = {}
    for signature in signatures:
        first.setdefault(signature.name.casefold(), signature)
    return list(first.values())


def _text(crystal: CrystalReader, source: SourceRow) -> str:
    return crystal.shelf.span_text(source, 0, source.characters)


def _cite(crystal: CrystalReader, draft: AnswerDraft, source: SourceRow, signatures: Sequence[Signature]) -> list[int]:
    """Cite signatures, those of one block once, and give the numbers."""
    spans = dict.fromkeys((signature.start, signature.end) for signature in signatures)
    numbers = [draft.cite(crystal.cite(source.path, *span)) for span in list(spans)[: attribution.MAX_CITATIONS]]
    return [number for number in numbers if number is not None]
