"""`MemoryCrystal`: the pyramid as a memory for any model's embeddings, in tensors. Knows nothing of text or of crystal files."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch

from crystalcli.errors import UsageError
from crystalcli.neural_memory import checkpoint
from crystalcli.neural_memory.argument_checks import (
    batch_rows,
    depth_of,
    floating,
    held_by,
    mask_of,
    moment_of,
    notes,
    on_device,
    queries_of,
    ratios_of,
    whole_number,
)
from crystalcli.neural_memory.beam_search import BeamChoice, Candidates, Recalled, children_of, describe, finest_best
from crystalcli.neural_memory.forgetting_curve import Forgetting
from crystalcli.neural_memory.hook_checks import finite_scores, made_candidates, made_choice, made_nodes, made_scores
from crystalcli.neural_memory.node_store import LayerNodes, NodeLayer
from crystalcli.types import RATIOS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


class MemoryCrystal:
    """Remembers a stream of embeddings as layers of means: units of 10 tokens, clusters of 5 units, atoms of 2 clusters.

    dimension: of the embeddings. ratios: tokens to a unit, units to a cluster, clusters to an atom. forgetting: the curve on which
    memories fade, in the unit of the times that are given, tokens where none are; None forgets nothing. temperature: what
    `log R` counts beside a cosine. dtype: in which nodes are kept.

    By token, layers take (itemsize · dimension + 24) · (1/10 + 1/50 + 1/100) bytes, and at most an eighth more: 403 MB for a million
    tokens of 768 dimensions in float32, 203 MB in bfloat16, where the embeddings themselves would take 3,072 and 1,536.

    `hierarchical_compress`, `compute_relevance`, `extract_memories` and `merge_memories` are there to be overridden; one that makes
    what cannot be raises CrystalError. What is given and cannot be raises UsageError. Nothing is changed before.
    """

    def __init__(
        self,
        dimension: int = 768,
        ratios: tuple[int, int, int] = RATIOS,
        *,
        forgetting: Forgetting | None = None,
        temperature: float = 0.1,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        if forgetting is not None and not isinstance(forgetting, Forgetting):
            raise UsageError(f"forgetting is a Forgetting, or None, not {forgetting!r}")
        if not isinstance(temperature, float | int) or not 0 <= temperature < float("inf"):
            raise UsageError(f"the temperature is 0 or more, not {temperature!r}")
        self.dimension = whole_number(dimension, "the dimension")
        self.ratios = ratios_of(ratios)
        self.forgetting = forgetting
        self.temperature = temperature
        self.dtype = _kept_in(dtype)
        self.reset()

    # --- what there is ----------------------------------------------------------------------------------

    @property
    def batch(self) -> int | None:
        """How many streams are remembered side by side; None before anything was read."""
        return self.layers[0].vectors.rows.shape[0] if self.layers else None

    @property
    def crystal_layers(self) -> list[Tensor]:
        """Units, clusters and atoms in the order they were read, [batch, nodes, dimension] each, or [nodes, dimension] where
        what was read first had no batch. Nodes that were forgotten are zeros."""
        if not self.layers:
            return [torch.zeros(0, self.dimension, dtype=self.dtype) for _ in self.ratios]
        found = [layer.vectors.rows for layer in self.layers]
        return [each[0] for each in found] if self.flat else found

    @property
    def bytes(self) -> int:
        """What the layers take in memory, room to spare included."""
        return sum(layer.bytes for layer in self.layers)

    def reset(self, rows: Sequence[int] | Tensor | None = None) -> None:
        """Forget everything, or these rows of the batch: their numbers, or a bool for each.

        Rows that are left go on as they were. Those that were reset begin anew where the others are: a group that is half read
        then becomes the mean of what follows in it. Raises UsageError for rows that are not there.
        """
        if rows is None:
            self.tokens = 0
            self.now = 0.0
            self.layers: list[NodeLayer] = []
            self.waiting: list[LayerNodes] = []
            self.flat = False
            return
        forgotten = batch_rows(rows, self.batch or 0)
        if self.layers:
            forgotten = forgotten.to(self.layers[0].vectors.rows.device)
        for layer in self.layers:
            for column in (layer.vectors, layer.weights):
                column.clear(forgotten)
        for level, nodes in enumerate(self.waiting):
            self.waiting[level] = nodes._replace(
                weights=nodes.weights.masked_fill(forgotten[:, None], 0), pinned=nodes.pinned & ~forgotten[:, None]
            )

    def detach(self) -> None:
        """Keep what is remembered, and let go of the graph of gradients it came through."""
        for layer in self.layers:
            layer.vectors.change(lambda held: held.detach())
        self.waiting = [nodes.mapped(lambda each: each.detach()) for nodes in self.waiting]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Itself, on another device or with nodes in another dtype. Raises UsageError for one that is not of floating point, or
        that cannot hold them; all is then as it was."""
        kept = self.dtype if dtype is None else _kept_in(dtype)
        if kept != self.dtype:
            for layer in self.layers:
                held_by(kept, layer.vectors.rows)
        self.dtype = kept
        for layer in self.layers:
            for name, column in layer.columns().items():
                column.to(device, self.dtype if name == "vectors" else None)
        self.waiting = [nodes.mapped(lambda each: each.to(device)) for nodes in self.waiting]
        return self

    # --- in ---------------------------------------------------------------------------------------------

    def crystallize(
        self,
        context_embeddings: Tensor,
        *,
        importance: Tensor | None = None,
        times: Tensor | None = None,
        pinned: bool | Tensor = False,
        gradient: bool = False,
    ) -> list[Tensor]:
        """Read embeddings [tokens, dimension] or [batch, tokens, dimension]; returns `crystal_layers` as they are then.

        Remainders that fill no group yet wait for the next call, so any split of the input gives the same layers.
        importance: of each token, [tokens] or [batch, tokens], 0 or more: what it weighs in means, and how slowly it fades; a token of
        0 is passed over, as padding is. times: of each token, in any unit, else their numbers. pinned: what is never forgotten, for
        all or for each token; a node is pinned when a token of it is. gradient: let gradients through, until `detach` or `reset`.
        Raises UsageError for other shapes, for values that are not finite or too large for the dtype of nodes, and for another device
        than the memory's, which then stays as it was.
        """
        given = floating(context_embeddings, "embeddings")
        if given.dim() not in (2, 3) or given.shape[-1] != self.dimension:
            raise UsageError(f"embeddings are [tokens, {self.dimension}], not {list(given.shape)}")
        x = given if given.dim() == 3 else given[None]
        if not len(x):
            raise UsageError("embeddings are of one row of a batch, or more, not of none")
        if self.batch not in (None, len(x)):
            raise UsageError(f"the memory holds a batch of {self.batch}, not of {len(x)}; reset it first")
        if self.layers:
            on_device(x, self.layers[0].vectors.rows.device, "embeddings")
        with _plainly(gradient and torch.is_grad_enabled(), x.device):
            x = x.float() if gradient else x.detach().float()
            if not torch.isfinite(x).all():
                raise UsageError("embeddings hold NaN or infinity")
            read = LayerNodes(x, *notes(x, self.tokens, importance, times, pinned))
            if not gradient:
                read = read.mapped(lambda each: each.detach())
            made, waiting = self._grouped(read)  # all of it before anything is kept
            if not self.layers:
                self.flat = given.dim() == 2
                self.layers = [NodeLayer.empty(x, self.dtype) for _ in self.ratios]
            if x.shape[1]:
                last = float(read.times.max())
                self.now = max(self.now, last) if self.tokens else last
                self.tokens += x.shape[1]
            self.waiting = waiting
            for layer, nodes in zip(self.layers, made, strict=True):
                if nodes.weights.shape[1]:
                    stabilities = self.forgetting.initial(nodes.weights.detach()) if self.forgetting else nodes.weights
                    layer.append(nodes, stabilities.masked_fill(nodes.pinned, float("inf")))
        return self.crystal_layers

    def _grouped(self, read: LayerNodes) -> tuple[list[LayerNodes], list[LayerNodes]]:
        """The new nodes of each layer, and what then waits below it."""
        made, waiting = [], []
        for level, ratio in enumerate(self.ratios):
            rows = self.waiting[level].joined(read) if self.waiting else read
            groups = rows.weights.shape[1] // ratio
            waiting.append(rows.part(groups * ratio).mapped(torch.clone))
            made_of = self.hierarchical_compress(rows.part(0, groups * ratio), ratio)
            read = made_nodes(made_of, len(rows.vectors), groups, self.dimension)
            held_by(self.dtype, read.vectors)
            made.append(read)
        return made, waiting

    def hierarchical_compress(self, children: LayerNodes, ratio: int) -> LayerNodes:
        """One node for every `ratio` children: the mean by their weights, the mean weight, the last time, pinned if one is.

        So every node is the weighted mean of its tokens. To be overridden by what keeps more of them, for as many nodes.
        """
        batch, count, dimension = children.vectors.shape
        shape = (batch, count // ratio, ratio)
        weights = children.weights.reshape(shape)
        shares = weights / weights.sum(2, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
        return LayerNodes(
            (children.vectors.reshape(*shape, dimension) * shares[..., None]).sum(2),
            weights.mean(2),
            children.times.reshape(shape).amax(2),
            children.pinned.reshape(shape).any(2),
        )

    # --- out --------------------------------------------------------------------------------------------

    def recall(
        self, query: Tensor, depth: int = 3, k: int = 8, *, now: float | None = None, strengthen: bool = True
    ) -> Recalled:
        """The `k` memories nearest to a query, coarse to fine through the last `depth` layers.

        query: [dimension]; [queries, dimension] of a memory without a batch; [batch, dimension] or [batch, queries, dimension].
        depth 1 looks at atoms alone; 2 also at the clusters of the best atoms; 3 also at the units of the best clusters. Of the layers
        looked at, nodes that have no parent yet always take part. No two memories overlap: of a node and what it is made of, the
        one that scores better is given. now: the time from which ages count; else that of the last token. strengthen: where memories
        fade, those recalled, and what they are part of, fade more slowly from now on.
        What comes back has the query's shape with `k` in the place of the dimension, or fewer than `k` where there are no more;
        `layers` is 0 where a row of a batch has fewer than others. Raises UsageError for a wrong shape, device, depth, k or time; an
        empty memory gives none.
        """
        depth, k = depth_of(depth), whole_number(k, "k")
        moment, differentiable = self.now if now is None else moment_of(now), torch.is_grad_enabled()
        device = floating(query, "the query").device
        if self.layers:
            on_device(query, self.layers[0].vectors.rows.device, "the query")
        with _plainly(False, device):
            queries = queries_of(query, self.dimension, self.batch, self.flat)
            if not self.layers:
                return describe([], self.dimension, BeamChoice.none(queries), moment, None).shaped(query.shape[:-1])
            looked_at = made_candidates(self.extract_memories(queries, depth, k, moment), queries)
            chosen = made_choice(self.merge_memories(looked_at, k), queries, k, [layer.count for layer in self.layers])
        with _plainly(differentiable, device):
            found = describe(self.layers, self.dimension, chosen, moment, self.forgetting).placed(self.ratios)
            if self.forgetting and strengthen:
                self.strengthen(found, now=moment)
        return found.shaped(query.shape[:-1])

    def strengthen(self, recalled: Recalled, used: Tensor | None = None, *, now: float | None = None) -> None:
        """Let memories fade more slowly from now on, and what they are part of; nothing where the memory forgets nothing.

        recalled: what `recall` gave. used: which of them, bool in the shape of `recalled.layers`; else all. Raises UsageError.
        """
        if not isinstance(recalled, Recalled):
            raise UsageError(f"what is strengthened is what recall gave, not {type(recalled).__name__}")
        there = recalled.layers > 0
        if used is not None:
            there = there & mask_of(used, there.shape, "used")
        moment = self.now if now is None else moment_of(now)
        if self.forgetting is None or not self.layers:
            return
        batch = len(self.layers[0].weights.rows)
        if (batch > 1 and len(there) != batch) or (there.any() and recalled.ends.max() > self.tokens):
            raise UsageError("what was recalled is of another memory")
        there, layers, starts = (each.reshape(batch, -1) for each in (there, recalled.layers, recalled.starts))
        above: Tensor | None = None  # which nodes of the layer below were recalled
        width = 1
        for level, (layer, ratio) in enumerate(zip(self.layers, self.ratios, strict=True)):
            width *= ratio
            rows = torch.where(there & (layers == level + 1), starts // width, layer.count)
            hit = torch.zeros(len(rows), layer.count + 1, dtype=torch.bool, device=rows.device)
            hit = hit.scatter_(1, rows, True)[:, :-1]
            if above is not None:
                hit |= above[:, : layer.count * ratio].reshape(len(rows), layer.count, ratio).any(2)
            stronger = self.forgetting.strengthened(layer.stabilities.rows, (moment - layer.recalled.rows).float())
            layer.stabilities.rows[hit] = stronger[hit]
            layer.recalled.rows[hit] = layer.recalled.rows[hit].clamp_min(moment)  # a recall never weakens
            above = hit

    def compute_relevance(self, queries: Tensor, vectors: Tensor) -> Tensor:
        """How much each node has to do with each query: cosines, float32 [batch, queries, nodes].

        queries: float32 [batch, queries, dimension]. vectors: [batch, nodes, dimension], the same for all queries of a row, or
        [batch, queries, nodes, dimension]. To be overridden by what knows better.
        """
        asked = torch.nn.functional.normalize(queries.float(), dim=-1)
        known = torch.nn.functional.normalize(vectors.float(), dim=-1)
        if known.dim() == 3:
            return asked @ known.transpose(1, 2)
        return (known @ asked[..., None])[..., 0]

    def extract_memories(self, queries: Tensor, depth: int, k: int, now: float) -> list[Candidates]:
        """What is looked at, layer by layer, coarse to fine: the best atoms, then what the best nodes of each layer are made of.

        queries: float32 [batch, queries, dimension]. Scores are relevance plus temperature · log R. To be overridden by another way
        down.
        """
        breadth = max(2 * k, 8)
        found: list[Candidates] = []
        for level in (2, 1, 0)[:depth]:
            layer = self.layers[level]
            if found:
                candidates = children_of(
                    found[-1], self.ratios[level + 1], self.layers[level + 1].count, layer.count, breadth
                )
            else:
                candidates = Candidates.all_of(level, layer.count, queries)
            candidates = self._scored(queries, layer, candidates, now)
            found.append(candidates if found else candidates.best(breadth))
        return found

    def merge_memories(self, found: list[Candidates], k: int) -> BeamChoice:
        """The best `k` of what was looked at, of which no two overlap. To be overridden by another choice."""
        return finest_best(found, k)

    def _relevance(self, queries: Tensor, vectors: Tensor) -> Tensor:
        shape = [*queries.shape[:2], vectors.shape[-2]]
        return made_scores(self.compute_relevance(queries, vectors), shape, vectors)

    def _scored(self, queries: Tensor, layer: NodeLayer, candidates: Candidates, now: float) -> Candidates:
        rows, vectors = candidates.rows, layer.vectors.rows
        if not rows.shape[-1]:
            return candidates
        there = rows.clamp_min(0)
        streams = torch.arange(len(rows), device=rows.device)[:, None, None]
        if layer.count <= 4 * rows.shape[-1]:  # most of the layer is looked at: one product for all queries
            scores = self._relevance(queries, vectors).gather(2, there)
        else:
            scores = self._relevance(queries, vectors[streams, there])
        missing = (rows < 0) | (layer.weights.rows == 0)[streams, there]
        scores = finite_scores(scores, missing)
        if self.forgetting:
            ages = now - layer.recalled.rows
            faded = self.forgetting.log_retained(ages.float(), layer.stabilities.rows)
            scores = scores + self.temperature * faded[streams, there]
        return candidates._replace(scores=scores.masked_fill(missing, float("-inf")))

    # --- kept -------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write it as a safetensors file, in the place of one that is there. Raises CrystalError when that fails."""
        checkpoint.save_memory(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> Self:
        """A memory as `save` wrote it, of this class: it is made by `cls(dimension, ratios, dtype=..., **options)`, and then filled.

        So what a class of your own has beside, weights for one, is given here. Raises MissingFileError, NotACrystalError,
        NewerFormatError or DamagedCrystalError.
        """
        return checkpoint.load_memory(cls, Path(path), options)


@contextlib.contextmanager
def _plainly(gradient: bool, device: torch.device) -> Iterator[None]:
    """Tensors that may be kept and changed later, in the precision that is stated: also where the caller is in inference mode, or in
    autocast, which would give some scores another dtype."""
    autocast = torch.autocast(device.type, enabled=False) if _casts(device) else contextlib.nullcontext()
    with torch.inference_mode(False), torch.set_grad_enabled(gradient), autocast:
        yield


def _kept_in(dtype: object) -> torch.dtype:
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise UsageError(f"nodes are kept in floating point, not in {dtype}")
    return dtype


def _casts(device: torch.device) -> bool:
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)
