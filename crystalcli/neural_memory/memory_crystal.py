"""`MemoryCrystal`: the pyramid as a memory for the embeddings of any model, in tensors.

Knows: embeddings, layers of nodes, forgetting, recall.
Does not know: text, crystal files.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch

from crystalcli.datatypes import RATIOS
from crystalcli.errors import UsageError
from crystalcli.neural_memory import checkpoint
from crystalcli.neural_memory.argument_checks import (
    check_attributes,
    check_castable,
    check_depth,
    check_device,
    check_floating,
    check_integer,
    check_mask,
    check_queries,
    check_ratios,
    check_rows,
    check_time,
)
from crystalcli.neural_memory.beam_search import BeamChoice, Candidates, Recalled, best_disjoint, children_of, look_up
from crystalcli.neural_memory.forgetting_curve import Forgetting
from crystalcli.neural_memory.hook_checks import (
    check_candidates,
    check_choice,
    check_finite,
    check_nodes,
    check_scores,
)
from crystalcli.neural_memory.node_store import LayerNodes, NodeLayer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor


class MemoryCrystal:
    """A stream of embeddings, remembered as layers of means.

    Units are means of 10 tokens, clusters of 5 units, atoms of 2 clusters. By token, layers take
    (itemsize · dimension + 24) · (1/10 + 1/50 + 1/100) bytes, and at most an eighth more: 403 MB
    for a million tokens of 768 dimensions in float32, 203 MB in bfloat16. The embeddings themselves
    would take 3,072 and 1,536 MB.

    The steps `hierarchical_compress`, `compute_relevance`, `extract_memories` and `merge_memories`
    may be overridden; one that returns an invalid result raises CrystalError. Invalid arguments
    raise UsageError. Nothing is changed before either is raised.

    Attributes:
        dimension: of the embeddings.
        ratios: tokens to a unit, units to a cluster, clusters to an atom.
        forgetting: the forgetting curve, or None.
        temperature: the factor of `log R` in scores.
        dtype: of the nodes.
        tokens: the number of tokens read.
        now: the time of the latest token.
        layers: units, clusters and atoms; empty before anything was read.
        waiting: for each layer, the tokens or nodes that fill no group of it yet.
        flat: whether the embeddings that were read first had no batch dimension.
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
        """Make an empty memory.

        Args:
            dimension: of the embeddings.
            ratios: tokens to a unit, units to a cluster, clusters to an atom.
            forgetting: the curve on which memories fade, in the unit of the times that
                `crystallize` is given, tokens by default; None forgets nothing.
            temperature: the factor of `log R` where it is added to a cosine.
            dtype: in which nodes are kept.

        Raises:
            UsageError: an argument is out of range.
        """
        if forgetting is not None and not isinstance(forgetting, Forgetting):
            raise UsageError(f"forgetting must be a Forgetting or None, got {forgetting!r}")
        if not isinstance(temperature, float | int) or not 0 <= temperature < float("inf"):
            raise UsageError(f"temperature must be 0 or more, and finite, got {temperature!r}")
        self.dimension = check_integer(dimension, "dimension")
        self.ratios = check_ratios(ratios)
        self.forgetting = forgetting
        self.temperature = temperature
        self.dtype = _check_dtype(dtype)
        self.reset()

    # --- state ------------------------------------------------------------------------------------

    @property
    def batch(self) -> int | None:
        """The number of streams that are remembered in parallel; None before anything was read."""
        return self.layers[0].vectors.rows.shape[0] if self.layers else None

    @property
    def crystal_layers(self) -> list[Tensor]:
        """Units, clusters and atoms in the order they were read.

        Each is [batch, nodes, dimension], or [nodes, dimension] in a flat memory. Nodes that were
        reset are zeros.
        """
        if not self.layers:
            return [torch.zeros(0, self.dimension, dtype=self.dtype) for _ in self.ratios]
        vectors = [layer.vectors.rows for layer in self.layers]
        return [rows[0] for rows in vectors] if self.flat else vectors

    @property
    def bytes(self) -> int:
        """Bytes of the layers in memory, spare capacity included."""
        return sum(layer.bytes for layer in self.layers)

    def reset(self, rows: Sequence[int] | Tensor | None = None) -> None:
        """Forget everything, or some rows of the batch.

        Other rows go on as they were. Those that were reset start anew at the position of the
        others: a group that is half read then becomes the mean of the tokens that follow in it.

        Args:
            rows: row numbers, or a bool for each row; None for everything.

        Raises:
            UsageError: a row does not exist.
        """
        if rows is None:
            self.tokens = 0
            self.now = 0.0
            self.layers: list[NodeLayer] = []
            self.waiting: list[LayerNodes] = []
            self.flat = False
            return
        mask = check_rows(rows, self.batch or 0)
        if self.layers:
            mask = mask.to(self.layers[0].vectors.rows.device)
        for layer in self.layers:
            for column in (layer.vectors, layer.weights):
                column.clear(mask)
        for level, nodes in enumerate(self.waiting):
            self.waiting[level] = nodes._replace(
                weights=nodes.weights.masked_fill(mask[:, None], 0), pinned=nodes.pinned & ~mask[:, None]
            )

    def detach(self) -> None:
        """Keep all memories, and release the graph of gradients behind them."""
        for layer in self.layers:
            layer.vectors.change(lambda vectors: vectors.detach())
        self.waiting = [nodes.mapped(lambda tensor: tensor.detach()) for nodes in self.waiting]

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> Self:
        """Move the memory to a device, or cast its nodes; returns the memory itself.

        Args:
            device: None for the present one.
            dtype: of the nodes; None for the present one.

        Raises:
            UsageError: the dtype is not of floating point, or cannot hold the nodes; the memory
                then stays as it was.
        """
        node_dtype = self.dtype if dtype is None else _check_dtype(dtype)
        if node_dtype != self.dtype:
            for layer in self.layers:
                check_castable(node_dtype, layer.vectors.rows)
        self.dtype = node_dtype
        for layer in self.layers:
            for name, column in layer.columns().items():
                column.to(device, self.dtype if name == "vectors" else None)
        self.waiting = [nodes.mapped(lambda tensor: tensor.to(device)) for nodes in self.waiting]
        return self

    # --- writing ----------------------------------------------------------------------------------

    def crystallize(
        self,
        context_embeddings: Tensor,
        *,
        importance: Tensor | None = None,
        times: Tensor | None = None,
        pinned: bool | Tensor = False,
        gradient: bool = False,
    ) -> list[Tensor]:
        """Read embeddings into the layers.

        Remainders that fill no group yet wait for the next call, so any split of the input gives
        the same layers.

        Args:
            context_embeddings: [tokens, dimension] or [batch, tokens, dimension].
            importance: of each token, [tokens] or [batch, tokens], 0 or more: its weight in means,
                and how slowly it fades. A token of importance 0 is skipped, as padding is. 1 for
                all by default.
            times: of each token, [tokens] or [batch, tokens], in any unit; by default the token's
                number in the stream.
            pinned: whether tokens are never forgotten, for all or for each; a node is pinned if any
                of its tokens is.
            gradient: let gradients through, until `detach` or `reset`.

        Returns:
            `crystal_layers` after the call.

        Raises:
            UsageError: a shape or a device does not fit the memory, or values are not finite or too
                large for the dtype of nodes; the memory then stays as it was.
        """
        embeddings = check_floating(context_embeddings, "embeddings")
        if embeddings.dim() not in (2, 3) or embeddings.shape[-1] != self.dimension:
            raise UsageError(
                f"embeddings: expected [tokens, {self.dimension}] or [batch, tokens, {self.dimension}], "
                f"got {list(embeddings.shape)}"
            )
        x = embeddings if embeddings.dim() == 3 else embeddings[None]
        if not len(x):
            raise UsageError("embeddings: expected a batch of 1 row or more, got 0")
        if self.batch not in (None, len(x)):
            raise UsageError(f"the memory holds a batch of {self.batch}, got one of {len(x)}: reset the memory first")
        if self.layers:
            check_device(x, self.layers[0].vectors.rows.device, "embeddings")
        with _full_precision(gradient and torch.is_grad_enabled(), x.device):
            x = x.float() if gradient else x.detach().float()
            if not torch.isfinite(x).all():
                raise UsageError("embeddings hold NaN or infinity")
            tokens = LayerNodes(x, *check_attributes(x, self.tokens, importance, times, pinned))
            if not gradient:
                tokens = tokens.mapped(lambda tensor: tensor.detach())
            # All new nodes are made and checked before any is kept.
            new_nodes, waiting = self._group(tokens)
            if not self.layers:
                self.flat = embeddings.dim() == 2
                self.layers = [NodeLayer.empty(x, self.dtype) for _ in self.ratios]
            if x.shape[1]:
                last = float(tokens.times.max())
                self.now = max(self.now, last) if self.tokens else last
                self.tokens += x.shape[1]
            self.waiting = waiting
            for layer, nodes in zip(self.layers, new_nodes, strict=True):
                if nodes.weights.shape[1]:
                    stabilities = self.forgetting.initial(nodes.weights.detach()) if self.forgetting else nodes.weights
                    layer.append(nodes, stabilities.masked_fill(nodes.pinned, float("inf")))
        return self.crystal_layers

    def _group(self, tokens: LayerNodes) -> tuple[list[LayerNodes], list[LayerNodes]]:
        """Return the new nodes of each layer, and the remainders that then wait below it."""
        layers, waiting = [], []
        children = tokens
        for level, ratio in enumerate(self.ratios):
            rows = self.waiting[level].joined(children) if self.waiting else children
            groups = rows.weights.shape[1] // ratio
            waiting.append(rows.part(groups * ratio).mapped(torch.clone))
            nodes = self.hierarchical_compress(rows.part(0, groups * ratio), ratio)
            children = check_nodes(nodes, len(rows.vectors), groups, self.dimension)
            check_castable(self.dtype, children.vectors)
            layers.append(children)
        return layers, waiting

    def hierarchical_compress(self, children: LayerNodes, ratio: int) -> LayerNodes:
        """Make one node of every `ratio` children.

        The node has the mean of the children by their weights, their mean weight and last time, and
        is pinned if any of them is; so every node is the weighted mean of its tokens. Override it
        to keep more of the children, in as many nodes.

        Args:
            children: a multiple of `ratio`.
            ratio: children of a node.
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

    # --- reading ----------------------------------------------------------------------------------

    def recall(
        self, query: Tensor, depth: int = 3, k: int = 8, *, now: float | None = None, strengthen: bool = True
    ) -> Recalled:
        """Recall the memories nearest to a query, by beam search through the layers.

        No two memories overlap: of a node and its descendants, the one that scores better is
        returned. Nodes of a searched layer that have no parent yet always take part.

        Args:
            query: [dimension]; [queries, dimension] of a flat memory; [batch, dimension] or
                [batch, queries, dimension].
            depth: the layers to search, coarse to fine: 1 searches atoms alone; 2 also the clusters
                of the best atoms; 3 also the units of the best clusters.
            k: the most memories for a query.
            now: the time from which ages count; by default that of the last token.
            strengthen: where memories fade, let the recalled ones, and the nodes above them, fade
                more slowly from now on.

        Returns:
            Memories in the shape of the query, with `k` in the place of the dimension, or fewer
            where there are no more; `layers` is 0 where a row of a batch has fewer than others.
            None at all from an empty memory.

        Raises:
            UsageError: the shape, device, depth, k or time is invalid.
        """
        depth, k = check_depth(depth), check_integer(k, "k")
        moment, differentiable = self.now if now is None else check_time(now), torch.is_grad_enabled()
        device = check_floating(query, "query").device
        if self.layers:
            check_device(query, self.layers[0].vectors.rows.device, "query")
        with _full_precision(False, device):
            queries = check_queries(query, self.dimension, self.batch, self.flat)
            if not self.layers:
                empty = look_up([], self.dimension, BeamChoice.empty(queries), moment, None)
                return empty.reshaped(query.shape[:-1])
            searched = check_candidates(self.extract_memories(queries, depth, k, moment), queries)
            choice = check_choice(self.merge_memories(searched, k), queries, k, [layer.count for layer in self.layers])
        with _full_precision(differentiable, device):
            recalled = look_up(self.layers, self.dimension, choice, moment, self.forgetting).in_tokens(self.ratios)
            if self.forgetting and strengthen:
                self.strengthen(recalled, now=moment)
        return recalled.reshaped(query.shape[:-1])

    def strengthen(self, recalled: Recalled, used: Tensor | None = None, *, now: float | None = None) -> None:
        """Let memories, and the nodes above them, fade more slowly from now on.

        Without a forgetting curve this does nothing.

        Args:
            recalled: the result of `recall`.
            used: which of them to strengthen, bool in the shape of `recalled.layers`; all by
                default.
            now: the time of the recall; by default that of the last token.

        Raises:
            UsageError: the memories are of another memory, or a shape or the time is invalid.
        """
        if not isinstance(recalled, Recalled):
            raise UsageError(f"recalled: expected the result of recall, got {type(recalled).__name__}")
        chosen = recalled.layers > 0
        if used is not None:
            chosen = chosen & check_mask(used, chosen.shape, "used")
        moment = self.now if now is None else check_time(now)
        if self.forgetting is None or not self.layers:
            return
        batch = len(self.layers[0].weights.rows)
        if (batch > 1 and len(chosen) != batch) or (chosen.any() and recalled.ends.max() > self.tokens):
            raise UsageError("recalled: expected memories of this memory, got those of another memory")
        chosen, layers, starts = (tensor.reshape(batch, -1) for tensor in (chosen, recalled.layers, recalled.starts))
        below: Tensor | None = None  # which nodes of the layer below were hit
        width = 1
        for level, (layer, ratio) in enumerate(zip(self.layers, self.ratios, strict=True)):
            width *= ratio
            rows = torch.where(chosen & (layers == level + 1), starts // width, layer.count)
            hit = torch.zeros(len(rows), layer.count + 1, dtype=torch.bool, device=rows.device)
            hit = hit.scatter_(1, rows, True)[:, :-1]
            if below is not None:
                hit |= below[:, : layer.count * ratio].reshape(len(rows), layer.count, ratio).any(2)
            stronger = self.forgetting.strengthened(layer.stabilities.rows, (moment - layer.recalled.rows).float())
            layer.stabilities.rows[hit] = stronger[hit]
            # The latest recall counts: an earlier `now` never makes a memory older.
            layer.recalled.rows[hit] = layer.recalled.rows[hit].clamp_min(moment)
            below = hit

    def compute_relevance(self, queries: Tensor, vectors: Tensor) -> Tensor:
        """Score nodes by their cosines with the queries; override it for another measure.

        Args:
            queries: float32 [batch, queries, dimension].
            vectors: [batch, nodes, dimension], the same for all queries of a row, or
                [batch, queries, nodes, dimension].

        Returns:
            float32 [batch, queries, nodes].
        """
        unit_queries = torch.nn.functional.normalize(queries.float(), dim=-1)
        unit_vectors = torch.nn.functional.normalize(vectors.float(), dim=-1)
        if unit_vectors.dim() == 3:
            return unit_queries @ unit_vectors.transpose(1, 2)
        return (unit_vectors @ unit_queries[..., None])[..., 0]

    def extract_memories(self, queries: Tensor, depth: int, k: int, now: float) -> list[Candidates]:
        """Search the layers coarse to fine: the best atoms, then the children of the best nodes.

        Scores are relevance plus temperature · log R. Override it for another search.

        Args:
            queries: float32 [batch, queries, dimension].
            depth: the number of layers to search.
            k: the most memories for a query.
            now: the time from which ages count.

        Returns:
            The candidates of each searched layer.
        """
        breadth = max(2 * k, 8)
        searched: list[Candidates] = []
        for level in (2, 1, 0)[:depth]:
            layer = self.layers[level]
            if searched:
                candidates = children_of(
                    searched[-1], self.ratios[level + 1], self.layers[level + 1].count, layer.count, breadth
                )
            else:
                candidates = Candidates.all_of(level, layer.count, queries)
            candidates = self._score(queries, layer, candidates, now)
            searched.append(candidates if searched else candidates.top(breadth))
        return searched

    def merge_memories(self, candidates: list[Candidates], k: int) -> BeamChoice:
        """Choose the best `k` candidates of which no two overlap; override it for another choice.

        Args:
            candidates: by layer, coarse to fine, as `extract_memories` returned them.
            k: the most memories for a query.
        """
        return best_disjoint(candidates, k)

    def _relevance(self, queries: Tensor, vectors: Tensor) -> Tensor:
        shape = [*queries.shape[:2], vectors.shape[-2]]
        return check_scores(self.compute_relevance(queries, vectors), shape, vectors)

    def _score(self, queries: Tensor, layer: NodeLayer, candidates: Candidates, now: float) -> Candidates:
        """Return the candidates with their scores."""
        rows, vectors = candidates.rows, layer.vectors.rows
        if not rows.shape[-1]:
            return candidates
        indices = rows.clamp_min(0)
        streams = torch.arange(len(rows), device=rows.device)[:, None, None]
        if layer.count <= 4 * rows.shape[-1]:  # most of the layer is scored: one product for all queries
            scores = self._relevance(queries, vectors).gather(2, indices)
        else:
            scores = self._relevance(queries, vectors[streams, indices])
        missing = (rows < 0) | (layer.weights.rows == 0)[streams, indices]
        scores = check_finite(scores, missing)
        if self.forgetting:
            ages = now - layer.recalled.rows
            log_retained = self.forgetting.log_retained(ages.float(), layer.stabilities.rows)
            scores = scores + self.temperature * log_retained[streams, indices]
        return candidates._replace(scores=scores.masked_fill(missing, float("-inf")))

    # --- checkpoints ------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the memory as a safetensors file, replacing one that exists.

        Raises:
            CrystalError: the file cannot be written.
        """
        checkpoint.save_memory(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, **options: Any) -> Self:
        """Make a memory of this class from a file that `save` wrote.

        It is made by `cls(dimension, ratios, dtype=..., **options)`, and then filled.

        Args:
            path: the file.
            **options: further arguments of the class, such as weights that a subclass needs.

        Raises:
            MissingFileError: `path` does not exist.
            NotACrystalError: the file is not a memory.
            NewerFormatError: a later version of the program wrote it.
            DamagedCrystalError: its tensors do not fit together.
            UsageError: the dtype cannot hold the nodes.
        """
        return checkpoint.load_memory(cls, Path(path), options)


@contextlib.contextmanager
def _full_precision(gradient: bool, device: torch.device) -> Iterator[None]:
    """Make tensors that may be kept and changed later, in the precision that is stated.

    This holds where the caller is in inference mode too, or in autocast, which would give some
    scores another dtype.

    Args:
        gradient: whether gradients are recorded.
        device: of the tensors.
    """
    autocast = torch.autocast(device.type, enabled=False) if _autocasts(device) else contextlib.nullcontext()
    with torch.inference_mode(False), torch.set_grad_enabled(gradient), autocast:
        yield


def _check_dtype(dtype: object) -> torch.dtype:
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise UsageError(f"dtype of nodes must be a floating-point dtype, got {dtype}")
    return dtype


def _autocasts(device: torch.device) -> bool:
    return torch.amp.is_autocast_available(device.type) and torch.is_autocast_enabled(device.type)
