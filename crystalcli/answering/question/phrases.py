"""The phrases of an English question: its names, and the nouns that it speaks about.

    "Why did Ann leave the harbour office?"   names: Ann; nouns: Ann, the harbour office

No tagger takes part. A noun phrase is a run of words up to the next function word or frequent verb;
of "Does the engine work?" the last word is taken for the verb.

Knows: the look of questions. Does not know: conversations.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crystalcli.answering.question.word_classes import (
    ARTICLES,
    DEMONSTRATIVES,
    POSSESSIVES,
    PREPOSITIONS,
    QUANTITIES,
    WH,
    QuestionWord,
    split_words,
)
from crystalcli.lexical import word_spans

_INNER = ("of", "the", "and", "de", "von")  # words inside of a name: "Isle of Wight"
_DO = ("do", "does", "did", "don", "doesn", "didn", "can", "could", "will", "would", "shall", "should", "may", "must")
_BE = ("is", "are", "was", "were", "isn", "aren", "wasn", "weren", "has", "have", "had")
_DEGREES = ("very", "so", "really", "quite", "too")
_BEFORE_VERBS = ("i", "you", "he", "she", "it", "we", "they", "to", "who", "not", "how")
_GENITIVE = re.compile(r"['’]s$")
_ARTICLE = re.compile(r"^(?:the|a|an) ", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QuestionPhrase:
    """A name or a noun phrase of a question.

    Attributes:
        text: As written, with its article.
        start: Its first character, in the question.
        is_name: Whether it is a proper name or an identifier.
    """

    text: str
    start: int
    is_name: bool

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.start + len(self.text)

    @property
    def determiner(self) -> str:
        """Its article or possessive, in lower case; "" without one."""
        first = self.text.split()[0].lower()
        return first if first in ARTICLES | POSSESSIVES else ""

    @property
    def stems(self) -> list[str]:
        """Its words, stemmed, without stop words."""
        return stems(self.text)


def stems(text: str) -> list[str]:
    """Stem the words of a text; stop words are left out.

    Args:
        text: The text.
    """
    return [term for _, _, term in word_spans(text.replace("_", " ")) if term]


def proper_names(text: str) -> list[QuestionPhrase]:
    """Find the proper names and identifiers of a text, in order.

    A capital at the start of a sentence makes a name only where another one follows.

    Args:
        text: The text.
    """
    words = split_words(text)
    found: list[QuestionPhrase] = []
    index = 0
    while index < len(words):
        first, begins = words[index], index == 0 or words[index - 1].text in '.?!:"“('
        if not _has_name_form(first) or (begins and first.is_verb):
            index += 1
            continue
        last = _name_end(text, words, index)
        if last > index or not begins or _is_odd(first.text):
            found.append(QuestionPhrase(_GENITIVE.sub("", text[first.start : words[last].end]), first.start, True))
        index = last + 1
    return found


def _name_end(text: str, words: Sequence[QuestionWord], first: int) -> int:
    """Find the last word of a name."""
    last = first
    while True:
        following = last + 1
        while following < len(words) and following - last <= 2 and words[following].lower in _INNER:
            following += 1
        if following >= len(words) or not _joined(text, words[last : following + 1]):
            return last
        if not (_has_name_form(words[following]) or words[following].text.isdigit()):
            return last
        if following > last + 1 and words[last + 1].lower == "and" and last > first:
            return last  # "Ann Hill and Bob": two names
        last = following


def _has_name_form(word: QuestionWord) -> bool:
    return word.is_content and (word.text[0].isupper() or _is_odd(word.text))


def _is_odd(word: str) -> bool:
    """Tell whether a word is an identifier or an abbreviation, or has a digit among letters."""
    if sum(letter.isalpha() for letter in word) < 2:
        return False
    return re.search(r"_|\(\)|\d", word) is not None or any(letter.isupper() for letter in word[1:])


def _joined(text: str, words: Sequence[QuestionWord]) -> bool:
    return all(text[one.end : other.start] == " " for one, other in pairwise(words))


def noun_phrases(text: str) -> list[QuestionPhrase]:
    """Find the names and noun phrases of a question, in order; none overlaps another.

    Args:
        text: The question.
    """
    names, words = proper_names(text), split_words(text)
    found: list[QuestionPhrase] = []
    index = 0
    while index < len(words):
        first = index
        if not _begins_noun(words, first, names):
            index += 1
            continue
        while index + 1 < len(words) and _continues(text, words, index, names):
            index += 1
        last = index - _has_trailing_verb(words, first, index, names)
        index += 1
        if _is_predicate(words, first, last, names):
            continue
        has_determiner = bool(first) and words[first - 1].lower in ARTICLES | POSSESSIVES | DEMONSTRATIVES
        start = words[first - has_determiner].start
        phrase = _GENITIVE.sub("", text[start : words[last].end])
        length = len(_ARTICLE.sub("", phrase))
        is_name = any(start <= name.start < words[last].end and len(name.text) >= length for name in names)
        found.append(QuestionPhrase(phrase, start, is_name))
    return found


def _begins_noun(words: Sequence[QuestionWord], index: int, names: Sequence[QuestionPhrase]) -> bool:
    word = words[index]
    if word.lower == "causes" and index and words[index - 1].lower == "what":
        return False
    return word.is_content and (not word.is_verb or _inside(word, names))


def _continues(text: str, words: Sequence[QuestionWord], index: int, names: Sequence[QuestionPhrase]) -> bool:
    """Tell whether the next word belongs to the phrase of this one."""
    following = words[index + 1]
    if text[words[index].end : following.start].strip() or following.is_mark:
        return False
    is_inside = _inside(following, names)
    return (is_inside and following.lower in _INNER) or (following.is_content and (is_inside or not following.is_verb))


def _is_predicate(words: Sequence[QuestionWord], first: int, last: int, names: Sequence[QuestionPhrase]) -> bool:
    """Tell whether a run of words is no noun: a verb behind a pronoun, an adjective, a reaction."""
    if first != last or _inside(words[first], names):
        return False
    before = words[first - 1].lower if first else "."
    is_alone = before in ".!,?;" and last + 1 < len(words) and words[last + 1].text in ".!,;"
    # "Why is it famous?", but not "What is yoga?"
    is_adjective = before.split("'")[0] in _BE and (first < 2 or words[first - 2].lower not in WH)
    return is_alone or is_adjective or before in _BEFORE_VERBS + _DEGREES


def _has_trailing_verb(words: Sequence[QuestionWord], first: int, last: int, names: Sequence[QuestionPhrase]) -> bool:
    """Tell whether the last word of a run is its verb or adjective: "does the engine work?"."""
    if first == last or _inside(words[last], names):
        return False
    openers = ARTICLES | POSSESSIVES | DEMONSTRATIVES | QUANTITIES
    before = next((words[n].base for n in range(first - 1, -1, -1) if words[n].lower not in openers), "")
    after = words[last + 1] if last + 1 < len(words) else None
    if after is not None and not after.is_mark and (after.is_verb or after.is_auxiliary):
        return False
    if before in _DO:
        return True
    if before not in _BE:
        return False
    is_end = after is None or after.is_mark
    if is_end and words[0].base in ("why", "how", *_BE):
        return True  # "Why is the sea salty?"
    is_stranded = not is_end and after is not None and after.lower in PREPOSITIONS and _ends(words, last + 2)
    return is_stranded or words[last].lower.endswith("ed")


def _ends(words: Sequence[QuestionWord], index: int) -> bool:
    return index >= len(words) or words[index].is_mark


def _inside(word: QuestionWord, phrases: Sequence[QuestionPhrase]) -> bool:
    return any(phrase.start <= word.start < phrase.end for phrase in phrases)
