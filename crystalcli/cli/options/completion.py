"""Values that a shell completes: documents of the crystal, names of models, names of commands.

Where a function offers nothing the shell completes files. Errors offer nothing: a shell has no
place for them.

Knows: Typer's protocol of completion. Does not know: the shells' scripts, which Typer writes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from crystalcli.datatypes import FIELD_JOINT

if TYPE_CHECKING:
    from crystalcli.library import Crystal

MAX_OFFERED = 1_000  # documents; a longer list is of no use at a prompt
_BASH_SPECIAL = re.compile(r"([^\w@%+=:,./~-])", re.ASCII)


class _BashWord(str):
    """A word that Typer prints as bash needs it, with backslashes."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return _BASH_SPECIAL.sub(lambda match: "\\" + match[1] if ord(match[1]) < 128 else match[1], str(self))


def complete_documents(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer documents of the crystal that the command line, or else the folder, names."""
    return _offer_names(
        ctx, incomplete, lambda crystal: (document.path for document in crystal.documents() if document.chunks)
    )


def _offer_names(ctx: typer.Context, incomplete: str, names: Callable[[Crystal], Iterable[str]]) -> list[str]:
    """Offer names out of the crystal that the command line, or else the folder, names."""
    try:
        from crystalcli.cli.options.crystal_options import crystal_paths
        from crystalcli.library import Crystal

        paths = crystal_paths([_as_path(path) for path in ctx.params.get("crystal") or ()])
        with Crystal.open(paths, encoder=None) as crystal:
            return _offer(names(crystal), incomplete)
    except Exception:
        return []


def complete_kinds(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the kinds of the crystal's documents."""
    return _offer_names(ctx, incomplete, lambda crystal: sorted({d.kind for d in crystal.documents() if d.chunks}))


def complete_authors(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the authors of the crystal's messages and documents."""

    def authors(crystal: Crystal) -> list[str]:
        stated = (name for d in crystal.documents() if d.author for name in d.author.split(FIELD_JOINT))
        return sorted({*crystal.authors(), *stated})

    return _offer_names(ctx, incomplete, authors)


def complete_tags(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the tags of the crystal's Markdown documents and memories."""
    return _offer_names(ctx, incomplete, lambda crystal: crystal.tags())


def complete_memories(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the ids of memories."""
    return _offer_names(ctx, incomplete, lambda crystal: (memory.id for memory in crystal.memories(limit=MAX_OFFERED)))


def complete_exported_documents(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer documents, but files where `crystal export` takes its folder."""
    if ctx.params.get("jsonl") is None and not ctx.params.get("names"):
        return []
    return complete_documents(ctx, incomplete)


def complete_models(incomplete: str) -> list[str]:
    """Offer language models that have a name, built-in ones first."""
    try:
        from crystalcli.models import CATALOGUE, read_registry

        built_in = [name for name, weights in CATALOGUE.items() if weights.role == "language"]
        return _offer([*built_in, *read_registry().models], incomplete)
    except Exception:
        return []


def complete_known_models(incomplete: str) -> list[str]:
    """Offer every model that has a name, encoders too."""
    try:
        from crystalcli.models import CATALOGUE, read_registry

        return _offer([*CATALOGUE, *read_registry().models], incomplete)
    except Exception:
        return []


def complete_commands(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer names of commands, and after a group's name those of its commands."""
    group: Any = ctx.find_root().command
    for name in ctx.params.get("names") or ():
        group = getattr(group, "commands", {}).get(name)
    return _offer(getattr(group, "commands", {}), incomplete)


def _as_path(option: Any) -> Any:
    from pathlib import Path

    return Path(option)


def _offer(names: Iterable[str], incomplete: str) -> list[str]:
    from itertools import islice

    matching = islice((name for name in names if name.startswith(incomplete) and "\n" not in name), MAX_OFFERED)
    return [_BashWord(name) for name in matching] if _completes_bare_word_in_bash() else list(matching)


def _completes_bare_word_in_bash() -> bool:
    words = os.environ.get("COMP_WORDS", "").split("\n")
    index = os.environ.get("COMP_CWORD", "")
    word = words[int(index)] if index.isdigit() and int(index) < len(words) else ""
    return "COMP_WORDS" in os.environ and not word.startswith(('"', "'"))
