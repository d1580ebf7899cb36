"""What oneDNN keeps is bounded, and numpy's products do not wait for threads that do not run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from support.lexical_crystals import read_into, write
from threadpoolctl import threadpool_info

from crystalcli.cpu import available_processors, kept_choice, map_in_threads, one_blas_thread, processor_name
from crystalcli.vectors import QuestionEncoder

SHOW = "import os, {}; print(os.environ.get('ONEDNN_PRIMITIVE_CACHE_CAPACITY'))"


def printed(code: str, **variables: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("ONEDNN", "OPENBLAS"))
    } | variables
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("module", ["crystalcli.vectors.bert", "crystalcli.lm.decoder.llama"])
def test_what_multiplies_keeps_little(module):
    assert printed(SHOW.format(module)) == "64"
    assert printed(SHOW.format(module), ONEDNN_PRIMITIVE_CACHE_CAPACITY="7") == "7"  # the user's own choice


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_blas_that_was_loaded_with_one_thread_is_not_looked_for():
    code = (
        "import sys; from crystalcli.cpu import import_numpy, one_blas_thread; import_numpy()\n"
        "with one_blas_thread(): import numpy\n"
        "print('threadpoolctl' in sys.modules, 'openblas' in str(numpy.__config__.CONFIG).lower())"
    )
    looked, is_openblas = printed(code).split()
    assert is_openblas == "False" or looked == "False"
    assert printed(code, OPENBLAS_NUM_THREADS="2").split()[0] == "True"  # the user's own number


def test_blas_has_one_thread_inside_the_outermost_of_nested_blocks():
    before = blas_threads()
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == before


def test_blocks_of_two_threads_that_overlap_give_the_threads_back():
    before, entered, leave = blas_threads(), threading.Event(), threading.Event()

    def stay():
        with one_blas_thread():
            entered.set()
            leave.wait(30)

    other = threading.Thread(target=stay)
    with one_blas_thread():
        other.start()
        assert entered.wait(30)
        assert blas_threads() == {1}
    leave.set()
    other.join()
    assert blas_threads() == before


def test_a_choice_is_made_once_for_a_processor(tmp_path, monkeypatch):
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    file, made = tmp_path / "cache" / "processor.json", []

    def choose() -> str:
        made.append(1)
        return "b"

    assert [kept_choice("which", ["a", "b"], choose) for _ in range(3)] == ["b"] * 3
    assert len(made) == 1
    assert kept_choice("another", ["b"], choose) == kept_choice("which", ["b"], choose) == "b"
    assert len(made) == 2
    file.write_text(file.read_text().replace(processor_name(), "a slower one"))
    kept_choice("which", ["a", "b"], choose)
    file.write_text("{")
    kept_choice("which", ["a", "b"], choose)
    kept_choice("which", ["a", "c"], choose)  # an answer that is no longer one
    assert len(made) == 5


def test_a_choice_that_cannot_be_kept_is_made_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    assert kept_choice("which", ["a"], lambda: "a") == "a"


def test_an_error_gives_the_threads_back():
    before = blas_threads()
    with pytest.raises(KeyError, match="gone"), one_blas_thread():
        raise KeyError("gone")
    assert blas_threads() == before


@pytest.mark.parametrize("threads", [None, 1, 3])
def test_a_map_in_threads_keeps_the_order(threads):
    assert map_in_threads(lambda number: (number * number, blas_threads()), range(20), threads) == [
        (number * number, {1}) for number in range(20)
    ]


def test_a_map_over_nothing_is_empty_and_an_error_in_it_is_raised():
    assert map_in_threads(str, []) == []
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        map_in_threads(lambda number: 1 / number, [1, 0, 2])


def test_items_of_a_map_in_threads_are_called_beside_one_another():
    meeting = threading.Barrier(3, timeout=30)
    assert sorted(map_in_threads(lambda _: meeting.wait(), range(3), 3)) == [0, 1, 2]


def test_threads_are_started_without_a_library_that_takes_long_to_import():
    code = "import sys; from crystalcli.cpu import map_in_threads; print(map_in_threads(abs, [-1, 2, -3], 2), {})"
    assert printed(code.format("'concurrent.futures' in sys.modules")) == "[1, 2, 3] False"


def test_texts_that_are_encoded_beside_one_another_have_the_vectors_of_texts_alone(encoder_folder):
    encoder = QuestionEncoder(encoder_folder)
    texts = [list(range(1000 + number, 1040 + 3 * number)) for number in range(12)]
    alone = [encoder.encode(ids).states for ids in texts]
    for one, other in zip(alone, map_in_threads(lambda ids: encoder.encode(ids).states, texts, 4), strict=True):
        assert np.array_equal(one, other)


IMPORT = "import os; from crystalcli.cpu import import_numpy; import_numpy()\n"
TELL = """import numpy
from threadpoolctl import threadpool_info
print(*(library["num_threads"] for library in threadpool_info()), os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.skipif(available_processors() < 2, reason="needs two processors")
def test_the_program_starts_numpy_with_one_thread_and_leaves_the_choice_of_the_user():
    assert printed(IMPORT + TELL) == "1 None"
    assert printed(IMPORT + TELL, OPENBLAS_NUM_THREADS="2") == "2 2"


@pytest.mark.skipif(available_processors() < 2, reason="needs two processors")
@pytest.mark.parametrize("command", ["ask", "recall"])
def test_commands_that_answer_start_numpy_so(tmp_path, command):
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": "The lamp burns oil.\n"}))
    code = f"import os\nfrom crystalcli.cli.app import run\nrun({[command, 'lamp oil', '-c', str(path)]})\n"
    assert printed(code + TELL, CRYSTAL_OFFLINE="1", CRYSTAL_MODELS=str(tmp_path)).splitlines()[-1] == "1 None"
