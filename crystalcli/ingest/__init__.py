"""Ingest: files into a crystal, and whether the crystal is up to date with them.

The question it answers: which files must be read, and what becomes of each?

dry_run.py         What an ingest would do, without doing it: which files it would read, and how
                   many tokens, seconds and bytes that comes to.
folder_rules.py    What a crystal remembers of how its folders are to be read: for each that is not
                   read as usual, its choice.
ingester.py        Files into a crystal: walk, compare with the ledger, read, cut, encode, commit.
                   Streams; memory does not grow with the input.
ledger.py          The ledger while an ingest writes it: where files are, what they are cited as,
                   which have moved and which are gone.
locations.py       How a crystal writes down where things are: its own files, the folder it is in,
                   the places and folders of its ledger.
slack_users.py     Which chats say other names now, although their files have not changed: exports
                   of Slack keep who is who in a file beside them.
staleness.py       Whether a file is to be read: what the ledger says of it, and a look at its bytes
                   where that does not settle it.
status.py          Where a crystal stands: its ledger, compared with the folders as they are now.
                   Reads nothing into it and changes nothing.
stdin_document.py  A document that comes through a pipe: kept in a temporary file while it is read,
                   since readers go over a file twice.
watch.py           Keeps a crystal current while files change: one ingest at first, and one of what
                   changed after each burst of events.
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
    from crystalcli.ingest.locations import (
        folders_asked,
        folders_noted,
        home_of,
        is_piped,
        parent_locations,
        path_at_location,
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
    from crystalcli.ingest.watch import (
        WatchBatch,
        Watcher,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
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
            "locations": (
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
    "SourceStatus",
    "StatusReport",
    "WatchBatch",
    "Watcher",
    "crystal_status",
    "folders_asked",
    "folders_noted",
    "forecast_ingest",
    "home_of",
    "ingest_into",
    "is_piped",
    "parent_locations",
    "path_at_location",
    "rules_as_json",
    "spool_stream",
    "stored_rules",
]
