"""What oneDNN keeps is bounded, and each part of the program that multiplies sees to it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = "import os, {}; print(os.environ.get('ONEDNN_PRIMITIVE_CACHE_CAPACITY'))"


def printed(code: str, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEDNN")} | variables
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("module", ["crystalcli.vectors.bert", "crystalcli.lm.decoder.llama"])
def test_what_multiplies_keeps_little(module):
    assert printed(SHOW.format(module)) == "64"
    assert printed(SHOW.format(module), ONEDNN_PRIMITIVE_CACHE_CAPACITY="7") == "7"  # the user's own choice
