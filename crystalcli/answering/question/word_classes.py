"""The words of an English question, by their class: closed lists, and the frequent verbs.

Knows: word lists. Does not know: phrases, conversations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[^\W_](?:[\w'’.&/-]*\w)?(?:\(\))?|_\w+|[?!.,;:—–()\"“”]")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WH = _words("what which who whom whose when where why how")
AUXILIARIES = _words(
    "is are was were be been being am do does did can could will would shall should may might must has have had isn't "
    "aren't wasn't weren't don't doesn't didn't can't couldn't won't wouldn't shouldn't hasn't haven't hadn't"
)
PREPOSITIONS = _words(
    "in on at of for from to into with without before after during since until till by about against between among over "
    "under through across inside outside within near behind beside besides beyond above below around like than as per "
    "versus vs via upon toward towards onto off"
)
ARTICLES = _words("the a an")
POSSESSIVES = _words("my your our his her its their whose")
DEMONSTRATIVES = _words("this that these those")
QUANTITIES = _words(
    "some any all each every both either neither many much more most few fewer several no other another same such"
)
_PRONOUNS = _words(
    "i me mine you yours he him she hers it we us ours they them theirs himself herself itself themselves myself yourself "
    "one ones someone anyone everyone somebody anybody nobody something anything everything nothing there here"
)
_CONNECTIVES = _words(
    "and or but so nor if then because when while though although whether unless not n't also too just only even still "
    "ever never always yet again now really actually exactly please ok okay oh well yes hello hi thanks else instead next"
)
_FUNCTION_WORDS = (
    WH | AUXILIARIES | PREPOSITIONS | ARTICLES | POSSESSIVES | DEMONSTRATIVES | QUANTITIES | _PRONOUNS | _CONNECTIVES
)
_CAPITALS = _words("US WHO")  # names, though a pronoun and a question word in small letters
# Frequent verbs of questions. Words that are as often nouns (work, use, play) are not among them.
_VERBS = _words(
    "affect affects allow allows appear appears ask asked become becomes became begin begins began believe bring brings "
    "brought build built buy bought call called cause caused choose chose chosen come comes came compare compared consider "
    "contain contains cook cost create created demonstrate describe described develop developed die died differ discuss do "
    "doing done end ended exist exists existed explain explained fail failed feel felt find found follow get gets getting "
    "give given gives go goes going gone got happen happened happens hear heard help helps hold holds include included "
    "includes involve involved keep keeps kept know known knows lead leads leave left let lie lies list live lived lives "
    "look looks lose lost love loved make makes making made mean means meant meet met mention mentioned move moved name need "
    "needs occur occurs originate pay paid perform prevent protect provide provided provides put read receive received "
    "recommend recover reduce refer relate related remember require required requires run runs said say says see seen seem "
    "seems sell send sent serve served show shows sit sits sold speak spoke spend spent stand stands start started stay stop "
    "stopped store stored summarise summarize survive survived take takes taken taking talk talked talking tell tells think "
    "thinks thought told took treat treated try tried understand visit visited want wanted wants watch watched wear wears "
    "went win won wore write written wrote"
)


@dataclass(frozen=True, slots=True)
class QuestionWord:
    """A word or a mark of a question.

    Attributes:
        text: As written.
        start: Its first character.
        lower: In lower case, with a straight apostrophe.
    """

    text: str
    start: int
    lower: str

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.start + len(self.text)

    @property
    def base(self) -> str:
        """The word in lower case without what is contracted: "it" of "it's"."""
        return self.lower.split("'")[0]

    @property
    def is_mark(self) -> bool:
        """Whether it is punctuation."""
        return not (self.text[0].isalnum() or self.text[0] == "_")

    @property
    def is_content(self) -> bool:
        """Whether it is a word that says something by itself."""
        if self.is_mark:
            return False
        return self.text in _CAPITALS or not (self.base in _FUNCTION_WORDS or self.lower in _FUNCTION_WORDS)

    @property
    def is_auxiliary(self) -> bool:
        """Whether it is a form of be, do, have, or a modal verb."""
        return self.base in AUXILIARIES or self.lower in AUXILIARIES

    @property
    def is_verb(self) -> bool:
        """Whether it is one of the frequent verbs of questions."""
        return self.lower in _VERBS


def split_words(text: str) -> list[QuestionWord]:
    """Split a question into words and marks.

    Args:
        text: The question.
    """
    return [QuestionWord(m[0], m.start(), m[0].lower().replace("’", "'")) for m in _WORD.finditer(text)]
