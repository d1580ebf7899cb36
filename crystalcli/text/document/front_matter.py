"""Front matter of Markdown documents: the date and the tags that it gives them.

Knows: the lines `date:`, `created:` and `tags:` of YAML and TOML, and `#tags` in text, as Obsidian
and others write them. Does not know: the rest of YAML.
"""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from crystalcli.index import IndexReader
from crystalcli.storage import SourceRow

_LONGEST = 4000  # characters of front matter that are read
_FENCED = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_DATE = re.compile(r"^(?:date|created|day)[ \t]*[:=][ \t]*[\"']?(\d{4}-\d\d-\d\d)", re.MULTILINE | re.IGNORECASE)
_TAGS = re.compile(r"^(?:tags?|keywords)[ \t]*[:=][ \t]*(.*(?:\r?\n[ \t]*-[ \t].*)*)", re.MULTILINE | re.IGNORECASE)
_INLINE_TAG = re.compile(r"(?<![^\s(\[,;])#([^\W\d_][\w/-]*|\d+[\w/-]*[^\W\d][\w/-]*)")
_CODE = re.compile(r"^ {0,3}(```|~~~).*?^ {0,3}\1|`[^`\n]*`", re.DOTALL | re.MULTILINE)


class FrontMatter(NamedTuple):
    """The front matter of a document, as far as filters need it.

    Attributes:
        day: The date; None without one.
        tags: The tags, in small letters.
    """

    day: date | None
    tags: frozenset[str]


def front_matter_of(index: IndexReader, source: SourceRow) -> FrontMatter:
    """Read the front matter of a document.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    return parse_front_matter(index.span_text(source, 0, _LONGEST))


def parse_front_matter(text: str) -> FrontMatter:
    """Read the front matter at the beginning of a text."""
    fenced = _FENCED.match(text)
    if fenced is None:
        return FrontMatter(None, frozenset())
    written = _DATE.search(fenced[2])
    day = None
    if written is not None:
        try:
            day = date.fromisoformat(written[1])
        except ValueError:
            day = None
    tags = _TAGS.search(fenced[2])
    words = [] if tags is None else re.split(r"[,\s\[\]\"']+|-(?=\s)", tags[1])
    return FrontMatter(day, frozenset(word.lstrip("#").lower() for word in words if word.strip("#-")))


def tags_of(text: str) -> frozenset[str]:
    """Read the tags of a Markdown document, of its front matter and in its text.

    A tag counts with the tags above it: `#home/garden` is `home/garden` and `home`.

    Args:
        text: The document.

    Returns:
        The tags, in small letters and without `#`.
    """
    tags = parse_front_matter(text[:_LONGEST]).tags | {tag.lower() for tag in _INLINE_TAG.findall(_CODE.sub(" ", text))}
    return frozenset("/".join(tag.split("/")[:depth]) for tag in tags for depth in range(1, tag.count("/") + 2))
