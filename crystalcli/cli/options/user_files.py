"""Files of the user's own: the history of questions, and the sources of the last answer.

Both are for their owner alone. An empty $CRYSTAL_HISTORY keeps neither.

Knows: one folder. Does not know: what is in the files but for the sources.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from crystalcli.datatypes import Citation, Passage
from crystalcli.errors import NotFoundError
from crystalcli.paths import expanded

_SOURCES_SUFFIX = "-sources.json"


class LastSource(NamedTuple):
    """A source of the last answer.

    Attributes:
        number: Its number there.
        name: The name of the document.
        file: The absolute path of its file; None where there was none.
        line: Its first line in the file; None for a file that is not read by lines.
        place: Its place in words: "p. 3", "lines 10-14".
    """

    number: int
    name: str
    file: str | None
    line: int | None
    place: str


def history_path() -> Path | None:
    """Return $CRYSTAL_HISTORY, None if empty; else `history` in the user's data folder."""
    value = os.environ.get("CRYSTAL_HISTORY")
    if value is not None:
        return expanded(value) if value else None
    import platformdirs

    return platformdirs.user_data_path("crystal", appauthor=False) / "history"


def keep_sources(items: Iterable[tuple[int, Passage | Citation]]) -> None:
    """Keep the sources of an answer for `crystal open`; a file that cannot be written is ignored.

    Args:
        items: The sources with their numbers.
    """
    history = history_path()
    if history is None:
        return
    path = history.with_name(history.name + _SOURCES_SUFFIX)
    places = [(number, item.place) for number, item in items]
    sources = [
        LastSource(number, place.path, place.source, place.line_start if place.has_lines else None, str(place))
        for number, place in places
    ]
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # for its owner alone
        with os.fdopen(handle, "w", encoding="ascii") as file:
            json.dump(sources, file)
        Path(name).replace(path)


def last_source(number: int) -> LastSource:
    """Find a source of the last answer.

    Raises:
        NotFoundError: There is no answer, or none of its sources has that number.
    """
    history, rows = history_path(), []
    with contextlib.suppress(OSError, ValueError):
        if history is not None:
            rows = json.loads(history.with_name(history.name + _SOURCES_SUFFIX).read_text(encoding="ascii"))
    sources = []
    with contextlib.suppress(TypeError):
        sources = [LastSource(*row) for row in rows]
    if not sources:
        raise NotFoundError("no answer is kept: ask with `crystal ask` or `crystal recall` first")
    found = [source for source in sources if source.number == number]
    if not found:
        numbers = ", ".join(str(source.number) for source in sources)
        raise NotFoundError(f"the last answer has no source {number}; it has {numbers}")
    return found[0]
