"""Telling words of texts beside one another, as short labels.

A word tells the more, the more often it stands in its text and in all of them, and the fewer of
them have it (tf-idf, weighted by the root of the frequency in all: a word that returns is a topic,
one that stands in one place is a chance). Names count twice.

Knows: words. Does not know: nodes, crystals.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from crystalcli.lexical import word_spans

_SHORTEST = 3  # letters of a word that tells something
_NAME_FACTOR = 2.0  # the factor for the weight of a name


def telling_words(texts: Sequence[str], most: int = 3) -> list[str]:
    """Give each text the words that set it apart from the others, in the order of the text."""
    bags = [_forms_of(text) for text in texts]
    total = sum((Counter({term: forms.total() for term, forms in bag.items()}) for bag in bags), Counter[str]())
    shares = Counter(term for bag in bags for term in bag)

    def weight(term: str, forms: Counter[str]) -> float:
        names = sum(count for word, count in forms.items() if word[:1].isupper())
        rarity = math.log((1 + len(texts)) / shares[term])
        return forms.total() * math.sqrt(total[term]) * rarity * (_NAME_FACTOR if 2 * names > forms.total() else 1.0)

    labels = []
    for bag in bags:
        weights = {term: weight(term, forms) for term, forms in bag.items()}
        best = set(sorted(weights, key=lambda term: -weights[term])[:most])
        labels.append(" · ".join(forms.most_common(1)[0][0] for term, forms in bag.items() if term in best))
    return labels


def _forms_of(text: str) -> dict[str, Counter[str]]:
    """Count the forms of each term of a text that could tell something, in its order."""
    forms: dict[str, Counter[str]] = {}
    for start, end, term in word_spans(text):
        word = text[start:end]
        if term and len(word) >= _SHORTEST and word.isalpha():
            forms.setdefault(term, Counter())[word] += 1
    return forms
