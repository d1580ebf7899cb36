"""Layers of a few short chunks, by the encoder in numpy: no torch has to be imported.

Knows: the encoder, the pyramid and the codec. Does not know: segments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.errors import CrystalError
from crystalcli.index.encoder import Encoder
from crystalcli.index.fill import codec_of
from crystalcli.index.layer_encoder import LayerCodes, parents
from crystalcli.storage import Store
from crystalcli.vectors import CODE_BYTES, QuestionEncoder, cosines, pyramid_layout

_MAX_TOKENS = 768  # of all chunks together: a third of a second


def encode_short_chunks(store: Store, encoder: Encoder, chunks: Sequence[Chunk]) -> LayerCodes | None:
    """Encode a few short chunks to the codes of layers 1 to 3.

    Args:
        store: The crystal.
        encoder: Its encoder.
        chunks: The chunks, each with its token ids and without a context.

    Returns:
        The codes; None where the weights or the codebooks are not here, or the chunks are long.
    """
    if encoder.folder is None or sum(len(chunk.ids) for chunk in chunks) > _MAX_TOKENS:
        return None
    if any(chunk.context for chunk in chunks) or (codec := codec_of(store, encoder)) is None:
        return None
    try:
        encoder.verify()
        text_encoder = QuestionEncoder(encoder.folder, encoder.tokenizer, passages=True)
    except CrystalError:  # text alone is stored; the next ingest says what is wrong with the weights
        return None
    parts: list[tuple[bytes, ...]] = []
    sums = np.zeros(len(LayerCodes._fields))
    for chunk in chunks:
        layout = pyramid_layout(len(chunk.ids))
        states = text_encoder.states(chunk.ids.tolist())
        unit_ends = layout.units
        cluster_ends = unit_ends[layout.clusters]
        atom_ends = cluster_ends[layout.atoms]
        units, clusters, atoms = (
            (np.add.reduceat(states, ends[:-1]) / np.diff(ends)[:, None]).astype(np.float32)
            for ends in (unit_ends, cluster_ends, atom_ends)
        )
        rows = parents([layout])
        codes, decoded = codec.encode_and_decode(atoms, clusters, units, *rows)
        parts.append(tuple(code.tobytes() for code in codes))
        sums += [float(cosines(*pair).sum()) for pair in zip((atoms, clusters, units), decoded, strict=True)]
    result = LayerCodes(*(b"".join(layer) for layer in zip(*parts, strict=True)))
    result.fidelity = {
        name: (len(part) // size, float(total))
        for (name, size), part, total in zip(CODE_BYTES.items(), result, sums, strict=True)
    }
    return result
