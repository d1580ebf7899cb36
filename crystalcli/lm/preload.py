"""Opens and loads a language model in a thread, while the caller does something else.

Knows: opening comes before counting, loading before generating. Does not know: which model it is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from crystalcli.datatypes import ChatModel


class Preload:
    """A model that opens and then loads in a thread of its own, once.

    Args:
        open_model: Opens the model; called once, in the thread.
    """

    def __init__(self, open_model: Callable[[], ChatModel]) -> None:
        self._open_model = open_model
        self._model: ChatModel | None = None
        self._error: BaseException | None = None
        self._opened = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, unless it has been started."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="loading", daemon=True)
            self._thread.start()

    def __call__(self) -> ChatModel:
        """Wait for the open model; its weights may still be loading.

        Raises:
            BaseException: What `open_model` raised.
        """
        self.start()
        self._opened.wait()
        if self._model is None:
            assert self._error is not None
            raise self._error
        return self._model

    def _run(self) -> None:
        try:
            self._model = self._open_model()
        except BaseException as error:
            self._error = error
        self._opened.set()
        if self._model is not None:
            # An error of loading comes again with the first word, where the caller sees it.
            with contextlib.suppress(Exception):
                self._model.load()
