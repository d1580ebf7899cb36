"""Notes in Google Keep's exports: one in each file of JSON.

Knows their keys. Does not know files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crystalcli.datatypes import Landmark
from crystalcli.text.document.composer import LINE, Composer, one_line
from crystalcli.text.document.messages import format_time
from crystalcli.text.document.outline import heading_label
from crystalcli.text.document.stated_fields import StatedFields


def is_keep_note(data: object) -> bool:
    """Tell whether parsed JSON is a note of Google Keep."""
    return (
        isinstance(data, dict)
        and "userEditedTimestampUsec" in data
        and ("textContent" in data or "listContent" in data)
    )


def keep_title(data: dict[str, Any]) -> str:
    """Return the title of a note, or ""."""
    title = data.get("title")
    return heading_label(one_line(title)) if isinstance(title, str) else ""


def write_keep_note(data: dict[str, Any]) -> Iterator[str | Landmark]:
    """Yield a note: a "heading" landmark with its title, a "message" one with its time."""
    time = format_time(data.get("userEditedTimestampUsec"))
    yield from StatedFields(date=time, tags=tuple(_texts(data.get("labels"), "name"))).landmarks()
    composer = Composer()
    composer.begin_block()
    title = keep_title(data)
    composer.mark("heading", title)
    composer.mark("message", time)
    composer.write_block(title)
    if labels := ", ".join(_texts(data.get("labels"), "name")):
        composer.write_block(f"Tags: {labels}", LINE)
    if isinstance(text := data.get("textContent"), str):
        composer.write_block(text)
    items = data.get("listContent")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(text := item.get("text"), str):
            composer.write_block(f"[{'x' if item.get('isChecked') else ' '}] {text}", LINE)
    links = data.get("annotations")
    for link in links if isinstance(links, list) else ():
        name, url = next(_texts([link], "title"), ""), next(_texts([link], "url"), "")
        if url:
            composer.write_block(f"Link: {name} ({url})" if name else f"Link: {url}", LINE)
    composer.end_line()
    yield from composer.drain()


def _texts(items: object, key: str) -> Iterator[str]:
    """Yield the texts under a key in a list of objects."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and isinstance(text := item.get(key), str) and text.strip():
            yield one_line(text)
