"""The pronouns of an English question, and whether they mean something in it.

Knows: the order of words. Does not know: what a pronoun means that has no noun in its question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.answering.question.phrases import QuestionPhrase
from crystalcli.answering.question.word_classes import (
    ARTICLES,
    DEMONSTRATIVES,
    POSSESSIVES,
    PREPOSITIONS,
    QuestionWord,
)

_THIRD = frozenset(("he", "she", "it", "they", "him", "her", "them", "his", "hers", "its", "their", "theirs"))
_NOMINATIVE = ("he", "she", "they")
_OWNERS = ("his", "her", "its", "their")
_CLAUSES = re.compile("and|but|if|when|while|because|after|before|that|who|which|so|where|than|or|to|as|since|[,.;:?!]")
_NEAR_TIMES = ("year", "week", "month", "morning", "afternoon", "evening", "days", "weeks", "months", "time")
_BEFORE_CLAUSES = ("one", "ones", "those", "something", "anything", "all", "so")
# "It" that means nothing: "is it true that", "what time is it", "it takes".
_EXPLETIVE = re.compile(
    r"\b(?:is|was|isn['’]t|does|did|will|would|can|could|has|how|why) it (?:that\b|(?:is |be |been )?(?:true|possible|"
    r"necessary|allowed|likely|rain|snow|matter|take|mean|like to|raining|snowing)\b)|"
    r"\b(?:what|which) (?:time|day|year|date) (?:is|was) it\b|"
    r"\bit(?:['’]s| is| was) (?:\w+ )?(?:that|to|true|possible|who|when|raining)\b|"
    r"\bit (?:takes?|took|means?|rains?|rained|snows?|turns out)\b|\bwhat (?:does|did|would) it (?:mean|take)\b|"
    r"\bmake it (?:to|through|possible|in|on)\b",
    re.IGNORECASE,
)


def has_open_pronoun(question: str, words: Sequence[QuestionWord], nouns: Sequence[QuestionPhrase]) -> bool:
    """Tell whether a question has a pronoun that means nothing in it.

    Args:
        question: The question.
        words: Its words.
        nouns: Its noun phrases.
    """
    expletives = [match.span() for match in _EXPLETIVE.finditer(question)]
    for index, word in enumerate(words):
        if is_in_title(words, index) or any(low <= word.start < high and word.base == "it" for low, high in expletives):
            continue
        if word.base in DEMONSTRATIVES:
            if _points_back(words, index):
                return True
        elif (word.base in _THIRD or is_locative(words, index)) and not has_antecedent(words, index, nouns):
            return True
    return False


def is_in_title(words: Sequence[QuestionWord], index: int) -> bool:
    """Tell whether a word has a capital inside of a sentence, and so belongs to a name.

    Args:
        words: The words of a question.
        index: The word's number.
    """
    return words[index].text[0].isupper() and index > 0 and not words[index - 1].is_mark


def is_owner(words: Sequence[QuestionWord], index: int) -> bool:
    """Tell whether a pronoun stands before what it owns: "his ship", but not "after her".

    Args:
        words: The words of a question.
        index: The pronoun's number.
    """
    return words[index].lower in _OWNERS and index + 1 < len(words) and words[index + 1].is_content


def is_locative(words: Sequence[QuestionWord], index: int) -> bool:
    """Tell whether a word is "there" for a place, and not to say that something exists.

    Args:
        words: The words of a question.
        index: The word's number.
    """
    near = [words[n] for n in (index - 1, index + 1) if 0 <= n < len(words)]
    return words[index].lower == "there" and not any(word.is_auxiliary for word in near)


def has_antecedent(words: Sequence[QuestionWord], index: int, nouns: Sequence[QuestionPhrase]) -> bool:
    """Tell whether a pronoun can mean a noun before it: of an earlier clause, or as its owner.

    Args:
        words: The words of a question.
        index: The pronoun's number.
        nouns: The noun phrases of the question.
    """
    word = words[index]
    if any("'s" in words[n].lower and words[n].is_content for n in range(index - 1)):
        return True  # "What does Ann's letter remind her of?"
    # "The garden she visited" has a clause of its own, and so has "What did he wish he could do?".
    begins_clause = index > 0 and word.lower in _NOMINATIVE and words[index - 1].is_content
    border = index
    if not (begins_clause or is_owner(words, index)):
        border = max((n for n in range(index) if _CLAUSES.fullmatch(words[n].lower)), default=0)
    if word.lower in ("his", "her", "their", "they") and any(before.lower == "who" for before in words[:border]):
        return True
    possible = [noun for noun in nouns if noun.end <= words[border].start and _can_be_meant(noun)]
    # "The tribes that they met", "the tribes they met": they are not the tribes.
    if possible and (begins_clause or words[border].lower == "that") and possible[-1].end == words[border - 1].end:
        possible.pop()
    return bool(possible)


def _can_be_meant(noun: QuestionPhrase) -> bool:
    first = noun.text.split()[0].lower()
    return noun.is_name or first in ARTICLES | POSSESSIVES or noun.text.lower().endswith("s") or " " in noun.text


def _points_back(words: Sequence[QuestionWord], index: int) -> bool:
    """Tell whether "this", "that", "these" or "those" means something said before."""
    word = words[index].base
    before = words[index - 1] if index else None
    after = words[index + 1] if index + 1 < len(words) and not words[index + 1].is_mark else None
    if word in ("this", "these") and after is not None and after.lower in _NEAR_TIMES:
        return False
    if word in ("these", "those"):
        rest = [following.lower for following in words[index + 1 : index + 3]]
        return not any(following in ("who", "that", "which", "of", "whose") for following in rest)
    if word == "this":
        return True
    if before is not None and (before.is_content or before.lower in _BEFORE_CLAUSES):
        return after is None and before.is_content  # otherwise a conjunction or a relative pronoun
    if after is None or after.is_auxiliary:
        return after is None or before is None or before.lower not in PREPOSITIONS  # "a photo of that has"
    is_noun = after.is_content and not after.lower.endswith("s")
    return is_noun or after.lower in PREPOSITIONS or after.lower in ("and", "so", "or")
