"""A question about a document itself, answered: its author, signers, title, date and chapters.

Knows: which document a question means. Does not know: the words of questions, the texts.
"""

from __future__ import annotations

import re

from crystalcli.answering.broad.broad_question import is_generic
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.metadata.byline import HEAD_LENGTH, PAGED, first_title
from crystalcli.answering.metadata.chapter_facts import answer_chapters
from crystalcli.answering.metadata.document_question import DocumentFact, DocumentQuestion
from crystalcli.answering.metadata.edge_sentence import answer_edge
from crystalcli.answering.metadata.passage_chapter import answer_place
from crystalcli.answering.metadata.signers import answer_signers
from crystalcli.answering.metadata.stated_facts import answer_stated
from crystalcli.datatypes import Answer, DocumentState
from crystalcli.overview import DocumentRange, resolve_documents, whole_document
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow

_MAX_READ = 50  # documents without a title in the ledger whose first page is read for one
_MAX_DOCUMENTS = 3  # that one name may mean; more are a folder
_STATED = frozenset((DocumentFact.AUTHOR, DocumentFact.TITLE, DocumentFact.DATE))
# "The letter" and "my notes" are mostly things in a document, not the document.
_INNER = re.compile(
    r"(?:the|this|that|my|our|his|her) (?:letter|note|notes|chat|conversation|code|story|tale|talk|meeting|folder)s?",
    re.I,
)
_BOOK_NAMED = re.compile(r"(?:the )?(?:book|letter) (?:called |named |titled |entitled )?(?P<name>.+)", re.IGNORECASE)


def answer_document_question(crystal: CrystalReader, draft: AnswerDraft, asked: DocumentQuestion) -> Answer | None:
    """Answer a question about a document itself.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer to fill.
        asked: What the question asks.

    Returns:
        The answer; None where the document that it names is not here or does not say.
    """
    with crystal.snapshot():
        answerer = _Answerer(crystal, draft)
        if asked.fact is DocumentFact.SIGNER:
            return answer_signers(crystal, draft, asked, answerer.sources, answerer.named(asked.document))
        return draft.answer() if answerer.answer(asked) else None


class _Answerer:
    """Finds the documents that a question means, and lets them be described.

    Args:
        crystal: The crystal, inside a snapshot.
        draft: The answer to fill.

    Attributes:
        sources: The documents that are still there.
    """

    def __init__(self, crystal: CrystalReader, draft: AnswerDraft) -> None:
        self._crystal, self._draft = crystal, draft
        readable = [source for source in crystal.shelf.store.sources() if source.chunks]
        self.sources = [source for source in readable if source.state != DocumentState.GONE] or readable

    def answer(self, asked: DocumentQuestion) -> bool:
        """Answer a question; False, with nothing said, where that is not possible."""
        parts = self._documents(asked.document)
        if asked.fact is DocumentFact.PLACE:
            if asked.document and not parts and not is_generic(asked.document):
                return False
            return answer_place(self._crystal, self._draft, asked, parts, self._documents)
        if asked.fact is DocumentFact.HEADING and not asked.document:
            parts = [whole_document(source) for source in self.sources if source.chunks]
        elif asked.fact in _STATED and asked.fact is not DocumentFact.TITLE:
            parts = [part for part in parts if not part.label]
        said = 0
        for part in parts:
            if said:
                self._draft.say("\n")
            said += self._describe(asked, part)
            if said and asked.fact is DocumentFact.HEADING:
                break
        return bool(said)

    def named(self, phrase: str) -> list[SourceRow]:
        """Find the whole documents that a phrase means by their names."""
        return [part.source for part in self._documents(phrase) if not part.label]

    def _describe(self, asked: DocumentQuestion, part: DocumentRange) -> bool:
        """Answer a question about one document, or a part of it."""
        self._crystal.shelf.vouch(part.source)
        if asked.fact in _STATED and not part.label:
            return answer_stated(self._crystal, self._draft, asked, part.source)
        if asked.fact in (DocumentFact.FIRST, DocumentFact.LAST):
            return answer_edge(self._crystal, self._draft, asked, part)
        return answer_chapters(self._crystal, self._draft, asked, part)

    def _documents(self, phrase: str) -> list[DocumentRange]:
        """Find the documents, or the part of one, that a phrase means; empty if it is unclear."""
        if not phrase or is_generic(phrase):
            is_clear = len(self.sources) == 1 and not _INNER.fullmatch(phrase)
            return [whole_document(self.sources[0])] if is_clear else []
        store = self._crystal.shelf.store
        parts = resolve_documents(store, self.sources, phrase) or self._titled(phrase)
        if parts and parts[0].label and (named := _BOOK_NAMED.fullmatch(phrase)) is not None:
            parts = resolve_documents(store, self.sources, named["name"]) or parts
        return parts if len(parts) <= _MAX_DOCUMENTS else []

    def _titled(self, phrase: str) -> list[DocumentRange]:
        """Find the documents that a phrase means by the title on their first page."""
        untitled = [source for source in self.sources if source.kind in PAGED and not source.title]
        titled = []
        for source in untitled if len(untitled) <= _MAX_READ else ():
            head = self._crystal.shelf.span_text(source, 0, min(source.characters, HEAD_LENGTH))
            if (title := first_title(head)) is not None:
                titled.append(source._replace(title=title.value))
        by_id = {source.id: source for source in untitled}
        parts = resolve_documents(self._crystal.shelf.store, titled, phrase) if titled else []
        return [part._replace(source=by_id[part.source.id]) for part in parts]
