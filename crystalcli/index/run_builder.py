"""Runs of a document, built while its chunks are numbered.

Knows: rows of the table `run`. Does not know: segments, text.
"""

from __future__ import annotations

from crystalcli.storage import RUN_SIZE, RunRow


class RunBuilder:
    """Collects a document's chunks, in order, into runs of consecutive numbers.

    Attributes:
        runs: The runs that were built since the last `take`.
        characters: Characters of the document up to the last chunk that was added.
        lines: Newlines of the document up to there.
    """

    def __init__(self, source: int, characters: int = 0, lines: int = 0, ordinal: int = 0) -> None:
        """Start at a place in a document.

        Args:
            source: The id of the document.
            characters: Characters of the document before the first chunk.
            lines: Newlines of the document before the first chunk.
            ordinal: The number of the first run in the document.
        """
        self.runs: list[RunRow] = []
        self.characters, self.lines = characters, lines
        self._source = source
        self._ordinal = ordinal

    def continues(self, chunk: int) -> bool:
        """Return whether chunk number `chunk` would extend the last run."""
        last = self.runs[-1] if self.runs else None
        return last is not None and last.first_chunk + last.chunks == chunk and last.chunks < RUN_SIZE

    def add(self, chunk: int, characters: int, lines: int) -> None:
        """Add the next chunk of the document.

        Args:
            chunk: Its number in the crystal.
            characters: Characters of its text.
            lines: Newlines of its text.
        """
        if self.continues(chunk):
            self.runs[-1] = self.runs[-1]._replace(chunks=self.runs[-1].chunks + 1)
        else:
            self.runs.append(RunRow(self._source, self._ordinal, chunk, 1, self.characters, self.lines))
            self._ordinal += 1
        self.characters += characters
        self.lines += lines

    def take(self) -> list[RunRow]:
        """Hand over the runs that were built, to be written; the next chunk begins another."""
        runs, self.runs = self.runs, []
        return runs
