"""Where the stretch between two landmarks begins and ends."""

from __future__ import annotations

from crystalcli.storage.store import Store


def landmark_span(store: Store, source: int, kind: str, position: int) -> tuple[str, int, int | None]:
    """The stretch of a source, from one landmark of `kind` to the next, that the character at `position` lies in.

    Its label, "" where there is none; where it begins; and where it ends, None for the end of the document.
    """
    before = (
        "SELECT start, label FROM landmark WHERE source = ? AND kind = ? AND start <= ? ORDER BY start DESC LIMIT 1"
    )
    after = "SELECT start FROM landmark WHERE source = ? AND kind = ? AND start > ? ORDER BY start LIMIT 1"
    found = store.rows(before, (source, kind, position))
    following = store.rows(after, (source, kind, position))
    start, label = found[0] if found else (0, "")
    return str(label), int(start), int(following[0][0]) if following else None
