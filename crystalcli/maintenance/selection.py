"""Which documents a person means by a name, a folder, a path or a glob."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from crystalcli.errors import NotFoundError, UsageError
from crystalcli.index import find_document
from crystalcli.ingest import home_of, is_piped, path_at_location
from crystalcli.paths import expanded
from crystalcli.storage import SourceRow, Store


def select_documents(store: Store, names: Sequence[str], *, endings: bool = True) -> list[SourceRow]:
    """The sources that `names` mean, each once, in order of the ledger.

    A name is the first of these that fits: a document as it is cited; a folder or archive of such documents; a file or folder on this
    machine that was read; a glob; with `endings`, the end of one document's path. In a glob `*` stops at `/` and `**` does
    not, and one without `/` is held against the last part of a path. Raises NotFoundError for a name that means nothing here,
    UsageError for an empty one.
    """
    sources = store.sources()
    chosen: set[int] = set()
    for name in names:
        if not name.strip():
            raise UsageError("a document's name is empty")
        found = _cited(sources, name) or _on_disk(store, sources, name) or _matching(sources, name)
        if not found and not endings:
            raise NotFoundError(f"no document {name} in this crystal; `crystal inspect --documents` lists them")
        chosen.update(source.id for source in found or [find_document(store, name)])
    return [source for source in sources if source.id in chosen]


def _cited(sources: Sequence[SourceRow], name: str) -> list[SourceRow]:
    exact = [source for source in sources if source.path == name]
    if exact and exact[0].kind != "archive":
        return exact
    folder = name.rstrip("/") + "/"
    return exact + [source for source in sources if source.path.startswith(folder)]


def _on_disk(store: Store, sources: Sequence[SourceRow], name: str) -> list[SourceRow]:
    home = home_of(store.path)
    place = Path(os.path.abspath(expanded(name)))  # noqa: PTH100 - as the walk does: links stay what they are
    files = [source for source in sources if not is_piped(source.location)]
    places = [(source, path_at_location(source.location, home)) for source in files]
    return [source for source, other in places if other == place or place in other.parents]


def _matching(sources: Sequence[SourceRow], glob: str) -> list[SourceRow]:
    if not re.search(r"[*?\[]", glob):
        return []
    pattern = glob_to_regex(glob)
    matched = [source for source in sources if pattern.fullmatch(source.path if "/" in glob else _last(source.path))]
    if not matched:
        raise NotFoundError(f"no document matches {glob}; `crystal inspect --documents` lists them")
    return matched


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def glob_to_regex(glob: str) -> re.Pattern[str]:
    """A glob as a regular expression for the whole of a path: `*`, `?` and `[…]` stop at `/`, `**` does not."""
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[[!^]?\]?[^\]]*\]|.", glob, re.DOTALL)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    made = []
    for part in parts:
        if len(part) > 2 and part[0] == "[":
            inner = part[1:-1].replace("\\", "\\\\").replace("[", "\\[")
            made.append(f"(?!/)[{'^' + inner[1:] if inner[0] in '!^' else inner}]")
        else:
            made.append(signs.get(part) or re.escape(part))
    try:
        return re.compile("".join(made), re.DOTALL)
    except re.error as error:
        raise UsageError(f"{glob} is no glob: {error}") from error
