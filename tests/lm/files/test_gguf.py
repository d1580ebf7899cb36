import struct
import subprocess
import sys

import gguf
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.lm.files.gguf import GGUF

LONGEST_LINE = 400


def packed(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def header(tensors: int, keys: int, body: bytes = b"", version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys) + body


def read(tmp_path, data: bytes) -> GGUF:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return GGUF(path)


def read_all(path) -> None:
    with GGUF(path) as file:
        for name in file.tensors:
            assert len(file.data(name)) == file.tensors[name].size


def test_the_same_as_the_reference_reader(tiny_path):
    reference = gguf.GGUFReader(tiny_path)
    with GGUF(tiny_path) as file:
        assert file.version == 3
        own = {key: value for key, value in reference.fields.items() if not key.startswith("GGUF.")}
        assert file.metadata.keys() == own.keys()
        for key, field in own.items():
            found = file.metadata[key]
            if isinstance(found, list):
                found = [text.decode() for text in found]
            assert (list(found) if not isinstance(found, str | int | float) else found) == field.contents()
        assert list(file.tensors) == [tensor.name for tensor in reference.tensors]
        for tensor in reference.tensors:
            info = file.tensors[tensor.name]
            assert (info.kind, info.shape) == (tensor.tensor_type.name, tuple(map(int, reversed(tensor.shape))))
            assert bytes(file.data(tensor.name)) == tensor.data.tobytes()


def test_every_type_of_metadata(tmp_path):
    body = b""
    values = {0: ("B", 200), 1: ("b", -3), 2: ("H", 60_000), 3: ("h", -9), 4: ("I", 2**31), 5: ("i", -7)}
    values |= {6: ("f", 0.5), 10: ("Q", 2**63), 11: ("q", -(2**40)), 12: ("d", 0.1)}
    for kind, (code, value) in values.items():
        body += packed(b"one%d" % kind) + struct.pack("<I" + code, kind, value)
        body += packed(b"many%d" % kind) + struct.pack("<IIQ2" + code, 9, kind, 2, value, value)
    body += packed(b"yes") + struct.pack("<IB", 7, 1) + packed(b"flags") + struct.pack("<IIQ3B", 9, 7, 3, 1, 0, 1)
    body += packed(b"text") + struct.pack("<I", 8) + packed("naïve".encode())
    with read(tmp_path, header(0, 23, body)) as file:
        for kind, (_, value) in values.items():
            assert file.metadata[f"one{kind}"] == value
            assert list(file.metadata[f"many{kind}"]) == [value, value]
        assert file.metadata["yes"] is True
        assert list(file.metadata["flags"]) == [1, 0, 1]
        assert file.metadata["text"] == "naïve"


def test_no_file(tmp_path):
    with pytest.raises(ModelMissingError, match=r"no language model at .*absent\.gguf: run `crystal models pull`"):
        GGUF(tmp_path / "absent.gguf")


def test_a_folder(tmp_path):
    with pytest.raises(CrystalError, match="cannot open the language model"):
        GGUF(tmp_path)


HUGE = 2**63
DAMAGED = {
    "empty": (b"", "ends in the middle of the signature"),
    "another kind": (b"PK\x03\x04" + bytes(100), "does not begin with `GGUF`"),
    "version 1": (header(0, 0, version=1), "version is 1; versions 2 and 3"),
    "big-endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "tensors without end": (header(HUGE, 0), "number of tensors cannot be 9,223,372,036,854,775,808"),
    "keys without end": (header(0, HUGE), "number of metadata keys cannot be"),
    "more keys than bytes": (header(0, 60_000, bytes(1000)), "number of metadata keys cannot be 60,000"),
    "a key without end": (header(0, 1, struct.pack("<Q", HUGE) + bytes(50)), "length of a metadata key cannot be"),
    "a key that is no text": (header(0, 1, packed(b"\xff\xfe") + bytes(50)), "metadata key is not UTF-8"),
    "an unknown type": (header(0, 1, packed(b"k") + struct.pack("<I", 99) + bytes(50)), "unknown type 99"),
    "a text without end": (header(0, 1, packed(b"k") + struct.pack("<IQ", 8, HUGE)), "length of a value of 'k'"),
    "numbers without end": (
        header(0, 1, packed(b"k") + struct.pack("<IIQ", 9, 5, 2**61) + bytes(50)),
        "number of items in 'k' cannot be 2,305,843,009,213,693,952",
    ),
    "texts without end": (
        header(0, 1, packed(b"k") + struct.pack("<IIQ", 9, 8, 2**40) + bytes(50)),
        "number of items in 'k' cannot be",
    ),
    "an array of arrays": (
        header(0, 1, packed(b"k") + struct.pack("<IIQ", 9, 9, 1) + bytes(50)),
        "array of the unsupported type 9",
    ),
    "a text in an array beyond the end": (
        header(0, 1, packed(b"k") + struct.pack("<IIQQ", 9, 8, 1, HUGE) + bytes(8)),
        "ends in the middle of 'k'",
    ),
    "the same key twice": (
        header(0, 2, 2 * (packed(b"k") + struct.pack("<II", 4, 1))),
        "metadata key 'k' appears twice",
    ),
    "terminal escapes": (
        header(0, 2, 2 * (packed(b"\x1b[2J") + struct.pack("<II", 4, 1))),
        r"metadata key '\\x1b\[2J' appears twice",
    ),
    "alignment of 3": (
        header(0, 1, packed(b"general.alignment") + struct.pack("<II", 4, 24)),
        "alignment '24' is not a power of two",
    ),
}


def tensor(name: bytes, shape: list[int], kind: int, offset: int) -> bytes:
    return packed(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


DAMAGED |= {
    "no dimensions": (header(1, 0, tensor(b"t", [], 0, 0) + bytes(99)), "tensor 't' has 0 dimensions"),
    "five dimensions": (header(1, 0, tensor(b"t", [1] * 5, 0, 0) + bytes(99)), "tensor 't' has 5 dimensions"),
    "a dimension without end": (
        header(1, 0, tensor(b"t", [HUGE], 0, 0) + bytes(99)),
        "tensor 't' has a dimension of 9223372036854775808",
    ),
    "more than the file holds": (
        header(1, 0, tensor(b"t", [2**20, 2**20, 2**20], 0, 0) + bytes(99)),
        "bytes after the end of the file; it is cut short",
    ),
    "an offset beyond": (header(1, 0, tensor(b"t", [1], 0, 2**62) + bytes(99)), "it is cut short"),
    "an odd offset": (header(1, 0, tensor(b"t", [1], 0, 7) + bytes(99)), "is not aligned to a multiple of 32"),
    "half a block": (header(1, 0, tensor(b"t", [33], 3, 0) + bytes(99)), "rows of 33 do not fill Q4_1 blocks of 32"),
    "a format that is not read": (
        header(1, 0, tensor(b"t", [32], 23, 0) + bytes(99)),
        "tensor 't' is in IQ4_XS; formats that can be read: F32, F16, Q4_0",
    ),
    "an unknown format": (header(1, 0, tensor(b"t", [1], 77, 0) + bytes(99)), "has the unknown type 77"),
    "the same tensor twice": (header(2, 0, 2 * tensor(b"t", [1], 0, 0) + bytes(99)), "tensor 't' appears twice"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_are_named(tmp_path, case):
    data, reason = DAMAGED[case]
    with pytest.raises(CrystalError, match=reason) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < LONGEST_LINE


def test_cut_short_anywhere(tmp_path, tiny_path):
    whole = tiny_path.read_bytes()
    path = tmp_path / "cut.gguf"
    ends = [*range(400), *range(400, len(whole), 997), len(whole) - 1]
    for end in ends:
        path.write_bytes(whole[:end])
        with pytest.raises(CrystalError, match="is not a usable GGUF model: ") as caught:
            read_all(path)
        assert "\n" not in str(caught.value)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_changed_bytes_give_a_file_or_the_named_error(tmp_path_factory, tiny_path, data):
    whole = bytearray(tiny_path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, 900) | st.integers(0, 9000))
        whole[place] = data.draw(st.integers(0, 255) | st.sampled_from([0, 0x7F, 0xFF]))
    path = tmp_path_factory.getbasetemp() / "changed.gguf"
    path.write_bytes(whole)
    try:
        read_all(path)
    except CrystalError as error:
        assert "\n" not in str(error)


def test_absurd_counts_take_no_memory(tmp_path):
    """A file of 100 bytes that announces the most items allowed must be refused before anything is made for them."""
    path = tmp_path / "bomb.gguf"
    path.write_bytes(header(0, 1, packed(b"k") + struct.pack("<IIQ", 9, 8, 7_999_999) + bytes(60)))
    check = (
        "import resource, sys; from pathlib import Path; from crystalcli.lm.files.gguf import GGUF\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"try: GGUF(Path({str(path)!r}))\n"
        "except Exception as e: print(type(e).__name__, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    out = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.split()
    assert out[0] == "CrystalError"
    assert int(out[1]) < 4096  # KiB


def test_views_outlive_the_file(tiny_path):
    file = GGUF(tiny_path)
    view = file.data("output_norm.weight")
    file.close()
    assert np.frombuffer(view, np.float32).tolist() == [1.0] * 64
    with pytest.raises(CrystalError, match="is closed"):
        file.data("output_norm.weight")
