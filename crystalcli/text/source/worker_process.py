"""Readers in a process of their own, which can be stopped: a file that makes one hang, crash or fill the memory costs that file.

Knows processes, pipes and bounds. Does not know what is read. The child is a fresh interpreter, so that it works the same on every
system; it stays for the next file, since starting one takes a tenth of a second. It gets one line of JSON for each job and
answers in messages: a length in four bytes, then JSON. It ends when its standard input does, whatever it is at, so it never
outlives its parent; it has a session of its own, so Ctrl-C is for the parent alone to hear.
"""

from __future__ import annotations

import atexit
import json
import os
import queue
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from crystalcli.errors import Reason, SourceError, UnsteadySourceError
from crystalcli.text.source.file_bytes import FileSurvey
from crystalcli.text.source.read_request import ReadOptions, ReadRequest
from crystalcli.text.source.unforeseen import unforeseen
from crystalcli.types import Fingerprint, Landmark, Reading

AHEAD = 64  # messages that are taken before they are wanted
KEPT = 4  # children that wait for the next file
FILES = 100  # that one child reads; then a fresh one takes its place, whatever the libraries have piled up
STARTING = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from crystalcli.text.source.worker_process import serve; serve(int(sys.argv[2]))"


@dataclass(frozen=True, slots=True)
class Bounds:
    """silence: seconds without a sign of life; seconds: in all, not counting what the parent does meanwhile; memory: bytes."""

    silence: float = 60.0
    seconds: float = 600.0
    memory: int = 7 << 27


BOUNDS = Bounds()


class WorkerReading:
    """A Reading of another process. `reader`: its "module:Class" in this room, as in readers.READERS."""

    def __init__(self, asked: ReadRequest, reader: str, bounds: Bounds = BOUNDS) -> None:
        self.kind = asked.kind
        self._job = {"reader": reader, **_packed(asked)}
        self._bounds = bounds
        self._title: str | None = None
        self._messages: Generator[Any, None, None] | None = None
        self._error: SourceError | None = None

    @property
    def title(self) -> str:
        """What the document calls itself, or "". That it cannot be read is for `pieces` to say."""
        if self._title is None:
            self._title = ""
            self._messages = _begun(self._job, self._bounds)
            try:
                self._title = str(next(self._messages))
            except SourceError as error:
                self._error = error
        return self._title

    def pieces(self) -> Iterator[str | Landmark]:
        """The text and its landmarks, as the reader in the other process gives them."""
        _ = self.title
        if self._error is not None:
            raise self._error
        assert self._messages is not None
        for message in self._messages:
            if isinstance(message, str):
                if message:  # an empty one is a sign of life
                    yield message
            else:
                yield Landmark(*message)


def worker_values(
    asked: ReadRequest, function: str, first: int, end: int, bounds: Bounds = BOUNDS
) -> Generator[Any, None, None]:
    """What `function`, a "module:function" in this room, yields for a part of a file, made in another process from now on.

    It is called with asked, first and end, and yields what JSON can say. Raises SourceError while iterating.
    """
    return _begun({"function": function, "first": first, "end": end, **_packed(asked)}, bounds)


# --- this side ------------------------------------------------------------------------------------


class _Child:
    """A process that reads one file at a time."""

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.files = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", STARTING, json.dumps(sys.path), str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not for the child; Windows has no sessions, and a signal of its own for that
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self.process.stdout is not None
        self.messages: queue.Queue[Any] = queue.Queue(AHEAD)
        self._listener = threading.Thread(target=_listen, args=(self.process.stdout, self.messages), daemon=True)
        self._listener.start()
        _living.add(self)

    def tell(self, job: Any) -> None:
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it is dead, which is noticed where its answer is waited for

    def stop(self) -> None:
        """End it, whatever it is doing."""
        _living.discard(self)
        self.process.kill()
        self.process.wait()
        while True:  # the listener may wait for room
            try:
                if self.messages.get(timeout=1.0) is None:
                    break
            except queue.Empty:
                break
        for stream in (self.process.stdin, self.process.stdout):
            try:
                assert stream is not None
                stream.close()
            except OSError:
                pass


_idle: list[_Child] = []
_living: weakref.WeakSet[_Child] = weakref.WeakSet()


@atexit.register
def dismiss() -> None:
    """End the children that wait for the next file, and those that are reading."""
    _idle.clear()
    for child in list(_living):
        child.stop()


def _listen(stream: IO[bytes], messages: queue.Queue[Any]) -> None:
    """Take messages until there are no more; then None."""
    try:
        while len(head := stream.read(4)) == 4:
            size = int.from_bytes(head, "big")
            data = stream.read(size)
            if len(data) < size:
                break
            messages.put(json.loads(data))
    except (OSError, ValueError):
        pass
    messages.put(None)


def _idle_child(memory: int) -> _Child:
    while _idle:
        child = _idle.pop()
        if child.memory == memory and child.process.poll() is None:
            return child
        child.stop()
    return _Child(memory)


def _begun(job: dict[str, Any], bounds: Bounds) -> Generator[Any, None, None]:
    """The values that a child answers with; it is at work before the first is asked for."""
    answers = _answers(job, bounds)
    next(answers)
    return answers


def _answers(job: dict[str, Any], bounds: Bounds) -> Generator[Any, None, None]:
    """None once the child has its job, then the values that it answers with. Raises SourceError."""
    child = _idle_child(bounds.memory)
    is_whole = False
    try:
        child.tell(job)
        child.files += 1
        yield None
        waited = 0.0
        while True:
            message, seconds = _next_message(child, bounds, waited)
            waited += seconds
            if "value" in message:
                yield message["value"]
            else:
                is_whole = True
                if "error" in message:
                    error = UnsteadySourceError if message["unsteady"] else SourceError
                    raise error(message["error"], Reason(message["code"]))
                return
    finally:
        if is_whole and child.files < FILES and len(_idle) < KEPT:
            _idle.append(child)
        else:
            child.stop()


def _next_message(child: _Child, bounds: Bounds, waited: float) -> tuple[dict[str, Any], float]:
    """What the child says next, and how long that took. Raises SourceError when it is dead or takes too long."""
    began = time.monotonic()
    while True:
        spent = time.monotonic() - began
        left = min(bounds.silence - spent, bounds.seconds - waited - spent)
        if left <= 0:
            most = bounds.silence if spent >= bounds.silence else bounds.seconds
            raise SourceError(f"takes too long to read (stopped after {most:.0f} s)", Reason.OUT_OF_TIME)
        try:
            message = child.messages.get(timeout=min(left, 0.5))  # so that Ctrl-C is heard on every system
        except queue.Empty:
            continue
        if message is None:
            child.messages.put(None)  # for `stop`
            raise SourceError("damaged, or too large: the reader broke down over it", Reason.READER_CRASHED)
        return message, time.monotonic() - began


def _packed(asked: ReadRequest) -> dict[str, Any]:
    mark = asked.seen.fingerprint
    return {
        "path": os.fspath(asked.path.absolute()),
        "kind": asked.kind,
        "fingerprint": [mark.size, mark.mtime_ns, mark.digest.hex()],
        "encoding": asked.seen.encoding,
        "head": asked.seen.head.hex(),
        "options": asdict(asked.options),
    }


# --- the other side -------------------------------------------------------------------------------


def serve(memory: int) -> None:
    """What the child does: read files until standard input ends."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bound_memory(memory)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(jobs,), daemon=True).start()
    while True:
        _do(jobs.get(), answers)


def _hear(jobs: queue.SimpleQueue[Any]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(json.loads(line))
    os._exit(0)  # the parent is gone, or wants no more


def _do(job: dict[str, Any], answers: IO[bytes]) -> None:
    """Read one file, or a part of it, and say what is in it."""
    try:
        module, name = job["function" if "function" in job else "reader"].split(":")
        target = getattr(import_module(f"crystalcli.text.{module}"), name)
        if "function" in job:
            for value in target(_asked(job), job["first"], job["end"]):
                _say(answers, {"value": value})
            _say(answers, {"end": True})
            return
        reading: Reading = target(_asked(job))
        _say(answers, {"value": reading.title})
        for piece in reading.pieces():
            if isinstance(piece, str):
                _say(answers, {"value": piece})
            else:
                _say(answers, {"value": [piece.start, piece.kind, piece.label]})
        _say(answers, {"end": True})
    except Exception as error:
        refusal = unforeseen(error)
        unsteady = isinstance(refusal, UnsteadySourceError)
        _say(answers, {"error": str(refusal), "code": refusal.code, "unsteady": unsteady})


def _asked(job: dict[str, Any]) -> ReadRequest:
    size, mtime_ns, digest = job["fingerprint"]
    seen = FileSurvey(Fingerprint(size, mtime_ns, bytes.fromhex(digest)), job["encoding"], bytes.fromhex(job["head"]))
    return ReadRequest(Path(job["path"]), seen, job["kind"], ReadOptions(**job["options"]))


def _say(answers: IO[bytes], message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    answers.write(len(data).to_bytes(4, "big") + data)
    answers.flush()


def _bound_memory(memory: int) -> None:
    """Set the most that this process may take, where the system has such a bound."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, AttributeError, OSError, ValueError):
        pass
