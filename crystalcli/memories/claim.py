"""Claims: what a memory says of something that has one value at a time, by its form.

    I live in Y, I moved to Y                     (author, home)      Y
    I work at Y, I started at Y, I joined Y       (author, work)      Y
    my rent is 900 euros, the rent of X is ...    (rent, number)      900 euros
    the harbour office is at Y, moved to Y        (harbour office, place)   Y
    the gate opens at 7:00                        (gate, opens)       7:00
    Weight 81.0 kg. / New phone number: 555 0192  (weight, number)    81.0 kg, in notes
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

from crystalcli.memories.value_type import MONTH, WEEKDAY

PERSON = "@"  # before a person in the key of a claim
_MAX_LENGTH = 200  # characters of a sentence that is read
_MAX_SUBJECT = 6  # words
_TIME = r"\d{1,2}(?::\d\d)?(?: ?[ap]\.?m\.?)?"
_DATE = (
    rf"(?:(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?: \d{{4}})?|"
    rf"{MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{4}}-\d\d-\d\d)"
)
_DAY = re.compile(
    rf"(?:on )?(?:{WEEKDAY}s?(?: (?:evenings?|mornings?|afternoons?|nights?|at {_TIME}))?|"
    rf"{_DATE})"
)
# Words that make a sentence anything but a statement about how things are.
_UNSURE = re.compile(
    r"\b(?:if|when|whenever|unless|until|before|after|maybe|perhaps|might|(?-i:may)|could|would|should|hope|want|plan|wish|"
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
        "one",
        "other",
        "rest",
    ]
)
_LEAD = re.compile(
    r"^(?:(?:so|well|ok|okay|hi|hey|by the way|update|correction|news)[,:]? +|"
    rf"(?:as of|from|since|starting) (?:today|now|tomorrow|next (?:week|month|year)|(?:on )?{WEEKDAY}|"
    rf"{_DATE}|{MONTH}(?: \d{{4}})?)[,:]? +)+",
    re.IGNORECASE,
)
_TRAIL = re.compile(
    r"(?:,? (?:now|currently|at the moment|these days|from now on|as of (?:today|now)|today|since (?:today|yesterday|last \w+)|"
    r"again|instead|any ?more|any longer|from here on|by now|"
    rf"(?:from|starting|as of) (?:next \w+|today|now|tomorrow|{WEEKDAY}|{_DATE}|{MONTH}(?: \d{{4}})?)))+$",
    re.IGNORECASE,
)
_DETERMINER = r"(?:[Mm]y|[Oo]ur|[Tt]he|[A-Z][\w-]+['’]s)"
_NOUN = r"(?!(?:is|are|was|were|has|have|had|now)\b)[\w'’-]+"
_SUBJECT = rf"(?P<subject>{_DETERMINER} {_NOUN}(?: {_NOUN}){{0,4}}?|[A-Z][\w-]+(?: [A-Z][\w-]+)?)"
_NOT = r"(?P<no> no longer| not|n['’]t)?"
_NAME = (
    r"(?P<value>(?:the |number |no\. )?(?:[A-Z\d][\w.'’/-]*)"
    r"(?:,? (?:(?:of|the|and|in|on|near|de|van|von) )?[A-Z\d][\w.'’/-]*){0,6}?)"
)
# An employer without a name: "the weather service", "a bakery in Skarn", but not "the office".
_OF_WHAT = r"(?!(?:of|in|on|at|the|and)\b)[\w'’-]+ "
_EMPLOYER = (
    rf"(?P<value>(?:the|an?) (?:(?:{_OF_WHAT}){{0,3}}?(?:service|company|firm|bank|university|college|hospital|clinic|surgery|"
    r"museum|library|council|agency|institute|observatory|ministry|bakery|factory|mill|brewery|newspaper|nursery|publisher|"
    rf"charity|embassy|pharmacy)|(?:{_OF_WHAT}){{1,3}}?(?:practice|office|trust|department|shop|store|school|cafe|café|"
    r"restaurant|hotel|studio|station|centre|center|garage|lab|laboratory|farm|yard|theatre|authority|board))"
    r"(?: (?:of|in|on|at) (?:the )?[A-Z][\w'’-]*(?: [A-Z][\w'’-]*){0,2})?)"
)
_WHEN = (
    rf"(?:,? (?:(?:last|next|this) \w+|yesterday|in (?:{MONTH}|(?:{MONTH} )?\d{{4}})|"
    rf"(?:on|since|from|until) (?:{_DATE}|{WEEKDAY})))?"
)
_SAYS_NOT = r"(?:(?P<no>no longer|do not|don['’]t|does not|doesn['’]t) )?"
_DWELLING = r"(?:(?:the|a|our|my) (?:new )?(?:flat|house|apartment|room|place|home) (?:at|in|on) )?"
_PERSON = r"(?:(?:[Mm]y|[Oo]ur) [a-z-]+ (?=[A-Z]))?(?P<subject>I|We|[A-Z][\w-]+)"
_HOME = re.compile(
    rf"{_PERSON}(?:(?:['’]m|['’]re| am| are| is)? (?:now )?{_SAYS_NOT}(?:lives?|living)(?: now)? (?:in|at|on)|"
    rf"(?:['’]ve| have| has)? (?:just |now )?moved(?: house)? (?:to|into)) {_DWELLING}{_NAME}{_WHEN}"
)
_AS = r"(?: as an? [a-z-]+(?: [a-z-]+){0,2})?"
_WORKS = (
    rf"{_PERSON}(?:(?:['’]m| am| is)? (?:now )?{_SAYS_NOT}(?:works?|working)(?: now)?{_AS} (?:at|for)|"
    r"(?:['’]ve| have| has)? (?:just )?started (?:work(?:ing)? |(?:a |my )?(?:new )?job )?(?:at|with)|"
    r"(?:['’]ve| have| has)? (?:just )?(?:got|taken|took|found) (?:a|the|my) (?:new )?job (?:at|with)|"
    r"(?<=I)(?:['’]m| am)? (?:now )?(?:start(?:ing)?|begin(?:ning)?|began) (?:work |(?:a |my )?(?:new )?job )?(?:at|with)(?! \d)"
)
_WORK = re.compile(rf"{_WORKS}|(?:['’]ve| have| has)? (?:just )?joined) {_NAME}{_WHEN}")
_WORK_UNNAMED = re.compile(rf"(?!.*\bworking at\b){_WORKS}) {_EMPLOYER}{_WHEN}")  # "working at the library today"
_PLACE = re.compile(rf"{_SUBJECT}(?: is{_NOT}(?: now)?(?: located)? (?:in|at|on)|(?: has)? moved to) {_NAME}")
_HOURS = re.compile(
    rf"{_SUBJECT}(?: now)? (?P<verb>opens?|closes?|starts?|begins?|ends?|leaves?|departs?|arrives?|rings?|goes? off)(?: now)? "
    rf"at (?P<value>{_TIME}|noon|midnight)"
)
_AMOUNT = re.compile(
    rf"{_SUBJECT}(?: now)? (?P<verb>costs?|weighs?|measures?|takes?)(?: now)? (?P<value>[€£$]? ?\d[\d.,]*(?: ?[\w%€£$]+){{0,3}})"
)
_IS = re.compile(rf"{_SUBJECT} (?:is|are){_NOT}(?: now)?(?: called| named)? (?P<value>.+)")
# "Dr Wray is our new dentist."
_IS_OURS = re.compile(
    rf"(?!(?:This|That|It|He|She|They|The|There)\b){_NAME} is(?: now)? (?P<subject>(?:my|our) {_NOUN}(?: {_NOUN}){{0,2}})"
)
_CHANGED = re.compile(
    rf"{_SUBJECT}(?: (?:has been|was|were|have been|has|have))? "
    r"(?:changed|raised|moved|lowered|renamed|postponed|brought forward|increased|reduced|cut|switched|(?:put|pushed) back|"
    r"shifted|rescheduled|reset|extended|dropped|risen|rose|fallen|fell|"
    r"(?:(?:gone|went|goes) )?(?:up|down)(?=.* to [€£$]? ?\d)|moves|changes)"
    r"(?: from [^,;]{1,40}?)? to (?P<value>.+)"
)
# "Changed the alarm code to 9920."
_CHANGED_BY_ONE = re.compile(
    r"(?:(?:I|We)(?:['’]ve| have)? (?:just )?)?(?:[Cc]hanged|[Rr]aised|[Ll]owered|[Mm]oved|[Ss]witched|[Rr]eset|[Rr]enamed|"
    rf"[Uu]pdated|[Pp]ostponed|[Rr]escheduled|[Ee]xtended) (?P<subject>{_DETERMINER} {_NOUN}(?: {_NOUN}){{0,4}}?)"
    r"(?: from [^,;]{1,40}?)? to (?P<value>.+)"
)
_AMOUNT_OF = r"[€£$+]? ?\d[\d.,:/-]*(?: ?[\w%€£$²³°/]+){0,6}"
# Notes leave the verb out. A number that counts parts of something is none of its values.
_LABEL = re.compile(r"(?P<subject>(?:[Mm]y |[Tt]he |[Oo]ur )?[A-Za-z][\w'’-]*(?: [\w'’-]+){0,4}?): (?P<value>.+)")
_READING = re.compile(
    rf"(?P<subject>[A-Z][\w'’-]*(?: [a-z][\w'’-]*){{0,3}}?)(?: (?:stands at|is at|was|now|at|up to|down to|raised to|is now))? "
    rf"(?P<value>{_AMOUNT_OF})"
)
_COUNTED = re.compile(
    r"(?:.* )?(?:chapter|part|page|section|step|day|week|month|year|figure|table|box|item|task|line|round|lesson|unit|volume|"
    r"episode|season|exercise|plate|lot|room|row|level|stage|phase|note|sprint|version|release|bus|train|flight)",
    re.IGNORECASE,
)
_NO_READING = re.compile(
    r"(?:[\w'’-]*ed|no|ran|paid|bought|spent|sold|read|saw|met|took|made|got|went|drove|slept|walked|swam|won|lost|found|ate|drank|wrote|"
    r"sent|cost|costs|did|says?|said|shows?|showed|reads|lets|gave|had|has|have|is|are|was|were|be|been|on|at|in|after|from|until|since|by|with|only|"
    r"goes|comes|rings|gets|keeps|lives|stays|meets|pays|charges|serves|works|stops|closes|opens|wants?|asks?|needs?|takes?|offers?|"
    r"over|now|then|still|alone|only|together|yesterday|today|tomorrow|around|another|some|all|both|each|every|about|first|last|next|"
    r"january|february|march|april|may|june|july|august|september|october|november|december|monday|tuesday|wednesday|"
    r"thursday|friday|saturday|sunday|left|run|runs|see|and|or|but|to|a|an|it|he|she|they|we|i|you|there|"
    r"[\w'’-]*ing)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[€£$+]? ?\d[\d.,:/ -]*(?: ?[\w%€£$²³°]+){0,6}")
_NAMED = re.compile(_NAME)
_CHANGES = re.compile(
    r"\b(?:raised|changed|lowered|increased|reduced|moves|moved|switched|renamed|postponed|put back) to\b"
)
_BARE = re.compile(r"(?!(?:The|My|Our|I|We|A|An|It|He|She|They|You|This|That|There)\b)[A-Za-z][a-z]+ ")
_LISTED = re.compile(r"\W*(?:and|or|but|if|when|unless|not)\b", re.IGNORECASE)
_ASIDE = re.compile(r"(?<=\w) \([^()]*\)$")  # "Balance: 2,316.40 (Stuart)"
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

    @property
    def aspect(self) -> str:
        """What is claimed of its subject: "home", "number", "opens"."""
        return self.key.rpartition("|")[2]

    @property
    def stated(self) -> str:
        """The value as it is shown, with "not" where the claim denies it."""
        return f"not {self.shown}" if self.negated else self.shown

    def agrees(self, other: ToldClaim) -> bool:
        """Tell whether two claims of one key can both hold.

        Values agree where one has all words of the other: "7 Ropewalk", "7 Ropewalk in Oldhaven";
        and amounts of different things: "40 cloves", "2.1 kg".
        """
        words, others = set(self.value.split()), set(other.value.split())
        same = words <= others or others <= words
        if "|number" in self.key and _differ_in_kind(words, others):
            return True
        return same == (self.negated == other.negated) or (self.negated and other.negated)


def read_claim(text: str, author: str = "", *, is_note: bool = True) -> ToldClaim | None:
    """Read the claim of a text.

    Args:
        text: The text, one sentence.
        author: Who says it; "" for the crystal's owner.
        is_note: Whether the text may be in the style of notes, "Rent: 900".

    Returns:
        The claim; None where the text makes no claim that is sure.
    """
    sentence = _ASIDE.sub("", " ".join(text.split()).rstrip(".! "))
    if len(sentence) > _MAX_LENGTH or _UNSURE.search(sentence):
        return None
    sentence = _TRAIL.sub("", _LEAD.sub("", sentence)).rstrip(",")
    claim = _claim_in(sentence, author, is_note=is_note)
    # Notes leave "I" and "the" out, and so do people who tell of a change.
    if claim is None and (is_note or _CHANGES.search(sentence)) and _BARE.match(sentence):
        bare = sentence[0].lower() + sentence[1:]
        claim = _claim_in(f"I {bare}", author, is_note=False) or _claim_in(f"The {bare}", author, is_note=False)
        if claim is not None and claim.key.endswith("|place"):  # "Ann is in ..."
            claim = None
    return claim


def claim_with(key: str, value: str, *, negated: bool = False) -> ToldClaim:
    """Make the claim of a key with a value as it is written."""
    return ToldClaim(key, _plain(value), value, negated)


def _claim_in(sentence: str, author: str, *, is_note: bool) -> ToldClaim | None:
    """Read the claim of a sentence without what leads to it and what trails."""
    for form, aspect in ((_HOME, "home"), (_WORK, "work"), (_WORK_UNNAMED, "work")):
        if (match := form.fullmatch(sentence)) is not None and (who := _person(match["subject"], author)) is not None:
            where = f"{aspect} address" if match["value"][0].isdigit() else aspect
            return ToldClaim(f"{who}|{where}", _plain(match["value"]), match["value"], bool(match["no"]))
    for form in (
        _PLACE,
        _HOURS,
        _AMOUNT,
        _CHANGED,
        _CHANGED_BY_ONE,
        _IS,
        _IS_OURS,
        *((_LABEL, _READING) if is_note else ()),
    ):
        if (match := form.fullmatch(sentence)) is not None:
            claim = _claim_of(form, match, author)
            if claim is not None:
                return claim
    return None


def read_statement(sentence: str, author: str = "", *, is_note: bool) -> ToldClaim | None:
    """Read the claim of a sentence in a document; what follows a comma may say more.

    Args:
        sentence: The sentence.
        author: Who says it; "" where that is the writer of notes.
        is_note: Whether the document is of notes.
    """
    claim = read_claim(sentence, author, is_note=is_note)
    if claim is None and ", " in sentence and "\n" not in sentence:
        head, rest = sentence.split(", ", 1)
        claim = None if _LISTED.match(rest) else read_claim(head, author, is_note=is_note)
        if claim is not None and claim.key.endswith("|name") and rest[:1].isupper():
            claim = None  # one of several
    return claim


def _claim_of(form: re.Pattern[str], match: re.Match[str], author: str) -> ToldClaim | None:
    """Make the claim of a matched form; None where it is not sure."""
    if form in (_LABEL, _READING) and (
        _COUNTED.fullmatch(match["subject"]) or any(_NO_READING.fullmatch(word) for word in match["subject"].split())
    ):
        return None
    subject = _subject(match["subject"] if form not in (_LABEL, _READING) else f"the {match['subject']}", author)
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
        if kind is None or (form is _LABEL and kind == "name" and ", " in value):
            return None  # "Present: Ann Crask, Ben Sollas"
        aspect = kind
    if subject in ("address", "home address", f"@{author.casefold()} address", f"@{author.casefold()} home address"):
        return ToldClaim(f"@{author.casefold()}|home address", _plain(value), value, bool(groups.get("no")))
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
_OTHER_PRONOUNS = frozenset((
    "his", "her", "him", "their", "them", "its",
    "your", "you", "me", "us", "this", "that", "that's", "it's", "i", "i'm", "we", "we're", "he's", "she's",
))  # fmt: skip
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
    if not parts or len(parts) > _MAX_SUBJECT or parts[0] in _NO_NAMES - {"the"}:
        return None
    if not _OTHER_PRONOUNS.isdisjoint(parts):
        return None
    if len(parts) == 1:
        parts = [f"@{parts[0]}"]
    owned = [f"@{author.casefold()}" if part in ("my", "our") else part for part in parts if part != "the"]
    parts = [f"@{part.removesuffix(_OWNER)}" if part.endswith(_OWNER) else part for part in owned]
    heads = [parts[number - 1] for number, part in enumerate(parts) if part in ("of", "for") and number] or parts[-1:]
    is_several = not heads or heads[0] in _SEVERAL or heads[0].removesuffix("s") in _SEVERAL
    if is_several and not any(part in ("favourite", "favorite") for part in parts):
        return None
    return " ".join(part for part in parts if part not in ("new", "current", "own"))


def _differ_in_kind(words: set[str], others: set[str]) -> bool:
    """Tell whether two values are amounts of different things."""
    things = [{word for word in each if not any(letter.isdigit() for letter in word)} for each in (words, others)]
    amounts = [any(word[0].isdigit() for word in each) for each in (words, others)]
    return all(amounts) and all(things) and things[0].isdisjoint(things[1])


def _plain(value: str) -> str:
    return " ".join(value.casefold().replace("’", "'").rstrip(".,").removeprefix("the ").split())
