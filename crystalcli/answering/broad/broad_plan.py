"""What a broad question is about in this crystal: which documents, or parts of them, and how they are to be gone through.

Whether it is broad at all is decided here: by its words (`broad_question`), by whoever asks, and, where the words alone do not say, by
whether a name in it is that of a document.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from crystalcli.answering.broad.broad_question import Intent
from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import query_terms, word_spans
from crystalcli.overview import DocumentRange, find_mentions, nearest_names, resolve_documents, whole_document
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow, first_sources

_NEAREST = 10  # atoms that say whether a topic is one of source code
_OF_CODE = 3  # of them
_TITLE = 3  # words that say something in a title which is written without capitals; more are a clause
_SAMPLE = 20  # documents in which it is looked up whether a word is always written as a name


@dataclass(frozen=True, slots=True)
class Plan:
    """What is gone through. name: what was asked about as the question writes it, "" where it names nothing.

    stretches: documents, or parts of them; everything: whether they are all that the crystal holds.
    """

    intent: Intent
    stretches: tuple[DocumentRange, ...]
    everything: bool

    @property
    def sources(self) -> list[SourceRow]:
        """The documents, each once."""
        return list({each.source.id: each.source for each in self.stretches}.values())


def plan_of(crystal: CrystalReader, question: str, intent: Intent | None, broad: bool | None) -> Plan | None:
    """Plan how a question is answered from the whole; None where it is to be answered from the nearest passages.

    Args:
        crystal: The crystal.
        question: The question.
        intent: Its broad intent; None: it asks for a fact.
        broad: The user's choice; None: by the question.

    Raises:
        NotFoundError: The question names a document that does not exist.
    """
    if broad is False or not question.strip():
        return None
    if intent is None:
        if not broad:
            return None
        intent = Intent("topic", question.strip())
    with crystal.snapshot():
        return _Planner(crystal, question, forced=bool(broad)).plan(intent)


class _Planner:
    def __init__(self, crystal: CrystalReader, question: str, *, forced: bool) -> None:
        self._crystal = crystal
        self._shelf: IndexReader = crystal.shelf
        self._question = question
        self._forced = forced
        held = [source for source in self._shelf.store.sources() if source.chunks]
        self._sources = [source for source in held if source.state != "gone"] or held

    def plan(self, intent: Intent) -> Plan | None:
        if not self._sources:
            if self._forced or intent.sure:
                raise NotFoundError("this crystal holds no text yet: crystal ingest PATH")
            return None
        if intent.kind == "about":
            return self._about(intent)
        scope = tuple(resolve_documents(self._shelf.store, self._sources, intent.within)) if intent.within else ()
        decided = self._forced or intent.sure
        if not decided and not scope and not self._is_code(intent.subject):
            return None
        if intent.within and not scope:
            if self._is_name(intent.within) and (intent.kind != "topic" or not self._speaks_of(intent.within)):
                raise self._not_here(intent.within)
            if intent.kind == "topic":  # it is no document, and belongs to the topic
                intent = replace(intent, subject=f"{intent.subject} in {intent.within}", within="")
        if intent.kind == "topic" and not self._speaks_of(intent.subject):
            raise NotFoundError(f"nothing in this crystal speaks of “{intent.subject}”")
        return Plan(intent, scope, False) if scope else Plan(intent, *self._all())

    def _about(self, intent: Intent) -> Plan | None:
        if not intent.subject:
            # "The story" may be a folder of that name; "this story" is whatever there is.
            own = re.match(r"the (?!whole|entire|full)", intent.within, re.IGNORECASE) is not None
            found = resolve_documents(self._shelf.store, self._sources, intent.within) if own else []
            return Plan(intent, tuple(found), False) if found else Plan(intent, *self._all())
        found = resolve_documents(self._shelf.store, self._sources, intent.subject)
        if found:
            return Plan(intent, tuple(found), len(found) == len(self._sources) and not found[0].label)
        if not self._forced and not intent.sure:
            return None
        if self._is_name(intent.subject):
            raise self._not_here(intent.subject)
        if not self._forced:
            return None
        if not self._speaks_of(intent.subject):
            raise self._not_here(intent.subject)
        return Plan(Intent("topic", intent.subject), *self._all())

    def _all(self) -> tuple[tuple[DocumentRange, ...], bool]:
        return tuple(map(whole_document, self._sources)), True

    def _is_name(self, phrase: str) -> bool:
        """Whether a phrase is a title or a name: all its words with a capital, or in quotation marks, or, where the whole question is
        written without capitals, never without one in the documents.
        """
        if phrase[:1] in "\"'“‘«" or re.search(r"\w/\w|\w\.\w", phrase):
            return True
        known = [phrase[start:end] for start, end, term in word_spans(phrase) if term]
        if not known or any(len(word) > 1 and word.isupper() for word in known):
            return not known
        if any(word[0].isupper() for word in known):
            return all(word[0].isupper() or word[0].isdigit() for word in known)
        if len(known) > _TITLE or any(letter.isupper() for letter in self._question[1:]):
            return False
        seen = islice(find_mentions(self._shelf, phrase, self._sources), _SAMPLE)
        texts = [self._shelf.span_text(each.source, spot.start, spot.end) for each in seen for spot in each.found[:3]]
        return all(text[0].isupper() for text in texts)

    def _not_here(self, phrase: str) -> NotFoundError:
        name = phrase.strip(" \"'“”‘’«»")
        near = nearest_names(self._sources, name)
        hint = f"; nearest: {', '.join(source.path for source in near)}" if near else ""
        return NotFoundError(
            f"no document here is called “{name}”{hint} (`crystal inspect --documents` lists them; "
            "--no-broad asks what the others say)"
        )

    def _speaks_of(self, phrase: str) -> bool:
        """Whether any word of a phrase that says something stands in the crystal."""
        postings = TermIndex(self._shelf).postings(phrase)
        return not query_terms(phrase) or any(packed.df for parts in postings.values() for packed in parts)

    def _is_code(self, phrase: str) -> bool:
        """Whether what is nearest to a phrase stands in source code."""
        searcher = self._crystal.searcher()
        atoms = [scored.atom for scored in searcher.rank(searcher.prepare(phrase), 1, _NEAREST)]
        kinds = first_sources(self._shelf.store, [self._shelf.chunk_of(atom) for atom in atoms])
        return sum(kind == "code" for _, _, kind in kinds.values()) >= _OF_CODE


def called(sources: Sequence[SourceRow], stretches: Sequence[DocumentRange]) -> str:
    """What was gone through, in a few words: a document, a chapter of one, or how many documents."""
    if len(stretches) == 1:
        label = f"{stretches[0].label}, " if stretches[0].label else ""
        return " ".join(f"{label}{sources[0].path}".split())
    if len(sources) == 1:
        return " ".join(sources[0].path.split())
    return f"{len(sources):,} documents"
