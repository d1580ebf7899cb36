"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations


def main() -> None:
    """The `crystal` command."""
    import signal
    import sys

    try:
        from crystalcli.cli.app import run

        code = run()
    except KeyboardInterrupt:  # before there was anything to stop, or a second one while the first was answered
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done
    sys.exit(code)
