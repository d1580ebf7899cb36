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

from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "COPIED_PASSAGES": "recalling_model",
    "NO_TOKEN": "ngrams",
    "QUERY_TOKENS": "recalling_model",
    "STRIDE": "recalling_model",
    "TARGET_TOKENS": "perplexity",
    "ArmPerplexity": "perplexity",
    "ChunkNodes": "text_memory",
    "CopyMixture": "copy_mixture",
    "Estimate": "perplexity",
    "NgramTable": "ngrams",
    "PerplexityReport": "perplexity",
    "RecalledText": "text_memory",
    "RecallingModel": "recalling_model",
    "ScoredStride": "recalling_model",
    "ScoringModel": "recalling_model",
    "TargetScore": "perplexity",
    "TargetScorer": "perplexity",
    "TextMemory": "text_memory",
    "arm_perplexity": "perplexity",
    "candidate_tokens": "ngrams",
    "held_out_targets": "perplexity",
    "measure_perplexity": "perplexity",
    "ngram_followers": "ngrams",
    "open_scoring_model": "recalling_model",
    "perplexity_ratio": "perplexity",
    "perplexity_report": "perplexity",
    "read_text": "perplexity",
    "score_targets": "perplexity",
    "shares_ngram": "perplexity",
    "split_logprobs": "ngrams",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
