"""Readers in a child process: a file that makes one hang, crash or fill the memory is stopped.

Knows processes, pipes and bounds. Does not know what is read.

The child is a fresh interpreter, so that it works the same on every system; it stays for the next
file, since starting one takes a tenth of a second. It gets one line of JSON for each job and
answers in messages: a length in four bytes, then JSON. It ends when its standard input does, even
in the middle of a job, so it never outlives its parent; it has a session of its own, so Ctrl-C
reaches the parent alone.
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

from crystalcli.datatypes import Fingerprint, Landmark, Reading
from crystalcli.errors import Reason, SourceError, UnsteadySourceError
from crystalcli.text.source.file_bytes import FileSurvey
from crystalcli.text.source.read_request import ReadOptions, ReadRequest
from crystalcli.text.source.unforeseen import unforeseen

QUEUED_MESSAGES = 64  # read from a child before they are asked for
IDLE_CHILDREN = 4  # that wait for the next file
FILES_PER_CHILD = 100  # then a fresh one takes its place, since libraries may leak memory
CHILD_PROGRAM = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from crystalcli.text.source.worker_process import serve; serve(int(sys.argv[2]))"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits on the work of a child process.

    Attributes:
        silence: seconds without a sign of life.
        seconds: in all, not counting the time that the parent takes meanwhile.
        memory: bytes.
    """

    silence: float = 60.0
    seconds: float = 600.0
    memory: int = 7 << 27


DEFAULT_BOUNDS = Bounds()
# Recognizing letters takes seconds a page and its networks' memory; a book has a thousand pages.
OCR_BOUNDS = Bounds(silence=300.0, seconds=4 * 3600.0, memory=3 << 30)


class WorkerReading:
    """A Reading in another process.

    Args:
        request: the file to read.
        reader: its "module:Class" in this room, as in readers.READERS.
        bounds: limits on the process.
    """

    def __init__(self, request: ReadRequest, reader: str, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self.kind = request.kind
        self._job = {"reader": reader, **_request_fields(request)}
        self._bounds = bounds
        self._title: str | None = None
        self._messages: Generator[Any, None, None] | None = None
        self._error: SourceError | None = None

    @property
    def title(self) -> str:
        """The document's own title, or ""; an error is left for `pieces` to raise."""
        if self._title is None:
            self._title = ""
            self._messages = _start_job(self._job, self._bounds)
            try:
                self._title = str(next(self._messages))
            except SourceError as error:
                self._error = error
        return self._title

    def pieces(self) -> Iterator[str | Landmark]:
        """The text and its landmarks, as the reader in the other process yields them."""
        _ = self.title
        if self._error is not None:
            raise self._error
        assert self._messages is not None
        for message in self._messages:
            if isinstance(message, str):
                if message:  # an empty text is only a sign of life
                    yield message
            else:
                yield Landmark(*message)


def worker_values(
    request: ReadRequest, function: str, first: int, end: int, bounds: Bounds = DEFAULT_BOUNDS
) -> Generator[Any, None, None]:
    """Run a function over a part of a file in another process, which begins at once.

    Args:
        request: the file.
        function: "module:function" in this room; called with request, first and end, it yields
            values that JSON can hold.
        first: the first page or other unit of the part.
        end: the unit after the last.
        bounds: limits on the process.

    Returns:
        The values that the function yields. Iterating raises SourceError.
    """
    return _start_job({"function": function, "first": first, "end": end, **_request_fields(request)}, bounds)


# --- the parent's side ----------------------------------------------------------------------------


class _Child:
    """A process that reads one file at a time.

    Args:
        memory: bytes that it may take.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.files = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD_PROGRAM, json.dumps(sys.path), str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C must not reach the child; Windows, which has no sessions, has a flag for that.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self.process.stdout is not None
        self.messages: queue.Queue[Any] = queue.Queue(QUEUED_MESSAGES)
        self._listener = threading.Thread(target=_read_messages, args=(self.process.stdout, self.messages), daemon=True)
        self._listener.start()
        _living.add(self)

    def send(self, job: dict[str, Any]) -> None:
        """Send a job. A dead child is noticed later, where its answer is waited for."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            pass

    def stop(self) -> None:
        """End the process, even in the middle of a job."""
        _living.discard(self)
        self.process.kill()
        self.process.wait()
        while True:  # the listener may be waiting for room in the queue
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
    """End all child processes: those that wait for the next file, and those that are reading."""
    children = list(_living)  # before those that wait lose their last reference
    _idle.clear()
    for child in children:
        child.stop()


def dismiss_large() -> None:
    """End the child processes that wait for the next file and may take more memory than usual."""
    for child in [child for child in _idle if child.memory > DEFAULT_BOUNDS.memory]:
        _idle.remove(child)
        child.stop()


def _read_messages(stream: IO[bytes], messages: queue.Queue[Any]) -> None:
    """Put every message of a child into a queue, then None; the work of a thread."""
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


def _start_job(job: dict[str, Any], bounds: Bounds) -> Generator[Any, None, None]:
    """Start a job at once; the generator yields its values."""
    answers = _answers(job, bounds)
    next(answers)
    return answers


def _answers(job: dict[str, Any], bounds: Bounds) -> Generator[Any, None, None]:
    """None once the child has its job, then the job's values.

    Raises:
        SourceError: The file cannot be read, or the child is dead or takes too long.
    """
    child = _idle_child(bounds.memory)
    is_finished = False
    try:
        child.send(job)
        child.files += 1
        yield None
        waited = 0.0
        while True:
            message, seconds = _next_message(child, bounds, waited)
            waited += seconds
            if "value" in message:
                yield message["value"]
            else:
                is_finished = True
                if "error" in message:
                    error_class = UnsteadySourceError if message["unsteady"] else SourceError
                    raise error_class(message["error"], Reason(message["code"]))
                return
    finally:
        if is_finished and child.files < FILES_PER_CHILD and len(_idle) < IDLE_CHILDREN:
            _idle.append(child)
        else:
            child.stop()


def _next_message(child: _Child, bounds: Bounds, waited: float) -> tuple[dict[str, Any], float]:
    """The child's next message.

    Args:
        child: the child.
        bounds: limits on its work.
        waited: seconds waited for earlier messages of the job.

    Returns:
        The message, and the seconds waited for it.

    Raises:
        SourceError: The child is dead or takes too long.
    """
    began = time.monotonic()
    while True:
        spent = time.monotonic() - began
        remaining = min(bounds.silence - spent, bounds.seconds - waited - spent)
        if remaining <= 0:
            limit = bounds.silence if spent >= bounds.silence else bounds.seconds
            raise SourceError(f"takes too long to read (stopped after {limit:.0f} s)", Reason.OUT_OF_TIME)
        try:
            # Short waits, so that Ctrl-C is noticed on every system.
            message = child.messages.get(timeout=min(remaining, 0.5))
        except queue.Empty:
            continue
        if message is None:
            child.messages.put(None)  # `stop` looks for it
            raise SourceError("damaged, or too large: the reader broke down over it", Reason.READER_CRASHED)
        return message, time.monotonic() - began


def _request_fields(request: ReadRequest) -> dict[str, Any]:
    """A request as JSON; `_read_request` is the reverse."""
    fingerprint = request.seen.fingerprint
    return {
        "path": os.fspath(request.path.absolute()),
        "kind": request.kind,
        "fingerprint": [fingerprint.size, fingerprint.mtime_ns, fingerprint.digest.hex()],
        "encoding": request.seen.encoding,
        "head": request.seen.head.hex(),
        "options": asdict(request.options),
    }


# --- the child's side -----------------------------------------------------------------------------


def serve(memory: int) -> None:
    """Read files until standard input ends; the child's main function.

    Args:
        memory: bytes that the process may take.
    """
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _bound_memory(memory)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # text that a library prints must not mix with the answers
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    while True:
        _run_job(jobs.get(), answers)


def _read_jobs(jobs: queue.SimpleQueue[Any]) -> None:
    """Put every job into a queue, then end the process; the work of a thread."""
    for line in sys.stdin.buffer:
        jobs.put(json.loads(line))
    os._exit(0)  # the parent has ended, or needs no more answers


def _run_job(job: dict[str, Any], answers: IO[bytes]) -> None:
    """Read one file, or a part of it, and write its values as messages."""
    try:
        module, name = job["function" if "function" in job else "reader"].split(":")
        target = getattr(import_module(f"crystalcli.text.{module}"), name)
        if "function" in job:
            for value in target(_read_request(job), job["first"], job["end"]):
                _send_message(answers, {"value": value})
            _send_message(answers, {"end": True})
            return
        reading: Reading = target(_read_request(job))
        _send_message(answers, {"value": reading.title})
        for piece in reading.pieces():
            if isinstance(piece, str):
                _send_message(answers, {"value": piece})
            else:
                _send_message(answers, {"value": [piece.start, piece.kind, piece.label]})
        _send_message(answers, {"end": True})
    except Exception as error:
        source_error = unforeseen(error)
        unsteady = isinstance(source_error, UnsteadySourceError)
        _send_message(answers, {"error": str(source_error), "code": source_error.code, "unsteady": unsteady})


def _read_request(job: dict[str, Any]) -> ReadRequest:
    """The request of a job, from the fields that `_request_fields` made."""
    size, mtime_ns, digest = job["fingerprint"]
    survey = FileSurvey(Fingerprint(size, mtime_ns, bytes.fromhex(digest)), job["encoding"], bytes.fromhex(job["head"]))
    return ReadRequest(Path(job["path"]), survey, job["kind"], ReadOptions(**job["options"]))


def _send_message(answers: IO[bytes], message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    answers.write(len(data).to_bytes(4, "big") + data)
    answers.flush()


def _bound_memory(memory: int) -> None:
    """Limit the memory of this process, where the system supports that."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    except (ImportError, AttributeError, OSError, ValueError):
        pass
