"""The row of a list for the one whom a question names, in the place of the whole list.

    "What is Cid's shoe size?"    - Ann: shoe size 38     another's row: says nothing of Cid
                                  - Cid: keeps bees       Cid's own: all that counts

A list is near each question about any of those on it, whatever it says of each. Where it says what
is asked for of others alone, that speaks against an answer.

Knows: the labels of rows, a question's words. Does not know: what rows mean.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from crystalcli.answering.grounding.row_label import labelled_rows
from crystalcli.datatypes import Passage
from crystalcli.lexical import query_terms

OTHERS_ROW = "others' row"  # of a passage's shares: what is asked for stands in rows of others alone


def with_own_rows(
    passages: Sequence[Passage], topic: Collection[str], read_again: Callable[[list[str]], list[float]] | None
) -> list[Passage]:
    """Cut lists to the row of the one whom a question names.

    Args:
        passages: The passages.
        topic: The terms of the question, without those of requests.
        read_again: Gives the reranker's logits of texts; None without a reranker.

    Returns:
        The passages; of a list with a row that has a word of the question for its label, and with
        other rows, that row alone. It is marked by OTHERS_ROW where another row has half of the
        further words of the question, and neither this row nor a line with its label has one.
    """
    cut = [_cut(passage, set(topic)) for passage in passages]
    changed = [number for number, passage in enumerate(cut) if passage is not passages[number]]
    for number in changed:
        names = set(query_terms(cut[number].best_text)) & set(topic)
        if OTHERS_ROW in cut[number].shares and _is_said_of(cut, names, set(topic) - names):
            cut[number] = replace(cut[number], shares=passages[number].shares)
    read = [number for number in changed if cut[number].logit is not None]
    if read_again is not None and read:
        texts = [f"{cut[number].heading or ''}\n{cut[number].text}".strip() for number in read]
        for number, logit in zip(read, read_again(texts), strict=True):
            cut[number] = replace(cut[number], logit=logit)
    return cut


def _is_said_of(passages: Sequence[Passage], names: set[str], asked: set[str]) -> bool:
    """Tell whether a line of passages has a name and a word that is asked for."""
    lines = (set(query_terms(line)) for passage in passages for line in passage.text.splitlines())
    return any(not words.isdisjoint(names) and not words.isdisjoint(asked) for words in lines)


def _cut(passage: Passage, topic: set[str]) -> Passage:
    """Cut a list to the row of the one who is named, if its label has a word of the question.

    Of several, as of two people with one first name, it is that with most words of the question.
    """
    rows = [(start, end, set(query_terms(label))) for start, end, label in labelled_rows(passage.text)]
    named = [row for row in rows if not row[2].isdisjoint(topic)]
    own = max(named, key=lambda row: len(topic & set(query_terms(passage.text[row[0] : row[1]]))), default=None)
    others = [row for row in rows if row[2].isdisjoint(topic)]
    if own is None or not others:
        return passage
    start, end, label = own
    asked = topic - label
    has_own = not set(query_terms(passage.text[start:end])).isdisjoint(asked)
    has_others = any(2 * len(asked & set(query_terms(passage.text[low:high]))) >= len(asked) for low, high, _ in others)
    is_others = bool(asked) and has_others and not has_own
    shares = {**passage.shares, OTHERS_ROW: 0.0} if is_others else passage.shares
    place = replace(passage.place, start=passage.start + start, end=passage.start + end)
    return replace(passage, place=place, text=passage.text[start:end], best=(place.start, place.end), shares=shares)
