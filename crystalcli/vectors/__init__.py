"""Vectors: what a text means, as the nodes of a pyramid, and those nodes as codes of a few bytes.

Knows: tokens, states, vectors and codes. Does not know: documents, crystals, or where weights come
from. Importing the room costs nothing: its files are loaded when a name is used.

bert.py               The encoder in torch: BERT (Devlin et al., 2019), for many chunks at a time.
calibrate.py          Measure an encoder's scales for int8 on a sample of text.
chunk_attention.py    Attention inside a chunk, in the way that is fastest on this processor.
codec.py              The codec of layers 1 to 3: 32 bytes an atom, 12 a cluster, 4 a unit.
cross_encoder.py      The cross-encoder: how well a text answers a question, both read together.
encoder_config.py     The configuration of an encoder in Hugging Face layout: shape, names of
                      weights, prompts.
encoder_tokenizer.py  The tokenizer of an encoder, by the `tokenizers` library.
opq.py                Training of an encoder's codec by OPQ (Ge, He, Ke and Sun, 2013), from a
                      sample of its vectors.
paired_codes.py       Codes in pairs of bytes: many nodes are scored with half as many table
                      lookups, column by column.
pyramid.py            Layers 1 to 3: an exact mean pyramid over token states.
quantized.py          The encoder stack with int8 products, for processors with native int8 or AVX2.
question_encoder.py   The encoder in numpy, for a question: 10 tokens take less time than importing
                      torch.
stack.py              The encoder stack in torch: token ids to token states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.vectors.bert import (
        Bert,
        best_precision,
        has_native_bfloat16,
    )
    from crystalcli.vectors.codec import (
        CODE_BYTES,
        Codec,
        ProductQuantizer,
        codes_from_bytes,
        cosines,
        default_codec,
        unit_length,
    )
    from crystalcli.vectors.cross_encoder import (
        CrossEncoder,
    )
    from crystalcli.vectors.encoder_config import (
        MODEL_TYPES,
        WEIGHTS_FILE,
        EncoderConfig,
        EncoderPrompts,
        read_encoder_config,
        read_prompts,
    )
    from crystalcli.vectors.encoder_tokenizer import (
        VOCABULARY,
        FolderTokenizer,
        WordPieceTokenizer,
        default_tokenizer,
        tokenizer_digest,
    )
    from crystalcli.vectors.opq import (
        mean_cosines,
        train_codec,
        train_quantizer,
    )
    from crystalcli.vectors.paired_codes import (
        PairedCodes,
    )
    from crystalcli.vectors.pyramid import (
        Pyramid,
        PyramidLayout,
        build_pyramid,
        node_counts,
        pyramid_layout,
    )
    from crystalcli.vectors.quantized import (
        Scales,
        default_scales,
        has_int8_kernels,
    )
    from crystalcli.vectors.question_encoder import (
        EncodedQuestion,
        QuestionEncoder,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "bert": (
                "Bert",
                "best_precision",
                "has_native_bfloat16",
            ),
            "codec": (
                "CODE_BYTES",
                "Codec",
                "ProductQuantizer",
                "codes_from_bytes",
                "cosines",
                "default_codec",
                "unit_length",
            ),
            "cross_encoder": ("CrossEncoder",),
            "encoder_config": (
                "EncoderConfig",
                "EncoderPrompts",
                "MODEL_TYPES",
                "WEIGHTS_FILE",
                "read_encoder_config",
                "read_prompts",
            ),
            "encoder_tokenizer": (
                "FolderTokenizer",
                "VOCABULARY",
                "WordPieceTokenizer",
                "default_tokenizer",
                "tokenizer_digest",
            ),
            "opq": (
                "mean_cosines",
                "train_codec",
                "train_quantizer",
            ),
            "paired_codes": ("PairedCodes",),
            "pyramid": (
                "Pyramid",
                "PyramidLayout",
                "build_pyramid",
                "node_counts",
                "pyramid_layout",
            ),
            "quantized": (
                "Scales",
                "default_scales",
                "has_int8_kernels",
            ),
            "question_encoder": (
                "EncodedQuestion",
                "QuestionEncoder",
            ),
        },
    )

__all__ = [
    "CODE_BYTES",
    "MODEL_TYPES",
    "VOCABULARY",
    "WEIGHTS_FILE",
    "Bert",
    "Codec",
    "CrossEncoder",
    "EncodedQuestion",
    "EncoderConfig",
    "EncoderPrompts",
    "FolderTokenizer",
    "PairedCodes",
    "ProductQuantizer",
    "Pyramid",
    "PyramidLayout",
    "QuestionEncoder",
    "Scales",
    "WordPieceTokenizer",
    "best_precision",
    "build_pyramid",
    "codes_from_bytes",
    "cosines",
    "default_codec",
    "default_scales",
    "default_tokenizer",
    "has_int8_kernels",
    "has_native_bfloat16",
    "mean_cosines",
    "node_counts",
    "pyramid_layout",
    "read_encoder_config",
    "read_prompts",
    "tokenizer_digest",
    "train_codec",
    "train_quantizer",
    "unit_length",
]
