"""The command line. Nothing heavy is imported before a command runs.

Floors, from the top: `app` (the Typer app and `run`) and `reference` (man pages and docs) over
`commands`; these over `render` and `options`; these over `parsing` and `terminal`.
"""

from __future__ import annotations

import contextlib


def main() -> None:
    """Run the `crystal` command and exit with its code."""
    import os
    import signal
    import sys
    import threading

    try:
        from crystalcli.cli.terminal.stop_signals import retry_lost_interrupts

        retry_lost_interrupts()
        from crystalcli.cli.app import run

        code = run()
    # Before there was anything to stop, or a second one while the first was answered.
    except KeyboardInterrupt:
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done
    # A thread that still loads a model has no reader any more, and cannot be interrupted.
    if threading.active_count() > 1:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
