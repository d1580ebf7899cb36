"""Which language model a command asks: the options, and what they mean before anything else is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crystalcli.cli.shared import fetch

if TYPE_CHECKING:
    from crystalcli.lm import LanguageModel
    from crystalcli.types import Speaker

model_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--model",
    metavar="NAME|FILE|DIR|URL",
    help="The language model: a name from `crystal models list`, a GGUF file, a folder in Hugging Face's layout, or a local server "
    "(http://127.0.0.1:11434/v1#MODEL). Default: $CRYSTAL_MODEL, else `crystal models default`, else SmolLM2-135M-Instruct.",
)


def chosen(model: str | None, allow_remote: bool) -> str | Path | Speaker:
    """The model to ask: the user's own open already, so that a wrong one is said before anything is recalled or fetched; the name
    of one of crystal's, fetched if need be, which opens when it is asked.
    """
    from crystalcli.language_models import get_model, is_builtin, resolve_model

    what = resolve_model(model)
    if is_builtin(what):
        fetch(what)
        return what
    return get_model(what, allow_remote=allow_remote)


def judging(model: str | None) -> LanguageModel:
    """The model that says how likely tokens are, open; one of crystal's is fetched if need be. Raises UsageError for any other."""
    from crystalcli.language_models import is_builtin, resolve_model
    from crystalcli.memory.recalling import judge
    from crystalcli.models import weights

    what = resolve_model(model)
    return judge(fetch(what) / weights(what).main if is_builtin(what) else what)
