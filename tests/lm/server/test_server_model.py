"""The server's side of a conversation, played by real servers in threads, most of which misbehave."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chat_server import DONE, PARIS, begin, chunk, event, send, stream

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.lm.server import http_client, token_estimate, url
from crystalcli.lm.server.server_model import ServerModel

QUESTION = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "What is the capital of France?"}]


def says(model: ServerModel, **choices: object) -> str:
    return "".join(model.say(QUESTION, Sampling(**({"max_tokens": 20} | choices))))  # type: ignore[arg-type]


def test_an_answer_in_pieces(server):
    server.say(PARIS)
    model = ServerModel.open(server.url)
    assert model.name == "tiny"
    assert list(model.say(QUESTION, Sampling(max_tokens=20, temperature=0.5, top_p=0.9, seed=7))) == [
        "It is",
        " Paris.",
    ]
    path, headers, body = server.asked[-1]
    assert path == "/v1/chat/completions"
    assert body["messages"] == QUESTION
    assert (body["model"], body["stream"], body["max_tokens"], body["seed"]) == ("tiny", True, 20, 7)
    assert (body["temperature"], body["top_p"]) == (0.5, 0.9)
    assert "Authorization" not in headers
    assert headers["Host"] == server.url.split("/")[2]


def test_pieces_come_as_they_are_said(server):
    go_on = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        chunk(handler, event("first"))
        go_on.wait(5)
        chunk(handler, event(" second", "stop") + DONE)

    server.say(answer)
    pieces = ServerModel.open(server.url).say(QUESTION, Sampling(max_tokens=20))
    assert next(pieces) == "first"
    go_on.set()
    assert list(pieces) == [" second"]


def test_an_answer_that_is_no_longer_wanted_ends_the_connection(server):
    gone = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        try:
            while not server.over.is_set():
                chunk(handler, event("on and on "))
        except OSError:
            gone.set()

    server.say(answer)
    pieces = ServerModel.open(server.url).say(QUESTION, Sampling(max_tokens=500))
    assert next(pieces) == "on and on "
    pieces.close()
    assert gone.wait(5)


@pytest.mark.parametrize(
    ("url", "name"),
    [("", "first"), ("#second", "second"), ("#third", "third:latest"), ("#hf.co%2Fa%20b", "hf.co/a b")],
)
def test_which_model(server, url, name):
    ids = ("text-embedding-small", "first", "second", "third:latest", "hf.co/a b")
    server.answers["/v1/models"] = {"data": [{"id": each} for each in ids]}
    assert ServerModel.open(server.url + url).name == name


def test_a_url_without_a_path(server):
    assert ServerModel.open(server.url.removesuffix("/v1")).name == "tiny"


def test_no_such_model(server):
    with pytest.raises(ModelMissingError, match=r"has no model called 'large': it has tiny$"):
        ServerModel.open(server.url + "#large")
    for nothing in ({"data": []}, {"object": "list", "data": None}):
        server.answers["/v1/models"] = nothing
        with pytest.raises(ModelMissingError, match=r"lists no models: load one there, or name it here behind a #$"):
            ServerModel.open(server.url)


def test_a_server_that_does_not_say_what_it_has(server):
    del server.answers["/v1/models"]
    server.say(PARIS)
    assert says(ServerModel.open(server.url + "#any")) == "It is Paris."
    with pytest.raises(CrystalError, match=r"there is nothing at .*/v1/models \(404\): .* mostly ends in /v1"):
        ServerModel.open(server.url)


LENGTHS = {
    "nobody says": ({}, None, 4096),
    "vLLM": ({"max_model_len": 32768}, None, 32768),
    "llama.cpp, what it was trained for": ({"meta": {"n_ctx_train": 131072}}, None, 4096),
    "llama.cpp, a small one": ({"meta": {"n_ctx_train": 2048}}, None, 2048),
    "llama.cpp, what it runs with": (
        {"meta": {"n_ctx_train": 131072}},
        {"default_generation_settings": {"n_ctx": 16384}},
        16384,
    ),
    "nonsense": (
        {"max_model_len": "many", "context_length": -1, "meta": []},
        {"default_generation_settings": {"n_ctx": True}},
        4096,
    ),
    "more nonsense": ({"meta": {"n_ctx": 2**40}}, [1], 4096),
}


@pytest.mark.parametrize("case", LENGTHS)
def test_the_length_of_the_context(server, case):
    entry, props, expected = LENGTHS[case]
    server.answers["/v1/models"] = {"data": [{"id": "tiny", **entry}]}
    if props is not None:
        server.answers["/props"] = props
    assert ServerModel.open(server.url).context_length == expected


def test_more_than_it_can_take_is_not_sent(server):
    server.answers["/v1/models"] = {"data": [{"id": "tiny", "max_model_len": 64}]}
    model = ServerModel.open(server.url)
    asked = len(server.asked)
    with pytest.raises(CrystalError, match=r"but with 20 for the answer tiny can take 44 \(of 64\)"):
        says(model)
    with pytest.raises(UsageError, match="max_tokens must be at least 1"):
        says(model, max_tokens=0)
    with pytest.raises(UsageError, match="needs a `role` and a `content`"):
        model.say([{"role": "user"}], Sampling(max_tokens=1))
    assert len(server.asked) == asked


def test_the_key(server, monkeypatch):
    server.say(PARIS)
    monkeypatch.setenv("CRYSTAL_API_KEY", "sk-secret")
    says(ServerModel.open(server.url))
    assert all(headers["Authorization"] == "Bearer sk-secret" for _, headers, _ in server.asked)
    server.say((401, {"error": {"message": "sk-secret is wrong"}}))
    with pytest.raises(CrystalError, match=r"refuses access \(401\): it refuses the key in \$CRYSTAL_API_KEY$"):
        says(ServerModel.open(server.url))
    server.say((429, {"error": {"message": "sk-secret has no credit"}}))
    with pytest.raises(CrystalError, match=r"\*\*\* has no credit$"):
        says(ServerModel.open(server.url))
    monkeypatch.setenv("CRYSTAL_API_KEY", "a\r\nHost: elsewhere")
    with pytest.raises(UsageError, match=r"invalid \$CRYSTAL_API_KEY"):
        ServerModel.open(server.url)
    monkeypatch.delenv("CRYSTAL_API_KEY")
    server.say((403, {}))
    with pytest.raises(CrystalError, match=r"it wants a key: set \$CRYSTAL_API_KEY"):
        says(ServerModel.open(server.url))


def test_proxies_are_not_used(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    server.say(PARIS)
    assert says(ServerModel.open(server.url)) == "It is Paris."


def test_thoughts_are_not_the_answer(server):
    server.say(
        stream(event("<thi"), event("nk>Hm.\n\n"), event("Paris?</think>\n\n"), event("\nParis."), event("", "stop"))
    )
    model = ServerModel.open(server.url)
    assert says(model, stop=["\n\n"]) == "Paris."
    server.say(stream(event(None, reasoning_content="Hm.\n\n"), event("Paris."), event("", "stop"), DONE))
    assert says(model, stop=["\n\n"]) == "Paris."
    server.say(stream(event("", reasoning="Hm. Let me see"), event("", "length"), DONE))
    with pytest.raises(CrystalError, match="tiny only thought and said nothing within 20 tokens"):
        says(model)


def test_a_server_that_takes_nothing_it_does_not_know(server):
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if "reasoning_effort" in server.asked[-1][2]:
            send(handler, b'{"error": {"message": "unknown field"}}', "application/json", 400)
        else:
            PARIS(handler)

    server.say(answer)
    model = ServerModel.open(server.url)
    asked = len(server.asked)
    assert says(model) == says(model) == "It is Paris."
    assert len(server.asked) == asked + 3  # it is told once


def test_stop_strings(server):
    server.say(stream(event("one\n"), event("\ntwo"), event("", "stop"), DONE))
    assert says(ServerModel.open(server.url), stop=["\n\n"]) == "one"


def test_a_server_that_does_not_stream(server):
    message = {"role": "assistant", "content": "It is Paris."}
    server.say({"choices": [{"message": message, "finish_reason": "stop"}]})
    assert says(ServerModel.open(server.url)) == "It is Paris."


def test_an_answer_that_ends_without_a_reason(server):
    model = ServerModel.open(server.url)
    server.say(stream(event("It is"), event(" Paris."), DONE))
    assert says(model) == "It is Paris."
    server.say({"choices": [{"message": {"role": "assistant", "content": "It is Paris."}}]})
    assert says(model) == "It is Paris."


def test_an_end_without_a_mark_is_an_end_all_the_same(server):
    server.say(stream(event("Paris"), event(None, "stop"), b'data: {"choices": [], "usage": {}}\n\n'))
    assert says(ServerModel.open(server.url)) == "Paris"


def endless(data: bytes, pause: float = 0.0) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        begin(handler)
        chunk(handler, event("It"))
        while not handler.server.state.over.is_set():  # type: ignore[attr-defined]
            chunk(handler, data)
            time.sleep(pause)

    return answer


def silent(handler: BaseHTTPRequestHandler) -> None:
    handler.server.state.over.wait(10)  # type: ignore[attr-defined]


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A head that never ends."""
    while not handler.server.state.over.is_set():  # type: ignore[attr-defined]
        handler.wfile.write(b"H")
        time.sleep(0.1)


def raw(data: bytes) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(data)

    return answer


def page(status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: send(handler, b"<!doctype html>\n<html>Welcome</html>\n", "text/html", status)


def elsewhere(handler: BaseHTTPRequestHandler) -> None:
    send(handler, b"", "text/plain", 302, Location="http://127.0.0.1:1/v1/chat/completions")


MISBEHAVIOUR: dict[str, tuple[object, str]] = {
    "nothing there": ((404, {}), r"there is nothing at .*/v1/chat/completions \(404\)"),
    "a model that is gone": ((404, {"error": {"message": "model not found"}}), r"refuses \(404\): model not found"),
    "a failure": ((500, {"error": {"message": "out of\nmemory"}}), r"refuses \(500\): out of memory"),
    "a failure without a word": (page(500), r"fails \(500\)"),
    "a long word": ((500, {"error": "x" * 10_000}), r"refuses \(500\): x{197}\.\.\.$"),
    "a redirect": (elsewhere, r"sends us elsewhere \(302\), and redirects are not followed"),
    "a web page": (page(), "answers with a web page where JSON was expected: is it a model server"),
    "other JSON": ({"answer": 42}, "tiny did not answer with a chat completion"),
    "an error with a good status": ({"error": "overloaded"}, "tiny failed: overloaded"),
    "an error in the stream": (stream(event("It"), b'data: {"error": {"message": "lost"}}\n\n'), "tiny failed: lost"),
    "an error event": (stream(event("It"), b'error: {"message": "slot"}\n\n'), "tiny failed: slot"),
    "an error as a line": (stream(b'{"error":\n"late"}\n'), "tiny failed: late"),
    "half a stream": (stream(event("It is"), whole=False), "broke off in the middle of its answer"),
    "an end and nothing before it": (stream(DONE), "broke off in the middle of its answer"),
    "half a stream, ended well": (stream(event("It is")), "broke off in the middle of its answer"),
    "half an event": (stream(event("It")[:-20]), "answers with something else where JSON was expected"),
    "no answer": (lambda handler: None, "broke off in the middle of its answer"),
    "half a head": (raw(b"HTTP/1.1 200 OK\r\nContent-"), "broke off|does not speak HTTP"),
    "no HTTP": (raw(b"220 mail.example ESMTP\r\n"), "does not speak HTTP"),
    "a wrong chunk": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n"),
        "does not speak HTTP|broke off",
    ),
    "a chunk without end": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 30 + b"\r\nxx\r\n"),
        "does not speak HTTP",
    ),
    "a head of many lines": (raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000), "does not speak HTTP"),
    "no UTF-8": (stream(b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n'), "bytes that are not UTF-8"),
    "nested without end": (stream(b"data: " + b"[" * 200_000 + b"\n\n"), "something else where JSON was expected"),
    "a number without end": (stream(b"data: " + b"9" * 500_000 + b"\n\n"), "something else"),
    "choices that are none": (stream(b'data: {"choices": 7}\n\n'), "did not answer with a chat completion"),
    "a choice that is none": (stream(b'data: {"choices": [7]}\n\n'), "did not answer with a chat completion"),
    "a stream without end": (endless(event("on ") * 500), "writes without end"),
    "thoughts without end": (endless(event("", reasoning="on ") * 500), "writes without end"),
    "a line of 100 MB": (endless(b"x" * 100_000), "writes without end"),
    "silence": (silent, "has been silent for 0 s"),
    "silence in the middle": (endless(b": still here\n\n", pause=9), "has been silent for 0 s"),
    "keeping alive for ever": (endless(b": still here\n\n", pause=0.05), "keeps us waiting without saying anything"),
    "a head that never ends": (dripping, "keeps us waiting without saying anything"),
}


TIMED = {"silence", "silence in the middle", "keeping alive for ever", "a head that never ends"}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
def test_whatever_a_server_does_ends_in_one_line(server, monkeypatch, case):
    answer, reason = MISBEHAVIOUR[case]
    if case in TIMED:
        monkeypatch.setattr(http_client, "READ_TIMEOUT", 0.5)
        monkeypatch.setattr(http_client, "PROGRESS_TIMEOUT", 1.2)
    model = ServerModel.open(server.url)
    server.say(answer)
    with pytest.raises(CrystalError, match=reason) as caught:
        says(model)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_an_answer_with_a_few_wrong_bytes(server):
    model = ServerModel.open(server.url)
    events = [event("It is"), event(" Paris.", "stop"), DONE]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in events) + b"0\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    choose = random.Random(5)
    named = 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(choose.randint(1, 3)):
            place = choose.randrange(len(data))
            data[place : place + choose.randint(0, 2)] = choose.choice([b"", b"\xff", b"9" * 20, b"\r\n", b"-1"])
        server.say(raw(bytes(data)))
        try:
            says(model)
        except CrystalError as error:
            named += 1
            assert "\n" not in str(error)
    assert named > 75


@pytest.mark.parametrize(
    "case", ["a web page", "other JSON", "no HTTP", "silence", "a redirect", "a failure", "no answer"]
)
def test_a_server_that_is_none_is_found_out_when_it_is_opened(server, monkeypatch, case):
    monkeypatch.setattr("crystalcli.lm.server.discovery._LIST_TIMEOUTS", (0.3, 1.0))
    server.answers["/v1/models"] = MISBEHAVIOUR[case][0]
    with pytest.raises(CrystalError, match=r"http://127\.0\.0\.1|the server") as caught:
        ServerModel.open(server.url)
    assert "\n" not in str(caught.value)


def test_a_body_too_large(server, monkeypatch):
    monkeypatch.setattr(http_client, "_MAX_BODY", 1000)
    server.answers["/v1/models"] = {"data": [{"id": f"model-{number}"} for number in range(1000)]}
    with pytest.raises(CrystalError, match="answers with more than 0 MB"):
        ServerModel.open(server.url)


def test_a_server_that_is_down():
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with pytest.raises(CrystalError, match=r"cannot reach .*: nothing is listening there; is the server running\?"):
            ServerModel.open(url)


def test_a_server_without_tls(server):
    with pytest.raises(CrystalError, match="it does not speak TLS; does its URL begin with http://"):
        ServerModel.open(server.url.replace("http:", "https:"))


WRONG = {
    "ftp://127.0.0.1/v1": "invalid server URL",
    "http://": "invalid server URL",
    "http:///v1": "invalid server URL",
    "http://127.0.0.1:port/v1": "invalid server URL",
    "http://127.0.0.1:99999/v1": "invalid server URL",
    "http://[::1/v1": "invalid server URL",
    "http://127.0.0.1/v1?key=1": "invalid server URL .*: it may have a scheme",
    "http://127.0.0.1/v1\n#x": "invalid server URL .*: it may have a scheme",
    "http://me:secret@127.0.0.1/v1": "cannot carry a login",
    "http://192.0.2.1/v1": "192.0.2.1 is not this machine",
    "http://0.0.0.0/v1": "0.0.0.0 is not this machine",
    "http://[2001:db8::1]:80/v1": "2001:db8::1 is not this machine",
    "http://[::ffff:192.0.2.1]/v1": "is not this machine",
}


@pytest.mark.parametrize("url", WRONG)
def test_urls_that_are_refused(url):
    with pytest.raises(UsageError, match=WRONG[url]):
        ServerModel.open(url)


def test_names_are_looked_up_once_and_must_mean_this_machine(monkeypatch):
    found = {"here": ["127.0.0.1", "::1"], "there": ["192.0.2.7"], "both": ["127.0.0.1", "192.0.2.7"]}
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host not in found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(None, None, 0, "", (number, 0)) for number in found[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    here = url.parse_url("http://here:8080/v1/")
    assert (here.addresses, here.local, here.path, here.authority) == (("127.0.0.1", "::1"), True, "/v1", "here:8080")
    for name in ("there", "both"):
        with pytest.raises(UsageError, match=f"^{name} .*is not this machine.*--allow-remote"):
            url.parse_url(f"http://{name}/v1")
        assert not url.parse_url(f"https://{name}/v1#m", allow_remote=True).local
    with pytest.raises(CrystalError, match="unknown host nowhere: Name or service not known"):
        url.parse_url("http://nowhere/v1")
    asked.clear()
    assert url.parse_url("http://127.8.9.1/v1").local
    assert url.parse_url("http://[::1]:1/v1").authority == "[::1]:1"
    assert url.parse_url("http://[::ffff:127.0.0.1]/v1").local
    assert asked == []
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    with pytest.raises(CrystalError, match="CRYSTAL_OFFLINE forbids the network"):
        url.parse_url("http://there/v1", allow_remote=True)
    assert url.parse_url("http://here/v1").local


def test_a_name_that_nobody_answers_for(monkeypatch):
    monkeypatch.setattr(url, "_LOOKUP_TIMEOUT", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.5) or [])
    with pytest.raises(CrystalError, match="the look-up of slow took more than 0 s"):
        url.parse_url("http://slow/v1")


TEXTS = [
    "The keeper of the lighthouse at Oldhaven said that the lamp burns 14 litres of oil a night.",
    "1,289,453.75 + 17 = 31/12/2024",
    "def fibonacci(n: int) -> int:\n    if n < 2:\n        return n\n    return fibonacci(n - 1)\n",
    "| a | b |\n|---|---|\n| 1 | 2 |\n" * 5,
]


@pytest.mark.parametrize("text", TEXTS)
def test_estimates_are_rather_too_high(language_model, text):
    tokens = language_model.count(text)
    assert tokens <= token_estimate.estimate_tokens(text) <= 3 * tokens


def test_estimates_for_a_vocabulary_that_does_not_know_the_language(language_model):
    text = "Der Leuchtturmwärter sagte, dass die Lampe jede Nacht vierzehn Liter Öl verbrennt."
    tokens = language_model.count(text)
    assert 0.9 * tokens <= token_estimate.estimate_tokens(text) <= 3 * tokens


@given(st.text(), st.integers(0, 40))
def test_an_estimated_beginning(text, tokens):
    cut = token_estimate.truncate_by_estimate(text, tokens)
    assert text.startswith(cut)
    assert token_estimate.estimate_tokens(cut) <= tokens
    assert cut == text or token_estimate.estimate_tokens(text[: len(cut) + 1]) > tokens


@given(st.text(), st.text())
def test_estimates_add_up(one, other):
    together = token_estimate.estimate_tokens(one + other)
    assert (
        max(token_estimate.estimate_tokens(one), token_estimate.estimate_tokens(other))
        <= together
        <= token_estimate.estimate_tokens(one) + token_estimate.estimate_tokens(other)
    )
