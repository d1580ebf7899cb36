"""Ways to spoil a file: pure functions on bytes, with a random.Random that decides all, so that a seed makes the same file again."""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from collections.abc import Callable

Mutation = Callable[[bytes, random.Random], bytes]

_ODD_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x80000000, 1 << 20)
_ODD_TEXTS = (
    "\0", "\ufeff", "\ufffe", "\u202e", "\x1b[2J", "\r", "\x85", "\u2028", "A\u0301\u0302\u0303" * 20, "🏴‍☠️",
    "9" * 26, "-1", "NaN", "1e999", "../../../etc/passwd", "%s%n", "{{", "<!--", "]]>", "<![CDATA[", "&#0;", "&#xD800;",
    "&lol;", '"', "'", "\\", "\\u0000", "\\ud800", "{" * 200, "[" * 200, "<a>" * 200, "=" * 3000, "\n" * 500, "From \n",
    "--> ", "From nobody Mon Jan  1 00:00:00 1900\n",
)  # fmt: skip


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    """Where a stretch of up to a quarter of the data begins and ends."""
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.randrange(1, max(2, len(data) // 4)))


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Some bits are others."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64, 500)) if made else 0):
        made[chance.randrange(len(made))] ^= 1 << chance.randrange(8)
    return bytes(made)


def overwritten(data: bytes, chance: random.Random) -> bytes:
    """Some bytes are those with a meaning of their own."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 4, 30)) if made else 0):
        made[chance.randrange(len(made))] = chance.choice(b"\x00\xff\x7f\x80<>&/\"'\\{}[]()%\n\r ,;:-0")
    return bytes(made)


def cut_off(data: bytes, chance: random.Random) -> bytes:
    """A download that stopped."""
    return data[: chance.randrange(len(data) + 1)]


def beheaded(data: bytes, chance: random.Random) -> bytes:
    """The beginning is gone."""
    return data[chance.randrange(1, max(2, min(len(data), 200))) :]


def holed(data: bytes, chance: random.Random) -> bytes:
    """A stretch is missing."""
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def zeroed(data: bytes, chance: random.Random) -> bytes:
    """A stretch is zeros, as after a crash."""
    start, end = _span(data, chance)
    return data[:start] + bytes(end - start) + data[end:]


def noisy(data: bytes, chance: random.Random) -> bytes:
    """A stretch is noise."""
    start, end = _span(data, chance)
    return data[:start] + chance.randbytes(end - start) + data[end:]


def shuffled(data: bytes, chance: random.Random) -> bytes:
    """Blocks of it are in another order."""
    size = chance.choice((16, 64, 512, 4096))
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    for _ in range(chance.choice((1, 2, len(blocks)))):
        one, other = chance.randrange(len(blocks) or 1), chance.randrange(len(blocks) or 1)
        if blocks:
            blocks[one], blocks[other] = blocks[other], blocks[one]
    return b"".join(blocks)


def grown(data: bytes, chance: random.Random) -> bytes:
    """There is more after it, before it or in the middle."""
    more = chance.choice((chance.randbytes(2000), bytes(5000), data, data[: len(data) // 2], b"\n" * 3000, b"(" * 3000))
    at = chance.choice((0, len(data), chance.randrange(len(data) + 1)))
    return data[:at] + more + data[at:]


def repeated(data: bytes, chance: random.Random) -> bytes:
    """A stretch of it stands there many times."""
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start : start + chance.randrange(1, 60)] * chance.choice((2, 50, 2000)) + data[start:]


def odd_numbers(data: bytes, chance: random.Random) -> bytes:
    """Sizes, offsets and counts are out of all bounds: binary ones, or those written in digits."""
    written = [found.span() for found in re.finditer(rb"\d+", data)]
    if written and chance.random() < 0.6:
        for start, end in sorted(chance.sample(written, min(len(written), chance.choice((1, 3)))), reverse=True):
            number = chance.choice((*_ODD_NUMBERS, 10**30, -1))
            data = data[:start] + str(number).encode() + data[end:]
        return data
    width = chance.choice((2, 4, 8))
    made = bytearray(data)
    for _ in range(chance.choice((1, 3)) if len(made) > width else 0):
        at = chance.randrange(len(made) - width)
        number = chance.choice(_ODD_NUMBERS) % (1 << 8 * width)
        made[at : at + width] = number.to_bytes(width, chance.choice(("little", "big")))
    return bytes(made)


def odd_texts(data: bytes, chance: random.Random) -> bytes:
    """Among the text stands what has a meaning, or none."""
    for _ in range(chance.choice((1, 3, 10))):
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(_ODD_TEXTS).encode("utf-8", "surrogatepass") + data[at:]
    return data


def tags_swapped(data: bytes, chance: random.Random) -> bytes:
    """Names and brackets of a structured text are exchanged, dropped or doubled."""
    marks = [
        found.span() for found in re.finditer(rb"</?[\w:]+|[{}\[\]]|\"[\w ]+\"|%%?\w+|^[\w-]+:", data, re.MULTILINE)
    ]
    for start, end in sorted(chance.sample(marks, min(len(marks), chance.choice((1, 2, 8)))), reverse=True):
        other = chance.choice(marks)
        new = chance.choice((b"", data[other[0] : other[1]], data[start:end] * 2))
        data = data[:start] + new + data[end:]
    return data


SIMPLE: tuple[Mutation, ...] = (
    *(flipped, overwritten, cut_off, beheaded, holed, zeroed, noisy, shuffled, grown, repeated, odd_numbers, odd_texts),
    tags_swapped,
)


# --- containers -----------------------------------------------------------------------------------------------


def is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def members_spoilt(data: bytes, chance: random.Random) -> bytes:
    """A zip whose members are spoilt and whose sums are right again: what stands inside is reached."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    chosen = chance.sample(range(len(members)), min(len(members), chance.choice((1, 1, 2, len(members)))))
    for index in chosen:
        info, content = members[index]
        members[index] = info, chance.choice(SIMPLE)(content, chance)
    return _rezipped(members, chance)


def members_moved(data: bytes, chance: random.Random) -> bytes:
    """A zip with members gone, doubled, exchanged or under odd names."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    for _ in range(chance.choice((1, 2))):
        index = chance.randrange(len(members))
        info, content = members[index]
        what = chance.randrange(5)
        if what == 0 and len(members) > 1:
            members.pop(index)
        elif what == 1:
            members.append(members[index])
        elif what == 2:
            other = chance.randrange(len(members))
            members[index], members[other] = (info, members[other][1]), (members[other][0], content)
        elif what == 3:
            names = (
                "../" + info.filename,
                "/" + info.filename,
                "C:\\x",
                "",
                "a/" * 300 + "x",
                "\x1b[2J",
                info.filename.upper(),
                "..",
            )
            renamed = zipfile.ZipInfo(chance.choice(names))
            renamed.compress_type = info.compress_type
            members[index] = renamed, content
        else:
            members[index] = info, b""
    return _rezipped(members, chance)


def _rezipped(members: list[tuple[zipfile.ZipInfo, bytes]], chance: random.Random) -> bytes:
    import warnings

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name is there twice
        for info, content in members:
            fresh = zipfile.ZipInfo(info.filename, (2024, 5, 1, 10, 30, 0))
            fresh.compress_type = chance.choice((info.compress_type, zipfile.ZIP_DEFLATED))
            archive.writestr(fresh, content)
    return file.getvalue()


def streams_spoilt(data: bytes, chance: random.Random) -> bytes:
    """A PDF whose compressed streams are spoilt inside, and packed again."""

    def spoilt(found: re.Match[bytes]) -> bytes:
        try:
            content = zlib.decompress(found[2])
        except zlib.error:
            return found[0]
        return found[1] + zlib.compress(chance.choice(SIMPLE)(content, chance)) + found[3]

    return re.sub(rb"(stream\r?\n)(.*?)(\r?\nendstream)", spoilt, data, flags=re.DOTALL)


def mutate(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """One of the ways that fit, and what it makes."""
    ways: tuple[Mutation, ...] = SIMPLE
    if is_zip(data):
        ways = (*SIMPLE, *(members_spoilt,) * 10, *(members_moved,) * 4)
    elif data.startswith(b"%PDF-"):
        ways = (*SIMPLE, *(streams_spoilt,) * 4)
    way = chance.choice(ways)
    made = way(data, chance)
    if chance.random() < 0.1:
        made = chance.choice(SIMPLE)(made, chance)
    return way.__name__, made
