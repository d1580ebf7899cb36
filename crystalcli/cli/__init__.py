"""The command line. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import contextlib


def main() -> None:
    """The `crystal` command."""
    import os
    import signal
    import sys
    import threading

    try:
        from crystalcli.cli.terminal.stop_signals import hear_again

        hear_again()
        from crystalcli.cli.app import run

        code = run()
    except KeyboardInterrupt:  # before there was anything to stop, or a second one while the first was answered
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done
    if (
        threading.active_count() > 1
    ):  # a model that is still loading: it has nobody to speak to, and cannot be interrupted
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
