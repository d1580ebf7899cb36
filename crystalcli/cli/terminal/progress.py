"""Progress on stderr, drawn only on a terminal: bars, and one line that goes away."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.datatypes import Phase, Progress

_DIM, _PLAIN, _CLEAR = "\x1b[2m", "\x1b[0m", "\r\x1b[2K"


@contextmanager
def ingest_bar() -> Iterator[Callable[[Progress], None] | None]:
    """Draw a phase of an ingest: files, tokens, tokens/s, time left; yields None off a terminal."""
    if not output.shows_progress:
        yield None
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=20),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[files]}"),
        TextColumn("{task.fields[tokens]}"),
        TextColumn("[dim]{task.fields[speed]}", justify="right"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=output.stderr_console, transient=True) as bar:
        task = bar.add_task("", total=None, files="", tokens="", speed="")
        started = bar.get_time()

        def update(state: Progress) -> None:
            seconds = max(0.1, bar.get_time() - started)
            bar.update(
                task,
                total=max(1, state.total),
                completed=state.done,
                files="layers" if state.phase is Phase.LAYERS else f"{state.files:,}/{state.files_total:,} files",
                tokens=f"{state.tokens:,} tokens",
                speed=f"{state.tokens / seconds:,.0f} tokens/s" if state.tokens else "",
            )

        yield update


@contextmanager
def share_bar() -> Iterator[Callable[[Progress], None] | None]:
    """Draw the share of the whole that is done; yields None off a terminal."""
    if not output.shows_progress:
        yield None
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Bar(*columns, console=output.stderr_console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda state: bar.update(task, completed=state.done, total=max(1, state.total))


@contextmanager
def download_bar(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """Draw bytes, bytes/s and the time left of a download; yields None off a terminal.

    Args:
        name: what is fetched.
    """
    if not output.shows_progress:
        yield None
        return
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=output.stderr_console, transient=True) as bar:
        task = bar.add_task(sanitize(name), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


class StatusLine:
    """One dim line on stderr while there is nothing to read yet; it goes without a trace.

    Silent off a terminal.
    """

    def __init__(self) -> None:
        self._is_shown = False

    def show(self, line: str) -> None:
        """Show a line in place of the one before."""
        if output.shows_progress:
            columns = max(10, shutil.get_terminal_size().columns - 1)
            sys.stderr.write(f"{_CLEAR}{_DIM}{' '.join(sanitize(line).split())[:columns]}{_PLAIN}")
            sys.stderr.flush()
            self._is_shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._is_shown = False
