"""Reader of archives as folders of files: each member by its name, and as a temporary file.

Knows which members are read, and which names they may have. Does not know how any format is
unpacked (archive_members does), nor the content of the members.

Members are written one at a time into a temporary folder, never to the path that their name gives,
and removed when the next one is asked for. Only `users.json` stays as long as the archive is open:
chat readers look up names in it.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, Refusal, UnsteadySourceError, refusal_of
from crystalcli.text.discover.skip_rules import INSTALLED_FOLDERS, by_name
from crystalcli.text.discover.walk import NEVER_ENTERED, OWN_SUFFIXES
from crystalcli.text.formats.archive.archive_entry import (
    MAX_MEMBER_BYTES,
    TOO_LARGE_MEMBER,
    Allowance,
    ArchiveEntry,
    EntryRefusedError,
)
from crystalcli.text.source.file_bytes import checked_pieces, open_bytes
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.sniff_messages import SLACK_USERS_FILE

LEADS_OUT = Refusal("its name leads out of the archive", Reason.BAD_NAME)
NOT_UNICODE = Refusal("its name is not valid Unicode", Reason.BAD_NAME)
LONG_NAME = Refusal("its name is too long", Reason.BAD_NAME)
DUPLICATE_NAME = Refusal("another file of that name comes before it", Reason.DUPLICATE_NAME)

# Files that are zips inside but are not used as archives: programs, fonts, weights, office files.
# By suffix, or by the first file in them.
PACKAGE_SUFFIXES = frozenset((
    ".jar", ".war", ".ear", ".aar", ".apk", ".aab", ".ipa", ".whl", ".egg", ".xpi", ".crx", ".nupkg", ".vsix", ".conda",
    ".npz", ".pt", ".pth", ".ckpt", ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".xltx", ".pptx", ".pptm", ".potx",
    ".odt", ".ods", ".odp", ".odg", ".epub", ".gem", ".deb",
))  # fmt: skip
_PACKAGE_FIRST_FILES = (b"mimetype", b"[Content_Types].xml", b"_rels/", b"META-INF/", b"AndroidManifest.xml")
_SKIPPED_FOLDERS = NEVER_ENTERED | INSTALLED_FOLDERS | {"__MACOSX"}
_DRIVE = re.compile("[A-Za-z]:")
_INVALID_IN_NAME = re.compile(r'[\x00-\x1f<>:"|?*\\]|[ .]\Z')
_MAX_PART_LENGTH = 60  # characters of a part of a temporary file's path: at most 255 bytes
_MAX_NAME_LENGTH = 900  # characters of a member's name, as it is listed


def is_archive(path: Path, encoding: str, head: bytes) -> bool:
    """Tell whether a file is read as a folder of files.

    Args:
        path: the file.
        encoding: as in FileSurvey.
        head: its first bytes.
    """
    if encoding not in ("zip", "tar", "gzip", "bzip2", "xz", "zstd") or path.suffix.lower() in PACKAGE_SUFFIXES:
        return False
    first_name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return encoding != "zip" or not first_name.startswith(_PACKAGE_FIRST_FILES)


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file in an archive.

    Attributes:
        name: its path there, with slashes.
        path: the temporary file; None for a member that is not read.
        size: bytes.
        refusal: the reason why it is not read; None for a member that is.
    """

    name: str
    path: Path | None
    size: int
    refusal: Refusal | None = None


class ArchiveReading:
    """An archive, which has no text of its own.

    Args:
        request: the file to read.

    Attributes:
        met: the share of its bytes that the members yielded so far take, 0 to 1.
    """

    kind = "archive"
    title = ""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self.met = 0.0

    def pieces(self) -> Iterator[str | Landmark]:
        """No pieces: the text is in the members."""
        return iter(())

    def members(self, allowance: Allowance) -> Generator[ArchiveMember, None, None]:
        """Every member, in an order that follows from the archive's bytes.

        A member's file exists until the next member is asked for. Files that the walk of a folder
        passes over without a report are passed over here.

        Args:
            allowance: the files and bytes that may still be unpacked; reduced on the way.

        Raises:
            SourceError: The archive as a whole cannot be read, or not further.
            UnsteadySourceError: The file has changed since its survey.
        """
        from crystalcli.text.formats.archive.archive_members import archive_entries, contained_archive_errors

        name_counts: dict[str, int] = {}
        path, fingerprint = self._request.path, self._request.seen.fingerprint
        packed = 0
        with open_bytes(path) as (stream, _), _temporary_folder() as folder:
            with contained_archive_errors():
                password = self._request.options.password
                for entry in archive_entries(stream, self._request.seen.encoding, path.name, allowance, password):
                    allowance.file()
                    parts = [part for part in entry.name.split("/") if part not in ("", ".")]
                    if not parts or _is_passed_over(parts):
                        continue
                    packed += entry.packed
                    for member in _unpack_entry(entry, parts, name_counts, folder):
                        self.met = min(1.0, (packed or stream.tell()) / max(1, fingerprint.size))
                        yield member
            self.met = 1.0
            stream.seek(0)
            for _ in checked_pieces(stream, fingerprint):
                pass


def attached_members(
    files: Iterable[tuple[str, Callable[[], bytes]]], *, pictures: bool = False
) -> Iterator[ArchiveMember]:
    """The files that a document holds as members, under names of their own.

    A member's file exists until the next member is asked for. Pictures and other files that a walk
    leaves out by their names are members without a file.

    Args:
        files: their names, and functions that return their bytes.
        pictures: whether pictures are read, since their letters are recognized.

    Raises:
        UnsteadySourceError: There is no room for a temporary file.
    """
    name_counts: dict[str, int] = {}
    taken: set[str] = set()
    counts: dict[str, int] = {}
    with _temporary_folder() as folder:
        for name, load in files:
            stem, dot, suffix = name.rpartition(".")
            unique, count = name, counts.get(name, 1)  # a mailbox has thousands of one name
            while unique in taken:
                count += 1
                unique = f"{stem} ({count}).{suffix}" if dot and stem else f"{name} ({count})"
            taken.add(unique)
            counts[name] = count
            refusal = by_name(name)
            if pictures and refusal is not None and refusal.code == Reason.IMAGE:
                refusal = None
            data = b"" if refusal else load()
            entry = ArchiveEntry(unique, len(data), refusal, partial(iter, (data,)))
            yield from _unpack_entry(entry, [unique], name_counts, folder)


def _is_passed_over(parts: list[str]) -> bool:
    if any(part.startswith(".") and part != ".." for part in parts) or parts[-1].endswith(OWN_SUFFIXES):
        return True
    return any(part in _SKIPPED_FOLDERS for part in parts[:-1])


def _unpack_entry(
    entry: ArchiveEntry, parts: list[str], name_counts: dict[str, int], folder: Path
) -> Iterator[ArchiveMember]:
    """The entry as one member, whose file is removed when the iterator goes on.

    Args:
        entry: the entry.
        parts: the parts of its path.
        name_counts: names of members so far, with their number; changed in place.
        folder: the temporary folder.
    """
    listed = "/".join("(..)" if part == ".." else part for part in parts)
    refusal = entry.refusal
    if ".." in parts or entry.name.startswith("/") or _DRIVE.match(entry.name):
        refusal = LEADS_OUT
    elif re.search("[\ud800-\udfff]", listed):
        refusal = NOT_UNICODE
    elif len(listed) > _MAX_NAME_LENGTH:
        refusal = LONG_NAME
    elif entry.size > MAX_MEMBER_BYTES:
        refusal = TOO_LARGE_MEMBER
    listed = listed[:_MAX_NAME_LENGTH].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    while listed in name_counts:
        refusal = DUPLICATE_NAME
        name_counts[listed] += 1
        listed = f"{listed} ({name_counts[listed]})"
    name_counts[listed] = 1
    if refusal is not None:
        yield ArchiveMember(listed, None, entry.size, refusal)
        return
    path = folder.joinpath(*map(_safe_part, parts))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            size = 0
            for piece in entry.pieces():
                size += len(piece)
                if size > MAX_MEMBER_BYTES:
                    raise EntryRefusedError(TOO_LARGE_MEMBER)
                file.write(piece)
        yield ArchiveMember(listed, path, size)
    except FileExistsError:
        yield ArchiveMember(listed, None, entry.size, DUPLICATE_NAME)
    except EntryRefusedError as error:
        yield ArchiveMember(listed, None, entry.size, error.refusal)
    finally:
        if parts[-1] != SLACK_USERS_FILE:
            path.unlink(missing_ok=True)


def _safe_part(part: str) -> str:
    """A part of a member's path, made valid on any system; the suffix stays: it tells the kind."""
    part = _INVALID_IN_NAME.sub("_", part)
    return part if len(part) <= _MAX_PART_LENGTH else part[: _MAX_PART_LENGTH // 2] + part[-_MAX_PART_LENGTH // 2 :]


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        temporary = tempfile.TemporaryDirectory(prefix="crystal-", ignore_cleanup_errors=True)
    except OSError as error:
        message, code = refusal_of(error)
        raise UnsteadySourceError(f"no temporary folder: {message}", code) from error
    with temporary as folder:
        yield Path(folder)
