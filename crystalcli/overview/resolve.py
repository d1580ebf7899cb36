"""Which documents, or parts of them, are meant by a name in a question: "Moby Dick", "app.py", "chapter 12 of Emma", "docs".

Goes by the names and titles of documents, the names of folders, and headings. A name means a document when all of its words stand
there and they are most of a title, an author or a file's name: "Dorian Gray" is The Picture of Dorian Gray, but "Ulysses" is not the
Personal Memoirs of Ulysses S. Grant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from crystalcli.lexical import terms
from crystalcli.storage import SourceRow, Store, headings_like, landmarks_of
from crystalcli.types import HEADING_JOINT

_ENOUGH = 0.5  # of a title's words; one word by itself must be more than that
_PIECES = re.compile(r"_+| - |[:;—–|()\[\]]|--|\bby\b")
_KINDS = (  # what a document may be called before or after its name
    "book|novel|story|tale|document|paper|article|report|essay|play|poem|file|thesis|manual|guide|lecture|transcript|module|"
    "script|folder|directory|package|repository|repo|project|codebase|chat|conversation|letter|text"
)
_BEFORE = re.compile(
    rf"(?:the |this |that )?(?:\w+ )?(?:{_KINDS})s?(?: called| named| titled| entitled| under)?,? (?=\S)", re.IGNORECASE
)
_ARTICLE = re.compile(r"(?:the|this|that|these|my|our) ", re.IGNORECASE)
_AFTER = re.compile(rf"(?:['’]s)? (?:{_KINDS})s?$", re.IGNORECASE)
_QUOTES = " \"'“”‘’«»`,;"
_NUMBER_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905 - shorter so
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
_PART_KINDS = "chapter|part|book|volume|vol|letter|section|act|scene|canto|appendix|stave"
_PART = re.compile(
    rf"(?:the )?(?:(?P<kind>{_PART_KINDS})\.? (?P<number>\d+(?:\.\d+)*|[ivxlcdm]+|{'|'.join(_NUMBER_WORDS)})|"
    rf"(?P<ordinal>{'|'.join(_ORDINALS)}|last|final) (?P<kind2>{_PART_KINDS})|"
    rf"(?:{_PART_KINDS})(?: called| named| titled| entitled| on)?,? (?P<title>\S.*?))"
    r"(?: (?:of|in|from) (?P<document>.+))?",
    re.IGNORECASE,
)  # fmt: skip
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


class DocumentRange(NamedTuple):
    """A document, or the characters `[start, end)` of it under the heading `label`; "" for all of it."""

    source: SourceRow
    start: int
    end: int
    label: str = ""


def whole_document(source: SourceRow) -> DocumentRange:
    """All of a document."""
    return DocumentRange(source, 0, source.characters)


def resolve_documents(store: Store, sources: Sequence[SourceRow], phrase: str) -> list[DocumentRange]:
    """What `phrase` means among `sources`: one or more of them that it means equally well, or a part of one; [] for nothing."""
    bare = phrase.strip(_QUOTES)
    if not bare:
        return []
    if (part := _PART.fullmatch(bare)) is not None and (found := _parts(store, sources, part)):
        return found
    short = _ARTICLE.sub("", bare, count=1)
    for phrase_of_it in (bare, short, _BEFORE.sub("", bare, count=1), _AFTER.sub("", short)):
        if found_ones := _documents(sources, phrase_of_it.strip(_QUOTES)):
            return [whole_document(source) for source in found_ones]
    return _headed(store, sources, short)


def nearest_names(sources: Sequence[SourceRow], phrase: str, most: int = 3) -> list[SourceRow]:
    """The documents whose names share most with `phrase`, best first; none that shares nothing."""
    wanted = _terms(phrase)
    shared = [(len(wanted & _terms(f"{source.title} {source.path}")), source) for source in sources]
    best = sorted((each for each in shared if each[0]), key=lambda each: (-each[0], each[1].path))
    return [source for _, source in best[:most]]


# --- documents ----------------------------------------------------------------------------------------


def _documents(sources: Sequence[SourceRow], phrase: str) -> list[SourceRow]:
    """The documents that a phrase names best."""
    wanted = phrase.strip("/").lower()
    paths = [source for source in sources if source.path.lower() == wanted] or [
        source for source in sources if source.path.lower().endswith(f"/{wanted}")
    ]
    if paths:
        return paths
    folder = [source for source in sources if f"/{wanted}/" in f"/{source.path.lower()}"]
    if folder and ("/" in phrase or " " not in phrase):
        return folder
    stems = [source for source in sources if _stem(source.path).lower() == wanted]
    if stems:
        return stems
    words = _terms(phrase)
    if not words:
        return []
    scored = [(score, source) for source in sources if (score := _score(source, words)) > 0]
    best = max((score for score, _ in scored), default=0.0)
    return [source for score, source in scored if score == best]


def _score(source: SourceRow, words: set[str]) -> float:
    """How well words name a document, from 0 (not at all) to 1: the share of its title that they are."""
    pieces = [set(_terms(piece)) for text in (source.title, _stem(source.path)) for piece in _PIECES.split(text)]
    pieces += [_terms(source.title), _terms(_stem(source.path))]
    if not words <= set().union(*pieces):
        return 0.0
    share = max((len(piece & words) / len(piece) for piece in pieces if piece), default=0.0)
    return share if share > _ENOUGH or (share == _ENOUGH and len(words) > 1) else 0.0


def _stem(path: str) -> str:
    """A file's name without its folders and its ending."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _terms(text: str) -> set[str]:
    return {term for term, _ in terms(text.replace("_", " "))}


# --- parts of documents -------------------------------------------------------------------------------


def _parts(store: Store, sources: Sequence[SourceRow], part: re.Match[str]) -> list[DocumentRange]:
    """The chapter that is meant, in the document that is named, or in the only one."""
    if part["title"] is not None and (found := _headed(store, sources, part[0][part.start("title") :].strip(_QUOTES))):
        return found
    among = (
        [each.source for each in resolve_documents(store, sources, part["document"])]
        if part["document"]
        else list(sources)
    )
    if not among or (part["document"] is None and len(among) > 1 and part["title"] is None):
        return []
    if part["title"] is not None:
        return _headed(store, among, part["title"].strip(_QUOTES))
    kind = (part["kind"] or part["kind2"]).lower()
    number = _value_of(part["number"] or part["ordinal"])
    for source in among:
        headings = landmarks_of(store, source.id, "heading")
        wanted = None if number < 0 else number
        numbered = [each for each in headings if _numbered(each[1], kind, wanted)]
        if numbered:
            return [_under(source, headings, *numbered[-1 if number < 0 else 0])]
    return []


def _numbered(label: str, kind: str, number: int | None) -> bool:
    """Whether a heading is that of the chapter, part, ... of that number; number None: of any."""
    leaf = label.rpartition(HEADING_JOINT)[2]
    found = re.match(rf"(?:({_PART_KINDS})\.? )?(\d+|[IVXLCDM]+|{'|'.join(_NUMBER_WORDS)})\b", leaf, re.IGNORECASE)
    if found is None or (
        found[1] is None and (kind not in ("chapter", "section", "letter") or not found[2][0].isalnum())
    ):
        return False
    if found[1] is not None and found[1].lower() != kind:
        return False
    if found[1] is None and found[2].isalpha() and not found[2].isupper():
        return False
    return number is None or _value_of(found[2]) == number


def _headed(store: Store, sources: Sequence[SourceRow], phrase: str) -> list[DocumentRange]:
    """The stretches under the headings that `phrase` is most of."""
    words = _terms(phrase)
    if not words or len(phrase) < 3:
        return []
    by_id = {source.id: source for source in sources}
    longest = max(re.findall(r"[^\W\d_]+", phrase), key=len, default=phrase)
    found = []
    for source, start, label in headings_like(store, longest, 1000):
        leaf = _terms(re.sub(r"^(?:\d+|[IVXLCDM]+)\b\.?", "", label.rpartition(HEADING_JOINT)[2]))
        if source in by_id and leaf and words <= leaf and 2 * len(words) > len(leaf):
            found.append((len(words) / len(leaf), source, start, label))
    best = max((each[0] for each in found), default=0.0)
    return [
        _under(by_id[source], landmarks_of(store, source, "heading"), start, label)
        for share, source, start, label in found
        if share == best
    ][:8]


def _under(source: SourceRow, headings: Sequence[tuple[int, str]], start: int, label: str) -> DocumentRange:
    """From a heading to the next one that is not below it."""
    below = label + HEADING_JOINT
    end = next((at for at, other in headings if at > start and not other.startswith(below)), source.characters)
    return DocumentRange(source, start, end, label)


def _value_of(number: str) -> int:
    """A number in digits, Roman numerals or words; -1 for the last."""
    low = number.lower().partition(".")[0]
    for words in (_NUMBER_WORDS, _ORDINALS):
        if low in words:
            return words.index(low) + 1
    if low.isdecimal():
        return int(low)
    values = [_ROMAN.get(letter, 0) for letter in low] if low not in ("last", "final") else []
    return (
        sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=False))
        if values
        else -1
    )
