"""Progress on stderr, drawn only where someone watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from crystalcli.cli.output import harmless, output
from crystalcli.types import Progress


@contextmanager
def ingesting() -> Iterator[Callable[[Progress], None] | None]:
    """A bar with files, tokens, tokens/s and the time left; None where nobody watches."""
    if not output.watched:
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
    with Bar(*columns, console=output.talk, transient=True) as bar:
        task = bar.add_task("", total=None, files="", tokens="", speed="")
        started = bar.get_time()

        def update(now: Progress) -> None:
            seconds = max(0.1, bar.get_time() - started)
            bar.update(
                task,
                total=max(1, now.total),
                completed=now.done,
                files=f"{now.files:,}/{now.files_total:,} files",
                tokens=f"{now.tokens:,} tokens",
                speed=f"{now.encoded_tokens / seconds:,.0f} tokens/s" if now.encoded_tokens else "",
            )

        yield update


@contextmanager
def portion() -> Iterator[Callable[[Progress], None] | None]:
    """A bar with the share of the whole that is done; None where nobody watches."""
    if not output.watched:
        yield None
        return
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), BarColumn(bar_width=20), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Bar(*columns, console=output.talk, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda now: bar.update(task, completed=now.done, total=max(1, now.total))


@contextmanager
def pulling(name: str) -> Iterator[Callable[[int, int], None] | None]:
    """A bar with bytes, bytes/s and the time left; None where nobody watches."""
    if not output.watched:
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
    with Bar(*columns, console=output.talk, transient=True) as bar:
        task = bar.add_task(harmless(name), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
