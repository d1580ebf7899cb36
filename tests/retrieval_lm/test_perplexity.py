"""Which pieces are held back, what they come to, and that nothing is seen that comes later."""

from __future__ import annotations

import itertools
import math

import perplexity as script
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.errors import SourceError, UsageError
from crystalcli.retrieval_lm import (
    TARGET_TOKENS,
    TargetScore,
    arm_perplexity,
    held_out_targets,
    perplexity_ratio,
    perplexity_report,
    read_text,
    shares_ngram,
)


@given(st.integers(200, 100_000), st.integers(2, 2048), st.integers(1, 300))
def test_targets_lie_behind_one_another_at_the_end(tokens, window, targets):
    if tokens < window + TARGET_TOKENS:
        with pytest.raises(UsageError, match="the text has"):
            held_out_targets(tokens, window, targets)
        return
    starts = held_out_targets(tokens, window, targets)
    assert 1 <= len(starts) <= targets
    assert starts[0] >= max(window, min(math.floor(0.7 * tokens), tokens - TARGET_TOKENS))
    assert starts[-1] + TARGET_TOKENS <= tokens
    assert all(after - before >= TARGET_TOKENS for before, after in itertools.pairwise(starts))
    assert len(starts) in (targets, (tokens - starts[0]) // TARGET_TOKENS)


def test_a_target_at_least():
    with pytest.raises(UsageError, match="at least one target"):
        held_out_targets(5000, 100, 0)


def test_figures_of_what_is_known():
    found = arm_perplexity([math.log(8) * 10] * 30, [10] * 30, [40] * 30)
    assert found.perplexity == pytest.approx((8, 8, 8))
    assert found.bits_per_byte == pytest.approx((0.75, 0.75, 0.75))


def test_an_interval_holds_the_mean_about_as_often_as_it_says():
    import numpy as np

    random, held = np.random.default_rng(5), 0
    for _ in range(100):
        lost = random.exponential(2.0, 60)
        _, low, high = arm_perplexity((lost * 10).tolist(), [10] * 60, [10] * 60).perplexity
        held += low <= math.exp(2.0) <= high
    assert 85 <= held <= 100


def test_a_ratio_is_paired():
    theirs = [float(number % 7) * 100 for number in range(50)]  # which differ much from one another
    found = perplexity_ratio([each - 10 for each in theirs], theirs, [100] * 50)
    assert found == pytest.approx((math.exp(-0.1),) * 3)


def test_thirteen_tokens_in_a_row():
    text = list(range(100))
    assert shares_ngram(text, [*range(200, 250), *range(40, 53)])
    assert not shares_ngram(text, [*range(200, 250), *range(40, 52)])
    assert not shares_ngram([], text)


def test_results_by_arm():
    rows = [
        {
            "window": TargetScore(1, 10, 40, 20.0, 15.0, 5.0, False),
            "memory": TargetScore(1, 10, 40, 10.0, 10.0, 10.0, number < 2),
        }
        for number in range(5)
    ]
    found = perplexity_report(rows, model="m", window=64, tokens=999)
    assert found.repeated == 2
    assert found.arms["window"].perplexity.value == pytest.approx(math.e**2)
    assert found.ratios["memory"].value == pytest.approx(1 / math.e)
    assert found.ratios["window and echoes"].value == pytest.approx(math.exp(-1.5))
    assert found.ratios["window and copying"].value == pytest.approx(math.exp(-0.5))


def test_texts_of_files_and_folders(tmp_path):
    (tmp_path / "a.py").write_text("def one():\n    return 1\n" * 20)
    (tmp_path / "b.txt").write_text("Two.\n")
    (tmp_path / "c.bin").write_bytes(bytes(range(256)))
    found = read_text([tmp_path])
    assert found.code
    assert found.text.index("one") < found.text.index("Two")
    assert not read_text([tmp_path / "b.txt"]).code
    (tmp_path / "empty.txt").write_text(" \n")
    with pytest.raises(SourceError, match="no text to predict"):
        read_text([tmp_path / "empty.txt"])
    with pytest.raises(SourceError, match=r"no text to predict: c\.bin: "):
        read_text([tmp_path / "b.txt", tmp_path / "c.bin"])
    (tmp_path / "nothing.txt").touch()
    assert read_text([tmp_path / "b.txt", tmp_path / "nothing.txt"]).text.strip() == "Two."
    with pytest.raises(SourceError, match="does not exist"):
        read_text([tmp_path / "gone.txt"])


def test_the_benchmark_keeps_texts_by_their_names_and_goes_on_behind_half_a_line(tmp_path):
    with pytest.raises(SystemExit, match=r"two texts are named all\.txt"):
        script.texts_named(["code=a/all.txt", "novel=b/all.txt"])
    assert list(script.texts_named(["code=a/one.txt", "novel=b/two.txt"])) == ["one.txt", "two.txt"]
    keep = tmp_path / "kept.jsonl"
    keep.write_text('{"text": "one"}\n{"text": "tw')
    assert script.rows_kept(keep) == [{"text": "one"}]
    with script.appending(keep) as file:
        file.write('{"text": "three"}\n')
    assert script.rows_kept(keep) == [{"text": "one"}, {"text": "three"}]
    with script.appending(tmp_path / "new.jsonl") as file:
        file.write('{"text": "one"}\n')
    assert (tmp_path / "new.jsonl").read_text() == '{"text": "one"}\n'
