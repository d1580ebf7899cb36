"""The broad intent of a question, by its words: a summary, a comparison, a list, a count, a topic.

A light rule: sentence forms with gaps, tried in order.

Knows: English question forms. Does not know: the contents of a crystal. `broad_plan` finds out
whether a name in the question is the name of a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crystalcli.answering.question.sentence_form import SentenceForms
from crystalcli.errors import UsageError

# The units of a list, documents or landmarks of a kind, with the words of a reader for each.
UNITS = {
    "heading": "chapter section heading part letter act scene canto",
    "page": "page",
    "document": "file document book module paper article story tale novel note email mail script text report",
    "definition": "function class method definition",
    "message": "message",
    "slide": "slide",
    "sheet": "sheet",
}
_UNIT_OF = {word: unit for unit, words in UNITS.items() for word in words.split()}
# The words for a document, or for all of them, that are not its name.
_WORKS = (
    "book|novel|story|tale|text|document|paper|article|report|essay|play|poem|work|file|thesis|manual|guide|lecture|talk|transcript|"
    "chat|conversation|meeting|letter|memoir|biography|repository|repo|project|code ?base|code|source code|program|library|package|"
    "crystal|collection|folder|archive|corpus|memory|notes?|pdf|e-?book|manuscript|wiki|site|website"
)
_GENERIC = re.compile(
    r"(?:(?:all(?: of)?|each of) )?(?:(?:the|this|that|these|those|my|our|your|its?|whole|entire|full|"
    r"complete|whole of|given|"
    r"following)\b ?)*"
    rf"(?:(?:{_WORKS})s?|it|this|everything|all(?: of (?:it|this|them))?|them|these|stories|memories|libraries|repositories)",
    re.IGNORECASE,
)
_MAX_LENGTH = 300  # characters; a longer question asks for something in particular
_MAX_WORDS = 6  # of a subject that is searched for word by word; more are a thought

# Pieces of the forms below. A name in angle brackets stands for the piece of that name.
_PIECES = {
    "UNIT": rf"(?P<unit>{'|'.join(_UNIT_OF)})(?:e?s)?",
    "OF": r"(?: (?:of|in) (?P<within2>.+?))?",
    "IN": r"(?: (?:in|of|from|within|inside|across|throughout) (?P<within>.+?))?",
    "INSIDE": r"(?: (?:in|within|inside|across|throughout) (?P<within>.+?))?",
    "X": r"(?P<subject>.+?)",
    "WORK": r"(?P<generic>.+?)",
    "SAYS": (
        r"(?:mentions?|contains?|uses?|names?|refers? to|talks? about|speaks? (?:of|about)|features?|"
        r"includes?|discuss(?:es)?|"
        r"calls?|references?|deals? with|imports?|invokes?)"
    ),
    "SAID": r"(?:mentioned|used|named|found|referenced|referred to|called|discussed|talked about|imported|cited|invoked)",
    "COMES": r"(?:appears?|occurs?|comes? up|turns? up|stands?|figures?|shows? up)",
    "IS": r"(?:is|are|does|do|did|was|were)",
    "ASK": r"(?:list|show|find|give|name|tell|get|print|enumerate|identify)(?: me| us)?",
    "EVERY": r"(?:(?:all|every|each|any)(?: of)? )?(?:the )?",
    "USES": r"(?:mentions?|occurrences?|uses|usages?|references?|appearances?|instances?|call sites?)",
    "SUMMARY": r"(?:summary|overview|outline|synopsis|recap|gist|digest|précis|rundown|résumé|tl;?dr)",
    "MAIN": (
        r"(?:main|major|central|key|principal|most important|overall|chief|recurring|underlying|big|core|"
        r"general|primary)"
        r"(?: and \w+)?"
    ),
    "POINTS": (
        r"(?:themes?|ideas?|topics?|motifs?|subjects?|arguments?|points?|conclusions?|messages?|events?|"
        r"findings?|takeaways?|"
        r"contributions?|lessons?|claims?|concepts?|characters?|threads?|strands?|modules|components)"
    ),
    "WHOLE": (
        r"(?:plot|themes|storyline|story|moral|premise|thesis|gist|motifs|architecture|structure|"
        r"organi[sz]ation|layout|design|"
        r"contents?|cast|subject matter|tone|argument|message|scope|purpose|point)"
    ),
    "MOSTLY": r"(?:all |mainly |mostly |really |generally |primarily |basically |overall |essentially )*",
}


_SENTENCES = SentenceForms(_PIECES)


_COUNTS = (
    r"how (?:often|many times|frequently) (?:<IS>|has|have) <X>(?: been)? (?:mentioned|used|named|"
    r"referenced|<COMES>)<IN>",
    r"how often (?:does|do|did) (?P<within>.+?) mention <X>",
    r"(?:how many|what is the number of|count|number of)(?: all)?(?: the)? <USES> (?:of|to) <X>(?: are there)?<IN>",
    r"(?:in )?how many <UNIT><OF> <SAYS> <X><IN>",
    r"in how many <UNIT><OF> <IS> <X> (?:<SAID>|<COMES>)<IN>",
)
_LISTS = (
    r"(?:which|what)(?: are)?(?: all)?(?: of)?(?: the)? <UNIT><OF> (?:that |which )?<SAYS> <X><IN>",
    r"(?:in|on) (?:which|what) <UNIT><OF> (?:<IS>|can) <X>(?: be)? (?:<SAID>|<COMES>)<IN>",
    r"(?:which|what) <UNIT> <IS> <X> (?:<SAID>|<COMES>) in",
    r"<ASK> <EVERY><UNIT><OF> (?:that |which )?(?:<SAYS>|mentioning|containing|using|about) <X><IN>",
    r"<ASK> <EVERY><UNIT><OF> (?:where|in which|that) <X>(?: <IS>)? (?:<SAID>|<COMES>)<IN>",
    r"(?:<ASK>|what are) <EVERY><USES> (?:of|to) <X><IN>",
    r"<ASK> (?:all |every )?(?:the )?(?:places?|spots?|lines?|passages?) (?:where|in which|that|which) "
    r"(?:<SAYS> )?<X>(?: <IS> <SAID>| <COMES>)?<IN>",
    r"(?:all|every) <USES> of <X><IN>",
    r"where(?: all| else| everywhere)? <IS> <X> (?:mentioned|used|named|referenced|referred to|imported|"
    r"cited|invoked|discussed|appears?|occurs?|shows? up)<IN>",
    r"where in (?P<within>.+?) <IS> <X> (?:<SAID>|<COMES>)",
)
_COMPARISONS = (
    r"(?:compare|contrast|compare and contrast) <X>",
    r"(?:(?:give|write|make|draw|show)(?: me| us)? )?(?:an? |the )?(?:\w+ )?comparison (?:of|between) <X>",
    r"(?:what|which) (?:is|are) (?:the )?(?:\w+ )?(?:differences?|similarit(?:y|ies)|parallels?)(?: and similarities)? "
    r"between <X>",
    r"(?:what|where) do <X> have in common",
    r"how (?:do|does|are|is) <X> (?:differ|compare|different|similar|alike|related|relate)(?: from each other| to each other)?",
    r"how (?:does|is) (?P<subject>.+? (?:differ(?:ent)? from|compared? (?:to|with)) .+)",
    r"(?P<subject>.+ (?:vs\.?|versus) .+)",
)
_JOINT = re.compile(
    r",? (?:and|with|to|vs\.?|versus|against|(?:differ(?:ent)? from|compared? (?:to|with))) ", re.IGNORECASE
)
# Forms, each with whether it alone says that a document is meant; else the subject has to be one.
_ABOUT = (
    (r"(?:so |and |but )?what(?:'s|’s|s| is| are| was| were) <X> <MOSTLY>about(?: in (?:short|general|a "
     r"few words|brief))?", True),
    (r"what (?:does|do|did) <WORK> (?:deal with|cover|contain|discuss|describe|talk about|tell(?: us)?|say|"
     r"treat|consist of)", True),
    (r"(?:summari[sz]e|sum up|recap|outline|condense|abridge)(?: for me| briefly)? <X>(?: for me| briefly| "
     r"in .{1,9} (?:words|sentences|lines))?", True),
    (r"(?:(?:give|write|provide|show|make|tell|get|draft)(?: me| us)? )?(?:what(?:'s|’s| is) )?(?:an? |the "
     r")?(?!what |how |why |who |when |where )(?:[\w-]+ ){0,3}<SUMMARY> (?:of|for|on|about|over) <X>", True),
    (r"<SUMMARY>[:,]? <X>", True),
    (r"<WORK> in (?:a nutshell|brief|short|a few words)", True),
    (r"how (?:is|are) <WORK> (?:organi[sz]ed|structured|laid out|divided|built up|put together|set up|"
     r"arranged)", True),
    (r"how does <WORK> (?:begin and end|develop|unfold|progress)", True),
    (r"what(?: is| are|'s|’s)(?: there)? in <WORK>", True),
    (r"(?:what(?:'s|’s| is| are| were)|list|name|describe|explain|tell me|which are|give me|find|identify|"
     r"discuss)(?: all| some of)?(?: of)?(?: the)?"
     r" <MAIN> <POINTS>(?: that .+?)? (?:of|in|from|across|throughout|running through|discussed in|covered "
     r"(?:in|by)|treated in) <X>", False),
    (r"(?:what|which) (?:<MAIN> )?(?:themes|motifs|topics|subjects|ideas|arguments)(?: \w+)? (?:runs?|"
     r"recurs?|dominate|appear|come up|are \w+)(?: through| in| by)? <X>", False),
    (r"(?:what(?:'s|’s| is| are)|describe|explain|tell me|outline)(?: all)?(?: of)? the (?:overall |"
     r"general |whole |basic |high-level )?<WHOLE> (?:of|in|behind) <X>", False),
    (r"(?:who|what) are (?:all )?(?:the )?(?:main |central |major |principal )?(?:characters|protagonists|"
     r"people|figures) (?:in|of) <X>", False),
    (r"what (?:happens|goes on|takes place|is going on|happened) in <X>", False),
    (r"(?:tell me about|describe|introduce me to|walk me through|take me through|give me an idea of|"
     r"explain) <X>(?: as a whole| overall| in general| step by step)?", False),
)  # fmt: skip
_TOPICS = (
    r"what (?:do|does|did) <WORK> (?:say|tell us|teach|have to say|conclude|report) (?:about|on|of) <X>",
    r"what is (?:said|written|known) (?:in <WORK> )?about <X>",
    r"<ASK> (?:all|every|each)(?: of)?(?: the| those)? <X><INSIDE>",
    r"(?:list|enumerate) (?:the |of |out )?<X><INSIDE>",
    r"(?:what|who|which) are (?:all (?:of )?(?:the|those)|the (?:different|various)) (?P<subject>.+) (?:in|of|from|"
    r"throughout|across) <WORK>",
    r"<X> (?:throughout|over the course of|in the course of|in all of|across(?: all)?(?: of)?) <WORK>",
)  # fmt: skip
# Words without which no form of a kind fits: for any other question none of them is compiled.
_MAY_BE = {
    kind: re.compile(rf"\b(?:{words})", re.IGNORECASE)
    for kind, words in {
        "count": "how (?:often|many|frequently)|count|number of",
        "list": (
            "mention|contain|us(?:es?|ed|ing|ages?)\\b|named?\\b|names\\b|refer|talk|speak|featur|includ|discuss|call|deal|import|"
            "invok|found|cited|appear|occur|comes? up|turns? up|stands?\\b|figure|shows? up|instances?\\b|about|places?\\b|"
            "spots?\\b|lines?\\b|passages?\\b"
        ),
        "compare": "compar|contrast|differ|similar|parallel|in common|vs\\b|versus|alike|relat",
        "about": (
            "about|deal|cover|contain|discuss|describe|talk|tell|says?\\b|said|treat|consist|summar|sum up|recap|outline|condense|"
            "abridge|overview|synopsis|gist|digest|précis|rundown|résumé|tl;?dr|in (?:a nutshell|brief|short|a few words)|organi|"
            "structur|laid|divided|built|put together|set up|arrang|begin and end|develop|unfold|progress|"
            "what(?: is| are|['’]s)(?: there)? in\\b|main|major|central|key|principal|most important|overall|chief|recurring|"
            "underlying|big|core|general|primary|themes?|motifs?|topics?|subjects?|ideas?|arguments?|plot|stor(?:y|yline)\\b|moral|"
            "premise|thesis|architecture|layout|design|cast\\b|tone|message|scope|purpose|point|characters?|protagonists?|people|"
            "figures?|happen|goes on|going on|takes place|introduce me|walk me|take me|give me|explain"
        ),
        "topic": (
            "sa(?:y|id)|tell|teach|conclude|report|written|known|all|every|each|list|enumerate|different|various|throughout|course of|"
            "across"
        ),
    }.items()
}
_POLITE = re.compile(
    r"(?:please|kindly|ok|okay|hi|hey|hello|now|so)\b[,!]? |(?:can|could|would|will) you (?:please |kindly )?|"
    r"i(?:'d| would) like (?:to know |you to |to have )?|(?:do you know|tell me|i want to know|let me "
    r"know) (?=what|which|where|how|who)",
    re.IGNORECASE,
)
_QUOTES = "\"'“”‘’«»`"
_ARTICLE = re.compile(r"\A(?:the|a|an|this|that|any|my|our) (?=\S)")
_WORD_FOR = re.compile(
    r"\A(?:the )?(?:(?:words?|terms?|phrases?|names?) (?!of )|"
    r"(?:functions?|class|methods?|variables?|characters?|topic) (?=[\"“'‘`«A-Z_]))"
)
_CLAUSE = re.compile(r"(?:how|why|what|when|whether|who|which|where|does|do|did)\b", re.IGNORECASE)
# Verbs for words in a text alone; Napoleon may also appear in Russia, and a plague occur in Venice.
_TEXT_WORDS = re.compile(
    r"\b(?:mention|occurrences?\b|references?\b|referenced|usages?\b|cited|named\b|discussed|import)", re.IGNORECASE
)
_TAIL = re.compile(r"(.+) (?:in|of|from|within|across|throughout) (.+)", re.IGNORECASE)
# "What is she worried about?" asks for a feeling, and not for a book.
_FEELING = re.compile(
    r"\w+(?:ed|ing)|happy|sad|sure|unsure|serious|curious|passionate|nervous|angry|upset|different|"
    r"special|unique|important|wrong|"
    r"right|good|great|bad|interesting|unusual|optimistic|proud|crazy|mad|told|so"
)


@dataclass(frozen=True, slots=True)
class BroadIntent:
    """The intent of a broad question.

    Attributes:
        kind: "about": a document as a whole. "compare": two documents. "list" or "count": every
            mention of `subject`. "topic": all sides of `subject`.
        subject: The name or the topic as the question writes it, both names of a comparison (see
            `split_pairs`); "" for "this book" and the like.
        within: The document, or the part of one, that is asked, as the question writes it, or
            "this book"; "" without one.
        unit: The unit of a list, a key of UNITS; "" where the question does not say.
        sure: Whether the words alone decide. Otherwise the subject of "about" has to be a
            document, and that of "compare" two; that of others has to be about source code, or
            `within` a document.
    """

    kind: str
    subject: str
    within: str = ""
    unit: str = ""
    sure: bool = True

    @property
    def needs_no_model(self) -> bool:
        """True if it is answered without a language model, as lists and counts are."""
        return self.sure and self.kind in ("list", "count")


def broad_intent(question: str) -> BroadIntent | None:
    """Find the broad intent of a question.

    Args:
        question: The question.

    Returns:
        The intent; None where the question asks for a fact.
    """
    text = plain_question(question)
    if not text or len(text) > _MAX_LENGTH:
        return None
    for kind, forms in (("count", _COUNTS), ("list", _LISTS)):
        for _, match in _matches(text, kind, forms):
            if (intent := _list_intent(kind, match)) is not None:
                return intent
    for _, match in _matches(text, "compare", _COMPARISONS):
        if (intent := _comparison_intent(match)) is not None:
            return intent
    is_sure = dict(_ABOUT)
    for form, match in _matches(text, "about", is_sure):
        if (intent := _about_intent(match, is_sure[form])) is not None:
            return intent
    for _, match in _matches(text, "topic", _TOPICS):
        if (intent := _topic_intent(match)) is not None:
            return intent
    return None


def _matches(text: str, kind: str, forms: Iterable[str]) -> Iterator[tuple[str, re.Match[str]]]:
    """Generate the forms of a kind that fit a whole text, in order, each with its match."""
    for form in forms if _MAY_BE[kind].search(text) else ():
        if (match := _SENTENCES.match(form, text)) is not None:
            yield form, match


def unit_named(word: str) -> str:
    """Find the unit of a list, a key of UNITS, by a reader's word for it.

    Raises:
        UsageError: There is no unit of that name.
    """
    singular = word.strip().lower()
    unit = (
        _UNIT_OF.get(singular) or _UNIT_OF.get(singular.removesuffix("s")) or _UNIT_OF.get(singular.removesuffix("es"))
    )
    if unit is None:
        firsts = ("file" if unit == "document" else words.split()[0] for unit, words in UNITS.items())
        raise UsageError(f"unknown unit {word!r}: expected {', '.join(firsts)}")
    return unit


def plain_question(question: str) -> str:
    """Strip politeness, the mark at the end and superfluous white space from a question."""
    text = " ".join(question.split()).rstrip(" ?.!…")
    while (polite := _POLITE.match(text)) is not None:
        text = text[polite.end() :]
    return text


def split_pairs(names: str) -> list[tuple[str, str]]:
    """Split the two names of a comparison, in every way that a joint allows.

    Args:
        names: The names: "Emma and Pride and Prejudice".
    """
    return [(names[: joint.start()], names[joint.end() :]) for joint in _JOINT.finditer(names)]


def is_generic(phrase: str) -> bool:
    """Tell whether a phrase means a document, or all, without a name: "this book", "it"."""
    return _GENERIC.fullmatch(phrase.strip(_QUOTES + " ")) is not None


def _bare_phrase(phrase: str) -> str:
    """Strip quotation marks, the article, and "the word" and the like from a phrase."""
    bare = phrase.strip(" ,;:")
    if bare[:1] in _QUOTES and bare[-1:] in _QUOTES:  # a quoted phrase is meant to the letter
        return bare.strip(_QUOTES + " ")
    return _WORD_FOR.sub("", _ARTICLE.sub("", bare, count=1), count=1).strip(_QUOTES + " ")


def _list_intent(kind: str, match: re.Match[str]) -> BroadIntent | None:
    """Make the intent of a question for a list or a count; None where the subject does not fit."""
    groups = match.groupdict()
    within = groups.get("within2") or groups.get("within") or ""
    subject = _bare_phrase(groups["subject"])
    if not subject or is_generic(groups["subject"]) or len(subject.split()) > _MAX_WORDS:
        return None
    unit = _UNIT_OF.get((groups.get("unit") or "").lower(), "")
    document = "" if is_generic(within) else within.strip()
    # Names and identifiers have a capital, a digit, an underscore, a point or a bracket.
    is_named = re.search(r"[A-Z_(\d]|\w\.\w", subject) is not None or groups["subject"].strip()[0] in _QUOTES
    sure = bool(unit) or _TEXT_WORDS.search(match[0]) is not None or ((is_named or kind == "count") and not document)
    return BroadIntent(kind, subject, document, unit, sure)


def _comparison_intent(match: re.Match[str]) -> BroadIntent | None:
    """Make the intent of a comparison; None where it is of things and not of documents."""
    names = match["subject"].strip(" ,;:")
    if re.match(r"an? ", names, re.IGNORECASE):
        return None
    return BroadIntent("compare", "" if is_generic(re.sub(r"\b(?:two|both)\b ?", "", names)) else names, sure=False)


def _about_intent(match: re.Match[str], sure: bool) -> BroadIntent | None:
    """Make the intent of a question about a document; None where it is about another thing."""
    groups = match.groupdict()
    generic, subject = groups.get("generic"), (groups.get("subject") or "").strip(" ,;:")
    document = subject if generic is None else generic.strip(" ,;:")
    if is_generic(document):
        return BroadIntent("about", "", document)
    if generic is not None:
        return None
    if _CLAUSE.match(subject):
        return None
    if match[0].lower().endswith("about") and (_FEELING.fullmatch(subject.split()[-1])):
        return None
    return BroadIntent("about", subject, sure=sure)


def _topic_intent(match: re.Match[str]) -> BroadIntent | None:
    """Make the intent of a question for a topic; None without a topic."""
    groups = match.groupdict()
    generic, within = groups.get("generic"), groups.get("within") or ""
    subject = _bare_phrase(groups["subject"])
    if (tail := _TAIL.fullmatch(subject)) is not None and is_generic(tail[2]):
        subject = tail[1]
    if not subject or (generic and not is_generic(generic)):
        return None
    return BroadIntent("topic", subject, "" if is_generic(within) else within.strip())
