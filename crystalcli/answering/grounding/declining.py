"""The words by which a language model says that the passages hold no answer.

Knows: English phrases. Does not know: whether the model is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from crystalcli.errors import CrystalError

_HEAD = 8  # words by which it is clear whether a model declines
_SOURCES = r"(?:passages?|contexts?|texts?|documents?|sources?|notes?|excerpts?|information)"
_DECLINES = re.compile(
    rf"""
    ^\W*(?:sorry|i\ am\ sorry|i['’]m\ sorry|unfortunately)\b
    | ^(?:\W*(?:from|based\ on|according\ to)\b[^,.]*,)?\W*
      (?: (?:the|these|this|those|none\ of\ the|no)?\s*(?:given|provided|numbered)?\s*{_SOURCES}(?:\ provided|\ given)?\s
          (?:do|does|is|are|was|were|can|could|has|have)(?:\s+not|n['’]t)\b
        | there\ (?:is|was|are)\ no(?:t\ any)?\s(?:\w+\s)?(?:answer|mention|information|indication|record|detail)
        | (?:i|we)\ (?:do\ not|don['’]t|can\ ?not|can['’]t|could\ not|am\ not\ able\ to)\s(?:know|find|tell|answer|say|determine)
        | no\ (?:answer|mention|information)\b
        | not\ (?:stated|specified|mentioned|given|said)\b
        | none\ of\ the\ {_SOURCES}\b
      )
    | \b(?:is|are|was|were)(?:\ not|n['’]t)\ (?:explicitly\ |directly\ )?(?:stated|specified|mentioned|given|said|provided|named)\b
      [^.]{{0,40}}\b{_SOURCES}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)


# First words of a sentence that declines; any other sentence is shown from its first word on.
_OPENERS = frozenset(
    "sorry i i'm i’m we unfortunately there no not none the these this those based according from".split()  # noqa: SIM905
)
_ARTICLES = frozenset(("the", "these", "this", "those"))
_SOURCE_WORD = re.compile(rf"{_SOURCES}|given|provided|numbered", re.IGNORECASE)


def declines(text: str) -> bool:
    """Tell whether a model's sentence says that there is no answer."""
    return _DECLINES.search(text) is not None


def without_decline(pieces: Iterable[str]) -> Iterator[str]:
    """Give the pieces of a model's words, or nothing where it declines to answer.

    The first words wait until it is clear which, mostly one or two.

    Args:
        pieces: The pieces, as they come.

    Yields:
        The same text.
    """
    head, is_open = "", True
    try:
        for piece in pieces:
            if not is_open:
                yield piece
                continue
            head += piece
            if not _may_decline(head) or len(head.split()) > _HEAD:
                if declines(head):
                    return
                is_open = False
                yield head
    except (CrystalError, KeyboardInterrupt):
        if is_open and head:  # what was said before the model failed or was stopped
            yield head
        raise
    if is_open and not declines(head):
        yield head


def _may_decline(head: str) -> bool:
    """Tell whether the first words of a sentence may still become one that declines."""
    words = head.split() if head[-1:].isspace() else head.split()[:-1]  # the last may go on
    first, second = (word.strip('.,:;*_"“”').lower() for word in (*words, "", "")[:2])
    if first and first not in _OPENERS and not _SOURCE_WORD.fullmatch(first):
        return False
    return not (first in _ARTICLES and second and not _SOURCE_WORD.fullmatch(second))
