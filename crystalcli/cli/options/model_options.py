"""The option that names a language model, and the model that it names.

Knows: where names are looked up. Does not know: how a model is run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crystalcli.cli.options.completion import complete_models
from crystalcli.cli.options.crystal_options import fetch_weights

if TYPE_CHECKING:
    from crystalcli.datatypes import ChatModel
    from crystalcli.lm import LanguageModel

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FILE|DIR|URL",
        autocompletion=complete_models,
        help="Language model: a name from `crystal models list`, a GGUF file, a folder in Hugging Face's layout, or "
        "the URL of a local server (http://127.0.0.1:11434/v1#MODEL). Default: $CRYSTAL_MODEL, else the choice of "
        "`crystal models default`, else the best built-in one that is here.",
    ),
]
LocalModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME|FILE|DIR",
        autocompletion=complete_models,
        help="Language model, as for `crystal ask`, but not a server: the probabilities of tokens are needed.",
    ),
]


def resolve_language_model(option: str | None, allow_remote: bool) -> str | Path | ChatModel:
    """Find the language model to ask, so that a wrong name is reported before anything is recalled.

    Args:
        option: value of --model.
        allow_remote: whether a server may be another machine.

    Returns:
        The user's own model, open; or the name of a built-in one, fetched, which opens when it is
        asked.
    """
    from crystalcli.language_models import is_builtin, open_model, resolve_model

    model = resolve_model(option)
    if is_builtin(model):
        fetch_weights(model)
        return model
    return open_model(model, allow_remote=allow_remote)


def open_local_model(option: str | None) -> LanguageModel:
    """Open the model that gives probabilities of tokens; fetch a built-in one if it is not here.

    Args:
        option: value of --model.

    Raises:
        UsageError: the model gives no probabilities.
    """
    from crystalcli.language_models import is_builtin, resolve_model
    from crystalcli.models import catalogue_entry
    from crystalcli.retrieval_lm import open_scoring_model

    model = resolve_model(option)
    return open_scoring_model(fetch_weights(model) / catalogue_entry(model).main if is_builtin(model) else model)
