"""Layers made by several processes, each with one thread and weights of its own.

A child gets the number of a segment, reads its text from the crystal by itself, and answers with
the codes. It writes nothing: the parent commits. It is a fresh interpreter in a session of its own,
so that Ctrl-C reaches the parent alone, and it ends when its standard input does. Of a child that
is killed the segment is given to another one.

Knows: pipes, segments. Does not know: how codes are made, locks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from crystalcli.errors import CrystalError
from crystalcli.index.encoder import Encoder, open_encoder
from crystalcli.index.fill import (
    SegmentText,
    codec_of,
    newest_without_layers,
    read_segment,
    store_layers,
    tell_progress,
)
from crystalcli.index.layer_encoder import LayerCodes, LayerEncoder
from crystalcli.storage import SegmentRow, Store

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from crystalcli.datatypes import Progress

CHILD_MEMORY = 450 << 20  # bytes that a child takes, most of it weights and torch
_AHEAD = 2  # segments for each child that are read or wait: none is idle while another commits
_TRIES = 3  # at a segment, each by another child
_CHILD_PROGRAM = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from crystalcli.index.encoder_processes import serve_segments; serve_segments(*sys.argv[2:])"
)


class EncodedSegment(NamedTuple):
    """The layers of a segment, as a child made them.

    Attributes:
        text: The segment, and the digest of the text that was encoded.
        codes: The codes.
    """

    text: SegmentText
    codes: LayerCodes


class _Child:
    """A process that encodes one segment at a time."""

    def __init__(self, crystal: Path, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD_PROGRAM, json.dumps(sys.path), str(crystal.absolute()), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def encode(self, row: SegmentRow) -> EncodedSegment | None:
        """Encode a segment; None where it is no longer there.

        Raises:
            EOFError: The child has ended.
            CrystalError: The child cannot read or encode it.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            _send(self.process.stdin, {"segment": list(row)})
            answer = _receive(self.process.stdout)
            if "error" in answer:
                raise CrystalError(f"layers cannot be made: {answer['error']}")
            if "sizes" not in answer:
                return None
            digest, *parts = (_exactly(self.process.stdout, size) for size in answer["sizes"])
        except OSError as error:
            raise EOFError from error
        codes = LayerCodes(*parts)
        codes.fidelity = {name: (nodes, total) for name, (nodes, total) in answer["fidelity"].items()}
        return EncodedSegment(SegmentText(row, digest, [], []), codes)

    def stop(self) -> None:
        """End the process at once."""
        self.process.kill()
        self.process.wait()


class EncoderProcesses:
    """Processes that encode segments of one crystal. A context manager, which ends them.

    Args:
        crystal: The crystal.
        encoder: Its encoder, whose weights are here.
        jobs: The number of processes.
    """

    def __init__(self, crystal: Path, encoder: Encoder, jobs: int) -> None:
        assert encoder.folder is not None
        self.jobs = jobs
        self._crystal, self._folder = crystal, encoder.folder
        self._lock = threading.Lock()
        self._closed = False
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._threads = ThreadPoolExecutor(jobs)  # each waits for a child

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            self._closed = True
            for child in self._children:
                child.stop()
        self._threads.shutdown()

    def submit(self, row: SegmentRow) -> Future[EncodedSegment | None]:
        """Encode a segment as soon as a process is free."""
        return self._threads.submit(self._encode, row)

    def _encode(self, row: SegmentRow) -> EncodedSegment | None:
        for _ in range(_TRIES):
            child = self._free_child()
            try:
                encoded = child.encode(row)
            except EOFError:  # it was killed, or ran out of memory
                with self._lock:
                    child.stop()
                    self._children.discard(child)
                continue
            with self._lock:
                self._idle.append(child)
            return encoded
        raise CrystalError(f"{_TRIES} processes have ended while they made layers: try --jobs 1")

    def _free_child(self) -> _Child:
        with self._lock:
            if self._closed:
                raise CrystalError("stopped")
            if self._idle:
                return self._idle.pop()
            child = _Child(self._crystal, self._folder)
            self._children.add(child)
            return child


def fill_layers_by_processes(
    current: Callable[[], Store],
    writing: Callable[[], AbstractContextManager[Store]],
    processes: EncoderProcesses,
    progress: Callable[[Progress], None] | None = None,
) -> int:
    """Make the layers of all segments without them, several at a time; see `fill_layers_in_turns`.

    Segments are committed in the order in which one process would, so that the crystal is the same.

    Args:
        current: Gives the open crystal as of now.
        writing: Locks the crystal and opens it for writing; waits for other programs.
        processes: The processes that encode.
        progress: Called before the first segment and after each one.

    Returns:
        The number of tokens that were encoded.
    """
    tokens = 0
    waiting: deque[tuple[SegmentRow, Future[EncodedSegment | None]]] = deque()
    asked: set[SegmentRow] = set()
    while True:
        for row in newest_without_layers(current(), asked, _AHEAD * processes.jobs - len(waiting)):
            asked.add(row)
            waiting.append((row, processes.submit(row)))
        if not waiting:
            break
        if progress is not None:
            progress(tell_progress(current(), tokens))
        row, future = waiting.popleft()
        encoded = future.result()
        if encoded is not None:
            with writing() as store:
                if store_layers(store, encoded.text, encoded.codes):
                    tokens += row.tokens
                else:  # its text has changed meanwhile
                    asked.discard(row)
    if tokens and progress is not None:
        progress(tell_progress(current(), tokens))
    return tokens


# --- the child's side -----------------------------------------------------------------------------


def serve_segments(crystal: str, folder: str) -> None:
    """Encode segments until standard input ends.

    Args:
        crystal: The path of the crystal.
        folder: The folder of its encoder's weights.
    """
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # libraries that print disturb nothing
    layers: LayerEncoder | None = None
    for job in _jobs(sys.stdin.buffer):
        row = SegmentRow(*job["segment"])
        try:
            with Store.open(Path(crystal)) as store:
                if row not in store.segments():
                    _send(answers, {})
                    continue
                text = read_segment(store, row)
                if layers is None:
                    encoder = open_encoder(store.meta(), store.path, Path(folder))
                    encoder.verify()
                    layers = LayerEncoder(
                        Path(folder), tokenizer=encoder.tokenizer, codec=codec_of(store, encoder), threads=1
                    )
            codes = layers.codes(text.chunks, text.tokens)
        except CrystalError as error:
            _send(answers, {"error": str(error)})
            continue
        sizes = [len(text.digest), *map(len, codes)]
        _send(answers, {"sizes": sizes, "fidelity": codes.fidelity})
        answers.write(text.digest + b"".join(codes))
        answers.flush()


def _jobs(stream: IO[bytes]) -> Iterator[dict[str, Any]]:
    while True:
        try:
            yield _receive(stream)
        except EOFError:
            return


# --- messages -------------------------------------------------------------------------------------


def _send(stream: IO[bytes], message: Mapping[str, Any]) -> None:
    data = json.dumps(message).encode()
    stream.write(len(data).to_bytes(4, "little") + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> dict[str, Any]:
    """Read a message. Raises EOFError."""
    message: dict[str, Any] = json.loads(_exactly(stream, int.from_bytes(_exactly(stream, 4), "little")))
    return message


def _exactly(stream: IO[bytes], size: int) -> bytes:
    """Read so many bytes. Raises EOFError."""
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
