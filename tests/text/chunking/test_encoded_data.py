"""Encoded data in texts: it stays in the text to the last letter, and costs no tokens."""

from __future__ import annotations

import base64
import random
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli import Crystal
from crystalcli.text.chunking.chunker import cut_chunks
from crystalcli.text.chunking.encoded_data import EncodedText, split_encoded
from crystalcli.vectors import default_tokenizer

PICTURE = base64.b64encode(random.Random(4).randbytes(30_000)).decode()
SHORT = base64.b64encode(random.Random(5).randbytes(120)).decode()
WRAPPED = "\n".join(textwrap.wrap(PICTURE, 76))
FOLDED = "\r\n ".join(textwrap.wrap(PICTURE, 72))


def encoded(text: str, step: int = 0) -> list[str]:
    """Adjacent pieces of encoded data, joined."""
    pieces = [text[i : i + step] for i in range(0, len(text), step)] if step else [text]
    found: list[tuple[bool, str]] = []
    for piece in split_encoded(pieces):
        assert isinstance(piece, str)
        is_data = isinstance(piece, EncodedText)
        if found and found[-1][0] == is_data:
            found[-1] = is_data, found[-1][1] + piece
        else:
            found.append((is_data, str(piece)))
    assert "".join(part for _, part in found) == text
    return [part for is_data, part in found if is_data]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (f"A light.\n![](data:image/png;base64,{PICTURE})\nAnother.", PICTURE),
        (f"<data:image/gif;base64,{SHORT}>", SHORT),
        (f"Key:\n{WRAPPED}\nEnd", WRAPPED[: WRAPPED.rindex("\n")]),
        (f"PHOTO;ENCODING=b;TYPE=JPEG:{FOLDED}\r\nEND:VCARD", FOLDED[: FOLDED.rindex("\r\n ")]),
        (PICTURE, PICTURE),
        (f"x{PICTURE.replace('+', '-').replace('/', '_')}", f"x{PICTURE.replace('+', '-').replace('/', '_')}"),
        (f"sum {random.Random(1).randbytes(200).hex()} of it", random.Random(1).randbytes(200).hex()),
    ],
)
def test_data_is_found_whole(text: str, data: str) -> None:
    assert encoded(text) == [data]
    for step in (7, 100, 4096):
        assert encoded(text, step) == [data]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "ACGT" * 4_000,
        "31415926535897932384" * 100,
        "/lights/of/the/northern/coast" * 40,
        "ThisIsTheNameOfAVeryLongFunctionThatNobodyWouldEverHaveTheHeartToType" * 20,
        "very-long-name-with-hyphens-and-so-on-" * 30,
        "灯台の番人は鍵を隠した" * 900,
        f"a short key {SHORT} is a word",
    ],
)
def test_long_words_are_no_data(text: str) -> None:
    assert encoded(text) == []
    assert encoded(text, 777) == []


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(["word ", "\n", "灯", "base64,", SHORT, PICTURE[:700], WRAPPED[:900], "-" * 60, "é"]),
        max_size=12,
    ),
    st.integers(1, 900),
)
def test_the_pieces_do_not_matter(parts: list[str], step: int) -> None:
    text = "".join(parts)
    assert encoded(text, step) == encoded(text)


def test_chunks_of_data_have_no_tokens() -> None:
    text = f"The lamp is new.\n\n![](data:image/png;base64,{PICTURE})\n\nThe key is old.\n"
    chunks = list(cut_chunks([text], default_tokenizer()))
    assert "".join(chunk.text for chunk in chunks) == text
    assert sum(len(chunk.ids) for chunk in chunks) < 40
    assert [len(chunk.ids) for chunk in chunks if chunk.text in PICTURE] == [0, 0, 0]


def test_a_crystal_with_pictures_is_sound_and_exact(tmp_path: Path, encoder_folder) -> None:
    text = f"# Lamp\n\nThe lamp was bought at Holm.\n\n![](data:image/png;base64,{PICTURE})\n\nIts key hangs by the door.\n"
    path = tmp_path / "docs" / "lamp.md"
    path.parent.mkdir()
    path.write_text(text)
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        assert crystal.ingest([path.parent]).tokens < 60
        assert crystal.recall("Where is the key?", k=1)[0].text.strip().endswith("Its key hangs by the door.")
        source = crystal._store.source_named("lamp.md")
        assert crystal.shelf.span_text(source) == text
        assert crystal.verify().sound
