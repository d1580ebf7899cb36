"""Writes documents back as files, and passages as rows. A crystal may come from strangers: its names are not trusted.

A document's file is its exact text in UTF-8, under its cited path, and ends in `.txt` where that is not the file's own text, as of
a PDF or a mail. What was in an archive is written into a folder of the archive's name. No name
leads out of the folder given: not by `..`, not from a root or a drive, not through a link.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from crystalcli.errors import CrystalError, NotFoundError
from crystalcli.index import ChunkReader, locate_span
from crystalcli.maintenance.selection import select_documents
from crystalcli.storage import SourceRow, Store, check_seal
from crystalcli.types import LINED, DocumentState

_LONGEST, _LONGEST_NAME = 2000, 250  # bytes: what any system takes, with ".txt" and a folder before it
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
# What Windows keeps for itself: devices, whatever comes after the dot, and characters and ends that no name may have there.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:[ .].*)?", re.IGNORECASE)
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]|[ .]\Z')


class RefusedDocument(NamedTuple):
    """A document that was not written, because its name may not be a file's, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The files that an export wrote.

    Attributes:
        files: How many.
        exact: How many of them are byte for byte what was read.
        bytes: Their size.
        refused: The documents whose names may not be those of files.
        partial: The documents that were not read to their end, and are not written.
    """

    files: int
    exact: int
    bytes: int
    refused: tuple[RefusedDocument, ...]
    partial: tuple[str, ...]


@dataclass(slots=True)
class _Tally:
    """An ExportReport while it is counted."""

    files: int = 0
    exact: int = 0
    bytes: int = 0
    refused: list[RefusedDocument] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)

    def report(self) -> ExportReport:
        return ExportReport(self.files, self.exact, self.bytes, tuple(self.refused), tuple(self.partial))


def export_documents(store: Store, folder: Path, names: Sequence[str] = (), *, force: bool = False) -> ExportReport:
    """Write documents (all, or those that `names` mean) as files under `folder`, which is made if need be.

    force: replace files that are there; without it one that is there stops the export before anything is written. A document
    whose name may not be a file's is refused, and the others are written. Raises CrystalError, NotFoundError.
    """
    with store.snapshot():
        return _export(store, folder, names, force)


def _export(store: Store, folder: Path, names: Sequence[str], force: bool) -> ExportReport:
    tally, chunks = _Tally(), ChunkReader(store)
    chosen = _with_text(store, names, tally)
    planned: list[tuple[SourceRow, tuple[str, ...]]] = []
    for source in chosen:
        reason = refusal(source.path)
        if reason:
            tally.refused.append(RefusedDocument(source.path, reason))
        else:
            planned.append((source, tuple((source.path + ".txt" * (source.kind not in LINED)).split("/"))))
    there = [parts for _, parts in planned if os.path.lexists(folder.joinpath(*parts))]
    if there and not force:
        more = f" and {len(there) - 1:,} more are" if len(there) > 1 else " is"
        raise CrystalError(f"{folder.joinpath(*there[0])}{more} there already; --force replaces")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written: set[tuple[int, int]] = set()
        for source, parts in planned:
            try:
                target = _place(folder, parts, written)
            except _RefusedError as refused:
                tally.refused.append(RefusedDocument(source.path, str(refused)))
                continue
            _write(chunks, source, target, tally)
            status = target.stat()
            written.add((status.st_dev, status.st_ino))
    except OSError as error:
        raise CrystalError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return tally.report()


def refusal(path: str, *, windows: bool = os.name == "nt") -> str:
    """Why a document's name may not be a file's, or "". windows: hold it against what that system forbids as well."""
    parts = path.split("/")
    if path.startswith("/") or _DRIVE.match(path):
        return "an absolute path"
    if ".." in parts:
        return "a path that leads upward"
    if "\\" in path or any(part in ("", ".") for part in parts):
        return "a path that could be read in two ways"
    if _CONTROL.search(path):
        return "control characters in its name"
    if len(path.encode("utf-8", "surrogatepass")) > _LONGEST or any(
        len(part.encode()) > _LONGEST_NAME for part in parts
    ):
        return "a name that is too long"
    if windows and any(_DEVICE.fullmatch(part) or _NOT_ON_WINDOWS.search(part) for part in parts):
        return "a name that is reserved on this system"
    return ""


class _RefusedError(Exception):
    """A document that may not be written where its name says; the message is the reason."""


def _place(folder: Path, parts: tuple[str, ...], written: set[tuple[int, int]]) -> Path:
    """Where a document is to be written: folders made, none of them a link, and nothing there that this export wrote."""
    at = folder
    for part in parts[:-1]:
        at = at / part
        with contextlib.suppress(FileExistsError):
            at.mkdir()
        if at.is_symlink() or not at.is_dir() or getattr(at, "is_junction", bool)():
            raise _RefusedError("a link or a file stands where its folder should be")
    at = at / parts[-1]
    if os.path.lexists(at):
        status = at.lstat()
        if (status.st_dev, status.st_ino) in written:
            raise _RefusedError("another document has been written under that name")
        if at.is_dir() and not at.is_symlink():
            raise _RefusedError("a folder stands where it should be")
    return at


def _write(chunks: ChunkReader, source: SourceRow, target: Path, tally: _Tally) -> None:
    """Write one document under a name of its own, then give it its name: a link that stands there is replaced, not followed."""
    part = target.with_name(f".crystal-export-{os.getpid()}")
    seen, size = hashlib.sha256(), 0
    try:
        with part.open("xb") as file:
            for text in document_texts(chunks, source):
                data = text.encode()
                file.write(data)
                seen.update(data)
                size += len(data)
        os.replace(part, target)  # noqa: PTH105 - the same, and says that it replaces
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    tally.files += 1
    tally.bytes += size
    tally.exact += seen.digest() == source.digest


def document_texts(chunks: ChunkReader, source: SourceRow) -> Iterator[str]:
    """A document's text in pieces. Raises DamagedCrystalError, at the end, when it is not as long as the ledger says."""
    length = 0
    check_seal(chunks.store, source)
    for chunk in chunks.of(source.id):
        text = chunks.text(chunk)
        length += len(text)
        yield text
    if length != source.characters:
        raise chunks.store.damaged(f"{source.path} has not the length it says")


def passage_rows(store: Store, names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Every passage of the documents (all, or those that `names` mean), in order: a chunk each; joined they are the text.

    Offsets are characters of the document; lines and pages count from 1, pages are None where there are none; heading is the
    last one at or before the passage's first word, marks are the other landmarks there; tokens are the encoder's. Raises NotFoundError.
    """
    with store.snapshot():
        yield from _rows(store, names)


def _rows(store: Store, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    chunks = ChunkReader(store)
    for source in _with_text(store, names, _Tally()):
        check_seal(store, source)
        start, line = 0, 1
        for chunk in chunks.of(source.id):
            text = chunks.text(chunk)
            end = start + len(text)
            first = start + len(text) - len(text.lstrip())
            last = max(first, start + len(text.rstrip()) - 1)
            lines = line + text.count("\n", 0, first - start), line + text.rstrip().count("\n")
            where = locate_span(store, source, first, last + 1, lines)
            yield {
                "path": source.path,
                "kind": source.kind,
                "title": source.title or None,
                "start": start,
                "end": end,
                "line_start": where.line_start,
                "line_end": where.line_end,
                "page_start": where.page_start,
                "page_end": where.page_end,
                "marks": dict(where.marks),
                "heading": store.landmark_before(source.id, "heading", first) or None,
                "tokens": chunks.tokens(chunk),
                "text": text,
            }
            start, line = end, line + text.count("\n")


def _with_text(store: Store, names: Sequence[str], tally: _Tally) -> list[SourceRow]:
    """The documents that are meant and whose whole text is here. Raises NotFoundError where there is none."""
    chosen = select_documents(store, names) if names else store.sources()
    tally.partial = [
        source.path
        for source in chosen
        if source.state == DocumentState.PARTIAL or (source.chunks and not source.whole)
    ]
    held = [source for source in chosen if source.chunks and source.whole]
    if not held:
        raise NotFoundError("none of these documents holds text" if names else "this crystal holds no documents yet")
    return held
