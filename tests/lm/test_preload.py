from __future__ import annotations

import threading

import pytest

from crystalcli.datatypes import Sampling
from crystalcli.errors import ModelMissingError
from crystalcli.lm.local_model import LanguageModel
from crystalcli.lm.preload import Preload


def test_the_model_opens_and_loads_beside_what_goes_on(language_model_path):
    opened: list[str] = []

    def open_it() -> LanguageModel:
        opened.append(threading.current_thread().name)
        return LanguageModel.open(language_model_path)

    early = Preload(open_it)
    assert opened == []
    early.start()
    early.start()
    model = early()
    assert early() is model
    assert opened == ["loading"]
    assert model.count("a word") == 2  # while the weights are on their way
    said = "".join(model.say([{"role": "user", "content": "Hello"}], Sampling(max_tokens=2)))
    assert said == "".join(
        LanguageModel.open(language_model_path).say([{"role": "user", "content": "Hello"}], Sampling(max_tokens=2))
    )


def test_what_goes_wrong_is_said_to_whoever_asks(tmp_path):
    def open_it() -> LanguageModel:
        return LanguageModel.open(tmp_path / "none.gguf")

    early = Preload(open_it)
    early.start()
    for _ in range(2):
        with pytest.raises(ModelMissingError, match=r"none\.gguf"):
            early()
