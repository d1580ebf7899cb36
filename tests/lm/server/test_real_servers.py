"""Real servers of other makers, where they are installed: `llama-server` on the path, xllamacpp, llama-cpp-python[server]."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.waiting import until

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.lm.server.server_model import ServerModel

pytestmark = pytest.mark.slow

CONTEXT = 1024
LLAMA_SERVER = shutil.which("llama-server")
XLLAMACPP = """
import sys, threading, xllamacpp
given = xllamacpp.CommonParams()
given.model.path, given.port, given.n_ctx = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
given.hostnames, given.n_parallel = ["127.0.0.1"], 1
server = xllamacpp.Server(given)
threading.Event().wait()
"""
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


def _command(kind: str, model: Path, port: int) -> list[str]:
    """How that server is started. Skips the test when it is not here."""
    place, number, context = str(model), str(port), str(CONTEXT)
    if kind == "llama-server" and LLAMA_SERVER:
        return [LLAMA_SERVER, "-m", place, "--host", "127.0.0.1", "--port", number, "-c", context, "-np", "1"]
    if kind == "xllamacpp" and importlib.util.find_spec("xllamacpp"):
        return [sys.executable, "-c", XLLAMACPP, place, number, context]
    if kind == "llama_cpp" and importlib.util.find_spec("llama_cpp") and importlib.util.find_spec("fastapi"):
        server = [sys.executable, "-m", "llama_cpp.server", "--model", place, "--host", "127.0.0.1"]
        return [*server, "--port", number, "--n_ctx", context]
    pytest.skip(f"{kind} is not installed here")


class Served(str):
    """A server's URL, and its process."""

    process: subprocess.Popen[bytes]


def spent(served: Served) -> float:
    """Seconds of processors that the server has used, which do not depend on what else the machine does."""
    times = psutil.Process(served.process.pid).cpu_times()
    return float(times.user + times.system)


@pytest.fixture(scope="module", params=["llama-server", "xllamacpp", "llama_cpp"])
def served(request: pytest.FixtureRequest, language_model_path: Path) -> Iterator[Served]:
    """A server of the default model."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = _command(request.param, language_model_path, port)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            served = Served(_ready(f"http://127.0.0.1:{port}/v1", child))
            served.process = child
            yield served
        finally:
            child.kill()


def _ready(url: str, child: subprocess.Popen[bytes]) -> str:
    def answers() -> bool:
        try:
            ServerModel.open(url)
        except CrystalError as error:
            assert any(word in str(error) for word in ("nothing is listening", "Loading model", "broke off")), error
            assert child.poll() is None
            return False
        return True

    until(answers)
    return url


def test_it_answers_in_pieces(served):
    model = ServerModel.open(served)
    assert model.name.startswith("SmolLM2-135M-Instruct")
    assert model.context_length in (CONTEXT, 4096)  # 4,096 where it does not say
    pieces = list(model.say(QUESTION, Sampling(max_tokens=24)))
    assert len(pieces) > 2
    assert "".join(model.say(QUESTION, Sampling(max_tokens=24))) == "".join(
        pieces
    )  # what it says with this model's rounding is its own
    assert len("".join(model.say(QUESTION, Sampling(max_tokens=24, stop=[pieces[-1]])))) < len("".join(pieces))


def test_it_stops_where_it_is_no_longer_heard(served):
    long = [{"role": "user", "content": "Write down the numbers from one to a hundred, one to a line."}]
    model = ServerModel.open(served)
    pieces = model.say(long, Sampling(max_tokens=700))
    assert next(pieces)
    before = spent(served)
    for _ in range(20):
        next(pieces)
    twenty = spent(served) - before
    pieces.close()
    before = spent(served)
    assert "".join(model.say(QUESTION, Sampling(max_tokens=2)))
    assert spent(served) - before < 15 * twenty  # the rest of the other answer would have been 34 times as much


def test_more_than_it_can_take_ends_in_one_line(served):
    model = ServerModel.open(served)
    model._context = 1 << 20  # as if nothing had been said of it
    with pytest.raises(CrystalError, match=r"refuses \(400\): .*context.*: give it less context \(--budget\)$"):
        "".join(model.say([{"role": "user", "content": "tide " * 2000}], Sampling(max_tokens=8)))


def test_a_model_that_it_does_not_have(served):
    with pytest.raises(ModelMissingError, match=r"has no model called 'nobody': it has SmolLM2-135M-Instruct"):
        ServerModel.open(f"{served}#nobody")
