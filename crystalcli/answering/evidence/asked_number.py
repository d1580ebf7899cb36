"""The line that states the number or the e-mail address that a question asks for.

    Dan the plumber's number     - Dan Reilly: plumber, 07700 900632
    What's my passport number?   Passport 5339 1184, until 2031
    What is Cid's phone number?  "Cid phone, 12 pounds a month" is no phone number

Texts about the same person or paper are as near to such a question as the line with the number, and
without one nothing answers it.

Knows: English questions, the forms of such numbers. Does not know: whether a number still holds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crystalcli.datatypes import Passage
from crystalcli.lexical import query_terms

_AHEAD = 0.01  # the distance in score by which such a line comes first
_PHONE = r"(?:(?:tele)?phone|mobile|cell|contact)"
_WHICH = r"(?:new|old|current|other|work|home|office|private|direct)"
_PAPER = (
    r"(?:passport|account|policy|insurance|meter|reference|customer|order|invoice|tax|serial|membership|booking|tracking|"
    r"social security|contract|bank|id)"
)
_LEAD = r"(?i:(?:(?:what|which)(?:['’]s| is| was)|do (?:I|we) have|give me|tell me|find) )?"
_OWNER = r"(?:(?P<my>(?i:my|our))|(?P<name>[A-Z]\w*)(?: [\w-]+){0,2}?['’]s)"
_ASKS = re.compile(
    rf"\s*{_LEAD}{_OWNER} (?i:(?P<mail>(?:{_WHICH} )*e-?mail(?: address)?)|(?:{_WHICH} )*(?:{_PHONE} )?number|"
    rf"(?:{_WHICH} )*{_PHONE}|(?:[\w'’-]+ ){{0,2}}(?P<paper>{_PAPER} (?:number|no\.?)))\s*\??\s*"
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.\w+")
# Four digits or more; days, times and amounts of money have as many.
_NO_NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{1,2}:\d\d(?::\d\d)?|[€£$] ?\d[\d.,]*|\d{1,3}(?:,\d{3})+"
)
_NUMBER = re.compile(r"\d(?:[ ()./-]{0,2}\d){3,}")
_PHONE_NUMBER = re.compile(r"\+?\d(?:[ ()./-]{0,2}\d){6,}|\bext\w*\.? \d+")


def number_first(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Put the first passage with such a line first, where a question asks for one."""
    asked = _ASKS.fullmatch(question)
    if asked is None:
        return list(passages)
    for number, passage in enumerate(passages):
        if (span := _line_with_number(asked, question, passage)) is not None:
            first = replace(passage, score=passages[0].score + _AHEAD if number else passage.score, best=span)
            return [first, *passages[:number], *passages[number + 1 :]]
    return list(passages)


def lacks_number(question: str, passages: Sequence[Passage]) -> bool:
    """Tell whether a question asks for such a line and no passage has one."""
    asked = _ASKS.fullmatch(question)
    return asked is not None and all(_line_with_number(asked, question, passage) is None for passage in passages)


def _line_with_number(asked: re.Match[str], question: str, passage: Passage) -> tuple[int, int] | None:
    """Find the line with a number or an address, in characters of the document.

    A line counts that has the name in it, in the line before or in its place, and for one's own
    number any that has a word of the question.
    """
    wanted = set(query_terms(asked["name"] or question))
    is_placed = asked["name"] and passage.place.kind != "chat"  # there each line has its author
    place = f"{passage.heading or ''} {passage.place.marks.get('message', '')}" if is_placed else ""
    form = _MAIL if asked["mail"] else _NUMBER if asked["paper"] else _PHONE_NUMBER
    start, before = passage.start, ""
    for line in passage.text.splitlines(keepends=True):
        stated = form.search(_NO_NUMBER.sub(" ; ", line))
        if stated is not None and not wanted.isdisjoint(query_terms(f"{place} {before} {line}")):
            return start, start + len(line.rstrip())
        start, before = start + len(line), line
    return None
