"""The worker that `crystal ingest --background` leaves: makes layers at low priority, then ends.

python -m crystalcli.cli.commands.layer_worker CRYSTAL [ENCODER [JOBS]]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from crystalcli.cli.terminal.stop_signals import stop_on_signals
from crystalcli.errors import CrystalError, StoppedError

_LOWEST_PRIORITY = 19  # any other program goes first


def main(arguments: Sequence[str]) -> int:
    """Make layers until all are made, or until it is stopped.

    Args:
        arguments: the crystal, and the encoder's folder or name if one was given, and the number
            of processes.

    Returns:
        The exit code.
    """
    from crystalcli.library import Crystal

    if hasattr(os, "nice"):
        os.nice(_LOWEST_PRIORITY)
    encoder: str = arguments[1] if len(arguments) > 1 else "auto"
    jobs = int(arguments[2]) if len(arguments) > 2 else None
    try:
        with stop_on_signals(), Crystal(Path(arguments[0]), encoder=encoder, reranker=None) as crystal:
            crystal.make_layers(background=True, jobs=jobs)
    except KeyboardInterrupt:
        return StoppedError.exit_code
    except CrystalError as error:
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
