"""The retrieval LM room: a retrieval-augmented language model, with a crystal behind its window.

It answers: "How likely is the next token, given all that was read before?" It also measures how
much better the model predicts with the crystal.

Names are imported when they are first used.

copy_mixture.py     A copy mixture: a model's token probabilities, raised for the followers of
                    earlier n-grams.
ngrams.py           N-gram continuations: the tokens that followed earlier occurrences of the last
                    tokens of a text.
perplexity.py       Perplexity of held-out pieces of a text, with the passages that a model recalls
                    and without.
recalling_model.py  A language model that reads text of any length: its window, and passages
                    recalled from before it.
text_memory.py      A text memory: a crystal that grows as text is read, and is searched for similar
                    passages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.retrieval_lm.copy_mixture import CopyMixture
    from crystalcli.retrieval_lm.ngrams import (
        NO_TOKEN,
        NgramTable,
        candidate_tokens,
        ngram_followers,
        split_logprobs,
    )
    from crystalcli.retrieval_lm.perplexity import (
        TARGET_TOKENS,
        ArmPerplexity,
        Estimate,
        PerplexityReport,
        TargetScore,
        TargetScorer,
        arm_perplexity,
        held_out_targets,
        measure_perplexity,
        perplexity_ratio,
        perplexity_report,
        read_text,
        score_targets,
        shares_ngram,
    )
    from crystalcli.retrieval_lm.recalling_model import (
        COPIED_PASSAGES,
        QUERY_TOKENS,
        STRIDE,
        RecallingModel,
        ScoredStride,
        ScoringModel,
        open_scoring_model,
    )
    from crystalcli.retrieval_lm.text_memory import ChunkNodes, RecalledText, TextMemory

__all__ = [
    "COPIED_PASSAGES",
    "NO_TOKEN",
    "QUERY_TOKENS",
    "STRIDE",
    "TARGET_TOKENS",
    "ArmPerplexity",
    "ChunkNodes",
    "CopyMixture",
    "Estimate",
    "NgramTable",
    "PerplexityReport",
    "RecalledText",
    "RecallingModel",
    "ScoredStride",
    "ScoringModel",
    "TargetScore",
    "TargetScorer",
    "TextMemory",
    "arm_perplexity",
    "candidate_tokens",
    "held_out_targets",
    "measure_perplexity",
    "ngram_followers",
    "open_scoring_model",
    "perplexity_ratio",
    "perplexity_report",
    "read_text",
    "score_targets",
    "shares_ngram",
    "split_logprobs",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_names(
        __name__,
        {
            "copy_mixture": ("CopyMixture",),
            "ngrams": (
                "NO_TOKEN",
                "NgramTable",
                "candidate_tokens",
                "ngram_followers",
                "split_logprobs",
            ),
            "perplexity": (
                "ArmPerplexity",
                "Estimate",
                "PerplexityReport",
                "TARGET_TOKENS",
                "TargetScore",
                "TargetScorer",
                "arm_perplexity",
                "held_out_targets",
                "measure_perplexity",
                "perplexity_ratio",
                "perplexity_report",
                "read_text",
                "score_targets",
                "shares_ngram",
            ),
            "recalling_model": (
                "COPIED_PASSAGES",
                "QUERY_TOKENS",
                "RecallingModel",
                "STRIDE",
                "ScoredStride",
                "ScoringModel",
                "open_scoring_model",
            ),
            "text_memory": (
                "ChunkNodes",
                "RecalledText",
                "TextMemory",
            ),
        },
    )


def __dir__() -> list[str]:
    return sorted(__all__)
