"""The filters of folders, as a crystal remembers them.

A folder that is not read with the default filter has an entry. A filter that is given replaces the
remembered one; without one, the remembered filter holds. So `crystal ingest FOLDER` brings a
crystal up to date as it was made, and `status` sees the files that an ingest would see.

Knows: filters, locations of folders, `meta`. Does not know: rows of the ledger.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from crystalcli.ingest.locations import folders_asked, folders_noted, home_of, location_of, path_at_location
from crystalcli.storage import Store
from crystalcli.text import DEFAULT_FILTER, FileFilter, asked_place

RULES_KEY = "choices"


def stored_rules(store: Store) -> dict[str, FileFilter]:
    """Read the filter of each folder that has one, by the folder's location.

    Raises:
        DamagedCrystalError: The filters in `meta` do not decode.
    """
    try:
        stored = json.loads(store.meta().get(RULES_KEY, "{}"))
        return {str(folder): FileFilter.read(fields) for folder, fields in stored.items()}
    except (ValueError, AttributeError, RecursionError):
        raise store.damaged("its filters of folders do not decode") from None


def rules_as_json(rules: Mapping[str, FileFilter]) -> str:
    """Encode filters for the key RULES_KEY of `meta`; `stored_rules` reads them.

    Args:
        rules: The filter of each folder, by the folder's location; default filters are left out.
    """
    fields = {folder: file_filter.noted() for folder, file_filter in sorted(rules.items())}
    return json.dumps({folder: each for folder, each in fields.items() if each}, ensure_ascii=False)


class FolderRules:
    """The filters of the folders of one ingest: the filter that is given, else the remembered ones.

    Whether pictures of text are read (`FileFilter.ocr`) is remembered apart from the rest, and of
    files that were named, too.

    Attributes:
        by_folder: Filters that are not the default, or are given, by the folder's absolute path; of
            files that were named those with `ocr`.
    """

    def __init__(
        self,
        store: Store,
        paths: Iterable[Path] = (),
        file_filter: FileFilter | None = None,
        ocr: bool | None = None,
    ) -> None:
        """Look up the filters.

        Args:
            store: The crystal.
            paths: Files and folders of the ingest.
            file_filter: The filter of its folders from now on; None: the remembered ones. Its `ocr`
                does not count.
            ocr: Whether letters in pictures are recognized from now on; None: as remembered.

        Raises:
            DamagedCrystalError: The filters in `meta` do not decode.
        """
        self._store, self._home = store, home_of(store.path)
        places = {root: location_of(root, self._home) for root in map(asked_place, paths)}
        self._locations = {root: location for root, location in places.items() if root.is_dir()}
        self._rules = stored_rules(store)
        for root, location in places.items():
            remembered = self._rules.get(location, DEFAULT_FILTER)
            rule = remembered if file_filter is None or root not in self._locations else file_filter
            rule = replace(rule, ocr=remembered.ocr if ocr is None else ocr)
            if (
                location in self._rules
                or rule != DEFAULT_FILTER
                or (file_filter is not None and root in self._locations)
            ):
                self._rules[location] = rule
        self.by_folder = {root: self._rules[location] for root, location in places.items() if location in self._rules}

    @property
    def reads_pictures(self) -> bool:
        """True if letters in pictures are recognized in any of the files and folders."""
        return any(rule.ocr for rule in self.by_folder.values())

    def leaves_out(self, path: str) -> bool:
        """Tell whether a file exists that the walk left out because of a filter's patterns."""
        for folder, file_filter in self.by_folder.items():
            if path.startswith(os.path.join(folder, "")):  # noqa: PTH118 - one slash at its end
                relative = os.path.relpath(path, folder)
                if file_filter.leaves_out(relative.replace(os.sep, "/")) and os.path.lexists(path):
                    return True
        return False

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return the fields of filters that are not the default, by the folder's location."""
        fields = {
            location: self._rules[location].noted() for location in self._locations.values() if location in self._rules
        }
        return {location: each for location, each in fields.items() if each}

    def meta_changes(self) -> dict[str, str]:
        """Return the values of `meta` that an ingest of these folders changes."""
        meta = self._store.meta()
        values = {"folders": folders_noted(folders_asked(self._store) | set(self._locations.values()))}
        values[RULES_KEY] = rules_as_json(self._rules)
        empty = {"folders": "[]", RULES_KEY: "{}"}
        return {key: value for key, value in values.items() if meta.get(key, empty[key]) != value}

    def meta_without_missing(self) -> dict[str, str]:
        """Return the values of `meta` without the folders that no longer exist."""
        existing = {
            location for location in folders_asked(self._store) if path_at_location(location, self._home).is_dir()
        }
        values = {"folders": folders_noted(existing)}
        if self._rules:
            kept = {
                location: each
                for location, each in self._rules.items()
                if location in existing or path_at_location(location, self._home).is_file()
            }
            values[RULES_KEY] = rules_as_json(kept)
        return values
