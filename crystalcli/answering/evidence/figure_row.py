"""The row of a table that states the figure a question asks for, before prose about that figure.

    "What was Acme's total revenue in fiscal 2022?"    Total revenue; 2022: $17,606; 2021: $15,785

All words of a row's label are words of the question, and all words of the question are in the
label, in the lines above the table, or in the name of the document; its columns have the years
asked for. Of rows with one label the largest is of the whole, and the others are of its parts.

Knows: rows whose cells are named, words, years. Does not know: what a figure means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from crystalcli.datatypes import BY_LINES, Passage, RecallFilter
from crystalcli.errors import NotFoundError
from crystalcli.lexical import query_terms
from crystalcli.recall import PAGED_KIND, CrystalReader

_YEAR = re.compile(r"(?<!\d)(?:(?:FY|CY)\s?)?((?:19|20)\d\d)(?!\d)", re.IGNORECASE)
_ROW = re.compile(
    r"^(?P<label>[^;:\n]+(?:: [^;:\n]+)?); (?P<cells>[^;\n]+: [^;\n]+(?:; [^;\n]+: [^;\n]+)*)$", re.MULTILINE
)
_BRACKETED = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ASKS_ELSE = re.compile(r"\b(?:why|how did|who|where|when|which|drove|driv\w+|explain|describe|list)\b", re.IGNORECASE)
_WHOLE = frozenset(query_terms("total"))  # a label may have it where the question has not
_QUALIFIER = re.compile(
    r"\b(?:adjusted|non-GAAP|pro forma|underlying|expected|estimated|forecast|guidance|budget\w*|target)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(r"%|\b(?:percent\w*|rates?|share|margins?|ratio|growth|grow|grew)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\s?]+")
_TABLES = BY_LINES - {"code"} | {PAGED_KIND}
_DEPTH = 100  # passages that are looked at besides
_CAPTION = 1000  # characters above a row that may say what its table is about
# Words of a question for a figure that say nothing of which one.
_NO_TOPIC = frozenset(
    query_terms(
        "what which how much many was were is are did do does have has had the of in for from and versus vs compare compared "
        "fiscal fy cy full whole year years annual annually end ended period amount number figure value report reported "
        "company it its million millions billion usd dollars dollar earn make made get be"
    )
)


class _FigureRow(NamedTuple):
    """A row that states a figure.

    Attributes:
        words: The words of the question that its label has.
        value: The number in the first column of a year asked for.
        is_plain: Whether it is not qualified, as an adjusted or an expected figure is.
        is_share: Whether it is a share, in percent.
        passage: The passage, cut to the row.
    """

    words: int
    value: float
    is_plain: bool
    is_share: bool
    passage: Passage


def is_named_row(text: str) -> bool:
    """Tell whether a text is one row whose cells have the names of their columns."""
    return _ROW.fullmatch(text) is not None


def asks_for_figure(question: str) -> bool:
    """Tell whether a question asks for the figure of a year."""
    return _YEAR.search(question) is not None and _ASKS_ELSE.search(question) is None


def with_figure_row(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], where: RecallFilter
) -> list[Passage]:
    """Put the row that states the figure a question asks for before the passages.

    Tables are searched for again without the words that name a document: they stand on every page
    of it, and in few of its rows.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages, best first.
        where: The documents and times to look at.

    Returns:
        The passages, behind one that is cut to the row; unchanged where no row states the figure,
        or the question asks for none.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if not asks_for_figure(question) or not any(passage.place.kind in _TABLES for passage in passages):
        return list(passages)
    years = list(dict.fromkeys(_YEAR.findall(question)))
    topic = {term for term in query_terms(_YEAR.sub(" ", question)) if len(term) > 1} - _NO_TOPIC
    named = {passage.path: _naming(topic, passage.path) for passage in passages}
    names = max(named.values(), key=len)
    if not (asked := topic - names):
        return list(passages)
    words = [word for word in _WORD.findall(question) if not asked.isdisjoint(query_terms(word))]
    if names and not where.within:
        where = replace(where, within=tuple(path for path, naming in named.items() if naming == names))
    try:
        further = crystal.recall(" ".join([*words, *years]), _DEPTH, rerank=False, where=where).passages
    except NotFoundError:
        further = ()
    candidates = {(each.path, each.start): each for each in (*passages, *further) if _naming(topic, each.path) == names}
    is_share = _SHARE.search(question) is not None
    rows = [
        row
        for passage in candidates.values()
        for row in _figure_rows(crystal, passage, asked, years)
        if is_share or not row.is_share
    ]
    if not rows:
        return list(passages)
    best = max(rows, key=lambda row: (row.words, row.is_plain, row.value)).passage
    return [replace(best, score=passages[0].score, logit=passages[0].logit), *passages]


def _naming(topic: set[str], path: str) -> frozenset[str]:
    """Give the words of a topic that stand in the name of a document, written together or apart."""
    name = re.sub(r"[\W_]+", "", path.casefold())
    return frozenset(term for term in topic if term in name)


def _figure_rows(
    crystal: CrystalReader, passage: Passage, asked: set[str], years: Sequence[str]
) -> Iterator[_FigureRow]:
    """Yield the rows of a passage that state the figure that is asked for in years."""
    for match in _ROW.finditer(passage.text):
        above, _, label = match["label"].rpartition(": ")
        words = set(query_terms(_BRACKETED.sub(" ", label))) - _NO_TOPIC
        if not words & asked or not words <= asked | _WHOLE:
            continue
        cells = [cell.rpartition(": ") for cell in match["cells"].split("; ")]
        dated = [value for column, _, value in cells if years[0] in column]
        if not dated or not all(any(year in column for column, _, _ in cells) for year in years):
            continue
        number = _NUMBER.search(dated[0])
        start, end = passage.start + match.start(), passage.start + match.end()
        if number is None or not asked - words <= _caption(crystal, passage, start, above):
            continue
        place = replace(passage.place, start=start, end=end)
        cut = replace(passage, place=place, text=match[0], best=(start, end), allowed=())
        is_share = "%" in label or "%" in dated[0]
        is_plain = asked.issuperset(query_terms(" ".join(_QUALIFIER.findall(match["label"]))))
        yield _FigureRow(len(words & asked), float(number[0].replace(",", "")), is_plain, is_share, cut)


def _caption(crystal: CrystalReader, passage: Passage, start: int, label: str) -> set[str]:
    """Give the words above a row that say what its table is about, without its other rows."""
    above = _ROW.sub(" ", crystal.quote(passage.path, max(0, start - _CAPTION), start))
    return set(query_terms(f"{label} {passage.heading or ''} {above}"))
