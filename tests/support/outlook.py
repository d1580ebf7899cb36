"""Files of Outlook, made for tests: compound files with messages in them, and winmail.dat."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _TABLE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def compound_file(streams: Mapping[tuple[str, ...], bytes]) -> bytes:
    """A compound file of version 3 with these streams, by their paths."""
    folders = sorted({path[:depth] for path in streams for depth in range(1, len(path))})
    paths = [(), *folders, *sorted(streams)]
    numbers = {path: number for number, path in enumerate(paths)}
    sectors: list[bytes] = []
    following: list[int] = []
    mini = bytearray()
    mini_following: list[int] = []
    starts: dict[tuple[str, ...], int] = {}

    def put(data: bytes) -> int:
        start, count = len(sectors), max(1, -(-len(data) // _SECTOR))
        sectors.extend(data[at * _SECTOR : (at + 1) * _SECTOR].ljust(_SECTOR, b"\0") for at in range(count))
        following.extend([*range(start + 1, start + count), _END])
        return start

    for path, data in streams.items():
        if len(data) >= _CUTOFF:
            starts[path] = put(data)
        else:
            count = -(-len(data) // _MINI)
            starts[path] = len(mini_following) if count else _END
            mini_following += [*range(len(mini_following) + 1, len(mini_following) + count), _END] if count else []
            mini += data.ljust(count * _MINI, b"\0")
    mini_start = put(bytes(mini)) if mini else _END
    mini_table = put(struct.pack(f"<{len(mini_following)}I", *mini_following).ljust(_SECTOR, b"\xff"))

    def entry(path: tuple[str, ...]) -> bytes:
        name = (path[-1] if path else "Root Entry").encode("utf-16-le")
        inside = sorted(other for other in paths if other and other[:-1] == path)
        beside = sorted(other for other in paths if path and other and other[:-1] == path[:-1])
        after = beside.index(path) + 1 if path else 0
        right = numbers[beside[after]] if path and after < len(beside) else _FREE
        kind = 2 if path in streams else 1 if path else 5
        start, size = (
            (starts[path], len(streams[path])) if kind == 2 else (mini_start, len(mini)) if kind == 5 else (0, 0)
        )
        child = numbers[inside[0]] if inside else _FREE
        head = struct.pack("<64sHBBIII", name, len(name) + 2, kind, 1, _FREE, right, child)
        return head + bytes(16 + 4 + 8 + 8) + struct.pack("<IQ", start, size)

    folder_start = put(b"".join(map(entry, paths)))
    table_sectors = 1
    while table_sectors * (_SECTOR // 4) < len(following) + table_sectors:
        table_sectors += 1
    table_numbers = [len(sectors) + at for at in range(table_sectors)]
    table = [*following, *([_TABLE] * table_sectors)]
    table += [_FREE] * (table_sectors * (_SECTOR // 4) - len(table))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 62, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, table_sectors, folder_start, 0, _CUTOFF, mini_table, 1, _END, 0)
    header += struct.pack("<109I", *table_numbers, *([_FREE] * (109 - table_sectors)))
    return header + b"".join(sectors) + struct.pack(f"<{len(table)}I", *table)


def message_streams(
    texts: Mapping[str, str | bytes],
    files: Mapping[str, bytes] | None = None,
    inside: Mapping[tuple[str, ...], bytes] | None = None,
    sent: int = 0,
    *,
    is_top: bool = True,
) -> dict[tuple[str, ...], bytes]:
    """The streams of a mail (.msg).

    Args:
        texts: by the number of the property in hex; bytes are taken as they are.
        files: attachments by their names.
        inside: the streams of a mail that is attached.
        sent: time, in 100 ns since 1601.
        is_top: whether it is not inside another.
    """
    fixed = struct.pack("<IIQ", 0x00390040, 6, sent) if sent else b""
    streams = {("__properties_version1.0",): bytes(32 if is_top else 24) + fixed}
    for number, text in texts.items():
        tag = f"{number}001F" if isinstance(text, str) else f"{number}0102"
        data = text.encode("utf-16-le") if isinstance(text, str) else text
        streams[(f"__substg1.0_{tag}",)] = data
    for index, (name, data) in enumerate((files or {}).items()):
        folder = f"__attach_version1.0_#{index:08X}"
        streams[(folder, "__properties_version1.0")] = bytes(8)
        streams[(folder, "__substg1.0_3707001F")] = name.encode("utf-16-le")
        streams[(folder, "__substg1.0_37010102")] = data
    if inside:
        folder = f"__attach_version1.0_#{len(files or {}):08X}"
        streams[(folder, "__properties_version1.0")] = bytes(8)
        streams |= {(folder, "__substg1.0_3701000D", *path): data for path, data in inside.items()}
    return streams


def winmail(body: str, files: Mapping[str, bytes]) -> bytes:
    """A winmail.dat with a plain body and attachments."""

    def attribute(level: int, number: int, data: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)

    data = b"\x78\x9f\x3e\x22" + b"\x01\x00" + attribute(1, 0x0002800C, body.encode("cp1252") + b"\0")
    for name, content in files.items():
        data += attribute(2, 0x00069002, bytes(14)) + attribute(2, 0x00018010, name.encode("cp1252") + b"\0")
        data += attribute(2, 0x0006800F, content)
    return data


def rtf_literally(rtf: bytes) -> bytes:
    """RTF in Outlook's compression, without a single reference."""
    packed = b"".join(b"\0" + rtf[at : at + 8] for at in range(0, len(rtf), 8))
    return struct.pack("<IIII", len(packed) + 12, len(rtf), 0x75465A4C, 0) + packed
