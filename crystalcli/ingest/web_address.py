"""A document at a web address, in a temporary file while it is read.

It is fetched once, because the user names it, and no link in it is followed. Where the server sends
on to another host, that address is reported and not fetched: the user has not named it. Proxies are
those that the environment names, and none for this machine's own addresses.

Knows HTTP, bounds on time and size, the endings by which readers know formats. Does not know the
ledger, nor what is in a document.
"""

from __future__ import annotations

import gzip
import http.client
import io
import re
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from crystalcli.errors import Reason, SourceError, UsageError
from crystalcli.ingest.stdin_document import spooled_file
from crystalcli.text import DEFAULT_MAX_FILE_SIZE, FoundFile, decode_labelled, format_limit

_QUIET_SECONDS = 30.0  # without a byte
_MAX_SECONDS = 300.0  # for a document
_MAX_ADDRESS = 2000  # characters
_MAX_REDIRECTS = 5
_PIECE_BYTES = 1 << 16
_AGENT = "crystalcli (one document, named by its reader)"
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_LOCAL = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}")
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
# Endings by the type that a server states. Of a plain text, and of what is just bytes, the ending
# of the address counts.
_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".xhtml",
    "application/pdf": ".pdf",
    "application/epub+zip": ".epub",
    "application/x-mobipocket-ebook": ".mobi",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/rtf": ".rtf",
    "application/rtf": ".rtf",
    "application/json": ".json",
    "application/x-ipynb+json": ".ipynb",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "message/rfc822": ".eml",
    "multipart/related": ".mhtml",
    "application/zip": ".zip",
    f"{_OFFICE}wordprocessingml.document": ".docx",
    f"{_OFFICE}spreadsheetml.sheet": ".xlsx",
    f"{_OFFICE}presentationml.presentation": ".pptx",
    f"{_OPEN}text": ".odt",
    f"{_OPEN}spreadsheet": ".ods",
    f"{_OPEN}presentation": ".odp",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
}


def is_address(text: str) -> bool:
    """Tell whether a text that stands for a path is a web address."""
    return bool(_ADDRESS.match(text))


def fetch_label(mtime_ns: int) -> str:
    """Say when a document was fetched, as a part of its place.

    Args:
        mtime_ns: Nanoseconds since the epoch.
    """
    return f"fetched {time.strftime('%Y-%m-%d', time.gmtime(mtime_ns // 1_000_000_000))}"


@contextmanager
def fetch_documents(
    addresses: Sequence[str], max_bytes: int | None = None, *, ocr: bool = False
) -> Iterator[list[FoundFile]]:
    """Fetch documents into temporary files that are deleted when the block ends.

    Args:
        addresses: The addresses; a part behind `#` does not count.
        max_bytes: The most bytes of a document; None: as of files; 0: any number.
        ocr: Whether letters in a picture of text are recognized.

    Yields:
        The files, each named by its address.

    Raises:
        UsageError: An address is invalid.
        SourceError: A document cannot be fetched, is too large, or of no format that can be read.
    """
    limit = DEFAULT_MAX_FILE_SIZE if max_bytes is None else max_bytes
    checked = dict.fromkeys(map(checked_address, addresses))
    with tempfile.TemporaryDirectory(prefix="crystal-") as folder:
        files = []
        for number, address in enumerate(checked):
            inner = Path(folder, str(number))
            inner.mkdir()
            files.append(spooled_file(_fetch(address, inner, limit), address, f"at {address}", ocr=ocr))
        yield files


def checked_address(text: str) -> str:
    """Return an address as its document is named, without the part behind `#`.

    Raises:
        UsageError: It is no address of a server, too long, or has a name and a password.
    """
    try:
        parts = urlsplit(text.strip())
        is_valid = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or not text.isprintable() or len(text) > _MAX_ADDRESS or " " in text.strip():
        raise UsageError(f"invalid address {text[:80]!r}: expected one like https://example.org/page.html")
    if parts.username is not None:
        raise UsageError("an address with a name and a password would be written into the crystal: leave them out")
    return urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path or "/", parts.query, ""))


class _SameSite(urllib.request.HTTPRedirectHandler):
    """Follows a server to another address of its own, and nowhere else."""

    max_redirections = _MAX_REDIRECTS

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request for the new address, if it is of the same site.

        Raises:
            SourceError: It is of another one, or no longer encrypted.
        """
        if _site(newurl) != _site(req.full_url) or (req.type == "https" and not newurl.lower().startswith("https:")):
            message = f"{req.full_url} leads to {newurl[:_MAX_ADDRESS]}: name that address to read it"
            raise SourceError(message, Reason.LINK_OUTSIDE)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _site(address: str) -> str:
    return (urlsplit(address).hostname or "").lower().removeprefix("www.")


def _fetch(address: str, folder: Path, limit: int) -> Path:
    """Fetch a document into a file whose ending says what the server says of its format."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise UsageError(f"invalid address {address[:80]!r}: its host is not a name") from None
    place = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    netloc = f"{place}:{parts.port}" if parts.port else place
    path, query = quote(parts.path, safe="%/:=&?~+!$,;'@()*[]"), quote(parts.query, safe="%/:=&?~+!$,;'@()*[]")
    url = urlunsplit((parts.scheme, netloc, path, query, ""))
    proxies = {} if _LOCAL.fullmatch(host) else urllib.request.getproxies_environment()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies), _SameSite())
    request = urllib.request.Request(url, headers={"User-Agent": _AGENT, "Accept-Encoding": "identity"})
    began = time.monotonic()
    try:
        with opener.open(request, timeout=_QUIET_SECONDS) as response:
            data = _body(response, address, limit, began)
            stated = response.headers.get_content_type() if response.headers.get("Content-Type") else ""
            charset = response.headers.get_content_charset("") or ""
    except urllib.error.HTTPError as error:
        raise SourceError(f"cannot fetch {address}: the server answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        words = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise SourceError(f"cannot fetch {address}: {words.lower()}") from None
    if not data:
        raise SourceError(f"nothing to read at {address}: empty", Reason.EMPTY)
    suffix = _suffix(stated, PurePosixPath(unquote(parts.path)).suffix)
    is_text = stated.startswith("text/") or stated in ("application/xhtml+xml", "application/xml")
    if is_text and charset and charset not in ("utf-8", "utf8", "us-ascii"):
        # What the server states comes before what the page states.
        data = b"\xef\xbb\xbf" + decode_labelled(data, charset).encode()
    file = folder / f"document{suffix}"
    file.write_bytes(data)
    return file


def _suffix(stated: str, own: str) -> str:
    if suffix := _SUFFIXES.get(stated):
        return suffix
    if _SUFFIX.fullmatch(own) and not (stated == "text/plain" and own.lower() in (".html", ".htm", ".php", ".asp")):
        return own.lower()
    return ".txt" if stated.startswith("text/") else ""


def _body(response: Any, address: str, limit: int, began: float) -> bytes:
    """Read the body of an answer.

    Raises:
        SourceError: It is too large, or takes too long.
    """
    too_large = SourceError(
        f"{address} is larger than {format_limit(limit)}; raise the limit with --max-file-size", Reason.TOO_LARGE
    )
    out = io.BytesIO()
    while piece := response.read1(_PIECE_BYTES):
        out.write(piece)
        if limit and out.tell() > limit:
            raise too_large
        if time.monotonic() - began > _MAX_SECONDS:
            raise SourceError(f"{address} takes too long (stopped after {_MAX_SECONDS:.0f} s)", Reason.OUT_OF_TIME)
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and out.tell() < int(length):
        raise SourceError(f"cannot fetch {address}: the connection broke")
    if response.headers.get("Content-Encoding", "").lower() not in ("gzip", "x-gzip"):
        return out.getvalue()
    out.seek(0)  # some servers pack what they were asked not to
    try:
        data = gzip.GzipFile(fileobj=out).read(limit + 1 if limit else -1)
    except (OSError, EOFError, zlib.error):
        raise SourceError(f"cannot fetch {address}: its packing is damaged", Reason.DAMAGED) from None
    if limit and len(data) > limit:
        raise too_large
    return data
