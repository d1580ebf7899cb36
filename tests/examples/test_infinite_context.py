"""The example as a person runs it, with a small language model of random weights."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import PIL.Image
import pytest
from rich.console import Console
from support import hugging_folders

from crystalcli.cli.app import run
from crystalcli.errors import CrystalError
from crystalcli.examples import picture
from crystalcli.examples.board import draw_board, sparks
from crystalcli.examples.infinite_context import NAME, app
from crystalcli.examples.reading import Sample, State
from crystalcli.examples.results import second_half
from crystalcli.retrieval_lm import ChunkNodes, TargetScore

TEXT = "".join(
    f"The {number}th boat lay at the {number * 7 % 31}th buoy. Its keeper was {name}.\n"
    for number, name in enumerate(["Ada", "Bram", "Cleo", "Dirk", "Esme"] * 12)
)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    hugging_folders.save(folder, "llama", max_position_embeddings=2048)
    return folder


@pytest.fixture(autouse=True)
def _encoder(encoder_folder: Path) -> None:
    """Its weights are here before the example looks for them."""


def here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = run([str(each) for each in arguments], app, NAME)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "boats.txt"
    path.write_text(TEXT)
    return path


def test_a_book_is_read_and_the_sentence_recalled(tmp_path, capsys, monkeypatch, book, model):
    monkeypatch.chdir(tmp_path)
    code, out, err = here(capsys, book, "--model", model, "--tokens", "1500", "--minutes", "5")
    assert code == 0
    assert "through a window of 512: boats.txt" in out
    assert "The harbour master of Quellstead opens the night gate" in out
    assert "recall finds it" in out
    assert "the model does not say" in out  # its weights are random
    assert "no picture" not in err
    assert len(err.splitlines()) > 5
    assert all(line.startswith("crystal: ") and "tokens" in line for line in err.splitlines())
    with PIL.Image.open(tmp_path / "infinite_context.png") as drawn:
        assert drawn.format == "PNG"
        assert drawn.width > 800
        colours = {colour for _, colour in drawn.convert("RGB").getcolors(1 << 20)}
    assert {(0, 114, 178), (213, 94, 0), (0, 158, 115)} <= colours  # both arms, and memory
    assert {each.name for each in tmp_path.iterdir()} == {"boats.txt", "infinite_context.png"}


def test_figures_for_programs(tmp_path, capsys, book, model):
    out_path = tmp_path / "a.png"
    arguments = (book, "--model", model, "--tokens", "1500", "--seed", "3", "--json", "--minutes", "0")
    code, out, _ = here(capsys, *arguments, "--out", out_path)
    assert code == 0
    found = json.loads(out)
    assert found["command"] == "infinite_context"
    assert found["planted"]["behind"] == 1500
    assert found["picture"] == str(out_path)
    assert found["targets"] == len(found["strides"]) == 1  # there is no time for a second
    layers = found["layers"]
    assert layers["tokens"] > 10 * layers["units"] * 0.8
    assert layers["units"] > 4 * layers["clusters"] > 7 * layers["atoms"] > 0
    tokens = [each["tokens"] for each in found["memory"]]
    assert tokens == sorted(tokens)
    assert tokens[-1] == found["tokens"]
    assert found["memory"][-1]["kept"] > 0
    assert found["answers"]["recall"]["right"]
    assert abs(found["answers"]["recall"]["position"] - found["planted"]["before"]) < 5


def test_without_what_draws_there_is_no_picture(tmp_path, capsys, monkeypatch, book, model):
    monkeypatch.setattr(picture, "is_available", lambda: False)
    code, out, err = here(
        capsys, book, "--model", model, "--tokens", "900", "--out", tmp_path / "a.png", "--minutes", "0"
    )
    assert code == 0
    assert "pip install 'crystalcli[examples]'" in err.splitlines()[0]
    assert "a.png" not in out
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("data", "options", "code", "said"),
    [
        (None, (), 3, "does not exist"),
        (b"", (), 3, "no text to predict"),
        (b"Too short.\n", (), 2, "expected 640 tokens at least (a window of 512 and 128 after it), got"),
        (TEXT.encode(), ("--tokens", "0"), 2, "--tokens"),
        (TEXT.encode(), ("--tokens", "5"), 2, "--tokens 5 leaves too little text: expected 640"),
        (TEXT.encode(), ("--out", "nowhere/a.png"), 1, "cannot write the picture to nowhere/a.png: No such file"),
        (TEXT.encode(), ("--out", "."), 1, "cannot write the picture to .: it is a folder"),
        (TEXT.encode(), ("--model", "http://127.0.0.1:1/v1#x"), 2, "gives no log-probabilities"),
        (TEXT.encode(), ("--model", "nobody"), 6, "no model file"),
    ],
)
def test_what_cannot_be_read(tmp_path, capsys, monkeypatch, model, data, options, code, said):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "book.txt"
    if data is not None:
        path.write_bytes(data)
    given = options if "--model" in options else (*options, "--model", model)
    found, _, err = here(capsys, path, *given)
    assert (found, err.count("\n")) == (code, 1)
    assert said in err
    assert not (tmp_path / "infinite_context.png").exists()


def test_missing_weights(tmp_path, capsys, monkeypatch, book, model):
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "none"))
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    for options in ((), ("--model", model)):
        code, out, err = here(capsys, book, *options, "--out", tmp_path / "a.png")
        assert (code, out, err.count("\n")) == (6, "", 1)
        assert not (tmp_path / "a.png").exists()


def test_a_picture_that_is_there_stays_when_nothing_is_read(tmp_path, capsys, model):
    path = tmp_path / "a.png"
    path.write_bytes(b"mine")
    assert here(capsys, tmp_path / "none.txt", "--model", model, "--out", path)[0] == 3
    assert path.read_bytes() == b"mine"


def state(tokens: int) -> State:
    each = TargetScore(tokens, 128, 500, 400.0, 399.0, 380.0, False)
    samples = [Sample(at, int(1.2e9), at // 2) for at in range(0, tokens + 1, 1024)]
    nodes = ChunkNodes(tokens, tokens // 10, tokens // 50, tokens // 100)
    rows = [{"window": each, "memory": each}] * 24
    return State(1_000_000, tokens, 60.0, 45.0, nodes, rows, samples, samples[0], "a\x1b[31m word " * 40, "b\n" * 90)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_board_fits_and_is_harmless(width):
    for tokens in (1024, 999_424):
        written = io.StringIO()
        console = Console(file=written, width=width, force_terminal=True, color_system=None, markup=False)
        console.print(draw_board(state(tokens), width))
        lines = written.getvalue().splitlines()
        assert max(map(len, lines)) < width
        whole = "\n".join(lines)
        assert f"{tokens:,}" in whole
        assert f"{tokens // 100:,}" in whole
        assert "\x1b" not in whole
        if width >= 60:
            assert "1,200 MB" in whole
            assert f"{math.exp(380 / 128):.2f}" in whole
            assert "…" not in whole


@pytest.mark.parametrize(("count", "said"), [(1, "1 stride "), (2, "2 strides ")])
def test_the_board_counts_strides(count, said):
    written, some = io.StringIO(), state(1024)
    some.rows = some.rows[:count]
    Console(file=written, width=80).print(draw_board(some, 80))
    assert said in written.getvalue()


def test_a_picture_of_a_system_that_does_not_say_what_is_resident(tmp_path):
    unknown = state(999_424)
    unknown.samples = [each._replace(resident=None) for each in unknown.samples]
    picture.draw(unknown, [("a", 0), ("a name of more letters than there is room for", 10_000)], tmp_path / "a.png")
    with PIL.Image.open(tmp_path / "a.png") as drawn:
        assert drawn.format == "PNG"
    with pytest.raises(CrystalError, match="cannot write the picture"):
        picture.draw(unknown, [("a", 0)], tmp_path)


def test_the_figures_are_told_when_the_picture_cannot_be_written(tmp_path, capsys, monkeypatch, book, model):
    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    arguments = (book, "--model", model, "--tokens", "900", "--minutes", "0", "--out", tmp_path / "a.png")
    code, out, err = here(capsys, *arguments)
    assert code == 1
    assert "recall finds it" in out
    assert err.splitlines()[-1].endswith("No space left on device")
    assert not (tmp_path / "a.png").exists()


def test_sparks():
    assert sparks([], 5) == ""
    assert sparks([3.0, 3.0], 5) == "▁▁"
    assert sparks([0.0, 1.0, 0.5], 5) == "▁█▅"
    assert len(sparks([float(number) for number in range(100)], 24)) == 24


def test_how_much_the_process_grew():
    samples = [Sample(at, 1_000_000_000 + 10 * at, at) for at in range(0, 600_001, 1000)]
    half = " In the second half, 300,000 tokens, its highest memory rose by"
    assert second_half(samples, samples[5]) == f"{half} 3 MB, 10 MB for a million."
    assert second_half(samples, samples[500]).endswith(" 100,000 tokens, its highest memory rose by 1 MB.")
    samples[300] = samples[300]._replace(resident=900_000_000)  # given back for a moment
    assert second_half(samples, samples[5]) == f"{half} 3 MB, 10 MB for a million."
    assert second_half(samples, samples[-2]) == ""
    assert second_half([Sample(at, None, at) for at in range(0, 600_001, 1000)], Sample(0, None, 0)) == ""
