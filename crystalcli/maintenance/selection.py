"""Finds the documents that a name, a folder, a path or a glob selects.

Knows: names in the ledger, paths on this machine. Does not know: texts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from crystalcli.errors import NotFoundError, UsageError
from crystalcli.index import document_with_suffix, glob_to_regex, missing_document
from crystalcli.ingest import home_of, is_piped, path_at_location
from crystalcli.paths import expanded
from crystalcli.storage import SourceRow, Store


def select_documents(store: Store, names: Sequence[str], *, endings: bool = True) -> list[SourceRow]:
    """Find the documents that names select.

    A name is the first of these that matches:

    1. a document, as it is cited;
    2. a folder or an archive of documents, as they are cited;
    3. a file or folder on this machine that was read;
    4. a glob: `*` stops at `/` and `**` does not; without `/` it is matched against file names;
    5. with `endings`, the end of the path of one document (`document_with_suffix`).

    Args:
        store: The crystal.
        names: The names.
        endings: Whether the end of a path is enough.

    Returns:
        The documents, each once, in the order of the ledger.

    Raises:
        NotFoundError: A name matches no document, or the end of a path matches several.
        UsageError: A name is empty, or a glob is invalid.
    """
    sources = store.sources()
    selected: set[int] = set()
    for name in names:
        if not name.strip():
            raise UsageError("a document's name is empty")
        matches = _cited(sources, name) or _on_disk(store, sources, name) or _matching_glob(sources, name)
        if not matches:
            if not endings:
                raise missing_document(name)
            matches = [document_with_suffix(sources, name)]
        selected.update(source.id for source in matches)
    return [source for source in sources if source.id in selected]


def _cited(sources: Sequence[SourceRow], name: str) -> list[SourceRow]:
    """Return the document of that name, and those in a folder, archive or mail of that name."""
    folder = name.rstrip("/") + "/"
    return [source for source in sources if source.path == name or source.path.startswith(folder)]


def _on_disk(store: Store, sources: Sequence[SourceRow], name: str) -> list[SourceRow]:
    """Return the documents that were read from a file, or from below a folder, on this machine."""
    home = home_of(store.path)
    target = Path(os.path.abspath(expanded(name)))  # noqa: PTH100 - links are kept, as in a walk
    files = [source for source in sources if not is_piped(source.location)]
    paths = [(source, path_at_location(source.location, home)) for source in files]
    return [source for source, path in paths if path == target or target in path.parents]


def _matching_glob(sources: Sequence[SourceRow], glob: str) -> list[SourceRow]:
    """Return the documents that a glob matches; none for a name that is not a glob."""
    if not re.search(r"[*?\[]", glob):
        return []
    pattern = glob_to_regex(glob)
    matches = [source for source in sources if pattern.fullmatch(source.path if "/" in glob else _leaf(source.path))]
    if not matches:
        raise NotFoundError(f"no document matches {glob}; `crystal inspect --documents` lists them")
    return matches


def _leaf(path: str) -> str:
    return path.rsplit("/", 1)[-1]
