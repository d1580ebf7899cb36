"""The plan of a broad answer: the documents, or parts of them, that it is made from.

The question is taken as broad by its words (`broad_question`), by the user's choice, or, where the
words alone do not say, by a name in it that is the name of a document.

Knows: the documents of the crystal, and the words in it. Does not know: how an answer is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from crystalcli.answering.broad.broad_question import BroadIntent, split_pairs
from crystalcli.datatypes import DocumentState, RecallFilter
from crystalcli.errors import NotFoundError
from crystalcli.index import IndexReader, TermIndex
from crystalcli.lexical import query_terms, word_spans
from crystalcli.overview import DocumentRange, find_mentions, nearest_names, resolve_documents, whole_document
from crystalcli.recall import CrystalReader, FilterMask
from crystalcli.storage import SourceRow, first_sources

_NEAREST = 10  # nearest atoms, by which a topic is taken for one of source code
_MIN_CODE = 3  # of them
_MAX_TITLE = 3  # words of a title that is written without capitals; more are a clause
_SAMPLE = 20  # documents that are searched for a word that is always written as a name


@dataclass(frozen=True, slots=True)
class BroadPlan:
    """The plan of a broad answer.

    Attributes:
        intent: The intent of the question.
        ranges: The documents, or parts of them, to go through.
        everything: Whether they are all that the crystal holds.
        sides: The ranges of each of two wholes that are compared; empty for one whole.
    """

    intent: BroadIntent
    ranges: tuple[DocumentRange, ...]
    everything: bool
    sides: tuple[tuple[DocumentRange, ...], ...] = ()

    @property
    def sources(self) -> list[SourceRow]:
        """The documents, each once."""
        return _sources_of(self.ranges)

    @property
    def scope(self) -> str:
        """The name of the whole: a document, a chapter of one, or a number of documents."""
        return self.scope_of(self.ranges)

    @staticmethod
    def scope_of(ranges: Sequence[DocumentRange]) -> str:
        """Name some ranges, as `scope` names all."""
        sources = _sources_of(ranges)
        if len(ranges) == 1:
            label = f"{ranges[0].label}, " if ranges[0].label else ""
            return " ".join(f"{label}{sources[0].path}".split())
        if len(sources) == 1:
            return " ".join(sources[0].path.split())
        return f"{len(sources):,} documents"


def _sources_of(ranges: Iterable[DocumentRange]) -> list[SourceRow]:
    return list({part.source.id: part.source for part in ranges}.values())


def plan_broad_answer(
    crystal: CrystalReader,
    question: str,
    intent: BroadIntent | None,
    broad: bool | None,
    where: RecallFilter | None = None,
) -> BroadPlan | None:
    """Plan how a question is answered from the whole.

    Args:
        crystal: The crystal.
        question: The question.
        intent: Its broad intent; None: it asks for a fact.
        broad: The user's choice; None: by the question.
        where: The documents, times and people to answer from; None: all.

    Returns:
        The plan; None where the question is to be answered from the nearest passages.

    Raises:
        NotFoundError: The question names a document that does not exist, or the filter what is
            nowhere in the crystal.
    """
    if broad is False or not question.strip():
        return None
    if intent is None:
        if not broad:
            return None
        intent = BroadIntent("topic", question.strip())
    with crystal.snapshot():
        mask = crystal.filter_mask(where or RecallFilter())
        plan = _Planner(crystal, question, mask, forced=bool(broad)).plan(intent)
        return plan if plan is None or mask is None else _within_mask(plan, mask)


def _within_mask(plan: BroadPlan, mask: FilterMask) -> BroadPlan:
    """Give the parts of a plan's documents that a filter lets through."""

    def clip(ranges: Iterable[DocumentRange]) -> tuple[DocumentRange, ...]:
        return tuple(
            part._replace(start=start, end=end)
            for part in ranges
            for start, end in mask.clip(part.source.id, part.start, part.end)
        )

    return replace(plan, ranges=clip(plan.ranges), everything=False, sides=tuple(map(clip, plan.sides)))


class _Planner:
    """Resolves the names in a question to documents.

    Args:
        crystal: The crystal, inside a snapshot.
        question: The question.
        mask: What a filter lets through; None: everything.
        forced: Whether the user chose a broad answer.
    """

    def __init__(self, crystal: CrystalReader, question: str, mask: FilterMask | None, *, forced: bool) -> None:
        self._crystal = crystal
        self._shelf: IndexReader = crystal.shelf
        self._question = question
        self._forced = forced
        readable = [
            source
            for source in self._shelf.store.sources()
            if source.chunks and (mask is None or mask.allows(source.id))
        ]
        self._sources = [source for source in readable if source.state != DocumentState.GONE] or readable

    def plan(self, intent: BroadIntent) -> BroadPlan | None:
        """Plan the answer to an intent; None where the question is not broad after all."""
        if not self._sources:
            if self._forced or intent.sure:
                raise NotFoundError("this crystal holds no text yet: crystal ingest PATH")
            return None
        if intent.kind == "about":
            return self._plan_about(intent)
        if intent.kind == "compare":
            return self._plan_comparison(intent)
        ranges = tuple(resolve_documents(self._shelf.store, self._sources, intent.within)) if intent.within else ()
        is_decided = self._forced or intent.sure
        if not is_decided and not ranges and not self._is_code(intent.subject):
            return None
        if intent.within and not ranges:
            if self._is_name(intent.within) and (intent.kind != "topic" or not self._has_words(intent.within)):
                raise self._not_found(intent.within)
            if intent.kind == "topic":  # it is not a document, and belongs to the topic
                intent = replace(intent, subject=f"{intent.subject} in {intent.within}", within="")
        if intent.kind == "topic" and not self._has_words(intent.subject):
            raise NotFoundError(f"this crystal does not mention “{intent.subject}”")
        return BroadPlan(intent, ranges, False) if ranges else self._plan_all(intent)

    def _plan_about(self, intent: BroadIntent) -> BroadPlan | None:
        """Plan the answer to a question about a document as a whole."""
        if not intent.subject:
            # "The story" may be a folder of that name; "this story" is all that the crystal holds.
            may_be_name = re.match(r"the (?!whole|entire|full)", intent.within, re.IGNORECASE) is not None
            ranges = resolve_documents(self._shelf.store, self._sources, intent.within) if may_be_name else []
            return BroadPlan(intent, tuple(ranges), False) if ranges else self._plan_all(intent)
        ranges = resolve_documents(self._shelf.store, self._sources, intent.subject)
        if ranges:
            everything = len(ranges) == len(self._sources) and not ranges[0].label
            return BroadPlan(intent, tuple(ranges), everything)
        if not self._forced and not intent.sure:
            return None
        if self._is_name(intent.subject):
            raise self._not_found(intent.subject)
        if not self._forced:
            return None
        if not self._has_words(intent.subject):
            raise self._not_found(intent.subject)
        return self._plan_all(BroadIntent("topic", intent.subject))

    def _plan_comparison(self, intent: BroadIntent) -> BroadPlan | None:
        """Plan the comparison of two wholes; None where the question does not name two."""
        sides: list[tuple[DocumentRange, ...]] = []
        if not intent.subject and len(self._sources) == 2:
            sides = [(whole_document(source),) for source in self._sources]
        for names in split_pairs(intent.subject):
            sides = sides or self._resolve_pair(names)
        return BroadPlan(intent, tuple(chain(*sides)), False, tuple(sides)) if sides else None

    def _resolve_pair(self, names: tuple[str, str]) -> list[tuple[DocumentRange, ...]]:
        """Resolve two names; empty unless both are names of documents, and not of the same."""
        sides = [tuple(resolve_documents(self._shelf.store, self._sources, name)) for name in names]
        of_documents = all(ranges and not ranges[0].label for ranges in sides)  # a heading is a word, too
        return sides if of_documents and sides[0] != sides[1] else []

    def _plan_all(self, intent: BroadIntent) -> BroadPlan:
        """Plan an answer from all documents."""
        return BroadPlan(intent, tuple(map(whole_document, self._sources)), True)

    def _is_name(self, phrase: str) -> bool:
        """Tell whether a phrase is a title or a name.

        All its words have a capital, or it is in quotation marks; or, where the whole question is
        written without capitals, the documents never write it without one.
        """
        if phrase[:1] in "\"'“‘«" or re.search(r"\w/\w|\w\.\w", phrase):
            return True
        words = [phrase[start:end] for start, end, term in word_spans(phrase) if term]
        if not words or any(len(word) > 1 and word.isupper() for word in words):
            return not words
        if any(word[0].isupper() for word in words):
            return all(word[0].isupper() or word[0].isdigit() for word in words)
        if len(words) > _MAX_TITLE or any(letter.isupper() for letter in self._question[1:]):
            return False
        sample = islice(find_mentions(self._shelf, phrase, self._sources), _SAMPLE)
        texts = [
            self._shelf.span_text(mentions.source, mention.start, mention.end)
            for mentions in sample
            for mention in mentions.found[:3]
        ]
        return all(text[0].isupper() for text in texts)

    def _not_found(self, phrase: str) -> NotFoundError:
        name = phrase.strip(" \"'“”‘’«»")
        near = nearest_names(self._sources, name)
        hint = f"; nearest: {', '.join(source.path for source in near)}" if near else ""
        return NotFoundError(
            f"this crystal has no document “{name}”{hint} (`crystal inspect --documents` lists them; "
            "--no-broad answers from the others)"
        )

    def _has_words(self, phrase: str) -> bool:
        """Tell whether any word of a phrase, but for function words, stands in the crystal."""
        postings = TermIndex(self._shelf).postings(phrase)
        return not query_terms(phrase) or any(packed.df for parts in postings.values() for packed in parts)

    def _is_code(self, phrase: str) -> bool:
        """Tell whether the atoms nearest to a phrase are source code."""
        searcher = self._crystal.searcher()
        atoms = [scored.atom for scored in searcher.rank(searcher.prepare(phrase), 1, _NEAREST)]
        kinds = first_sources(self._shelf.store, [self._shelf.chunk_of(atom) for atom in atoms])
        return sum(kind == "code" for _, _, kind in kinds.values()) >= _MIN_CODE
