"""Cut a stream of text into chunks of at most `limit` tokens that end at natural places.

The end of a chunk depends only on the text from its start to the end of its window: the best-ranked
boundary in the window wins, and among equals the one whose text hashes highest. So after an edit
the old and the new stream meet again at the first boundary that both windows hold (content-defined
chunking, as in Muthitacharoen et al., "A low-bandwidth network file system", 2001, with sentence
and paragraph ends in place of raw bytes).

Encoded data, such as a picture in base64, is in chunks of its own, which have no tokens.

Landmarks mark the beginnings and ends of definitions. These are the best places, those of the
outermost definitions first. In a chat with a language model a chunk ends where the turn passes from
one side to the other, unless both are short: a person's few words would drown in long answers.

Knows boundaries and the tokenizer that it gets. Does not know files or vectors.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import chain, groupby
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.datatypes import Chunk, Landmark, Tokenizer
from crystalcli.text.chunking.boundaries import DEFINITION, MEMBER, PARAGRAPH, WORD, Boundary, find_boundaries
from crystalcli.text.chunking.encoded_data import EncodedText, split_encoded
from crystalcli.text.document.message_author import author_of_label, is_assistant

if TYPE_CHECKING:
    from crystalcli.datatypes import IntArray

MAX_CHUNK_TOKENS = 254  # 256 positions less the encoder's two special tokens
# A chunk has at least as many unless its document or turn is shorter. Nearer to MAX_CHUNK_TOKENS,
# an edit moves more cuts.
MIN_CHUNK_TOKENS = 144
# Characters of turns of a person and an assistant that stay in one chunk: a short answer is not
# understood without its question.
_SHORT_TURNS = 600
_BATCH_CHARACTERS = 1 << 15  # cut at once; enough for dozens of chunks
_MAX_PIECE = 4000  # characters; a longer piece without a boundary is first cut at white space
_HASHED_CHARACTERS = 300  # before a boundary; a chunk of MIN_CHUNK_TOKENS is longer
_MAX_CHUNK_CHARACTERS = 1 << 15  # whatever its tokens: white space has none


class _Piece(NamedTuple):
    """Text between two boundaries.

    Attributes:
        text: the text.
        ids: int32 [tokens], its token ids.
        ends: int32 [tokens], the offset in `text` at which each token ends.
        rank: that of the boundary at its end.
    """

    text: str
    ids: IntArray
    ends: IntArray
    rank: int


def cut_chunks(
    texts: Iterable[str | Landmark],
    tokenizer: Tokenizer,
    *,
    code: bool = False,
    limit: int = MAX_CHUNK_TOKENS,
    floor: int = MIN_CHUNK_TOKENS,
) -> Iterator[Chunk]:
    """Cut texts into chunks.

    The texts of the chunks, joined, are the joined `texts`. Text without any token (white space at
    the end) stays with the chunk before it.

    Args:
        texts: a reading's pieces. Landmarks of definitions and of messages are places to cut;
            others are ignored.
        tokenizer: the encoder's.
        code: whether the text is code.
        limit: tokens of a chunk at most.
        floor: tokens of a chunk at least, unless the whole text or turn is shorter.
    """
    for turn in _turns(texts):
        yield from _cut_turn(turn, tokenizer, code, limit, floor)


def _turns(texts: Iterable[str | Landmark]) -> Iterator[Iterable[str | Landmark]]:
    """Split a stream where a person's messages end and an assistant's begin, and the other way.

    Short turns stay together while they have at most _SHORT_TURNS characters. Each part is to be
    read to its end before the next; other text is one part.
    """
    is_answer = False

    def by_turn() -> Iterator[tuple[int, str | Landmark]]:
        nonlocal is_answer
        number = 0
        for text in texts:
            if isinstance(text, Landmark) and text.kind == "message":
                number += is_answer != (is_answer := is_assistant(author_of_label(text.label)))
            yield number, text

    together: list[str | Landmark] = []
    size = 0
    for _, numbered in groupby(by_turn(), key=itemgetter(0)):
        turn = map(itemgetter(1), numbered)
        head: list[str | Landmark] = []
        length = 0
        for text in turn:
            head.append(text)
            length += 0 if isinstance(text, Landmark) else len(text)
            if length > _SHORT_TURNS:
                break
        if size + length > _SHORT_TURNS and together:
            yield together
            together, size = [], 0
        if length > _SHORT_TURNS:
            yield chain(head, turn)
        else:
            together += head
            size += length
    if together:
        yield together


def _cut_turn(
    texts: Iterable[str | Landmark], tokenizer: Tokenizer, code: bool, limit: int, floor: int
) -> Iterator[Chunk]:
    """Cut the texts of one turn, as `cut_chunks`."""
    import numpy as np

    pending: list[_Piece] = []
    last: Chunk | None = None  # held back, since a tail without tokens may join it

    def joined_chunk(pieces: list[_Piece]) -> Chunk:
        offsets = np.cumsum([0] + [len(piece.text) for piece in pieces])
        return Chunk(
            "".join(piece.text for piece in pieces),
            np.concatenate([piece.ids for piece in pieces]),
            np.concatenate([piece.ends + offset for piece, offset in zip(pieces, offsets, strict=False)]).astype(
                np.int32
            ),
        )

    def full_chunks(final: bool) -> Iterator[Chunk]:
        while pending:
            tokens, characters, count = 0, 0, 0
            for count, piece in enumerate(pending):  # noqa: B007 - used after the loop
                if tokens + len(piece.ids) > limit or characters + len(piece.text) > _MAX_CHUNK_CHARACTERS:
                    break
                tokens += len(piece.ids)
                characters += len(piece.text)
            else:
                if final:
                    yield joined_chunk(pending)
                    pending.clear()
                return
            end = _best_end(pending[:count], floor)
            yield joined_chunk(pending[:end])
            del pending[:end]

    for batch in _part_batches(split_encoded(texts), code):
        if isinstance(batch, EncodedText):  # a chunk without tokens, of its own
            if last is not None:
                yield last
                last = None
            yield Chunk(batch, np.zeros(0, np.int32), np.zeros(0, np.int32))
            continue
        parts, final = batch
        pending.extend(_pieces(parts, tokenizer, limit))
        for chunk in full_chunks(final):
            if last is None:
                last = chunk
            elif len(chunk.ids) == 0 and len(last.text) + len(chunk.text) <= _MAX_CHUNK_CHARACTERS:
                last = Chunk(last.text + chunk.text, last.ids, last.ends)
            else:
                yield last
                last = chunk
    if last is not None:
        yield last


def _best_end(pieces: list[_Piece], floor: int) -> int:
    """The number of pieces to take into a chunk, of those that fit one together."""
    best_count, best_key, tokens = len(pieces), (-1, b""), 0
    context = ""
    for count, piece in enumerate(pieces, 1):
        tokens += len(piece.ids)
        context = (context + piece.text)[-_HASHED_CHARACTERS:]
        if tokens >= floor:
            key = (piece.rank, blake2b(context.encode("utf-8", "surrogatepass"), digest_size=8).digest())
            if key > best_key:
                best_count, best_key = count, key
    return best_count


def _part_batches(
    texts: Iterable[str | EncodedText | Landmark], code: bool
) -> Iterator[tuple[list[tuple[str, int]], bool] | EncodedText]:
    """Cut the stream at its boundaries, a batch at a time; encoded data comes as it is.

    A boundary's rank depends on the line after it, so the last lines of the buffer wait for the
    next text. A batch ends at a boundary that is the end of a line too, so that the next one sees
    whole lines.

    Yields:
        The parts of a batch, each with the rank of its end, and whether it is the last batch, or
        the last before encoded data; or such data.
    """
    buffer: list[str] = []
    size, wanted = 0, _BATCH_CHARACTERS
    marks: list[tuple[int, int]] = []  # (offset in the buffer, depth) of ends of definitions
    for text in texts:
        if isinstance(text, Landmark):
            if text.kind == "definition":
                marks.append((size, text.depth))
            continue
        if isinstance(text, EncodedText):
            joined = "".join(buffer)
            yield _split(joined, _raise_ranks(joined, find_boundaries(joined, code), marks)), True
            yield text
            buffer, size, wanted, marks = [], 0, _BATCH_CHARACTERS, []
            continue
        buffer.append(text)
        size += len(text)
        if size < wanted:
            continue
        joined = "".join(buffer)
        boundaries = _raise_ranks(joined, find_boundaries(joined, code), marks)
        # The start of the last line that is not blank.
        last_line = joined.rfind("\n", 0, len(joined.rstrip())) + 1
        count = len(boundaries)
        while count and not (boundaries[count - 1].end <= last_line and joined[boundaries[count - 1].end - 1] == "\n"):
            count -= 1
        if count == 0 and size >= 8 * _BATCH_CHARACTERS:  # one endless line
            cut = joined.rfind(" ", 0, size - 1) + 1 or size - 1
            boundaries = [boundary for boundary in boundaries if boundary.end < cut] + [Boundary(cut, WORD)]
            count = len(boundaries)
        yield _split(joined, boundaries[:count]), False
        done = boundaries[count - 1].end if count else 0
        rest = joined[done:]
        buffer, size = [rest], len(rest)
        marks = [(offset - done, depth) for offset, depth in marks if offset > done]
        wanted = max(_BATCH_CHARACTERS, 2 * size)
    joined = "".join(buffer)
    yield _split(joined, _raise_ranks(joined, find_boundaries(joined, code), marks)), True


def _raise_ranks(text: str, boundaries: list[Boundary], marks: list[tuple[int, int]]) -> list[Boundary]:
    """Raise the ranks of boundaries at which a definition begins or ends.

    Args:
        text: the text.
        boundaries: its boundaries; changed in place.
        marks: (offset, depth) of the beginnings and ends; white space may follow before the
            boundary.
    """
    ends = [boundary.end for boundary in boundaries] if marks else []
    for offset, depth in marks:
        index = bisect_left(ends, offset)
        if index < len(ends) and (offset == ends[index] or text[offset : ends[index]].isspace()):
            rank = (DEFINITION, MEMBER)[depth] if depth < 2 else PARAGRAPH
            boundaries[index] = Boundary(ends[index], max(rank, boundaries[index].rank))
    return boundaries


def _split(text: str, boundaries: Iterable[Boundary]) -> list[tuple[str, int]]:
    """The parts of the text between boundaries, each with the rank of its end."""
    parts, start = [], 0
    for end, rank in boundaries:
        while end - start > _MAX_PIECE:
            cut = text.rfind(" ", start + 1, start + _MAX_PIECE) + 1 or start + _MAX_PIECE
            parts.append((text[start:cut], WORD))
            start = cut
        parts.append((text[start:end], rank))
        start = end
    return parts


def _pieces(parts: list[tuple[str, int]], tokenizer: Tokenizer, limit: int) -> list[_Piece]:
    tokens = tokenizer.tokenize([part for part, _ in parts])
    pieces: list[_Piece] = []
    for (part, rank), (ids, ends) in zip(parts, tokens, strict=True):
        pieces.extend(_split_piece(_Piece(part, ids, ends, rank), limit))
    return pieces


def _split_piece(piece: _Piece, limit: int) -> Iterator[_Piece]:
    """The piece, or its parts of at most `limit` tokens, cut after a word if possible."""
    text, ids, ends, rank = piece
    while len(ids) > limit:
        count = limit
        while count > limit // 2 and not text[ends[count - 1] : ends[count - 1] + 1].isspace():
            count -= 1
        if count == limit // 2:
            count = limit
        cut = int(ends[count - 1])
        while cut < len(text) and text[cut].isspace():
            cut += 1
        yield _Piece(text[:cut], ids[:count], ends[:count], WORD)
        text, ids, ends = text[cut:], ids[count:], ends[count:] - cut
    yield _Piece(text, ids, ends, rank)
