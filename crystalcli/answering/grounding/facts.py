"""The facts of a sentence that can be looked up: names, numbers, identifiers, quotations.

Knows: the look of English. Does not know: the meaning of a sentence. A fact that is denied, or said
of the wrong one of two names that both stand there, passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from crystalcli.answering.grounding.number_words import MONTHS, Number, find_numbers
from crystalcli.lexical import word_spans

NAME, NUMBER, IDENTIFIER, QUOTATION = "name", "number", "identifier", "quotation"


class StatedFact(NamedTuple):
    """A fact that has to stand in a source.

    Attributes:
        kind: NAME, NUMBER, IDENTIFIER or QUOTATION.
        text: The words of the sentence.
        start: Their first character, in the sentence.
        number: The number, where it is one; else None.
    """

    kind: str
    text: str
    start: int
    number: Number | None = None


_TOKEN = re.compile(r"[^\W_](?:\w|['’.\-/&](?=\w))*|_\w+")
_APART = re.compile(r"[-'’./_&]+")
_MEASURE = re.compile(r"\d[\d.,:]*(?:[^\W\d_]{0,3}|%)\Z")  # 5kg, 3rd, 04:10: a number for the most part
_INNER = re.compile(r"[a-z0-9][A-Z]|_|\.(?=[^\W\d_]{2})|\(\)")
_CODE = re.compile(r"`([^`\n]{1,200})`")
_FLAG = re.compile(r"(?<![\w-])--[a-z][\w-]*", re.IGNORECASE)
_QUOTED = re.compile(
    r"“([^“”]*)(?:”|\Z)|\"([^\"]*)(?:\"|\Z)|«([^«»]*)(?:»|\Z)|„([^„“”]*)(?:[“”]|\Z)|(?<!\w)['‘]([^'‘’\n]+)['’](?!\w)"
)
_SENTENCE_START = re.compile(r"(?:\A|[“\"«„:(\[]|\n)[\s\W]*\Z")  # before the first word of a sentence
_DATE = re.compile(r"\b\d{4}-(\d{2})-\d{2}\b|\b\d{1,2}[/.](\d{1,2})[/.]\d{2,4}\b|\b(\d{1,2})/\d{1,2}/\d{2,4}\b")
TITLES = frozenset("mr mrs ms miss dr prof professor sir lady lord madam st saint".split())  # noqa: SIM905
# Words that may begin a sentence before a name and are no part of it. The lexical index knows the
# function words.
_OPENERS = frozenset(
    """
    according after again all also although because before both but during each earlier even every finally first however instead
    later like many meanwhile most near next no now once one only other perhaps please several since some still though through
    today under until while yes yesterday two three four five
    """.split()  # noqa: SIM905 - a list would take a page
)
_SHOUTED = frozenset(("NOT", "NO", "AND", "OR", "THE", "ALL", "ONLY", "AM", "PM"))
_SCALED = re.compile(r"\bin (thousands|millions|billions)\b", re.IGNORECASE)  # said once, of a whole table
_SCALES = {"thousands": Decimal(10**3), "millions": Decimal(10**6), "billions": Decimal(10**9)}
_TIME = re.compile(r"(?<![\d.:])(\d{1,2})[.:](\d\d)(?![\d.:])")
_COMMON = frozenset(map(Decimal, (0, 1)))  # `one of them` counts nothing


def find_facts(sentence: str) -> list[StatedFact]:
    """List the facts of a sentence, in order, each once; of a quotation only the whole.

    Args:
        sentence: The sentence.
    """
    whole = [StatedFact(QUOTATION, text, start) for start, text in find_quotations(sentence)]
    whole += [StatedFact(IDENTIFIER, m[1].strip(), m.start(1)) for m in _CODE.finditer(sentence) if m[1].strip()]
    whole += [StatedFact(IDENTIFIER, m[0], m.start()) for m in _FLAG.finditer(sentence)]
    parts = list(_names(sentence))
    for number in sorted(find_numbers(sentence)):
        if not _inside(number.start, parts) and not _is_common(sentence, number):
            parts.append(StatedFact(NUMBER, sentence[number.start : number.end].strip(), number.start, number))
    outside = [part for part in parts if not _inside(part.start, whole)]
    facts: dict[str, StatedFact] = {}
    for fact in sorted([*whole, *outside], key=lambda fact: fact.start):
        facts.setdefault(fact.text.casefold(), fact)
    return list(facts.values())


def _inside(position: int, facts: Iterable[StatedFact]) -> bool:
    return any(fact.start <= position < fact.start + len(fact.text) for fact in facts)


def find_quotations(text: str) -> Iterator[tuple[int, str]]:
    """Find the quotations of a text; one that is not closed goes to the end.

    Args:
        text: The text.

    Yields:
        The first character of the quotation, and its words without the marks.
    """
    for match in _QUOTED.finditer(text):
        group = next((number for number in range(1, 6) if match[number] is not None), 0)
        words = match[group].strip() if group else ""
        if any(letter.isalnum() for letter in words):
            yield match.start(group) + len(match[group]) - len(match[group].lstrip()), words


def _names(sentence: str) -> Iterator[StatedFact]:
    """Find capitalised words that do not begin the sentence, words in capitals, identifiers."""
    tokens = list(_TOKEN.finditer(sentence))
    for index, match in enumerate(tokens):
        word = match[0]
        if _MEASURE.match(word):
            continue
        letters = [letter for letter in word if letter.isalpha()]
        if len(letters) > 1 and _INNER.search(word) and not _is_initials(word):
            yield StatedFact(IDENTIFIER, word, match.start())
            continue
        if any(letter.isdigit() for letter in word) and letters:
            yield StatedFact(NAME, word, match.start())
            continue
        if not word[0].isupper() or word == "I" or word.startswith(("I'", "I’")):
            continue
        capitals = len(letters) > 1 and all(letter.isupper() for letter in letters)
        if word in _SHOUTED or (not capitals and (_is_function(word) or word.lower() in TITLES)):
            continue
        if not capitals and _SENTENCE_START.search(sentence, 0, match.start()):
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            if following is None or sentence[match.end() : following.start()] != " ":
                continue
            if not following[0][0].isupper() or _is_function(following[0]) or following[0] == "I":
                continue
            if word.lower() in _OPENERS or word.endswith("ly"):
                continue
        yield StatedFact(NAME, word, match.start())


def _is_function(word: str) -> bool:
    return not any(term for _, _, term in word_spans(word.split("'")[0].split("’")[0]))


def _is_initials(word: str) -> bool:
    return all(len(part) <= 1 for part in word.split("."))


def _is_common(sentence: str, number: Number) -> bool:
    """Tell whether a number is `one`, `first` or the like, in words, and counts nothing."""
    return not sentence[number.start].isdigit() and not number.unit and number.values <= _COMMON


def is_counted(fact: StatedFact) -> bool:
    """Tell whether a fact is a number in words, such as "three rules" and "second in command"."""
    return fact.number is not None and not any(letter.isdigit() for letter in fact.text)


class FactIndex:
    """The words and numbers of texts, for looking up facts.

    Args:
        texts: The texts.
    """

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
        for match in _TIME.finditer(self._text):  # 06.55 is 06:55
            for part in match.groups():
                self._numbers.setdefault(Decimal(part), set()).add("")
        for scale in {_SCALES[match[1].lower()] for match in _SCALED.finditer(self._text)}:
            for value, units in list(self._numbers.items()):
                self._numbers.setdefault(value * scale, set()).update(units)
        for match in _DATE.finditer(self._text):
            for group in filter(None, match.groups()):
                if 1 <= int(group) <= 12:
                    self._words.add(MONTHS[int(group) - 1])
        for position, month in enumerate(MONTHS, 1):
            if month in self._words and re.search(rf"\b{month.title()}\b", self._text):
                self._numbers.setdefault(Decimal(position), set()).add("")
        self._words.discard("")

    def holds(self, fact: StatedFact) -> bool:
        """Tell whether a fact stands in the texts.

        A quotation stands there by its text, but for white space and the forms of quotation marks
        and dashes; a name by the word, whatever its case, with or without a plural or possessive
        ending; a number by its value, whatever its form, where a sign of currency or a per cent
        must not meet another one.

        Args:
            fact: The fact.
        """
        if fact.number is not None:
            units = [self._numbers[value] for value in fact.number.values if value in self._numbers]
            return any(not fact.number.unit or fact.number.unit in some or "" in some for some in units)
        if fact.kind == QUOTATION:
            words = _straight(" ".join(fact.text.split())).casefold().rstrip(".,;:!?… ")
            return _contains_words(self._folded, words)
        if fact.kind == IDENTIFIER:
            return _contains_words(self._text.casefold(), fact.text.removesuffix("()").casefold())
        word = fact.text.casefold()
        if self._has_word(word) or self._has_word(word.replace(".", "")):
            return True
        parts = [part for part in _APART.split(word) if part]
        return len(parts) > 1 and all(
            self._has_word(part) or (part.isdecimal() and Decimal(part) in self._numbers)
            for part in parts
            if part != "s"
        )

    def _has_word(self, word: str) -> bool:
        bare = word.removesuffix("'s").removesuffix("’s")
        stems = {bare, bare.removesuffix("s"), bare.removesuffix("es")} - {""}
        return any(form in self._words for stem in stems for form in (stem, stem + "s", stem + "es"))


def _contains_words(text: str, words: str) -> bool:
    """Tell whether `text` has `words`, not as a part of longer words."""
    if not words:
        return True
    left = r"(?<!\w)" if words[0].isalnum() else ""
    right = r"(?!\w)" if words[-1].isalnum() else ""
    return re.search(left + re.escape(words) + right, text) is not None


def _straight(text: str) -> str:
    """Give the text one form of quotation marks and dashes."""
    return text.translate(_FORMS)


_FORMS = {
    ord(form): plain
    for plain, forms in (("'", "‘’‚ʼ"), ('"', "“”„«»"), ("-", "‐‑‒–—―"), ("...", "…"))
    for form in forms
}
