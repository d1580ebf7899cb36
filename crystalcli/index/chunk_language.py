"""The language of a chunk: that of its text, else that of the document so far.

A chunk's terms follow from its text, its context and its language.

Knows: chunks, their stored languages. Does not know: terms, vectors, files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from crystalcli.datatypes import Chunk
from crystalcli.lexical import LANGUAGES, OTHER_SCRIPT, identify_language
from crystalcli.storage import SegmentRow, Store, languages_of


def with_languages(chunks: Iterable[Chunk]) -> Iterator[Chunk]:
    """Add its language to each of a document's chunks, in order.

    Where the language of a chunk is not clear, it is that of the chunk before.
    """
    language = ""
    for chunk in chunks:
        found = identify_language(chunk.text)
        if found and not (found == OTHER_SCRIPT and language):
            language = found
        yield replace(chunk, language=language) if language else chunk


def read_languages(store: Store, row: SegmentRow) -> list[str]:
    """Read the code of the language of each of a segment's chunks, "" for English.

    Raises:
        DamagedCrystalError: The part is damaged, or it names an unknown language.
    """
    languages = languages_of(store, row)
    if unknown := set(languages) - {"", *LANGUAGES}:
        raise store.damaged(f"part languages of segment {row.id} names {min(unknown)!r}, which is no language")
    return languages
