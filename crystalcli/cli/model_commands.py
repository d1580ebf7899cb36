"""`crystal models`: the weights that crystal fetches, and language models of one's own by name."""

from __future__ import annotations

import click

from crystalcli.cli.output import output
from crystalcli.cli.shared import allow_remote_option, fetch, json_option


@click.group()
def models() -> None:
    """The models on this machine: list, fetch, add, remove, and which one is asked."""


@models.command("list")
@json_option
def models_list(as_json: bool) -> None:
    """List the models that crystal knows by name, and which are here. The one that is asked has a star."""
    from crystalcli import models as room
    from crystalcli.cli import render_models
    from crystalcli.errors import CrystalError
    from crystalcli.models import registry

    try:
        known = registry.read()
    except CrystalError as error:  # what crystal fetches can be listed all the same
        output.note(str(error))
        known = registry.Registry({})
    if as_json:
        output.json("models list", {"models": render_models.listed_json(room.listing(), known)})
    else:
        render_models.listed(room.listing(), known)


@models.command("pull")
@click.argument("names", metavar="[NAME]...", nargs=-1)
def models_pull(names: tuple[str, ...]) -> None:
    """Fetch weights once, check them, and keep them; all that crystal knows when none is named.

    An interrupted pull goes on where it stopped.
    """
    from crystalcli import models as room

    wanted = [room.weights(name).name for name in names or room.CATALOGUE]
    for name in wanted:
        output.note(f"{name} is in {fetch(name)}")


@models.command("add")
@click.argument("place", metavar="FILE|DIR|URL")
@click.option("--name", metavar="NAME", default="", help="What to call it. Default: what it is called itself.")
@allow_remote_option
@json_option
def models_add(place: str, name: str, allow_remote: bool, as_json: bool) -> None:
    """Give a language model of your own a name: a GGUF file, a folder in Hugging Face's layout, or a local server.

    It is opened first, to see that it can be. It stays where it is; only its place is remembered. A server is an OpenAI-compatible
    one, such as http://127.0.0.1:11434/v1, with #MODEL behind it where it has several.
    """
    from crystalcli import language_models
    from crystalcli.cli import render_models

    added = language_models.add_model(place, name, allow_remote=allow_remote)
    if as_json:
        output.json("models add", {"model": render_models.registered_json(added)})
    else:
        output.note(f"{added.name} is {added.target}; `crystal ask --model {added.name}` asks it")


@models.command("remove")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def models_remove(names: tuple[str, ...]) -> None:
    """Delete weights that crystal fetched; forget a model that was added, whose files stay where they are."""
    from crystalcli import models as room
    from crystalcli.cli.render import size
    from crystalcli.models import registry

    for name in names:
        if name in room.CATALOGUE:
            output.note(f"{name}: {size(room.remove(name))} given back")
        elif (forgotten := registry.remove(name)) is not None:
            output.note(f"{name}: forgotten; {forgotten.target} stays as it is")
        else:
            registry.known(name, registry.read())


@models.command("default")
@click.argument("name", required=False)
@json_option
def models_default(name: str | None, as_json: bool) -> None:
    """Make a model the one that `crystal ask` asks, or say which one that is.

    `--model` and $CRYSTAL_MODEL come before it.
    """
    from crystalcli import language_models
    from crystalcli.models import registry

    if name is not None:
        registry.choose(name)
    chosen = registry.read().default or language_models.LANGUAGE_MODEL
    if as_json:
        output.json("models default", {"default": chosen})
    else:
        output.write(f"{chosen}\n")
