"""Places and texts as a model reads them: one line of place, then the text.

Names of documents are given as the crystal has them, since `read` and filters take those.

Knows: places, headings. Does not know: tools.
"""

from __future__ import annotations

from collections.abc import Iterable

from crystalcli.datatypes import Citation, Passage, Place, headings_of

_MAX_TEXT = 1_500  # characters of one passage; `read` gives more
_MAX_PLACES = 4  # other places of the same text
_SHARE_BEFORE = 3  # a text is cut so that a third of it stands before the sentence that answers


def place_name(place: Place) -> str:
    """Name a place: `notes.md:12-18`, `paper.pdf p. 3`."""
    if not place.has_lines:
        return f"{place.path} {place.within_chapter}".rstrip()
    last = f"-{place.line_end}" if place.line_end > place.line_start else ""
    return f"{place.path}:{place.line_start}{last}"


def source_line(item: Passage | Citation, *further: str) -> str:
    """Write the line above a text: its place, headings, date, and the position for `read`.

    Args:
        item: The passage or citation.
        further: What else is said of it.
    """
    said = [place_name(item.place), *headings_of(item)]
    said += [item.date.isoformat()] if item.date is not None else []
    said += [*further, f"at={item.start}"]
    said += ["its file is gone"] if item.gone else []
    return " | ".join(" ".join(part.split()) for part in said)


def passage_block(number: int, passage: Passage) -> str:
    """Write a passage: its number and place, its text, and the other places of the same text."""
    lines = [f"[{number}] {source_line(passage, f'score {passage.score:.2f}')}", shortened(passage)]
    if passage.also:
        places = ", ".join(map(place_name, passage.also[:_MAX_PLACES]))
        more = f" and {len(passage.also) - _MAX_PLACES} more places" if len(passage.also) > _MAX_PLACES else ""
        lines.append(f"(also in {places}{more})")
    return "\n".join(lines)


def shortened(passage: Passage) -> str:
    """Give the text of a passage; of a very long one the part around its best sentence."""
    text = passage.text
    if len(text) > _MAX_TEXT:
        start = max(0, min(passage.best[0] - passage.start - _MAX_TEXT // _SHARE_BEFORE, len(text) - _MAX_TEXT))
        end = start + _MAX_TEXT
        text = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
    return text.strip("\n")


def sources_block(citations: Iterable[Citation]) -> str:
    """Write the sources of an answer that has quoted them already."""
    return "\n".join(f"[{citation.number}] {source_line(citation)}" for citation in citations)
