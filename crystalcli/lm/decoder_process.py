"""A decoder in a process of its own, which starts while the caller does something else.

To import torch and to open the weights takes longer than to recall passages, and in one process the
two would wait for each other, since one thread at a time runs Python. Token ids cross the pipe, so
that the child needs no vocabulary.

Knows: pipes, how a child ends. Does not know: text, how ids are computed.

The child is a fresh interpreter in a process group of its own, so that Ctrl-C reaches the parent
alone; in a session of its own its niceness would count for nothing, since Linux shares processors
out by sessions first. It ends when its standard input does. Both sides write lines of JSON.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from crystalcli.errors import CrystalError

if TYPE_CHECKING:
    from crystalcli.datatypes import Sampling
    from crystalcli.lm.decoder.token_generator import TokenGenerator

# Recall and its reranker go first: at 3 the evidence came a quarter later than without a process,
# at 10 a twentieth.
_NICENESS = 10
_CHILD_PROGRAM = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from crystalcli.lm.decoder_process import serve_decoder; serve_decoder(*sys.argv[2:])"
)


class DecoderProcess:
    """A process that loads the weights of a GGUF file at once, and generates from prompts of ids.

    Its methods may be called from several threads; one text is generated at a time.

    Args:
        path: The file.
        cache: As in `LanguageModel.open`.
    """

    def __init__(self, path: Path, cache: Path | None) -> None:
        self._name = path.stem
        self._number = 0  # of the last request
        self._is_busy = False  # whether the child is still at the last request
        self._generating = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD_PROGRAM, json.dumps(sys.path), str(path.absolute()), str(cache or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0 if os.name == "posix" else None,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def generate(self, prompt: Sequence[int], sampling: Sampling, end_ids: Set[int]) -> Iterator[int]:
        """Generate as `TokenGenerator.generate` does.

        Raises:
            CrystalError: While iterating: as there, or the process has ended.
        """
        with self._generating:
            while self._is_busy:  # with a text that nobody wants any more
                self._next_id()
            self._number += 1
            request = {"number": self._number, "prompt": list(prompt), "end_ids": sorted(end_ids)}
            self._send({**request, "sampling": asdict(sampling)})
            self._is_busy = True
            try:
                while (number := self._next_id()) is not None:
                    yield number
            except GeneratorExit:
                self._send({"stop": self._number})
                raise
            except BaseException:
                if self._is_busy:  # an answer was read in part
                    self.close()
                raise

    def close(self) -> None:
        """End the process, even while it computes."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(OSError):
                stream.close()

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):  # a child that has ended is noticed where its answer is awaited
            _write(self._process.stdin, message)

    def _next_id(self) -> int | None:
        """Wait for the next id of the last request; None at its end."""
        assert self._process.stdout is not None
        try:
            message: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (OSError, ValueError):
            raise CrystalError(
                f"the process that runs {self._name} has ended: there may be too little memory; try a smaller model"
            ) from None
        if "id" in message:
            return int(message["id"])
        self._is_busy = False
        if "error" in message:
            raise CrystalError(message["error"])
        return None


# --- the child's side -----------------------------------------------------------------------------


def serve_decoder(path: str, cache: str) -> None:
    """Load the weights, and generate for each request until standard input ends.

    Args:
        path: The GGUF file.
        cache: Folder for a converted copy of the weights; "": none.
    """
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # libraries that print disturb nothing
    requests = _Requests(sys.stdin.buffer)
    try:
        generator = _open(Path(path), Path(cache) if cache else None)
    except CrystalError as error:
        for _ in requests:
            _write(answers, {"error": str(error)})
        return
    threading.Thread(target=_load, args=(generator,), name="loading", daemon=True).start()
    for request in requests:
        try:
            for number in _generated(generator, request):
                _write(answers, {"id": number})
                if requests.stopped >= request["number"]:
                    break
            _write(answers, {})
        except CrystalError as error:
            _write(answers, {"error": str(error)})
        except MemoryError:
            _write(answers, {"error": f"{Path(path).stem} needs more memory than there is: take a smaller model"})


class _Requests:
    """The requests on a stream, read by a thread; the process ends with the stream.

    Attributes:
        stopped: The number of the last request that is wanted no more.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self.stopped = 0
        self._stream = stream
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, name="requests", daemon=True).start()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            yield self._waiting.get()

    def _listen(self) -> None:
        for line in self._stream:
            message = json.loads(line)
            if "stop" in message:
                self.stopped = message["stop"]
            else:
                self._waiting.put(message)
        os._exit(0)  # even in the middle of a prompt


def _open(path: Path, cache: Path | None) -> TokenGenerator:
    from crystalcli.lm.decoder.decoder_config import DecoderConfig
    from crystalcli.lm.decoder.token_generator import TokenGenerator
    from crystalcli.lm.files.gguf import GGUF

    file = GGUF(path)
    return TokenGenerator(file, DecoderConfig.from_gguf(file), path.stem, cache=cache)


def _load(generator: TokenGenerator) -> None:
    if sys.platform == "linux":  # where a thread has a niceness of its own
        with suppress(OSError):
            niceness = os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
    with suppress(CrystalError, MemoryError):  # comes again with the first request
        generator.load()


def _generated(generator: TokenGenerator, request: Mapping[str, Any]) -> Iterator[int]:
    from crystalcli.datatypes import Sampling

    return generator.generate(request["prompt"], Sampling(**request["sampling"]), frozenset(request["end_ids"]))


# --- messages -------------------------------------------------------------------------------------


def _write(stream: IO[bytes], message: Mapping[str, Any]) -> None:
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()
