"""Layers made by a command: here, with a bar, or by a worker in the background.

Knows: how the worker is started. Does not know: how layers are made.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from crystalcli.cli.options.crystal_options import fetch_default_weights
from crystalcli.cli.terminal.humanize import format_count, format_share
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.progress import ingest_bar
from crystalcli.errors import CrystalError, StoppedError

if TYPE_CHECKING:
    from crystalcli.index import StatsReport
    from crystalcli.ingest import IngestReport, LayersReport

_START_SECONDS = 30.0  # that a worker has to begin
_POLL_SECONDS = 0.05


def make_layers_here(crystal: Path, encoder: str | Path | None, jobs: int | None = None) -> LayersReport:
    """Make layers in this process; another one that makes them is waited for.

    Args:
        crystal: the crystal, which exists.
        encoder: as of `Crystal`.
        jobs: value of --jobs.

    Raises:
        ModelMissingError: the encoder's weights are not here.
    """
    from crystalcli.library import Crystal

    with (
        Crystal(crystal, encoder=encoder, fetch=fetch_default_weights, on_wait=output.note, reranker=None) as opened,
        ingest_bar() as progress,
    ):
        return opened.make_layers(wait=float("inf"), jobs=jobs, progress=progress)


def add_layers(
    report: IngestReport, crystal: Path, encoder: str | Path | None, jobs: int | None = None
) -> tuple[IngestReport, StatsReport]:
    """Make the layers after the text of an ingest.

    Args:
        report: the ingest of the text.
        crystal: the crystal.
        encoder: as of `Crystal`.
        jobs: value of --jobs.

    Returns:
        The report of text and layers, and the figures of the crystal afterwards.
    """
    from crystalcli.library import Crystal

    if output.shows_progress:
        output.note("the text is stored and questions are answered; layers follow, which make answers better")
    layers = make_layers_here(crystal, encoder, jobs)
    with Crystal.open(crystal, encoder=None) as opened:
        stats = opened.stats()
    return report.with_layers(layers), stats


def start_worker(crystal: Path, encoder: Path | None, jobs: int | None = None) -> int:
    """Leave a worker that makes layers at low priority after this process has ended.

    Args:
        crystal: the crystal.
        encoder: value of --encoder.
        jobs: value of --jobs.

    Returns:
        The process that makes layers: the new worker, or another one that makes them already.

    Raises:
        CrystalError: the worker does not begin.
    """
    from crystalcli.ingest import layer_worker

    if (present := layer_worker(crystal)) is not None:
        return present.process
    command = [sys.executable, "-m", "crystalcli.cli.commands.layer_worker", str(crystal.absolute())]
    if encoder is not None or jobs is not None:
        command.append(str(encoder.absolute() if encoder is not None and encoder.exists() else encoder or "auto"))
    if jobs is not None:
        command.append(str(jobs))
    nowhere = subprocess.DEVNULL
    worker = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)
    deadline = time.monotonic() + _START_SECONDS
    while worker.poll() is None:
        present = layer_worker(crystal)
        if present is not None or time.monotonic() >= deadline:
            return present.process if present is not None else worker.pid
        time.sleep(_POLL_SECONDS)
    if worker.returncode:
        raise CrystalError("the worker in the background has failed: `crystal ingest --layers` says why")
    return worker.pid  # all was made already


def stopped_error(crystal: Path) -> StoppedError:
    """Make the error that says what a stopped ingest has left."""
    from crystalcli.library import Crystal

    if not crystal.exists():
        return StoppedError("stopped; nothing was read")
    with Crystal.open(crystal, encoder=None) as opened:
        stats, share = opened.stats(), opened.layer_share
    layers = f", layers of {format_share(share)}" if share < 1.0 else ""
    contents = f"{crystal} holds {format_count(stats.documents, 'document')}, {stats.tokens:,} tokens{layers}"
    return StoppedError(f"stopped; {contents}; what was read stays, and the same command goes on from there")
