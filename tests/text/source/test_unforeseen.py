"""What no reader foresaw has one wording, wherever it is met."""

from __future__ import annotations

import errno
import zipfile

import pytest

from crystalcli.errors import Reason, SourceError, UnsteadySourceError
from crystalcli.text.formats.archive import archive_members
from crystalcli.text.formats.office import zip_package
from crystalcli.text.source.unforeseen import contained_errors, unforeseen


def raised(context, error: Exception) -> SourceError:
    """What comes out of a block that names trouble."""
    with pytest.raises(SourceError, match=r".") as caught, context:
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "message", "code"),
    [
        (RecursionError(), "nested too deeply", Reason.NESTED_TOO_DEEPLY),
        (MemoryError(), "too large: reading it takes more memory than there is", Reason.OUT_OF_MEMORY),
    ],
)
def test_depth_and_memory_are_named_alike_in_every_format(error, message, code):
    contexts = [contained_errors(), zip_package._translate_errors("epub"), archive_members.contained_archive_errors()]
    for caught in [unforeseen(error), unforeseen(error, "PDF"), *(raised(context, error) for context in contexts)]:
        assert (str(caught), caught.code, type(caught)) == (message, code, SourceError)


def test_inside_a_container_the_rest_is_damage():
    assert str(unforeseen(KeyError("x"))) == "cannot be read: unexpected KeyError"
    assert unforeseen(KeyError("x")).code is Reason.UNEXPECTED
    caught = raised(zip_package._translate_errors("docx"), KeyError("x"))
    assert (str(caught), caught.code) == ("damaged Word file: unexpected KeyError", Reason.DAMAGED)
    caught = raised(archive_members.contained_archive_errors(), KeyError("x"))
    assert (str(caught), caught.code) == ("damaged archive: unexpected KeyError", Reason.DAMAGED)
    caught = raised(archive_members.contained_archive_errors(), zipfile.BadZipFile())
    assert (str(caught), caught.code) == ("damaged archive", Reason.DAMAGED)


def test_what_the_disk_refuses_may_be_read_another_time():
    broken = OSError(errno.EIO, "Input/output error")
    for caught in (unforeseen(broken), unforeseen(broken, "archive"), raised(contained_errors(), broken)):
        assert (str(caught), caught.code, type(caught)) == (
            "input/output error",
            Reason.UNREADABLE,
            UnsteadySourceError,
        )


def test_what_is_named_already_stays():
    error = SourceError("empty", Reason.EMPTY)
    assert unforeseen(error) is error
