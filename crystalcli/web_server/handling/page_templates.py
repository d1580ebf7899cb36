"""Templates of the pages: everything that they are given is escaped.

Knows: Jinja, what is shown as which words. Does not know: requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from jinja2 import Environment

# What a browser does not show, or what reorders the text around it.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def make_templates(shared: Mapping[str, Any]) -> Environment:
    """Make the environment of the templates in this package.

    Args:
        shared: Values that every template is given.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("crystalcli.web_server"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(shared, address=page_address)
    templates.filters.update(
        plain=plain_text, size=size_text, count=count_text, last_part=last_part, folders=folders_text
    )
    return templates


def page_address(path: str, /, **parameters: object) -> str:
    """Write the address of a page, with the parameters that have a value."""
    chosen = {
        name.rstrip("_"): value for name, value in parameters.items() if value is not None and value not in ("", ())
    }
    query = urlencode(chosen, doseq=True, errors="replace")
    return f"{path}?{query}" if query else path


def plain_text(text: object) -> str:
    """Replace controls and signs that reorder text, which a page cannot show."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text).replace("\r\n", "\n").replace("\r", "\n"))


def size_text(size: int) -> str:
    """Write a number of bytes: "1.2 MB"."""
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_SIZES[unit]}" if unit == 0 or value >= 99.5 else f"{value:.1f} {_SIZES[unit]}"


def count_text(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things: "1 document", "1,200 documents"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def last_part(name: str) -> str:
    """Give the name of a document without its folders."""
    return name.rstrip("/").rpartition("/")[2] or name


def folders_text(name: str) -> str:
    """Write the folders of a document: "notes / 2026"; "" without one."""
    return " / ".join(name.rstrip("/").split("/")[:-1])
