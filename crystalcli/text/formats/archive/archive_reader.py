"""An archive as a folder of files: every member by its name, and as a file of its own for as long as someone looks at it.

Knows which members are read, what their names may be, and how much an archive may unpack to. Does not know how any format is
unpacked (archive_formats does) nor what the members say.

Members are written one at a time into a temporary folder, never to where their names lead, and removed when the next is
asked for. Only `users.json` stays as long as the archive is open: exports of chats say in it who is who.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from crystalcli.errors import Reason, Refusal, SourceError, UnsteadySourceError, refusal_of
from crystalcli.text.discover.skip_rules import INSTALLED
from crystalcli.text.discover.walk import NEVER_ENTERED, OWN_SUFFIXES
from crystalcli.text.formats.chats.chat_json import PEOPLE
from crystalcli.text.source.file_bytes import checked_pieces, open_bytes
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

DEPTH = 3  # archives in archives
FILES = 10_000
LARGEST = 2 << 30  # bytes, of all that an archive and the archives in it unpack to
LARGEST_MEMBER = 1 << 30
RATIO, FLOOR = 200, 64 << 20  # beyond the floor, an archive that unpacks to more than so many times its size is a bomb
TOO_DEEP = Refusal(f"archives nested more than {DEPTH} deep", Reason.NESTED_TOO_DEEPLY)
TOO_MANY = Refusal(f"an archive of more than {FILES:,} files", Reason.TOO_LARGE)
TOO_LARGE = Refusal(f"an archive that unpacks to more than {LARGEST >> 30} GB", Reason.TOO_LARGE)
BOMB = Refusal(f"an archive that unpacks to more than {RATIO} times its size", Reason.BOMB)
TOO_LARGE_MEMBER = Refusal(f"larger than {LARGEST_MEMBER >> 30} GB", Reason.TOO_LARGE)
LEADS_OUT = Refusal("its name leads out of the archive", Reason.BAD_NAME)
NOT_UNICODE = Refusal("its name is not valid Unicode", Reason.BAD_NAME)
LONG_NAME = Refusal("its name is too long", Reason.BAD_NAME)
TAKEN = Refusal("another file of that name comes before it", Reason.DUPLICATE_NAME)

# What a zip is inside that is no archive to anyone: programs, fonts, weights, office files. By name, or by the first file in it.
PACKAGES = frozenset((
    ".jar", ".war", ".ear", ".aar", ".apk", ".aab", ".ipa", ".whl", ".egg", ".xpi", ".crx", ".nupkg", ".vsix", ".conda",
    ".npz", ".pt", ".pth", ".ckpt", ".docx", ".docm", ".dotx", ".xlsx", ".xlsm", ".xltx", ".pptx", ".pptm", ".potx",
    ".odt", ".ods", ".odp", ".odg", ".epub", ".gem", ".deb",
))  # fmt: skip
_FIRST = (b"mimetype", b"[Content_Types].xml", b"_rels/", b"META-INF/", b"AndroidManifest.xml")
_MACHINE_MADE = NEVER_ENTERED | INSTALLED | {"__MACOSX"}
_DRIVE = re.compile("[A-Za-z]:")
_NOT_IN_A_NAME = re.compile(r'[\x00-\x1f<>:"|?*\\]|[ .]\Z')
_LONGEST = 60  # characters of a part of a temporary file's path: no more than 255 bytes
_LONGEST_NAME = 900  # of a member's, as it is listed


def is_archive(path: Path, encoding: str, head: bytes) -> bool:
    """Whether a file that begins so is read as a folder of files. encoding: as in Survey."""
    if encoding not in ("zip", "tar", "gzip", "bzip2", "xz", "zstd") or path.suffix.lower() in PACKAGES:
        return False
    return encoding != "zip" or not head[30 : 30 + int.from_bytes(head[26:28], "little")].startswith(_FIRST)


class LeftError(Exception):
    """A member that is not read, while the archive goes on."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A file as an archive lists it.

    Attributes:
        name: as it stands there.
        size: bytes, as far as the archive says.
        refusal: why it is not read; None for a file that is.
        pieces: unpacks it. Raises LeftError.
        packed: bytes that it takes in the archive, where its place there does not tell.
    """

    name: str
    size: int
    refusal: Refusal | None
    pieces: Callable[[], Iterator[bytes]]
    packed: int = 0


@dataclass(frozen=True, slots=True)
class ArchiveMember:
    """A file in an archive.

    Attributes:
        name: its path there, posix.
        path: the temporary file; None where it is not read.
        size: bytes.
        refusal: why it is not read; None for a file that is.
    """

    name: str
    path: Path | None
    size: int
    refusal: Refusal | None = None


class Allowance:
    """How much more may be unpacked of an archive of `size` bytes and of the archives in it."""

    def __init__(self, size: int) -> None:
        self._files = FILES
        self._most = min(LARGEST, FLOOR + RATIO * size)
        self._bytes = self._most

    def file(self) -> None:
        """One more file. Raises SourceError."""
        self._files -= 1
        if self._files < 0:
            raise SourceError(*TOO_MANY)

    def fits(self, files: int, size: int) -> None:
        """Raises SourceError where so many files of so many bytes in all are too much, before any of them is unpacked."""
        if files > self._files:
            raise SourceError(*TOO_MANY)
        if size > self._bytes:
            raise SourceError(*(TOO_LARGE if self._most == LARGEST else BOMB))

    def take(self, size: int) -> None:
        """So many bytes more. Raises SourceError."""
        self.fits(0, size)
        self._bytes -= size


class ArchiveReading:
    """An archive. It has no text of its own. met: the share of its bytes that the members given so far take, 0 to 1."""

    kind = "archive"
    title = ""

    def __init__(self, asked: ReadRequest) -> None:
        self._asked = asked
        self.met = 0.0

    def pieces(self) -> Iterator[str | Landmark]:
        """Nothing: what there is to read is in the members."""
        return iter(())

    def members(self, allowance: Allowance) -> Generator[ArchiveMember, None, None]:
        """Every member, in an order that follows from the archive's bytes; each one's file is there until the next is asked for.

        What the walk of a folder would pass over in silence is passed over here. Raises SourceError where the archive as a whole
        cannot be read, or not further, and UnsteadySourceError when its file is no longer what it was.
        """
        from crystalcli.text.formats.archive.archive_members import archive_entries, archive_trouble

        seen: dict[str, int] = {}  # names, and how often each has come
        path, fingerprint = self._asked.path, self._asked.seen.fingerprint
        packed = 0
        with open_bytes(path) as (stream, _), _temporary() as folder:
            with archive_trouble():
                password = self._asked.options.password
                for entry in archive_entries(stream, self._asked.seen.encoding, path.name, allowance, password):
                    allowance.file()
                    parts = [part for part in entry.name.split("/") if part not in ("", ".")]
                    if not parts or _is_passed_over(parts):
                        continue
                    packed += entry.packed
                    for member in _member(entry, parts, seen, folder):
                        self.met = min(1.0, (packed or stream.tell()) / max(1, fingerprint.size))
                        yield member
            self.met = 1.0
            stream.seek(0)
            for _ in checked_pieces(stream, fingerprint):
                pass


def _is_passed_over(parts: list[str]) -> bool:
    if any(part.startswith(".") and part != ".." for part in parts) or parts[-1].endswith(OWN_SUFFIXES):
        return True
    return any(part in _MACHINE_MADE for part in parts[:-1])


def _member(entry: ArchiveEntry, parts: list[str], seen: dict[str, int], folder: Path) -> Iterator[ArchiveMember]:
    listed = "/".join("(..)" if part == ".." else part for part in parts)
    refusal = entry.refusal
    if ".." in parts or entry.name.startswith("/") or _DRIVE.match(entry.name):
        refusal = LEADS_OUT
    elif re.search("[\ud800-\udfff]", listed):
        refusal = NOT_UNICODE
    elif len(listed) > _LONGEST_NAME:
        refusal = LONG_NAME
    elif entry.size > LARGEST_MEMBER:
        refusal = TOO_LARGE_MEMBER
    listed = listed[:_LONGEST_NAME].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    while listed in seen:
        refusal = TAKEN
        seen[listed] += 1
        listed = f"{listed} ({seen[listed]})"
    seen[listed] = 1
    if refusal is not None:
        yield ArchiveMember(listed, None, entry.size, refusal)
        return
    path = folder.joinpath(*map(_safe, parts))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            size = 0
            for piece in entry.pieces():
                size += len(piece)
                if size > LARGEST_MEMBER:
                    raise LeftError(TOO_LARGE_MEMBER)
                file.write(piece)
        yield ArchiveMember(listed, path, size)
    except FileExistsError:
        yield ArchiveMember(listed, None, entry.size, TAKEN)
    except LeftError as left:
        yield ArchiveMember(listed, None, entry.size, left.refusal)
    finally:
        if parts[-1] != PEOPLE:
            path.unlink(missing_ok=True)


def _safe(part: str) -> str:
    """A part of a member's path as any system takes it; its ending stays, since that says what it is."""
    part = _NOT_IN_A_NAME.sub("_", part)
    return part if len(part) <= _LONGEST else part[: _LONGEST // 2] + part[-_LONGEST // 2 :]


@contextlib.contextmanager
def _temporary() -> Iterator[Path]:
    try:
        made = tempfile.TemporaryDirectory(prefix="crystal-", ignore_cleanup_errors=True)
    except OSError as error:
        message, code = refusal_of(error)
        raise UnsteadySourceError(f"no temporary folder: {message}", code) from error
    with made as folder:
        yield Path(folder)
