"""The cross-encoder: how well a text answers a question, both read together.

A transformer of the BERT family over `[CLS] question [SEP] text [SEP]` with one output (Nogueira
and Cho, "Passage Re-ranking with BERT", 2019). It runs in onnxruntime, from 8-bit weights: twice as
fast as numpy, and open in a fifth of a second where torch takes two to import.

Knows: texts and logits. Does not know: passages, crystals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crystalcli.errors import ModelMissingError
from crystalcli.vectors.encoder_tokenizer import CLS, SEP, WordPieceTokenizer, default_tokenizer

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray

MODEL_FILE = "model.onnx"
MAX_QUESTION, MAX_TEXT = 64, 256  # tokens; the rest of a longer one is cut off
_BATCH = 1024  # positions that are computed together: more need more memory, and gain nothing


class CrossEncoder:
    """A cross-encoder with the vocabulary of the default encoder.

    Args:
        folder: Holds `model.onnx`, whose inputs are named as in Hugging Face's exports.
        threads: Threads that compute; None: one for each processor of this process.
        tokenizer: Of the model; None: the default encoder's.

    Raises:
        ModelMissingError: The model cannot be read.
    """

    def __init__(self, folder: Path, threads: int | None = None, tokenizer: WordPieceTokenizer | None = None) -> None:
        import onnxruntime

        from crystalcli.cpu import available_processors

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or available_processors()
        options.log_severity_level = 4  # onnxruntime warns on stderr of processors that it does not know
        options.enable_cpu_mem_arena = False
        # A thread that waits for the others would otherwise spin, on processors that others need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = folder / MODEL_FILE
        try:
            self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library's errors share no class
            raise ModelMissingError(f"cannot read the reranker's weights in {path}: {error}") from error
        self._tokenizer = tokenizer or default_tokenizer()

    def logits(self, question: str, texts: Sequence[str]) -> FloatArray:
        """Score texts for a question.

        Args:
            question: The question.
            texts: The texts.

        Returns:
            The logit of each text, float32 [texts]: above 0 where it seems to answer.
        """
        logits = np.zeros(len(texts), np.float32)
        (asked, _), *read = self._tokenizer.tokenize([question, *texts])
        head = [CLS, *asked[:MAX_QUESTION].tolist(), SEP]
        rows = [[*ids[:MAX_TEXT].tolist(), SEP] for ids, _ in read]
        for batch in _batches(len(head), [len(row) for row in rows]):
            shape = len(batch), len(head) + max(len(rows[index]) for index in batch)
            ids, mask, types = np.zeros((3, *shape), np.int64)
            for number, index in enumerate(batch):
                end = len(head) + len(rows[index])
                ids[number, :end] = head + rows[index]
                mask[number, :end] = 1
                types[number, len(head) : end] = 1
            inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
            logits[batch] = self._session.run(None, inputs)[0][:, 0]
        return logits


def _batches(head: int, lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group texts of like length, so that little is computed for padding.

    Args:
        head: Positions of the question.
        lengths: Positions of each text.

    Yields:
        The numbers of the texts of a batch.
    """
    batch: list[int] = []
    order: Iterable[int] = np.argsort(lengths, kind="stable").tolist()
    for index in order:
        if batch and (len(batch) + 1) * (head + lengths[index]) > _BATCH:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
