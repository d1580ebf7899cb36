"""The measure that a question asks for: an age needs years or a date, a height a number.

    How old is Lena?      "Lena turned nine", "born in 2017", and not "Lena goes to school"
    How tall is the mast? "31 metres", "as high as three houses"

Texts about the same person or thing are as near to such a question as the one that says it, and
short ones have hardly another word in common with it.

Knows: English questions, numbers and words of age. Does not know: whose measure it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.datatypes import Passage
from crystalcli.lexical import query_terms

_AGE = re.compile(r"\bhow old (?:is|are|was|were|am|['’]s)\b|\b(?:what|which) age\b|['’]s age\b", re.IGNORECASE)
_EXTENT = re.compile(r"\bhow (?:tall|high|deep|wide|heavy|fast)\b|\b(?:height|weight|width|depth) of\b", re.IGNORECASE)
_SAYS_NUMBER = re.compile(
    r"\d|\b(?:(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|(?:twen|thir|for|fif|six|seven|eigh|nine)ty)(?:fold)?|hundred|thousand|dozen|half|score|double|twice)\b",
    re.IGNORECASE,
)
_SAYS_AGE = re.compile(
    r"\b(?:age[ds]?|years?|old(?:er|est)?|young\w*|born|birth\w*|turn(?:s|ed|ing)?|months?|\w+teens?|centur\w+|infan\w+|bab(?:y|ies)|"
    r"child\w*|adult\w*|built|founded|dates?|dated|since|\d{4})\b",
    re.IGNORECASE,
)
_MEASURED = re.compile(r"\b(?:old|age|tall|high|deep|wide|heavy|fast|height|weight|width|depth)\b", re.IGNORECASE)


def lacks_measure(question: str, passages: Sequence[Passage]) -> bool:
    """Tell whether a question asks for an age, a size or a weight, and no passage has one."""
    if _AGE.search(question):
        form = _SAYS_AGE
    elif _EXTENT.search(question):
        form = _SAYS_NUMBER
    else:
        return False
    asked = set(query_terms(_MEASURED.sub(" ", question)))
    return not any(
        form.search(each.text) and not asked.isdisjoint(query_terms(each.text_with_place)) for each in passages
    )
