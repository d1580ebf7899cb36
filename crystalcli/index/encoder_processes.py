"""Layers made by several processes, each with one thread and weights of its own.

A child gets the number of a segment, reads its text from the crystal by itself, and answers with
the codes. It writes nothing: the parent commits. It is a fresh interpreter in a session of its own,
so that Ctrl-C reaches the parent alone, and it ends when its standard input does. Of a child that
is killed the segment is given to another one.

On two processors there is one child with two threads, which is begun while text is still read:
importing torch takes a second under the interpreter's lock, and so would stand in the way of the
text. It is told the segment after the next, too, so that its threads never wait for one.

Knows: pipes, segments. Does not know: how codes are made, locks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Self

from crystalcli.cpu import available_processors
from crystalcli.errors import CrystalError
from crystalcli.index.encoder import Encoder, EncoderId, open_encoder
from crystalcli.index.fill import (
    SegmentText,
    codec_of,
    next_without_layers,
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
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from crystalcli.cpu import import_numpy; import_numpy(); "
    "from crystalcli.index.encoder_processes import serve_segments; serve_segments(*sys.argv[2:])"
)
# Texts are tokenized beside threads that encode, so that more threads for it gain nothing.
_CHILD_ENVIRONMENT = {"TOKENIZERS_PARALLELISM": "false"}


class EncodedSegment(NamedTuple):
    """The layers of a segment, as a child made them.

    Attributes:
        text: The segment, and the digest of the text that was encoded.
        codes: The codes.
    """

    text: SegmentText
    codes: LayerCodes


class EncoderChild:
    """A process that encodes one segment after the other. A context manager, which ends it.

    Args:
        crystal: The crystal.
        folder: The folder of its encoder's weights.
        threads: That encode.
        early: Whether the encoder is loaded at once, and not with the first segment.

    Raises:
        OSError: There is no interpreter to start.
    """

    def __init__(self, crystal: Path, folder: Path, threads: int = 1, *, early: bool = False) -> None:
        self.crystal, self.folder = crystal.absolute(), folder
        arguments = [str(self.crystal), str(folder), str(threads), *(["early"] if early else [])]
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CHILD_PROGRAM, json.dumps(sys.path), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**_CHILD_ENVIRONMENT, **os.environ},
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def encode(self, row: SegmentRow, following: SegmentRow | None = None) -> EncodedSegment | None:
        """Encode a segment; None where it is no longer there.

        Args:
            row: The segment.
            following: The segment that will be asked for next, if it is known.

        Raises:
            EOFError: The child has ended.
            CrystalError: The child cannot read or encode it.
        """
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            _send(self.process.stdin, {"segment": row, "following": following})
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
        self._idle: list[EncoderChild] = []
        self._children: set[EncoderChild] = set()
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

    def _free_child(self) -> EncoderChild:
        with self._lock:
            if self._closed:
                raise CrystalError("stopped")
            if self._idle:
                return self._idle.pop()
            child = EncoderChild(self._crystal, self._folder)
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
    begun: set[SegmentRow] = set()
    while True:
        for row in next_without_layers(current(), begun, _AHEAD * processes.jobs - len(waiting)):
            begun.add(row)
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
                    begun.discard(row)
    if tokens and progress is not None:
        progress(tell_progress(current(), tokens))
    return tokens


# --- one child, begun early -----------------------------------------------------------------------


_early: list[EncoderChild] = []  # the one that is begun, and not taken yet


def begin_early_encoder(crystal: Path, encoder: Encoder) -> None:
    """Begin a child with all processors, for the layers of text that is being read.

    Where a child cannot be started, there is none to be taken.

    Args:
        crystal: The crystal.
        encoder: Its encoder, whose weights are here.
    """
    assert encoder.folder is not None
    dismiss_early_encoder()
    with suppress(OSError):
        child = EncoderChild(crystal, encoder.folder, available_processors(), early=encoder.mark is None)
        _early.append(child)


def take_early_encoder(crystal: Path, encoder: Encoder) -> EncoderChild | None:
    """Return the child that was begun for a crystal and its encoder, which the caller ends now."""
    if _early and (_early[0].crystal, _early[0].folder) == (crystal.absolute(), encoder.folder):
        return _early.pop()
    return None


def dismiss_early_encoder() -> None:
    """End the child that was begun and not taken, if there is one."""
    while _early:
        _early.pop().stop()


def fill_layers_by_child(
    current: Callable[[], Store],
    writing: Callable[[], AbstractContextManager[Store]],
    child: EncoderChild,
    progress: Callable[[Progress], None] | None = None,
) -> int:
    """Make the layers of all segments without them by one child; see `fill_layers_in_turns`.

    Segments are left without layers where the child ends before.

    Args:
        current: Gives the open crystal as of now.
        writing: Locks the crystal and opens it for writing; waits for other programs.
        child: The process that encodes.
        progress: Called before the first segment and after each one.

    Returns:
        The number of tokens that were encoded.
    """
    tokens = 0
    gone: set[SegmentRow] = set()
    while rows := next_without_layers(current(), gone, 2):
        if progress is not None:
            progress(tell_progress(current(), tokens))
        try:
            encoded = child.encode(*rows)
        except EOFError:  # it was killed, or ran out of memory
            return tokens
        if encoded is None:
            gone.add(rows[0])
            continue
        with writing() as store:
            if store_layers(store, encoded.text, encoded.codes):
                tokens += rows[0].tokens
    if tokens and progress is not None:
        progress(tell_progress(current(), tokens))
    return tokens


# --- the child's side -----------------------------------------------------------------------------


def serve_segments(crystal: str, folder: str, threads: str, early: str = "") -> None:
    """Encode segments until standard input ends.

    Args:
        crystal: The path of the crystal.
        folder: The folder of its encoder's weights.
        threads: The number of threads.
        early: Whether to load the program's own encoder before the first segment; "" for no.
    """
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # libraries that print disturb nothing
    encoder = _SegmentEncoder(Path(crystal), Path(folder), int(threads))
    if early:
        with suppress(CrystalError):  # the first segment tells
            encoder.load(Encoder(Path(folder), None))
    begun: dict[SegmentRow, _BegunSegment] = {}
    for job in _jobs(sys.stdin.buffer):
        row = SegmentRow(*job["segment"])
        try:
            segment = begun.pop(row, None) or encoder.begin(row)
            if job["following"] is not None:
                following = SegmentRow(*job["following"])
                with suppress(CrystalError):  # it is told when that segment is asked for
                    if following not in begun and (prepared := encoder.begin(following)) is not None:
                        begun[following] = prepared
            if segment is None:
                _send(answers, {})
                continue
            codes = segment.wait()
        except CrystalError as error:
            _send(answers, {"error": str(error)})
            continue
        sizes = [len(segment.text.digest), *map(len, codes)]
        _send(answers, {"sizes": sizes, "fidelity": codes.fidelity})
        answers.write(segment.text.digest + b"".join(codes))
        answers.flush()


class _BegunSegment(NamedTuple):
    """A segment whose chunks are being encoded.

    Attributes:
        text: Its text.
        wait: Waits for its codes.
    """

    text: SegmentText
    wait: Callable[[], LayerCodes]


class _SegmentEncoder:
    """An encoder of the segments of one crystal, loaded when it is first used.

    Args:
        crystal: The path of the crystal.
        folder: The folder of its encoder's weights.
        threads: That encode.
    """

    def __init__(self, crystal: Path, folder: Path, threads: int) -> None:
        self._crystal, self._folder, self._threads = crystal, folder, threads
        self._layers: LayerEncoder | None = None
        self._mark: EncoderId | None = None

    def begin(self, row: SegmentRow) -> _BegunSegment | None:
        """Begin to encode a segment, after those before it; None where it is no longer there.

        Raises:
            CrystalError: It cannot be read, or the weights cannot.
        """
        with Store.open(self._crystal) as store:
            if row not in store.segments():
                return None
            text = read_segment(store, row)
            if self._layers is None or EncoderId.read(store.meta()) != self._mark:
                layers = self.load(open_encoder(store.meta(), store.path, self._folder), store)
            else:
                layers = self._layers
        return _BegunSegment(text, layers.begin_codes(text.chunks, text.tokens))

    def load(self, encoder: Encoder, store: Store | None = None) -> LayerEncoder:
        """Load the weights.

        Args:
            encoder: The encoder.
            store: The crystal; None for the program's own encoder.

        Raises:
            ModelMissingError: The weights cannot be read.
            EncoderMismatchError: The weights are not those of the crystal's encoder.
        """
        encoder.verify()
        codec = codec_of(store, encoder) if store is not None else None
        self._mark = encoder.mark
        self._layers = LayerEncoder(self._folder, tokenizer=encoder.tokenizer, codec=codec, threads=self._threads)
        return self._layers


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
