"""Wording: how a sentence of an answer agrees with one of a source beyond the words they share.

    denial    "will apply", where the source has "will not apply"
    cause     "because it was late", where the source gives no cause
    question  "they are alive", where the source has "whether they were dead or alive"
    role      "the girl is Ann Marl", where the source has "the singer (Ann Marl)"
    degree    "the best of them", where the source compares nothing
    doubt     "it yields 38", where the source has "a theoretical 38" or "would have yielded 38",
              "may yield 38" or "is believed to yield 38"
    intent    "she repaired it", where the source has "tried to repair it"
    condition "the fee is 38", where the source has "unless paid by May, the fee is 38"
    part      "it is a tumor", where the source has "in 80 percent of them" or "in some of them"
    former    "the mayor, Ann Marl", where the source has "the former mayor"
    count     "13 parts", where the source has "part 13"
    rival     "40 % rent", where the source has "40 % own their house, and 11 % rent"
    person    "her bright eyes", where the source has "his bright eyes"
    modifier  "a red boat", where the source has "a blue boat"
    head      "hand washing is good for all", where the source has "face washing is good for all"
    name      "the arms are called fins", where the source names nothing: "arms with fins"
    joint     "the pilots and the crew", where the source has "the pilots, or the crew"
    item      "Ann" for the mayor, where the source lists "the singer Ann, the mayor Ben, ..."

Knows: words of English in their order. Does not know: terms and their weights, what is cited.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"[^\W_]+(?:['’.,:-][^\W_]+)*")
_NEGATIONS = frozenset("not no never none nor neither without nothing nobody nowhere cannot".split())  # noqa: SIM905
_NEGATED = "n't"
_EXCEPTIONS = frozenset("except unless but failed fails refused refuses".split())  # noqa: SIM905
_CLAUSE_END = re.compile(r"[,;:()—–]+\s")
_CAUSES = re.compile(
    r"\b(?:because|since|due to|owing to|thanks to|as a result|therefore|thus|hence|so that|in order)\b", re.IGNORECASE
)
# What a source may say instead: "late as it was", "he left, for he was tired", "so he went".
_STATED_CAUSES = re.compile(
    rf"{_CAUSES.pattern}|\b(?:caus(?:e[sd]?|ing)|reasons?|why|ma[dk]es?|making|le[ad]ds?|led|results?|resulted)\b"
    r"|(?:^|[,;:—–])\W*(?:for|as|so|that)\b|\bso\b[^,;.]*\bthat\b|\bto avoid\b",
    re.IGNORECASE,
)
# What a source leaves open, up to the end of its clause.
_OPEN = re.compile(
    r"\b(?:whether|(?:ask|asks|asked|know|knew|see|wonder|wonders|wondered|wondering|doubt|doubted|find out|found out"
    r"|decide|determine|check|test|tell|told) if)\b[^.;:!?]*",
    re.IGNORECASE,
)
# An answer with one of these does not settle it, either.
_INQUIRY = re.compile(
    r"\b(?:whether|if|ask\w*|wonder\w*|question\w*|investigat\w*|examin\w*|test\w*|explor\w*|stud(?:y|ies|ied)|assess\w*"
    r"|evaluat\w*|determin\w*|compar\w*|decid\w*|aim\w*|know\w*|knew|find|found|check\w*|doubt\w*)\b",
    re.IGNORECASE,
)
# A name in brackets behind the noun that it belongs to.
_BRACKETED_NAME = re.compile(r"\b([a-z][a-z-]{2,})\s*\(([A-Z][\w.'’-]*(?:\s+[A-Z][\w.'’-]*){1,3})\)")
# Words that rank one thing above others, and those by which a source may say so.
_DEGREE = re.compile(
    r"\b(?:more|most|less|least|best|worst|better|worse|(?!inter|for|hon|mod|har|temp|conqu)[a-z]{3,}est)\b"
)
_STATED_DEGREE = re.compile(
    rf"{_DEGREE.pattern}|\b(?:main|mainly|major|chief|chiefly|primar\w+|top|prefer\w*|prevail\w*|dominant|maximum|minimum|highly"
    r"|rather|than|only|so|too|very|mostly|usually|commonly|[a-z]{3,}er)\b|%"
)
# A thing that is supposed; an answer without such a word states it.
_SUPPOSED = re.compile(
    r"\b(?:theoretical\w*|hypothe\w+|in theory|alleged\w*|supposed\w*|purported\w*|so-called|imaginary|fictional"
    r"|(?:would|could|might|should) have)\b",
    re.IGNORECASE,
)
# The same of a clause that has words of the answer; "May" may be the month.
_DOUBT = re.compile(
    r"\b(?:may|might|could|perhaps|possibly|probably|presumably|reportedly|seem(?:s|ed)?|appear(?:s|ed)? to"
    r"|(?:is|are|was|were|be|been) (?:\w+ )?(?:considered|believed|thought|said|claimed|rumou?red)|believes?)\b"
)
_SAID_DOUBT = re.compile(rf"{_DOUBT.pattern}|\b(?:can|can not|cannot|likely|potential\w*|possible|believed|claimed)\b")
# What is only meant to be, and its verb; an answer with the first verb says no more.
_INTENT = re.compile(
    r"\b(tr(?:y|ies|ied|ying)|plan\w*|want\w*|hop(?:es?|ed|ing)|intend\w*|attempt\w*|propos\w*|offer\w*|promis\w*|threaten\w*"
    r"|agreed?|aim\w*|wish\w*|order\w*|ask\w*|told)(?: \w+){0,4}? to (\w+)",
    re.IGNORECASE,
)
_VERB = 3  # letters by which two forms are of one verb: try, tries
_FORM = 4  # and of one word: show, shows
_CONDITION = re.compile(r"\b(?:if|unless|provided that|as long as|in case)\b", re.IGNORECASE)
# A part of all that is spoken about; an answer without such a word speaks of all.
_PART = re.compile(
    r"\b(?:in|for|among|of) (?:(?:about|almost|nearly|over|around|roughly|up to|more than|less than|at least) )*"
    r"(?:\d+(?:\.\d+)? ?(?:percent|per cent|%)|a (?:third|quarter|fifth|half|few)|half|some|certain|rare) (?:of )?"
    r"|\b(?:sometimes|rarely|seldom|occasionally)\b",
    re.IGNORECASE,
)
# The same before a noun, which the answer has, too.
_SOME = re.compile(
    r"\b(?:some|few|many|most|several|certain|half) (?:of )?(?:the |these |those |its |his |her |their )?(\w{3,})"
)
_SAID_PART = re.compile(
    r"\d|%|\b(?:percent|some|many|most|several|often|usually|sometimes|half|third|quarter|may|might|can|rare\w*|certain|few|part\w*)\b",
    re.IGNORECASE,
)
_FORMER = re.compile(r"\b(former|ex|future|acting|deputy|would-be)[ -]([a-z]{3,})", re.IGNORECASE)
_NO_LONGER = re.compile(r"\b(?:formerly(?! (?:known|called|named))|no longer|used to|until recently)\b", re.IGNORECASE)
_COUNT = re.compile(r"(?<![\w.,])(\d+)\s+([a-z]{3,})")
_SHARE = re.compile(r"\s*(?:%|per ?cent\b)", re.IGNORECASE)
_YEAR = re.compile(r"1\d{3}|20\d\d")
_POSSESSED = re.compile(r"\b(his|her|their) (\w+)", re.IGNORECASE)
_CONTRAST = re.compile(
    r"\W*(?:however|but|instead|in contrast|by contrast|conversely|on the other hand)\b", re.IGNORECASE
)
# Two prepositions that end up side by side when a question is turned into an answer.
_GARBLED = re.compile(r"\b(?:by|of|with) (?:in|at|by|of)\b", re.IGNORECASE)
_JOINT = re.compile(r"([^\W_]+),? (and|or) (?:(?:the|an?) )?([^\W_]+)")
_SAID_NAME = re.compile(r"\b(?:called|named|known as)\b", re.IGNORECASE)
_STATED_NAME = re.compile(
    r"\b(?:called?|calls|named?|names?|known|nicknamed?|dubbed|termed?|terms?|titled?|christened|alias|aka|i\.e|"
    r"(?:is|are|was|were|as|or) (?:(?:the|an?) )?[\"“'‘]?(?-i:[A-Z]))",
    re.IGNORECASE,
)
_ITEM_END = re.compile(r"[,;]\s+(?:and |or )?")
_FEWEST_ITEMS = 5  # between commas, of a sentence that is a list
_TAKEN_RUN = 5  # words in a row that an answer has of a source
_REPEATED_RUN = 4  # words; a sentence that repeats so many has lost its way
_SMALL_NUMBERS = frozenset("one two three four five six seven eight nine ten both all".split())  # noqa: SIM905
_REFERRING = frozenset("he she they it this these".split())  # noqa: SIM905
_BEGINNING = 3  # words
_ROLE = 5  # letters by which two words name one role: actor, actors


def denies_alike(said: str, stated: str) -> bool:
    """Tell whether two sentences both deny something, or neither does.

    Of a source that denies, only the clauses that have words of the answer count.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    if _has_negation(_words(said)):
        return any(_is_negation(word) or word in _EXCEPTIONS for word in _words(stated))
    return not any(_has_negation(_words(clause)) for clause in _clauses_used(said, stated))


def gives_cause_alike(said: str, stated: str) -> bool:
    """Tell whether a cause that an answer's sentence gives may be one in the source's, too."""
    if not _CAUSES.search(said):
        return True
    return _STATED_CAUSES.search(stated) is not None


def settles_alike(said: str, stated: str) -> bool:
    """Tell whether an answer's sentence leaves open what the source does, as behind "whether".

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    open_parts = _OPEN.findall(stated)
    if not open_parts or _INQUIRY.search(said):
        return True
    only_open = set(_words(" ".join(open_parts))) - set(_words(_OPEN.sub(" ", stated))) - _FUNCTION
    return only_open.isdisjoint(_words(said))


def gives_roles_alike(said: str, stated: str) -> bool:
    """Tell whether names that the source gives in brackets stand beside the nouns before these.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    words = _words(said)
    elsewhere = _BRACKETED_NAME.sub(" ", stated)
    for match in _BRACKETED_NAME.finditer(stated):
        role, name = match.groups()
        if name in said and name not in elsewhere and not any(word[:_ROLE] == role[:_ROLE] for word in words):
            return False
    return True


def ranks_alike(said: str, stated: str) -> bool:
    """Tell whether the source may rank things where the answer's sentence does."""
    return not _DEGREE.search(said.casefold()) or _STATED_DEGREE.search(stated.casefold()) is not None


def supposes_alike(said: str, stated: str) -> bool:
    """Tell whether an answer's sentence leaves as a supposition what is one in the source."""
    if _SUPPOSED.search(stated) and not _SUPPOSED.search(said):
        return False
    if not _SAID_DOUBT.search(said) and any(_DOUBT.search(clause) for clause in _clauses_used(said, stated)):
        return False
    words = _words(said)
    return all(
        any(_is_alike(verb, word, _VERB) for word in words) or not any(_is_alike(meant, word, _FORM) for word in words)
        for verb, meant in _INTENT.findall(stated.casefold())
    )


def limits_alike(said: str, stated: str) -> bool:
    """Tell whether an answer speaks of a part, or of a former one, where the source does."""
    words = _words(said)
    if not _SAID_PART.search(said) and (
        _PART.search(stated)
        or any(_is_alike(noun, word) for noun in _SOME.findall(stated.casefold()) for word in words)
    ):
        return False
    if _NO_LONGER.search(stated) and not _NO_LONGER.search(said):
        return False
    return all(
        former.casefold() in said.casefold() or role.casefold() not in words for former, role in _FORMER.findall(stated)
    )


def counts_alike(said: str, stated: str) -> bool:
    """Tell whether numbers that an answer counts with are counts in the source, not labels."""
    words = " ".join(_words(stated))
    for number, noun in _COUNT.findall(said.casefold()):
        stem = noun.rstrip("s")
        if re.search(rf"\b{stem} {number}\b", words) and not re.search(rf"\b{number} (?:\w+ )?{stem}", words):
            return False
    return True


def has_no_rival(said: str, stated: str) -> bool:
    """Tell whether no number of a kind that the answer has stands amid the words that it takes.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    kinds = {kind for _, kind in _numbers(said)}
    if not kinds:
        return True
    own = set(_words(said)) - _FUNCTION
    held = [{each for each in own if _is_alike(word, each, _FORM)} for word in _words(stated)]
    first, last = _narrowest(held)
    return not any(kind in kinds and first < place < last and not held[place] for place, kind in _numbers(stated))


def possesses_alike(said: str, stated: str) -> bool:
    """Tell whether what is "his" in the source is not "hers" or "theirs" in the answer."""
    owners: dict[str, set[str]] = {}
    for owner, thing in _POSSESSED.findall(stated.casefold()):
        owners.setdefault(thing, set()).add(owner)
    return all(owner in owners.get(thing, (owner,)) for owner, thing in _POSSESSED.findall(said.casefold()))


def opens_contrast(stated: str) -> bool:
    """Tell whether a sentence sets itself against the one before it."""
    return _CONTRAST.match(stated) is not None


def joins_alike(said: str, stated: str) -> bool:
    """Tell whether what an answer joins by "and" is not joined by "or" in the source, or so."""
    joints: dict[tuple[str, str], set[str]] = {}
    for before, joint, after in _JOINT.findall(stated.casefold()):
        joints.setdefault((before, after), set()).add(joint)
    pairs = _JOINT.findall(said.casefold())
    return all(joint in joints.get((before, after), (joint,)) for before, joint, after in pairs)


def names_alike(said: str, stated: str) -> bool:
    """Tell whether the source may name a thing where the answer says what it is called."""
    return not _SAID_NAME.search(said) or _STATED_NAME.search(stated) is not None


def is_another_item(said: str, question: str, stated: str) -> bool:
    """Tell whether a source lists what an answer names, and has what is asked beside another item.

    Args:
        said: The answer, a name or a few words.
        question: The question.
        stated: The sentence of the source.
    """
    head, *items = [set(_words(part)) for part in _ITEM_END.split(stated)]
    if len(items) + 1 < _FEWEST_ITEMS:
        return False
    named = set(_words(said)) - _FUNCTION
    asked = set(_words(question)) - _FUNCTION - named
    own = head.union(*(item for item in items if not named.isdisjoint(item)))
    others = set[str]().union(*(item for item in items if named.isdisjoint(item)))
    return bool((asked & others) - own)


def is_garbled(said: str) -> bool:
    """Tell whether a sentence repeats itself, or has two prepositions side by side.

    As in "is led by in 1900".
    """
    words = _words(said)
    runs = [tuple(words[start : start + _REPEATED_RUN]) for start in range(len(words) - _REPEATED_RUN + 1)]
    return _GARBLED.search(said) is not None or len(set(runs)) < len(runs)


def depends_alike(said: str, stated: str) -> bool:
    """Tell whether an answer's sentence has a condition where the source has one for the same.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    if _CONDITION.search(said):
        return True
    words = set(_words(said)) - _FUNCTION
    for match in _CONDITION.finditer(stated):
        before = [word for word in _words(stated[: match.start()]) if word not in _FUNCTION]
        # "If it rains, the fair is indoors" depends as a whole; else what stands before the "if".
        if words.intersection(before[-1:] or _words(stated)):
            return False
    return True


def modifies_alike(said: str, stated: str) -> bool:
    """Tell whether words side by side in an answer have no other in the source before the last.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    own = [word for word in _words(said) if word not in _FUNCTION]
    pairs = list(_side_by_side(stated))
    for before, word in _side_by_side(said):
        if not before or word in _FUNCTION:
            continue
        others = [other for other, second in pairs if _is_alike(second, word, _FORM)]
        if not before[0].isdigit():  # "two boats" may be red ones
            others = ["" if other in _SMALL_NUMBERS or other[:1].isdigit() else other for other in others]
        if others and not any(not other or any(_is_alike(other, each, _FORM) for each in own) for other in others):
            return False
    return True


def heads_alike(said: str, stated: str) -> bool:
    """Tell whether the words that an answer takes in a row have no other word before them there.

    Only a run that begins with a noun before its verb is compared, which may be told of another.
    """
    words, others = _words(said), _words(stated)
    start, other, length = SequenceMatcher(None, words, others, autojunk=False).find_longest_match()
    if (
        length < _TAKEN_RUN
        or not start
        or not other
        or words[start] in _FUNCTION
        or words[start + 1] not in _AUXILIARIES
    ):
        return True
    before, stands = words[start - 1], others[other - 1]
    return before in _FUNCTION or stands in _FUNCTION or _is_alike(before, stands, _FORM)


def refers_back(stated: str) -> bool:
    """Tell whether a sentence begins with what was named before it, as in "So they left"."""
    return any(word in _REFERRING for word in _words(stated)[:_BEGINNING])


def _clauses_used(said: str, stated: str) -> list[str]:
    """Give the clauses of a source's sentence that have words of the answer's."""
    taken = set(_words(said)) - _FUNCTION
    return [clause for clause in _CLAUSE_END.split(stated) if taken.intersection(_words(clause))]


def _side_by_side(text: str) -> Iterator[tuple[str, str]]:
    """Give each word with the one before it; "" for a function word, a mark between, or none."""
    before, end = "", 0
    for match in _WORD.finditer(text):
        word = _folded(match[0])
        yield (before if not text[end : match.start()].strip() else ""), word
        before, end = "" if word in _FUNCTION else word, match.end()


def _numbers(text: str) -> Iterator[tuple[int, str]]:
    """Give the place of each number among the words of a text, and its kind."""
    for place, match in enumerate(_WORD.finditer(text)):
        if match[0][0].isdigit():
            share = _SHARE.match(text, match.end())
            yield place, "share" if share else "year" if _YEAR.fullmatch(match[0]) else "count"


def _narrowest(held: Sequence[set[str]]) -> tuple[int, int]:
    """Find the first and the last of the fewest places in a row that hold all that any holds."""
    wanted: set[str] = set().union(*held)
    best = (0, len(held) - 1)
    for first, each in enumerate(held):
        if not each:
            continue
        open_ = set(wanted)
        for last in range(first, len(held)):
            open_ -= held[last]
            if not open_:
                best = min(best, (first, last), key=lambda ends: ends[1] - ends[0])
                break
    return best


def _is_alike(word: str, other: str, least: int = _ROLE) -> bool:
    """Tell whether two words are the same, or seem to be forms of one."""
    return word == other or (len(word) >= least and word[:least] == other[:least])


def _words(text: str) -> list[str]:
    return [_folded(match[0]) for match in _WORD.finditer(text)]


def _folded(word: str) -> str:
    return word.casefold().replace("’", "'")


def _has_negation(words: list[str]) -> bool:
    return any(map(_is_negation, words))


def _is_negation(word: str) -> bool:
    return word in _NEGATIONS or word.endswith(_NEGATED)


_AUXILIARIES = frozenset(
    "is are was were has have had does do did will would can could may might must shall should".split()  # noqa: SIM905
)
# Words that stand in any sentence, so that the one of the source does not begin or end with them.
_FUNCTION = frozenset(
    """
    a an the and or but of in on at to for from by with as is are was were be been being it its this that these those he she they
    i we you his her their my our your him them me us has have had do does did will would can could may might must shall should
    which who whom whose what when where there here so than then if not no
    """.split()  # noqa: SIM905 - a list would take a page
)
