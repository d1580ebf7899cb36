"""Finds one document by its name or by the end of its path.

Knows: names in the ledger. Does not know: globs, files on this machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.errors import NotFoundError
from crystalcli.storage import SourceRow, Store


def find_document(store: Store, name: str) -> SourceRow:
    """Find the document that is cited as `name`, or else the one whose path ends so.

    Raises:
        NotFoundError: No document matches, or several do.
    """
    exact = store.source_named(name)
    return document_with_suffix(store.sources(), name) if exact is None else exact


def document_with_suffix(sources: Sequence[SourceRow], name: str) -> SourceRow:
    """Find the one document whose path ends in `name`, or whose path `name` ends in.

    The second serves paths as a shell completes them, which name folders above the one that was
    ingested.

    Args:
        sources: The documents to choose from.
        name: The last part of a path, or several.

    Raises:
        NotFoundError: No document matches, or several do.
    """
    matches = [
        source
        for source in sources
        if source.path.endswith("/" + name.lstrip("/")) or source.path.split("/")[-1] == name
    ]
    if not matches:
        matches = [source for source in sources if name.endswith("/" + source.path)]
    if not matches:
        raise missing_document(name)
    if len(matches) > 1:
        example = matches[0].path
        raise NotFoundError(f"{len(matches)} documents end in {name}: give more of the path, for example {example}")
    return matches[0]


def missing_document(name: str) -> NotFoundError:
    """Make the error for a name that matches no document."""
    return NotFoundError(f"no document {name} in this crystal; `crystal inspect --documents` lists them")
