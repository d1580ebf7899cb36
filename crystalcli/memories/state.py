"""Sentences that say how things are, apart from those that tell what happened once.

    My rent is 900 euros.              is a state
    Switched car insurance, and the new one charges 410 pounds.    a change, after which it is
    Paid 60 pounds to have the car washed.                         an event
    My neighbour pays 410 pounds for his car insurance.            somebody else's
    If I moved to Skarn I would miss the canal.                    no fact

Knows: English. Does not know: memories, questions.
"""

from __future__ import annotations

import re

_UNSURE = re.compile(
    r"\b(?:if|unless|perhaps|maybe|might|would|could|should|hope|wish|used to|read that|asked|dreamt|years ago|some day|"
    r"(?-i:(?:[A-Z]\w+|he|she|they|who) (?:said|says|told|tells|thinks|thought)))\b|[?]",
    re.IGNORECASE,
)
_RELATION = (
    r"(?:neighbours?|neighbors?|friends?|cousins?|colleagues?|uncle|aunt|brother|sister|son|daughter|mother|father|mum|mom|dad|"
    r"wife|husband|partner|boss|parents|grandma|grandmother|grandpa|grandfather|dog|cat|landlord|manager|doctor)"
)
_OTHERS = re.compile(rf"\b(?:his|her|their|(?:my|the|a|our) {_RELATION}|of the {_RELATION})\b", re.IGNORECASE)
# In a question: what Ben calls "my doctor" is "Ben's doctor" for who asks.
_ASKED_OTHERS = re.compile(rf"{_OTHERS.pattern}|\w['’]s {_RELATION}\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:I|I['’]\w+|me|my|mine|we|us|our|ours)\b", re.IGNORECASE)
_CHANGE_VERB = (
    r"(?:chang|mov|switch|renew|replac|swapp|shift|extend|rais|increas|lower|reduc|reschedul|postpon|rebook|start|join|settl|"
    r"subscrib|refinanc|transferr|upgrad|updat|bump|dropp|stepp|pushe|put|agree|reset|renumber)"
)
_CHANGE = re.compile(
    r"\b(?:now|new|instead|from (?:now|today|here|next|then|this|\w+day)|as of|since (?:today|yesterday|last|\w+day)|"
    r"this time|another|different|else|no longer|"
    r"any ?more|by now|these days|nowadays|over to|(?:up|down) to|reset|took over|taken over|stepped in|go(?:ne|es) (?:up|down)|"
    r"went (?:up|down|back|over)|good until|valid until|put (?:off|back|forward)|starting|become|became|latest|current(?:ly)?|"
    rf"fixed (?:at|for|on|to)|{_CHANGE_VERB}(?:e|ed|es|ing|s|d)?)\b",
    re.IGNORECASE,
)
_ONCE_READ = r"read\b(?!.*\b(?:each|every)\b)"  # "I read" is of the past, but for "every night"
_PAST = re.compile(
    r"(?<!\bis )(?<!\bare )(?<!\bam )(?<!\bbe )"
    r"\b(?:(?!(?:sh|b|n|s|f|sp|br|w|bl|hundr|n|inde|cr|br)e?ed\b|red\b)[a-z]{2,}ed|ran|paid|sold|spent|saw|met|took|made|got|went|drove|slept|swam|won|lost|found|ate|drank|wrote|sent|gave|"
    r"had|bought|dreamt|heard|came|was|were|did|looked|brought|left|told|broke|fell|flew|grew|kept|knew|rode|"
    r"sang|sat|stood|taught|thought|threw|wore|rang|called)\b|^Read\b|"
    rf"\b(?:I|we|you|they) {_ONCE_READ}",
    re.IGNORECASE,
)
_PERFECT = r" (?:just |been |already |again )?(?:[a-z]+ed|sent|got|come|gone|been|had|made|found|seen|told|given|taken|written)\b"
_THIRD_PERSON = (
    r"(?:lives|works|keeps|takes|pays|gets|wears|costs|opens|closes|starts|leaves|meets|makes|comes|rings|weighs|reads|shows|"
    r"charges|expires|lies|stands|sits|needs|wants|plays|teaches|attends|carries|holds|belongs|sleeps|happens|serves|sells|"
    r"delivers|supplies|owns|goes|does|runs|uses|reports|lets|says|is|speaks|likes|drives|drinks|eats|sings|cuts)"
)
_THIRD = re.compile(
    rf"^((?!(?:The|This|That|It|There|My|Our|A|An|No|New|All|In|On|At|From)\b)(?:[A-Z][a-z]+ )?[A-Z][a-z]+) "
    rf"(?:{_THIRD_PERSON}|[a-z]+ed|came|went|had|has|was)\b"
)
_PRESENT = re.compile(
    rf"\b(?:am|is|are|have(?!{_PERFECT})|has(?!{_PERFECT})|(?:I|we|you|they|it|that|he|she|there|who|what)['’](?:s|m|re|ve)|do|can|must|"
    rf"{_THIRD_PERSON}|(?:I|we|you|they) (?!was|were|had|did|have|{_ONCE_READ})(?:\w+ )?[a-z]+(?<!ed))\b",
    re.IGNORECASE,
)
_OCCASION = re.compile(r"(?!My\b)[A-Z]\w+ (?:with|at|to|from|by|in|on|for|off)\b")  # "Lunch with ..."
_VALUE = re.compile(r"\d|(?<=\w )[A-Z]|^[A-Z]\w+ [A-Z]")
_CLAUSE = re.compile(r"[,:;!]\s|\.\s|\s(?:and|but|so|which|who)\s")


def tells_change(text: str) -> bool:
    """Tell whether a sentence says that something is new or different."""
    return _CHANGE.search(text) is not None


def states_how_it_is(text: str, question: str = "") -> bool:
    """Tell whether a sentence says how things are for the one who writes it.

    Args:
        text: The sentence.
        question: A question; where it asks about a relative of the writer or somebody by name, the
            sentence may be about them.
    """
    if _UNSURE.search(text):
        return False
    if _OTHERS.search(text) and not _ASKED_OTHERS.search(question):
        return False
    changes, is_own = tells_change(text), _FIRST_PERSON.search(text) is not None
    if (third := _THIRD.match(text)) is not None and not is_own and third[1].casefold() not in question.casefold():
        return False
    if changes:
        return True
    clauses = [clause for clause in _CLAUSE.split(text) if clause.strip()]
    verbs = [clause for clause in clauses if _PAST.search(clause) or _PRESENT.search(clause)]
    if any(_PRESENT.search(clause) and _FIRST_PERSON.search(clause) for clause in verbs):
        return True
    if not verbs and _OCCASION.match(text):
        return False
    told = [clause for clause in verbs if _VALUE.search(clause)] or verbs
    return not told or any(not _PAST.search(clause) for clause in told)
