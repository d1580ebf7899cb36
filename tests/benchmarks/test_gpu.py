"""The benchmark for cards runs from end to end on a CPU, in small sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.mark.slow
def test_every_part_gives_a_figure_or_says_what_it_lacks(tmp_path):
    output = tmp_path / "gpu.json"
    subprocess.run([sys.executable, str(SCRIPT), "--cpu", "--minutes", "60", "--json", str(output)], check=True)
    results = json.loads(output.read_text())
    parts = {name: results[name] for name in ("encoder", "layer", "reranker", "language", "perplexity")}
    assert not {name: part["error"] for name, part in parts.items() if "error" in part}
    assert parts["encoder"]["stack_tokens_per_second"] > 0
    assert parts["layer"]["with_memory_tokens_per_second"] > 0
    for part in parts.values():
        assert part["seconds"] >= 0
        assert part.get("device", "cpu") == "cpu"


def test_without_a_card_the_script_says_how_to_try_it():
    run = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True)
    import torch

    if not torch.cuda.is_available():
        assert run.returncode == 2
        assert "--cpu runs the same in small sizes" in run.stderr
