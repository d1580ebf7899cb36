"""Resolves a name in a question to documents, or to sections of documents.

Examples: "Moby Dick", "app.py", "chapter 12 of Emma" or "docs". Names are compared with the
paths and titles of documents, the names of folders, and headings. A name means a document if all of
its words occur in a title, an author or a file's name, and are most of it: "Dorian Gray" is The
Picture of Dorian Gray, but "Ulysses" is not the Personal Memoirs of Ulysses S. Grant.

Knows: names in the ledger, headings. Does not know: texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from crystalcli.datatypes import HEADING_JOINT
from crystalcli.lexical import terms
from crystalcli.overview.chapters import list_headings
from crystalcli.storage import SourceRow, Store, headings_like, landmarks_of

# Share of a title's words that means the document; a single word must be more than that.
_ENOUGH = 0.5
# Divides a title into parts, such as subtitle and author.
_TITLE_JOINTS = re.compile(r"_+| - |[:;—–|()\[\]]|--|\bby\b")
# Nouns for a document, before or after its name.
_DOCUMENT_NOUNS = (
    "book|novel|story|tale|document|paper|article|report|essay|play|poem|file|thesis|manual|guide|lecture|transcript|module|"
    "script|folder|directory|package|repository|repo|project|codebase|chat|conversation|letter|text|"
    "textbook|handbook|novella|memoir|anthology|e-?book|pdf|presentation|spreadsheet|workbook|notebook"
)
_LEADING_NOUN = re.compile(
    rf"(?:the |this |that )?(?:\w+ )?(?:{_DOCUMENT_NOUNS})s?(?: called| named| titled| entitled| under)?,? (?=\S)",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"(?:the|this|that|these|my|our) ", re.IGNORECASE)
_TRAILING_NOUN = re.compile(rf"(?:['’]s)? (?:{_DOCUMENT_NOUNS})s?$", re.IGNORECASE)
_QUOTES = " \"'“”‘’«»`,;"
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905 - shorter
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
_SECTION_NOUNS = "chapter|part|book|volume|vol|letter|section|act|scene|canto|appendix|stave"
_SECTION = re.compile(
    rf"(?:the )?(?:(?P<kind>{_SECTION_NOUNS})\.? (?P<number>\d+(?:\.\d+)*|[ivxlcdm]+|{'|'.join(_NUMBER_WORDS)})|"
    rf"(?P<ordinal>{'|'.join(_ORDINALS)}|last|final) (?P<kind2>{_SECTION_NOUNS})|"
    rf"(?:{_SECTION_NOUNS})(?: called| named| titled| entitled| on)?,? (?P<title>\S.*?))"
    r"(?: (?:of|in|from) (?P<document>.+))?",
    re.IGNORECASE,
)  # fmt: skip
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


class DocumentRange(NamedTuple):
    """A range of a document.

    Attributes:
        source: The document.
        start: Its first character.
        end: The character after its last.
        label: The heading over it; "" for the whole document.
    """

    source: SourceRow
    start: int
    end: int
    label: str = ""


def whole_document(source: SourceRow) -> DocumentRange:
    """Return the range of a whole document."""
    return DocumentRange(source, 0, source.characters)


def resolve_documents(store: Store, sources: Sequence[SourceRow], phrase: str) -> list[DocumentRange]:
    """Resolve a name to documents or to a section of a document.

    Args:
        store: The crystal, for headings.
        sources: The documents to choose from.
        phrase: The name, as in a question.

    Returns:
        The ranges that the name means equally well; empty if it means none.
    """
    name = phrase.strip(_QUOTES)
    if not name:
        return []
    if (match := _SECTION.fullmatch(name)) is not None and (sections := _resolve_section(store, sources, match)):
        return sections
    without_article = _ARTICLE.sub("", name, count=1)
    without_noun = _LEADING_NOUN.sub("", name, count=1)
    for variant in (name, without_article, without_noun, _TRAILING_NOUN.sub("", without_article)):
        if documents := _best_documents(sources, variant.strip(_QUOTES)):
            return [whole_document(source) for source in documents]
    return _under_matching_headings(store, sources, without_article)


def nearest_names(sources: Sequence[SourceRow], phrase: str, most: int = 3) -> list[SourceRow]:
    """Return the documents whose names share most terms with a phrase, best first.

    Args:
        sources: The documents to choose from.
        phrase: The name that was not resolved.
        most: The most documents.
    """
    phrase_terms = _terms(phrase)
    shared = [(len(phrase_terms & _terms(f"{source.title} {source.path}")), source) for source in sources]
    best = sorted((pair for pair in shared if pair[0]), key=lambda pair: (-pair[0], pair[1].path))
    return [source for _, source in best[:most]]


# --- documents ------------------------------------------------------------------------------------


def _best_documents(sources: Sequence[SourceRow], phrase: str) -> list[SourceRow]:
    """Return the documents that a phrase names best: by path, folder, file name, or words."""
    name = phrase.strip("/").lower()
    by_path = [source for source in sources if source.path.lower() == name] or [
        source for source in sources if source.path.lower().endswith(f"/{name}")
    ]
    if by_path:
        return by_path
    in_folder = [source for source in sources if f"/{name}/" in f"/{source.path.lower()}"]
    if in_folder and ("/" in phrase or " " not in phrase):
        return in_folder
    by_stem = [source for source in sources if _stem(source.path).lower() == name]
    if by_stem:
        return by_stem
    words = _terms(phrase)
    if not words:
        return []
    scored = [(score, source) for source in sources if (score := _name_share(source, words)) > 0]
    best = max((score for score, _ in scored), default=0.0)
    return [source for score, source in scored if score == best]


def _name_share(source: SourceRow, words: set[str]) -> float:
    """Score words as the name of a document: the share of its title that they are, from 0 to 1.

    The score is 0 if they are too small a share, or if one of them does not occur.
    """
    pieces = [_terms(piece) for text in (source.title, _stem(source.path)) for piece in _TITLE_JOINTS.split(text)]
    pieces += [_terms(source.title), _terms(_stem(source.path))]
    if not words <= set().union(*pieces):
        return 0.0
    share = max((len(piece & words) / len(piece) for piece in pieces if piece), default=0.0)
    return share if share > _ENOUGH or (share == _ENOUGH and len(words) > 1) else 0.0


def _stem(path: str) -> str:
    """Return a file's name without folders and suffix."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _terms(text: str) -> set[str]:
    return {term for term, _ in terms(text.replace("_", " "))}


# --- sections of documents ------------------------------------------------------------------------


def _resolve_section(store: Store, sources: Sequence[SourceRow], match: re.Match[str]) -> list[DocumentRange]:
    """Resolve a match of `_SECTION` in the document that it names, or in the only document."""
    title = match["title"]
    if title is not None:
        # The title may contain "of", "in" or "from": try all of it before a part.
        to_the_end = match[0][match.start("title") :].strip(_QUOTES)
        if ranges := _under_matching_headings(store, sources, to_the_end):
            return ranges
    documents = (
        [resolved.source for resolved in resolve_documents(store, sources, match["document"])]
        if match["document"]
        else list(sources)
    )
    if not documents or (match["document"] is None and len(documents) > 1 and title is None):
        return []
    if title is not None:
        return _under_matching_headings(store, documents, title.strip(_QUOTES))
    noun = (match["kind"] or match["kind2"]).lower()
    number = _parse_number(match["number"] or match["ordinal"])
    is_last = number < 0
    for source in documents:
        headings = landmarks_of(store, source.id, "heading")
        own = [(heading.start, heading.path) for heading in list_headings(headings, source.characters)]
        numbered = [heading for heading in own if _is_numbered(heading[1], noun, None if is_last else number)]
        if numbered:
            return [_range_under(source, headings, *numbered[-1 if is_last else 0])]
    return []


def _is_numbered(label: str, noun: str, number: int | None) -> bool:
    """Return whether a heading is that of a chapter, part, ... of a number.

    Args:
        label: The heading.
        noun: "chapter", "part", ...
        number: The number; None for any.
    """
    leaf = label.rpartition(HEADING_JOINT)[2]
    match = re.match(rf"(?:({_SECTION_NOUNS})\.? )?(\d+|[IVXLCDM]+|{'|'.join(_NUMBER_WORDS)})\b", leaf, re.IGNORECASE)
    if match is None or (
        match[1] is None and (noun not in ("chapter", "section", "letter") or not match[2][0].isalnum())
    ):
        return False
    if match[1] is not None and match[1].lower() != noun:
        return False
    if match[1] is None and match[2].isalpha() and not match[2].isupper():
        return False
    return number is None or _parse_number(match[2]) == number


def _under_matching_headings(store: Store, sources: Sequence[SourceRow], phrase: str) -> list[DocumentRange]:
    """Return the ranges under the headings that a phrase is most of."""
    words = _terms(phrase)
    if not words or len(phrase) < 3:
        return []
    by_id = {source.id: source for source in sources}
    longest = max(re.findall(r"[^\W\d_]+", phrase), key=len, default=phrase)
    matches = []
    for source, start, label in headings_like(store, longest, 1000):
        leaf = _terms(re.sub(r"^(?:\d+|[IVXLCDM]+)\b\.?", "", label.rpartition(HEADING_JOINT)[2]))
        if source in by_id and leaf and words <= leaf and 2 * len(words) > len(leaf):
            matches.append((len(words) / len(leaf), source, start, label))
    best = max((match[0] for match in matches), default=0.0)
    return [
        _range_under(by_id[source], landmarks_of(store, source, "heading"), start, label)
        for share, source, start, label in matches
        if share == best
    ][:8]


def _range_under(source: SourceRow, headings: Sequence[tuple[int, str]], start: int, label: str) -> DocumentRange:
    """Return the range from a heading to the next one that is not below it.

    Args:
        source: The document.
        headings: Its headings: (first character, label).
        start: The first character of the heading.
        label: The heading.
    """
    below = label + HEADING_JOINT
    end = next((at for at, other in headings if at > start and not other.startswith(below)), source.characters)
    return DocumentRange(source, start, end, label)


def _parse_number(number: str) -> int:
    """Parse a number in digits, Roman numerals or words; -1 for "last" and "final"."""
    digits = number.lower().partition(".")[0]
    for words in (_NUMBER_WORDS, _ORDINALS):
        if digits in words:
            return words.index(digits) + 1
    if digits.isdecimal():
        return int(digits)
    if not digits or digits in ("last", "final"):
        return -1
    values = [_ROMAN.get(letter, 0) for letter in digits]
    pairs = zip(values, [*values[1:], 0], strict=False)
    return sum(-value if value < following else value for value, following in pairs)
