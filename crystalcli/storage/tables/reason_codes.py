"""Reason codes for crystals of format versions 1 and 2.

Such crystals store only sentences. This is the only place where a sentence decides anything. The
sentences below are history: programs of those versions wrote them, and this one still writes them
into such files. A new sentence needs no line here unless its code steers the program
(`errors.MACHINE_MADE`, `errors.OPENED_BY_PASSWORD`) or is to be shown for old files, too.
"""

from __future__ import annotations

import re

from crystalcli.errors import Reason

_SENTENCES = {
    "encrypted (the password is wrong)": Reason.WRONG_PASSWORD,
    "lock file": Reason.LOCK_FILE,
    "minified": Reason.MINIFIED,
    "generated code": Reason.GENERATED,
    "installed packages": Reason.INSTALLED_PACKAGES,
    "editor's copy": Reason.EDITOR_COPY,
    "image": Reason.IMAGE,
    "sound": Reason.SOUND,
    "video": Reason.VIDEO,
    "font": Reason.FONT,
    "compiled program": Reason.COMPILED_PROGRAM,
    "packed program": Reason.PACKED_PROGRAM,
    "source map": Reason.SOURCE_MAP,
    "credentials": Reason.CREDENTIALS,
    "empty": Reason.EMPTY,
    "binary file": Reason.NOT_TEXT,
    "no longer there": Reason.NOT_FOUND,
    "permission denied": Reason.PERMISSION_DENIED,
    "changed while it was being read": Reason.CHANGED_WHILE_READ,
    "its row in the ledger was lost": Reason.LOST_ROW,
    "another file of that name comes before it": Reason.DUPLICATE_NAME,
    "link leads outside the folder": Reason.LINK_OUTSIDE,
    "unpacks to far more than it holds": Reason.BOMB,
    "a part of it is too large": Reason.TOO_LARGE,
    "damaged archive: a part of it is too large": Reason.DAMAGED,
    "damaged, or too large: the reader broke down over it": Reason.READER_CRASHED,
    "damaged: its parts refer to themselves": Reason.NESTED_TOO_DEEPLY,
    "too large to be read: it needs too much memory": Reason.OUT_OF_MEMORY,
    "takes more memory than there is": Reason.OUT_OF_MEMORY,
    "too large: reading it takes more memory than there is": Reason.OUT_OF_MEMORY,
}
# The first pattern that matches the sentence's beginning counts.
_BEGINNINGS = [
    (re.compile(pattern), code)
    for pattern, code in (
        (r"encrypted \(a password is needed", Reason.ENCRYPTED),
        (r"encrypted, and larger than ", Reason.TOO_LARGE),
        (r"encrypted", Reason.CANNOT_DECRYPT),
        (
            r"damaged: (?:\d+ of \d+ chunks were lost|what the ledger says of it|where its text|its length in)",
            Reason.LOST_TEXT,
        ),
        (r"damaged", Reason.DAMAGED),
        (r"nested too deeply|archives nested more than ", Reason.NESTED_TOO_DEEPLY),
        (r"no text|no mail in it|no subtitles in it", Reason.NO_TEXT),
        (r"not valid .* text", Reason.NOT_TEXT),
        (r"an archive that unpacks to more than \d+ times", Reason.BOMB),
        (r"larger than |a page of more than |a notebook of more than |more than |an archive ", Reason.TOO_LARGE),
        (
            r"an Office file from before 2007|an? \w+ archive|compressed by a method|a file with holes",
            Reason.UNSUPPORTED,
        ),
        (r"takes too long to read", Reason.OUT_OF_TIME),
        (r"cannot be read", Reason.UNEXPECTED),
        (r"not a file|not a regular file|a folder|a link", Reason.NOT_A_FILE),
        (r"broken link", Reason.BROKEN_LINK),
        (r"its name ", Reason.BAD_NAME),
    )
]


def reason_code_of(reason: str) -> str:
    """Give the reason code of a sentence of format version 1 or 2; "" for "".

    An unknown sentence has the code `unreadable`.
    """
    if not reason:
        return ""
    code = _SENTENCES.get(reason)
    if code is None:
        code = next((code for beginning, code in _BEGINNINGS if beginning.match(reason)), Reason.UNREADABLE)
    return code.value  # a plain string, as in a row of the table
