"""The frame of a question: words that say where and how, and not what.

    Can you list the order in which I brought up | the parts of the kitchen | in our chats? Name
    only five items.
    How long | did I say | the repair would take?
    Has the margin improved? | If it is not useful here, then say so and explain why.

Messages do not hold these words, but others do, which then rank before what is asked for. The last
form is left out everywhere, the others where there are messages.

Knows: English. Does not know: crystals.
"""

from __future__ import annotations

import re

from crystalcli.lexical import query_terms

_SAID = (
    r"(?:brought up|mentioned|raised|talked about|spoke about|discussed|told you(?: about)?|asked(?: you)?(?: about)?|"
    r"shared(?: with you)?|said)"
)
_SAY = (
    r"(?:bring up|mention|raise|talk about|discuss|tell you(?: about)?|ask(?: you)?(?: about)?|share(?: with you)?|say)"
)
_FRAME = re.compile(
    # Asked for politely, and in which form.
    r"\A\W*(?:(?:can|could|would|will) you |please |i(?:['’]d| would) like (?:you )?to )*(?:please )?"
    r"(?:list|tell me|walk me through|give me|show me|remind me(?: of)?|recap|outline|describe|summari[sz]e|provide(?: me with)?)"
    r"(?: (?:an? |the )?(?:\w+ )?(?:summary|overview|recap|list|timeline|outline|account) of)?\b,?"
    # In which order.
    r"|\b(?:the |what )?(?:chronological )?(?:order|sequence|timeline) in which\b"
    r"|\bin (?:the )?(?:chronological |right |correct )?order(?: in which)?(?=\W*\Z|[.,;:?(])"
    # How much of it.
    r"|\(?\b(?:please )?(?:mention|list|name|give|include|use) (?:(?:only|just|exactly|and) )*"
    r"(?:\d+|\w+) (?:items|points|things|entries|sentences|words)\b\)?"
    # Where it was said.
    r"|\b(?:in|across|throughout|during|over|from|of) (?:all )?(?:of )?(?:our|my|the|these) (?:\w+ )?(?:conversations?|chats?)\b"
    r"|\b(?:in|across|throughout|during|over|from) (?:all )?(?:of )?our (?:\w+ )?(?:discussions?|sessions?|messages|talks)\b"
    # Who said it.
    rf"|\b(?:I|we)(?:['’]ve| have| had|['’]d)? (?:first |also |ever )?{_SAID}\b(?: that\b)?"
    rf"|\bdid (?:I|we) (?:first |also |ever )?{_SAY}\b(?: that\b)?",
    re.IGNORECASE,
)

# A sentence behind the question that says what to write if there is no answer.
_CONDITION = re.compile(
    r"(?<=[.?!])\s+(?:and |but )?if\b[^.?!]*\b(?:state|say|explain|mention|note|tell|write|reply|answer)\b[^.?!]*[.?!]*",
    re.IGNORECASE,
)


def without_frame(question: str) -> str:
    """Give the words of a question that say what is asked for.

    Args:
        question: The question.

    Returns:
        The question without its frame; as it is, where nothing else could be searched for.
    """
    rest, frames = _FRAME.subn(" ", question)
    return " ".join(rest.split()).strip(" ,.;:") if frames and query_terms(rest) else question


def without_condition(question: str) -> str:
    """Give a question without the sentences that say what to write if there is no answer.

    Args:
        question: The question.

    Returns:
        The rest; the question as it is, where nothing else could be searched for.
    """
    rest, conditions = _CONDITION.subn(" ", question)
    return " ".join(rest.split()) if conditions and query_terms(rest) else question
