"""The tables `lexicon` and `posting`: segments of the lexical index.

A lexical segment (`lexicon`) has its terms in sorted blocks (`posting`). Knows digests of blocks.
Does not know what is in a block; the room `lexical` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crystalcli.storage.file.database import Database
from crystalcli.storage.tables.blobs import digest
from crystalcli.storage.tables.rows import LexiconRow, checked_row


class LexiconTables(Database):
    """The rows of `lexicon` and `posting`."""

    def lexicons(self) -> list[LexiconRow]:
        """Read the lexical segments, in order of their atoms."""
        rows = self.rows("SELECT * FROM lexicon ORDER BY first_atom")
        return [checked_row(LexiconRow, row, self.path) for row in rows]

    def add_lexicon(self, level: int, first_atom: int, atoms: int, blocks: Iterable[tuple[str, bytes]]) -> int:
        """Insert a lexical segment with its blocks, inside a transaction.

        Args:
            level: How often it has been merged.
            first_atom: Its first atom.
            atoms: The number of its atoms.
            blocks: The first term and the bytes of each block.

        Returns:
            Its id.
        """
        row = self._db.execute("INSERT INTO lexicon VALUES (NULL, ?, ?, ?)", (level, first_atom, atoms))
        number = int(row.lastrowid or 0)
        rows = ((number, term, digest(data), data) for term, data in blocks)
        self._db.executemany("INSERT INTO posting VALUES (?, ?, ?, ?)", rows)
        return number

    def drop_lexicon(self, number: int) -> None:
        """Delete a lexical segment with its blocks, inside a transaction."""
        self._db.execute("DELETE FROM posting WHERE lexicon = ?", (number,))
        self._db.execute("DELETE FROM lexicon WHERE id = ?", (number,))

    def block(self, lexicon: int, term: str) -> bytes | None:
        """Read the block that may hold `term`; None if every block begins after it.

        Raises:
            DamagedCrystalError: The block does not match its digest.
        """
        query = (
            "SELECT digest, data FROM posting WHERE lexicon = ? AND first_term <= ? ORDER BY first_term DESC LIMIT 1"
        )
        rows = self.rows(query, (lexicon, term))
        return self._checked(rows[0]) if rows else None

    def blocks_with_prefix(self, lexicon: int, prefix: str, limit: int) -> list[bytes]:
        """Read the blocks that may hold terms with a prefix, in order of their terms.

        Args:
            lexicon: The lexical segment.
            prefix: The beginning of the terms.
            limit: The most blocks to read, besides the first.

        Raises:
            DamagedCrystalError: A block does not match its digest.
        """
        first = self.block(lexicon, prefix)
        query = (
            "SELECT digest, data FROM posting WHERE lexicon = ? AND first_term > ? AND first_term < ? "
            "ORDER BY first_term LIMIT ?"
        )
        rows = self.rows(query, (lexicon, prefix, f"{prefix}\U0010ffff", limit))
        return [*([first] if first is not None else []), *map(self._checked, rows)]

    def blocks(self, lexicon: int) -> Iterator[bytes]:
        """Read all blocks of a lexical segment, in order of their terms.

        Raises:
            DamagedCrystalError: A block does not match its digest.
        """
        for row in self.stream("SELECT digest, data FROM posting WHERE lexicon = ? ORDER BY first_term", (lexicon,)):
            yield self._checked(row)

    def lexical_size(self) -> int:
        """Sum the bytes of all blocks, their first terms and their digests."""
        return int(self.rows("SELECT coalesce(sum(length(data) + length(first_term) + 16), 0) FROM posting")[0][0])

    def _checked(self, row: tuple[bytes, bytes]) -> bytes:
        stored_digest, data = row
        if not isinstance(data, bytes) or digest(data) != stored_digest:
            raise self.damaged("a block of the lexical index does not match its digest")
        return bytes(data)
