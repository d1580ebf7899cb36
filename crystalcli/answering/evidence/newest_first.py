"""The order of dated passages: of those that answer about as well the newest comes first.

    score   the passage's - weight · its age, as a share of the age of the oldest of them

The weight is ASKED_WEIGHT where the question asks how things are now, PRESENT_WEIGHT where it is in
the present tense, since of two statements about the same thing the newer holds, and TIE_WEIGHT
otherwise. Ages count among the passages that answer about as well as the best, by their scores and
by the reranker's logits, or state a value of the same unit with a word of the question ("55 l" and
"62 l"); there, what has no date keeps its score. A passage that answers worse gains nothing by
being new: it loses as much as the oldest.

Of entries that say the same with another number ("Weight 82.6 kg.", "Weight 81.0 kg."), or of the
same thing where it is ("The key is under the pot", "The key is with Ann now"), the newest stands
for all in the present tense, whatever else is in its passage.

    "How has my weight changed since May?"      the newest of them, the oldest, then the others
    "What is the limit, and what was it before?" from the newest of them to the oldest

Knows: the dates of messages, sections and names, English tenses, logits. Does not know: what a
passage says.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from crystalcli.answering.evidence.question_type import asks_for_change, asks_for_former
from crystalcli.datatypes import BY_LINES, Passage
from crystalcli.lexical import query_terms
from crystalcli.memories import value_types
from crystalcli.text import sentence_spans

ASKED_WEIGHT, PRESENT_WEIGHT, TIE_WEIGHT = 0.3, 0.15, 0.02
_ABOUT_AS_WELL = 0.6  # the distance in score from the best passage
_LONGEST_ENTRY = 60  # characters of an entry of a series
_LONGEST_PLACED = 120  # characters of a sentence that says where something is
_NOW = re.compile(r" now\b", re.IGNORECASE)
_WHERE = re.compile(r"\W*where\b", re.IGNORECASE)
_PLACED = re.compile(
    r"(?P<form>(?P<subject>(?:(?:the|my|our) )?[\w'’-]+(?: [\w'’-]+){0,3}?) "
    r"(?:(?:is|are)(?= (?:in|at|on|under|behind|inside|near|below|above|by|with|beside|between|next to|from)\b)|"
    r"meets?|stands?|lies|sits|lives?|hangs|opens?|closes?|starts?|costs?))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d[\d.,:]*(?<![.,:])")
_AS_LIKELY = 0.25  # the likelihood that it answers, against that of the likeliest passage
# The logarithm of the share of passages that answer, by their logit: 0.02, 0.15, 0.31, 0.42 and
# 0.68 of the first three in prose (docs/LOG.md, 2026-11-29). Below, as between the first two.
_LOGITS, _LOG_SHARES = (-12.0, -4.0, 0.0, 4.0, 6.0, 8.0), (-7.94, -3.91, -1.90, -1.17, -0.87, -0.39)
# Words of a question for a change, which say nothing of what changes.
_NO_TOPIC = frozenset(
    query_terms(
        "much many long often old far big high heavy full before previous previously earlier former formerly change changed since "
        "now today current currently year month week day time number amount"
    )
)
_PRESENT = re.compile(r"\b(?:is|are|am|do|does|has|have|who['’]s|what['’]s|where['’]s)\b", re.IGNORECASE)
_PAST = re.compile(
    r"\b(?:did|was|were|had|before|previous\w*|former\w*|first|used to|ago|ever|original\w*)\b", re.IGNORECASE
)


def newest_first(question: str, passages: Sequence[Passage], *, asked: bool = False) -> list[Passage]:
    """Put passages in order anew, by their scores and their dates.

    Args:
        question: The question.
        passages: The passages, best first.
        asked: Whether the question asks how things are now.

    Returns:
        All passages, best first.
    """
    of_all_times = asks_for_change(question) or asks_for_former(question)
    near = [passage for passage in passages if passage.score >= passages[0].score - _ABOUT_AS_WELL]
    far = passages[len(near) :]
    are_equal = _are_about_as_likely(near)
    topic = set(query_terms(question)) - _NO_TOPIC
    units = [_units_stated(topic, passage) for passage in near]
    known_units = set().union(*(each for each, is_equal in zip(units, are_equal, strict=True) if is_equal))
    are_equal = [is_equal or not known_units.isdisjoint(each) for each, is_equal in zip(units, are_equal, strict=True)]
    if of_all_times:  # what was once is not told in the words of what is now
        told = [not known_units.isdisjoint(_units_stated(topic, passage)) for passage in far]
        near += [passage for passage, is_told in zip(far, told, strict=True) if is_told]
        far = [passage for passage, is_told in zip(far, told, strict=True) if not is_told]
        are_equal += [True] * (len(near) - len(are_equal))
    known = [passage.date for passage, is_equal in zip(near, are_equal, strict=True) if is_equal and passage.date]
    if len(set(known)) < 2:
        return list(passages)
    if of_all_times:
        return [*_in_time(near, are_equal, ends=asks_for_change(question)), *far]
    weight = ASKED_WEIGHT if asked else PRESENT_WEIGHT if is_present(question) else TIE_WEIGHT
    newest, span = max(known), (max(known) - min(known)).days
    aged = []
    for passage, is_equal in zip(near, are_equal, strict=True):
        if not is_equal:
            passage = _with_age(passage, -weight)
        elif passage.date is not None:
            passage = _with_age(passage, -weight * (newest - passage.date).days / span)
        aged.append(passage)
    aged.sort(key=lambda passage: -passage.score)
    things = topic if _WHERE.match(question) else set[str]()
    return [*(_newest_entry_first(aged, things) if asked or is_present(question) else aged), *far]


def _newest_entry_first(passages: Sequence[Passage], things: set[str]) -> list[Passage]:
    """Put the newest entry before the first, where both say the same with another value.

    Args:
        passages: The passages, best first.
        things: The terms of a thing whose place is asked for; empty for other questions.
    """
    first = passages[0]
    form = _form(first.best_text, things)
    if not form or first.date is None:
        return list(passages)
    later = [each for each in passages if each.date is not None and each.date > first.date]
    newer = [each for each in later if _has_form(each, form, things)]
    if not newer:
        return list(passages)
    newest = max(newer, key=lambda passage: passage.date or date.min)
    return [replace(newest, score=first.score), *(passage for passage in passages if passage is not newest)]


def _has_form(passage: Passage, form: str, things: set[str]) -> bool:
    """Tell whether a sentence of a passage has a form."""
    spans = sentence_spans(passage.text, passage.place.kind in BY_LINES)
    return any(_form(passage.text[start:end], things) == form for start, end in spans)


def _form(sentence: str, things: set[str]) -> str:
    """Give a short sentence without its value; "" where it states none.

    Args:
        sentence: The sentence.
        things: The terms of the thing whose place is asked for.
    """
    stated = _PLACED.match(_NOW.sub("", sentence.strip()))
    if stated is not None and len(sentence) <= _LONGEST_PLACED:
        subject = set(query_terms(stated["subject"]))
        if subject and subject <= things:
            return stated["form"].casefold()
    form, count = _NUMBER.subn("#", sentence.strip().casefold())
    return form if count and len(sentence) <= _LONGEST_ENTRY and any(map(str.isalpha, form)) else ""


def _in_time(passages: Sequence[Passage], are_equal: Sequence[bool], *, ends: bool) -> list[Passage]:
    """Put the dated ones first, from the newest on, and keep the order of the others.

    Args:
        passages: The passages, best first.
        are_equal: Whether each answers about as likely as the best.
        ends: Whether the oldest comes second, and the rest by score.

    Returns:
        All passages; the first has the best score still, and so on.
    """
    dated = [(passage.date, place) for place, passage in enumerate(passages) if are_equal[place] and passage.date]
    dated.sort(key=lambda pair: pair[0], reverse=True)
    first = [place for _, place in ([dated[0], dated[-1]] if ends else dated)]
    order = [*first, *(place for place in range(len(passages)) if place not in first)]
    scores = sorted((passage.score for passage in passages), reverse=True)
    return [replace(passages[place], score=score) for place, score in zip(order, scores, strict=True)]


def _are_about_as_likely(passages: Sequence[Passage]) -> list[bool]:
    """Tell which passages answer about as likely as the best by their logits; all without one."""
    shares = [None if passage.logit is None else _log_share(passage.logit) for passage in passages]
    least = max((share for share in shares if share is not None), default=0.0) + math.log(_AS_LIKELY)
    return [share is None or share >= least for share in shares]


def _units_stated(asked: set[str], passage: Passage) -> frozenset[str]:
    """Give the units of the numbers in those sentences of a passage that have an asked word."""
    spans = sentence_spans(passage.text, passage.place.kind in BY_LINES)
    sentences = [passage.text[start:end] for start, end in spans]
    types = [value_types(text) for text in sentences if not asked.isdisjoint(query_terms(text))]
    return frozenset(each.unit for some in types for each in some if each.kind == "number") - {""}


def _log_share(logit: float) -> float:
    return float(np.interp(logit, _LOGITS, _LOG_SHARES))


def is_present(question: str) -> bool:
    """Tell whether a question asks how things are, in the present tense."""
    return bool(_PRESENT.search(question)) and not _PAST.search(question)


def _with_age(passage: Passage, penalty: float) -> Passage:
    return replace(passage, score=passage.score + penalty, recency=passage.recency + penalty)
