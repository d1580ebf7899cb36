"""Text of a mail that is written in HTML.

Knows which tags break a line and which hold no text. Does not know headings, tables or links:
mails use tables for layout. Takes one pass, however malformed the page is.
"""

from __future__ import annotations

import html
import re

_SILENT = frozenset(("script", "style", "title", "template", "noscript"))
_BREAKS = frozenset(("br", "div", "tr", "li", "hr", "section", "article", "dt", "dd", "option"))
_PARAGRAPHS = frozenset(("p", "table", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"))
_TOKEN = re.compile(r"<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9:-]*)[^<>]*>|<![^<>]*>|<\?[^<>]*>|(?P<text>[^<]+|<)")
_TAG_REST = re.compile(r"[^<>]*>?")
_INVISIBLE = str.maketrans("", "", "\u200b\u200c\u00ad\ufeff")


def mail_body_text(page: str) -> str:
    """Return the text of a page.

    Args:
        page: HTML.

    Returns:
        A line for each block, and an empty line between paragraphs; quoted lines begin with `> `.
    """
    lines: list[str] = []
    words: list[str] = []
    lower = page.lower()
    missing_ends: set[str] = set()  # searched for once, so that the pass stays linear
    position = quoted = 0

    def end_line() -> None:
        if line := " ".join("".join(words).translate(_INVISIBLE).split()):
            lines.append("> " * min(quoted, 10) + line)
        words.clear()

    def find_behind(end: str) -> int:
        """Return the offset behind the next `end`, or -1."""
        start = -1 if end in missing_ends else lower.find(end, position)
        if start < 0:
            missing_ends.add(end)
        return start + len(end) if start >= 0 else -1

    while position < len(page):
        if page.startswith("<!--", position) and (after := find_behind("-->")) > 0:
            position = after
            continue
        token = _TOKEN.match(page, position)
        if token is None:  # a tag inside which another begins
            position += 1
            continue
        position = token.end()
        if token["text"]:
            words.append(html.unescape(token["text"]))
            continue
        tag, is_end = (token["tag"] or "").lower(), bool(token["end"])
        if tag in _SILENT and not is_end and (after := find_behind(f"</{tag}")) > 0:
            rest = _TAG_REST.match(page, after)
            position = rest.end() if rest else after
        if tag in _BREAKS or tag in _PARAGRAPHS:
            end_line()
            if tag in _PARAGRAPHS and lines and lines[-1]:
                lines.append("")
        if tag == "blockquote":
            quoted = max(0, quoted + (-1 if is_end else 1))
        elif tag in ("td", "th"):
            words.append(" ")
    end_line()
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
