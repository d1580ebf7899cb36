"""Crystals with an encoder of their own: real files through a small model with random weights."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.repository import SAMPLES
from support.small_encoder import make_encoder

from crystalcli import Crystal, models
from crystalcli.errors import DamagedCrystalError, EncoderMismatchError, ModelMissingError, UsageError
from crystalcli.index import segment_writer
from crystalcli.index import train_codebooks as script
from crystalcli.index.codebook_training import fit_codebooks, sample_chunks
from crystalcli.index.encoder import ENCODER, Encoder, EncoderId
from crystalcli.index.layer_encoder import LayerEncoder
from crystalcli.storage.store import Store
from crystalcli.storage.tables.codebooks import put_codebooks, stored_codebooks
from crystalcli.text.chunking.chunker import MAX_CHUNK_TOKENS
from crystalcli.vectors import CODE_BYTES, Codec, node_counts, train_quantizer, unit_length


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("own") / "tiny-bert")


@pytest.fixture(scope="module")
def books(tmp_path_factory):
    """What codebooks are learnt from where the test is about something else."""
    folder = tmp_path_factory.mktemp("books")
    for path in sorted((SAMPLES / "story").glob("0[1-3]*.md")):
        (folder / path.name).write_text(path.read_text(encoding="utf-8")[:3000], encoding="utf-8")
    return folder


@pytest.fixture(autouse=True, scope="module")
def _many_commits():
    """Segments so small that a few files make several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_writer, "SEGMENT_BYTES", 3000)
        yield


def codes_of(crystal: Crystal) -> dict[str, tuple[bytes, ...]]:
    """The codes of every chunk's atoms, clusters and units, by its text."""
    found = {}
    for index, segment in enumerate(crystal.shelf.segments):
        if not segment.encoded:
            continue
        units, clusters, atoms = node_counts(crystal.shelf.view(index).spans.tokens)
        parts = {name: crystal._store.part(segment.id, name) for name in CODE_BYTES}
        counts = {"atoms": atoms, "clusters": clusters, "units": units}
        ends = {name: [0, *(np.cumsum(counts[name]) * size).tolist()] for name, size in CODE_BYTES.items()}
        for chunk in range(segment.chunks):
            text = crystal.shelf.chunk_text(segment.first_chunk + chunk)
            found[text] = tuple(parts[name][ends[name][chunk] : ends[name][chunk + 1]] for name in CODE_BYTES)
    return found


def test_a_crystal_with_its_own_encoder(tmp_path, shelf_folder, encoder):
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=encoder) as crystal:
        assert crystal.lacks_codebooks
        report = crystal.ingest([shelf_folder])
        assert (report.read, report.lexical_only, report.encoded_tokens) == (3, False, crystal.stats().tokens)
        assert not crystal.lacks_codebooks
        stats = crystal.stats()
        assert stats.complete
        assert (stats.encoder, stats.own_encoder["dimension"], stats.own_encoder["limit"]) == ("tiny-bert", 48, 126)
        assert stats.codebooks == 2 * sum(48 * w * b + 256 * w * b for b, w in ((32, 2), (12, 4), (4, 12)))
        assert [layer.bytes for layer in stats.layers[1:]] == [
            layer.nodes * CODE_BYTES[layer.name] for layer in stats.layers[1:]
        ]
        assert all(0.5 < layer.cosine <= 1.0001 for layer in stats.layers[1:])
        longest = max(int(crystal.shelf.view(i).spans.tokens.max()) for i in range(len(crystal.shelf.segments)))
        assert 60 < longest <= 126
    with Crystal.open(path) as crystal:  # found where it was
        assert not crystal.lexical_only
        best = crystal.recall("High water at Oldhaven", 1)[0]
        assert "04:10" in best.text
        assert {"atom", "clusters", "units", "bm25"} == set(best.shares)
    with Crystal.open(path, writable=True) as crystal:
        assert crystal.ingest([shelf_folder]).encoded_tokens == 0
        (shelf_folder / "new.md").write_text("The bell rings in fog.\n")
        assert crystal.ingest([shelf_folder]).encoded_tokens > 0
        assert crystal.stats().complete


def test_the_encoder_is_looked_for_and_compared(tmp_path, shelf_folder, encoder, encoder_folder, monkeypatch):
    path, moved = tmp_path / "m.crystal", tmp_path / "elsewhere"
    here = tmp_path / "enc"
    shutil.copytree(encoder, here)
    with Crystal.create(path, encoder=here) as crystal:
        crystal.ingest([shelf_folder])
        assert crystal.stats().own_encoder["location"] == "enc"  # beside the crystal, so they can move together
        wanted = [(p.path, p.start) for p in crystal.recall("the keeper's lamp", 3)]
    here.rename(moved)
    with Crystal.open(path) as crystal:
        assert crystal.lexical_only
        assert "enc" in crystal.encoder_missing
        assert "04:10" in crystal.recall("High water at Oldhaven", 1)[0].text
    with (
        Crystal.open(path, writable=True) as crystal,
        pytest.raises(ModelMissingError, match="own encoder enc is not at enc; name its folder with --encoder DIR"),
    ):
        crystal.ingest([shelf_folder])
    with Crystal.open(path, encoder=moved) as crystal:
        assert [(p.path, p.start) for p in crystal.recall("the keeper's lamp", 3)] == wanted
    monkeypatch.setenv("CRYSTAL_ENCODER", str(moved))
    with Crystal.open(path) as crystal:
        assert not crystal.lexical_only
    other = make_encoder(tmp_path / "other", seed=1)
    for wrong in (other, encoder_folder):
        with pytest.raises(EncoderMismatchError, match=r"made with the encoder enc, and .* holds another"):
            Crystal.open(path, encoder=wrong)
    monkeypatch.setenv("CRYSTAL_ENCODER", str(other))
    with pytest.raises(EncoderMismatchError, match="holds another"):
        Crystal.open(path)
    monkeypatch.delenv("CRYSTAL_ENCODER")
    shutil.copy(encoder / "tokenizer.json", other)
    text = (moved / "tokenizer.json").read_text()
    (moved / "tokenizer.json").write_text(
        text.replace('"lowercase":true', '"lowercase":false').replace(": true", ": false")
    )
    with pytest.raises(EncoderMismatchError, match="holds another"):
        Crystal.open(path, encoder=moved)
    with pytest.raises(ModelMissingError, match="the folder does not exist"):
        Crystal.open(path, encoder=tmp_path / "nowhere")


def test_weights_that_were_altered_in_a_place_not_looked_at_at_once_are_found_at_ingest(
    tmp_path, shelf_folder, encoder
):
    own = tmp_path / "enc"
    shutil.copytree(encoder, own)
    with Crystal.create(tmp_path / "m.crystal", encoder=own) as crystal:
        crystal.ingest([shelf_folder])
    weights = bytearray((own / "model.safetensors").read_bytes())
    weights[len(weights) // 2 - 100] ^= 1
    (own / "model.safetensors").write_bytes(weights)
    (shelf_folder / "new.md").write_text("The bell rings in fog.\n")
    with (
        Crystal.open(tmp_path / "m.crystal", writable=True, encoder=own) as crystal,
        pytest.raises(EncoderMismatchError, match="are not those of enc"),
    ):
        crystal.ingest([shelf_folder])


def test_the_program_s_encoder_in_another_folder_is_the_program_s_encoder(
    tmp_path, shelf_folder, encoder_folder, encoder
):
    shutil.copytree(encoder_folder, tmp_path / "copy")
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=tmp_path / "copy") as crystal:
        crystal.ingest([shelf_folder])
        assert (crystal.stats().encoder, crystal.own_encoder) == (ENCODER, False)
        with pytest.raises(UsageError, match="codebooks of all-MiniLM-L6-v2 ship with the program"):
            crystal.ingest([shelf_folder], codebooks_from=[shelf_folder])
    with Crystal.open(path, encoder=encoder_folder) as crystal:
        assert not crystal.lexical_only
    with pytest.raises(EncoderMismatchError, match="holds another"):
        Crystal.open(path, encoder=encoder)


def test_no_crystal_is_made_for_a_folder_that_holds_no_encoder(tmp_path):
    with pytest.raises(ModelMissingError, match="the folder does not exist"):
        Crystal.create(tmp_path / "m.crystal", encoder=tmp_path / "nowhere")
    assert not (tmp_path / "m.crystal").exists()


def test_codebooks_from_other_files(tmp_path, shelf_folder, encoder, books):
    with Crystal.create(tmp_path / "a.crystal", encoder=encoder) as crystal:
        crystal.ingest([shelf_folder], codebooks_from=[books])
        held = stored_codebooks(crystal._store)
        crystal.ingest([shelf_folder], codebooks_from=[shelf_folder])  # they stay as they are
        assert stored_codebooks(crystal._store) == held
        assert crystal.documents()[0].path in {"notes.md", "tale.txt", "code/tide.py"}
        codec = Codec.from_blobs(held, 48)
        assert codec.to_blobs() == held
    with Crystal.create(tmp_path / "b.crystal", encoder=encoder) as crystal:
        crystal.ingest([books])
        assert stored_codebooks(crystal._store).keys() == held.keys()


def test_damaged_codebooks_are_noticed(tmp_path, shelf_folder, encoder):
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=encoder) as crystal:
        crystal.ingest([shelf_folder])
        blobs = stored_codebooks(crystal._store)
    for change, message in (
        ({"units_centroids": blobs["units_centroids"][:-2]}, "units_centroids: expected .* bytes"),
        ({"atoms_rotation": b"\0\x7e" * (len(blobs["atoms_rotation"]) // 2)}, "is NaN or infinite"),
        ({"clusters_rotation": b""}, "clusters_rotation: expected .* bytes, got 0"),
    ):
        with pytest.raises(DamagedCrystalError, match=message):
            Codec.from_blobs({**blobs, **change}, 48)
    with Store.open(path, writable=True) as store, store.transaction():
        store.rows("UPDATE codebook SET data = x'00' WHERE name = 'atoms_rotation'")
    with (
        Crystal.open(path) as crystal,
        pytest.raises(DamagedCrystalError, match="codebook atoms_rotation does not match"),
    ):
        crystal.recall("High water")


def test_the_training_script_takes_any_encoder(tmp_path, encoder, books, capsys):
    output = tmp_path / "books.npz"
    assert script.main([str(books), "-o", str(output), "--encoder", str(encoder)]) == 0
    assert "mean cosine" in capsys.readouterr().out
    assert Codec.load(output).atoms.rotation.shape == (48, 64)
    assert script.main([str(books), "-o", str(output), "--encoder", str(tmp_path)]) == ModelMissingError.exit_code
    assert "model.safetensors does not exist" in capsys.readouterr().err


def test_where_codebooks_go_is_checked_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.npz").mkdir()
    for output, code, said in (
        ("nowhere/x.npz", 1, "cannot write nowhere/x.npz: No such file or directory"),
        ("folder.npz", 1, "cannot write folder.npz: it is a folder"),
        ("outbook", 2, "the name of the output must end in .npz: outbook"),
    ):
        assert script.main(["no-such-text.md", "-o", output, "--encoder", "no-such-encoder"]) == code
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["folder.npz"]


# --- one go, batches, interruptions ---------------------------------------------------------------------------

WORDS = [
    "the",
    "keeper",
    "of",
    "Oldhaven",
    "counted",
    "ninety",
    "boats,",
    "said",
    "Minna;",
    "14",
    "gone.",
    "Why?",
    "knew\n\n",
]
documents = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=420).map(" ".join), min_size=1, max_size=4, unique=True
)


def write(folder: Path, texts: list[str]) -> Path:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(f"Document {number}. {text}\n")
    return folder


@settings(max_examples=5, deadline=None)
@given(texts=documents, cuts=st.lists(st.integers(0, 4), max_size=2), stop=st.integers(0, 12))
def test_one_go_batches_and_interruptions_give_the_same_codes(tmp_path_factory, encoder, texts, cuts, stop):
    place = tmp_path_factory.mktemp("one")
    folder = write(place / "docs", texts)
    with created(place / "one.crystal", encoder) as crystal:
        crystal.ingest([folder])
        wanted = codes_of(crystal)
        cosines = [layer.cosine for layer in crystal.stats().layers[1:]]
    with created(place / "batches.crystal", encoder) as crystal:
        files = sorted(folder.iterdir())
        bounds = sorted({0, len(files), *(min(cut, len(files)) for cut in cuts)})
        for low, high in pairwise(bounds):
            crystal.ingest(files[low:high])
        assert codes_of(crystal) == wanted
        assert [layer.cosine for layer in crystal.stats().layers[1:]] == pytest.approx(cosines, abs=1e-5)
    created(place / "resumed.crystal", encoder).close()
    interrupted(place / "resumed.crystal", encoder, folder, stop)
    with Crystal.open(place / "resumed.crystal", encoder=encoder) as crystal:
        assert codes_of(crystal) == wanted


def created(path: Path, encoder: Path) -> Crystal:
    """A new crystal that has its codebooks, so that none need be learnt."""
    crystal = Crystal.create(path, encoder=encoder)
    with crystal._store.transaction():
        put_codebooks(crystal._store, _random_codec().to_blobs())
    return crystal


@settings(max_examples=4, deadline=None)
@given(texts=documents, stop=st.integers(0, 12))
def test_codebooks_learnt_from_the_text_are_the_same_after_an_interruption(tmp_path_factory, encoder, texts, stop):
    place = tmp_path_factory.mktemp("learnt")
    folder = write(place / "docs", texts)
    with Crystal.create(place / "one.crystal", encoder=encoder) as crystal:
        crystal.ingest([folder])
        wanted, held = codes_of(crystal), stored_codebooks(crystal._store)
        assert held
    Crystal.create(place / "resumed.crystal", encoder=encoder).close()
    interrupted(place / "resumed.crystal", encoder, folder, stop)
    with Crystal.open(place / "resumed.crystal", encoder=encoder) as crystal:
        assert stored_codebooks(crystal._store) == held
        assert codes_of(crystal) == wanted
        assert crystal.stats().complete


@settings(max_examples=6, deadline=None)
@given(texts=documents, cut=st.integers(0, 8))
def test_codes_of_the_first_chunks_come_first(encoder, texts, cut):
    own = Encoder(encoder, EncoderId.of(encoder, encoder.parent))
    layers = LayerEncoder(encoder, tokenizer=own.tokenizer, codec=_random_codec())
    chunks = list(own.cut(["".join(texts)], False))
    whole, first, rest = layers.codes(chunks), layers.codes(chunks[:cut]), layers.codes(chunks[cut:])
    for all_codes, one, two in zip(whole, first, rest, strict=True):
        assert all_codes == one + two


@cache
def _random_codec() -> Codec:
    random = np.random.default_rng(0)
    vectors = unit_length(random.normal(size=(400, 48)).astype(np.float32))
    return Codec(**{layer: train_quantizer(vectors, books, rounds=1) for layer, books in CODE_BYTES.items()})


def interrupted(path: Path, encoder: Path, folder: Path, stop: int) -> None:
    """Ingest, stopped by Ctrl-C the `stop`th time that progress is told, and then once more."""
    told = iter(range(stop))

    def progress(_):
        if next(told, None) is None:
            raise KeyboardInterrupt

    opened = Crystal.open(path, writable=True, encoder=encoder)
    with opened as crystal, contextlib.suppress(KeyboardInterrupt):
        crystal.ingest([folder], progress=progress)
    with Crystal.open(path, writable=True, encoder=encoder) as crystal:
        crystal.ingest([folder])


def test_a_sample_takes_some_of_everything_in_any_order(tmp_path, encoder, books):
    with Crystal.create(tmp_path / "a.crystal", encoder=encoder) as crystal:
        crystal.ingest([books])
        chosen = list(sample_chunks(crystal.shelf, crystal._encoder, 1000))
        assert 1000 <= sum(len(chunk.ids) for chunk in chosen) < 1000 + MAX_CHUNK_TOKENS
        whole = [document.path for document in crystal.documents()]
        texts = {name: crystal.quote(name, 0, 10**6) for name in whole}
        assert all(any(chunk.text in text for chunk in chosen) for text in texts.values())
        layers = LayerEncoder(encoder, tokenizer=crystal._encoder.tokenizer)
        assert fit_codebooks(chosen, layers).to_blobs() == fit_codebooks(list(chosen), layers).to_blobs()
        assert fit_codebooks([], layers) is None
    with Crystal.create(tmp_path / "b.crystal", encoder=encoder) as crystal:
        for path in sorted(books.iterdir(), reverse=True):
            crystal.ingest([path])
        again = list(sample_chunks(crystal.shelf, crystal._encoder, 1000))
    assert {chunk.text for chunk in chosen} == {chunk.text for chunk in again}


# --- names and prompts ----------------------------------------------------------------------------


@pytest.fixture
def named(tmp_path, monkeypatch):
    """A model of the catalogue, called tiny-named or tiny, in a models folder of its own."""
    folder = make_encoder(tmp_path / "models" / "tiny-named")
    files = tuple(
        models.WheelMember(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in sorted(folder.iterdir(), key=lambda path: path.name != "model.safetensors")
    )
    entry = models.CatalogueEntry("tiny-named", "encoder", "no-wheel==1", {}, "MIT", "", converted=files, alias="tiny")
    monkeypatch.setitem(models.CATALOGUE, "tiny-named", entry)
    monkeypatch.setenv("CRYSTAL_MODELS", str(folder.parent))
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    return folder


def test_an_encoder_by_its_name(tmp_path, shelf_folder, named, monkeypatch):
    path = tmp_path / "m.crystal"
    with Crystal(path, mode="write", encoder="tiny") as crystal:
        crystal.ingest([shelf_folder])
        assert (crystal.stats().encoder, crystal.stats().complete) == ("tiny-named", True)
    away = tmp_path / "away"
    shutil.move(named.parent, away)  # the models folder moves: the name is enough
    with Crystal.open(path) as crystal:
        assert crystal.lexical_only
        assert "run `crystal models pull tiny-named`" in crystal.encoder_missing
    monkeypatch.setenv("CRYSTAL_MODELS", str(away))
    for choice in ("auto", "tiny", "tiny-named"):
        with Crystal.open(path, encoder=choice) as crystal:
            assert not crystal.lexical_only
    monkeypatch.setenv("CRYSTAL_ENCODER", "tiny")
    with Crystal.open(path) as crystal:
        assert not crystal.lexical_only
    shutil.rmtree(away)
    with pytest.raises(ModelMissingError, match=r"tiny-named is not on this machine: run `crystal models pull tiny`"):
        Crystal.open(path)


def test_a_folder_of_the_name_comes_first(tmp_path, named, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_encoder(tmp_path / "tiny", seed=1)
    with Crystal(tmp_path / "m.crystal", mode="write", encoder="tiny") as crystal:
        assert crystal.stats().encoder == "tiny"


def test_prompts_are_recorded_and_change_vectors(tmp_path, shelf_folder):
    folder = make_encoder(tmp_path / "own")
    with Crystal.create(tmp_path / "plain.crystal", encoder=folder) as crystal:
        crystal.ingest([shelf_folder], codebooks_from=[shelf_folder])
        plain = codes_of(crystal)
    (folder / "config_sentence_transformers.json").write_text(
        '{"prompts":{"query":"the tide: ","document":"the light: "}}'
    )
    with Crystal.open(tmp_path / "plain.crystal", writable=True) as crystal:  # made without: stays without
        assert "query_prompt" not in crystal._store.meta()
        assert not len(crystal._encoder.tokenizer.passage_prompt)
    path = tmp_path / "prompted.crystal"
    with Crystal.create(path, encoder=folder) as crystal:
        crystal.ingest([shelf_folder], codebooks_from=[shelf_folder])
        meta = crystal._store.meta()
        assert (meta["query_prompt"], meta["passage_prompt"]) == ("the tide: ", "the light: ")
        assert int(meta["limit"]) == 126 - len(crystal._encoder.tokenizer.passage_prompt)
        assert codes_of(crystal) != plain
        assert "04:10" in crystal.recall("High water at Oldhaven", 1)[0].text
    with pytest.raises(EncoderMismatchError, match="made with the limit"):
        Crystal.merge([path, tmp_path / "plain.crystal"], tmp_path / "both.crystal")
