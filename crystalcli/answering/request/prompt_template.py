"""The template of the user's message: text with {context} and {question}.

Other braces are braces. The text that is filled in is not searched for names again, so a document
cannot speak in the template's place.
"""

from __future__ import annotations

import re

from crystalcli.errors import UsageError

DEFAULT_TEMPLATE = "{context}\n\nQuestion: {question}"
_NAMES = ("context", "question")
_PLACEHOLDER = re.compile(r"\{(context|question)\}")


def check_template(template: str) -> None:
    """Check that a template has both names. Raises UsageError if one is missing."""
    present = set(_PLACEHOLDER.findall(template))
    missing = [f"{{{name}}}" for name in _NAMES if name not in present]
    if missing:
        raise UsageError(f"the template does not say where {' and '.join(missing)} go{'es' * (len(missing) == 1)}")


def fill_template(template: str, context: str, question: str) -> str:
    """Fill a template.

    Args:
        template: The template.
        context: The text for {context}.
        question: The text for {question}.
    """
    values = {"context": context, "question": question.strip()}
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)
