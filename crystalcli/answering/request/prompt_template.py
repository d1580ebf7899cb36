"""The user's message as a template: plain text in which {context} and {question} stand for what they say.

Other braces are braces. What is filled in is not looked at again, so no document can speak in the template's name.
"""

from __future__ import annotations

import re

from crystalcli.errors import UsageError

DEFAULT_TEMPLATE = "{context}\n\nQuestion: {question}"
_NAMES = ("context", "question")
_PLACE = re.compile(r"\{(context|question)\}")


def check_template(template: str) -> None:
    """Raises UsageError for a template in which one of the two names is missing."""
    found = set(_PLACE.findall(template))
    missing = [f"{{{name}}}" for name in _NAMES if name not in found]
    if missing:
        raise UsageError(f"the template does not say where {' and '.join(missing)} go{'es' * (len(missing) == 1)}")


def fill_template(template: str, context: str, question: str) -> str:
    """The template with the passages and the question in their places."""
    given = {"context": context, "question": question.strip()}
    return _PLACE.sub(lambda place: given[place[1]], template)
