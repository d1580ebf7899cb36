"""The filter that the words of a question say: of which time, by whom, and in which documents.

    "What did Ann say about the tent last week?"   messages by Ann, of those days
    "Who is Lucy in Dracula?"                      the document of that name
    "Where did I live in March?"                   until the end of March, the newest first

A name counts only where the crystal has an author or a document of that name; the caller looks that
up. No model takes part.

Knows: English question forms. Does not know: crystals.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import date
from typing import NamedTuple, Protocol

from crystalcli.datatypes import CONVERSATION_KIND, RecallFilter
from crystalcli.lexical import query_terms
from crystalcli.recall import DateMention, find_dates, is_author

_SPEECH = (
    r"(?:say|said|says|tell|told|think|thinks|write|wrote|written|mention(?:ed)?|ask(?:ed)?|suggest(?:ed)?|promised?|"
    r"recommend(?:ed)?|report(?:ed)?|send|sent|answer(?:ed)?|reply|replied|explain(?:ed)?|proposed?|advised?|"
    r"warn(?:ed)?|announced?|claim(?:ed)?|state|stated|post(?:ed)?|text(?:ed)?|e-?mail(?:ed)?|let (?:me|us) know)"
)
_NAME = r"(?P<name>[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2}?)"
_PEOPLE = [
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"\b(?:did|does|do|has|have|had|would|will) (?:my |our |the )?{_NAME} (?:ever |just |also |really |last )?{_SPEECH}\b",
        r"\b(?:messages?|mails?|e-?mails?|texts?|posts?|letters?|chats?) (?:\w+ )?(?:from|by) (?:my |our |the )?"
        r"(?P<name>[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2})",
        r"\b(?:according to|written by|sent by|said by) (?:my |our |the )?(?P<name>[^\W\d_][\w.'’-]*(?: [^\W\d_][\w.'’-]*){0,2})",
        rf"\b{_NAME}['’]s? (?:opinion|view|views|advice|message|messages|mail|mails|e-?mail|e-?mails|reply|answer|suggestion)\b",
    )
]
_PRONOUN = re.compile(r"i|you|he|she|it|we|they|one|people|who|(?:any|some|every)(?:one|body)", re.IGNORECASE)
_IN = re.compile(r"\b(?:in|from|on|within|inside|according to|of) (?=[\"“‘'A-Z\d])")
_IN_PLACE = re.compile(
    r"\b(?:in|from|through|across|within) (?:the|my|our|all (?:the|my|our)) (?P<noun>[\w-]+)", re.IGNORECASE
)
# The conversations of `crystal chat`: what the user asked here, and what was answered.
_CONVERSATION = re.compile(
    r"\b(?:did|have|had) (?:i|we) (?:ever |just |already |last )?(?:ask(?:ed)?(?: you)?|talk(?:ed)?|discuss(?:ed)?|speak|spoken)\b|"
    r"\b(?:i|we) (?:ask(?:ed)?(?: you)?|talked|discussed|spoke|had asked)\b|"
    r"\b(?:did|have|had) you (?:say|said|tell|told|answer(?:ed)?|suggest(?:ed)?)\b|\byou (?:said|told me|answered)\b|"
    r"\bas we said\b|\b(?:my|our|the) (?:last|earlier|previous|past) (?:conversations?|questions?|sessions?|chats?)\b|"
    r"\b(?:in|from) (?:my|our) (?:conversations?|questions)\b",
    re.IGNORECASE,
)
# Kinds of documents, with the words for them in questions.
_KIND_WORDS = {
    "markdown": "notes journal diary",
    "notes": "notes",
    "calendar": "calendar",
    "contacts": "contacts",
    "chat": "chat chats",
    "mail": "mail mails email emails e-mail e-mails mailbox",
    "pdf": "pdf pdfs",
    "pptx": "slides",
    "code": "code",
}
_KINDS_OF = {
    word: tuple(kind for kind, words in _KIND_WORDS.items() if word in words.split())
    for word in " ".join(_KIND_WORDS.values()).split()
}
_LONGEST_NAME = 8  # words of a document's name
_QUOTES = " \"'“”‘’«»`,;.?!"
_NEWEST = re.compile(
    r"\b(?:now|nowadays|current(?:ly)?|latest|newest|most recent(?:ly)?|at the moment|at present|right now|these days|still|"
    r"so far|as of now|presently|last)\b",
    re.IGNORECASE,
)
_TODAY = re.compile(r"\btoday\b", re.IGNORECASE)
_PAST = re.compile(
    r"\b(?:did|was|were|had|used to|before|previous(?:ly)?|former(?:ly)?|first|original(?:ly)?|earlier|once|ago|then|back|"
    r"happened|ever|changed?)\b",
    re.IGNORECASE,
)
_PRESENT_VERB = r"\b(?:is|are|am|do|does|has|have|must|can|should|may|\w+s)\b"
_PRESENT = re.compile(
    rf"^\W*(?:(?:and|so|but) )?(?:(?:what|who|which|where|how|whose)\b[^?]*?(?:['’](?:s|re|m)\b|{_PRESENT_VERB})|"
    r"(?:is|are|am|do|does|has|have|can)\b)",
    re.IGNORECASE,
)
# A state at a time, which was said before it: "Where did I live in March?", "my rent in May".
_STATE = re.compile(
    r"\b(?:was|were) (?:my|our|his|her|their|the current)\b|\bwas [A-Z]\w*['’]s\b|"
    r"\bdid \w+(?: \w+)? (?:live|work|weigh|earn|own|use|pay|drive|have|belong|study|cost|rent)\b",
)
# Words that say nothing of what is asked for beside the filter.
_EMPTY_WORDS = (
    "happen do did done say tell write go come new news event message note mail email entry thing everything anything something "
    "mention talk get know day week month year time about think chat text"
)


class Names(Protocol):
    """The names that a crystal has."""

    def authors(self) -> Collection[str]:
        """Give the authors of messages."""

    def documents(self, phrase: str) -> tuple[str, ...]:
        """Give the names of the documents that a phrase means; () for none."""

    def folder(self, noun: str) -> str:
        """Give the folder of that name; "" without one."""

    def kinds(self) -> Collection[str]:
        """Give the kinds of documents."""

    def newest_day(self) -> date | None:
        """Give the newest date in the text; None where nothing is dated."""


class FilterWords(NamedTuple):
    """What the words of a question say.

    Attributes:
        recall_filter: The filter.
        newest: Whether the newest of dated text is asked for.
        rest: The question without the words of the filter.
        bare: Whether the rest says nothing that can be searched for.
    """

    recall_filter: RecallFilter
    newest: bool
    rest: str
    bare: bool


def read_filter_words(question: str, names: Names, today: date | None = None) -> FilterWords:
    """Read the filter that the words of a question say.

    Args:
        question: The question.
        names: The names that the crystal has; asked only where a form of words calls for it.
        today: The day that relative dates are counted from; None: the newest date of the text.
    """
    spans: list[tuple[int, int]] = []
    since, until, is_state = _read_dates(question, names, today, spans)
    people, within, kinds = _read_people(question, names, spans)
    if not within:
        within = _read_documents(question, names, spans)
    if not within and not kinds and not people:
        within, kinds = _read_folder(question, names, spans)
    match = None if within or kinds or people else _CONVERSATION.search(question)
    if match is not None and CONVERSATION_KIND in names.kinds():
        spans.append(match.span())
        kinds = (CONVERSATION_KIND,)
    has_dates = since is not None or until is not None
    found = RecallFilter(within=within, kinds=kinds, since=since, until=until, people=people, by_content=has_dates)
    rest = _without(question, spans)
    is_bare = (has_dates or bool(people)) and _is_bare(rest)
    newest = is_state or _asks_newest(question, rest, dated=has_dates) or (is_bare and not has_dates)
    return FilterWords(found, newest, rest, is_bare)


def _read_dates(
    question: str, names: Names, today: date | None, spans: list[tuple[int, int]]
) -> tuple[date | None, date | None, bool]:
    """Read the period of a question; nothing where the text has no dates, or is older."""
    if not any(True for _ in find_dates(question, today or date(2000, 1, 1))):
        return None, None, False
    newest = names.newest_day()
    if newest is None:
        return None, None, False
    now = today or newest
    mentions = [mention for mention in find_dates(question, now) if not _means_now(question, mention)]
    mentions = [mention for mention in mentions if mention.period.since is None or mention.period.since <= newest]
    if not mentions:
        return None, None, False
    spans += [(mention.start, mention.end) for mention in mentions]
    firsts = [mention.period.since for mention in mentions if mention.period.since is not None]
    lasts = [mention.period.until for mention in mentions if mention.period.until is not None]
    if len(mentions) > 1 and all(mention.link in ("inside", "") for mention in mentions):  # either of them
        since, until = min(firsts, default=None), max(lasts, default=None)
    else:
        since, until = max(firsts, default=None), min(lasts, default=None)
    if since is not None and until is not None and since > until:
        return None, None, False
    is_state = until is not None and _STATE.search(question) is not None and all(m.link != "since" for m in mentions)
    return (None if is_state else since), until, is_state


def _means_now(question: str, mention: DateMention) -> bool:
    """Tell whether "today" means now, as in "Where do I work today?"."""
    return _TODAY.fullmatch(question[mention.start : mention.end]) is not None and _PAST.search(question) is None


def _read_people(
    question: str, names: Names, spans: list[tuple[int, int]]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Read the person who speaks, or the program: names of people, documents and kinds."""
    for form in _PEOPLE:
        for match in form.finditer(question):
            for name in _names_in(match["name"]):
                if any(is_author(name, author) for author in names.authors()):
                    spans.append(match.span())
                    return (name,), (), ()
                documents = names.documents(name) if name[0].isupper() else ()
                if documents and names.folder(name):  # a program, such as a chat with a model
                    spans.append(match.span())
                    assistants = tuple(author for author in names.authors() if author == "assistant")
                    return assistants, (names.folder(name),), ()
    return (), (), ()


def _names_in(words: str) -> Iterator[str]:
    """Give the names that some words may begin or end with: of "Ann about" it is the first."""
    parts = [re.sub(r"['’]s?$", "", part.strip(_QUOTES)) for part in words.split()]
    for count in range(len(parts), 0, -1):
        for name in dict.fromkeys((" ".join(parts[:count]), " ".join(parts[-count:]))):
            if name and not _PRONOUN.fullmatch(name):
                yield name


def _read_documents(question: str, names: Names, spans: list[tuple[int, int]]) -> tuple[str, ...]:
    """Read the name of a document behind "in", "from" or "of"."""
    for match in _IN.finditer(question):
        if any(low <= match.start() < high for low, high in spans):
            continue
        for phrase in _phrases(question[match.end() :]):
            if found := names.documents(phrase.strip(_QUOTES)):
                spans.append((match.start(), match.end() + len(phrase.rstrip(_QUOTES))))
                return found
    return ()


def _phrases(text: str) -> Iterator[str]:
    """Give the beginnings of a text that may be a name, longest first."""
    ends = [word.end() for word in re.finditer(r"\S+", text)][:_LONGEST_NAME]
    for end in reversed(ends):
        yield text[:end]


def _read_folder(question: str, names: Names, spans: list[tuple[int, int]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a folder or a kind of documents, as in "in the notes" and "in my mails"."""
    for match in _IN_PLACE.finditer(question):
        noun = match["noun"].lower()
        if noun not in _KINDS_OF:
            continue
        if folder := names.folder(noun):
            spans.append(match.span())
            return (folder,), ()
        if kinds := tuple(kind for kind in _KINDS_OF[noun] if kind in names.kinds()):
            spans.append(match.span())
            return (), kinds
    return (), ()


def _asks_newest(question: str, rest: str, *, dated: bool) -> bool:
    """Tell whether a question asks how things are now, by "now" and the like or by its tense."""
    if _NEWEST.search(rest):
        return True
    return not dated and _PAST.search(question) is None and _PRESENT.match(question) is not None


def _without(question: str, spans: list[tuple[int, int]]) -> str:
    """Give a question without the parts that were read as a filter."""
    for start, end in sorted(spans, reverse=True):
        question = f"{question[:start]} {question[end:]}"
    return question


def _is_bare(rest: str) -> bool:
    """Tell whether nothing is left of a question that could be searched for."""
    return set(query_terms(rest)) <= set(query_terms(_EMPTY_WORDS))
