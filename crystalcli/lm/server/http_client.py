"""An HTTP client for one request and its answer, with a bound on everything: time, size, redirects.

Knows: HTTP over http.client, JSON bodies, the lines of an event stream. It uses no proxy, follows
no redirect, keeps no connection open. Does not know: what is asked or answered.

The server may be slow, broken or hostile: every failure ends in one CrystalError, and every wait
ends.
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
from crystalcli.lm.server.url import ServerAddress

CONNECT_TIMEOUT = 5.0  # seconds until a connection is accepted
# Seconds without a byte: before its first word a server may load a model and read a long prompt.
READ_TIMEOUT = 300.0
PROGRESS_TIMEOUT = 600.0  # seconds of bytes without content
_MAX_BODY = 8 << 20  # bytes of a body of JSON
_MAX_LINE = 1 << 20  # bytes of one line of a stream
_MAX_REASON = 200  # characters of a server's error message


class ServerRefusedError(CrystalError):
    """The server answered with another status than 200.

    Attributes:
        status: The HTTP status.
        reason: The server's error message, or "".
    """

    def __init__(self, message: str, status: int, reason: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    def __reduce__(self) -> tuple[type[ServerRefusedError], tuple[str, int, str]]:
        # An Answer that holds the error may be copied.
        return ServerRefusedError, (str(self), self.status, self.reason)


def api_key() -> str:
    """Read $CRYSTAL_API_KEY; "" where it is not set.

    Raises:
        UsageError: It has characters that a header cannot hold.
    """
    key = os.environ.get("CRYSTAL_API_KEY", "").strip()
    if not re.fullmatch(r"[!-~]*", key):
        raise UsageError("invalid $CRYSTAL_API_KEY: it has spaces or characters beyond ASCII")
    return key


@contextmanager
def send_request(
    address: ServerAddress,
    path: str,
    body: Mapping[str, Any] | None = None,
    *,
    timeouts: tuple[float, float] | None = None,
) -> Iterator[ServerResponse]:
    """Send a request; the connection closes with the block.

    Args:
        address: The server.
        path: Below the server's own path, or from the server's root where it begins with `//`.
        body: Sent as JSON, by POST; None: a GET.
        timeouts: Seconds without a byte, and seconds in all, counted anew after `renew`. None:
            READ_TIMEOUT, PROGRESS_TIMEOUT.

    Raises:
        ServerRefusedError: The status is not 200.
        CrystalError: The server does not answer; inside the block, the answer cannot be read.
    """
    headers = {"Host": address.authority, "Accept-Encoding": "identity", "Connection": "close", "User-Agent": "crystal"}
    if key := api_key():
        headers["Authorization"] = f"Bearer {key}"
    data = None
    if body is not None:
        data = json.dumps(body).encode("ascii")  # a lone surrogate of a document goes as its escape
        headers["Content-Type"] = "application/json"
    read_timeout, progress_timeout = timeouts or (READ_TIMEOUT, PROGRESS_TIMEOUT)
    target, url = (path[1:], address.url()) if path.startswith("//") else (address.path + path, address.url(path))
    timed_socket = _TimedSocket(_connect(address), read_timeout, progress_timeout)
    connection = HTTPConnection(address.host, address.port)
    connection.sock = timed_socket  # it has all of a socket that http.client uses
    try:
        with _translated_errors(url, read_timeout):
            connection.request("POST" if data is not None else "GET", target, data, headers)
            response = ServerResponse(connection.getresponse(), timed_socket, url, read_timeout)
        if response.status != 200:
            raise _refusal(response, key)
        yield response
    finally:
        connection.close()
        timed_socket.close()


class ServerResponse:
    """An answer that is being read.

    Attributes:
        url: The URL that was asked, for messages.
        status: The HTTP status.
        kind: The media type, in lower case.
    """

    def __init__(self, response: HTTPResponse, timed_socket: _TimedSocket, url: str, read_timeout: float) -> None:
        self._response = response
        self._socket = timed_socket
        self.url = url
        self._read_timeout = read_timeout
        self.status = response.status
        self.kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()

    def renew(self) -> None:
        """Restart the progress timeout: content came."""
        self._socket.renew()

    def body(self) -> bytes:
        """Read the body.

        Raises:
            CrystalError: It is too large.
        """
        with _translated_errors(self.url, self._read_timeout):
            data = self._response.read(_MAX_BODY + 1)
        if len(data) > _MAX_BODY:
            raise CrystalError(f"{self.url} answers with more than {_MAX_BODY / 1e6:.0f} MB")
        return data

    def json(self) -> Any:
        """Read the body as JSON. Raises as `body` and `parsed` do."""
        return self.parsed(self.body())

    def lines(self, max_bytes: int) -> Iterator[bytes]:
        """Read the lines of a stream, without their ends.

        Raises:
            CrystalError: A line is too long, or the stream has more than `max_bytes`.
        """
        left = max_bytes
        while True:
            with _translated_errors(self.url, self._read_timeout):
                line = self._response.readline(_MAX_LINE)
            left -= len(line)
            if not line:
                return
            if (len(line) >= _MAX_LINE and not line.endswith(b"\n")) or left < 0:
                raise CrystalError(f"{self.url} writes without end; it was cut off")
            yield line.rstrip(b"\r\n")

    def parsed(self, data: bytes) -> Any:
        """Parse JSON that came.

        Raises:
            CrystalError: It is not JSON; the message says what it is instead.
        """
        try:
            return json.loads(data.decode("utf-8"))
        except UnicodeDecodeError:
            raise CrystalError(f"{self.url} answers with bytes that are not UTF-8") from None
        except (ValueError, RecursionError):
            kind = "a web page" if self.kind == "text/html" or data.lstrip()[:1] == b"<" else "something else"
            raise CrystalError(
                f"{self.url} answers with {kind} where JSON was expected: is it a model server?"
            ) from None


def error_text(data: object) -> str:
    """Extract the message of an error object, in one short line.

    Args:
        data: JSON such as `{"error": {"message": …}}`, in any of the forms that servers have for
            it.

    Returns:
        The message, without the API key; "" where `data` is not an error.
    """
    if isinstance(data, dict):
        error = data.get("error", data.get("detail"))
        if isinstance(error, dict):
            error = error.get("message") or error.get("type") or "an error without a message"
        if error:
            text = " ".join(str(error).split())
            key = api_key()
            text = text.replace(key, "***") if key else text
            return text if len(text) <= _MAX_REASON else text[: _MAX_REASON - 3] + "..."
    return ""


def _refusal(response: ServerResponse, key: str) -> ServerRefusedError:
    reason = ""
    with suppress(CrystalError, ValueError, RecursionError):
        reason = error_text(json.loads(response.body()))
    message = _refusal_message(response.url, response.status, reason, key)
    return ServerRefusedError(message, response.status, reason)


def _refusal_message(url: str, status: int, reason: str, key: str) -> str:
    if 300 <= status < 400:
        return f"{url} sends us elsewhere ({status}), and redirects are not followed: name the right URL"
    if status in (401, 403):
        hint = "it refuses the key in $CRYSTAL_API_KEY" if key else "it wants a key: set $CRYSTAL_API_KEY"
        return f"{url} refuses access ({status}): {hint}"
    if status == 404 and "model" not in reason.lower():  # a missing model is another matter
        return f"there is nothing at {url} (404): the URL of a model server mostly ends in /v1"
    if status == 503:
        return f"{url} is not ready (503){f': {reason}' if reason else ''}; ask again in a while"
    return f"{url} refuses ({status}): {reason}" if reason else f"{url} fails ({status})"


def _connect(address: ServerAddress) -> socket.socket:
    reason = ""
    for ip_address in address.addresses:
        try:
            connection = socket.create_connection((ip_address, address.port), timeout=CONNECT_TIMEOUT)
            if not address.secure:
                return connection
            try:
                return _with_tls(connection, address.host)
            except BaseException:
                connection.close()
                raise
        except TimeoutError:
            hint = "; is it a server of http://?" if address.secure else ""
            reason = f"no connection within {CONNECT_TIMEOUT:.0f} s{hint}"
        except ConnectionRefusedError:
            reason = "nothing is listening there; is the server running?"
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
    raise CrystalError(f"cannot reach {address.url()}: {reason}")


def _with_tls(connection: socket.socket, host: str) -> socket.socket:
    import ssl

    try:
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise ValueError(f"its certificate is not trusted ({error.verify_message})") from None
    except ssl.SSLError:
        raise ValueError("it does not speak TLS; does its URL begin with http://?") from None


@contextmanager
def _translated_errors(url: str, read_timeout: float) -> Iterator[None]:
    """Turn the errors of a connection into one CrystalError."""
    try:
        yield
    except _NoProgress:
        raise CrystalError(f"{url} keeps us waiting without saying anything; given up") from None
    except TimeoutError:
        raise CrystalError(f"{url} has been silent for {read_timeout:.0f} s; given up") from None
    except HTTPException as error:
        broke_off = type(error).__name__ in ("IncompleteRead", "RemoteDisconnected")
        what = "broke off in the middle of its answer" if broke_off else "does not speak HTTP as it should"
        raise CrystalError(f"{url} {what}") from None
    except OSError as error:
        raise CrystalError(f"the connection to {url} broke: {error.strerror or error}") from None
    except (ValueError, OverflowError):  # from http.client, for a malformed length of a chunk
        raise CrystalError(f"{url} does not speak HTTP as it should") from None


class _NoProgress(TimeoutError):
    """Bytes came, but without content."""


class _TimedSocket:
    """A socket with an end to each wait.

    A read may take `read_timeout`, and all reads since `renew` `progress_timeout`.
    """

    def __init__(self, connection: socket.socket, read_timeout: float, progress_timeout: float) -> None:
        self._socket = connection
        self._read_timeout = read_timeout
        self._progress_timeout = progress_timeout
        self.renew()

    def renew(self) -> None:
        self._end = time.monotonic() + self._progress_timeout

    def set_timeout(self) -> None:
        """Set the timeout of the next read."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise _NoProgress
        self._socket.settimeout(min(self._read_timeout, max(left, 0.05)))

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self._read_timeout)
        self._socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self, self._socket.makefile("rb", buffering=0)))

    def close(self) -> None:
        self._socket.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, timed_socket: _TimedSocket, raw: socket.SocketIO) -> None:
        self._timed_socket = timed_socket
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._timed_socket.set_timeout()
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            self._timed_socket.set_timeout()  # raises _NoProgress where that timeout ended first
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()
