"""Brings one archive over HTTP into a part file that outlives interruption, and goes on from there the next time.

Every block is with the system before the next is asked for, so that a kill loses nothing that came. What lies in the
part file is bound to the archive's SHA-256 (or to the URL, where the index tells no SHA-256) by a small note beside it.
It knows HTTP. It does not know what the archive holds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError
from crystalcli.models.cache import sha256 as sha256_of

if TYPE_CHECKING:
    import ssl
    from urllib.request import OpenerDirector

TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 4  # tries in a row that bring nothing new
PAUSE = 0.25  # seconds before the second try; doubled each time
_BLOCK = 1 << 18  # bytes read at a time


class Declined(Exception):
    """This server does not give the archive to us; it might give it to pip. The message is a clause."""


class Lost(Exception):
    """The connection broke and did not come back; what came is kept. have, total: bytes (total 0: not told)."""

    def __init__(self, have: int, total: int) -> None:
        super().__init__(have, total)
        self.have, self.total = have, total


class _Broken(Exception):
    """One attempt ended early."""


def download(url: str, sha256: str, part: Path, note: Path, limit: int, progress: Callable[[int, int], None]) -> None:
    """Bring `url` into `part`, going on from what is there. sha256: of the archive, in hex, or "" where unknown.

    limit: bytes after which it cannot be the archive. progress: called with bytes so far and in all (0: not told).
    Raises Declined, Lost (the part stays), CrystalError when the bytes are the wrong ones (the part is deleted),
    OSError when the disk refuses.
    """
    bond = _Bond(part, note, sha256, url)
    resumed = bond.have() > 0
    if resumed and sha256 and sha256_of(part) == sha256:  # whole, and killed before it was unpacked
        progress(bond.have(), bond.have())
        return
    _receive(url, bond, limit, progress)
    if not sha256 or sha256_of(part) == sha256:
        return
    bond.forget()
    if resumed:  # what an earlier run left may be the wrong part of it, as after a power cut
        _receive(url, bond, limit, progress)
        if sha256_of(part) == sha256:
            return
        bond.forget()
    raise CrystalError("what came is not what the package index promised: its SHA-256 differs")


class _Bond:
    """A part file and the note that says what it is part of."""

    def __init__(self, part: Path, note: Path, sha256: str, url: str) -> None:
        import hashlib
        import json

        self.part, self.note, self.sha256 = part, note, sha256
        # URLs may carry tokens: the note holds their digest only.
        self.of = sha256 or hashlib.sha256(url.encode()).hexdigest()
        self.validator = ""  # an ETag or a date: only of use where no SHA-256 tells whether the bytes go together
        try:
            told = json.loads(note.read_text("utf-8"))
            good = told["of"] == self.of
            self.validator = str(told["validator"]) if good else ""
        except (OSError, ValueError, LookupError, TypeError):
            good = False
        if not good:
            self.forget()

    def have(self) -> int:
        try:
            return self.part.stat().st_size
        except FileNotFoundError:
            return 0

    def start(self, validator: str) -> None:
        import json

        self.part.unlink(missing_ok=True)  # first: the note must never speak for bytes that came before it
        self.validator = validator
        self.note.write_text(json.dumps({"of": self.of, "validator": validator}), "utf-8")

    def forget(self) -> None:
        self.validator = ""
        self.part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)


def _receive(url: str, bond: _Bond, limit: int, progress: Callable[[int, int], None]) -> None:
    import time

    opener = _opener()
    best, idle, total = bond.have(), 0, 0

    def watch(done: int, whole: int) -> None:
        nonlocal total
        total = whole
        progress(done, whole)

    while True:
        why = "the connection was lost"
        try:
            if _attempt(opener, url, bond, limit, watch):
                return
        except _Broken as broken:
            why = str(broken)
        have = bond.have()
        best, idle = (have, 0) if have > best else (best, idle + 1)
        if idle >= ATTEMPTS:
            if not have:
                raise Declined(why)
            raise Lost(have, total)
        time.sleep(PAUSE * 2**idle)


def _attempt(opener: OpenerDirector, url: str, bond: _Bond, limit: int, progress: Callable[[int, int], None]) -> bool:
    """One request; True when the archive is whole afterwards."""
    import ssl
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request

    have = bond.have()
    headers = {"User-Agent": "crystal", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if bond.validator and not bond.sha256:
            headers["If-Range"] = bond.validator
    try:
        response = opener.open(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416:  # nothing after what we have: all of it, or more than there is
            if have and error.headers.get("Content-Range", "").strip() == f"bytes */{have}":
                return True
            bond.forget()
            return False
        if error.code in (408, 425, 429) or error.code >= 500:
            raise _Broken(f"the server answers {error.code}") from error
        raise Declined(f"the server answers {error.code}") from error
    except (OSError, HTTPException, ValueError) as error:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, ssl.SSLError):
            raise Declined("the server's certificate is not trusted") from error
        raise _Broken(str(cause)) from error
    with response:
        if have and response.status == 206:
            span = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
            if not span or int(span[1]) != have:
                bond.forget()
                return False
            total = 0 if span[2] == "*" else int(span[2])
        else:  # the whole of it, whatever we asked for
            have = 0
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdigit() else 0
            tag = response.headers.get("ETag", "")
            bond.start(response.headers.get("Last-Modified", "") if not tag or tag.startswith("W/") else tag)
        with bond.part.open("ab", buffering=0) as file:
            progress(have, total)
            while True:
                try:
                    block = response.read1(_BLOCK)
                except (OSError, HTTPException) as error:
                    raise _Broken(str(error)) from error
                if not block:
                    break
                file.write(block)
                have += len(block)
                progress(have, total)
                if have > limit:
                    break
    if have > limit:
        bond.forget()
        raise CrystalError("what came is not what the package index promised: it is far too large")
    return not total or have == total


def _opener() -> OpenerDirector:
    from urllib.request import HTTPSHandler, ProxyHandler, build_opener

    proxy = os.environ.get("PIP_PROXY")
    # Without an argument: the proxies of the environment, or of the system's settings.
    proxies = ProxyHandler({"http": proxy, "https": proxy}) if proxy else ProxyHandler()
    return build_opener(proxies, HTTPSHandler(context=_context()))


def _context() -> ssl.SSLContext:
    """Trust what pip trusts: the user's bundle if there is one, else the system's and the one that pip carries."""
    import ssl

    try:
        for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            if bundle := os.environ.get(name):
                if Path(bundle).is_dir():
                    return ssl.create_default_context(capath=bundle)
                return ssl.create_default_context(cafile=bundle)
        context = ssl.create_default_context()  # SSL_CERT_FILE and SSL_CERT_DIR count here
    except OSError as error:
        raise Declined("the certificate bundle cannot be read") from error
    try:
        from pip._vendor import certifi

        context.load_verify_locations(certifi.where())
    except Exception:  # an extra, wherever pip keeps it
        pass
    return context
