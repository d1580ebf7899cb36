"""Ingest: files into a crystal, and whether the crystal is up to date with them.

The question it answers: which files must be read, and what becomes of each?

dry_run.py         A dry run: the files that an ingest would read, and predicted tokens, seconds and
                   bytes.
folder_rules.py    The filters of folders, as a crystal remembers them.
ingester.py        Ingest of the text of files into a crystal: walk, compare with the ledger, read,
                   cut, commit.
layer_maker.py     Layers of text that has none yet, made by one process at a time.
ledger.py          The ledger of a crystal while an ingest changes it.
locations.py       Paths as a crystal's ledger writes them, and the crystal's own files.
slack_users.py     Renamed users of Slack exports, whose chats must be read again.
staleness.py       Staleness of files: which must be read, judged by the ledger and, if need be, by
                   their bytes.
status.py          The status of a crystal: its ledger, compared with the folders as they are now.
stdin_document.py  A document from standard input, in a temporary file while it is read.
told_documents.py  Documents of what was told: each memory is one, and so are the turns of a
                   conversation.
watch.py           A watcher that keeps a crystal current while files change.
web_address.py     A document at a web address, in a temporary file while it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.ingest.dry_run import (
        ForecastFile,
        ForecastReport,
        KindForecast,
        forecast_ingest,
    )
    from crystalcli.ingest.folder_rules import (
        RULES_KEY,
        rules_as_json,
        stored_rules,
    )
    from crystalcli.ingest.ingester import (
        ChangedFile,
        IngestOptions,
        IngestReport,
        ingest_into,
    )
    from crystalcli.ingest.layer_maker import (
        LayersReport,
        LayerWorker,
        layer_worker,
        make_layers,
        stop_layer_worker,
    )
    from crystalcli.ingest.locations import (
        folders_asked,
        folders_noted,
        home_of,
        is_piped,
        own_files,
        parent_locations,
        path_at_location,
    )
    from crystalcli.ingest.slack_users import (
        users_last,
    )
    from crystalcli.ingest.status import (
        SourceStatus,
        StatusReport,
        crystal_status,
    )
    from crystalcli.ingest.stdin_document import (
        STDIN_NAME,
        spool_stream,
    )
    from crystalcli.ingest.told_documents import (
        index_waiting,
    )
    from crystalcli.ingest.watch import (
        WatchBatch,
        Watcher,
    )
    from crystalcli.ingest.web_address import (
        fetch_documents,
        is_address,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "slack_users": ("users_last",),
            "dry_run": (
                "ForecastFile",
                "ForecastReport",
                "KindForecast",
                "forecast_ingest",
            ),
            "folder_rules": (
                "RULES_KEY",
                "rules_as_json",
                "stored_rules",
            ),
            "ingester": (
                "ChangedFile",
                "IngestOptions",
                "IngestReport",
                "ingest_into",
            ),
            "layer_maker": (
                "LayerWorker",
                "LayersReport",
                "layer_worker",
                "make_layers",
                "stop_layer_worker",
            ),
            "locations": (
                "own_files",
                "folders_asked",
                "folders_noted",
                "home_of",
                "is_piped",
                "parent_locations",
                "path_at_location",
            ),
            "status": (
                "SourceStatus",
                "StatusReport",
                "crystal_status",
            ),
            "stdin_document": (
                "STDIN_NAME",
                "spool_stream",
            ),
            "told_documents": ("index_waiting",),
            "web_address": ("fetch_documents", "is_address"),
            "watch": (
                "WatchBatch",
                "Watcher",
            ),
        },
    )

__all__ = [
    "RULES_KEY",
    "STDIN_NAME",
    "ChangedFile",
    "ForecastFile",
    "ForecastReport",
    "IngestOptions",
    "IngestReport",
    "KindForecast",
    "LayerWorker",
    "LayersReport",
    "SourceStatus",
    "StatusReport",
    "WatchBatch",
    "Watcher",
    "crystal_status",
    "fetch_documents",
    "folders_asked",
    "folders_noted",
    "forecast_ingest",
    "home_of",
    "index_waiting",
    "ingest_into",
    "is_address",
    "is_piped",
    "layer_worker",
    "make_layers",
    "own_files",
    "parent_locations",
    "path_at_location",
    "rules_as_json",
    "spool_stream",
    "stop_layer_worker",
    "stored_rules",
    "users_last",
]
