"""Claims: what a memory says of something that has one value at a time, by its form.

    I live in Y, I moved to Y                     (author, home)      Y
    I work at Y, I started at Y, I joined Y       (author, work)      Y
    my rent is 900 euros, the rent of X is ...    (rent, number)      900 euros
    the harbour office is at Y, moved to Y        (harbour office, place)   Y
    the gate opens at 7:00                        (gate, opens)       7:00
    I no longer live in Y                         (author, home)      not Y

Two memories that claim the same with different values cannot both hold now: the newer one does.
Where that is not sure there is no claim: likes, possessions, opinions, events, relatives of whom
there may be several, "a" and "an", questions, conditions, plans, more than one sentence. A wrong
claim is worse than a missed one.

Knows: English sentence forms. Does not know: dates, other memories.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MAX_LENGTH = 200  # characters of a sentence that is read
_MAX_SUBJECT = 6  # words
_TIME = r"\d{1,2}(?::\d\d)?(?: ?[ap]\.?m\.?)?"
# Words that make a sentence anything but a statement about how things are.
_UNSURE = re.compile(
    r"\b(?:if|when|whenever|unless|until|before|after|maybe|perhaps|might|may|could|would|should|hope|want|plan|wish|"
    r"think|thinks|thought|believe|guess|probably|used to|will|going to|sometimes|usually|often|also|too|another|or|"
    r"tomorrow|tonight|said|says|told|asked|every|each|all|some|most|almost|about|around)\b|[?;]|[.!] \S",
    re.IGNORECASE,
)
# Of these a person may have several at a time.
_SEVERAL = frozenset(
    [
        "brother",
        "sister",
        "friend",
        "son",
        "daughter",
        "colleague",
        "neighbour",
        "neighbor",
        "cousin",
        "uncle",
        "aunt",
        "child",
        "kid",
        "cat",
        "dog",
        "pet",
        "book",
        "song",
        "film",
        "movie",
        "hobby",
        "reason",
        "idea",
        "problem",
        "goal",
        "plan",
        "wish",
        "question",
        "answer",
        "example",
        "note",
    ]
)
_LEAD = re.compile(
    r"^(?:(?:so|well|ok|okay|hi|hey|by the way|update|correction|news)[,:]? +|(?:as of|from|since) (?:today|now)[,:]? +)+",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"(?:,? (?:now|currently|at the moment|these days|from now on|as of (?:today|now)|today|since (?:today|yesterday|last \w+)|"
    r"again|instead|any ?more|any longer))+$",
    re.IGNORECASE,
)
_DETERMINER = r"(?:[Mm]y|[Oo]ur|[Tt]he|[A-Z][\w-]+['’]s)"
_NOUN = r"(?!(?:is|are|was|were|has|have|had)\b)[\w'’-]+"
_SUBJECT = rf"(?P<subject>{_DETERMINER} {_NOUN}(?: {_NOUN}){{0,4}}?|[A-Z][\w-]+(?: [A-Z][\w-]+)?)"
_NOT = r"(?P<no> no longer| not|n['’]t)?"
_NAME = (
    r"(?P<value>(?:the |number |no\. )?(?:[A-Z\d][\w.'’/-]*)"
    r"(?:,? (?:(?:of|the|and|in|on|near|de|van|von) )?[A-Z\d][\w.'’/-]*){0,6})"
)
_SAYS_NOT = r"(?:(?P<no>no longer|do not|don['’]t|does not|doesn['’]t) )?"
_HOME = re.compile(
    rf"(?P<subject>I|We|[A-Z][\w-]+)(?:(?:['’]m|['’]re| am| are| is)? (?:now )?{_SAYS_NOT}(?:lives?|living)(?: now)? (?:in|at|on)|"
    rf"(?:['’]ve| have| has)? (?:just )?moved(?: house)? (?:to|into)) {_NAME}"
)
_WORK = re.compile(
    rf"(?P<subject>I|[A-Z][\w-]+)(?:(?:['’]m| am| is)? (?:now )?{_SAYS_NOT}(?:works?|working)(?: now)? (?:at|for)|"
    r"(?:['’]ve| have| has)? (?:just )?(?:started (?:work(?:ing)? |a job |my (?:new )?job )?(?:at|with)|joined)) "
    + _NAME
)
_PLACE = re.compile(rf"{_SUBJECT}(?: is{_NOT}(?: now)?(?: located)? (?:in|at|on)|(?: has)? moved to) {_NAME}")
_HOURS = re.compile(
    rf"{_SUBJECT} (?P<verb>opens?|closes?|starts?|begins?|ends?|leaves?|departs?|arrives?)(?: now)? "
    rf"at (?P<value>{_TIME}|noon|midnight)"
)
_AMOUNT = re.compile(
    rf"{_SUBJECT} (?P<verb>costs?|weighs?|measures?|takes?)(?: now)? (?P<value>[€£$]? ?\d[\d.,]*(?: ?[\w%€£$]+){{0,3}})"
)
_IS = re.compile(rf"{_SUBJECT} (?:is|are){_NOT}(?: now)? (?P<value>.+)")
_CHANGED = re.compile(
    rf"{_SUBJECT}(?: (?:has been|was|were|have been|has|have))? "
    r"(?:changed|raised|moved|lowered|renamed|postponed|brought forward) to (?P<value>.+)"
)
_NUMBER = re.compile(r"[€£$+]? ?\d[\d.,:/ -]*(?: ?[\w%€£$²³°]+){0,4}")
_NAMED = re.compile(_NAME)
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DAY = re.compile(
    r"(?:(?:on )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?|"
    rf"(?:on )?(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?: \d{{4}})?|"
    rf"(?:on )?{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{4}}-\d\d-\d\d)"
)
_ARTICLE = re.compile(r"(?:a|an|the|not|very|so|too|quite|really) ", re.IGNORECASE)


class ToldClaim(NamedTuple):
    """A claim.

    Attributes:
        key: What it is about: the same for all claims of which one holds at a time.
        value: Its value, in small letters.
        shown: The value as it is written.
        negated: Whether it says that the value does not hold, or no longer.
    """

    key: str
    value: str
    shown: str = ""
    negated: bool = False

    def agrees(self, other: ToldClaim) -> bool:
        """Tell whether two claims of one key can both hold.

        Values agree where one has all words of the other: "7 Ropewalk", "7 Ropewalk in Oldhaven".
        """
        words, others = set(self.value.split()), set(other.value.split())
        same = words <= others or others <= words
        return same == (self.negated == other.negated) or (self.negated and other.negated)


def read_claim(text: str, author: str = "") -> ToldClaim | None:
    """Read the claim of a text.

    Args:
        text: The text, one sentence.
        author: Who says it; "" for the crystal's owner.

    Returns:
        The claim; None where the text makes no claim that is sure.
    """
    sentence = " ".join(text.split()).rstrip(".! ")
    if len(sentence) > _MAX_LENGTH or _UNSURE.search(sentence):
        return None
    sentence = _TRAIL.sub("", _LEAD.sub("", sentence)).rstrip(",")
    for form, aspect in ((_HOME, "home"), (_WORK, "work")):
        if (match := form.fullmatch(sentence)) is not None and (who := _person(match["subject"], author)) is not None:
            where = f"{aspect} address" if match["value"][0].isdigit() else aspect
            return ToldClaim(f"{who}|{where}", _plain(match["value"]), match["value"], bool(match["no"]))
    for form in (_PLACE, _HOURS, _AMOUNT, _CHANGED, _IS):
        if (match := form.fullmatch(sentence)) is not None:
            claim = _claim_of(form, match, author)
            if claim is not None:
                return claim
    return None


def _claim_of(form: re.Pattern[str], match: re.Match[str], author: str) -> ToldClaim | None:
    """Make the claim of a matched form; None where it is not sure."""
    subject = _subject(match["subject"], author)
    if subject is None:
        return None
    groups = match.groupdict()
    value = match["value"].strip()
    if form is _PLACE:
        if re.fullmatch(r"@\S+", subject):  # people are in several places and groups
            return None
        aspect = "day" if _DAY.fullmatch(value) else "address" if value[0].isdigit() else "place"
    elif form in (_HOURS, _AMOUNT):
        aspect = match["verb"].removesuffix("s")
    elif "favourite" in subject or "favorite" in subject:
        aspect = "favourite"
    else:
        kind = _kind_of(value)
        if kind is None:
            return None
        aspect = kind
    return ToldClaim(f"{subject}|{aspect}", _plain(value), value, bool(groups.get("no")))


def _kind_of(value: str) -> str | None:
    """Tell what kind of value stands behind "is"; None for one that others may stand beside."""
    if _DAY.fullmatch(value):
        return "day"
    if _NUMBER.fullmatch(value) or (" " not in value and any(letter.isdigit() for letter in value)):
        return "number"
    if not _ARTICLE.match(value) and _NAMED.fullmatch(value) and value[0].isupper():
        return "name"
    return None


def _person(subject: str, author: str) -> str | None:
    """Name the person of a sentence; None for a word that is no name."""
    if subject in ("I", "We", "we"):
        return f"@{author.casefold()}"
    return f"@{subject.casefold()}" if subject[0].isupper() and subject.casefold() not in _NO_NAMES else None


_OWNER = "'s"
_NO_NAMES = frozenset(
    [
        "he",
        "she",
        "it",
        "they",
        "you",
        "this",
        "that",
        "there",
        "here",
        "who",
        "what",
        "everyone",
        "nobody",
        "someone",
        "the",
        "a",
        "an",
    ]
)


def _subject(words: str, author: str) -> str | None:
    """Bring the words of a subject into one form; None for one that may mean several things."""
    parts = [part for part in words.casefold().replace("’", "'").split() if part]
    if len(parts) > _MAX_SUBJECT or parts[0] in _NO_NAMES - {"the"}:
        return None
    if any(part in ("his", "her", "their", "its", "your", "this", "that") for part in parts):
        return None
    if len(parts) == 1:
        parts = [f"@{parts[0]}"]
    owned = [f"@{author.casefold()}" if part in ("my", "our") else part for part in parts if part != "the"]
    parts = [f"@{part.removesuffix(_OWNER)}" if part.endswith(_OWNER) else part for part in owned]
    if not parts or parts[-1] in _SEVERAL or parts[-1].removesuffix("s") in _SEVERAL:
        return None
    return " ".join(part for part in parts if part not in ("new", "current", "own"))


def _plain(value: str) -> str:
    return " ".join(value.casefold().replace("’", "'").rstrip(".,").removeprefix("the ").split())
