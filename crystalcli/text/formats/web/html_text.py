"""Text of an HTML element: what its letters are, where they are not those of the tree.

Knows elements without text, copies for screen readers or for the eye, formulas, initials that are
pictures. Does not know blocks nor headings.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from lxml import etree

from crystalcli.text.document.markup import Element, attribute, local_name

# fmt: off
SILENT = frozenset((
    "head", "script", "style", "template", "noscript", "iframe", "object", "embed", "applet", "audio", "video", "canvas", "svg",
    "map", "button", "input", "select", "textarea", "datalist", "dialog", "rp", "rt", "annotation", "annotation-xml", "img",
))
BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dir", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html",
    "legend", "li", "listing", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody", "td",
    "tfoot", "th", "thead", "title", "tr", "ul", "xmp",
))
# fmt: on
HEADINGS = {f"h{level}": level for level in range(1, 7)}
REPLACED = frozenset(("img", "math", "script", "sup"))
_SUPERSCRIPTS = str.maketrans("0123456789+-−()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾ⁿ")
_RAISED = re.compile(r"[-+−]?\d{1,3}")
# Before a raised number that is a power: a short word (a unit), a number, a bracket. After a longer
# word it is a note.
_BASE = re.compile(r"(?:(?<![^\W\d_])[^\W\d_]{1,3}|\d|\))\Z")
_QUESTION = re.compile(r"\S.{6,}\S\s*[?？؟]\s*\Z", re.DOTALL)
_FOLDS = re.compile(r"accordion|collaps|faq|toggle|disclosure", re.IGNORECASE)
_MIN_LABEL = 12  # characters of a button that opens a section
_MAX_DEPTH = 60  # nested elements of a formula


def element_text(element: Element, leave_out: Callable[[Element], bool] = lambda _: False) -> str:
    """Return all text of an element, blocks and line breaks as spaces.

    Args:
        element: of a tree.
        leave_out: decides which elements inside it are left out.
    """
    if len(element) == 0:
        return element.text or ""
    parts: list[str] = []
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walker:
        name = local_name(inner)
        if event == "end":
            if inner is not element:
                parts += [" " if name in BLOCKS else "", inner.tail or ""]
        elif (text := replacing_text(inner, name, parts[-1] if parts else "")) is not None:
            parts.append(text)
            walker.skip_subtree()
        elif (name not in BLOCKS and is_silent(inner, name)) or (inner is not element and leave_out(inner)):
            walker.skip_subtree()
        else:
            parts += [" " if name in BLOCKS or name == "br" else "", inner.text or ""]
    return "".join(parts)


def replacing_text(element: Element, name: str, before: str) -> str | None:
    """Return the text that stands for an element and all in it; None where its own does.

    Args:
        element: of a tree.
        name: its local name.
        before: the text before it.
    """
    if name not in REPLACED:
        return None
    if name == "img":  # an initial that is drawn
        label = str(element.get("alt") or "").strip()
        return label if len(label) == 1 and label.isalpha() and (element.tail or "")[:1].isalpha() else None
    if name == "math":
        return str(element.get("alttext") or "") or _formula(element)
    if name == "script" and str(element.get("type") or "").startswith("math/tex"):
        return str(element.text or "")
    if name == "sup" and len(element) <= 1 and _RAISED.fullmatch(text := "".join(element.itertext()).strip()):
        return _raised(element, text, before)
    return None


def _raised(element: Element, text: str, before: str) -> str | None:
    """Return a raised number: a power, or behind a word the mark of a note, `tower [12]`."""
    link = element[0] if len(element) else None
    is_note = link is not None and local_name(link) == "a" and str(link.get("href") or "").startswith("#")
    if _BASE.search(before) and not is_note:
        return text.translate(_SUPERSCRIPTS) if link is None else None
    is_behind_word = text.isdecimal() and before[-1:].isalnum() and (is_note or link is None)
    is_marked = link is not None and attribute(link, "type") == "noteref"  # has brackets already
    return f" [{text}]" if is_behind_word and not is_marked else None


def is_silent(element: Element, name: str) -> bool:
    """Tell whether an element has no text of its own: no letters, or a copy of those beside it.

    Blocks are not asked for.
    """
    if name in SILENT:
        return name != "button" or not (is_label(element) or _heads_section(element))
    return not name or (element.get("aria-hidden") == "true" and not _is_initial(element))


def is_label(button: Element) -> bool:
    """Tell whether a button is the label of a section that it opens, as a question of a FAQ is."""
    text = " ".join("".join(button.itertext()).split())
    opens = button.get("aria-controls") or button.get("aria-expanded") or _FOLDS.search(str(button.get("class") or ""))
    return (bool(opens) and len(text) >= _MIN_LABEL and " " in text) or _QUESTION.match(text) is not None


def _heads_section(button: Element) -> bool:
    return any(
        local_name(above) in HEADINGS or local_name(above) in ("summary", "dt") for above in button.iterancestors()
    )


def _is_initial(element: Element) -> bool:
    """Tell whether a hidden element is the first letter of the word behind it."""
    return len("".join(element.itertext()).strip()) == 1 and (element.tail or "")[:1].isalpha()


def _formula(element: Element, depth: int = 0) -> str:
    """Return a formula in MathML on one line, with powers as such and fractions as `a/b`."""
    name = local_name(element)
    inner = [child for child in element if local_name(child) not in ("annotation", "annotation-xml", "")]
    if not inner or depth > _MAX_DEPTH:
        return " ".join("".join(element.itertext()).split())
    parts = [_formula(child, depth + 1) for child in inner]
    if name in ("msup", "msubsup", "mover") and len(parts) > 1:
        power = parts[-1].translate(_SUPERSCRIPTS) if _RAISED.fullmatch(parts[-1]) or parts[-1] == "n" else ""
        return "".join(parts[:-1]) + (power or f"^{_grouped(parts[-1])}")
    if name == "mfrac" and len(parts) == 2:
        return f"{_grouped(parts[0])}/{_grouped(parts[1])}"
    if name == "msqrt":
        return f"√{_grouped(''.join(parts))}"
    if name == "mtr":
        return ", ".join(parts)
    return "".join(parts)


def _grouped(text: str) -> str:
    return text if len(text) == 1 or text.isalnum() else f"({text})"
