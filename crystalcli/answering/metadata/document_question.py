"""The question about a document itself, by its words: author, signers, title, date, chapters.

Knows: English question forms. Does not know: documents; `document_answer` finds out whether the
name in a question is the name of one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from crystalcli.answering.broad.broad_question import is_generic, plain_question
from crystalcli.answering.question.sentence_form import SentenceForms

_MAX_LENGTH = 300  # characters; a longer question asks for something in particular
# What is counted, each with a reader's words for it.
COUNTED = {
    **{unit: unit for unit in ("chapter", "section", "page", "word", "line", "message", "slide", "volume", "book", "part")},
    **{unit: unit for unit in ("act", "scene", "letter", "canto", "stave")},
    "row": "row record", "sheet": "sheet worksheet tab", "story": "story stories",
}  # fmt: skip
_COUNTED_AS = {word: unit for unit, words in COUNTED.items() for word in words.split()}


class DocumentFact(StrEnum):
    """What a question asks of a document itself."""

    AUTHOR = "author"
    SIGNER = "signer"  # who signed it, or whoever holds an office did
    TITLE = "title"
    DATE = "date"
    COUNT = "count"
    FIRST = "first"  # its first sentence, or line
    LAST = "last"
    PLACE = "place"  # the chapter or page where something stands
    HEADING = "heading"  # the chapter of a title
    CONTENTS = "contents"


@dataclass(frozen=True, slots=True)
class DocumentQuestion:
    """A question about a document itself.

    Attributes:
        fact: What is asked.
        document: The document, or the part of one, as the question names it; "" without a name.
        unit: What is counted (a key of COUNTED), the unit of a place ("chapter", "section",
            "page", "slide"), or whether a "sentence", a "line" or a "paragraph" is quoted.
        subject: What stands at the place that is asked for, without words for the place; the office
            of the signer that is asked for, "" for any.
    """

    fact: DocumentFact
    document: str = ""
    unit: str = ""
    subject: str = ""


_PIECES = {
    "DOC": r"(?P<document>.+?)",
    "SUBJECT": r"(?P<subject>.+?)",
    "OFFICE": r"(?P<subject>[\w-]+(?: [\w-]+){0,5}?)",
    "DOC2": r"(?P<document2>.+?)",
    "UNIT": rf"(?P<unit>{'|'.join(sorted(_COUNTED_AS, key=len, reverse=True))})s?",
    "UNIT2": rf"(?P<unit2>{'|'.join(sorted(_COUNTED_AS, key=len, reverse=True))})s?",
    "PLACE": r"(?P<unit>chapter|section|page|slide|canto|stave|scene)",
    "IS": r"(?:is|are|was|were|'s|’s)",
    "AUX": r"(?:is|are|was|were|does|do|did|has|have|had|can|could|will|would)",
    "ASK": (
        r"(?:(?:list|show|give|name|print|tell|quote|cite|read|recite|repeat|find|state)(?: me| us)?(?: out)? |"
        r"what(?: is| are| was| were|'s|’s) )?"
    ),
    "MADE": (
        r"(?:(?:first |originally |initially )?(?:published|released|written|dated|issued|printed|composed|posted|put out|made public|"
        r"finished|completed))"
    ),
    "OF": r"(?: (?:of|in|from) (?P<document>.+?))?",
    "END": r"(?P<end>first|opening|initial|last|final|closing|ending|concluding)",
    "SENTENCE": r"(?P<unit>sentences?|lines?|words?|paragraphs?|phrase)",
}
_FORMS = (
    # Author.
    (DocumentFact.AUTHOR, r"who (?:wrote|authored|penned|has written|had written) <DOC>"),
    (DocumentFact.AUTHOR, r"(?:by who|by whom|who) <IS> <DOC> (?:written|authored|penned)(?: by)?"),
    (
        DocumentFact.AUTHOR,
        r"who(?:m)?(?: is| are|'s|’s) <DOC> (?:by|from)|<DOC2> (?:is|was) (?:written )?by (?:who|whom|which author)",
    ),
    (DocumentFact.AUTHOR, r"(?:who|what|which author|which writer)<IS>? ?(?:wrote|penned) <DOC>"),
    (
        DocumentFact.AUTHOR,
        r"(?:who ?<IS> |<ASK>)(?:the )?(?:names? of (?:the )?)?(?:authors?|writers?)(?:'s? names?)?(?: (?:of|behind) "
        r"<DOC>)?",
    ),
    (DocumentFact.AUTHOR, r"(?:who ?<IS> |<ASK>)<DOC>['’]s? (?:authors?|writers?)"),
    # Signers.
    (
        DocumentFact.SIGNER,
        r"(?:who|(?:which|what) <OFFICE>) (?:has |have |had )?(?:counter)?signed <DOC>",
    ),
    (DocumentFact.SIGNER, r"(?:by who|by whom|who) <IS> <DOC> signed(?: by)?"),
    (
        DocumentFact.SIGNER,
        r"(?:who ?<IS> |whose <IS> |<ASK>)(?:the )?(?:names? of (?:the )?)?(?:signator(?:y|ies)|signers?|signatures?) "
        r"(?:of|on|under|to) <DOC>",
    ),
    # Title.
    (DocumentFact.TITLE, r"<ASK>(?:the )?(?:full |exact |complete |original |whole )?title of <DOC>"),
    (
        DocumentFact.TITLE,
        r"<ASK>(?:the )?name of (?P<document>(?:the|this) (?:book|novel|document|paper|article|report|poem|play|"
        r"e-?book))",
    ),
    (
        DocumentFact.TITLE,
        r"<ASK>(?P<document>its) (?:full |exact )?title|what(?: is|'s|’s) <DOC2> (?:called|titled|entitled)",
    ),
    (DocumentFact.TITLE, r"<ASK>the title|what title (?:does|has) <DOC>(?: have| bear| carry)?"),
    # Date.
    (
        DocumentFact.DATE,
        r"(?:when|in (?:what|which) (?:year|month)|(?:what|which) (?:year|month|date)|on (?:what|which) date) <IS> "
        r"<DOC> <MADE>",
    ),
    (
        DocumentFact.DATE,
        r"(?:when|in (?:what|which) year|(?:what|which) year) did <DOC> (?:first )?(?:come out|get published)",
    ),
    (
        DocumentFact.DATE,
        r"<ASK>(?:the )?(?:publication |release |publishing )?(?:date|year)(?: of publication| of release)? of <DOC>",
    ),
    (
        DocumentFact.DATE,
        r"<ASK><DOC>['’]s (?:publication |release )?date|(?:what|which) date (?:does|has) <DOC2> (?:have|bear|carry|"
        r"give|got)",
    ),
    (DocumentFact.DATE, r"<ASK>(?:the )?(?:publication|release) (?:date|year)"),
    # Counts.
    (
        DocumentFact.COUNT,
        r"how many <UNIT> (?:long )?(?:does|do|did|has|have) <DOC> (?:have|has|got|contain|consist of|run to|comprise|"
        r"include|span)(?: in (?:all|total)| altogether)?",
    ),
    (
        DocumentFact.COUNT,
        r"how many <UNIT>(?: there)?(?: are| is| were)?(?: there)?(?: in (?:all|total))?(?: (?:in|of) <DOC>)?(?: in "
        r"(?:all|total)| altogether)?",
    ),
    (DocumentFact.COUNT, r"how many <UNIT> (?:long )?(?:is|are) <DOC>(?: long)?|how many <UNIT2> make up <DOC2>"),
    (
        DocumentFact.COUNT,
        r"(?:into|in) how many <UNIT> is <DOC> (?:divided|split|broken|cut)(?: up)?|<DOC2> has how many <UNIT2>",
    ),
    (
        DocumentFact.COUNT,
        r"(?:count|<ASK>(?:the )?(?:total )?(?:number|count) of) (?:the |all )?<UNIT> (?:in|of) <DOC>|<ASK>(?:the "
        r")?<UNIT2> count of <DOC2>",
    ),
    (DocumentFact.COUNT, r"how long is (?P<document>.+?)|<ASK>the length of (?P<document2>.+?)"),
    # The first and the last sentence.
    (DocumentFact.FIRST, r"<ASK>(?:the )?(?:very )?<END>(?: (?:two|three|few))? <SENTENCE><OF>(?: say| read)?"),
    (DocumentFact.FIRST, r"(?:<ASK>|how does )<DOC>['’]s? (?:very )?<END> <SENTENCE>(?: say| read| go)?"),
    (DocumentFact.FIRST, r"(?:how|what) does the <END> <SENTENCE><OF> (?:go|say|read|run)"),
    (
        DocumentFact.FIRST,
        r"(?:with|in) (?:what|which) <SENTENCE> does <DOC> (?P<end>begin|start|open|end|close|finish|conclude)",
    ),
    (
        DocumentFact.FIRST,
        r"(?:what|which) <SENTENCE> (?P<end>begins|starts|opens|ends|closes|finishes|concludes) <DOC>",
    ),
    (DocumentFact.FIRST, r"how does <DOC> (?P<end>begin|start|open)"),
    # Contents.
    (
        DocumentFact.CONTENTS,
        r"<ASK>(?:the )?(?:table of contents|contents|toc|chapter titles|chapter names|chapter list|headings)(?: "
        r"(?:of|for|in) <DOC>)?",
    ),
    (
        DocumentFact.CONTENTS,
        r"<ASK>(?:all )?(?:of )?(?:the )?(?:chapters|sections|headings|stories)(?: and their titles)?(?: (?:of|in) "
        r"<DOC>)?",
    ),
    (
        DocumentFact.CONTENTS,
        r"(?:what|which)(?: are the)? (?:chapters|sections|headings|stories) (?:does|do|has|have|are (?:there )?in) "
        r"<DOC>(?: have| contain| include| consist of)?",
    ),
    (DocumentFact.CONTENTS, r"<ASK><DOC>['’]s? (?:chapters|table of contents|contents|sections|chapter titles)"),
    # The chapter of a title.
    (
        DocumentFact.HEADING,
        r"(?:what|which) (?P<unit>chapter|section)<OF> (?:is|has the title|is called|is named|is titled|is entitled|"
        r"goes by the title)(?: called| named| titled| entitled)? (?P<subject>(?!(?:the one|it|that|about|where|the "
        r"(?:scene|passage|part)) ).+)",
    ),
    # The place where something stands.
    (DocumentFact.PLACE, r"(?:in|on|at|under) (?:which|what) <PLACE><OF> <AUX> <SUBJECT>"),
    (DocumentFact.PLACE, r"(?:which|what) <PLACE><OF> (?:<AUX> )<SUBJECT> (?:in|on)"),
    (
        DocumentFact.PLACE,
        r"(?:what|which|<ASK>the|the)(?: (?:number|title|name) of the)? ?<PLACE><OF>(?: <IS> (?:it|that|the one))?,? "
        r"(?:where|in which|on which|when|about) <SUBJECT>",
    ),
    (
        DocumentFact.PLACE,
        r"(?:which|what) <PLACE><OF>(?: <IS> the one)?(?: (?:that|which))? (?:describes?|tells?(?: us)?(?: of| "
        r"about)?|deals? with|covers?|is about|contains?|has|shows?|discuss(?:es)?|explains?|features|introduces|"
        r"relates|narrates|treats(?: of)?|defines|presents|recounts) <SUBJECT>",
    ),
    (
        DocumentFact.PLACE,
        r"(?:which|what) <PLACE><OF> (?:is|has) the (?:scene|passage|part|one|episode|moment|bit)(?: of| with| where| "
        r"in which| about| when| that)+ <SUBJECT>",
    ),
    (DocumentFact.PLACE, r"where (?:abouts )?in <DOC> <AUX> <SUBJECT>"),
)  # fmt: skip
_SENTENCES = SentenceForms(_PIECES)
# Words without which no form fits: for any other question no form is compiled.
_MAY_ASK = re.compile(
    r"\b(?:by|from|where (?:abouts )?in|name of|how (?:many|long)|number of|made public|put out|come out|end)|wr(?:ote|it)|author|"
    r"penned|sign|titl|call|publish|releas|\bdate|issued|print|compos|posted|finish|complet|year|count|length|first|open|initial|"
    r"last|final|clos|conclu|begin|start|content|\btoc\b|chapter|heading|section|stories|page|slide|canto|stave|scene",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"(?:in|from|according to|on) (?P<document>[^,]+?), (?=\w)(?P<rest>.+)", re.IGNORECASE)
_PART = re.compile(r"(?:the )?(?:(?:last|final|first|\w+th) )?(?:chapter|part|volume|section|book)\b", re.IGNORECASE)
_NOUN = re.compile(
    r"\b(?:book|novel|paper|report|document|file|article|thesis|pdf|manual|guide|textbook|essay)\b", re.IGNORECASE
)
_BEHIND = re.compile(r"(?P<subject>.+) (?:in|of|from) (?P<document>.+)", re.IGNORECASE)


def document_question(question: str) -> DocumentQuestion | None:
    """Find what a question asks of a document itself.

    Args:
        question: The question.

    Returns:
        What it asks; None for a question about what the documents say.
    """
    text = plain_question(question)
    if not text or len(text) > _MAX_LENGTH or not _MAY_ASK.search(text):
        return None
    if (asked := _match_forms(text)) is not None:
        return asked
    within = _WITHIN.fullmatch(text)
    asked = _match_forms(within["rest"]) if within is not None else None
    if within is None or asked is None:
        return None
    if not asked.document or is_generic(asked.document):
        return replace(asked, document=within["document"])
    # "In Emma, what is the first sentence of chapter 3" names a part of it; a letter is none.
    is_part = _PART.match(asked.document) is not None
    return replace(asked, document=f"{asked.document} of {within['document']}") if is_part else None


def _match_forms(text: str) -> DocumentQuestion | None:
    """Find the first form that a whole text has; None where it may mean a thing or a person."""
    matches = ((fact, _SENTENCES.match(form, text)) for fact, form in _FORMS)
    match = next(((fact, match) for fact, match in matches if match is not None), None)
    if match is None:
        return None
    asked, groups = _asked(*match), match[1].groupdict()
    is_length = asked.fact is DocumentFact.COUNT and not asked.unit  # "how long is the whale"
    words = f"{groups.get('end') or ''} {groups.get('unit') or ''}".lower()
    is_dying = asked.fact is DocumentFact.LAST and re.match(r"(?:last|final|dying) words?", words) is not None
    if (is_length or is_dying) and asked.document and not is_generic(asked.document):
        is_title = is_length and any(letter.isupper() for letter in asked.document)
        return asked if is_title or _NOUN.search(asked.document) else None
    return asked


def split_subject(subject: str) -> tuple[str, str] | None:
    """Split "X happens in Moby Dick" into its subject and what may be a document's name."""
    match = _BEHIND.fullmatch(subject)
    return (match["subject"], match["document"]) if match is not None else None


def _asked(fact: DocumentFact, match: re.Match[str]) -> DocumentQuestion:
    """Make the question from the form that it has."""
    groups = match.groupdict()
    document = (groups.get("document") or groups.get("document2") or "").strip(" ,;:")
    word = (groups.get("unit") or groups.get("unit2") or "").lower()
    subject = (groups.get("subject") or "").strip(" ,;:")
    unit = word
    if fact is DocumentFact.COUNT:
        unit = _COUNTED_AS.get(word, "")
    elif fact is DocumentFact.FIRST:
        unit = word.rstrip("s") if word.startswith(("line", "paragraph")) else "sentence"
        if re.match(
            r"(?:last|final|closing|ending|concluding|ends?|closes?|finish|concludes?)", groups["end"], re.IGNORECASE
        ):
            fact = DocumentFact.LAST
    return DocumentQuestion(fact, document, unit, subject)
