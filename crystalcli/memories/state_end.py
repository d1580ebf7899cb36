"""What ends a state: a later sentence after which something is no longer so.

    I owe Ben 40 euros.            Paid Ben back the 40 euros.
    We have a cat called Biscuit.  Biscuit died in the night.
    I have to renew my passport.   Renewed my passport.

A sentence of a state belongs to kinds (a debt, something lost, a task), each with the words that
end it; some words end anything. An end names the thing: all words of it that the question has, or a
name of the state. What may be, is to be, or is somebody else's ends nothing.

Knows: English. Does not know: memories, dates.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from crystalcli.lexical import query_terms
from crystalcli.memories.state_kind import ANY_END, STATE_KINDS, StateKind
from crystalcli.memories.thing_words import (
    first_phrase,
    given_names,
    names_in,
    own_terms,
    terms_of,
    terms_without_modifier,
)

_TASK = re.compile(
    r"\b(?:(?:have|has|need|needs|want|going|plan|ought|mean|meaning|got|remember|supposed|remains|still|due|left|yet) to|must|should|"
    r"don['’]t forget to|to[- ]do:|i['’]ll) (?:still |finally |really |soon )?(?P<verb>[a-z]+)\b",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"\b(?:not|never|yet|half|partly|part of|some of|might|may(?! \d)|would|could|should|will|shall|going to|hopes?|hoping|wants?|"
    r"plans?|planning|needs? to|have to|has to|must|if|unless|until|till|promis\w+|soon|tomorrow|next|still|almost|nearly|"
    r"tr(?:ied|ying)|about to|think(?:ing)?|considering|wonder\w*|to be|perhaps|maybe|probably|talk(?:ed|ing)? (?:of|about))\b|"
    r"n['’]t\b|['’]ll\b|\?",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:might|may(?! \d)|would|could|should|if|unless|perhaps|maybe|probably|think(?:ing)?|considering|wonder\w*|hop(?:e|es|ing)|"
    r"talk(?:ed|ing)? (?:of|about)|dream\w*|remember(?:ed|ing)?|used to)\b|\?",
    re.IGNORECASE,
)
_NO_MORE = re.compile(r"\bno longer\b|(?:\bnot|n['’]t)\b[^.;]*\bany ?more\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[,;:.!]\s+|\s(?:but|so|though|although)\s|\s[–—-]+\s")
_NUMBER = re.compile(r"\d[\d.,]*(?<![.,])")
_PAID = re.compile(r"\b(?:paid|gave|sent|transferred|handed)\b", re.IGNORECASE)
_TAKES_THING = re.compile(
    r"gave (?:up|notice)|given up|stopped|quit|left|finished|completed|sold|cancell?ed|returned|dropped|ended|found|collected|"
    r"fetched|threw|got rid of|broke|retired|renewed|picked",
    re.IGNORECASE,
)
_OBJECT = re.compile(r"\s+(?:the|my|our|a|an)\s+([\w'’-]+(?:\s[\w'’-]+)?)", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:anything|something|everything|nothing|any|all|which|everyone|anyone|anybody)\b", re.IGNORECASE
)
_OWNS = re.compile(r"\b(?:own|have|has|got|keep)\b", re.IGNORECASE)
_DEBT = re.compile(r"\b(?:ow(?:e|es|ing|ed)|debts?|paid|pay)\b", re.IGNORECASE)
# Words of kinds that name a thing as well.
_THINGS = frozenset(
    query_terms(
        "antibiotics tablets pills course class lessons diet loan mortgage bill invoice lodger membership contract"
    )
)
_ASKS_OF_SELF = re.compile(r"\W*(?:am|are|do|have) (?:I|we)\b", re.IGNORECASE)
_OF_SELF = re.compile(r"\b(?:I|me|my|mine|we|us|our|ours)\b", re.IGNORECASE)
# The past of verbs that a stemmer does not bring together with it.
_PASTS = {
    "buy": "bought",
    "pay": "paid",
    "send": "sent",
    "get": "got",
    "take": "took",
    "bring": "brought",
    "write": "wrote",
    "tell": "told",
    "find": "found",
    "make": "made",
    "do": "did",
    "see": "saw",
    "meet": "met",
    "give": "gave",
    "sell": "sold",
    "speak": "spoke",
    "build": "built",
    "leave": "left",
    "fly": "flew",
    "choose": "chose",
    "catch": "caught",
    "hang": "hung",
    "ring": "rang",
    "draw": "drew",
    "throw": "threw",
    "feed": "fed",
    "dig": "dug",
    "lend": "lent",
    "lay": "laid",
    "drive": "drove",
}


class NamedState(NamedTuple):
    """A state, with what names its thing.

    Attributes:
        text: The sentence.
        kinds: The kinds that it is of.
        asked: The terms of its thing that the question has.
        head: Those of the first of its words in the question.
        is_whole: Whether they are all terms of the question.
        is_of_person: Whether they are names alone: much is told of a person.
        names: The names that the sentence gives its thing.
        known: The terms of the sentence.
        verb: The past of the verb of a task, as a term; "" for no task.
        asked_kinds: Those of its kinds that the question has words of, too.
        is_of_self: Whether the question asks what the person who asks is or does.
        is_of_debt: Whether it is about what somebody owes.
        is_ended: Whether the sentence itself says that it has ended.
    """

    text: str
    kinds: tuple[StateKind, ...]
    asked: frozenset[str]
    head: frozenset[str]
    is_whole: bool
    is_of_person: bool
    names: frozenset[str]
    known: frozenset[str]
    verb: str
    asked_kinds: tuple[StateKind, ...]
    is_of_self: bool
    is_of_debt: bool
    is_ended: bool


def read_state(text: str, question: str) -> NamedState | None:
    """Read the state that a sentence tells of the thing that a question asks for.

    Args:
        text: The sentence.
        question: The question.

    Returns:
        The state; None where the sentence does not tell of that thing.
    """
    if "?" in text or (_SEVERAL.search(question) and not _DEBT.search(question)):
        return None
    kinds = tuple(kind for kind in STATE_KINDS if kind.state.search(text))
    of_kind = [kind for kind in kinds if not kind.is_thing]
    asked_kinds = tuple(kind for kind in of_kind if kind.state.search(question))
    said = [match[0] for kind in of_kind for match in kind.state.finditer(text)]
    task = _TASK.search(text)
    verb = task["verb"].casefold() if task is not None else ""
    no_thing = set(query_terms(" ".join([*said, verb]))) - _THINGS
    asked, stated = set(query_terms(question)), set(query_terms(text))
    asks_of = bool(asked_kinds) or _asks_of(question, asked, stated)
    if not asks_of and (not verb or asked.isdisjoint(no_thing)):
        return None
    of_thing = (asked & stated) - no_thing
    # A name behind "owe" or "lent" is a person's.
    of_name = [match for kind in of_kind if not kind.of_people for match in kind.state.finditer(text)]
    names = given_names(text, of_name)
    if not of_thing and not names:
        return None
    state = NamedState(
        text,
        kinds,
        asked=frozenset(of_thing),
        head=first_phrase(question, of_thing),
        is_whole=of_thing == asked,
        is_of_person=bool(of_thing) and of_thing <= terms_of(names_in(text, first=True) | names_in(question)),
        names=frozenset(names),
        known=frozenset(stated),
        verb="",
        asked_kinds=asked_kinds,
        is_of_self=_ASKS_OF_SELF.match(question) is not None,
        is_of_debt=_DEBT.search(text) is not None or _DEBT.search(question) is not None,
        is_ended=False,
    )
    is_ended = any(_is_end(state, clause) for clause in _CLAUSE.split(text))
    past = next(iter(query_terms(_PASTS.get(verb, verb))), "") if verb else ""
    return state._replace(is_ended=is_ended, verb=past)


def _asks_of(question: str, asked: set[str], stated: set[str]) -> bool:
    """Tell whether a question asks of what a sentence tells: by a name, or most words."""
    if _OWNS.search(question):
        return True
    return not (asked & stated).isdisjoint(terms_of(names_in(question))) or 2 * len(asked & stated) > len(asked)


def ends_state(state: NamedState, later: str) -> bool:
    """Tell whether a later sentence says that a state is no longer so."""
    if state.is_ended or not _names_the_thing(state, later):
        return False
    clauses = [clause for clause in _CLAUSE.split(later) if _is_end(state, clause)]
    return any(not names_in(clause, first=True) or _names_the_thing(state, clause) for clause in clauses)


def tells_of_thing(state: NamedState, later: str, share: float = 1.0) -> bool:
    """Tell whether a later sentence tells of the thing that is asked for, and not what may be.

    Args:
        state: The state; debts are left to `ends_state`, since people pay for many things.
        later: The sentence.
        share: The least share of the words asked for that it has.
    """
    if state.is_ended or state.is_of_debt or not state.asked:
        return False
    shared = state.asked & own_terms(later, state.known)
    if not shared or len(shared) < share * len(state.asked) or (state.head and state.head.isdisjoint(shared)):
        return False
    if _is_of_another_person(state, later):
        return False
    of_thing = [clause for clause in _CLAUSE.split(later) if not state.asked.isdisjoint(query_terms(clause))]
    return not any(_HEDGE.search(clause) for clause in of_thing)


def renews_state(state: NamedState, later: str) -> bool:
    """Tell whether a later sentence says anew that a state is so."""
    kinds = [kind for kind in state.asked_kinds if kind.of_people or not state.is_of_person]
    if "?" in later or _is_of_another_person(state, later) or not any(kind.state.search(later) for kind in kinds):
        return False
    return _names_the_thing(state, later) and not any(_is_end(state, clause) for clause in _CLAUSE.split(later))


def _is_of_another_person(state: NamedState, later: str) -> bool:
    """Tell whether a sentence begins with somebody of whom a state of one's own does not tell."""
    if not state.is_of_self or _OF_SELF.search(later):
        return False
    start = names_in(later, first=True) - names_in(later)
    return bool(start) and state.known.isdisjoint(terms_of(start))


def _is_end(state: NamedState, clause: str) -> bool:
    """Tell whether a clause has words that end a state."""
    is_told_much_of = state.is_of_person and not state.is_whole  # much that a person does comes to an end
    if _NO_MORE.search(clause) and not is_told_much_of:
        return True
    if _NOT_YET.search(clause):
        return False
    forms = [kind.end for kind in (state.asked_kinds if is_told_much_of else state.kinds)]
    if not is_told_much_of:
        forms.append(ANY_END)
    ends = [match for form in forms if (match := form.search(clause))]
    if any(not _is_of_another(state, match[0], clause[match.end() :]) for match in ends):
        return True
    if any(kind.of_people for kind in state.kinds) and _PAID.search(clause):
        return not set(_NUMBER.findall(state.text)).isdisjoint(_NUMBER.findall(clause))
    return bool(state.verb) and state.verb in query_terms(clause)


def _is_of_another(state: NamedState, end: str, rest: str) -> bool:
    """Tell whether what follows the words of an end is another thing: "gave up night shifts"."""
    match = _OBJECT.match(rest) if _TAKES_THING.match(end) else None
    return match is not None and state.known.isdisjoint(query_terms(match[1]))


def _names_the_thing(state: NamedState, later: str) -> bool:
    """Tell whether a later sentence is about the thing of a state."""
    if any(kind.of_people for kind in state.kinds) and (state.is_of_person or not state.asked):
        people, others = names_in(state.text), names_in(later, first=True)
        if people and others and terms_of(people).isdisjoint(terms_of(others)):
            return False
    if not state.names.isdisjoint(names_in(later, first=True, anywhere=True)):
        return True
    shared = state.asked & own_terms(later, state.known)
    if state.asked and shared == state.asked:
        return True
    return not (shared & state.head).isdisjoint(terms_without_modifier(later))
