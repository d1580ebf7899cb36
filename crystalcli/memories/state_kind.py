"""Kinds of states, each with the words that say it and the words that end it.

    owe, loan, debt        paid back, settled, cleared
    lost, missing          found, turned up
    read, watch, learn     finished, gave up, dropped

Knows: English verbs. Does not know: what a state is of.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class StateKind(NamedTuple):
    """A kind of states.

    Attributes:
        state: Words that say it.
        end: Words that end it.
        of_people: Whether there is one with each person.
        is_thing: Whether the words that say it name its thing, too.
    """

    state: re.Pattern[str]
    end: re.Pattern[str]
    of_people: bool = False
    is_thing: bool = False


def _kind(state: str, end: str, *, of_people: bool = False, is_thing: bool = False) -> StateKind:
    of_state, of_end = (re.compile(rf"\b(?:{form})\b", re.IGNORECASE) for form in (state, end))
    return StateKind(of_state, of_end, of_people, is_thing)


_BACK = r"(?:gave|got|handed|brought|took|sent|has|have|had|is|are|was|were|came|gets?)\b(?! (?:his|her|their)\b)[^.;]*\bback"
_DIED = (
    r"died|passed away|put (?:\w+ )?(?:down|to sleep)|is dead|was run over|buried|found (?:\w+ )?dead|lay (?:dead|stiff)|"
    r"did(?:n['’]t| not) make it"
)
_GIVEN_AWAY = (
    r"sold|gave (?:\w+ ){0,4}away|given (?:\w+ ){0,4}away|got rid of|threw|thrown|scrapped|traded|swapped|donated|"
    r"(?:was|were|got) stolen|broke|wrote off|written off|burnt|went to (?:the (?:tip|dump|scrapyard)|a new home)|"
    r"took (?:\w+ ){0,4}to the (?:tip|dump|charity)"
)
_STOPPED = (
    r"finished|completed|done|over|ended|gave up|given up|stopped|dropped|passed|quit|packed in|packed it in|abandoned|ripped out|"
    r"last (?:day|lesson|class|session|dose|tablet|pill|chapter|page|episode|payment|instalment)"
)
_LEFT = r"left|quit|resigned|retired|handed in|fired|laid off|stepped down|stepping down|gave up|dropped out|stopped"
STATE_KINDS = (
    _kind(
        r"owes?|owing|in debt|debt|loan|mortgage|instalments|(?:still )?to pay|bill|invoice|fine",
        rf"re-?paid|paid\b[^.;]*\b(?:back|off|in full|up)|paid (?:the|my|our|that|it)|settled|squared?|cleared|quits|waived|"
        rf"written off|wrote off|{_BACK}",
        of_people=True,
    ),
    _kind(
        r"borrow(?:ed|ing)?|lent|lend(?:ing)?|loan(?:ed)?|on loan|(?:has|have|is with) (?:my|our|the)",
        rf"re-?paid|paid\b[^.;]*\b(?:back|off)|returned|settled|{_BACK}",
        of_people=True,
    ),
    _kind(
        r"lost|missing|mislaid|misplaced|can['’]?t find|cannot find|looking for|disappeared|vanished|ran away|run away|gone",
        rf"found|turned up|reappeared|replaced|new one|came home|{_BACK}",
    ),
    _kind(
        r"wait(?:ing)?(?: list)?|waitlist|expect(?:ing)?|ordered|on order|on (?:its|the|their) way|appl(?:y|ied)|application|"
        r"sent off|pending|hop(?:e|ing) for|due",
        r"arrived|came|come|delivered|got|received|is here|are here|here at last|accepted|rejected|refused|turned down|granted|"
        r"approved|heard (?:back|from)|picked (?:\w+ ){0,4}up|collected|refunded|in the post today",
    ),
    _kind(
        r"drips?|dripping|leak(?:s|ing|y)?|broken?|broke(?: down)?|does(?:n['’]t| not) work|not working|stopped working|faulty|cracked|"
        r"stuck|jammed|out of order|blocked|squeaks?|smashed|torn|dead|flat|damaged|rattles?|rattling|flickers?|flickering|mould|rot|"
        r"needs? (?:repair\w*|fixing|mending|replacing|servicing)|wobbl\w+|burst|puncture",
        r"fixed|repaired|mended|replaced|works? again|working again|unblocked|patched|sorted|serviced|new one|put in|swapped|"
        r"fitted|as good as new|cured|glued|sealed",
    ),
    _kind(
        r"ill|sick|flu|cold|fever|cough(?:ing)?|headaches?|migraines?|sprained|hurts?|pain|injured|infect\w+|in hospital|in plaster|"
        r"broke (?:my|his|her)|broken|rash|sore|limp(?:s|ing)?|quarantine|on crutches|crutches|physio\w*",
        r"better|recovered|healed|cured|well again|home from|discharged|all clear|fit again|gone|cleared up|back (?:on|to|at|from)|"
        r"over (?:it|the)|is over|came off|plaster (?:is )?off",
    ),
    _kind(r"pregnant|expecting", r"(?:had|has) (?:her|the|a|their) \w+|gave birth|was born|is born|miscarried"),
    _kind(
        r"read(?:ing)?|watch(?:ing)?|writ(?:e|ing)|knit(?:ting)?|build(?:ing)?|paint(?:ing)?|learn(?:ing)?|study(?:ing)?|train(?:ing)?|"
        r"tak(?:e|ing)|work(?:ing)? on|do(?:ing)?|renovat(?:e|ing)|halfway through|in the middle of|translating|sewing|making|"
        r"course|class(?:es)?|lessons?|diet|fasting|antibiotics?|tablets|pills",
        _STOPPED,
    ),
    _kind(
        r"engaged|married|together|dat(?:es?|ing)|going out|a couple|seeing|girlfriend|boyfriend|partner|fianc[eé]e?",
        r"broke (?:up|it off)|broken up|split(?: up)?|separated|divorced|left (?:him|her)|is over|called (?:it )?off|finished",
    ),
    _kind(
        r"lodger|moved in|moves in|let to|is let|flatmate|housemate|tenant|subtenant|guest|liv(?:es?|ing)|stay(?:s|ing)?|visiting|"
        r"au pair|sofa|spare room",
        r"moved out|moved away|left|leaves|gone (?:home|back)|went (?:home|back)|flew (?:home|back)|checked out|is back in",
    ),
    _kind(
        r"rent(?:s|ing|ed)?|leas(?:e|ing)|hir(?:e|ing|ed)",
        rf"gave notice|given notice|notice|moved out|terminated|handed (?:\w+ ){{0,4}}back|returned|gave up|{_BACK}",
    ),
    _kind(
        r"members?|membership|works?|working|job|employed|in the|on the|volunteer\w*|play(?:s|ing)?|sing(?:s|ing)?|belong|"
        r"attend(?:s|ing)?|going to|joined",
        _LEFT,
    ),
    _kind(r"chair(?:man|woman)?|secretary|treasurer|captain|president|head|elected|chosen", _LEFT, is_thing=True),
    _kind(
        r"(?:is|are|'s|’s) (?:still )?(?:at|in|with|being|on)|parked|away|abroad|in for|"
        r"took (?:\w+ ){0,4}to|left (?:\w+ ){0,4}(?:at|with)",
        rf"picked (?:\w+ ){{0,4}}up|collected|fetched|home|returned|{_BACK}|back (?:from|in|at|on)|is ready|ready and",
    ),
    _kind(
        r"closed|shut|blocked|roadworks|building works|scaffolding|strike|construction|under repair",
        r"(?:re-?)?open(?:s|ed)?(?: again)?|taken down|gone|is over|finished|came down|ended|called off|cleared",
    ),
    _kind(
        r"subscri\w+|member(?:ship)?|contract|insur\w+|account|policy|standing order|plan|polic(?:y|ies)|phone contract|broadband",
        r"cancelled|canceled|unsubscribed|ended|ran out|expired|closed|left|terminated|stopped|let (?:\w+ ){0,4}lapse|lapsed|switched",
    ),
    _kind(
        r"have|has|own|keep|keeps|my|our|got|called|named|bought|adopted|is an?",
        rf"{_DIED}|{_GIVEN_AWAY}",
        is_thing=True,
    ),
)
# Words that end anything.
ANY_END = re.compile(
    r"\b(?:cancelled|canceled|called (?:\w+ )?(?:off|quits)|came to an end|is over|are over|was over|over now|over and done|"
    r"finally over|(?:is|are|it['’]s) off|gave up|given up|packed it in|had enough of|fell through|fell apart|"
    r"final|the last|behind (?:me|us)|"
    r"free again|back to normal|parted|said goodbye|wound up|wrapped up|history|"
    r"no more|gave notice|closed down|dissolved|"
    r"withdrawn|withdrew|discontinued|all done|dealt with|sorted out|that['’]s that)\b",
    re.IGNORECASE,
)
