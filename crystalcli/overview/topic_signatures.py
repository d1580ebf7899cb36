"""Topic signatures: the terms that set a part of a text apart from the rest, and its names.

After Lin and Hovy, "The automated acquisition of topic signatures for text summarization", 2000: a
term is weighed by Dunning's log-likelihood ratio ("Accurate methods for the statistics of surprise
and coincidence", 1993) of its frequency in the part against that in the others. The share of a
part's passages that have it counts as well (SumBasic: Nenkova and Vanderwende, 2005), so that a
text of one part has weights, too.

Knows: passages, terms, names. Does not know: sentences, language models.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from crystalcli.datatypes import Passage
from crystalcli.lexical import query_terms, terms, word_spans

_TOPIC_FACTOR = 4.0  # for the weight of a word of the topic
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w’'-]+")  # a capitalised word inside a sentence
# The last of the capitalised words that stand together: Darcy of Mr. Darcy.
_LAST_NAME = re.compile(r"(?<=[a-z,;] )(?:(?:Mr|Mrs|Ms|Dr|St)\. |[A-Z][\w-]+ )*([A-Z][\w-]+)(?! [A-Z]|[\w-])")
_FEWEST = 3  # mentions of a name that is prominent
_CANDIDATES = 300  # terms of a list whose rarity is looked up
_LEAST_IDF = 3.0  # of a word that two texts share: one in twenty atoms has it


class TopicSignature(NamedTuple):
    """The terms of a part.

    Attributes:
        weights: The weight of each, at least 0.
        names: Those that are names for the most part.
    """

    weights: dict[str, float]
    names: frozenset[str]


class ComparedTerms(NamedTuple):
    """The words of two texts, each in its most frequent form, the weightiest first.

    Attributes:
        shared: Words that many passages of both have, and few of the crystal.
        first: Words that set the first text apart.
        second: Words that set the second apart.
    """

    shared: list[str]
    first: list[str]
    second: list[str]


def part_signatures(parts: Sequence[Sequence[Passage]], topic: str = "") -> list[TopicSignature]:
    """Weigh the terms of each part of a text.

    Args:
        parts: The passages that stand for each part.
        topic: The topic that is asked about; "" without one.
    """
    bags = [Counter(term for passage in passages for term, _ in terms(passage.text)) for passages in parts]
    whole = sum(bags, Counter[str]())
    named = Counter(
        term for passages in parts for passage in passages for term, _ in terms(" ".join(_NAME.findall(passage.text)))
    )
    topic_terms = set(query_terms(topic))
    signatures = []
    for passages, bag in zip(parts, bags, strict=True):
        shares = _shares(passages)
        size, rest = bag.total(), whole.total() - bag.total()
        weights = {
            term: (shares[term] + _keyness(count, size, whole[term] - count, rest))
            * (_TOPIC_FACTOR if term in topic_terms else 1.0)
            for term, count in bag.items()
        }
        signatures.append(TopicSignature(weights, frozenset(term for term in bag if 2 * named[term] > whole[term])))
    return signatures


def prominent_names(passages: Sequence[Passage], most: int) -> list[str]:
    """Name whom and what passages mention most, the most frequent first.

    Args:
        passages: The passages.
        most: The most names.
    """
    text = "\n".join(" ".join(passage.text.split()) for passage in passages)
    names = Counter(match[1] for match in _LAST_NAME.finditer(text))
    words = Counter(text[start:end] for start, end, _ in word_spans(text))
    frequent = (name for name, count in names.most_common() if count >= _FEWEST and words[name.lower()] < words[name])
    return list(frequent)[:most]


def compare_terms(
    first: Sequence[Passage], second: Sequence[Passage], idf: Callable[[str], Mapping[str, float]], most: int
) -> ComparedTerms:
    """Compare the words of two texts, names left out.

    Args:
        first: The passages that stand for the first text.
        second: The passages that stand for the second.
        idf: Gives the inverse document frequency of each term of a text, as of a crystal.
        most: The most words of each list.
    """
    frequent = _frequent_forms([*first, *second])
    forms = {term: form for term, form in frequent.items() if form.isalpha() and form.islower() and len(form) > 2}
    one, other = _shares(first), _shares(second)
    both = {term: min(one[term], other[term]) for term in one.keys() & other.keys() & forms.keys()}
    weights = [signature.weights for signature in part_signatures((first, second))]
    apart = [
        {term: own[term] for term in mine.keys() & forms.keys() if mine[term] > theirs.get(term, 0.0)}
        for own, mine, theirs in ((weights[0], one, other), (weights[1], other, one))
    ]
    candidates = [_heaviest(scores, _CANDIDATES) for scores in (both, *apart)]
    rarity = idf(" ".join(forms[term] for terms_of_list in candidates for term in terms_of_list))
    shared = {term: both[term] for term in candidates[0] if rarity.get(term, 0.0) > _LEAST_IDF}
    rare = [
        {term: scores[term] * rarity.get(term, 0.0) for term in terms_of_list}
        for scores, terms_of_list in zip(apart, candidates[1:], strict=True)
    ]
    return ComparedTerms(*([forms[term] for term in _heaviest(scores, most)] for scores in (shared, *rare)))


def _heaviest(scores: Mapping[str, float], most: int) -> list[str]:
    """Give the terms of the highest scores, the highest first."""
    return sorted(scores, key=lambda term: (-scores[term], term))[:most]


def _shares(passages: Sequence[Passage]) -> dict[str, float]:
    """Give each term the share of the passages that have it."""
    counts = Counter(term for passage in passages for term in {term for term, _ in terms(passage.text)})
    return {term: count / len(passages) for term, count in counts.items()}


def _frequent_forms(passages: Sequence[Passage]) -> dict[str, str]:
    """Give each term of passages the form of the word that they have most often."""
    forms = Counter(
        (term, passage.text[start:end]) for passage in passages for start, end, term in word_spans(passage.text) if term
    )
    return {term: form for (term, form), _ in reversed(forms.most_common())}


def _keyness(count: int, size: int, elsewhere: int, rest: int) -> float:
    """Compute the root of a term's log-likelihood ratio; 0 where it is not more frequent here.

    Args:
        count: Its number in the part.
        size: The number of all terms in the part.
        elsewhere: Its number in the other parts.
        rest: The number of all terms in the other parts.
    """
    if count < 2 or not rest or count / size <= elsewhere / rest:
        return 0.0
    rate = (count + elsewhere) / (size + rest)
    ratio = _log_likelihood(count, size, count / size) + _log_likelihood(elsewhere, rest, elsewhere / rest)
    ratio -= _log_likelihood(count, size, rate) + _log_likelihood(elsewhere, rest, rate)
    return math.sqrt(max(0.0, 2.0 * ratio))


def _log_likelihood(count: int, size: int, rate: float) -> float:
    """Compute the log-likelihood of `count` in `size` draws at a rate."""
    likely = count * math.log(rate) if count else 0.0
    return likely + ((size - count) * math.log(1.0 - rate) if rate < 1.0 else 0.0)
