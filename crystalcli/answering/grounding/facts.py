"""What a sentence states that can be looked up: names, numbers, identifiers, and words in quotation marks.

Knows the look of English. Does not know what a sentence means: that something is denied, or said of the wrong one of two
names that are both there, is out of its sight.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from crystalcli.answering.grounding.number_words import MONTHS, Number, find_numbers
from crystalcli.lexical import word_spans

NAME, NUMBER, IDENTIFIER, QUOTATION = "name", "number", "identifier", "quotation"


class Fact(NamedTuple):
    """Something that has to stand in a source. kind: one of the four above. text: as it is said. number: where it is one."""

    kind: str
    text: str
    start: int
    number: Number | None = None


_TOKEN = re.compile(r"[^\W_](?:\w|['’.\-/&](?=\w))*|_\w+")
_APART = re.compile(r"[-'’./_&]+")
_MEASURED = re.compile(r"\d[\d.,:]*(?:[^\W\d_]{0,3}|%)\Z")  # 5kg, 3rd, 04:10: a number for the most part
_INNER = re.compile(r"[a-z0-9][A-Z]|_|\.(?=[^\W\d_]{2})|\(\)")
_CODE = re.compile(r"`([^`\n]{1,200})`")
_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*", re.IGNORECASE)
_QUOTED = re.compile(
    r"“([^“”]*)(?:”|\Z)|\"([^\"]*)(?:\"|\Z)|«([^«»]*)(?:»|\Z)|„([^„“”]*)(?:[“”]|\Z)|(?<!\w)['‘]([^'‘’\n]+)['’](?!\w)"
)
_OPENS = re.compile(r"(?:\A|[“\"«„:(\[]|\n)[\s\W]*\Z")  # what stands before the first word of a sentence
_ISO = re.compile(r"\b\d{4}-(\d{2})-\d{2}\b|\b\d{1,2}[/.](\d{1,2})[/.]\d{2,4}\b|\b(\d{1,2})/\d{1,2}/\d{2,4}\b")
TITLES = frozenset("mr mrs ms miss dr prof professor sir lady lord madam st saint".split())  # noqa: SIM905
# Words that begin a sentence before a name and are none; function words are known to the lexical index.
_OPENERS = frozenset(
    """
    according after again all also although because before both but during each earlier even every finally first however instead
    later like many meanwhile most near next no now once one only other perhaps please several since some still though through
    today under until while yes yesterday two three four five
    """.split()  # noqa: SIM905 - a list would take a page
)
_SHOUTED = frozenset(("NOT", "NO", "AND", "OR", "THE", "ALL", "ONLY"))
_COMMON = frozenset(map(Decimal, (0, 1)))  # `one of them` counts nothing


def find_facts(sentence: str) -> list[Fact]:
    """What `sentence` states that can be looked up, in order, each once; of what stands in quotation marks only the whole."""
    whole = [Fact(QUOTATION, text, start) for start, text in quotations(sentence)]
    whole += [Fact(IDENTIFIER, m[1].strip(), m.start(1)) for m in _CODE.finditer(sentence) if m[1].strip()]
    whole += [Fact(IDENTIFIER, m[0], m.start()) for m in _FLAG.finditer(sentence)]
    parts = list(_names(sentence))
    for number in sorted(find_numbers(sentence)):
        if not _inside(number.start, parts) and not _is_common(sentence, number):
            parts.append(Fact(NUMBER, sentence[number.start : number.end].strip(), number.start, number))
    found: dict[str, Fact] = {}
    for fact in sorted(
        [*whole, *(part for part in parts if not _inside(part.start, whole))], key=lambda each: each.start
    ):
        found.setdefault(fact.text.casefold(), fact)
    return list(found.values())


def _inside(place: int, found: Iterable[Fact]) -> bool:
    return any(fact.start <= place < fact.start + len(fact.text) for fact in found)


def quotations(text: str) -> Iterator[tuple[int, str]]:
    """What stands between quotation marks, with where it begins; a quotation that is not closed goes to the end."""
    for match in _QUOTED.finditer(text):
        group = next((number for number in range(1, 6) if match[number] is not None), 0)
        said = match[group].strip() if group else ""
        if any(letter.isalnum() for letter in said):
            yield match.start(group) + len(match[group]) - len(match[group].lstrip()), said


def _names(sentence: str) -> Iterator[Fact]:
    """Capitalised words that do not begin the sentence, words in capitals, identifiers."""
    tokens = list(_TOKEN.finditer(sentence))
    for index, match in enumerate(tokens):
        word = match[0]
        if _MEASURED.match(word):
            continue
        letters = [letter for letter in word if letter.isalpha()]
        if len(letters) > 1 and _INNER.search(word) and not _is_initials(word):
            yield Fact(IDENTIFIER, word, match.start())
            continue
        if any(letter.isdigit() for letter in word) and letters:
            yield Fact(NAME, word, match.start())
            continue
        if not word[0].isupper() or word == "I" or word.startswith(("I'", "I’")):
            continue
        capitals = len(letters) > 1 and all(letter.isupper() for letter in letters)
        if word in _SHOUTED or (not capitals and (_is_function(word) or word.lower() in TITLES)):
            continue
        if not capitals and _OPENS.search(sentence, 0, match.start()):
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            if following is None or sentence[match.end() : following.start()] != " ":
                continue
            if not following[0][0].isupper() or _is_function(following[0]) or following[0] == "I":
                continue
            if word.lower() in _OPENERS or word.endswith("ly"):
                continue
        yield Fact(NAME, word, match.start())


def _is_function(word: str) -> bool:
    return not any(term for _, _, term in word_spans(word.split("'")[0].split("’")[0]))


def _is_initials(word: str) -> bool:
    return all(len(part) <= 1 for part in word.split("."))


def _is_common(sentence: str, number: Number) -> bool:
    """Whether it is `one`, `first` or the like, in words, and nothing counted."""
    return not sentence[number.start].isdigit() and not number.unit and number.values <= _COMMON


class Known:
    """The words, numbers and texts that facts are looked up in."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._text = "\n".join(" ".join(text.split()) for text in texts)
        self._folded = _straight(self._text).casefold()
        self._words: set[str] = set()
        self._numbers: dict[Decimal, set[str]] = {}
        for match in _TOKEN.finditer(self._text):
            word = match[0].casefold()
            self._words.update((word, word.replace(".", ""), *_APART.split(word)))
        for number in find_numbers(self._text):
            for value in number.values:
                self._numbers.setdefault(value, set()).add(number.unit)
        for match in _ISO.finditer(self._text):
            for group in filter(None, match.groups()):
                if 1 <= int(group) <= 12:
                    self._words.add(MONTHS[int(group) - 1])
        for position, month in enumerate(MONTHS, 1):
            if month in self._words and re.search(rf"\b{month.title()}\b", self._text):
                self._numbers.setdefault(Decimal(position), set()).add("")
        self._words.discard("")

    def holds(self, fact: Fact) -> bool:
        """Whether the fact's words stand there, letter for letter, or its number in some form.

        Quotations go by their text, but for white space and the forms of quotation marks and dashes; names by the word, whatever
        its case, with or without a plural or possessive ending; numbers by their value, where a sign of currency or a per cent
        must not meet another one.
        """
        if fact.number is not None:
            units = [self._numbers[value] for value in fact.number.values if value in self._numbers]
            return any(not fact.number.unit or fact.number.unit in each or "" in each for each in units)
        if fact.kind == QUOTATION:
            said = _straight(" ".join(fact.text.split())).casefold().rstrip(".,;:!?… ")
            return _stands(said, self._folded)
        if fact.kind == IDENTIFIER:
            return _stands(fact.text.removesuffix("()").casefold(), self._text.casefold())
        word = fact.text.casefold()
        if self._has(word) or self._has(word.replace(".", "")):
            return True
        parts = [part for part in _APART.split(word) if part]
        return len(parts) > 1 and all(
            self._has(part) or (part.isdecimal() and Decimal(part) in self._numbers) for part in parts if part != "s"
        )

    def _has(self, word: str) -> bool:
        bare = word.removesuffix("'s").removesuffix("’s")
        stems = {bare, bare.removesuffix("s"), bare.removesuffix("es")} - {""}
        return any(form in self._words for stem in stems for form in (stem, stem + "s", stem + "es"))


def _stands(words: str, text: str) -> bool:
    """Whether `words` stand in `text`, not as a part of longer words."""
    if not words:
        return True
    before = r"(?<!\w)" if words[0].isalnum() else ""
    after = r"(?!\w)" if words[-1].isalnum() else ""
    return re.search(before + re.escape(words) + after, text) is not None


def _straight(text: str) -> str:
    """The text with one form of quotation marks and dashes."""
    return text.translate(_FORMS)


_FORMS = {
    ord(form): plain
    for plain, forms in (("'", "‘’‚ʼ"), ('"', "“”„«»"), ("-", "‐‑‒–—―"), ("...", "…"))
    for form in forms
}
