"""The offer to fetch a language model that answers, where none is on this machine.

On a terminal it is made once, after the quotations of the first answer: with the model's size, and
the minutes at the speed of a short trial, whose bytes are kept. The answer is remembered in the
models folder. Without a terminal one line says once for each models folder that answers are
quotations, since a script that asks a thousand questions needs no thousand lines.

Knows: the terminal, what the user said before. Does not know: questions, answers.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress

from crystalcli.cli.options.crystal_options import fetch_weights
from crystalcli.cli.terminal.humanize import format_duration, format_size
from crystalcli.cli.terminal.output import output
from crystalcli.cli.terminal.progress import StatusLine
from crystalcli.cli.terminal.word_wrap import WordWrap
from crystalcli.errors import CrystalError
from crystalcli.models import catalogue_entry, measure_speed, read_registry, remember_offer

_DAY = 86_400  # seconds
_PAUSES = {"": 0, "told": 0, "failed": _DAY, "no": 30 * _DAY}  # until the offer is made again


class ModelOffer:
    """An offer to fetch one model.

    Args:
        name: of the model, in the catalogue.
        is_unasked: whether it is fetched without asking.

    Attributes:
        name: as given.
        is_unasked: as given.
    """

    def __init__(self, name: str, is_unasked: bool) -> None:
        self.name, self.is_unasked = name, is_unasked

    def accept(self) -> bool:
        """Ask the user unless that is not wanted, and fetch the model.

        Returns:
            Whether it is on this machine now.
        """
        if not self.is_unasked and not self._ask():
            return False
        try:
            fetch_weights(self.name)
        except CrystalError as error:  # the quotations are an answer, too
            output.note(f"{error}")
            return False
        return True

    def _ask(self) -> bool:
        """Ask the user, and remember what is said. Raises KeyboardInterrupt."""
        status = StatusLine()
        status.show("tries how fast a language model could be fetched …")
        try:
            speed = measure_speed(self.name)
        finally:
            status.clear()
        if speed is None:
            _remember("failed")
            output.note(
                f"answers are quotations: no language model is here. `crystal models pull {self.name}` fetches one"
            )
            return False
        size = catalogue_entry(self.name).size
        wrap = WordWrap(shutil.get_terminal_size().columns)
        offer = (
            f"{self.name} can put answers in words, on this machine: {format_size(size)} once, "
            f"about {format_duration(size / speed)} at {format_size(speed)}/s."
        )
        sys.stderr.write(f"\n{wrap.add(offer)}{wrap.end()}\n")
        answer = _read_choice("Fetch it now? [yes/no/never] ")
        _remember(answer)
        return answer == "yes"


def offer_model(name: str, fetch: bool | None, can_ask: bool) -> ModelOffer | None:
    """Make the offer that is due.

    Args:
        name: of the model to offer.
        fetch: whether the user wants it unasked, or not at all; None: the user said neither.
        can_ask: whether the answer goes to a terminal, as text.

    Returns:
        None if there is nothing to offer: the network is forbidden, or the user said no.
    """
    if fetch is False:
        return None
    if fetch:
        return ModelOffer(name, is_unasked=True)
    if os.environ.get("CRYSTAL_OFFLINE", "0") not in ("", "0"):
        return None
    try:
        registry = read_registry()
    except CrystalError:
        return None  # a model that is needed reports it
    if not can_ask:
        if not registry.offer and not output.quiet and _remember("told"):
            output.note(
                f"answers are quotations: no language model is here. --fetch or `crystal models pull {name}` fetches one; "
                "this is said once"
            )
        return None
    if registry.offer == "yes":  # it was stopped, and goes on
        return ModelOffer(name, is_unasked=True)
    pause = _PAUSES.get(registry.offer)
    is_due = pause is not None and time.time() - registry.offered >= pause
    return ModelOffer(name, is_unasked=False) if is_due else None


def can_ask_user() -> bool:
    """Tell whether a question to the user would be seen and could be answered."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return not output.quiet and all(stream is not None and stream.isatty() for stream in streams)


def _read_choice(prompt: str) -> str:
    """Read "yes", "no" or "never" from the terminal; "no" at its end."""
    choices = {"y": "yes", "yes": "yes", "n": "no", "no": "no", "never": "never"}
    while True:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stderr.write("\n")
            return "no"
        if (choice := choices.get(line.strip().lower())) is not None:
            return choice


def _remember(answer: str) -> bool:
    """Remember what became of the offer; tell whether that could be written."""
    with suppress(CrystalError):
        remember_offer(answer)
        return True
    return False
