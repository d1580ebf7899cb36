"""Every mention of a word or a phrase, by the index, against a plain search of the text."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lexical_crystals import read_into, write

from crystalcli.index.index_reader import IndexReader
from crystalcli.overview.mentions import find_mentions
from crystalcli.storage.store import Store


def mentions_of(path: Path, phrase: str) -> dict[str, list[tuple[int, int, int]]]:
    with Store.open(path) as store:
        sources = [source for source in store.sources() if source.chunks]
        return {
            document.source.path: [tuple(mention) for mention in document.found]
            for document in find_mentions(IndexReader(store), phrase, sources)
        }


def searched(text: str, phrase: str) -> list[tuple[int, int, int]]:
    """The same by a plain search."""
    body = r"[\s-]+".join(map(re.escape, phrase.split()))
    pattern = re.compile(rf"\b{body}\b", re.IGNORECASE)
    return [(hit.start(), hit.end(), text.count("\n", 0, hit.start()) + 1) for hit in pattern.finditer(text)]


WORDS = "ferry harbour keeper ledger lamp tide".split()  # noqa: SIM905


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Documents of few words in many orders, over many chunks, with line ends and hyphens."""
    chance = random.Random(1)
    joints = [" "] * 9 + ["\n", "-", ". ", ", ", "\n\n"]
    files = {
        f"{name}.txt": "".join(chance.choice(WORDS) + chance.choice(joints) for _ in range(size)) + "end.\n"
        for name, size in (("a", 3000), ("b", 400), ("c", 7))
    }
    folder = tmp_path_factory.mktemp("shuffled")
    return read_into(folder / "m.crystal", write(folder / "d", files)), files


@given(st.lists(st.sampled_from([*WORDS, "absent"]), min_size=1, max_size=4))
def test_none_is_missed_and_none_is_made_up(shuffled, words):
    path, files = shuffled
    phrase = " ".join(words)
    assert mentions_of(path, phrase) == {name: hits for name, text in files.items() if (hits := searched(text, phrase))}


TEXTS = {
    "a.txt": "Captain Ahab spoke. captain\nAhab’s leg. Captain-Ahab! AHAB and Ahabs. The _Pequod_ sailed; "
    "Pequods do. It is on a table.\n",
    "b.py": "def url_for(x):\n    my_url_for = url_for\n    return openSource(x), opensource\n",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mentions")
    return read_into(folder / "m.crystal", write(folder / "d", TEXTS))


@pytest.mark.parametrize(
    ("phrase", "counts"),
    [
        ("Ahab", {"a.txt": 4}),
        ("ahab", {"a.txt": 4}),
        ("Captain Ahab", {"a.txt": 3}),  # over a line's end, and with a hyphen
        ("Ahab's", {"a.txt": 1}),  # whichever apostrophe
        ("Pequod", {"a.txt": 1}),  # underscores around it are emphasis
        ("url_for", {"b.py": 2}),  # and not a part of another name
        ("openSource", {"b.py": 1}),  # an identifier, whose capitals count
        ("on a", {"a.txt": 1}),  # function words are in no index
        ("it", {"a.txt": 1}),
        ("url", {}),
        ("(x)", {"b.py": 2}),
        ("Starbuck", {}),
        ("Ahab Captain", {}),
    ],
)
def test_what_a_mention_is(path, phrase, counts):
    assert {name: len(hits) for name, hits in mentions_of(path, phrase).items()} == counts


def test_other_forms_of_the_word_are_told_apart(path):
    with Store.open(path) as store:
        (only,) = find_mentions(
            IndexReader(store), "Ahab", [source for source in store.sources() if source.path.endswith("a.txt")]
        )
        assert [form for _, form in only.others] == ["ahabs"]
        assert all(TEXTS["a.txt"][at:].lower().startswith(form) for at, form in only.others)


def test_a_text_that_stands_in_two_documents_is_found_in_both(tmp_path):
    same = "The keeper of the lamp wrote nothing down that night. " * 60
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "d", {"a.txt": same, "b.txt": same}))
    hits = mentions_of(path, "lamp wrote")
    assert [len(mentions) for mentions in hits.values()] == [60, 60]
