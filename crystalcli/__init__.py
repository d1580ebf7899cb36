"""Crystal: a memory without end for a small local transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crystalcli.answering.prompt.context_pack import PackedContext
    from crystalcli.answering.request.ask_options import AskOptions
    from crystalcli.datatypes import (
        Answer,
        AnswerVerdict,
        Change,
        Chapter,
        ChatModel,
        Citation,
        Claim,
        Document,
        Doubt,
        DoubtfulFile,
        FileState,
        FilterReading,
        Passage,
        Phase,
        Place,
        Portion,
        Progress,
        RecallFilter,
        SkippedFile,
        Turn,
    )
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
    from crystalcli.evaluation.evaluate import (
        AnswerMeasures,
        EvaluationReport,
        Measure,
        QuestionResult,
        RecallMeasures,
    )
    from crystalcli.evaluation.question_file import EvaluationQuestion, GoldPlace
    from crystalcli.index.stats import ChunkView, LayerStats, NodeView, StatsReport
    from crystalcli.ingest.dry_run import ForecastFile, ForecastReport, KindForecast
    from crystalcli.ingest.ingester import ChangedFile, IngestReport
    from crystalcli.ingest.layer_maker import LayersReport, LayerWorker
    from crystalcli.ingest.status import SourceStatus, StatusReport
    from crystalcli.ingest.watch import WatchBatch
    from crystalcli.language_models import open_model
    from crystalcli.library import Crystal
    from crystalcli.maintenance.compact import CompactReport, CrystalSize
    from crystalcli.maintenance.diff import ChangedDocument, DiffPassage, DiffRename, DiffReport
    from crystalcli.maintenance.export import ExportReport, RefusedDocument
    from crystalcli.maintenance.forget import ForgetReport
    from crystalcli.maintenance.merge import MergeReport
    from crystalcli.maintenance.merged_ledger import RenamedDocument
    from crystalcli.maintenance.repair import RepairReport
    from crystalcli.maintenance.verify import Problem, VerifyReport
    from crystalcli.memories.conflict import Conflict, ConflictSide
    from crystalcli.memories.faded import FadedMemory
    from crystalcli.memories.memory import Memory
    from crystalcli.memories.person_profile import ProfileLine, ProfileReport
    from crystalcli.memories.self_statement import StatementGroup
    from crystalcli.neural_memory.beam_search import Recalled
    from crystalcli.neural_memory.forgetting_curve import Forgetting
    from crystalcli.neural_memory.memory_crystal import MemoryCrystal
    from crystalcli.neural_memory.memory_transformer import InfiniteMemoryTransformer
    from crystalcli.overview.document_outline import DocumentOutline, OutlineEntry
    from crystalcli.overview.excerpt import Excerpt
    from crystalcli.overview.layers.layer_view import (
        LayerBand,
        LayerCell,
        LayerCrumb,
        LayerScope,
        LayerView,
        LitPassage,
        LitStep,
        UnitText,
    )
    from crystalcli.recall.memory_use import MemoryPart, MemoryReport
    from crystalcli.recall.query import PreparedQuery, Results
    from crystalcli.retrieval_lm.perplexity import ArmPerplexity, Estimate, PerplexityReport
    from crystalcli.retrieval_lm.recalling_model import RecallingModel
    from crystalcli.retrieval_lm.text_memory import RecalledText, TextMemory

__version__ = "0.1.0"
__all__ = [
    "Answer",
    "AnswerMeasures",
    "AnswerVerdict",
    "ArmPerplexity",
    "AskOptions",
    "Change",
    "ChangedDocument",
    "ChangedFile",
    "Chapter",
    "ChatModel",
    "ChunkView",
    "Citation",
    "Claim",
    "CompactReport",
    "Conflict",
    "ConflictSide",
    "Crystal",
    "CrystalError",
    "CrystalSize",
    "DamagedCrystalError",
    "DiffPassage",
    "DiffRename",
    "DiffReport",
    "Document",
    "DocumentOutline",
    "Doubt",
    "DoubtfulFile",
    "EncoderMismatchError",
    "Estimate",
    "EvaluationQuestion",
    "EvaluationReport",
    "Excerpt",
    "ExportReport",
    "FadedMemory",
    "FileState",
    "FilterReading",
    "ForecastFile",
    "ForecastReport",
    "ForgetReport",
    "Forgetting",
    "GoldPlace",
    "InfiniteMemoryTransformer",
    "IngestReport",
    "KindForecast",
    "LayerBand",
    "LayerCell",
    "LayerCrumb",
    "LayerScope",
    "LayerStats",
    "LayerView",
    "LayerWorker",
    "LayersReport",
    "LitPassage",
    "LitStep",
    "Measure",
    "Memory",
    "MemoryCrystal",
    "MemoryPart",
    "MemoryReport",
    "MergeReport",
    "ModelMissingError",
    "NewerFormatError",
    "NodeView",
    "NotACrystalError",
    "NotFoundError",
    "OutlineEntry",
    "PackedContext",
    "Passage",
    "PerplexityReport",
    "Phase",
    "Place",
    "Portion",
    "PreparedQuery",
    "Problem",
    "ProfileLine",
    "ProfileReport",
    "Progress",
    "QuestionResult",
    "RecallFilter",
    "RecallMeasures",
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
    "StatementGroup",
    "StatsReport",
    "StatusReport",
    "StoppedError",
    "TextMemory",
    "Turn",
    "UnitText",
    "UsageError",
    "VerifyReport",
    "WatchBatch",
    "open_model",
]

# Each public name and its module, imported when the name is first used: `import crystalcli` costs
# nothing.
_HOMES = {
    "Answer": "crystalcli.datatypes",
    "AnswerMeasures": "crystalcli.evaluation.evaluate",
    "AnswerVerdict": "crystalcli.datatypes",
    "ArmPerplexity": "crystalcli.retrieval_lm.perplexity",
    "AskOptions": "crystalcli.answering.request.ask_options",
    "Change": "crystalcli.datatypes",
    "ChangedDocument": "crystalcli.maintenance.diff",
    "ChangedFile": "crystalcli.ingest.ingester",
    "ChatModel": "crystalcli.datatypes",
    "ChunkView": "crystalcli.index.stats",
    "Chapter": "crystalcli.datatypes",
    "Citation": "crystalcli.datatypes",
    "Claim": "crystalcli.datatypes",
    "CompactReport": "crystalcli.maintenance.compact",
    "Conflict": "crystalcli.memories.conflict",
    "ConflictSide": "crystalcli.memories.conflict",
    "Crystal": "crystalcli.library",
    "CrystalError": "crystalcli.errors",
    "CrystalSize": "crystalcli.maintenance.compact",
    "DamagedCrystalError": "crystalcli.errors",
    "DiffPassage": "crystalcli.maintenance.diff",
    "DiffRename": "crystalcli.maintenance.diff",
    "DiffReport": "crystalcli.maintenance.diff",
    "Document": "crystalcli.datatypes",
    "EncoderMismatchError": "crystalcli.errors",
    "Estimate": "crystalcli.retrieval_lm.perplexity",
    "EvaluationQuestion": "crystalcli.evaluation.question_file",
    "EvaluationReport": "crystalcli.evaluation.evaluate",
    "Excerpt": "crystalcli.overview.excerpt",
    "ExportReport": "crystalcli.maintenance.export",
    "FileState": "crystalcli.datatypes",
    "FilterReading": "crystalcli.datatypes",
    "ForecastFile": "crystalcli.ingest.dry_run",
    "ForecastReport": "crystalcli.ingest.dry_run",
    "ForgetReport": "crystalcli.maintenance.forget",
    "Forgetting": "crystalcli.neural_memory.forgetting_curve",
    "GoldPlace": "crystalcli.evaluation.question_file",
    "InfiniteMemoryTransformer": "crystalcli.neural_memory.memory_transformer",
    "IngestReport": "crystalcli.ingest.ingester",
    "KindForecast": "crystalcli.ingest.dry_run",
    "LayerBand": "crystalcli.overview.layers.layer_view",
    "LayerCell": "crystalcli.overview.layers.layer_view",
    "LayerCrumb": "crystalcli.overview.layers.layer_view",
    "LayerScope": "crystalcli.overview.layers.layer_view",
    "LayerStats": "crystalcli.index.stats",
    "LayerView": "crystalcli.overview.layers.layer_view",
    "LayerWorker": "crystalcli.ingest.layer_maker",
    "LayersReport": "crystalcli.ingest.layer_maker",
    "LitPassage": "crystalcli.overview.layers.layer_view",
    "LitStep": "crystalcli.overview.layers.layer_view",
    "Measure": "crystalcli.evaluation.evaluate",
    "MemoryCrystal": "crystalcli.neural_memory.memory_crystal",
    "MemoryPart": "crystalcli.recall.memory_use",
    "MemoryReport": "crystalcli.recall.memory_use",
    "FadedMemory": "crystalcli.memories.faded",
    "Memory": "crystalcli.memories.memory",
    "ProfileLine": "crystalcli.memories.person_profile",
    "ProfileReport": "crystalcli.memories.person_profile",
    "StatementGroup": "crystalcli.memories.self_statement",
    "MergeReport": "crystalcli.maintenance.merge",
    "ModelMissingError": "crystalcli.errors",
    "NewerFormatError": "crystalcli.errors",
    "NodeView": "crystalcli.index.stats",
    "NotACrystalError": "crystalcli.errors",
    "NotFoundError": "crystalcli.errors",
    "DocumentOutline": "crystalcli.overview.document_outline",
    "OutlineEntry": "crystalcli.overview.document_outline",
    "PackedContext": "crystalcli.answering.prompt.context_pack",
    "Passage": "crystalcli.datatypes",
    "PerplexityReport": "crystalcli.retrieval_lm.perplexity",
    "Phase": "crystalcli.datatypes",
    "Place": "crystalcli.datatypes",
    "Portion": "crystalcli.datatypes",
    "PreparedQuery": "crystalcli.recall.query",
    "Problem": "crystalcli.maintenance.verify",
    "Progress": "crystalcli.datatypes",
    "QuestionResult": "crystalcli.evaluation.evaluate",
    "RecallMeasures": "crystalcli.evaluation.evaluate",
    "RecallFilter": "crystalcli.datatypes",
    "Recalled": "crystalcli.neural_memory.beam_search",
    "RecalledText": "crystalcli.retrieval_lm.text_memory",
    "RecallingModel": "crystalcli.retrieval_lm.recalling_model",
    "RefusedDocument": "crystalcli.maintenance.export",
    "RenamedDocument": "crystalcli.maintenance.merged_ledger",
    "RepairReport": "crystalcli.maintenance.repair",
    "Results": "crystalcli.recall.query",
    "Doubt": "crystalcli.datatypes",
    "DoubtfulFile": "crystalcli.datatypes",
    "SkippedFile": "crystalcli.datatypes",
    "SourceError": "crystalcli.errors",
    "SourceStatus": "crystalcli.ingest.status",
    "StatsReport": "crystalcli.index.stats",
    "StatusReport": "crystalcli.ingest.status",
    "StoppedError": "crystalcli.errors",
    "TextMemory": "crystalcli.retrieval_lm.text_memory",
    "Turn": "crystalcli.datatypes",
    "UnitText": "crystalcli.overview.layers.layer_view",
    "UsageError": "crystalcli.errors",
    "VerifyReport": "crystalcli.maintenance.verify",
    "WatchBatch": "crystalcli.ingest.watch",
    "open_model": "crystalcli.language_models",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crystalcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
