"""The follow-up: the mark by which an English question leans on those before it.

Knows: words and forms. Does not know: how a question is rewritten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from crystalcli.answering.conversation.pronouns import has_open_pronoun
from crystalcli.answering.question.phrases import QuestionPhrase, noun_phrases, proper_names, stems
from crystalcli.answering.question.word_classes import WH, QuestionWord, split_words


class LeanMark(StrEnum):
    """The mark by which a question leans on those before it."""

    OPENER = "opener"  # "and before him?", "what about Ann?"
    BARE = "bare"  # "why?", "which one?": it says nothing by itself
    FRAGMENT = "fragment"  # "in Dracula?": no clause
    PRONOUN = "pronoun"  # "when was he born?"
    OTHER = "other"  # "the other one", "what else", "the second"
    DEFINITE = "definite"  # "the expedition", after "the Lewis and Clark expedition"
    RELATION = "relation"  # "what are the causes?": of what, the question does not say
    SHORT = "short"  # "any visible signs?": it says too little to be found by itself


# Nouns of something else, which the question has to name.
RELATIONS = frozenset(
    stems(
        "cause effect symptom treatment cure type kind sort example advantage disadvantage benefit drawback risk danger "
        "history purpose role impact origin reason consequence result outcome function meaning definition difference "
        "alternative feature property component part step requirement variation solution price cost age size author founder "
        "owner winner capital population limitation condition process method rule detail issue problem option factor "
        "criticism challenge objective goal class stage level use way basis time thing lot rest best symbolism ending plot "
        "title"
    )
)
# Nouns that take up something that has been named.
_SUMMARIES = frozenset(
    stems(
        "system method region area city town country place movie film team event company organization group era period war "
        "theory article experiment product character person man woman girl boy option idea program project plan law case "
        "show series game trip treaty battle device machine disease drug treatment situation"
    )
)
_OPENER = re.compile(
    r"(?:and|or|but|then|also|plus|because|(?:what|how) about|what if)\b[ ,]|"
    r"(?:(?:no|not|sorry)\b[^.?!]{0,12}\b)?i meant?\b",
    re.IGNORECASE,
)
_REACTION = re.compile(
    r"(?:(?:(?:that|this|it)(?:['’]s| is| was| sounds?| seems?| looks?)|oh|wow|okay|ok|i see|thanks?|great|cool|interesting|"
    r"fair|never|well|hmm+|no|yes|sounds)\b[^.?!]*[.!]\s+(?=\w))+",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"\b(?:others(?=\W*$)|else\b(?! than)|"
    r"(?:the|this|that|which|other|these|those|another) ones?\b(?! (?:of|where|that|who|which|in|thing)\b)|\w+ ones\b|"
    r"(?:of )?the (?:two|three|four)(?: \w+)?(?=\W*$)|the (?:former|latter)\b|"
    r"the (?:first|second|third|last|next|same)(?: one)?(?=\W*$)|(?<!the )(?<!a )one(?=\W*$)|(?:how|why) so\b|why not\b)",
    re.IGNORECASE,
)
_ANOTHER = re.compile(r"\b(?:another|others?|more)\b(?! than)|\bboth(?: \w+)?(?=\W*$)", re.IGNORECASE)
# A comparison with something that is not named, or of something: "which is healthiest?".
_COMPARISON = re.compile(
    r"\b(?:differ|compare|different|similar)\W*$|"
    r"^(?:what|which) (?:type|kind|sort|option|version|part)s? (?!of\b|\w+ of\b)|"
    r"\bthe (?:(?!forest|harvest|interest|request|guest|west|rest|test|nest|chest|priest)\w{2,}est|best|worst|most \w+)"
    r"(?= (?:in|of|on|at|for|ever|to)\b|\W*$)|"
    r"^\W*(?:which|what|who)(?: one)?(?:['’]s| is| are| was| were) (?:the )?"
    r"(?:(?:more|most|less|least) \w+|\w{3,}er|\w{3,}est)\W*$",
    re.IGNORECASE,
)
# "What is a trope?", "who is irene adler", "how many letters": they ask for one thing, and name it.
_DEFINING = re.compile(
    r"\W*(?:what|who)(?:['’]s| is| are| was| were| does) (?:an? )?[\w-]+(?: [\w-]+)?(?: mean)?\W*$|\W*how (?:many|much)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[“\"«„]\w")
_COMPLEMENTS = ("of", "in", "with", "who", "that", "which", "from", "for", "at", "on", "where")
_OWN = re.compile(r"\b(?:my|your|our|every|each)\b|['’]s? |['’]$", re.IGNORECASE)
_MOST_STEMS = 2  # of a short question
_MAX_FRAGMENT = 6  # words
_QUESTIONS = 3  # that "the X" may take up


def find_lean(question: str, earlier: Sequence[str] = (), answer: str = "") -> LeanMark | None:
    """Find the mark by which a question leans on those before it.

    Args:
        question: The question, in English.
        earlier: The questions before it as they were understood, oldest first.
        answer: The last answer.

    Returns:
        The strongest mark; None where the question stands alone.
    """
    text = without_reaction(question)
    words, nouns = split_words(text), noun_phrases(text)
    is_named = bool(proper_names(text)) or _QUOTED.search(text) is not None
    if _OPENER.match(text):
        return LeanMark.OPENER
    if not any(word.is_content for word in words):
        return LeanMark.BARE
    if text.endswith("?") and is_fragment(text):
        return LeanMark.FRAGMENT
    if has_open_pronoun(text, words, nouns):
        return LeanMark.PRONOUN
    if _OTHER.search(text) or (not is_named and _ANOTHER.search(text)):
        return LeanMark.OTHER
    if any(_takes_up(text, noun, is_named, earlier, answer) for noun in nouns):
        return LeanMark.DEFINITE
    if not is_named and (_COMPARISON.search(text) or _lacks_complement(text, nouns)):
        return LeanMark.RELATION
    if not is_named and _is_short(text, words, nouns):
        return LeanMark.SHORT
    return None


def without_reaction(question: str) -> str:
    """Strip what a question says of the last answer before it asks: "That's interesting."."""
    return _REACTION.sub("", question.strip(), count=1)


def is_fragment(text: str) -> bool:
    """Tell whether a text is a noun phrase or one with a preposition, and no clause."""
    words = [word for word in split_words(text) if not word.is_mark]
    if not 0 < len(words) <= _MAX_FRAGMENT or words[0].is_verb:
        return False
    return not any(word.base in WH or word.is_auxiliary or word.lower in ("i", "you", "we") for word in words)


def _takes_up(text: str, noun: QuestionPhrase, is_named: bool, earlier: Sequence[str], answer: str) -> bool:
    """Tell whether "the X" takes up what was named before, and nothing behind it says more."""
    own = noun.stems
    if noun.determiner != "the" or not 0 < len(own) <= (1 if is_named else 2):
        return False
    if text[noun.end :].strip(" ?.!").split(" ")[0].lower() in _COMPLEMENTS:
        return False
    for known in (known for question in earlier[-_QUESTIONS:] for known in noun_phrases(question)):
        if len(known.stems) > len(own) and known.stems[-len(own) :] == own:
            return True
    return not is_named and ((len(own) == 1 and own[0] in _SUMMARIES) or set(own) <= set(stems(answer)))


def _lacks_complement(text: str, nouns: Sequence[QuestionPhrase]) -> bool:
    """Tell whether the only noun is one of something, and the question does not say of what."""
    if len(nouns) != 1 or text[nouns[0].end :].strip(" ?.!"):
        return False
    own = nouns[0].stems
    return bool(own) and own[-1] in RELATIONS and _OWN.search(nouns[0].text) is None


def _is_short(text: str, words: Sequence[QuestionWord], nouns: Sequence[QuestionPhrase]) -> bool:
    """Tell whether a question says too little to be found by itself."""
    is_certain = any(noun.text.split()[0].lower() in ("the", "my", "our", "your", "this") for noun in nouns)
    is_own = any(word.base in ("i", "me", "we", "us") for word in words)
    content = sum(word.is_content for word in words)
    return content <= _MOST_STEMS and not is_certain and not is_own and _DEFINING.match(text) is None
