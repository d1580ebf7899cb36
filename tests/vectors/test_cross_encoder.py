from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crystalcli.errors import ModelMissingError
from crystalcli.vectors import CrossEncoder

QUESTION = "How many people live in Berlin?"
ANSWER = "Berlin had a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers."
OTHER = "New York City is famous for the Metropolitan Museum of Art."


@pytest.fixture(scope="module")
def reranker(reranker_folder: Path) -> CrossEncoder:
    return CrossEncoder(reranker_folder)


def test_an_answer_has_a_high_logit_and_another_text_a_low_one(reranker):
    """The model's card gives 8.6 and -4.3 for these in float32."""
    answer, other = reranker.logits(QUESTION, [ANSWER, OTHER])
    assert answer > 5
    assert other < -2


def test_the_logit_of_a_text_is_nearly_the_same_in_any_company(reranker):
    texts = [OTHER, ANSWER, ANSWER * 5, "x", "", OTHER * 3]
    together = reranker.logits(QUESTION, texts)
    alone = [float(reranker.logits(QUESTION, [text])[0]) for text in texts]
    # Activations are quantized by the batch.
    np.testing.assert_allclose(together, alone, atol=1.0)
    assert np.argmax(together) in (1, 2)


def test_texts_of_any_length_and_none_at_all_are_scored(reranker):
    assert reranker.logits(QUESTION, []).shape == (0,)
    assert np.isfinite(reranker.logits("why? " * 500, ["word " * 5000, "\0", "日本語"])).all()


def test_weights_that_cannot_be_read_are_named(tmp_path: Path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(ModelMissingError, match="cannot read the reranker's weights"):
            CrossEncoder(folder)
