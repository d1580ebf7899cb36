"""The user's package index, through pip, which knows indexes, proxies, certificates, logins.

pip is run as a program, never imported. A dry run reports a wheel's URL and SHA-256, but if the
index publishes no metadata beside the wheel (in versions before 26 even if it does), pip first
downloads the whole wheel. So its output is followed, and it is stopped when it starts on the wheel:
by then it has printed the URL. If pip's wording changes one day, it is not stopped and the report
is used.

Knows: pip. Does not know: models.
"""

from __future__ import annotations

import os
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError

if TYPE_CHECKING:
    import subprocess

_LINK = re.compile(r"^\s*Found link (\S+\.whl)(#\S+)? \(from ")
_START = re.compile(r"^\s*(?:Downloading|Using cached) (?:\S*/)?([^/\s]+\.whl)(?: \(|\s*$)")
_SHA256 = re.compile(r"\bsha256=([0-9a-fA-F]{64})\b")

# Patterns of pip's output and the reason to report; the first match wins.
_REASONS = (
    (r"No module named pip\b", "this Python has no pip (run `{python} -m ensurepip`)"),
    (r"confirming the ssl certificate|CERTIFICATE_VERIFY_FAILED", "the package index's certificate is not trusted"),
    (r"connection broken|connection error|[Tt]imed out", "the package index cannot be reached"),
    (r"\b(401|403|407) Client Error", "the package index refuses access"),
    (r"No matching distribution found", "the package index does not have {requirement}"),
)

# Settings about what to install where, not about how to reach an index.
_IGNORED_SETTINGS = (
    *("PIP_CONSTRAINT", "PIP_EDITABLE", "PIP_LOG", "PIP_NO_BINARY", "PIP_PREFIX", "PIP_REPORT", "PIP_REQUIREMENT"),
    *("PIP_ROOT", "PIP_TARGET", "PIP_VERBOSE"),
)
_OVERRIDDEN = {
    "PIP_QUIET": "0",
    "PIP_REQUIRE_HASHES": "0",  # every file is checked against a pinned hash here
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}


class WheelUnavailableError(Exception):
    """The index does not serve the wheel; the message is the reason, as a clause."""


@dataclass(frozen=True, slots=True)
class WheelLink:
    """The address of a wheel.

    Attributes:
        url: without credentials.
        sha256: in hex; "" if the index gives none.
    """

    url: str
    sha256: str


def resolve(requirement: str, scratch: Path, platform: str = "") -> WheelLink:
    """Find the wheel of a requirement; takes about a second.

    Args:
        requirement: `distribution==version`.
        scratch: a folder that pip may write in.
        platform: the wheel's platform tag; "": this machine's, or any.

    Raises:
        WheelUnavailableError: pip does not find it.
        OSError: `scratch` cannot be written.
    """
    import json

    report = scratch / "report.json"
    options = ["--dry-run", "--ignore-installed", "-vv", "--report", str(report)]
    if platform:  # pip takes a platform for another folder than its own alone
        options += ["--platform", platform, "--target", str(scratch / "target")]
    links: dict[str, WheelLink] = {}
    output: deque[str] = deque(maxlen=200)
    with _pip("install", *options, requirement, scratch=scratch) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            output.append(line)
            if link := _LINK.match(line):
                url, fragment = link[1], _SHA256.search(link[2] or "")
                links.setdefault(url.rpartition("/")[2], WheelLink(url, fragment[1].lower() if fragment else ""))
            elif (start := _START.match(line)) and start[1] in links:
                return links[start[1]]
        code = pip.wait()
    if code:
        raise WheelUnavailableError(_reason(requirement, output))
    try:
        info = json.loads(report.read_text("utf-8"))["install"][0]["download_info"]
        archive = info.get("archive_info", {})
        digest = _SHA256.search(archive.get("hash", "") or f"sha256={archive.get('hashes', {}).get('sha256', '')}")
        return WheelLink(info["url"], digest[1].lower() if digest else "")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise WheelUnavailableError("pip did not report the URL of the wheel") from None


def pip_download(requirement: str, scratch: Path, progress: Callable[[int, int], None], platform: str = "") -> Path:
    """Download a wheel with pip: the fallback if the index needs pip's logins or certificates.

    Args:
        requirement: `distribution==version`.
        scratch: a folder that pip may write in.
        progress: called with the bytes so far and 0 for the total, which pip does not tell.
        platform: as of `resolve`.

    Returns:
        The wheel, inside `scratch`.

    Raises:
        WheelUnavailableError: pip cannot download it.
        CrystalError: The wheel has another hash than the index announced.
        OSError: `scratch` cannot be written.
    """
    import subprocess
    import threading

    target = scratch / "wheel"
    output: deque[str] = deque(maxlen=200)
    # Without pip's cache, which would keep a second copy of every wheel.
    options = ["--no-cache-dir", "-d", str(target), *(["--platform", platform] if platform else [])]
    with _pip("download", *options, requirement, scratch=scratch) as pip:
        assert pip.stdout is not None
        # A thread reads the output, so that a full pipe never blocks pip.
        listener = threading.Thread(target=output.extend, args=(pip.stdout,), daemon=True)
        listener.start()
        while True:
            try:
                code = pip.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                progress(_largest(scratch), 0)
        listener.join()
    if any("DO NOT MATCH THE HASHES" in line for line in output):
        raise CrystalError(
            f"the downloaded wheel of {requirement} is not the one that the index announced: its hash differs"
        )
    wheels = list(target.glob("*.whl")) if target.is_dir() else []
    if code or len(wheels) != 1:
        raise WheelUnavailableError(_reason(requirement, output))
    progress(wheels[0].stat().st_size, wheels[0].stat().st_size)
    return wheels[0]


@contextmanager
def _pip(command: str, *arguments: str, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """Run pip with its output and errors on one pipe; it is killed at the end of the block."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if key.upper() not in _IGNORED_SETTINGS}
    environment.update(_OVERRIDDEN, TMPDIR=str(scratch), TEMP=str(scratch), TMP=str(scratch))
    environment.setdefault("PIP_RETRIES", "1")  # pip's default of 5 makes an offline user wait 8 s
    common = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--no-color"]
    # -P: do not import a file or folder called pip from the current folder.
    line = [sys.executable, "-P", "-m", "pip", command, *common, "--progress-bar", "off", *arguments]
    try:
        process = subprocess.Popen(
            line,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise WheelUnavailableError(f"pip cannot be started ({error.strerror or error})") from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _reason(requirement: str, output: deque[str]) -> str:
    """Name the reason of a failure, from pip's output."""
    text = "".join(output)
    for pattern, reason in _REASONS:
        if re.search(pattern, text):
            return reason.format(requirement=requirement, python=sys.executable)
    errors = [line.strip() for line in output if line.lstrip().startswith("ERROR: ")]
    return f"pip says: {errors[-1].removeprefix('ERROR: ')[:200]}" if errors else "pip failed without a reason"


def _largest(top: Path) -> int:
    """Return the bytes of the largest wheel below `top`, a folder that pip is changing."""
    largest = 0
    for base, _, files in os.walk(top):  # skips folders that vanish meanwhile; rglob raises
        for file in files:
            if file.endswith(".whl"):
                with suppress(OSError):
                    largest = max(largest, Path(base, file).stat().st_size)
    return largest
