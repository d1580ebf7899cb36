"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations


def main() -> None:
    """The `crystal` command."""
    import os
    import sys

    # Read when torch is loaded: threads that wait for one another sleep instead of spinning, which with a busy neighbour
    # on the same processors is the difference between half the speed and a tenth of it.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from crystalcli.cli.app import run

    sys.exit(run())
