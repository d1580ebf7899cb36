"""Whatever a reader does, a reading is text that can be stored, or one SourceError."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.datatypes import Landmark
from crystalcli.errors import SourceError, UnsteadySourceError
from crystalcli.text.source.reader_guard import GuardedReading, storable


@dataclass
class Broken:
    """A reading that gives some pieces and then fails."""

    given: tuple[str | Landmark, ...]
    error: BaseException | None = None
    kind: str = "text"

    @property
    def title(self) -> str:
        if self.error is not None:
            raise self.error
        return "a\ud800b"

    def pieces(self) -> Iterator[str | Landmark]:
        yield from self.given
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (SourceError("no text in it"), SourceError, "^no text in it$"),
        (UnsteadySourceError("changed"), UnsteadySourceError, "^changed$"),
        (KeyError("w:p"), SourceError, "^cannot be read: unexpected KeyError$"),
        (AssertionError(), SourceError, "^cannot be read: unexpected AssertionError$"),
        (RecursionError(), SourceError, "^nested too deeply$"),
        (MemoryError(), SourceError, "^too large: reading it takes more memory than there is$"),
        (OSError(errno.EIO, "bad sector"), UnsteadySourceError, "."),
    ],
)
def test_what_a_reader_raises_is_a_reason(error, kind, reason):
    reading = GuardedReading(Broken(("one", "two"), error))
    assert (reading.kind, reading.title) == ("text", "")
    pieces = reading.pieces()
    assert [next(pieces), next(pieces)] == ["one", "two"]
    with pytest.raises(kind, match=reason):
        next(pieces)


def test_a_ctrl_c_is_not_a_reason():
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        list(GuardedReading(Broken((), KeyboardInterrupt())).pieces())


@given(st.text(st.characters(codec=None) | st.characters(categories=["Cs"])))
def test_text_is_storable_and_as_long(text):
    made = storable(text)
    assert made.encode().decode() == made
    assert len(made) == len(text)
    assert all(
        one == other or (other == "\ufffd" and "\ud800" <= one <= "\udfff")
        for one, other in zip(text, made, strict=True)
    )


def test_pieces_titles_and_labels_are_storable():
    reading = GuardedReading(Broken(("a\udc00", Landmark(2, "heading", "é\udfff"), "b")))
    assert reading.title == "a\ufffdb"
    assert list(reading.pieces()) == ["a\ufffd", Landmark(2, "heading", "é\ufffd"), "b"]
