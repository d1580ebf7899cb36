"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations


def main() -> None:
    """The `crystal` command."""
    import sys

    from crystalcli.cli.app import run

    sys.exit(run())
