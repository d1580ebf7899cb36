"""Models shown: the weights that crystal fetches and the user's own, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Table

from crystalcli.cli.output import harmless, output
from crystalcli.cli.render import size
from crystalcli.language_models import LANGUAGE_MODEL

if TYPE_CHECKING:
    from crystalcli.models import ModelStatus, RegisteredModel, Registry


def listed(found: Iterable[ModelStatus], known: Registry) -> None:
    """The models that have names, and which are here."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("", "model", "role", "here", "licence", "where"):
        table.add_column(title, overflow="fold")
    default = known.default or LANGUAGE_MODEL
    for each in found:
        here = size(each.bytes) if each.present else "no"
        table.add_row("*" if each.name == default else "", each.name, each.role, here, each.licence, str(each.path))
    for own in known.models.values():
        table.add_row("*" if own.name == default else "", own.name, "language", _here(own), "", harmless(own.target))
    output.console.print(table)


def listed_json(found: Iterable[ModelStatus], known: Registry) -> list[dict[str, Any]]:
    """The same for programs."""
    default = known.default or LANGUAGE_MODEL
    rows = [
        {
            **asdict(each),
            "path": str(each.path),
            "kind": "catalogue",
            "state": "here" if each.present else "missing",
            "default": each.name == default,
        }
        for each in found
    ]
    return rows + [{**registered_json(each), "default": each.name == default} for each in known.models.values()]


def registered_json(own: RegisteredModel) -> dict[str, Any]:
    """One of the user's own models, with the keys that the others have, and its state."""
    state = own.state
    return {
        "name": own.name,
        "role": "language",
        "present": state in ("here", "changed"),
        "bytes": own.size,
        "path": own.target,
        "licence": "",
        "description": "",
        "kind": own.kind,
        "state": state,
    }


def _here(own: RegisteredModel) -> str:
    state = own.state
    return size(own.size) if state == "here" else f"{state}!" if state == "missing" else state
