"""An encoder that is loaded when the first chunk needs it, and one that stays in memory from one ingest to the next."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from crystalcli.index.encoder import Encoder
from crystalcli.types import Chunk

if TYPE_CHECKING:
    from crystalcli.index.layer_encoder import LayerCodes, LayerEncoder
    from crystalcli.vectors import Codec


class LazyEncoder:
    """A LayerEncoder for later: an ingest with nothing new never waits for torch."""

    def __init__(self, encoder: Encoder, codec: Codec | None) -> None:
        self._encoder, self._codec = encoder, codec
        self._layers: LayerEncoder | None = None

    def layers(self) -> LayerEncoder:
        """It, loaded now if need be. Raises ModelMissingError or EncoderMismatchError."""
        if self._layers is None:
            from crystalcli.index.layer_encoder import LayerEncoder

            assert self._encoder.folder is not None
            self._encoder.verify()
            self._layers = LayerEncoder(self._encoder.folder, tokenizer=self._encoder.tokenizer, codec=self._codec)
        return self._layers

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        """See `LayerEncoder.codes`."""
        return self.layers().codes(chunks, tokens)


class CachedEncoder:
    """The encoder of the last ingest, for the next one: it is made anew only for other weights or codebooks."""

    def __init__(self) -> None:
        self._kept: LazyEncoder | None = None
        self._key: Hashable = None

    def of(self, encoder: Encoder, codec: Codec | None, key: Hashable) -> LazyEncoder:
        """The one that is kept, if `key` is what it was. key: what weights and codebooks are told from others by."""
        if self._kept is None or key != self._key:
            self._kept, self._key = LazyEncoder(encoder, codec), key
        return self._kept

    def let_go(self) -> None:
        """Give its memory back; the next ingest loads it again."""
        self._kept = None
