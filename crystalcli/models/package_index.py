"""What the user's own pip knows: which indexes to ask, through which proxy, with which certificates and logins.

pip is run as a program, never imported. Asked for a dry run it reports a wheel's address and SHA-256, but where the
index publishes no metadata beside the wheel (and in versions before 26 even where it does) it first downloads the
whole wheel for itself. So its talk is followed, and it is stopped as soon as it starts on the wheel: by then it has
said where the wheel lies. Should its wording change one day, it is not stopped and the report serves.
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

# First match wins. What pip prints when an index cannot serve, and what to tell the user.
_REASONS = (
    (r"No module named pip\b", "this Python has no pip (run `{python} -m ensurepip`)"),
    (r"confirming the ssl certificate|CERTIFICATE_VERIFY_FAILED", "the package index's certificate is not trusted"),
    (r"connection broken|connection error|[Tt]imed out", "the package index cannot be reached"),
    (r"\b(401|403|407) Client Error", "the package index refuses access"),
    (r"No matching distribution found", "the package index does not have {requirement}"),
)

# Settings of the user's that are about what to install where, not about how to reach an index.
_NOT_OURS = (
    *("PIP_CONSTRAINT", "PIP_EDITABLE", "PIP_LOG", "PIP_NO_BINARY", "PIP_PREFIX", "PIP_REPORT", "PIP_REQUIREMENT"),
    *("PIP_ROOT", "PIP_TARGET", "PIP_VERBOSE"),
)
_OVERRIDDEN = {
    "PIP_QUIET": "0",
    "PIP_REQUIRE_HASHES": "0",  # every file that is kept is checked against a pinned hash here
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
    "PYTHONIOENCODING": "utf-8",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
}


class Unavailable(Exception):
    """No wheel can be had; the message is the reason, as a clause."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where a wheel lies: its URL, without credentials, and the archive's SHA-256 in hex ("" where none is told)."""

    url: str
    sha256: str


def resolve(requirement: str, scratch: Path) -> Found:
    """Ask pip where the wheel of `requirement` lies; about a second. pip may write in `scratch` meanwhile.

    Raises Unavailable with the reason when pip finds none, OSError when `scratch` cannot be written.
    """
    import json

    report = scratch / "report.json"
    options = ["--dry-run", "--ignore-installed", "-vv", "--report", str(report)]
    links: dict[str, Found] = {}
    talk: deque[str] = deque(maxlen=200)
    with _pip("install", *options, requirement, scratch=scratch) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            talk.append(line)
            if link := _LINK.match(line):
                url, fragment = link[1], _SHA256.search(link[2] or "")
                links.setdefault(url.rpartition("/")[2], Found(url, fragment[1].lower() if fragment else ""))
            elif (start := _START.match(line)) and start[1] in links:
                return links[start[1]]
        code = pip.wait()
    if code:
        raise Unavailable(_reason(requirement, talk))
    try:
        info = json.loads(report.read_text("utf-8"))["install"][0]["download_info"]
        archive = info.get("archive_info", {})
        told = _SHA256.search(archive.get("hash", "") or f"sha256={archive.get('hashes', {}).get('sha256', '')}")
        return Found(info["url"], told[1].lower() if told else "")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Unavailable("pip gave no report of where the wheel lies") from None


def download(requirement: str, scratch: Path, progress: Callable[[int, int], None]) -> Path:
    """Let pip download the wheel itself, from the start: the way where logins or certificates are its own affair.

    `progress` gets the bytes so far and 0 for the total, which pip keeps to itself. Returns the wheel inside `scratch`.
    Raises Unavailable when pip cannot, CrystalError when what came has another hash than the index told, OSError.
    """
    import subprocess
    import threading

    target = scratch / "wheel"
    talk: deque[str] = deque(maxlen=200)
    with _pip("download", "-d", str(target), requirement, scratch=scratch) as pip:
        assert pip.stdout is not None
        # The talk is read beside, so that a full pipe never stops pip while its files are looked at.
        listener = threading.Thread(target=talk.extend, args=(pip.stdout,), daemon=True)
        listener.start()
        while True:
            try:
                code = pip.wait(0.2)
                break
            except subprocess.TimeoutExpired:
                progress(_largest(scratch), 0)
        listener.join()
    if any("DO NOT MATCH THE HASHES" in line for line in talk):
        raise CrystalError(f"the wheel of {requirement} that came is not what the index promised: its hash differs")
    wheels = list(target.glob("*.whl")) if target.is_dir() else []
    if code or len(wheels) != 1:
        raise Unavailable(_reason(requirement, talk))
    progress(wheels[0].stat().st_size, wheels[0].stat().st_size)
    return wheels[0]


@contextmanager
def _pip(command: str, *arguments: str, scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """Run pip with all its talk on one pipe; it is over when the block is."""
    import subprocess

    environment = {key: value for key, value in os.environ.items() if key.upper() not in _NOT_OURS}
    environment.update(_OVERRIDDEN, TMPDIR=str(scratch), TEMP=str(scratch), TMP=str(scratch))
    environment.setdefault("PIP_RETRIES", "1")  # pip's own 5 make an offline user wait 8 s
    common = ["--no-deps", "--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--no-color"]
    # -P: a file or folder called pip where the user stands is not the pip that was asked for.
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
        raise Unavailable(f"pip cannot be started ({error.strerror or error})") from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _reason(requirement: str, talk: deque[str]) -> str:
    text = "".join(talk)
    for pattern, reason in _REASONS:
        if re.search(pattern, text):
            return reason.format(requirement=requirement, python=sys.executable)
    errors = [line.strip() for line in talk if line.lstrip().startswith("ERROR: ")]
    return f"pip says: {errors[-1].removeprefix('ERROR: ')[:200]}" if errors else "pip failed without a reason"


def _largest(top: Path) -> int:
    """Bytes of the largest wheel below `top`, while pip makes, moves and deletes what lies there."""
    largest = 0
    for base, _, files in os.walk(top):  # passes over a folder that vanishes, where rglob raises
        for file in files:
            if file.endswith(".whl"):
                with suppress(OSError):
                    largest = max(largest, Path(base, file).stat().st_size)
    return largest
