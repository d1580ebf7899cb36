"""The baseline: a flat index of 128-token chunks, float32 vectors, and BM25 with stemming.

Vectors are all-MiniLM-L6-v2's sentence embeddings, the mean over all positions, as
sentence-transformers computes them; BM25 has the usual k1 = 1.2 and b = 0.75 over Porter2 stems;
reciprocal rank fusion adds 1 / (60 + rank) of the best 1,000 of each (Cormack, Clarke and Büttcher,
2009).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import Stemmer
import torch

from crystalcli.cpu import available_processors
from crystalcli.datatypes import Passage, Place
from crystalcli.text.discover.walk import FoundFile, walk_files
from crystalcli.text.readers import open_source
from crystalcli.vectors import Bert, QuestionEncoder, default_tokenizer

TOKENS = 128  # of a chunk, the two special tokens not counted
K1, B = 1.2, 0.75
RANK = 60
DEPTH = 1000  # ranks that are fused
_WORD = re.compile(r"[^\W_]+")
_STEMMER = Stemmer.Stemmer("english")


def words(text: str) -> list[str]:
    """Return the stems of the words of a text, in lower case; `snake_case` is two words."""
    stems: list[str] = _STEMMER.stemWords(_WORD.findall(text.lower()))
    return stems


class FlatIndex:
    """Chunks (path, start, end, text), their unit vectors, float32 [chunks, 384], and postings."""

    def __init__(self, files: Path, encoder: Path, vectors: Path | None = None) -> None:
        """Read and encode all files in `files`.

        `vectors` is a file that keeps the vectors between runs.
        """
        self.chunks: list[tuple[str, int, int, str]] = []
        ids: list[np.ndarray] = []
        for found in walk_files([files], hidden=False):
            if isinstance(found, FoundFile):
                _, reading = open_source(found.path)
                text = "".join(piece for piece in reading.pieces() if isinstance(piece, str))
                tokens, ends = default_tokenizer().tokenize([text])[0]
                start = 0
                for first in range(0, len(tokens), TOKENS):
                    last = min(first + TOKENS, len(tokens))
                    end = len(text) if last == len(tokens) else int(ends[last - 1])
                    self.chunks.append((found.relative, start, end, text[start:end]))
                    ids.append(tokens[first:last])
                    start = end
        self.tokens = sum(map(len, ids))
        self._question = QuestionEncoder(encoder)
        if vectors is not None and vectors.exists():
            self.vectors: np.ndarray = np.load(vectors)
        else:
            self.vectors = _encode(Bert(encoder, precision=torch.float32), ids)
            if vectors is not None:
                np.save(vectors, self.vectors)
        assert len(self.vectors) == len(self.chunks)
        self._index()

    def _index(self) -> None:
        postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = []
        for number, (_, _, _, text) in enumerate(self.chunks):
            counts = Counter(words(text))
            lengths.append(sum(counts.values()))
            for term, frequency in counts.items():
                postings[term].append((number, frequency))
        size = np.array(lengths, np.float32)
        self._norm = K1 * (1 - B + B * size / max(1.0, float(size.mean())))
        self._postings = {term: np.array(pairs, np.int32).T for term, pairs in postings.items()}

    def dense(self, question: str) -> np.ndarray:
        """Return the cosine of every chunk with the question, float32 [chunks]."""
        ids, _ = default_tokenizer().tokenize([question])[0]
        result: np.ndarray = self.vectors @ self._question.encode(ids[:254].tolist()).vector
        return result

    def bm25(self, question: str) -> np.ndarray:
        """Return the BM25 score of every chunk, float32 [chunks]."""
        scores = np.zeros(len(self.chunks), np.float32)
        for term in set(words(question)):
            if term in self._postings:
                chunks, frequencies = self._postings[term]
                idf = np.log(1 + (len(self.chunks) - len(chunks) + 0.5) / (len(chunks) + 0.5))
                scores[chunks] += idf * frequencies * (K1 + 1) / (frequencies + self._norm[chunks])
        return scores

    def fused(self, question: str) -> np.ndarray:
        """Return the reciprocal rank fusion of both, float32 [chunks]."""
        fused = np.zeros(len(self.chunks), np.float32)
        for scores in (self.dense(question), self.bm25(question)):
            best = np.argsort(-scores, kind="stable")[:DEPTH]
            fused[best] += 1 / (RANK + 1 + np.arange(len(best), dtype=np.float32))
        return fused

    def recall(self, scores: np.ndarray, k: int) -> list[Passage]:
        """Return the `k` best chunks as passages."""
        found = []
        for number in np.argsort(-scores, kind="stable")[:k]:
            path, start, end, text = self.chunks[number]
            found.append(Passage(Place(path, start, end, 1, 1), text, float(scores[number])))
        return found


def _encode(bert: Bert, ids: list[np.ndarray]) -> np.ndarray:
    """Compute the chunks' sentence embeddings, float32 [chunks, dimension].

    One chunk per thread, without padding.
    """
    vectors = np.empty((len(ids), bert.dimension), np.float32)

    @torch.inference_mode()
    def encode(number: int) -> None:
        vectors[number] = bert.embed(ids[number]).numpy()

    torch.set_num_threads(1)
    with ThreadPoolExecutor(available_processors(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for _ in pool.map(encode, range(len(ids))):
            pass
    return vectors
