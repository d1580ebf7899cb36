"""Writes documents back as files, and passages as rows.

A document's file is its exact text in UTF-8, under its cited path; it ends in `.txt` where the text
is not that of the file, as of a PDF or a mail. Documents of an archive are written into a folder
with the archive's name. A crystal may come from strangers, so its names are not trusted: no name
leads out of the export's folder, be it by `..`, by a root or a drive, or through a link.

Knows: documents, chunks, names that file systems refuse. Does not know: formats of output files.
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

from crystalcli.datatypes import LINED, DocumentState
from crystalcli.errors import CrystalError, NotFoundError
from crystalcli.index import ChunkReader, locate_span
from crystalcli.maintenance.selection import select_documents
from crystalcli.storage import SourceRow, Store, check_seal

# Bytes that every system accepts: of a path, with the export's folder added, and of a name in it.
_LONGEST_PATH, _LONGEST_NAME = 2000, 255
_LONGEST_SUFFIX = 20  # bytes of an ending that stays where a name is cut
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_DRIVE = re.compile(r"[A-Za-z]:")
# Names that Windows reserves: devices, with any ending, and characters and ends of names.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:[ .].*)?", re.IGNORECASE)
_INVALID_ON_WINDOWS = re.compile(r'[<>:"|?*]|[ .]\Z')


class RefusedDocument(NamedTuple):
    """A document that was not written, because of its name.

    Attributes:
        path: Its name.
        reason: The reason, for people.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The outcome of an export.

    Attributes:
        files: The number of files that were written.
        exact: The number of these that equal the files that were read, byte for byte.
        bytes: Their size together.
        refused: The documents that were not written, because of their names.
        partial: The documents that were not written, because they were not read to the end.
    """

    files: int
    exact: int
    bytes: int
    refused: tuple[RefusedDocument, ...]
    partial: tuple[str, ...]


@dataclass(slots=True)
class _ExportTally:
    """The counts of an ExportReport while they grow."""

    files: int = 0
    exact: int = 0
    bytes: int = 0
    refused: list[RefusedDocument] = field(default_factory=list)
    partial: list[str] = field(default_factory=list)

    def report(self) -> ExportReport:
        return ExportReport(self.files, self.exact, self.bytes, tuple(self.refused), tuple(self.partial))


def export_documents(store: Store, folder: Path, names: Sequence[str] = (), *, force: bool = False) -> ExportReport:
    """Write documents as files.

    A document whose name is refused (`refusal`) is left out, and the others are written.

    Args:
        store: The crystal.
        folder: The folder to write to; it is made if it does not exist.
        names: Names, as in `select_documents`; empty: all documents.
        force: Replace files that exist. Without it an existing file stops the export before
            anything is written.

    Raises:
        NotFoundError: A name matches no document, or no document has text.
        CrystalError: A file exists and `force` is False, or a file cannot be written.
        DamagedCrystalError: The crystal is damaged.
    """
    with store.snapshot():
        return _export(store, folder, names, force)


def _export(store: Store, folder: Path, names: Sequence[str], force: bool) -> ExportReport:
    tally, chunks = _ExportTally(), ChunkReader(store)
    planned: list[tuple[SourceRow, tuple[str, ...]]] = []
    for source in _documents_with_text(store, names, tally):
        reason = refusal(source.path)
        if reason:
            tally.refused.append(RefusedDocument(source.path, reason))
        else:
            planned.append((source, export_parts(source.path, source.kind)))
    existing = [parts for _, parts in planned if os.path.lexists(folder.joinpath(*parts))]
    if existing and not force:
        path, others = folder.joinpath(*existing[0]), len(existing) - 1
        if others:
            raise CrystalError(f"{path} and {others:,} more exist already; --force replaces them")
        raise CrystalError(f"{path} exists already; --force replaces it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written: set[tuple[int, int]] = set()
        for source, parts in planned:
            try:
                target = _make_target(folder, parts, written)
            except _RefusedError as error:
                tally.refused.append(RefusedDocument(source.path, str(error)))
                continue
            _write_document(chunks, source, target, tally)
            status = target.stat()
            written.add((status.st_dev, status.st_ino))
    except OSError as error:
        raise CrystalError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return tally.report()


def refusal(path: str, *, windows: bool = os.name == "nt") -> str:
    """Return the reason why a document's name is refused as the path of a file; "" if it is valid.

    Args:
        path: The name of the document.
        windows: Whether to apply the rules of Windows too.
    """
    parts = path.split("/")
    if path.startswith("/") or _DRIVE.match(path):
        return "an absolute path"
    if ".." in parts:
        return "a path that leads upward"
    if "\\" in path or any(part in ("", ".") for part in parts):
        return "an ambiguous path"
    if _CONTROL.search(path):
        return "control characters in its name"
    if len(path.encode("utf-8", "surrogatepass")) > _LONGEST_PATH:
        return "a name that is too long"
    if windows and any(_DEVICE.fullmatch(part) or _INVALID_ON_WINDOWS.search(part) for part in parts):
        return "a name that is reserved on this system"
    return ""


def export_parts(path: str, kind: str) -> tuple[str, ...]:
    """Return the names of a document's file and of the folders above it.

    A name that no file system takes, or that an added `.txt` makes too long, is cut; a part of its
    hash keeps it apart from others.

    Args:
        path: The name of the document, which is not refused.
        kind: Its kind.
    """
    return tuple(map(_cut_name, (path + ".txt" * (kind not in LINED)).split("/")))


def _cut_name(name: str) -> str:
    data = name.encode()
    if len(data) <= _LONGEST_NAME:
        return name
    suffix = "".join(Path(name).suffixes[-2:])
    suffix = suffix if len(suffix.encode()) <= _LONGEST_SUFFIX else ""
    mark = f"~{hashlib.sha256(data).hexdigest()[:8]}{suffix}"
    return data[: _LONGEST_NAME - len(mark.encode())].decode("utf-8", "ignore") + mark


class _RefusedError(Exception):
    """A document cannot be written to its path; the message is the reason."""


def _make_target(folder: Path, parts: tuple[str, ...], written: set[tuple[int, int]]) -> Path:
    """Make the folders of a document's file, and return its path.

    Args:
        folder: The folder of the export.
        parts: The names of the folders below it, and of the file.
        written: (device, inode) of each file that this export wrote. A file system that ignores
            letter case may give one of them for another name.

    Raises:
        _RefusedError: A folder is a link or a file, the path is a folder, or the file was written
            by this export.
    """
    target = folder
    for part in parts[:-1]:
        target = target / part
        with contextlib.suppress(FileExistsError):
            target.mkdir()
        if target.is_symlink() or not target.is_dir() or getattr(target, "is_junction", bool)():
            raise _RefusedError("a link or a file has the name of its folder")
    target = target / parts[-1]
    if os.path.lexists(target):
        status = target.lstat()
        if (status.st_dev, status.st_ino) in written:
            raise _RefusedError("another document was written under that name")
        if target.is_dir() and not target.is_symlink():
            raise _RefusedError("a folder has its name")
    return target


def _write_document(chunks: ChunkReader, source: SourceRow, target: Path, tally: _ExportTally) -> None:
    """Write a document to a temporary file, then rename it.

    So an existing link is replaced, not followed.
    """
    temporary = target.with_name(f".crystal-export-{os.getpid()}")
    hasher, size = hashlib.sha256(), 0
    try:
        with temporary.open("xb") as file:
            for text in document_texts(chunks, source):
                data = text.encode()
                file.write(data)
                hasher.update(data)
                size += len(data)
        os.replace(temporary, target)  # noqa: PTH105 - the name says that it replaces
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    tally.files += 1
    tally.bytes += size
    tally.exact += hasher.digest() == source.digest


def document_texts(chunks: ChunkReader, source: SourceRow) -> Iterator[str]:
    """Generate a document's text, a chunk at a time.

    Raises:
        DamagedCrystalError: The document does not match its seal, a chunk is damaged, or, at the
            end, the text has another length than the ledger says.
    """
    length = 0
    check_seal(chunks.store, source)
    for chunk in chunks.of(source.id):
        text = chunks.text(chunk)
        length += len(text)
        yield text
    if length != source.characters:
        raise chunks.store.damaged(f"{source.path} has {length} characters, expected {source.characters}")


def passage_rows(store: Store, names: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """Generate every passage (chunk) of documents, in order. Joined, they are the text.

    Args:
        store: The crystal.
        names: Names, as in `select_documents`; empty: all documents.

    Yields:
        For each passage a dictionary: `path`, `kind` and `title` of its document; `start` and
        `end` in characters of the document; `line_start` and `line_end`, from 1; `page_start` and
        `page_end`, from 1, or None for documents without pages; `heading`, the last one at or
        before the passage's first word; `marks`, the other landmarks there; `tokens` of the
        encoder; `text`.

    Raises:
        NotFoundError: A name matches no document, or no document has text.
        DamagedCrystalError: The crystal is damaged.
    """
    with store.snapshot():
        yield from _rows(store, names)


def _rows(store: Store, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    chunks = ChunkReader(store)
    for source in _documents_with_text(store, names, _ExportTally()):
        check_seal(store, source)
        start, line = 0, 1
        for chunk in chunks.of(source.id):
            text = chunks.text(chunk)
            end = start + len(text)
            first = start + len(text) - len(text.lstrip())
            last = max(first, start + len(text.rstrip()) - 1)
            lines = line + text.count("\n", 0, first - start), line + text.rstrip().count("\n")
            place = locate_span(store, source, first, last + 1, lines)
            yield {
                "path": source.path,
                "kind": source.kind,
                "title": source.title or None,
                "start": start,
                "end": end,
                "line_start": place.line_start,
                "line_end": place.line_end,
                "page_start": place.page_start,
                "page_end": place.page_end,
                "marks": dict(place.marks),
                "heading": store.landmark_before(source.id, "heading", first) or None,
                "tokens": chunks.tokens(chunk),
                "text": text,
            }
            start, line = end, line + text.count("\n")


def _documents_with_text(store: Store, names: Sequence[str], tally: _ExportTally) -> list[SourceRow]:
    """Select the documents whose whole text is stored, and tally the partial ones.

    Raises:
        NotFoundError: A name matches no document, or no document has its whole text.
    """
    selected = select_documents(store, names) if names else store.sources()
    tally.partial = [
        source.path
        for source in selected
        if source.state == DocumentState.PARTIAL or (source.chunks and not source.whole)
    ]
    complete = [source for source in selected if source.chunks and source.whole]
    if not complete:
        raise NotFoundError("these documents hold no text" if names else "this crystal holds no documents yet")
    return complete
