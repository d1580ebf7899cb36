"""Crystal: a memory without end for a small local transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crystalcli.answering.ask_options import AskOptions
    from crystalcli.answering.packed import PackedContext
    from crystalcli.errors import (
        CrystalError,
        DamagedCrystalError,
        EncoderMismatchError,
        ModelMissingError,
        NewerFormatError,
        NotACrystalError,
        NotFoundError,
        SourceError,
        StoppedError,
        UsageError,
    )
    from crystalcli.language_models import open_model
    from crystalcli.library import Crystal
    from crystalcli.memory.compact import CompactReport, CrystalSize
    from crystalcli.memory.decay import Forgetting
    from crystalcli.memory.diff import ChangedDocument, DiffPassage, DiffRename, DiffReport
    from crystalcli.memory.export import ExportReport, RefusedDocument
    from crystalcli.memory.extraction import Recalled
    from crystalcli.memory.forecast import ForecastFile, ForecastReport, KindForecast
    from crystalcli.memory.forget import ForgetReport
    from crystalcli.memory.ingest import ChangedFile, IngestReport, SkippedFile
    from crystalcli.memory.inspection import ChunkView, LayerStats, NodeView, StatsReport
    from crystalcli.memory.merge import MergeReport, RenamedDocument
    from crystalcli.memory.past import Past, RecalledText
    from crystalcli.memory.perplexity import Estimate, PerplexityFigures, PerplexityReport
    from crystalcli.memory.query import PreparedQuery, Results
    from crystalcli.memory.recalling import RecallingModel
    from crystalcli.memory.repair import RepairReport
    from crystalcli.memory.resident import MemoryPart, MemoryReport
    from crystalcli.memory.status import SourceStatus, StatusReport
    from crystalcli.memory.tensors import MemoryCrystal
    from crystalcli.memory.transformer import InfiniteMemoryTransformer
    from crystalcli.memory.verify import Problem, VerifyReport
    from crystalcli.memory.watch import WatchBatch
    from crystalcli.types import Answer, ChatModel, Citation, Claim, Document, Passage, Place, Portion, Progress

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "AskOptions",
    "ChangedDocument",
    "ChangedFile",
    "ChatModel",
    "ChunkView",
    "Citation",
    "Claim",
    "CompactReport",
    "Crystal",
    "CrystalError",
    "CrystalSize",
    "DamagedCrystalError",
    "DiffPassage",
    "DiffRename",
    "DiffReport",
    "Document",
    "EncoderMismatchError",
    "Estimate",
    "ExportReport",
    "ForecastFile",
    "ForecastReport",
    "ForgetReport",
    "Forgetting",
    "InfiniteMemoryTransformer",
    "IngestReport",
    "KindForecast",
    "LayerStats",
    "MemoryCrystal",
    "MemoryPart",
    "MemoryReport",
    "MergeReport",
    "ModelMissingError",
    "NewerFormatError",
    "NodeView",
    "NotACrystalError",
    "NotFoundError",
    "PackedContext",
    "Passage",
    "Past",
    "PerplexityFigures",
    "PerplexityReport",
    "Place",
    "Portion",
    "PreparedQuery",
    "Problem",
    "Progress",
    "Recalled",
    "RecalledText",
    "RecallingModel",
    "RefusedDocument",
    "RenamedDocument",
    "RepairReport",
    "Results",
    "SkippedFile",
    "SourceError",
    "SourceStatus",
    "StatsReport",
    "StatusReport",
    "StoppedError",
    "UsageError",
    "VerifyReport",
    "WatchBatch",
    "open_model",
]

# Each public name and the module that it is in, where it is looked up when it is first used: `import crystalcli` costs
# nothing.
_HOMES = {
    "Answer": "crystalcli.types",
    "AskOptions": "crystalcli.answering.ask_options",
    "ChangedDocument": "crystalcli.memory.diff",
    "ChangedFile": "crystalcli.memory.ingest",
    "ChatModel": "crystalcli.types",
    "ChunkView": "crystalcli.memory.inspection",
    "Citation": "crystalcli.types",
    "Claim": "crystalcli.types",
    "CompactReport": "crystalcli.memory.compact",
    "Crystal": "crystalcli.library",
    "CrystalError": "crystalcli.errors",
    "CrystalSize": "crystalcli.memory.compact",
    "DamagedCrystalError": "crystalcli.errors",
    "DiffPassage": "crystalcli.memory.diff",
    "DiffRename": "crystalcli.memory.diff",
    "DiffReport": "crystalcli.memory.diff",
    "Document": "crystalcli.types",
    "EncoderMismatchError": "crystalcli.errors",
    "Estimate": "crystalcli.memory.perplexity",
    "ExportReport": "crystalcli.memory.export",
    "ForecastFile": "crystalcli.memory.forecast",
    "ForecastReport": "crystalcli.memory.forecast",
    "ForgetReport": "crystalcli.memory.forget",
    "Forgetting": "crystalcli.memory.decay",
    "InfiniteMemoryTransformer": "crystalcli.memory.transformer",
    "IngestReport": "crystalcli.memory.ingest",
    "KindForecast": "crystalcli.memory.forecast",
    "LayerStats": "crystalcli.memory.inspection",
    "MemoryCrystal": "crystalcli.memory.tensors",
    "MemoryPart": "crystalcli.memory.resident",
    "MemoryReport": "crystalcli.memory.resident",
    "MergeReport": "crystalcli.memory.merge",
    "ModelMissingError": "crystalcli.errors",
    "NewerFormatError": "crystalcli.errors",
    "NodeView": "crystalcli.memory.inspection",
    "NotACrystalError": "crystalcli.errors",
    "NotFoundError": "crystalcli.errors",
    "PackedContext": "crystalcli.answering.packed",
    "Passage": "crystalcli.types",
    "Past": "crystalcli.memory.past",
    "PerplexityFigures": "crystalcli.memory.perplexity",
    "PerplexityReport": "crystalcli.memory.perplexity",
    "Place": "crystalcli.types",
    "Portion": "crystalcli.types",
    "PreparedQuery": "crystalcli.memory.query",
    "Problem": "crystalcli.memory.verify",
    "Progress": "crystalcli.types",
    "Recalled": "crystalcli.memory.extraction",
    "RecalledText": "crystalcli.memory.past",
    "RecallingModel": "crystalcli.memory.recalling",
    "RefusedDocument": "crystalcli.memory.export",
    "RenamedDocument": "crystalcli.memory.merge",
    "RepairReport": "crystalcli.memory.repair",
    "Results": "crystalcli.memory.query",
    "SkippedFile": "crystalcli.memory.ingest",
    "SourceError": "crystalcli.errors",
    "SourceStatus": "crystalcli.memory.status",
    "StatsReport": "crystalcli.memory.inspection",
    "StatusReport": "crystalcli.memory.status",
    "StoppedError": "crystalcli.errors",
    "UsageError": "crystalcli.errors",
    "VerifyReport": "crystalcli.memory.verify",
    "WatchBatch": "crystalcli.memory.watch",
    "open_model": "crystalcli.language_models",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crystalcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
