"""The commands that move what crystals hold: out into files, together, away. Parse, call one function, render."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from crystalcli.cli.output import output
from crystalcli.cli.shared import PATH, crystal_option, json_option, open_crystal, path_of
from crystalcli.errors import CrystalError, StoppedError, UsageError
from crystalcli.paths import expanded

_force_option = click.option("--force", is_flag=True, help="Replace what is there.")


@contextlib.contextmanager
def _stopping(message: str) -> Iterator[None]:
    """What Ctrl-C leaves, said in one line."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; {message}") from None


@click.command()
@click.argument("names", metavar="[OUT] [DOCUMENT]...", nargs=-1)
@click.option(
    "--jsonl", metavar="FILE", type=PATH, help="Write passages as JSON lines, - for stdout, and no files under OUT."
)
@_force_option
@crystal_option
@json_option
def export(names: tuple[str, ...], jsonl: Path | None, force: bool, crystal: Path | None, as_json: bool) -> None:
    """Write documents back as files under the folder OUT, or their passages as JSON lines.

    All documents, or those named: as cited, a folder of them, a path, or a glob in quotes. A file holds the document's exact
    text in UTF-8; where the source was UTF-8 without a byte-order mark it is the source, byte for byte. A PDF or mail becomes a .txt of
    its text. Names that lead out of OUT are refused (exit code 1, after the others have been written), links in OUT are not
    followed, and files that are there are left alone without --force.

    With --jsonl each line is a passage (a chunk; joined, their texts are the document) with path, kind, title, start and end
    in characters, lines, pages, heading, tokens and text; every name is a DOCUMENT then.
    """
    from crystalcli.cli import render_moves

    if jsonl is not None:
        if as_json and str(jsonl) == "-":
            raise UsageError("stdout can take the passages or --json, not both")
        with open_crystal(crystal, encoder=False) as opened:
            lines = (json.dumps(row, ensure_ascii=True) + "\n" for row in opened.passages(names))
            written = _write_lines(jsonl, lines, force)
        if as_json:
            output.json("export", {"out": str(jsonl), "passages": written})
        elif str(jsonl) != "-":
            render_moves.exported_lines(written, str(jsonl))
        return
    if not names:
        raise UsageError("give a folder to write to, or --jsonl FILE")
    folder = expanded(names[0])
    with (
        open_crystal(crystal, encoder=False) as opened,
        _stopping("the files written so far are whole; --force goes over them again"),
    ):
        report = opened.export(folder, names[1:], force=force)
    if as_json:
        output.json("export", {"out": str(folder), **render_moves.export_json(report)})
    else:
        render_moves.exported(report, str(folder))
    if report.refused:
        raise CrystalError(f"{len(report.refused):,} not written: their names may not be those of files there")


def _write_lines(target: Path, lines: Iterator[str], force: bool) -> int:
    """Write to stdout, or to a file that has its name when it is whole; returns how many."""
    written = 0
    if str(target) == "-":
        with _stopping("not all passages are written"):
            for line in lines:
                output.write(line)
                written += 1
        return written
    target = expanded(target)
    if os.path.lexists(target) and not force:
        raise CrystalError(f"{target} exists already; --force replaces it")
    part = target.with_name(f".crystal-export-{os.getpid()}")
    try:
        with _stopping(f"{target} was not written"), part.open("x", encoding="utf-8", newline="\n") as file:
            for line in lines:
                file.write(line)
                written += 1
        part.replace(target)
    except OSError as error:
        raise CrystalError(f"cannot write {target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return written


@click.command()
@click.argument("crystals", metavar="CRYSTAL CRYSTAL...", nargs=-1, required=True, type=PATH)
@click.option("-o", "--output", "target", metavar="FILE", type=PATH, required=True, help="The crystal to make.")
@_force_option
@json_option
def merge(crystals: tuple[Path, ...], target: Path, force: bool, as_json: bool) -> None:
    """Make one crystal of several. Nothing is read or encoded again; text that they share is stored once.

    A document that several hold under one name with the same text is there once. Where the texts differ both stay, the later
    one's name prefixed with the name of its crystal. The new crystal is whole or not there; --force replaces a crystal.
    """
    from crystalcli.cli import render_moves
    from crystalcli.cli.progress import portion
    from crystalcli.library import Crystal

    target = expanded(target)
    with _stopping(f"{target} was not made"), portion() as progress:
        report = Crystal.merge([expanded(path) for path in crystals], target, force=force, progress=progress)
    if as_json:
        output.json("merge", {"path": str(target), **asdict(report)})
    else:
        render_moves.merged(report, str(target))


@click.command()
@click.argument("names", metavar="DOCUMENT...", nargs=-1, required=True)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be forgotten, and forget nothing.")
@click.option("--compact", "then_compact", is_flag=True, help="Compact afterwards, so that the text leaves the file.")
@crystal_option
@json_option
def forget(names: tuple[str, ...], dry_run: bool, then_compact: bool, crystal: Path | None, as_json: bool) -> None:
    """Forget documents: as cited, a folder of them, a path, or a glob in quotes.

    In a glob, * stops at / and ** does not; without a / it is held against the last part of a path. All are forgotten in one
    step, or none when a name means no document (exit code 7). They are not recalled any more, but their text is still in the
    bytes of the file until `crystal compact`, or --compact here. A file that is still in its folder is read again by the next
    `crystal ingest` of that folder: name it in .crystalignore to leave it out.
    """
    from crystalcli.cli import render_moves
    from crystalcli.cli.progress import portion
    from crystalcli.library import Crystal

    target = path_of(crystal)
    with Crystal.open(target, writable=not dry_run, encoder=None) as opened:
        report = opened.forget(names, dry_run=dry_run)
    compacted = None
    if then_compact and not dry_run:
        message = f"the documents are forgotten, and {target} is not compacted"
        with (
            _stopping(message),
            portion() as progress,
            Crystal.open(target, writable=True, encoder=None) as opened,
        ):
            compacted = opened.compact(progress=progress)
    if as_json:
        output.json("forget", {"path": str(target), "dry_run": dry_run, **render_moves.forget_json(report, compacted)})
    else:
        render_moves.forgotten(report, str(target), dry_run, compacted)


@click.command()
@crystal_option
@json_option
def compact(crystal: Path | None, as_json: bool) -> None:
    """Give back the space of what was forgotten, pruned or changed, and join what many small ingests left.

    The crystal is written anew beside its place and takes it in one step; until then, and after Ctrl-C, the old file is whole.
    Nothing is encoded again: documents, texts and layers stay what they are. It takes free space for the new file.
    """
    from crystalcli.cli import render_moves
    from crystalcli.cli.progress import portion
    from crystalcli.library import Crystal

    target = path_of(crystal)
    with (
        _stopping(f"{target} is as it was"),
        portion() as progress,
        Crystal.open(target, writable=True, encoder=None) as opened,
    ):
        report = opened.compact(progress=progress)
    if as_json:
        output.json("compact", {"path": str(target), **asdict(report)})
    else:
        render_moves.compacted(report, str(target))


@click.command()
@click.argument("one", metavar="A", type=PATH)
@click.argument("other", metavar="B", type=PATH)
@json_option
def diff(one: Path, other: Path, as_json: bool) -> int:
    """List what differs between two crystals: documents added, gone and renamed, and the passages of those that changed.

    What is compared is text, from A to B. The exit code is 0 when they hold the same and 1 when they differ, as with diff(1);
    trouble has other codes, 2 where other commands say 1.
    """
    from crystalcli.cli import render_moves
    from crystalcli.library import Crystal

    try:
        with Crystal.open(expanded(one), encoder=None) as opened:
            found = opened.diff(other)
    except CrystalError as error:
        if error.exit_code == 1:
            raise UsageError(str(error)) from error
        raise
    if as_json:
        output.json("diff", {"a": str(one), "b": str(other), "same": not found.any, **render_moves.diff_json(found)})
    else:
        render_moves.differences(found)
    return int(found.any)
