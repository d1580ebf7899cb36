"""Globs over the names of documents, as regular expressions.

Knows: the characters of a glob. Does not know: documents.
"""

from __future__ import annotations

import re

from crystalcli.errors import UsageError


def glob_to_regex(glob: str) -> re.Pattern[str]:
    """Translate a glob into a regular expression for a whole path.

    `*`, `?` and `[…]` stop at `/`, `**` does not.

    Raises:
        UsageError: The glob is invalid.
    """
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|.", glob, re.DOTALL)
    wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = []
    for part in parts:
        if len(part) > 2 and part[0] == "[":
            inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            pieces.append(f"(?!/)[{'^' + inner[1:] if inner[0] in '!^' else inner}]")
        else:
            pieces.append(wildcards.get(part) or re.escape(part))
    try:
        return re.compile("".join(pieces), re.DOTALL)
    except re.error as error:
        raise UsageError(f"invalid glob {glob}: {error}") from error
