"""The documents that a phrase means by whose they are, what they are, and of which time.

    "the 8-K that Marl filed in July 2031"   MARL_2031_8K.pdf, which begins "July 1, 2031"
    "Marl's 10-K for fiscal 2024"           none, though there are others of Marl's 10-Ks

Every word of the phrase stands in the name of the document, in its title or on its first page, one
of them in name or title. The time counts by itself: where it is the only thing that is wrong, the
document is known not to be here.

Knows: the names of documents, and what is read of them. Does not know: what is asked of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from crystalcli.answering.metadata.byline import MONTHS
from crystalcli.lexical import ENGLISH, LANGUAGES
from crystalcli.storage import SourceRow

_MOST_READ = 20  # documents of one name whose first page is read
_WORD = re.compile(r"[^\W_]+(?:[-.&][^\W_]+)*")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_MONTH = re.compile(rf"\b(?:{MONTHS})\b", re.IGNORECASE)
_MONTH_AND_YEAR = re.compile(rf"\b({MONTHS})(?:\s+\d{{1,2}},?|,)?\s+((?:19|20)\d\d)(?!\d)", re.IGNORECASE)
_OF_PERIOD = re.compile(r"\b(?:fiscal|financial|fy|for|period|year)\b", re.IGNORECASE)
_GIVEN = re.compile(r"\b(?:filed|dated|signed|issued|published|sent|written|made)\b", re.IGNORECASE)
# Words that say no name: of documents, of what is done with them, and of periods.
_NO_NAME = frozenset(
    term
    for words in (
        "document file filing form report letter contract agreement paper pdf copy version edition original",
        "latest last first filed dated signed issued published sent written made submitted fiscal financial",
        "year quarter month period ended end fy annual quarterly company firm their its his her my our your s",
    )
    for term in words.split()
)


class DatedDocuments(NamedTuple):
    """What a phrase means.

    Attributes:
        documents: The documents that it means equally well; () for none.
        of_other_times: Those that it would mean but for the time, where it means none.
    """

    documents: list[SourceRow]
    of_other_times: list[SourceRow]


def find_dated_documents(
    phrase: str, sources: Sequence[SourceRow], edges: Callable[[SourceRow], str]
) -> DatedDocuments:
    """Find the documents that a phrase means by owner, form and time.

    Args:
        phrase: The phrase, as in a question.
        sources: The documents to choose from.
        edges: Reads the first page of a document, and its signatures.
    """
    words = _name_words(phrase)
    if not words:
        return DatedDocuments([], [])
    counted = [(source, sum(word in _squeezed(_label(source)) for word in words)) for source in sources]
    candidates = [(source, count) for source, count in counted if count]
    if len(candidates) > _MOST_READ:
        return DatedDocuments([], [])
    read = [(source, count, edges(source)) for source, count in candidates]
    meant = [each for each in read if all(word in _squeezed(f"{_label(each[0])} {each[2]}") for word in words)]
    most = max((count for _, count, _ in meant), default=0)
    named = [(source, page) for source, count, page in meant if count == most]
    of_time = [source for source, page in named if _is_of_time(phrase, source, page)]
    return DatedDocuments(of_time, [] if of_time else [source for source, _ in named])


def _is_of_time(phrase: str, source: SourceRow, page: str) -> bool:
    """Tell whether a document is of the year and the month that a phrase has, if any."""
    years = set(_YEAR.findall(phrase))
    in_name = set(_YEAR.findall(_label(source).replace("_", " ")))
    is_period = _OF_PERIOD.search(phrase) is not None and _GIVEN.search(phrase) is None
    known = in_name if in_name and is_period else in_name | set(_YEAR.findall(page))
    return years <= known and _months(phrase) <= _months(page)


def _months(text: str) -> set[tuple[str, str]]:
    """Give the months of a text that stand with their year."""
    return {(month.lower(), year) for month, year in _MONTH_AND_YEAR.findall(text)}


def _name_words(phrase: str) -> list[str]:
    """Give the words of a phrase that name a document or its owner, squeezed: "10k" for "10-K"."""
    small = LANGUAGES[ENGLISH].function_words
    words = [re.sub(r"['’]s?$", "", word) for word in _WORD.findall(re.sub(r"['’]s\b", "", phrase))]
    return [
        _squeezed(word)
        for word in words
        if word.casefold() not in small
        and word.casefold() not in _NO_NAME
        and not _YEAR.fullmatch(word)
        and not _MONTH.fullmatch(word)
    ]


def _label(source: SourceRow) -> str:
    return f"{source.path.rpartition('/')[2].rpartition('.')[0]} {source.title}"


def _squeezed(text: str) -> str:
    """Give the letters and digits of a text, folded, so that BESTBUY and Best Buy are the same."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
