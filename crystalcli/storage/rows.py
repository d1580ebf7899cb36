"""The rows of a crystal's tables, as `crystalcli.storage.schema` describes them."""

from __future__ import annotations

from typing import NamedTuple

RUN = 64  # chunks in a run at most, so that the runs over a chunk are found in one index range


class Segment(NamedTuple):
    """A row of `segment`."""

    id: int
    first_chunk: int
    chunks: int
    first_atom: int
    atoms: int
    clusters: int
    units: int
    tokens: int
    bytes: int
    encoded: int


class Source(NamedTuple):
    """A row of `source`."""

    id: int
    path: str
    location: str
    root: str
    kind: str
    title: str
    state: str
    reason: str
    size: int
    mtime_ns: int
    digest: bytes
    characters: int
    tokens: int
    chunks: int


class Run(NamedTuple):
    """A row of `run`."""

    source: int
    ordinal: int
    first_chunk: int
    chunks: int
    start: int
    lines: int


class Lexicon(NamedTuple):
    """A row of `lexicon`."""

    id: int
    level: int
    first_atom: int
    atoms: int
