"""What can go wrong, as one family. The message is one line that says what to do; the class carries the exit code.

CrystalError                  1   anything that has no better name below
├── UsageError                2   the request itself is wrong (empty question, depth out of range, …)
├── SourceError               3   a file or folder that cannot be read
├── NotACrystalError          4   the file is not a crystal
│   └── DamagedCrystalError   4   it was one, and part of it does not hold together any more
├── NewerFormatError          5   a crystal written by a later version of this program
├── EncoderMismatchError      2   a crystal whose vectors come from another encoder
├── ModelMissingError         6   the weights are not on this machine and cannot be fetched
├── NotFoundError             7   the crystal does not hold it
└── StoppedError            130   the user stopped it (Ctrl-C), or the system did (SIGTERM, SIGHUP)
"""


class CrystalError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 1


class UsageError(CrystalError):
    """The request cannot be carried out as it stands."""

    exit_code = 2


class EncoderMismatchError(UsageError):
    """The crystal's vectors were made with another encoder than the one offered."""


class SourceError(CrystalError):
    """A source cannot be read; the message carries the reason."""

    exit_code = 3


class UnsteadySourceError(SourceError):
    """A source could not be read this time and may well be the next: nothing is said of what it holds."""


class NotACrystalError(CrystalError):
    """The file is no crystal."""

    exit_code = 4


class DamagedCrystalError(NotACrystalError):
    """The file is a crystal and part of it is missing or altered."""


class NewerFormatError(CrystalError):
    """The crystal's format version is newer than this program."""

    exit_code = 5


class ModelMissingError(CrystalError):
    """Model weights are needed, are not here and could not be fetched."""

    exit_code = 6


class NotFoundError(CrystalError):
    """Nothing in the crystal answers to what was asked for."""

    exit_code = 7


class StoppedError(CrystalError):
    """The user stopped it; the message says what there is so far."""

    exit_code = 130
