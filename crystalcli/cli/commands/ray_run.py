"""An ingest over Ray as a command: its bar, its report, and what a stop leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.cli.terminal.humanize import format_count, format_size, single_line
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.progress import ingest_bar
from crystalcli.cli.terminal.stop_signals import stop_on_signals
from crystalcli.errors import StoppedError

if TYPE_CHECKING:
    from crystalcli.cluster import ClusterReport
    from crystalcli.text import FileFilter


class RayArguments(NamedTuple):
    """The arguments of an ingest over Ray.

    Attributes:
        target: the crystal, or the folder of crystals.
        sources: files and folders.
        address: value of --ray.
        shards: value of --shards.
        encoder: value of --encoder.
        codebooks_from: values of --codebooks-from.
        file_filter: the filter of the folders; None for the usual.
        password: value of --password.
        layers: whether layers are made.
        processes: value of --jobs.
    """

    target: Path
    sources: Sequence[Path]
    address: str
    shards: bool
    encoder: Path | None
    codebooks_from: Sequence[Path]
    file_filter: FileFilter | None
    password: str
    layers: bool
    processes: int | None


def ingest_over_ray(arguments: RayArguments, as_json: bool) -> None:
    """Read files into a new crystal by a Ray cluster, and print the report.

    Raises:
        StoppedError: it was stopped.
        CrystalError: as of `ingest_by_ray`.
    """
    from crystalcli.cluster import ingest_by_ray

    encoder = arguments.encoder
    try:
        with stop_on_signals(), ingest_bar() as progress:
            report = ingest_by_ray(
                arguments.target,
                arguments.sources,
                address=arguments.address,
                shards=arguments.shards,
                encoder="auto" if encoder is None else str(encoder.absolute() if encoder.exists() else encoder),
                codebooks_from=arguments.codebooks_from,
                file_filter=arguments.file_filter,
                password=arguments.password,
                layers=arguments.layers,
                processes=arguments.processes,
                progress=progress,
            )
    except KeyboardInterrupt:
        raise StoppedError("stopped; finished shards stay, and the same command goes on from there") from None
    if as_json:
        output.json("ingest", {"path": str(arguments.target), **asdict(report)})
    else:
        _print_report(report, arguments.target)


def _print_report(report: ClusterReport, target: Path) -> None:
    holds = f"{format_count(report.documents, 'document')}, {report.tokens:,} tokens"
    made = f"{report.shards} crystals" if report.merged is None else f"{report.shards} shards, merged"
    output.write(
        f"{single_line(str(target))} holds {holds} of {format_size(report.bytes)}: {made}, by "
        f"{report.processes} processes ({report.seconds:.0f} s)\n"
    )
    if report.resumed:
        output.write(f"{format_count(report.resumed, 'shard')} of an earlier run kept\n")
    if report.lost:
        output.write(f"{report.lost} processes were lost and replaced\n")
    if report.skipped:
        output.write(f"{format_count(report.skipped, 'file')} not read: `crystal status` lists them\n")
