"""Fixtures that several rooms' tests share. Real weights are fetched once, through the program itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from support.repository import SAMPLES

from crystalcli import models
from crystalcli.errors import CrystalError
from crystalcli.index.encoder import ENCODER
from crystalcli.library import LANGUAGE_MODEL, Crystal
from crystalcli.recall import RERANKER

if TYPE_CHECKING:
    from crystalcli.lm import LanguageModel

# The programs that tests start hear every signal, whoever started the tests: `nohup` and shells in the background have some ignored.
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _name), _handler)

# Of the terminal that tests are started in, nothing is told: readline, which pytest imports, makes these for its workers.
for _name in ("COLUMNS", "LINES"):
    os.environ.pop(_name, None)

# Programs that tests start read the package's compiled modules; where none is written, each compiles them anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Tests see the weights that they need and no more of the user's models folder: whether `ask` answers by itself depends on
# the models that are there. Workers are told of the user's folder by the process that starts them.
USER_MODELS = os.environ.setdefault("CRYSTAL_TESTS_USER_MODELS", str(models.models_folder()))
_OWN_MODELS = tempfile.TemporaryDirectory(prefix="crystal-models-", ignore_cleanup_errors=True)
os.environ["CRYSTAL_MODELS"] = _OWN_MODELS.name
os.environ.pop("CRYSTAL_FETCH", None)
os.environ["CRYSTAL_HISTORY"] = ""  # questions of tests, and their sources, are kept nowhere
# The reranker reads 24 passages for each question, half a second of two cores. Tests of it ask for it.
os.environ["CRYSTAL_RERANKER"] = "off"
models.remember_offer("never")


def _weights(name: str) -> Path:
    """The folder of a model's real weights, in the user's models folder; fetched if need be."""
    if (folder := models.locate(name)) is not None:
        return folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYSTAL_MODELS", USER_MODELS)
        folder = models.locate(name) or models.pull(name)
    (models.models_folder() / name).symlink_to(folder, target_is_directory=True)
    return folder


def _link_weights() -> None:
    """Show tests what the user has, but for models that answer by themselves.

    What tests need is fetched first, by the process that starts the workers.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRYSTAL_MODELS", USER_MODELS)
        if "PYTEST_XDIST_WORKER" not in os.environ:
            for name in (ENCODER, RERANKER, LANGUAGE_MODEL):
                with suppress(CrystalError):  # tests without weights run without a network
                    models.pull(name)
        here = {entry.name: models.locate(entry.name) for entry in models.CATALOGUE.values()}
    for name, folder in here.items():
        if folder is not None and models.catalogue_entry(name).free_memory is None:
            (models.models_folder() / name).symlink_to(folder, target_is_directory=True)


_link_weights()

settings.register_profile("busy", deadline=None)  # a busy machine is no failure
settings.load_profile("busy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Workers side by side share the cores: a second thread in each would only wait for the others'."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.fixture(scope="session")
def encoder_folder() -> Path:
    """The real encoder's weights."""
    return _weights(ENCODER)


@pytest.fixture(scope="session")
def reranker_folder() -> Path:
    """The real reranker's weights."""
    return _weights(RERANKER)


@pytest.fixture(scope="session")
def language_model_path() -> Path:
    """The real language model's file."""
    return _weights(LANGUAGE_MODEL) / models.catalogue_entry(LANGUAGE_MODEL).main


@pytest.fixture(scope="session")
def language_model(language_model_path: Path) -> LanguageModel:
    """The real language model, opened and loaded once: loading takes a second."""
    from crystalcli.lm import LanguageModel

    return LanguageModel.open(language_model_path)


@pytest.fixture(scope="session")
def samples_crystal(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """A crystal of `samples/`, made once. Copy it before writing to it."""
    path = tmp_path_factory.mktemp("samples") / "samples.crystal"
    with Crystal.create(path, encoder=encoder_folder) as crystal:
        crystal.ingest([SAMPLES])
    return path


@pytest.fixture(scope="module")
def crystal(samples_crystal: Path, encoder_folder: Path) -> Iterator[Crystal]:
    """The samples' crystal, open for reading, without the reranker: its layers and BM25 rank."""
    with Crystal.open(samples_crystal, encoder=encoder_folder, reranker=None) as opened:
        yield opened


@pytest.fixture(scope="module")
def reranked_crystal(samples_crystal: Path, encoder_folder: Path, reranker_folder: Path) -> Iterator[Crystal]:
    """The same with the reranker."""
    with Crystal.open(samples_crystal, encoder=encoder_folder, reranker=reranker_folder) as opened:
        yield opened


@pytest.fixture(scope="session")
def answerable() -> list[dict[str, Any]]:
    """The samples' questions that the samples answer, with the evidence."""
    lines = (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [question for question in map(json.loads, lines) if question["evidence"]]


@pytest.fixture
def own_samples_crystal(samples_crystal: Path, tmp_path: Path) -> Path:
    """A copy of the samples' crystal that a test may change."""
    return Path(shutil.copy(samples_crystal, tmp_path / "own.crystal"))


@pytest.fixture
def shelf_folder(tmp_path: Path) -> Path:
    """A folder with a few small documents of different kinds."""
    folder = tmp_path / "shelf"
    (folder / "code").mkdir(parents=True)
    (folder / "tale.txt").write_text(
        "The ferry left Oldhaven at six. Marta carried the brass key in her coat.\n\n"
        + "Nobody spoke until the island came in sight. " * 40
        + "\n\nThe keeper said that the lamp burns 14 litres of oil a night.\n",
        encoding="utf-8",
    )
    (folder / "notes.md").write_text(
        "# Notes\n\nBuy rope.\n\n## Tides\n\nHigh water at Oldhaven is at 04:10.\n", encoding="utf-8"
    )
    (folder / "code" / "tide.py").write_text(
        'def spring_tide(moon_age):\n    """Days to the next spring tide."""\n    return (14.765 - moon_age) % 14.765\n',
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """So that a busy machine does not make torch's threads wait for one another."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
