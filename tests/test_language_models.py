"""Which model is meant, and that a wrong one is said first."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from support import hugging_folders
from support.chat_server import PARIS, running

from crystalcli import AskOptions, language_models
from crystalcli.datatypes import Answer
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.language_models import LANGUAGE_MODEL, resolve_model
from crystalcli.library import Crystal
from crystalcli.lm import LanguageModel
from crystalcli.models import RegisteredModel, read_registry, register_model, registry_path, set_default_model


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch) -> Path:
    """An empty models folder."""
    for name in ("CRYSTAL_MODEL", "CRYSTAL_API_KEY", "CRYSTAL_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("hugging") / "Tiny"
    hugging_folders.save(place, "qwen3", head_dim=32, max_position_embeddings=1024)
    return place


@pytest.fixture
def shelf(tmp_path, shelf_folder):
    """A crystal without vectors."""
    with Crystal.create(tmp_path / "shelf.crystal", encoder=None) as crystal:
        crystal.ingest([shelf_folder])
        yield crystal


def test_what_is_meant(tmp_path, folder, monkeypatch):
    assert resolve_model() == resolve_model(LANGUAGE_MODEL) == LANGUAGE_MODEL
    assert language_models.is_builtin(resolve_model())
    assert not language_models.is_builtin(resolve_model(folder))
    assert resolve_model("http://x/v1") == "http://x/v1"
    (tmp_path / "file").write_text("x")
    assert resolve_model("file") == Path("file")
    assert resolve_model("some/where") == Path("some/where")
    added = language_models.add_model(str(folder), "own")
    assert (added.kind, added.target) == ("folder", str(folder))
    assert resolve_model("own") == folder
    (tmp_path / "own").write_text("a file of that name")
    assert resolve_model("own") == folder
    assert resolve_model("./own") == resolve_model(Path("own")) == Path("own")
    set_default_model("own")
    assert resolve_model() == folder
    monkeypatch.setenv("CRYSTAL_MODEL", LANGUAGE_MODEL)
    assert resolve_model() == LANGUAGE_MODEL
    assert resolve_model("own") == folder
    with pytest.raises(UsageError, match="all-MiniLM-L6-v2 is an encoder"):
        resolve_model("all-MiniLM-L6-v2")
    with pytest.raises(ModelMissingError, match="no model file at nobody, and no folder or model of that name"):
        resolve_model("nobody")


def put(models: Path, name: str) -> None:
    """A model that counts as complete: sizes and the record are right, without a byte on the disk."""
    from crystalcli.models import cache, catalogue_entry

    entry = catalogue_entry(name)
    (models / entry.name).mkdir(parents=True)
    with (models / entry.name / entry.main).open("wb") as file:
        file.truncate(entry.size)
    cache.write_json(models / entry.name / cache.RECORD, cache._record(entry))


def test_a_model_that_answers_by_itself(models, monkeypatch):
    free = 8_000_000_000
    monkeypatch.setattr("crystalcli.lm.available_memory", lambda: free)
    small, large = "Qwen2.5-Coder-0.5B-Instruct", "Qwen2.5-Coder-1.5B-Instruct"
    put(models, LANGUAGE_MODEL)
    assert language_models.answering_model() is None
    assert resolve_model() == LANGUAGE_MODEL and not language_models.is_model_named(None)
    assert language_models.recommended_model() == large
    free = 3_900_000_000
    assert language_models.recommended_model() == small
    put(models, large)
    assert language_models.answering_model() == resolve_model() == large  # the only one
    assert language_models.is_model_named(None)
    put(models, small)
    assert language_models.answering_model() == resolve_model() == small
    free = 4_000_000_000
    assert language_models.answering_model() == resolve_model() == large
    set_default_model("smollm2")
    assert resolve_model() == read_registry().default == LANGUAGE_MODEL
    assert resolve_model("qwen-0.5b") == small
    monkeypatch.setenv("CRYSTAL_MODEL", "qwen-1.5b")
    assert resolve_model() == large


def test_a_model_may_be_called_like_a_server(tmp_path, folder):
    for name in ("localhost", "127.0.0.1:80"):
        with pytest.raises(UsageError, match="a server is named with its scheme"):
            resolve_model(name)
        language_models.add_model(str(folder), name)
        assert resolve_model(name) == folder


def test_a_model_that_is_gone(tmp_path):
    register_model(RegisteredModel("gone", "gguf", str(tmp_path / "gone.gguf"), 1, 1))
    with pytest.raises(ModelMissingError, match=r"gone is not at .*gone\.gguf any more: `crystal models remove gone`"):
        resolve_model("gone")


def test_a_damaged_list_stands_in_nobodys_way_who_needs_none(models, tmp_path, folder):
    models.mkdir()
    registry_path().write_text("{")
    (tmp_path / "file").write_text("x")
    assert resolve_model("file") == Path("file")
    assert resolve_model(str(folder)) == folder
    assert resolve_model("http://x/v1") == "http://x/v1"
    for given in (None, "own"):
        with pytest.raises(CrystalError, match="the list of models is damaged"):
            resolve_model(given)


def test_only_what_opens_is_added(tmp_path, folder):
    (tmp_path / "x.gguf").write_bytes(b"not one")
    with pytest.raises(CrystalError, match="not a usable GGUF model"):
        language_models.add_model("x.gguf")
    with pytest.raises(ModelMissingError, match=r"no file or folder at y\.gguf"):
        language_models.add_model("y.gguf")
    with pytest.raises(UsageError, match="is not this machine"):
        language_models.add_model("http://192.0.2.1/v1")
    assert read_registry().models == {}
    assert language_models.add_model(str(folder)).name == "Tiny"
    with running() as server:
        assert language_models.add_model(server.url).name == "tiny"
    with pytest.raises(CrystalError, match="cannot reach"):
        language_models.add_model(server.url, "down")
    assert set(read_registry().models) == {"Tiny", "tiny"}


def test_a_wrong_model_is_said_before_anything_is_recalled(shelf, tmp_path, monkeypatch):
    def recall(*_: object, **__: object) -> None:
        raise AssertionError("recalled")

    monkeypatch.setattr(Crystal, "recall", recall)
    (tmp_path / "x.gguf").write_bytes(b"not one")
    wrong: dict[str, tuple[type[CrystalError], str]] = {
        "none.gguf": (ModelMissingError, r"no model file at none\.gguf"),
        "x.gguf": (CrystalError, "not a usable GGUF model"),
        "http://127.0.0.1:1/v1": (CrystalError, "cannot reach"),
        "http://192.0.2.1/v1": (UsageError, "is not this machine"),
        str(tmp_path): (ModelMissingError, r"there is no config\.json"),
    }
    for model, (kind, reason) in wrong.items():
        with pytest.raises(kind, match=reason):
            shelf.ask("When is high water?", model=model)
        monkeypatch.setenv("CRYSTAL_MODEL", model)
        with pytest.raises(kind, match=reason):
            shelf.ask("When is high water?")
        monkeypatch.delenv("CRYSTAL_MODEL")


def test_an_answer_from_a_folder(shelf, folder):
    answer = shelf.ask("When is high water at Oldhaven?", model=folder, max_tokens=8)
    assert answer.model == "Tiny"
    assert answer.citations
    assert answer == shelf_answer(answer, shelf.ask("When is high water at Oldhaven?", model=str(folder), max_tokens=8))


def shelf_answer(one: Answer, other: Answer) -> Answer:
    """The other, but for the time it took."""
    assert set(other.seconds) == set(one.seconds)
    return Answer(**{name: getattr(other, name) for name in Answer.__slots__} | {"seconds": one.seconds})


def test_an_answer_from_a_server(shelf):
    with running() as server:
        server.say(PARIS)
        heard: list[str] = []
        answer = shelf.ask("When is high water at Oldhaven?", model=server.url, on_text=heard.append)
        quoted = "“Buy rope. ## Tides High water at Oldhaven is at 04:10.”"  # nothing there is near Paris
        assert (answer.text, answer.model) == (f"It is Paris.\n\nIn notes.md, Tides, lines 3-7: {quoted}", "tiny")
        end = f"\n\nIn notes.md, Tides, lines 3-7: {quoted} [1]"
        assert heard == ["It is", " Paris.", " [not borne out: Paris]", end]
        sent = server.asked[-1][2]
        assert "High water at Oldhaven is at 04:10." in sent["messages"][-1]["content"]
        looked = {
            "/props": None,
            "/api/ps": None,
            "/api/v0/models": None,
            "/api/show": {"model": "tiny"},
        }  # the question is not there
        assert {path: body for path, _, body in server.asked[:-1]} == {"/v1/models": None} | looked
        assert server.asked[-1][0] == "/v1/chat/completions"
        opened = language_models.open_model(server.url)
        assert shelf.ask("When is high water at Oldhaven?", model=opened).text == answer.text


def test_an_extract_needs_no_model(shelf, models):
    models.mkdir()
    registry_path().write_text("{")
    assert shelf.ask("When is high water?", extractive=True, model="nobody").extractive


def test_the_start_of_a_model_takes_a_process_only_where_that_is_sooner(tmp_path, monkeypatch):
    begun, ended = [], []

    class Process:
        def __init__(self, path, cache):
            begun.append(path)

        def close(self):
            ended.append(True)

    monkeypatch.setattr("crystalcli.lm.DecoderProcess", Process, raising=False)
    monkeypatch.setattr(language_models.models, "locate", lambda name: tmp_path)
    for imported, processors, here in ((False, 2, True), (True, 2, False), (False, 1, False)):
        modules = SimpleNamespace(modules={"torch": None} if imported else {})
        monkeypatch.setattr("crystalcli.lm.opener.sys", modules)
        monkeypatch.setattr("crystalcli.lm.opener.available_processors", lambda count=processors: count)
        monkeypatch.setattr("crystalcli.lm.llama_cpp_model.has_llama_cpp", lambda: False)
        start = language_models.ModelStart(LANGUAGE_MODEL)
        start.begin()
        start.begin()
        start.close()
        assert (len(begun), len(ended)) == (here, here), (imported, processors)
        begun.clear()
        ended.clear()


def test_a_model_begins_before_the_search_and_ends_with_the_answer(shelf, language_model_path, monkeypatch):
    steps: list[str] = []
    model = LanguageModel.open(language_model_path)

    class Start:
        def __init__(self, named, *, allow_remote):
            assert named is model

        def begin(self):
            steps.append("begin")

        def go_on(self):
            steps.append("go on")

        def __call__(self):
            steps.append("open")
            raise CrystalError("no model")

        def close(self):
            steps.append("close")

    monkeypatch.setattr("crystalcli.library.ModelStart", Start)
    recall = shelf.recall
    monkeypatch.setattr(shelf, "recall", lambda *given, **named: steps.append("search") or recall(*given, **named))
    question = "What did Marta carry in her coat?"
    with pytest.raises(CrystalError, match="no model"):
        shelf.ask(question, AskOptions(extractive=False, floor=0.0), model=model)
    assert steps == ["begin", "search", "go on", "open", "close"]
    steps.clear()
    assert shelf.ask(question, AskOptions(extractive=True, floor=0.0), model=model).citations
    assert steps == ["search"]
