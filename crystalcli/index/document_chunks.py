"""The chunks of one document as the index stores them, each with its context and language.

Knows: readings, the encoder's chunker, contexts, languages. Does not know: files, crystals,
vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crystalcli.datatypes import BY_LINES, Chunk, Landmark, Reading
from crystalcli.index.chunk_context import ContextTracker
from crystalcli.index.chunk_language import with_languages
from crystalcli.index.encoder import Encoder

_CODE_KIND = "code"  # its identifiers are English, whatever its comments are


def chunks_of(
    reading: Reading,
    name: str,
    encoder: Encoder,
    pieces: Iterable[str | Landmark] | None = None,
) -> Iterator[Chunk]:
    """Cut a document into chunks for an encoder, as the pieces come.

    Args:
        reading: The document.
        name: The name that it is cited by; part of the context of some kinds.
        encoder: Its tokenizer and limits decide where chunks end.
        pieces: Text and landmarks of the document, or its beginning; None: `reading.pieces()`.

    Returns:
        The chunks in order, each with its context and its language.

    Raises:
        SourceError: The document cannot be read to its end; raised while iterating.
    """
    contexts = ContextTracker(name, reading.kind)
    texts = contexts.noted(reading.pieces() if pieces is None else pieces)
    chunks = contexts.given(encoder.cut(texts, reading.kind in BY_LINES))
    return chunks if reading.kind == _CODE_KIND else with_languages(chunks)
