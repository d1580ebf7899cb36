"""What real servers offer, and how they refuse, each in its own shape."""

from __future__ import annotations

import pytest
from support import real_servers as real
from support.chat_server import stream

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.language_models import resolve_model
from crystalcli.lm.server import discovery, url
from crystalcli.lm.server.server_model import ServerModel

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def says(model: ServerModel) -> str:
    return "".join(model.say(QUESTION, Sampling(max_tokens=20)))


SERVERS = {
    "llama.cpp": (real.LLAMA_CPP, "", "Small-135M.Q4_1", 2048),
    "llama.cpp, by the file's name": (real.LLAMA_CPP, "#small-135m.q4_1.gguf", "Small-135M.Q4_1", 2048),
    "llama.cpp, by an alias": (real.LLAMA_CPP, "#tiny", "Small-135M.Q4_1", 2048),
    "llama-cpp-python": (real.LLAMA_CPP_PYTHON, "", "Small-135M.Q4_1", 4096),
    "transformers": (real.TRANSFORMERS, "#/home/her/random", "random", 4096),
    "Ollama, the one that is loaded": (real.OLLAMA, "", "small:latest", 8192),
    "Ollama, one that is not": (real.OLLAMA, "#large:70b", "large:70b", 16384),
    "LM Studio, the one that is loaded": (real.LM_STUDIO, "", "small", 6000),
    "LM Studio, one that is not": (real.LM_STUDIO, "#large", "large", 4096),
}


@pytest.mark.parametrize("case", SERVERS)
def test_servers_as_they_are(server, case):
    answers, model, name, context = SERVERS[case]
    server.answers |= answers
    opened = ServerModel.open(server.url + model)
    assert (opened.name, opened.context_length) == (name, context)
    assert says(opened) == "It is Paris."
    asked = server.asked[-1][2]["model"]  # the server is asked by its own name, whatever people are shown
    assert asked in {each["id"] for each in answers["/v1/models"]["data"]} or model == f"#{asked}"


def test_llama_cpp_with_several_models(server):
    server.answers |= real.LLAMA_CPP_SEVERAL
    assert ServerModel.open(server.url).name == "small"
    assert ServerModel.open(server.url + "#large").name == "large"


def test_a_window_that_ollama_was_told_of_no_more_than_the_model_has(server):
    server.answers |= real.OLLAMA | {"/api/ps": {"models": []}}
    server.answers["/api/show"] = {"model_info": {"general.architecture": "g", "g.context_length": 2048}}
    assert ServerModel.open(server.url).context_length == 2048


def test_names_that_end_alike_are_not_guessed(server):
    server.answers["/v1/models"] = {"data": [{"id": "one/small"}, {"id": "two/small"}]}
    assert ServerModel.open(server.url + "#two/small").name == "two/small"
    with pytest.raises(ModelMissingError, match=r"no model called 'small': it has one/small, two/small$"):
        ServerModel.open(server.url + "#small")


REFUSALS: dict[str, tuple[object, type[CrystalError], str]] = {
    "llama.cpp, too long": (
        real.LLAMA_CPP_TOO_LONG,
        CrystalError,
        r"\(400\): request \(9032 tokens\) exceeds the .* increasing it: give it less context \(--budget\)$",
    ),
    "llama.cpp, loading": (
        real.LLAMA_CPP_LOADING,
        CrystalError,
        r"not ready \(503\): Loading model; ask again in a while$",
    ),
    "llama.cpp, no key": (
        real.LLAMA_CPP_NO_KEY,
        CrystalError,
        r"refuses access \(401\): it wants a key: set \$CRYSTAL_API_KEY$",
    ),
    "llama.cpp, nowhere": (
        real.LLAMA_CPP_NOWHERE,
        CrystalError,
        r"nothing at .* \(404\): the URL .* mostly ends in /v1$",
    ),
    "llama-cpp-python, too long": (
        real.LLAMA_CPP_PYTHON_TOO_LONG,
        CrystalError,
        r"\(400\): This model's maximum context length is 2048 tokens.*: give it less context \(--budget\)$",
    ),
    "transformers, another model": (real.TRANSFORMERS_PINNED, CrystalError, r"refuses \(400\): Server is pinned to "),
    "transformers, fields": (
        real.TRANSFORMERS_FIELDS,
        CrystalError,
        r"refuses \(422\): Unexpected fields in the request",
    ),
    "Ollama, not pulled": (
        real.OLLAMA_NOT_PULLED,
        ModelMissingError,
        r'\(404\): model "tiny" not found, try pulling it',
    ),
    "nothing at all": (stream(), CrystalError, "broke off in the middle of its answer"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals_as_they_are(server, case):
    answer, kind, reason = REFUSALS[case]
    server.say(answer)
    with pytest.raises(kind, match=reason) as caught:
        says(ServerModel.open(server.url))
    assert type(caught.value).exit_code == kind.exit_code
    assert "\n" not in str(caught.value)


def test_too_long_a_prompt_is_sent_once(server):
    server.say(real.LLAMA_CPP_TOO_LONG)
    model = ServerModel.open(server.url)
    asked = len(server.asked)
    with pytest.raises(CrystalError, match="exceeds the available context"):
        says(model)
    assert len(server.asked) == asked + 1


def test_a_list_that_fails_or_is_wanting_needs_a_name(server):
    for nothing in (real.TRANSFORMERS["/v1/models"], (500, "Internal Server Error")):
        server.answers |= real.TRANSFORMERS | {"/v1/models": nothing}
        assert says(ServerModel.open(server.url + "#any")) == "It is Paris."
        with pytest.raises(CrystalError, match=r"name it here behind a #$|fails \(500\)$"):
            ServerModel.open(server.url)


def test_what_is_not_needed_is_not_waited_for(server, monkeypatch):
    monkeypatch.setattr(discovery, "_OPTIONAL_TIME", 0.5)

    ended: list[str] = []

    def silent(handler: object) -> None:
        server.over.wait(60)
        ended.append("waited for")

    server.answers |= real.OLLAMA | {"/props": silent, "/api/ps": silent, "/api/show": silent}
    assert ServerModel.open(server.url).context_length == 4096
    assert ended == []


def test_a_url_as_it_is_copied(server):
    for end in ("", "/", "/chat/completions", "/models", "/models/"):
        assert url.parse_url(server.url + end).path == "/v1"
    assert ServerModel.open(server.url + "/chat/completions#tiny").name == "tiny"


@pytest.mark.parametrize("text", ["localhost:8080", "127.0.0.1:11434/v1", "[::1]:80/v1", "LOCALHOST/v1"])
def test_a_url_without_its_scheme(text):
    with pytest.raises(UsageError, match=r"no model file at .*; a server is named with its scheme: http://"):
        resolve_model(text)


@pytest.mark.parametrize("text", ["models/a.gguf", "qwen3:8b", "1.2.3/a.gguf", "localhost.gguf"])
def test_paths_and_names_are_no_urls(text):
    assert not url.lacks_scheme(text)


def test_names_for_people():
    names = {
        "/a/b/Small.Q4.gguf": "Small.Q4",
        "C:\\models\\a.gguf": "a",
        "./a/": "a",
        "Qwen/Qwen3-8B": "Qwen/Qwen3-8B",
        "small.gguf": "small",
        "two\nlines": "two lines",
        "/": "/",
    }
    assert {name: discovery.display_name(name) for name in names} == names
