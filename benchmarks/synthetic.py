"""Synthetic crystals of any size in seconds: words by Zipf's law, real ingest, random codes.

    python benchmarks/synthetic.py 8000000 eight.crystal

They serve to measure memory, bytes and time, not ranking: the codes mean nothing. A first quarter
of a million tokens is chunked, counted, indexed and committed as usual; the rest are copies of
those segments with chunks, atoms and documents of their own, new random codes, and a lexical index
merged as ingest merges it.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.index import resolve_encoder
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.index.segment_writer import merge_lexicons
from crystalcli.ingest.ingester import Ingester
from crystalcli.storage.store import Store
from crystalcli.vectors import CODE_BYTES, VOCABULARY, pyramid_layout

BASE = 250_000  # tokens that are ingested
_DOCUMENT = 5_000  # words in a document, on average
_PARTS = "SELECT name, size, data FROM part WHERE segment = ? AND name IN ('text', 'spans', 'hashes', 'lengths')"
_FAN = 4  # lexical segments that merge into one, as in ingest


class RandomCodes:
    """A ChunkEncoder that returns random codes."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """Return as many random bytes as real codes have."""
        shapes = [pyramid_layout(count) for count in tokens or [len(chunk.ids) for chunk in chunks]]
        return LayerCodes(
            *(self.some(sum(len(getattr(shape, layer)) - 1 for shape in shapes), layer) for layer in LayerCodes._fields)
        )

    def some(self, nodes: int, layer: str) -> bytes:
        """Return random codes of so many nodes."""
        return self._random.bytes(nodes * CODE_BYTES[layer])


class Words:
    """Words by Zipf's law over the encoder's vocabulary, which is in order of frequency."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._words = [word for word in VOCABULARY.read_text(encoding="utf-8").split()[1996:] if word.isalpha()]
        self._weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self._words))))

    def some(self, count: int) -> list[str]:
        """Return so many words, with a number now and then."""
        chosen = self._random.choices(self._words, cum_weights=self._weights, k=count)
        return [str(self._random.randrange(10_000)) if self._random.random() < 0.01 else word for word in chosen]

    def document(self, words: int) -> str:
        """Return sentences in paragraphs."""
        pieces, left = [], words
        while left > 0:
            size = self._random.randint(6, 25)
            end = ".\n\n" if self._random.random() < 0.2 else ". "
            pieces.append(" ".join(self._some_sentence(size)) + end)
            left -= size
        return "".join(pieces)

    def _some_sentence(self, size: int) -> list[str]:
        first, *rest = self.some(size)
        return [first.capitalize(), *rest]

    def questions(self, count: int) -> list[str]:
        """Return questions of four to twelve words."""
        return [" ".join(self.some(self._random.randint(4, 12))) + "?" for _ in range(count)]


def make(path: Path, tokens: int, *, base: int = BASE, seed: int = 1) -> None:
    """Make a crystal of at least `tokens` tokens, in multiples of the ingested part."""
    words = Words(seed)
    with TemporaryDirectory() as name:
        for number in range(max(1, round(base / 1.03 / _DOCUMENT))):
            (Path(name) / f"{number:04d}.txt").write_text(words.document(_DOCUMENT), encoding="utf-8")
        with Store.create(path, resolve_encoder(None, path.parent)[1]) as store:
            Ingester(store, RandomCodes(seed)).run([Path(name)])
    with Store.open(path, writable=True) as store:
        read = sum(segment.tokens for segment in store.segments())
        _copy(store, max(0, -(-tokens // read) - 1), RandomCodes(seed + 1))


def _copy(store: Store, times: int, codes: RandomCodes) -> None:
    """Append so many copies of what `store` holds."""
    segments, sources = store.segments(), [source for source in store.sources() if source.chunks]
    # One lexical segment: a copy's blocks are the same wherever it begins.
    with store.transaction():
        merge_lexicons(store, 0, [lexicon.id for lexicon in store.lexicons()])
    (lexicon,) = store.lexicons()
    blocks = [(block[0], block[1]) for block in _blocks(store, lexicon.id)]
    last = segments[-1]
    chunks, atoms = last.first_chunk + last.chunks, last.first_atom + last.atoms
    for copy in range(1, times + 1):
        with store.transaction():
            for segment in segments:
                made = segment._replace(
                    first_chunk=segment.first_chunk + copy * chunks, first_atom=segment.first_atom + copy * atoms
                )
                number = store.add_segment(made)
                for name, size, data in store.rows(_PARTS, (segment.id,)):
                    store.add_part(number, name, data, size)
                for name in LayerCodes._fields:
                    store.add_part(number, name, codes.some(getattr(segment, name), name))
            for source in sources:
                place = f"{copy}/{source.path}"
                new = store.put_source(source._replace(id=0, path=place, location=place))
                runs = store.runs_of(source.id)
                store.add_runs(run._replace(source=new, first_chunk=run.first_chunk + copy * chunks) for run in runs)
            store.add_lexicon(0, copy * atoms, atoms, blocks)
            _merge(store)


def _merge(store: Store) -> None:
    while True:
        last = store.lexicons()[-_FAN:]
        if len(last) < _FAN or len({lexicon.level for lexicon in last}) > 1:
            return
        merge_lexicons(store, last[0].level + 1, [lexicon.id for lexicon in last])


def _blocks(store: Store, lexicon: int) -> list[tuple[str, bytes]]:
    query = "SELECT first_term, data FROM posting WHERE lexicon = ? ORDER BY first_term"
    return [(term, bytes(data)) for term, data in store.rows(query, (lexicon,))]


def main() -> None:
    """Make one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokens", type=int)
    parser.add_argument("crystal", type=Path)
    args = parser.parse_args()
    make(args.crystal, args.tokens, base=min(args.tokens, 1_000_000))
    print(f"{args.crystal}: {args.crystal.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
