"""The intent of a question about source code, by its words: a definition, callers, tests, a text.

A light rule: sentence forms with gaps, tried in order, as in `broad_question`. A name is one word:
an identifier, a dotted name, an option or a path.

Knows: English question forms, the look of names. Does not know: which names a crystal holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from crystalcli.answering.question.sentence_form import SentenceForms

DEFINITION, VALUE, CALLERS, TESTS, PARAMETER, TEXT = "definition", "value", "callers", "tests", "parameter", "text"
VERSION, RELEASE = "version", "release"

_MAX_LENGTH = 300  # characters; a longer question asks for more than a place
_MIN_TEXT_WORDS = 4  # of a question that is taken for a text that stands somewhere
_QUOTES = "\"'“”‘’«»`"
_NOUN = (
    r"(?:(?:public|private|global|abstract|base|ini|command[- ]line|config(?:uration)?) )?"
    r"(?:functions?|methods?|class(?:es)?|fixtures?|options?|flags?|settings?|keys?|values?|variables?|"
    r"constants?|exceptions?|errors?|decorators?|signals?|hooks?|attributes?|property|properties|commands?|"
    r"modules?|files?|types?|enums?|interfaces?|structs?|macros?|scripts?|packages?|helpers?|config)"
)
_PIECES = {
    "NOUN": r"(?:[\w-]+ ){0,2}[\w-]+",
    "X": r"(?P<subject>.+?)",  # a `_SUBJECT`
    "IN": r"(?: (?:in|of|from|within|inside|by) (?P<scope>[\w./ -]+?))?",
    "WHO": r"(?P<scope2>[\w./ -]+?)",
    "TO": r"(?: (?:to|in|of|from|by) (?P<scope>[\w./ -]+?))?",
    "BREAKS": r"(?:backwards?[- ](?:in)?compatible|breaking|incompatible|broken)",
    "RELEASE": r"(?:which|what) (?:version|release)(?: of [\w-]+)?",
    "OFVERSION": r"(?:(?P<scope>[\w-]+) )?(?:(?:version|release) )?v?(?P<number>\d+(?:\.\d+)+\w*)",
    "CHANGED": r"(?P<verb>added|adds|introduced|available|removed|dropped|deprecated|changed|supported|supports)",
    "IS": r"(?:'s|’s| is| are| was| were)",
    "MADE": (
        r"(?:defined|declared|implemented|set|assigned|created|added|registered|introduced|located|found|kept|"
        r"written|specified|initiali[sz]ed|configured|stored|parsed)"
    ),
    "MAKES": r"(?:define|declare|implement|set|assign|create|add|register|introduce|specify|provide)s?",
    "SOURCE": r"(?:definitions?|declarations?|source(?: code)?|code|implementation|signature|docstring|docs?|body)",
    "FILE": r"(?:(?:source |header )?(?:file|module|class|package|script|place|folder|header))s?",
    "USES": (
        r"(?P<verb>calls?|uses?|invokes?|references?|raises?|throws?|imports?|depends? on|relies on|rely on|"
        r"subclass(?:es)?|inherits? from|extends?|instantiates?|refers? to)"
    ),
    "USED": r"(?P<verb>called|used|invoked|referenced|raised|thrown|imported|instantiated|subclassed|referred to)",
    "TESTS": r"(?:(?:unit|integration|regression) )?tests?(?: functions?| files?| cases?| modules?)?",
    "COVER": (
        r"(?:cover|test|exercise|check|use|call|verify|touch|target|mention|exist for|are there for|(?:are|is) for|"
        r"run through|hit)(?:s|es)?"
    ),
    "ASK": r"(?:show|find|print|give|get|open|see|list|locate|look up|go to|jump to)(?: me| us)?",
    "PARAM": rf"(?:the )?[{_QUOTES}]?(?P<param>(?:--?)?[^\W\d][\w-]*)[{_QUOTES}]?",
    "ARG": r"(?:arguments?|parameters?|keyword(?: argument)?s?|options?|flags?|kwarg)",
}
_SUBJECT = (
    rf"(?:the |an? )?(?:{_NOUN} )?(?:called |named |like )?[{_QUOTES}]?"
    rf"(?P<name>(?:--?)?[^\W\d](?:[\w.:/-]*\w)?(?:\(\))?)[{_QUOTES}]?(?: {_NOUN})?"
)
_LIKELY = None  # a plain word may be the name, if the crystal uses it as one
# The kind, whether a name must look like code, and the form.
_FORMS = (
    (TESTS, False, r"(?:which|what)(?: of the)? <TESTS>(?: in (?P<scope3>[\w./-]+))? <COVER> <X><IN>"),
    (TESTS, False, r"(?:<ASK> )?(?:the |all |every )*<TESTS> (?:for|of|covering|exercising|using|(?:that|which) <COVER>) <X><IN>"),
    (TESTS, False, r"(?:where|how|by what|by which tests)<IS> <X> (?:tested|covered)(?: by tests?)?<IN>"),
    (TESTS, False, r"(?:is|are) <X> (?:tested|covered)(?: by (?:a |any )?tests?)?"),
    (TESTS, False, r"(?:is|are) there (?:a |any )?tests? (?:for|of) <X><IN>"),
    (CALLERS, False, r"(?:what|who|(?:what|which) (?:other )?(?:functions?|methods?|code|places?|class(?:es)?|parts?|callers?))"
                     r"(?: all| else)? <USES> <X><IN>"),
    (CALLERS, False, r"where(?: all| else)?(?: in <WHO>)?(?:<IS>| does| do) <X>(?: being| get)? <USED>(?: from)?<IN>"),
    (CALLERS, False, r"(?:from )?where (?:does|do) <WHO> <USES> <X>"),
    (CALLERS, False, r"(?:<ASK> )?(?:what<IS> |which<IS> )?(?:all |every |the )*"
                     r"(?:usages?|uses|references|call sites?|call(?:er)?s) (?:of|to) <X><IN>"),
    (CALLERS, False, r"(?:<ASK> )?(?:what<IS> |which<IS> |who<IS> )?(?:all |every |the )*(?P<verb>subclass|caller|user)e?s of <X><IN>"),
    (CALLERS, False, r"<X> (?:callers|usages?|call sites|references)"),
    (CALLERS, False, r"(?:is|are) <X> (?P<verb>used|called) (?:anywhere|somewhere)(?: else)?<IN>"),
    (PARAMETER, False, r"what (?:does|do) <PARAM>(?: <ARG>)? (?:do|mean|control|change)s? (?:in|for|of|to|on) <X>"),
    (PARAMETER, False, r"what (?:does|do) (?:the )?<ARG> <PARAM> (?:do|mean|control|change)s? (?:in|for|of|to|on) <X>"),
    (PARAMETER, False, r"what<IS> (?:the )?(?:<PARAM> <ARG>|<ARG> (?P<param2>[\w-]+)) (?:of|in|to|for|on) <X>"
                       r"(?: (?:good |used )?for)?"),
    (PARAMETER, False, r"what<IS> <PARAM> (?:good |used )?for in <X>"),
    (PARAMETER, False, r"what (?:does|do) <PARAM>(?: <ARG>)? (?:of|in|to|for) <X> (?:do|mean|control|change)s?"),
    (PARAMETER, False, r"what<IS> <PARAM> (?:in|of|to) <X> (?:good |used )?for"),
    (PARAMETER, False, r"<PARAM> <ARG> (?:of|in|to|for) <X>"),
    (PARAMETER, False, r"(?:what<IS> )?(?:the )?default(?: value)? (?:of|for) <PARAM>(?: <ARG>)? (?:of|in) <X>"),
    (VALUE, False, r"(?:what|which)(?:<IS>)? (?:the )?(?:default(?: value)?|value|initial value) (?:of|for) <X><IN>"),
    (VALUE, False, r"(?:the )?default(?: value)? (?:of|for) <X><IN>"),
    (VALUE, True, r"(?:what|which value)(?:<IS>| does) <X> (?:set to|default to|by default|equal to)(?: by default)?<IN>"),
    (VALUE, False, r"(?:what|which) value (?:does|do) <X> have(?: by default)?<IN>"),
    (VALUE, True, r"<X>,? default(?: value)?"),
    (VALUE, False, r"(?:which|what) <FILE> <MAKES> (?:the )?default(?: value)? (?:of|for) <X><IN>"),
    (VALUE, False, r"where<IS> (?:the )?default(?: value)? (?:of|for) <X>(?: <MADE>)?<IN>"),
    (VERSION, False, r"(?:(?:since|in|from|with|as of) )?<RELEASE>(?:<IS>| has| have| did| does)?(?: there)? <X>"
                     r"(?: been)?(?: get)?(?: <CHANGED>)?<TO>"),
    (VERSION, False, r"<RELEASE> <CHANGED> <X><TO>"),
    (RELEASE, False, r"what(?:<IS>| has| have)? "
                     r"(?:new|changed|fixed|added|removed|deprecated|dropped|the changes|different|<BREAKS>)(?: been)?"
                     r"(?: was| were| is)? (?:in|with|by) <OFVERSION>"),
    (RELEASE, False, r"(?:<ASK> )?(?:the )?(?:(?:<BREAKS> )?changes|changelog|change log|release notes|fixes|news) "
                     r"(?:of|in|for|with) <OFVERSION>"),
    (VERSION, False, r"when<IS> <X> <CHANGED><TO>"),
    (DEFINITION, False, r"where<IS> (?:<SOURCE> (?:of|for) )?<X>(?: actually| first)? (?:<MADE>|coming from)<IN>"),
    (DEFINITION, False, r"where<IS> (?:the )?<NOUN> (?:like|such as|called|named) <X> <MADE><IN>"),
    (DEFINITION, False, r"where<IS> (?:the )?<SOURCE> (?:of|for) <X><IN>"),
    (DEFINITION, False, r"where (?:does|do) <WHO> <MAKES> <X>"),
    (DEFINITION, _LIKELY, r"where (?:does|do) <X> (?:live|come from|sit|reside|stand)<IN>"),
    (DEFINITION, True, r"where (?:can|do|could) (?:i|we|you|one) (?:find|see|look up|get) (?:the )?(?:<SOURCE> (?:of|for) )?<X><IN>"),
    (DEFINITION, False, r"(?:in )?(?:which|what) <FILE>(?:<IS>| has| have) <X> <MADE><IN>"),
    (DEFINITION, False, r"(?:which|what) <FILE> (?:<MAKES>|handles?|parses?|process(?:es)?|reads?|supports?|exports?) <X><IN>"),
    (DEFINITION, False, r"(?:in )?(?:which|what) <FILE> (?:is|are) <X>(?: in)?"),
    (DEFINITION, False, r"(?:in )?(?:which|what) <FILE> (?:does|do) <X> (?:live|sit|come from|reside|belong to)(?: in)?"),
    (DEFINITION, False, r"(?:what|which) class(?:es)? (?:does|do) <X> (?:inherit from|extend|subclass|derive from)"),
    (DEFINITION, False, r"(?:which|what) <FILE> (?:contain|hold|has|have)s? (?:the )?<SOURCE> (?:of|for) <X><IN>"),
    (DEFINITION, False, r"(?:which|what) <FILE> (?:contain|hold|has|have)s? (?:the )?(?:class|function|method|fixture|constant|option|"
                        r"setting|decorator|exception|hook) <X><IN>"),
    (DEFINITION, False, r"(?:<ASK> )?(?:the )?<SOURCE> (?:of|for) <X><IN>"),
    (DEFINITION, True, r"<ASK> <X><IN>"),
    (DEFINITION, False, r"<X> (?:definition|declaration|signature|source(?: code)?|docstring|implementation)"),
    (DEFINITION, False, r"what<IS> (?:the )?(?:signature|definition|docstring|arguments?|parameters?|return type) (?:of|for) <X><IN>"),
    (DEFINITION, _LIKELY, r"(?:what|which) (?:arguments?|parameters?|options?) (?:does|do) <X> (?:take|accept|have)s?<IN>"),
    (DEFINITION, _LIKELY, r"what (?:does|do) <X> (?:do|return|mean|take|accept|expect)<IN>"),
    (DEFINITION, True, r"(?:what<IS>|explain|describe) <X>(?: (?:good |used )?for)?<IN>"),
    (DEFINITION, False, r"how<IS> <X> (?:defined|declared)<IN>"),
    (DEFINITION, True, r"how<IS> <X> implemented<IN>"),
    (DEFINITION, True, r"where<IS> <X><IN>"),
    (DEFINITION, False, r"(?:def |class |fn |func )?<X>:?"),
)  # fmt: skip
_SENTENCES = SentenceForms(_PIECES)
# Words that a question about a quoted message has beside it. Others ask for something else.
_ABOUT_TEXT = frozenset(
    """
    what why where when which who how does do did is are was were can could should i we you my me it its this that these the a
    an in of by from to with at on for and or if about not mean means meant meaning cause causes caused say says get gets got
    getting see seeing keep keeps raise raises raised fix solve avoid prevent come comes coming print prints printed emitted
    shown throw throws thrown happen happens appear appears occur occurs defined found stand stands error errors exception
    exceptions warning warnings message messages string text line code file function class always suddenly help find search
    explain tell please give gives given issued run running using use
    """.split()  # noqa: SIM905 - a list would take a page
)
# Words without which no form fits: for any other question no form is compiled.
_MAY_BE_CODE = re.compile(
    r"\w_|_\w|(?-i:[a-z\d][A-Z])|\w\.\w|::|\(\)|\B-\w|\w/\w|\A\S+\Z|"
    r"\b(?:defin|declar|implement|default|test|call|usage|used?\b|uses\b|invok|referenc|rais|throw|import|signature|docstring|"
    r"source|class|subclass|function|method|fixture|file|module|inherit|version|release|change|where)|\d\.\d",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|`([^`]+)`|(?<!\w)['‘]([^'’\n]{9,})['’](?!\w)")
# The word for what is quoted: `where does the "Missing command." message come from?`
_MESSAGE = re.compile(r"\b(?:messages?|errors?|warnings?|text|string|says?|prints?)\b", re.IGNORECASE)
# A message without quotation marks.
_NAMED_TEXT = re.compile(
    r"(?:what (?:does|do) (?:the |this )?(?:error |warning |exception |message )+|"
    r"(?:why|when|where) (?:do|am|does) \w+ (?:get|getting|see|seeing|print|raise)s? (?:the |this )?"
    r"(?:error |warning |exception |message )+|"
    r"where (?:does|is|do) (?:the |this )?(?:error |warning |exception |message )+):? ?"
    r"(?P<text>.+?)(?: (?:mean|come from|coming from|raised|printed|defined|from))?[?.!]*",
    re.IGNORECASE,
)
_ERROR_NAME = re.compile(r"\A[A-Z][\w.]*(?:Error|Exception|Warning|Exit|Interrupt): +")
_RAISED = re.compile(r"\b[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt): +(?P<text>[^?]+?)(?=[.!?](?:\s|\Z)|\Z)")
_POLITE = re.compile(
    r"(?:please|hey|hi|ok|so)\b[,!]? |(?:can|could|would) you (?:please |tell me )?|tell me |i want to know ", re.I
)
_CODE_LOOK = re.compile(r"\w_\w|\A__?\w|[a-z\d][A-Z]|[A-Z]{2}[a-z]|\w\.\w|::|\(\)|\A-|/")


@dataclass(frozen=True, slots=True)
class CodeIntent:
    """The intent of a question about source code.

    Attributes:
        kind: DEFINITION, VALUE (the definition that shows a value), CALLERS, TESTS, PARAMETER,
            VERSION (in which it was added), RELEASE (the changes of one), or TEXT: the place of a
            text that stands there so.
        name: The name as the question writes it, without brackets; of TEXT the text.
        scope: The repository, folder or file to search, as the question writes it; "" without one.
        verb: The verb of a question for callers, such as "raises"; "" without one.
        parameter: The parameter that is asked for; "" without one.
        sure: Whether the words alone say that code is meant. Otherwise the name must be one that is
            used in source code for the most part.
    """

    kind: str
    name: str
    scope: str = ""
    verb: str = ""
    parameter: str = ""
    sure: bool = True

    @property
    def looks_like_code(self) -> bool:
        """True if the name is no word of a language: `snake_case`, `camelCase`, `a.b`."""
        return looks_like_code(self.name)


def looks_like_code(name: str) -> bool:
    """Tell whether a name is no word of a language."""
    return _CODE_LOOK.search(name) is not None


def code_intents(question: str) -> list[CodeIntent]:
    """Find what a question may ask of source code, the likeliest first.

    Args:
        question: The question.

    Returns:
        Its intents; empty where it asks for something else.
    """
    text = " ".join(question.split()).strip()
    while (polite := _POLITE.match(text)) is not None:
        text = text[polite.end() :]
    if not text or len(text) > _MAX_LENGTH:
        return []
    intents: list[CodeIntent] = []
    bare = text.rstrip(" ?.!…")
    for kind, needs_look, form in _FORMS if _MAY_BE_CODE.search(bare) else ():
        match = _SENTENCES.match(form, bare)
        if match is not None and (intent := _intent(kind, needs_look, match)) is not None:
            intents.append(intent)
    return list(dict.fromkeys(intents)) or _text_intents(text)


def _intent(kind: str, needs_look: bool | None, match: re.Match[str]) -> CodeIntent | None:
    """Make an intent from the match of a form; None where its name does not fit."""
    groups = match.groupdict()
    if kind == RELEASE:
        return CodeIntent(kind, groups["number"], (groups["scope"] or "").removeprefix("version"))
    subject = _SENTENCES.match(_SUBJECT, groups["subject"])
    if subject is None:
        return None
    name = subject["name"]
    if needs_look and not (looks_like_code(name) or "`" in groups["subject"]):
        return None
    scope = (groups.get("scope") or groups.get("scope2") or groups.get("scope3") or "").strip()
    parameter = groups.get("param") or groups.get("param2") or ""
    is_bare = match[0].strip(_QUOTES + ":") == name
    sure = looks_like_code(name) or not (is_bare or needs_look is _LIKELY)
    return CodeIntent(kind, name.removesuffix("()"), scope, (groups.get("verb") or "").lower(), parameter, sure)


def _text_intents(text: str) -> list[CodeIntent]:
    """Find the messages in a question: quoted, after the name of an error, or all of it."""
    quoted = [match[match.lastindex or 0] for match in _QUOTED.finditer(text)]
    rest = _QUOTED.sub(" ", text)
    if not quoted and (raised := _RAISED.search(text)) is not None:
        quoted = [raised["text"]]
        rest = text[: raised.start()] + text[raised.end() :]
    if quoted:
        left = [word for word in re.findall(r"[^\W\d_]+", rest) if word.lower() not in _ABOUT_TEXT]
        long = max(quoted, key=len)
        long = _ERROR_NAME.sub("", long)
        words = len(long.split())
        is_message = words > 2 or looks_like_code(long) or (words == 2 and _MESSAGE.search(rest) is not None)
        return [CodeIntent(TEXT, long, sure=len(left) == 0)] if is_message and len(left) <= 1 else []
    if (named := _NAMED_TEXT.fullmatch(text)) is not None:
        return [CodeIntent(TEXT, _ERROR_NAME.sub("", named["text"]), sure=False)]
    if "?" not in text and len(text.split()) >= _MIN_TEXT_WORDS:
        return [CodeIntent(TEXT, text, sure=False)]
    return []
