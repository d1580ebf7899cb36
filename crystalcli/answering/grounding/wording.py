"""Wording: how a sentence of an answer agrees with one of a source beyond the words they share.

    denial    "will apply", where the source has "will not apply"
    cause     "because it was late", where the source gives no cause
    question  "they are alive", where the source has "whether they were dead or alive"
    role      "the girl is Ann Marl", where the source has "the singer (Ann Marl)"
    degree    "the best of them", where the source compares nothing
    doubt     "it yields 38", where the source has "a theoretical 38" or "would have yielded 38"
    part      "it is a tumor", where the source has "in 80 percent of them"
    former    "the mayor, Ann Marl", where the source has "the former mayor"
    count     "13 parts", where the source has "part 13"
    person    "her bright eyes", where the source has "his bright eyes"
    order     a stretch of the source's words, unchanged

Knows: words of English in their order. Does not know: terms and their weights, what is cited.
"""

from __future__ import annotations

import re

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
# A part of all that is spoken about; an answer without such a word speaks of all.
_PART = re.compile(
    r"\b(?:in|for|among|of) (?:(?:about|almost|nearly|over|around|roughly|up to|more than|less than|at least) )*"
    r"(?:\d+(?:\.\d+)? ?(?:percent|per cent|%)|a (?:third|quarter|fifth|half|few)|half|some|certain|rare) (?:of )?",
    re.IGNORECASE,
)
_SAID_PART = re.compile(
    r"\d|%|\b(?:percent|some|many|most|often|usually|sometimes|half|third|quarter|may|might|can|rare\w*|certain|few|part\w*)\b",
    re.IGNORECASE,
)
_FORMER = re.compile(r"\b(former|ex|future|acting|deputy|would-be)[ -]([a-z]{3,})", re.IGNORECASE)
_COUNT = re.compile(r"(?<![\w.,])(\d+)\s+([a-z]{3,})")
_POSSESSED = re.compile(r"\b(his|her|their) (\w+)", re.IGNORECASE)
_CONTRAST = re.compile(
    r"\W*(?:however|but|instead|in contrast|by contrast|conversely|on the other hand)\b", re.IGNORECASE
)
# Two prepositions that end up side by side when a question is turned into an answer.
_GARBLED = re.compile(r"\b(?:by|of|with) (?:in|at|by|of)\b", re.IGNORECASE)
_ROLE = 5  # letters by which two words name one role: actor, actors
# Words that place or compare what is said; a stretch of the source's words does not carry them.
_TURNS = frozenset(
    """
    before after until till since now then still yet already again once only first last latest newest oldest most least more less
    than both each every all always ever soon later earlier next previous formerly currently
    """.split()  # noqa: SIM905
)


def denies_alike(said: str, stated: str) -> bool:
    """Tell whether two sentences both deny something, or neither does.

    Of a source that denies, only the clauses that have words of the answer count.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.
    """
    own = _words(said)
    taken = set(own) - _FUNCTION
    clauses = [_words(clause) for clause in _CLAUSE_END.split(stated)]
    used = [word for clause in clauses if taken.intersection(clause) for word in clause]
    if _has_negation(own):
        return any(_is_negation(word) or word in _EXCEPTIONS for clause in clauses for word in clause)
    return not _has_negation(used)


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
    return not _SUPPOSED.search(stated) or _SUPPOSED.search(said) is not None


def limits_alike(said: str, stated: str) -> bool:
    """Tell whether an answer speaks of a part, or of a former one, where the source does."""
    if _PART.search(stated) and not _SAID_PART.search(said):
        return False
    words = _words(said)
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


def possesses_alike(said: str, stated: str) -> bool:
    """Tell whether what is "his" in the source is not "hers" or "theirs" in the answer."""
    owners: dict[str, set[str]] = {}
    for owner, thing in _POSSESSED.findall(stated.casefold()):
        owners.setdefault(thing, set()).add(owner)
    return all(owner in owners.get(thing, (owner,)) for owner, thing in _POSSESSED.findall(said.casefold()))


def opens_contrast(stated: str) -> bool:
    """Tell whether a sentence sets itself against the one before it."""
    return _CONTRAST.match(stated) is not None


def is_garbled(said: str) -> bool:
    """Tell whether a sentence has two prepositions side by side, as in "is led by in 1900"."""
    return _GARBLED.search(said) is not None


def shared_stretch(said: str, stated: str) -> tuple[str, str]:
    """Find the longest stretch of words, function words included, that two sentences share.

    Args:
        said: The sentence of the answer.
        stated: The sentence of the source.

    Returns:
        The words of the stretch, and the other words of the answer's sentence.
    """
    own, words = _words(said), _words(stated)
    best = (0, 0)  # length, and the first word in the answer
    lengths = [0] * (len(words) + 1)
    for row, word in enumerate(own):
        before = 0
        for column, other in enumerate(words, 1):
            before, lengths[column] = lengths[column], before + 1 if word == other else 0
            best = max(best, (lengths[column], lengths[column] - row - 1))
    length, start = best[0], -best[1]
    return " ".join(own[start : start + length]), " ".join(own[:start] + own[start + length :])


def turning_words(text: str) -> frozenset[str]:
    """Give the words of a text that deny, place in time or compare."""
    words = _words(text)
    return frozenset(word for word in words if word in _TURNS or _is_negation(word))


def _words(text: str) -> list[str]:
    return [match[0].casefold().replace("’", "'") for match in _WORD.finditer(text)]


def _has_negation(words: list[str]) -> bool:
    return any(map(_is_negation, words))


def _is_negation(word: str) -> bool:
    return word in _NEGATIONS or word.endswith(_NEGATED)


# Words that stand in any sentence, so that the one of the source does not begin or end with them.
_FUNCTION = frozenset(
    """
    a an the and or but of in on at to for from by with as is are was were be been being it its this that these those he she they
    i we you his her their my our your him them me us has have had do does did will would can could may might must shall should
    which who whom whose what when where there here so than then if not no
    """.split()  # noqa: SIM905 - a list would take a page
)
