"""Parts of many segments, read in few queries and never all at once. Each is checked against its digest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crystalcli.storage.store import Store, digest

_AT_ONCE = 32  # segments in a query: some hundred kilobytes


def stored_parts(store: Store, segments: Sequence[int], names: Sequence[str]) -> Iterator[dict[str, bytes]]:
    """For each of `segments`, in their order, the parts called `names` by name; one that is not stored is left out.

    Raises DamagedCrystalError for a part that is not what was written.
    """
    for start in range(0, len(segments), _AT_ONCE):
        some = segments[start : start + _AT_ONCE]
        query = "SELECT segment, name, digest, data FROM part WHERE segment IN ({}) AND name IN ({})"
        marks = (", ".join("?" * len(values)) for values in (some, names))
        found: dict[int, dict[str, bytes]] = {segment: {} for segment in some}
        for segment, name, wanted, data in store.rows(query.format(*marks), [*some, *names]):
            if not isinstance(data, bytes) or name not in names or digest(data) != wanted:
                raise store.damaged(f"part {name} of segment {segment} does not match its digest")
            found[segment][name] = data
        for segment in some:
            yield found.pop(segment)
