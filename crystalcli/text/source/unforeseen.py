"""Barrier around a reader: one wording for every error that its author did not foresee.

Knows Python's errors. Does not know formats: a reader first names the errors that it expects of its
files.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from crystalcli.errors import CrystalError, Reason, SourceError, UnsteadySourceError, refusal_of

NESTED_TOO_DEEPLY = "nested too deeply"
OUT_OF_MEMORY = "too large: reading it takes more memory than there is"


def unforeseen(error: Exception, container: str = "") -> SourceError:
    """Turn an unexpected error into a SourceError.

    Args:
        error: raised while a file was read.
        container: the container that the file is, "EPUB" or "archive": inside one, an unexpected
            error means damage. "": anything else.

    Returns:
        The error to raise in its place: `error` itself where it is a SourceError, an
        UnsteadySourceError for a refusal of the disk or the system.
    """
    if isinstance(error, SourceError):
        return error
    if isinstance(error, OSError) and (not container or error.errno not in (None, errno.EINVAL)):
        return UnsteadySourceError(*refusal_of(error))
    if isinstance(error, RecursionError):
        return SourceError(NESTED_TOO_DEEPLY, Reason.NESTED_TOO_DEEPLY)
    if isinstance(error, MemoryError):
        return SourceError(OUT_OF_MEMORY, Reason.OUT_OF_MEMORY)
    name = type(error).__name__
    if container:
        return SourceError(f"damaged {container}: unexpected {name}", Reason.DAMAGED)
    return SourceError(f"cannot be read: unexpected {name}", Reason.UNEXPECTED)


@contextmanager
def contained_errors(container: str = "") -> Iterator[None]:
    """Let only errors of this package out of a block.

    Args:
        container: as for `unforeseen`.

    Raises:
        SourceError: The block raised an error that is not a CrystalError.
    """
    try:
        yield
    except CrystalError:
        raise
    except Exception as error:
        raise unforeseen(error, container) from error
