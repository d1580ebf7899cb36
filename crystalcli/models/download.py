"""Resumable download of one archive over HTTP into a part file.

Every block is written before the next is requested, so that a kill loses nothing. A note beside the
part file binds it to the archive's SHA-256, or to the URL if the index gives no SHA-256.

Knows: HTTP. Does not know: what the archive holds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError
from crystalcli.models.cache import file_sha256

if TYPE_CHECKING:
    import ssl
    from urllib.request import BaseHandler, OpenerDirector

TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 4  # failures in a row without a new byte
PAUSE = 0.25  # seconds before the second attempt; doubled each time
_BLOCK = 1 << 18  # bytes read at a time


class DeclinedError(Exception):
    """The server refuses the archive; it might serve it to pip. The message is a clause."""


class ConnectionLostError(Exception):
    """The connection broke for good; the partial download is kept.

    Attributes:
        have: bytes received.
        total: bytes in all; 0 if unknown.
    """

    def __init__(self, have: int, total: int) -> None:
        super().__init__(have, total)
        self.have, self.total = have, total


class _AttemptError(Exception):
    """One attempt ended early."""


def download_file(
    url: str,
    sha256: str,
    part: Path,
    note: Path,
    limit: int,
    progress: Callable[[int, int], None],
    source: str = "the package index",
) -> None:
    """Download a URL, resuming from the part file.

    Args:
        url: of the archive.
        sha256: of the archive, in hex; "" if unknown.
        part: the part file.
        note: the file that says which archive the part file belongs to.
        limit: bytes; a longer response is not the archive.
        progress: called with the bytes so far and in all (0 if unknown).
        source: who announced the archive, for messages.

    Raises:
        DeclinedError: The server refuses.
        ConnectionLostError: The connection broke; the part file is kept.
        CrystalError: The bytes are wrong; the part file is deleted.
        OSError: The disk refuses.
    """
    part_file = PartFile(part, note, sha256, url)
    resumed = part_file.have() > 0
    # Complete, but the process was killed before unpacking it.
    if resumed and sha256 and file_sha256(part) == sha256:
        progress(part_file.have(), part_file.have())
        return
    wrong = f"the downloaded file is not the one that {source} announced"
    _receive(url, part_file, limit, progress, wrong)
    if not sha256 or file_sha256(part) == sha256:
        return
    part_file.forget()
    if resumed:  # the resumed part may be wrong, as after a power cut: start over
        _receive(url, part_file, limit, progress, wrong)
        if file_sha256(part) == sha256:
            return
        part_file.forget()
    raise CrystalError(f"{wrong}: its SHA-256 differs")


class PartFile:
    """A part file and the note that says which archive it belongs to.

    A part file that belongs to another archive is deleted.

    Args:
        part: the part file.
        note: the note.
        sha256: of the archive, in hex; "" if unknown.
        url: of the archive.
    """

    def __init__(self, part: Path, note: Path, sha256: str, url: str) -> None:
        import hashlib
        import json

        self.part, self.note, self.sha256 = part, note, sha256
        # URLs may contain tokens: the note holds a digest.
        self.of = sha256 or hashlib.sha256(url.encode()).hexdigest()
        self.validator = ""  # an ETag or a date, for archives without a SHA-256
        try:
            content = json.loads(note.read_text("utf-8"))
            valid = content["of"] == self.of
            self.validator = str(content["validator"]) if valid else ""
        except (OSError, ValueError, LookupError, TypeError):
            valid = False
        if not valid:
            self.forget()

    def have(self) -> int:
        """Return the bytes that the part file has."""
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def start(self, validator: str) -> None:
        """Begin anew, and note what the part file is going to belong to."""
        import json

        self.part.unlink(missing_ok=True)  # first: the note must not vouch for older bytes
        self.validator = validator
        self.note.write_text(json.dumps({"of": self.of, "validator": validator}), "utf-8")

    def forget(self) -> None:
        """Delete the part file and its note."""
        self.validator = ""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def _receive(url: str, part_file: PartFile, limit: int, progress: Callable[[int, int], None], wrong: str) -> None:
    import time

    opener = make_opener()
    best, idle, total = part_file.have(), 0, 0

    def watch(done: int, size: int) -> None:
        nonlocal total
        total = size
        progress(done, size)

    while True:
        reason = "the connection was lost"
        try:
            if _attempt(opener, url, part_file, limit, watch, wrong):
                return
        except _AttemptError as error:
            reason = str(error)
        have = part_file.have()
        best, idle = (have, 0) if have > best else (best, idle + 1)
        if idle >= ATTEMPTS:
            if not have:
                raise DeclinedError(reason)
            raise ConnectionLostError(have, total)
        time.sleep(PAUSE * 2**idle)


def _attempt(
    opener: OpenerDirector, url: str, part_file: PartFile, limit: int, progress: Callable[[int, int], None], wrong: str
) -> bool:
    """Make one request; return whether the archive is complete."""
    import ssl
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request

    have = part_file.have()
    headers = {"User-Agent": "crystal", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if part_file.validator and not part_file.sha256:
            headers["If-Range"] = part_file.validator
    try:
        response = opener.open(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # the range begins at the end: the part is complete, or too long
            if have and error.headers.get("Content-Range", "").strip() == f"bytes */{have}":
                return True
            part_file.forget()
            return False
        if error.code in (408, 425, 429) or error.code >= 500:
            raise _AttemptError(f"the server answers {error.code}") from error
        raise DeclinedError(f"the server answers {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, ssl.SSLError):
            raise DeclinedError("the server's certificate is not trusted") from error
        raise _AttemptError(str(cause)) from error
    with response:
        if have and response.status == 206:
            span = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
            if not span or int(span[1]) != have:
                part_file.forget()
                return False
            total = 0 if span[2] == "*" else int(span[2])
        else:  # the whole archive, whatever range was requested
            have = 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else 0
            tag = response.headers.get("ETag", "")
            part_file.start(response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag)
        with part_file.part.open("ab", buffering=0) as file:
            progress(have, total)
            while True:
                try:
                    block = response.read1(_BLOCK)
                except (OSError, HTTPException) as error:
                    raise _AttemptError(str(error)) from error
                if not block:
                    break
                left = memoryview(block)
                while left:  # a full disk may take a part of it, and refuse the rest
                    left = left[file.write(left) :]
                have += len(block)
                progress(have, total)
                if have > limit:
                    break
    if have > limit:
        part_file.forget()
        raise CrystalError(f"{wrong}: it is too large")
    return not total or have == total


def make_opener(*handlers: BaseHandler) -> OpenerDirector:
    """Make an opener with the proxies and certificates that pip uses, and with more handlers."""
    from urllib.request import HTTPSHandler, ProxyHandler, build_opener

    proxy = os.environ.get("PIP_PROXY")
    # Without an argument ProxyHandler takes the proxies of the environment or the system settings.
    proxies = ProxyHandler({"http": proxy, "https": proxy}) if proxy else ProxyHandler()
    return build_opener(proxies, HTTPSHandler(context=_context()), *handlers)


def _context() -> ssl.SSLContext:
    """Trust the certificates that pip trusts: the user's bundle, else the system's and pip's."""
    import ssl

    try:
        for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            if bundle := os.environ.get(name):
                if Path(bundle).is_dir():
                    return ssl.create_default_context(capath=bundle)
                return ssl.create_default_context(cafile=bundle)
        context = ssl.create_default_context()  # SSL_CERT_FILE and SSL_CERT_DIR count here
    except OSError as error:
        raise DeclinedError("the certificate bundle cannot be read") from error
    try:
        from pip._vendor import certifi

        context.load_verify_locations(certifi.where())
    except Exception:  # optional: pip may be built without it
        pass
    return context
