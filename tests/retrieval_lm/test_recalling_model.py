"""A language model with a crystal behind its window: what it is shown is earlier text, and it foresees better by it."""

from __future__ import annotations

import re

import pytest

from crystalcli.errors import UsageError
from crystalcli.library import Crystal
from crystalcli.lm import LanguageModel
from crystalcli.retrieval_lm import ChunkNodes, RecallingModel, TextMemory, open_scoring_model

LINES = "".join(f"Line {number} is about the {number * 37 % 101}th lamp of the harbour.\n" for number in range(400))
VERSE = (
    "Vellamy Quist kept nineteen blue herons in the attic of the Corrodane chapel, and fed them pickled quinces on "
    "Thursdays; the sexton, Aurelio Brandt, swore they could recite the tide tables backwards to anyone who asked twice. "
    "In the year of the copper flood, Vellamy sold seven of them to Madame Orsolya Threnck, who kept a ferry of glass, and the other "
    "twelve flew to Ustrenby and never came back."
)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(language_model_path):
    return LanguageModel.open(language_model_path, precision="fp32")


def numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"Line (\d+) is", text)]


def test_what_is_recalled_is_exact_earlier_text_and_nothing_twice(encoder_folder):
    with TextMemory(encoder_folder) as past:
        assert past.recall("the lamp of the harbour", 4) == []
        past.add(" \n ")
        assert past.recall("the lamp of the harbour", 4) == []
        past.add(LINES)
        found = past.recall("Line 250 is about the lamp", 4)
        assert any(250 in numbers(each.text) for each in found)
        assert all(each.text in LINES for each in found)
        assert sum(len(each.text) for each in found) == len(set().union(*(spans(each.text) for each in found)))
        assert past.recall("  ", 4) == []
        past.add("The mill stands by the weir.\n")
        assert past.recall("the mill by the weir", 1)[0].text == "The mill stands by the weir.\n"


def spans(text: str) -> set[int]:
    start = LINES.index(text)
    return set(range(start, start + len(text)))


def test_a_past_in_a_file_is_a_crystal_and_goes_on(tmp_path, encoder_folder):
    path = tmp_path / "past.crystal"
    for text in (LINES, VERSE):
        with TextMemory(encoder_folder, path) as past:
            past.add(text)
    with TextMemory(encoder_folder, path) as past:
        assert VERSE in past.recall("Who fed pickled quinces to the herons?", 1)[0].text
    with Crystal.open(path) as crystal:
        assert crystal.verify().sound
        assert sum(document.characters for document in crystal.documents()) == len(LINES + VERSE)


def test_memory_window_and_what_is_to_come_do_not_overlap(model, encoder_folder):
    ids = model.ids(LINES)
    with RecallingModel(model, TextMemory(encoder_folder), window=256) as reader:
        at = 0
        for start in (1500, 2600, 2700):
            reader.skip(ids[at:start])
            at = start
            prompt = reader.prompt(flush=True)
            local = reader.local()
            assert local == ids[start - 128 : start]
            assert prompt[len(prompt) - 128 :] == local
            memory = prompt[:-128]
            assert 100 < len(memory) <= 128
            assert max(numbers(model.data(memory).decode())) < min(numbers(model.data(local).decode()))


def test_without_memory_and_with_room_for_all_it_is_the_model(model):
    text = LINES[:300]
    ids = model.ids(text)
    with TextMemory(None) as past:
        reader = RecallingModel(model, past, window=150, memory=0, stride=50)
        found = list(reader.read([text]))
        assert past.characters == 0
    assert [number for each in found for number in each.ids] == ids[1:]
    told = [each for stride in found for each in stride.log_probabilities]
    assert told == pytest.approx(model.log_probabilities(ids, 1), abs=2e-3)
    assert {each.memory for each in found} == {0}


def test_it_foresees_better_what_it_has_read_long_before(model, encoder_folder):
    before = model.ids(f"{VERSE}\n\n{LINES}\n")
    again, rest = model.ids(VERSE)[:64], model.ids(VERSE)[64:]
    with RecallingModel(model, TextMemory(encoder_folder), window=256) as reader:
        reader.skip(before + again)
        with_memory = sum(reader.log_probabilities(reader.prompt(flush=True), rest))
        window_alone = sum(reader.log_probabilities(reader.local(256), rest))
    assert with_memory > 0.5 * window_alone  # nats that are half as many


def test_copying_foresees_better_and_is_causal(model, encoder_folder):
    texts = [LINES[:700], f"\n{VERSE}", f"\n{LINES[700:1900]}", f"\n{VERSE}"]
    told = {}
    for copying, end in ((True, 4), (False, 4), (True, 3)):
        with RecallingModel(
            model, TextMemory(encoder_folder), window=128, memory=32, stride=96, copying=copying
        ) as reader:
            strides = list(reader.read([texts[0]]))  # learns from these
            reader.skip([token for text in texts[1:3] for token in model.ids(text)])
            strides += list(reader.read(texts[3:end]))
            told[copying, end] = [each for stride in strides for each in stride.log_probabilities]
    first = len(told[True, 3])
    assert told[True, 4][:first] == told[True, 3]  # what is read later changes nothing
    assert sum(told[True, 4][:first]) > sum(told[False, 4][:first])
    assert sum(told[True, 4][first:]) > 0.7 * sum(told[False, 4][first:])  # nats


def test_copying_leaves_the_window_to_the_last_tokens(model, encoder_folder):
    before, after = model.ids(f"{VERSE}\n\n{LINES}\n"), model.ids(VERSE)
    told = {}
    for copying, memory in ((True, None), (False, 0)):
        with TextMemory(encoder_folder) as past:
            reader = RecallingModel(model, past, window=256, memory=memory, copying=copying)
            assert reader.memory == 0
            reader.skip(before + after[:64])
            assert reader.prompt(flush=True) == (before + after[:64])[-256:]
            assert (past.characters > 0) is copying
            tokens = reader.tokens
            stride = reader.score(after[64:])
            assert (stride.ids, stride.memory, reader.tokens) == (after[64:], 0, tokens)
            told[copying] = sum(stride.log_probabilities)
    assert told[True] > 0.5 * told[False]  # nats


def test_copying_from_the_last_tokens_alone(model):
    with TextMemory(None) as past:
        reader = RecallingModel(model, past, window=100, stride=50, copying=True)
        told = [each for stride in reader.read([LINES[:600]]) for each in stride.log_probabilities]
        plain = RecallingModel(model, past, window=100, memory=0, stride=50)
        assert sum(told) > sum(each for stride in plain.read([LINES[:600]]) for each in stride.log_probabilities)
        assert past.characters == 0  # nothing has left the window by so much that it would be written


def test_text_is_read_in_pieces_of_any_size(model):
    with TextMemory(None) as past:
        reader = RecallingModel(model, past, window=40, memory=10, stride=30)
        found = list(reader.read(["", "One ", "", *(["and another one "] * 20)]))
        assert reader.tokens == 1 + sum(len(each.ids) for each in found)
        assert [len(each.ids) for each in found[:-1]] == [30] * (len(found) - 1)
        assert list(RecallingModel(model, past).read([])) == []
        assert list(RecallingModel(model, past).read(["A"])) == []


def test_tokens_that_could_not_be_remembered_wait_for_the_next(model):
    words = "Wörter, ещё слова, 更多的字, and some. " * 1000  # tokens end inside of letters
    ids = model.ids(words)
    with TextMemory(None) as past:
        reader, add = RecallingModel(model, past, window=64), past._add
        failures = [OSError("full"), None, KeyboardInterrupt()]

        def failing(text, source):
            failure = failures.pop() if failures else None
            if failure is not None:
                raise failure
            add(text, source)

        past._add = failing
        while reader.tokens < len(ids):
            try:
                reader.skip(ids[reader.tokens :])
            except (OSError, KeyboardInterrupt):
                behind = model.data(ids[: reader.tokens - len(reader._recent)])
                assert past.characters in (
                    len(behind.decode("utf-8", "ignore")),
                    len(behind.decode("utf-8", "replace")),
                )
                assert reader._recent == ids[reader.tokens - len(reader._recent) : reader.tokens]
        assert not failures
        reader._remember_all_but(0)
        assert past.characters == len(words)
        sources = past._store.sources()
        assert "".join(past._open_searcher().shelf.span_text(each) for each in sources) == words


@pytest.mark.parametrize("figures", [{"window": 1}, {"window": 8192}])
def test_figures_are_checked_before_a_crystal_is_made(tmp_path, language_model_path, figures):
    with pytest.raises(UsageError, match=r"invalid sizes|takes 8,192"):
        RecallingModel.from_pretrained(language_model_path, None, tmp_path / "n.crystal", **figures)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("figures", [{"window": 1}, {"memory": -1}, {"window": 64, "memory": 64}, {"stride": 0}])
def test_figures_out_of_range(model, figures):
    with TextMemory(None) as past, pytest.raises(UsageError, match="invalid sizes"):
        RecallingModel(model, past, **figures)


def test_a_window_that_is_too_large_and_a_model_that_cannot_judge(model):
    with TextMemory(None) as past, pytest.raises(UsageError, match="takes 8,192 tokens"):
        RecallingModel(model, past, window=8192)
    with pytest.raises(UsageError, match="gives no log-probabilities"):
        open_scoring_model("http://127.0.0.1:1/v1#x")


def test_a_past_says_what_it_holds(encoder_folder):
    with TextMemory(encoder_folder) as past:
        assert (past.nodes, past.kept) == (ChunkNodes(0, 0, 0, 0), 0)
        past.warm()  # nothing is remembered by that
        assert (past.nodes, past.kept, past.characters) == (ChunkNodes(0, 0, 0, 0), 0, 0)
        past.add(LINES)
        past.add(VERSE)
        with Crystal.open(past.path) as crystal:
            assert [layer.nodes for layer in crystal.stats().layers] == list(past.nodes)
            grows = [part for part in crystal.memory_use().parts if part.grows]
        assert past.kept == sum(part.bytes for part in grows) > 0
    with TextMemory(None) as past:
        past.warm()
        past.add(VERSE)
        assert past.nodes.atoms > 0
