"""How real servers answer, as they were seen to: llama.cpp's own (2026-10), llama-cpp-python 0.3.36, `transformers serve` 5.23.

Ollama and LM Studio are as their makers describe them. Each is a set of answers by path, for `chat_server.Server.answers`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler

from support.chat_server import DONE, event, send, stream

CHAT = "/v1/chat/completions"
PLACE = "/home/her/models/Small-135M.Q4_1.gguf"  # llama.cpp calls a model by its file's path, unless told otherwise


def _error(status: int, message: str, kind: str, **more: object) -> tuple[int, object]:
    return status, {"error": {"code": status, "message": message, "type": kind, **more}}


def _line(**fields: object) -> bytes:
    return b"data: " + json.dumps(fields).encode() + b"\n\n"


def said(*words: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """llama.cpp's stream: who speaks, with null for words; the words; the end, with no words at all and how long it took."""
    end = _line(choices=[{"finish_reason": "stop", "index": 0, "delta": {}}], timings={"predicted_n": len(words)})
    return stream(event(None, role="assistant"), *map(event, words), end, DONE)


def _in_their_own_time(*words: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """transformers' stream: no mark at its end."""
    end = _line(choices=[{"delta": {}, "index": 0, "finish_reason": "stop"}], usage={"total_tokens": 35})
    return stream(_line(choices=[{"delta": {"role": "assistant"}, "index": 0}]), *map(event, words), end)


def _unless_streamed(refusal: tuple[int, object]) -> Callable[[BaseHTTPRequestHandler], None]:
    """llama-cpp-python: what goes wrong before the first word of a stream leaves it empty."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.server.state.asked[-1][2]["stream"]:  # type: ignore[attr-defined]
            stream()(handler)
        else:
            send(handler, json.dumps(refusal[1]).encode(), "application/json", refusal[0])

    return answer


LLAMA_CPP: Mapping[str, object] = {
    "/v1/models": {
        "models": [{"name": PLACE, "model": PLACE, "capabilities": ["completion"]}],
        "object": "list",
        "data": [
            {
                "id": PLACE,
                "aliases": [PLACE, "tiny"],
                "object": "model",
                "owned_by": "llamacpp",
                "meta": {"n_vocab": 49152, "n_ctx": 2048, "n_ctx_train": 8192, "n_params": 134515008},
            }
        ],
    },
    "/props": {"default_generation_settings": {"n_ctx": 2048}, "total_slots": 2, "model_alias": PLACE},
    CHAT: said("It is", " Paris."),
}
LLAMA_CPP_TOO_LONG = _error(
    400,
    "request (9032 tokens) exceeds the available context size (2048 tokens), try increasing it",
    "exceed_context_size_error",
    n_prompt_tokens=9032,
    n_ctx=2048,
)
LLAMA_CPP_LOADING = _error(503, "Loading model", "unavailable_error")
LLAMA_CPP_NO_KEY = _error(401, "Invalid API Key", "authentication_error")
LLAMA_CPP_NOWHERE = _error(404, "File Not Found", "not_found_error")
LLAMA_CPP_SEVERAL: Mapping[str, object] = {
    "/v1/models": {
        "data": [
            {"id": "large", "object": "model", "status": {"value": "unloaded"}},
            {"id": "small", "object": "model", "status": {"value": "loaded"}},
        ],
        "object": "list",
    },
    "/props": {"default_generation_settings": {"n_ctx": 0}},
}

LLAMA_CPP_PYTHON: Mapping[str, object] = {
    "/v1/models": {"object": "list", "data": [{"id": PLACE, "object": "model", "owned_by": "me", "permissions": []}]},
    CHAT: said("It is", " Paris."),
}
LLAMA_CPP_PYTHON_TOO_LONG = _unless_streamed(
    _error(
        400,
        "This model's maximum context length is 2048 tokens. However, you requested 2333 tokens (2313 in the messages, 20 in the "
        "completion). Please reduce the length of the messages or completion.",
        "invalid_request_error",
        param="messages",
    )
)

TRANSFORMERS: Mapping[str, object] = {
    "/v1/models": {"object": "list", "data": []},  # what is in its cache, and not what it was started with
    CHAT: _in_their_own_time("It is", " Paris."),
}
TRANSFORMERS_PINNED = (400, {"detail": "Server is pinned to '/home/her/random'; requested 'tiny'."})
TRANSFORMERS_FIELDS = (422, {"detail": "Unexpected fields in the request: {'foo'}"})

OLLAMA: Mapping[str, object] = {
    "/v1/models": {
        "object": "list",
        "data": [
            {"id": "large:70b", "object": "model", "owned_by": "library"},
            {"id": "small:latest", "object": "model", "owned_by": "library"},
        ],
    },
    "/api/ps": {"models": [{"name": "small:latest", "model": "small:latest", "context_length": 8192}]},
    "/api/show": {
        "parameters": 'num_ctx                        16384\nstop                           "<|im_end|>"',
        "model_info": {"general.architecture": "llama", "llama.context_length": 131072},
    },
    CHAT: said("It is", " Paris."),
}
OLLAMA_NOT_PULLED = (404, {"error": {"message": 'model "tiny" not found, try pulling it first', "type": "api_error"}})

LM_STUDIO: Mapping[str, object] = {
    "/v1/models": {
        "data": [{"id": name, "object": "model"} for name in ("text-embedding-nomic", "large", "small")],
        "object": "list",
    },
    "/api/v0/models": {
        "object": "list",
        "data": [
            {"id": "text-embedding-nomic", "type": "embeddings", "state": "loaded", "max_context_length": 2048},
            {"id": "large", "type": "llm", "state": "not-loaded", "max_context_length": 131072},
            {
                "id": "small",
                "type": "llm",
                "state": "loaded",
                "max_context_length": 131072,
                "loaded_context_length": 6000,
            },
        ],
    },
    "/props": {"error": "Unexpected endpoint or method. (GET /props). Returning 200 anyway"},
    CHAT: said("It is", " Paris."),
}
