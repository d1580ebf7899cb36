"""One name for each unexpected error of a reader, or of a library below it.

Knows Python's errors. Does not know formats: a reader names first what it knows can be wrong with
its files.
"""

from __future__ import annotations

import errno

from crystalcli.errors import Reason, SourceError, UnsteadySourceError, refusal_of

NESTED_TOO_DEEPLY = "nested too deeply"
OUT_OF_MEMORY = "too large: reading it takes more memory than there is"


def unforeseen(error: Exception, what: str = "") -> SourceError:
    """Turn an unexpected error into a SourceError.

    Args:
        error: raised while a file was read.
        what: the container that the file is, "EPUB" or "archive": inside one, an unexpected error is
            damage. "": anything else.

    Returns:
        The error to raise in its place: `error` itself where it is a SourceError, an
        UnsteadySourceError where the disk or the system refused.
    """
    if isinstance(error, SourceError):
        return error
    if isinstance(error, OSError) and (not what or error.errno not in (None, errno.EINVAL)):
        return UnsteadySourceError(*refusal_of(error))
    if isinstance(error, RecursionError):
        return SourceError(NESTED_TOO_DEEPLY, Reason.NESTED_TOO_DEEPLY)
    if isinstance(error, MemoryError):
        return SourceError(OUT_OF_MEMORY, Reason.OUT_OF_MEMORY)
    name = type(error).__name__
    if what:
        return SourceError(f"damaged {what}: unexpected {name}", Reason.DAMAGED)
    return SourceError(f"cannot be read: unexpected {name}", Reason.UNEXPECTED)
