"""Views of models: the weights that crystal fetches and the user's own, side by side."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from crystalcli.cli.render.plain_table import plain_table
from crystalcli.cli.terminal.humanize import format_size
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.language_models import default_model

if TYPE_CHECKING:
    from crystalcli.models import ConvertedWeights, ModelStatus, RegisteredModel, Registry


def print_models(
    built_in: Iterable[ModelStatus], registry: Registry, converted: Iterable[ConvertedWeights] = ()
) -> None:
    """Print the models that have names, and which are here. The default has a star.

    Converted copies follow.
    """
    table = plain_table("", "model", "role", "here", "licence", "where")
    default = default_model(registry)
    for model in built_in:
        here = format_size(model.bytes) if model.present else "no"
        star = "*" if model.name == default else ""
        table.add_row(star, model.name, model.role, here, model.licence, str(model.path))
    for own in registry.models.values():
        table.add_row(
            "*" if own.name == default else "", own.name, "language", _where_it_is(own), "", sanitize(own.target)
        )
    for copy in converted:
        table.add_row("", sanitize(copy.name), "converted", format_size(copy.bytes), "", sanitize(str(copy.path)))
    output.console.print(table)


def print_offers(built_in: Iterable[ModelStatus]) -> None:
    """Print the models that can be fetched: name, size, licence, and what each is good for."""
    table = plain_table("model", "or", "size", "licence", "here", "good for", numbers=("size",))
    for model in built_in:
        here = "yes" if model.present else f"{format_size(model.bytes)} of it" if model.bytes else "no"
        table.add_row(model.name, model.alias, format_size(model.size), model.licence, here, model.use)
    output.console.print(table)


def models_json(built_in: Iterable[ModelStatus], registry: Registry) -> list[dict[str, Any]]:
    """Make the same for programs."""
    default = default_model(registry)
    rows = [
        {
            **asdict(model),
            "path": str(model.path),
            "kind": "catalogue",
            "state": "here" if model.present else "missing",
            "default": model.name == default,
        }
        for model in built_in
    ]
    return rows + [{**registered_json(own), "default": own.name == default} for own in registry.models.values()]


def converted_json(converted: Iterable[ConvertedWeights]) -> list[dict[str, Any]]:
    """Make the converted copies for programs."""
    return [{**asdict(copy), "path": str(copy.path)} for copy in converted]


def registered_json(own: RegisteredModel) -> dict[str, Any]:
    """Build the JSON of a user's own model: the keys of the built-in ones, and its state."""
    state = own.state
    return {
        "name": own.name,
        "role": "language",
        "present": state in ("here", "changed"),
        "bytes": own.size,
        "path": own.target,
        "licence": "",
        "description": "",
        "size": own.size,
        "use": "",
        "alias": "",
        "kind": own.kind,
        "state": state,
    }


def _where_it_is(own: RegisteredModel) -> str:
    state = own.state
    return format_size(own.size) if state == "here" else f"{state}!" if state == "missing" else state
