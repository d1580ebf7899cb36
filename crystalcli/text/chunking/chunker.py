"""Cuts a stream of text into chunks of at most `limit` tokens that end at natural places.

Where a chunk ends depends only on the text from its start to the end of its window: the best-ranked boundary in
the window wins, and among equals the one whose text hashes highest. So after an edit the old and the new
stream meet again at the first boundary that both windows hold (content-defined chunking, as in Muthitacharoen
et al., "A low-bandwidth network file system", 2001, with sentence and paragraph ends in place of raw bytes).

Where definitions begin and end, their landmarks say so, and these are the best places: those of the outermost first.

Knows boundaries and a tokenizer it is given. Knows nothing of files or of vectors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.text.chunking.boundaries import DEFINITION, MEMBER, PARAGRAPH, WORD, Boundary, find_boundaries
from crystalcli.types import Chunk, Landmark, Tokenizer

if TYPE_CHECKING:
    from crystalcli.types import IntArray

LIMIT = 254  # tokens: 256 positions less the encoder's two special tokens
FLOOR = 144  # a chunk is at least this long unless its document is shorter; nearer to LIMIT, an edit moves more cuts
_READ_AHEAD = 1 << 15  # characters cut at once; enough for dozens of chunks
_LONG = 4000  # characters: a longer piece without a boundary is first cut at white space
_CONTEXT = 300  # characters before a boundary that its hash is taken over; a chunk's floor is longer
_WIDE = 1 << 15  # characters in a chunk at most, whatever its tokens (white space has none)


class _Piece(NamedTuple):
    text: str
    ids: IntArray
    ends: IntArray
    rank: int


def cut_chunks(
    texts: Iterable[str | Landmark],
    tokenizer: Tokenizer,
    *,
    code: bool = False,
    limit: int = LIMIT,
    floor: int = FLOOR,
) -> Iterator[Chunk]:
    """Chunks whose texts, joined, are the joined `texts`; each has at most `limit` tokens.

    texts: a reading's pieces. Of its landmarks, those of definitions say where to cut; the others are passed over.
    Text without any token (white space at the end) stays with the chunk before it.
    """
    import numpy as np

    pending: list[_Piece] = []
    held: Chunk | None = None  # so that a tail without tokens can still join the last chunk

    def chunk(pieces: list[_Piece]) -> Chunk:
        offsets = np.cumsum([0] + [len(piece.text) for piece in pieces])
        return Chunk(
            "".join(piece.text for piece in pieces),
            np.concatenate([piece.ids for piece in pieces]),
            np.concatenate([piece.ends + offset for piece, offset in zip(pieces, offsets, strict=False)]).astype(
                np.int32
            ),
        )

    def take(final: bool) -> Iterator[Chunk]:
        while pending:
            total, width, count = 0, 0, 0
            for count, piece in enumerate(pending):  # noqa: B007 - used after the loop
                if total + len(piece.ids) > limit or width + len(piece.text) > _WIDE:
                    break
                total += len(piece.ids)
                width += len(piece.text)
            else:
                if final:
                    yield chunk(pending)
                    pending.clear()
                return
            end = _best_end(pending[:count], floor)
            yield chunk(pending[:end])
            del pending[:end]

    for parts, final in _spans(texts, code):
        pending.extend(_pieces(parts, tokenizer, limit))
        for found in take(final):
            if held is None:
                held = found
            elif len(found.ids) == 0 and len(held.text) + len(found.text) <= _WIDE:
                held = Chunk(held.text + found.text, held.ids, held.ends)
            else:
                yield held
                held = found
    if held is not None:
        yield held


def _best_end(pieces: list[_Piece], floor: int) -> int:
    """How many of the pieces, which together fit one chunk, to take."""
    best, best_key, total = len(pieces), (-1, b""), 0
    before = ""
    for index, piece in enumerate(pieces, 1):
        total += len(piece.ids)
        before = (before + piece.text)[-_CONTEXT:]
        if total >= floor:
            key = (piece.rank, blake2b(before.encode("utf-8", "surrogatepass"), digest_size=8).digest())
            if key > best_key:
                best, best_key = index, key
    return best


def _spans(texts: Iterable[str | Landmark], code: bool) -> Iterator[tuple[list[tuple[str, int]], bool]]:
    """The stream as pieces with the rank of their ends, a batch at a time; the last batch is marked.

    A boundary's rank depends on the line after it, so the last lines of the buffer wait for what follows.
    A batch ends at a boundary where a line ends too, so that the next one sees whole lines.
    """
    buffer: list[str] = []
    size, wanted = 0, _READ_AHEAD
    marks: list[tuple[int, int]] = []  # places in the buffer where definitions begin or end, with their depth
    for text in texts:
        if isinstance(text, Landmark):
            if text.kind == "definition":
                marks.append((size, text.depth))
            continue
        buffer.append(text)
        size += len(text)
        if size < wanted:
            continue
        joined = "".join(buffer)
        found = _raised(joined, find_boundaries(joined, code), marks)
        sure = joined.rfind("\n", 0, len(joined.rstrip())) + 1  # the last line that holds something starts here
        count = len(found)
        while count and not (found[count - 1].end <= sure and joined[found[count - 1].end - 1] == "\n"):
            count -= 1
        if count == 0 and size >= 8 * _READ_AHEAD:  # one endless line
            at = joined.rfind(" ", 0, size - 1) + 1 or size - 1
            found = [boundary for boundary in found if boundary.end < at] + [Boundary(at, WORD)]
            count = len(found)
        yield _split(joined, found[:count]), False
        done = found[count - 1].end if count else 0
        rest = joined[done:]
        buffer, size = [rest], len(rest)
        marks = [(offset - done, depth) for offset, depth in marks if offset > done]
        wanted = max(_READ_AHEAD, 2 * size)
    joined = "".join(buffer)
    yield _split(joined, _raised(joined, find_boundaries(joined, code), marks)), True


def _raised(text: str, found: list[Boundary], marks: list[tuple[int, int]]) -> list[Boundary]:
    """The boundaries, with the rank of those at which a definition begins or ends; white space may stand between."""
    ends = [boundary.end for boundary in found] if marks else []
    for offset, depth in marks:
        index = bisect_left(ends, offset)
        if index < len(ends) and (offset == ends[index] or text[offset : ends[index]].isspace()):
            rank = (DEFINITION, MEMBER)[depth] if depth < 2 else PARAGRAPH
            found[index] = Boundary(ends[index], max(rank, found[index].rank))
    return found


def _split(text: str, found: Iterable[Boundary]) -> list[tuple[str, int]]:
    parts, start = [], 0
    for end, rank in found:
        while end - start > _LONG:
            at = text.rfind(" ", start + 1, start + _LONG) + 1 or start + _LONG
            parts.append((text[start:at], WORD))
            start = at
        parts.append((text[start:end], rank))
        start = end
    return parts


def _pieces(parts: list[tuple[str, int]], tokenizer: Tokenizer, limit: int) -> list[_Piece]:
    tokens = tokenizer.tokenize([part for part, _ in parts])
    pieces: list[_Piece] = []
    for (part, rank), (ids, ends) in zip(parts, tokens, strict=True):
        pieces.extend(_fitting(_Piece(part, ids, ends, rank), limit))
    return pieces


def _fitting(piece: _Piece, limit: int) -> Iterator[_Piece]:
    """The piece itself, or its parts of at most `limit` tokens, cut after a word where there is one."""
    text, ids, ends, rank = piece
    while len(ids) > limit:
        count = limit
        while count > limit // 2 and not text[ends[count - 1] : ends[count - 1] + 1].isspace():
            count -= 1
        if count == limit // 2:
            count = limit
        at = int(ends[count - 1])
        while at < len(text) and text[at].isspace():
            at += 1
        yield _Piece(text[:at], ids[:count], ends[:count], WORD)
        text, ids, ends = text[at:], ids[count:], ends[count:] - at
    yield _Piece(text, ids, ends, rank)
