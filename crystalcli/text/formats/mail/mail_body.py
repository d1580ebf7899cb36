"""The words of a mail that is written in HTML.

Knows which tags break a line and which hold nothing that is read. Does not know headings, tables or links: mails are set in
tables that mean nothing. Goes through the page once, whatever is left open in it.
"""

from __future__ import annotations

import html
import re

_UNREAD = frozenset(("script", "style", "title", "template", "noscript"))
_BREAKS = frozenset(("br", "div", "tr", "li", "hr", "section", "article", "dt", "dd", "option"))
_PARAGRAPHS = frozenset(("p", "table", "ul", "ol", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"))
_TOKEN = re.compile(r"<(?P<end>/?)(?P<tag>[A-Za-z][A-Za-z0-9:-]*)[^<>]*>|<![^<>]*>|<\?[^<>]*>|(?P<text>[^<]+|<)")
_REST = re.compile(r"[^<>]*>?")  # of a tag
_INVISIBLE = str.maketrans("", "", "\u200b\u200c\u00ad\ufeff")


def mail_body_text(page: str) -> str:
    """The text, a line for each block and an empty line between paragraphs; what is quoted begins with `> `."""
    lines: list[str] = []
    words: list[str] = []
    lower = page.lower()
    open_ended: set[str] = set()  # what is begun and never ended: looked for once
    position = quoted = 0

    def end_line() -> None:
        if line := " ".join("".join(words).translate(_INVISIBLE).split()):
            lines.append("> " * min(quoted, 10) + line)
        words.clear()

    def behind(end: str) -> int:
        """Where the next `end` ends, or -1."""
        at = -1 if end in open_ended else lower.find(end, position)
        if at < 0:
            open_ended.add(end)
        return at + len(end) if at >= 0 else -1

    while position < len(page):
        if page.startswith("<!--", position) and (after := behind("-->")) > 0:
            position = after
            continue
        token = _TOKEN.match(page, position)
        if token is None:  # a tag that another begins in
            position += 1
            continue
        position = token.end()
        if token["text"]:
            words.append(html.unescape(token["text"]))
            continue
        tag, is_end = (token["tag"] or "").lower(), bool(token["end"])
        if tag in _UNREAD and not is_end and (after := behind(f"</{tag}")) > 0:
            rest = _REST.match(page, after)
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
