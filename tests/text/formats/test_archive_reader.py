"""Archives as folders of files: which members are given, under what names, and what is refused before it does harm."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import resource
import tarfile
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crystalcli.errors import SourceError, UnsteadySourceError
from crystalcli.text.formats.archive import archive_entry, archive_members
from crystalcli.text.formats.archive.archive_entry import Allowance
from crystalcli.text.formats.archive.archive_reader import ArchiveReading
from crystalcli.text.readers import open_source

relaxed = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
contents = st.dictionaries(
    st.from_regex(r"[a-zé][a-z é.-]{0,10}[a-z](/[a-z]{1,8}){0,3}", fullmatch=True), st.binary(max_size=300), max_size=8
)

ZIP, TAR = "zip", "tar"
Files = list[tuple[str, bytes]]


def zipped(files: Files, **options: Any) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it has doubts about names that come twice
        for name, data in files:
            archive.writestr(name, data, **options)
    return held.getvalue()


def tarred(files: Files, mode: str = "w") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return held.getvalue()


MAKERS: dict[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "tar": tarred,
    "tar.gz": lambda files: tarred(files, "w:gz"),
    "tar.bz2": lambda files: tarred(files, "w:bz2"),
    "tar.xz": lambda files: tarred(files, "w:xz"),
    "tar.zst": lambda files: zstandard.compress(tarred(files)),
}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def make(content: bytes, name: str = "papers.zip") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def reading_of(path: Path) -> tuple[ArchiveReading, int]:
    mark, reading = open_source(path)
    assert isinstance(reading, ArchiveReading)
    assert list(reading.pieces()) == []
    return reading, mark.size


def members(path: Path) -> dict[str, bytes | str]:
    """What is in each member, or why it is not read; and that nothing is left of its file when the next is given."""
    found: dict[str, bytes | str] = {}
    reading, size = reading_of(path)
    last: Path | None = None
    for member in reading.members(Allowance(size)):
        assert last is None or not last.exists() or last.name == "users.json"
        last = member.path
        assert member.name not in found
        found[member.name] = member.path.read_bytes() if member.refusal is None else member.refusal.message
        assert member.path is None or (
            member.size == member.path.stat().st_size and path.parent not in member.path.parents
        )
    assert last is None or not last.exists()
    return found


@relaxed
@given(contents, st.sampled_from(sorted(MAKERS)))
def test_every_member_comes_back(file: Callable[..., Path], content: dict[str, bytes], kind: str) -> None:
    files = {name: data for name, data in content.items() if not any(other.startswith(name + "/") for other in content)}
    path = file(MAKERS[kind](list(files.items())), "a." + kind)
    if kind != "zip" and not files:
        return  # nothing but zeros
    assert members(path) == files


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", zstandard.compress)],
)
def test_a_file_that_is_compressed_alone(
    file: Callable[..., Path], ending: str, pack: Callable[[bytes], bytes]
) -> None:
    text = b"".join(b"Entry %d\n" % number for number in range(20_000))
    assert members(file(pack(text), f"log.txt.{ending}")) == {"log.txt": text}
    assert members(file(pack(text[:500]) + pack(text[500:]), "log")) == {"log": text}
    with pytest.raises(SourceError, match="damaged archive: it ends too early"):
        members(file(pack(text)[:-20], f"log.txt.{ending}"))


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_names_that_lead_out_and_names_that_come_twice(file: Callable[..., Path], kind: str) -> None:
    data = b"text"
    names = ["../up", "a/../../up", "/etc/passwd", "C:/windows", "./b//c.txt", "b/c.txt", "ok.txt", "ok.txt", "ok.txt"]
    found = members(file(MAKERS[kind]([(name, data) for name in names]), "a." + kind))
    out, twice = "its name leads out of the archive", "another file of that name comes before it"
    assert found == {
        "(..)/up": out,
        "a/(..)/(..)/up": out,
        "etc/passwd": out,
        "C:/windows": out,
        "b/c.txt": data,
        "b/c.txt (2)": twice,
        "ok.txt": data,
        "ok.txt (2)": twice,
        "ok.txt (3)": twice,
    }


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_what_a_walk_passes_over_is_passed_over(file: Callable[..., Path], kind: str) -> None:
    names = [".hidden", "a/.b/c", "node_modules/x.js", "__MACOSX/._a", "x/.git/config", "m.crystal", "a/kept.txt"]
    assert members(file(MAKERS[kind]([(name, b"text") for name in names]), "a." + kind)) == {"a/kept.txt": b"text"}


def test_links_devices_and_holes(file: Callable[..., Path]) -> None:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, kind in (
            ("soft", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("pipe", tarfile.FIFOTYPE),
            ("disk", tarfile.BLKTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        archive.addfile(tarfile.TarInfo("folder/"))
    found = members(file(held.getvalue(), "a.tar"))
    device = "not a file but a device"
    assert found == {"soft": "a link", "hard": "a link", "pipe": device, "disk": device, "folder": b""}

    info = zipfile.ZipInfo("soft")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as zip_archive:
        zip_archive.writestr(info, "/etc/passwd")
        zip_archive.mkdir("folder")
    assert members(file(held.getvalue())) == {"soft": "a link"}


def test_a_member_that_cannot_be_read_does_not_keep_the_others_from_it(file: Callable[..., Path]) -> None:
    content = bytearray(
        zipped([("a.txt", b"one"), ("b.txt", b"two"), ("c.txt", b"three"), ("d.txt", random.randbytes(99))])
    )
    listing = content.index(b"PK\x01\x02")
    first = content.index(b"a.txt", listing) - 46
    content[first + 8] |= 1  # the flag of encryption
    second = content.index(b"b.txt", listing) - 46
    content[second + 10] = 99  # a method that nobody knows
    content[content.index(b"d.txt") + 40] ^= 0xFF
    assert members(file(bytes(content))) == {
        "a.txt": "encrypted (a password is needed: --password)",
        "b.txt": "compressed by a method that is not known (99)",
        "c.txt": b"three",
        "d.txt": "damaged in its archive",
    }


def test_names_in_utf_8_that_do_not_say_so(file: Callable[..., Path]) -> None:
    content = zipped([("Übersicht\\ä.txt", b"text")])
    content = content.replace(b"\x00\x08\x00\x00", b"\x00\x00\x00\x00")  # the flag in the listing, if it stands so
    assert members(file(content)) == {"Übersicht/ä.txt": b"text"}


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp932", ["灯台日誌.txt", "写真/港.txt"]),
        ("cp932", ["レポート（最終）.txt"]),
        ("gb18030", ["灯塔日志.txt", "照片/港口.txt"]),
        ("big5", ["燈塔日誌.txt", "測試文件.txt"]),
        ("cp949", ["등대 일지.txt", "사진/항구.txt"]),
        ("cp866", ["Журнал маяка.txt", "ФОТО/гавань №2.txt"]),
        ("cp1251", ["Журнал маяка.txt"]),
        ("cp437", ["Größe der Häfen.txt", "café.txt"]),
    ],
)
def test_names_in_the_encoding_of_their_machine(file: Callable[..., Path], encoding: str, names: list[str]) -> None:
    raw = [name.encode(encoding) for name in names]
    stand_ins = [f"{number:x}" * len(name) for number, name in enumerate(raw, 10)]
    content = zipped([(name, b"text") for name in stand_ins])
    for name, stand_in in zip(raw, stand_ins, strict=True):
        content = content.replace(stand_in.encode(), name)
    assert members(file(content)) == dict.fromkeys(names, b"text")


def test_a_name_in_the_extra_field_of_unicode(file: Callable[..., Path]) -> None:
    info = zipfile.ZipInfo("plik.txt")
    name = "żółty plik.txt".encode()
    info.extra = (
        b"up" + (5 + len(name)).to_bytes(2, "little") + b"\1" + zlib.crc32(b"pl\x9ck.txt").to_bytes(4, "little") + name
    )
    content = zipped([(info, b"text")]).replace(b"plik.txt", b"pl\x9ck.txt", 1)
    head, mark, end = content.rpartition(b"PK\1\2")
    content = head + mark + end.replace(b"plik.txt", b"pl\x9ck.txt", 1)
    assert members(file(content)) == {"żółty plik.txt": b"text"}


def test_long_names(file: Callable[..., Path]) -> None:
    deep, long = "/".join(["Ö" * 40] * 20), "日" * 300 + ".md"
    found = members(file(zipped([(deep + "/a.txt", b"a"), (long, b"b"), ("x" * 1000, b"c")])))
    assert found == {deep + "/a.txt": b"a", long: b"b", "x" * 900: "its name is too long"}


def test_many_files_of_one_name(file: Callable[..., Path]) -> None:
    start = time.process_time()
    found = members(file(tarred([("a.txt", b"x")] * 5000), "a.tar"))
    assert (len(found), "a.txt (5000)" in found) == (5000, True)
    assert time.process_time() - start < 3


def test_who_is_who_stays_beside_the_others(file: Callable[..., Path]) -> None:
    reading, size = reading_of(file(zipped([("e/general/2024-05-01.json", b"[]"), ("e/users.json", b"[1]")])))
    seen = []
    for member in reading.members(Allowance(size)):
        assert member.path is not None
        seen.append(member.name)
        if member.name != "e/users.json":
            assert (member.path.parent.parent / "users.json").read_bytes() == b"[1]"
    assert seen == ["e/users.json", "e/general/2024-05-01.json"]


@pytest.mark.parametrize(
    ("name", "first"),
    [("a.jar", "x.txt"), ("a.whl", "x.txt"), ("a.zip", "META-INF/MANIFEST.MF"), ("a.zip", "mimetype")],
)
def test_programs_and_documents_that_are_zips_are_no_archives(file: Callable[..., Path], name: str, first: str) -> None:
    with pytest.raises(SourceError, match="binary file"):
        open_source(file(zipped([(first, b"text")]), name))


# --- what is refused ------------------------------------------------------------------------------


def unpacked(path: Path, allowance: Allowance) -> tuple[int, int]:
    """How many files an archive and the archives in it give, and how many of them are refused."""
    given = refused = 0
    try:
        for member in reading_of(path)[0].members(allowance):
            assert member.path is not None
            given += 1
            if member.name.endswith(".zip"):
                more = unpacked(member.path, allowance)
                given, refused = given + more[0], refused + more[1]
    except SourceError as error:
        assert "unpacks to more than" in str(error)
        refused += 1
    return given, refused


def test_bombs_are_refused_at_once(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    ten_gigabytes = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + block * 640
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with pytest.raises(SourceError, match="unpacks to more than 200 times its size"):
        members(file(ten_gigabytes, "zeros.gz"))
    assert time.process_time() - start < 3
    # A nest counts as one: what the archives in it unpack to is taken from what the outermost may.
    nest = zipped([("0.txt", bytes(60 << 20))])
    for _ in range(2):
        nest = zipped([(f"{number}.zip", nest) for number in range(16)])
    path = file(nest)
    start = time.process_time()
    given, refused = unpacked(path, Allowance(path.stat().st_size))
    assert given < 200  # of 528
    assert refused >= 16
    assert time.process_time() - start < 3
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KiB
    for module in (archive_entry, archive_members):
        monkeypatch.setattr(module, "RATIO_FREE_BYTES", 1 << 20)
    for content, name in (
        (zipped([("zeros", bytes(8 << 20))]), "zeros.zip"),
        (tarred([(f"{number}.txt", bytes(1 << 20)) for number in range(8)], "w:gz"), "zeros.tar.gz"),
        (bz2.compress(bytes(8 << 20)), "zeros.bz2"),
        (lzma.compress(bytes(8 << 20), preset=0), "zeros.xz"),
        (zstandard.compress(bytes(8 << 20)), "zeros.zst"),
    ):
        with pytest.raises(SourceError, match="unpacks to more than 200 times its size"):
            members(file(content, name))


def test_too_many_files(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_entry, "MAX_FILES", 5)
    for kind, make in MAKERS.items():
        assert len(members(file(make([(f"{number}", b"x") for number in range(5)]), "a." + kind))) == 5
        with pytest.raises(SourceError, match="an archive of more than"):
            members(file(make([(f"{number}", b"x") for number in range(6)]), "a." + kind))


def test_headers_that_would_fill_the_memory(file: Callable[..., Path]) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 4 << 20
    content = info.tobuf() + b"x" * (4 << 20) + tarred([("a", b"x")])
    with pytest.raises(SourceError, match="a part of it is too large"):
        members(file(content, "a.tar"))


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_damage_anywhere_is_one_reason(file: Callable[..., Path], kind: str) -> None:
    whole = MAKERS[kind]([(f"folder/{number}.txt", random.Random(number).randbytes(700)) for number in range(6)])
    chance = random.Random(kind)
    for _ in range(150):
        content = bytearray(whole[: chance.randrange(40, len(whole))] if chance.random() < 0.4 else whole)
        for _ in range(chance.randrange(4)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            members(file(bytes(content), "a." + kind))
        except SourceError as error:
            assert str(error).startswith(("damaged archive", "binary file", "an archive")), error


def test_an_archive_that_changes_while_it_is_read(file: Callable[..., Path]) -> None:
    path = file(zipped([("a.txt", b"one"), ("b.txt", b"two")]))
    reading, size = reading_of(path)
    found = reading.members(Allowance(size))
    next(found)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(UnsteadySourceError, match="changed while it was being read"):
        list(found)


@pytest.mark.parametrize(("head", "name"), [(b"7z\xbc\xaf\x27\x1c\0\4", "7z"), (b"Rar!\x1a\x07\1\0", "rar")])
def test_other_archives_are_named(file: Callable[..., Path], head: bytes, name: str) -> None:
    with pytest.raises(SourceError, match=rf"^a {name} archive \(of archives zip and tar are read\)$"):
        open_source(file(head + bytes(100), f"a.{name}"))
