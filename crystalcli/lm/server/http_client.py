"""One request to a server and its answer, with a bound on everything: how long, how large, how far.

Knows: HTTP over http.client, JSON bodies, the lines of an event stream. No proxy is used, no redirect followed, nothing kept
open. Does not know: what is asked or answered.

The server may be slow, broken or hostile: whatever it does ends in one CrystalError, and no wait is without an end.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any

from crystalcli.errors import CrystalError, UsageError
from crystalcli.lm.server.url import Address

CONNECT = 5.0  # seconds to be let in
SILENCE = 300.0  # seconds without a byte: before its first word a server may load a model and read a long prompt
PATIENCE = 600.0  # seconds of bytes that say nothing
_LARGEST = 8 << 20  # bytes of a body of JSON
_LINE = 1 << 20  # bytes of one line of a stream
_REASON = 200  # characters of what a server says of its error


class Refused(CrystalError):
    """The server answered, and not with what was asked for. status: HTTP's. reason: what it says of it, or ""."""

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    def __reduce__(self) -> tuple[type[Refused], tuple[str, int, str]]:
        return Refused, (str(self), self.status, self.reason)  # as an Answer may be copied, and this is in it


def api_key() -> str:
    """$CRYSTAL_API_KEY, or "". Raises UsageError for one that cannot stand in a header."""
    key = os.environ.get("CRYSTAL_API_KEY", "").strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise UsageError("$CRYSTAL_API_KEY is no key: it has spaces or signs beyond ASCII")
    return key


@contextmanager
def asked(
    address: Address, path: str, body: Mapping[str, Any] | None = None, *, bounds: tuple[float, float] | None = None
) -> Iterator[Response]:
    """Ask for `path`, below the server's own unless it begins with `//`; the connection ends with the block.

    body: sent as JSON, by POST. bounds: seconds without a byte, and seconds in all, counted anew after `renew`; None: as above.
    Raises CrystalError when there is no answer, Refused when it is another than 200; and inside the block for what goes wrong
    while it is read.
    """
    headers = {"Host": address.authority, "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "crystal"}
    if key := api_key():
        headers["Authorization"] = f"Bearer {key}"
    data = None
    if body is not None:
        data = json.dumps(body).encode("ascii")  # a lone surrogate of a document goes as its escape
        headers["Content-Type"] = "application/json"
    silence, patience = bounds or (SILENCE, PATIENCE)
    target, url = (path[1:], address.url()) if path.startswith("//") else (address.path + path, address.url(path))
    line = _Line(_connect(address), silence, patience)
    connection = HTTPConnection(address.host, address.port)
    connection.sock = line  # all of a socket that http.client uses
    try:
        with _named(url, silence):
            connection.request("POST" if data is not None else "GET", target, data, headers)
            response = Response(connection.getresponse(), line, url, silence)
        if response.status != 200:
            raise _refused(response, key)
        yield response
    finally:
        connection.close()
        line.close()


class Response:
    """An answer that is being read."""

    def __init__(self, response: HTTPResponse, line: _Line, url: str, silence: float) -> None:
        self._response = response
        self._line = line
        self.url = url
        self._silence = silence
        self.status = response.status
        self.kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()

    def renew(self) -> None:
        """What came was worth waiting for: patience begins anew."""
        self._line.renew()

    def body(self) -> bytes:
        """All of it. Raises CrystalError when it is too large."""
        with _named(self.url, self._silence):
            data = self._response.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise CrystalError(f"{self.url} answers with more than {_LARGEST / 1e6:.0f} MB")
        return data

    def json(self) -> Any:
        """The body as JSON. Raises CrystalError when it is none."""
        return self.parsed(self.body())

    def lines(self, most: int) -> Iterator[bytes]:
        """The lines of a stream, without their ends. Raises CrystalError for one too long, and beyond `most` bytes."""
        left = most
        while True:
            with _named(self.url, self._silence):
                line = self._response.readline(_LINE)
            left -= len(line)
            if not line:
                return
            if (len(line) >= _LINE and not line.endswith(b"\n")) or left < 0:
                raise CrystalError(f"{self.url} writes without end; it was cut off")
            yield line.rstrip(b"\r\n")

    def parsed(self, data: bytes) -> Any:
        """JSON that came. Raises CrystalError when it is none, with what it is instead."""
        try:
            return json.loads(data.decode("utf-8"))
        except UnicodeDecodeError:
            raise CrystalError(f"{self.url} answers with bytes that are not UTF-8") from None
        except (ValueError, RecursionError):
            kind = "a web page" if self.kind == "text/html" or data.lstrip()[:1] == b"<" else "something else"
            raise CrystalError(
                f"{self.url} answers with {kind} where JSON was expected: is it a model server?"
            ) from None


def said(data: object) -> str:
    """What an error object says, in one short line; "" for what is none: `{"error": {"message": …}}` and its cousins."""
    if isinstance(data, dict):
        error = data.get("error", data.get("detail"))
        if isinstance(error, dict):
            error = error.get("message") or error.get("type") or "an error without a message"
        if error:
            text = " ".join(str(error).split())
            key = api_key()
            text = text.replace(key, "***") if key else text
            return text if len(text) <= _REASON else text[: _REASON - 3] + "..."
    return ""


def _refused(response: Response, key: str) -> Refused:
    reason = ""
    with suppress(CrystalError, ValueError, RecursionError):
        reason = said(json.loads(response.body()))
    return Refused(_refusal(response.url, response.status, reason, key), response.status, reason)


def _refusal(url: str, status: int, reason: str, key: str) -> str:
    if 300 <= status < 400:
        return f"{url} sends us elsewhere ({status}), and redirects are not followed: name the right URL"
    if status in (401, 403):
        hint = "it refuses the key in $CRYSTAL_API_KEY" if key else "it wants a key: set $CRYSTAL_API_KEY"
        return f"{url} lets nobody in ({status}): {hint}"
    if status == 404 and "model" not in reason.lower():  # which would be the one that it does not have
        return f"there is nothing at {url} (404): the URL of a model server mostly ends in /v1"
    if status == 503:
        return f"{url} is not ready (503){f': {reason}' if reason else ''}; ask again in a while"
    return f"{url} refuses ({status}): {reason}" if reason else f"{url} fails ({status})"


def _connect(address: Address) -> socket.socket:
    reason = ""
    for number in address.numbers:
        try:
            made = socket.create_connection((number, address.port), timeout=CONNECT)
            if not address.secure:
                return made
            try:
                return _secured(made, address.host)
            except BaseException:
                made.close()
                raise
        except TimeoutError:
            reason = f"it lets nobody in within {CONNECT:.0f} s" + (
                "; is it a server of http://?" if address.secure else ""
            )
        except ConnectionRefusedError:
            reason = "nothing is listening there; is the server running?"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
    raise CrystalError(f"cannot reach {address.url()}: {reason}")


def _secured(made: socket.socket, host: str) -> socket.socket:
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(made, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ValueError(f"its certificate is not trusted ({error.verify_message})") from None
    except ssl.SSLError:
        raise ValueError("it does not speak TLS; does its URL begin with http://?") from None


@contextmanager
def _named(url: str, silence: float) -> Iterator[None]:
    """Turns what a connection may raise into one line."""
    try:
        yield
    except _Impatient:
        raise CrystalError(f"{url} keeps us waiting without saying anything; given up") from None
    except TimeoutError:
        raise CrystalError(f"{url} has been silent for {silence:.0f} s; given up") from None
    except HTTPException as error:
        broke = type(error).__name__ in ("IncompleteRead", "RemoteDisconnected")
        what = "broke off in the middle of its answer" if broke else "does not speak HTTP as it should"
        raise CrystalError(f"{url} {what}") from None
    except OSError as error:
        raise CrystalError(f"the connection to {url} broke: {error.strerror or error}") from None
    except (ValueError, OverflowError):  # what http.client makes of a chunk's length that is none
        raise CrystalError(f"{url} does not speak HTTP as it should") from None


class _Impatient(TimeoutError):
    """Bytes came, but not what they were waited for."""


class _Line:
    """A socket with an end to each wait: `silence` seconds for a read, `patience` for all reads since `renew`."""

    def __init__(self, made: socket.socket, silence: float, patience: float) -> None:
        self._socket = made
        self._silence = silence
        self._patience = patience
        self.renew()

    def renew(self) -> None:
        self._end = time.monotonic() + self._patience

    def allow(self) -> None:
        """Before a read: how long it may take."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _Impatient
        self._socket.settimeout(min(self._silence, max(left, 0.05)))

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._silence)
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reads(self, self._socket.makefile("rb", buffering=0)))

    def close(self) -> None:
        self._socket.close()


class _Reads(io.RawIOBase):
    def __init__(self, line: _Line, raw: socket.SocketIO) -> None:
        self._bounds = line
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._bounds.allow()
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            self._bounds.allow()  # was it patience that ended?
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()
