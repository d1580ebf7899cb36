"""Files of repositories on Hugging Face: their addresses and sums, and any GGUF file by its place.

A file's place is `owner/repo/file`. The server tells the file's SHA-256 and size in the headers of
its first answer, a redirection. `$HF_ENDPOINT` names another server with the same addresses, and
`$HF_HUB_OFFLINE=1` forbids to ask it, as for Hugging Face's own programs.

A pulled file lies in the models folder, in a folder of its repository, with a record beside it.

Knows: addresses and headers. Does not know: the catalogue, what a GGUF file holds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError, UsageError
from crystalcli.models import cache

if TYPE_CHECKING:
    from email.message import Message

ENDPOINT = "https://huggingface.co"
TIMEOUT = 6.0  # seconds for the headers: where the server is blocked, the package index is next
_REDIRECTIONS = 3
_PLACE = re.compile(r"([\w.-]+/[\w.-]+)/((?:[\w.+-]+/)*[\w.+-]+)", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LARGEST = 1 << 42  # bytes of a file whose size the server does not tell


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a repository.

    Attributes:
        url: where it is downloaded from.
        sha256: in hex; "" if the server does not tell.
        size: bytes; 0 if the server does not tell.
    """

    url: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that was pulled by its place.

    Attributes:
        path: of the file.
        sha256: in hex.
        is_announced: whether the server announced the SHA-256 before.
    """

    path: Path
    sha256: str
    is_announced: bool


def is_place(name: str) -> bool:
    """Tell whether a name is the place of a GGUF file, `owner/repo/file.gguf`."""
    return name.lower().endswith(".gguf") and _PLACE.fullmatch(name) is not None and ".." not in name


def server_name() -> str:
    """Return the host that is asked for files."""
    from urllib.parse import urlsplit

    return urlsplit(_endpoint()).netloc


def published_file(place: str) -> PublishedFile:
    """Ask the server for the address, the SHA-256 and the size of a file.

    Args:
        place: `owner/repo/file`.

    Raises:
        DeclinedError: The server cannot be reached, refuses, or does not have the file.
    """
    import ssl
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import urljoin
    from urllib.request import HTTPRedirectHandler, Request

    from crystalcli.models.download import DeclinedError, make_opener

    if os.environ.get("HF_HUB_OFFLINE", "0").lower() not in ("", "0", "false", "no", "off"):
        raise DeclinedError("HF_HUB_OFFLINE forbids to ask for it")

    class Unfollowed(HTTPRedirectHandler):
        """Gives a redirection itself, since its headers tell of the file."""

        def redirect_request(self, *_: object) -> None:
            return None

    match = _PLACE.fullmatch(place)
    assert match is not None
    url = first = f"{_endpoint()}/{match[1]}/resolve/main/{match[2]}"
    opener = make_opener(Unfollowed())
    for _ in range(_REDIRECTIONS):
        request = Request(url, method="HEAD", headers={"User-Agent": "crystal", "Accept-Encoding": "identity"})
        try:
            with opener.open(request, timeout=TIMEOUT) as response:
                return _published(first, response.headers)
        except HTTPError as error:
            error.close()
            location = error.headers.get("Location", "")
            if error.code in (301, 302, 303, 307, 308) and location:
                if "X-Linked-Etag" in error.headers or location.startswith(("http://", "https://")):
                    return _published(first, error.headers)
                url = urljoin(url, location)  # the repository has another name now
                continue
            reasons = {401: "does not have it, or wants a login", 403: "refuses access", 404: "does not have it"}
            raise DeclinedError(f"{server_name()} {reasons.get(error.code, f'answers {error.code}')}") from error
        except (OSError, HTTPException, ValueError) as error:
            cause = error.reason if isinstance(error, URLError) else error
            if isinstance(cause, ssl.SSLError):
                raise DeclinedError(f"the certificate of {server_name()} is not trusted") from error
            raise DeclinedError(f"{server_name()} cannot be reached") from error
    raise DeclinedError(f"{server_name()} redirects without end")


def pull_file(
    place: str,
    progress: Callable[[int, int], None] | None = None,
    on_wait: Callable[[], None] | None = None,
) -> PulledFile:
    """Fetch a GGUF file by its place, unless it is here. It may be interrupted anywhere.

    Args:
        place: `owner/repo/file.gguf`.
        progress: called often with the bytes so far and in all (0 if unknown).
        on_wait: called once if another process is fetching it.

    Raises:
        UsageError: The place is none.
        ModelMissingError: The file cannot be fetched.
        CrystalError: The downloaded file is wrong, or the disk refuses.
    """
    if not is_place(place):
        raise UsageError(f"invalid place {place!r}: expected owner/repo/file.gguf, of a repository on Hugging Face")
    owner, repository, file = place.split("/", 2)
    root = cache.models_folder()
    name = "--".join([owner, repository, *file.split("/")[:-1]])
    home, base = root / name, file.rpartition("/")[2]
    with cache.disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with cache.locked(name, on_wait):
            if (pulled := _recorded(home / base)) is not None:
                return pulled
            if os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0"):
                raise ModelMissingError(f"{place} is not on this machine: CRYSTAL_OFFLINE forbids to fetch it")
            return _fetch(place, home / base, progress or (lambda done, total: None))


def delete_pulled(path: Path) -> int | None:
    """Delete a file that `pull_file` fetched, with its record and its folder if that is empty then.

    Returns:
        The bytes freed; None if it is a file of the user's own, which is left as it is.

    Raises:
        CrystalError: The file cannot be deleted.
    """
    import shutil

    if path.parent.parent != cache.models_folder() or not _record_of(path).is_file():
        return None
    with cache.disk_errors(path):
        size = path.stat().st_size if path.is_file() else 0
        converted = path.parent / path.stem
        _record_of(path).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if converted.is_dir():
            shutil.rmtree(converted)
        if not any(path.parent.iterdir()):
            path.parent.rmdir()
    return size


def _fetch(place: str, path: Path, progress: Callable[[int, int], None]) -> PulledFile:
    """Download a file into its folder and write its record."""
    from crystalcli.models import download

    part, note = path.with_name(f"{path.name}.part"), path.with_name(f"{path.name}.part.json")
    advice = f"run `crystal models pull {place}` again"
    try:
        link = published_file(place)
        path.parent.mkdir(exist_ok=True)
        have = part.stat().st_size if part.exists() else 0
        cache.require_room(max(link.size - have, 0), place)
        download.download_file(link.url, link.sha256, part, note, link.size or _LARGEST, progress, server_name())
    except download.DeclinedError as error:
        raise ModelMissingError(f"{place} is not on this machine: {error}; when that is mended, {advice}") from error
    except download.ConnectionLostError as error:
        of = f" of {error.total / 1e6:.0f}" if error.total else ""
        raise ModelMissingError(
            f"{place} is not on this machine: the connection broke after {error.have / 1e6:.0f}{of} MB; "
            f"{advice}, it goes on from there"
        ) from error
    finally:
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()
    sha256 = link.sha256 or cache.file_sha256(part)
    if link.size and part.stat().st_size != link.size:
        note.unlink(missing_ok=True)
        part.unlink()
        raise CrystalError(f"the downloaded file is not the one that {server_name()} announced: its size differs")
    size = part.stat().st_size
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    note.unlink(missing_ok=True)
    cache.write_json(_record_of(path), {"place": place, "sha256": sha256, "size": size, "announced": bool(link.sha256)})
    return PulledFile(path, sha256, bool(link.sha256))


def _recorded(path: Path) -> PulledFile | None:
    """Return a file that was pulled before and has its size still."""
    import json

    try:
        record = json.loads(_record_of(path).read_text("utf-8"))
        if path.stat().st_size == record["size"]:
            return PulledFile(path, str(record["sha256"]), bool(record["announced"]))
    except (OSError, ValueError, LookupError, TypeError):
        pass
    return None


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.record.json")


def _published(url: str, headers: Message) -> PublishedFile:
    """Read what the headers tell of a file."""
    tag = (headers.get("X-Linked-Etag") or headers.get("ETag") or "").removeprefix("W/").strip('"').lower()
    # Without a redirection the length is the file's own.
    size = headers.get("X-Linked-Size") or ("" if headers.get("Location") else headers.get("Content-Length")) or ""
    return PublishedFile(url, tag if _SHA256.fullmatch(tag) else "", int(size) if size.isdigit() else 0)


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
