"""A language model that opens and loads in a thread of its own, while there is something else to do.

Knows: that opening is needed before anything is counted, and loading before anything is said. Does not know which model it is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from crystalcli.types import Speaker


class Early:
    """Calls `open` once, in a thread that `begin` starts, and then the model's `load`, if it has one."""

    def __init__(self, open: Callable[[], Speaker]) -> None:
        self._open = open
        self._speaker: Speaker | None = None
        self._error: BaseException | None = None
        self._opened = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start, if that was not done yet."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="loading", daemon=True)
            self._thread.start()

    def __call__(self) -> Speaker:
        """The model, opened; its weights may still be on their way. Raises what `open` raised."""
        self.begin()
        self._opened.wait()
        if self._speaker is None:
            assert self._error is not None
            raise self._error
        return self._speaker

    def _run(self) -> None:
        try:
            self._speaker = self._open()
        except BaseException as error:
            self._error = error
        self._opened.set()
        load = getattr(self._speaker, "load", None)
        if load is not None:
            with contextlib.suppress(Exception):  # whoever wants the first word meets it again, and is told
                load()
