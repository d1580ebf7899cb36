"""Letters that are escapes in JSON: they are found as letters, and the text stays JSON."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import read

from crystalcli.text.formats.json_escapes import with_letters

texts = st.text(st.one_of(st.sampled_from('\\"u0e4a\n\t'), st.characters(exclude_categories=["Cs"])), max_size=40)


def test_letters_stand_in_place_of_their_escapes(tmp_path: Path) -> None:
    value = {"Notiz": 'Der Schlüssel hängt an der Tür.\n"Zweite"', "メモ": "灯 🙂", "path": "C:\\u00fcber"}
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(value, indent=1))
    text = read(path).text
    assert '"メモ": "灯 🙂"' in text
    assert text.count("\n") == path.read_text().count("\n")
    assert json.loads(text) == value


def test_other_kinds_keep_their_escapes(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text('x = "\\u00fc"\n')
    assert read(path).text == 'x = "\\u00fc"\n'


@settings(deadline=None)
@given(texts, st.integers(1, 30))
def test_any_value_stays_the_same_in_whatever_pieces(value: str, size: int) -> None:
    text = json.dumps([value, value])
    found = "".join(with_letters(text[i : i + size] for i in range(0, len(text), size)))
    assert json.loads(found) == [value, value]
    assert found == "".join(with_letters([text]))


@given(st.lists(st.sampled_from(["\\", "u", "d83d", "de00", "00e4", "a", '"']), max_size=30), st.integers(1, 9))
def test_escapes_that_are_none(parts: list[str], size: int) -> None:
    text = "".join(parts)
    assert "".join(with_letters(text[i : i + size] for i in range(0, len(text), size))) == "".join(with_letters([text]))
