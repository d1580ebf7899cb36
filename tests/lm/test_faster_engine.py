"""llama.cpp beside crystal's decoder: the same protocol, and the choice between them, measured once."""

import json

import pytest

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm import LanguageModel, open_model_at, opener
from crystalcli.lm.faster_engine import CHOICES_FILE, FasterEngine
from crystalcli.lm.llama_cpp_model import LlamaCppModel, has_llama_cpp

pytestmark = pytest.mark.skipif(not has_llama_cpp(), reason="xllamacpp is not installed")
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture(autouse=True)
def no_size_is_too_small(monkeypatch):
    monkeypatch.setattr(opener, "_SMALLEST_FOR_LLAMA_CPP", 0)


@pytest.fixture(scope="module")
def model(language_model_path):
    return LlamaCppModel(LanguageModel.open(language_model_path), language_model_path)


def test_an_answer_and_where_it_stops(model):
    said = "".join(model.say(QUESTION, Sampling(max_tokens=12)))
    assert 1 < model.count(said) <= 12
    assert "".join(model.say(QUESTION, Sampling(max_tokens=12))) == said
    assert "".join(model.say(QUESTION, Sampling(max_tokens=12, stop=(said[4:8],)))) == said[:4]
    assert len("".join(model.say(QUESTION, Sampling(max_tokens=3)))) < len(said)


def test_what_crystal_counts_is_what_it_takes(model, language_model_path):
    own = LanguageModel.open(language_model_path)
    assert model.name == own.name
    assert model.prompt_size(QUESTION) == own.prompt_size(QUESTION)
    assert (model.count("a lamp"), model.truncate("a lamp", 1)) == (own.count("a lamp"), own.truncate("a lamp", 1))


def test_a_caller_that_stops_listening(model):
    pieces = model.say(QUESTION, Sampling(max_tokens=200))
    first = next(pieces)
    pieces.close()
    assert next(model.say(QUESTION, Sampling(max_tokens=2))) == first


def test_bounds(model):
    with pytest.raises(UsageError, match="max_tokens"):
        model.say(QUESTION, Sampling(max_tokens=0))
    with pytest.raises(CrystalError, match="give it less context"):
        model.say(QUESTION, Sampling(max_tokens=100_000))


@pytest.mark.parametrize("engine", ["crystal", "llama.cpp"])
def test_the_faster_one_is_measured_once(tmp_path, language_model_path, monkeypatch, engine):
    measured = []

    def seconds(self, one):
        measured.append(one)
        return float(isinstance(one, LlamaCppModel) == (engine == "crystal"))

    monkeypatch.setattr(FasterEngine, "_seconds", seconds)
    for _ in range(2):
        model = open_model_at(language_model_path, cache=tmp_path)
        assert isinstance(model, FasterEngine)
        assert "".join(model.say(QUESTION, Sampling(max_tokens=12)))
        assert model.engine == engine
    assert len(measured) == 2


def test_measuring(tmp_path, language_model_path):
    model = open_model_at(language_model_path, cache=tmp_path)
    assert isinstance(model, FasterEngine)
    assert model.engine == ""
    model.load()
    assert model.engine in ("crystal", "llama.cpp")
    assert list(json.loads((tmp_path / CHOICES_FILE).read_text()).values()) == [model.engine]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 3}', "\0"])
def test_a_damaged_choice(tmp_path, language_model_path, text, monkeypatch):
    monkeypatch.setattr(FasterEngine, "_seconds", lambda self, one: float(isinstance(one, LlamaCppModel)))
    (tmp_path / CHOICES_FILE).write_text(text)
    model = open_model_at(language_model_path, cache=tmp_path)
    model.load()
    assert model.engine == "crystal"


def test_small_files_and_those_without_a_folder_are_run_by_crystal(tmp_path, language_model_path, monkeypatch):
    assert isinstance(open_model_at(language_model_path), LanguageModel)
    monkeypatch.setattr(opener, "_SMALLEST_FOR_LLAMA_CPP", 1 << 40)
    assert isinstance(open_model_at(language_model_path, cache=tmp_path), LanguageModel)


@pytest.mark.parametrize("failing", [["crystal"], ["crystal", "llama.cpp"]])
def test_an_engine_that_finds_too_little_memory_leaves_the_other(tmp_path, language_model_path, monkeypatch, failing):
    def load(self, positions=0):
        raise CrystalError(f"{type(self).__name__} needs more memory")

    if "crystal" in failing:
        monkeypatch.setattr(LanguageModel, "load", load)
    if "llama.cpp" in failing:
        monkeypatch.setattr(LlamaCppModel, "load", load)
    model = open_model_at(language_model_path, cache=tmp_path)
    if len(failing) == 2:
        with pytest.raises(CrystalError, match="LanguageModel needs more memory"):
            model.load()
        return
    assert "".join(model.say(QUESTION, Sampling(max_tokens=3)))
    assert model.engine == ""  # memory may be free the next time


def test_weights_that_were_released_load_again(tmp_path, language_model_path):
    model = LanguageModel.open(language_model_path, cache=tmp_path)
    said = "".join(model.say(QUESTION, Sampling(max_tokens=3)))
    model.release()
    assert model._generator._decoder is None
    assert "".join(model.say(QUESTION, Sampling(max_tokens=3))) == said
