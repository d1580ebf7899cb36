"""What a crystal remembers of how its folders are to be read: for each that is not read as usual, its choice.

A choice that is given takes the place of the remembered one; where none is given, that one holds. So `crystal ingest FOLDER`
brings a crystal up to date as it was made, and `status` sees what an ingest would.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from crystalcli.ingest.locations import folders_asked, folders_noted, home_of, location_of, path_at_location
from crystalcli.storage import Store
from crystalcli.text import FileFilter, asked_place

RULES_KEY = "choices"


def stored_rules(store: Store) -> dict[str, FileFilter]:
    """The choice of each folder that has one of its own, by the folder as the ledger writes it. Raises DamagedCrystalError."""
    try:
        found = json.loads(store.meta().get(RULES_KEY, "{}"))
        return {str(folder): FileFilter.read(said) for folder, said in found.items()}
    except (ValueError, AttributeError, RecursionError):
        raise store.damaged("its choices of what is to be read do not decode") from None


def rules_as_json(choices: Mapping[str, FileFilter]) -> str:
    """The same as it stands in `meta`, under `choices`; what is usual needs no words."""
    said = {folder: choice.noted() for folder, choice in sorted(choices.items())}
    return json.dumps({folder: each for folder, each in said.items() if each}, ensure_ascii=False)


class FolderRules:
    """What is read of the folders among `paths`: by the choice that is given, else by the ones remembered.

    by_folder: those that are not as usual, or given, by the folder's place in a walk.
    """

    def __init__(self, store: Store, paths: Iterable[Path] = (), given: FileFilter | None = None) -> None:
        self._store, self._home, self._given = store, home_of(store.path), given
        self._folders = {place: location_of(place, self._home) for place in map(asked_place, paths) if place.is_dir()}
        self._noted = stored_rules(store)
        if given is not None:
            self._noted |= dict.fromkeys(self._folders.values(), given)
        self.by_folder = {
            place: self._noted[folder] for place, folder in self._folders.items() if folder in self._noted
        }

    def leaves_out(self, place: str) -> bool:
        """Whether a file is there that a walk does not meet, because a pattern of its folder leaves it out."""
        for folder, choice in self.by_folder.items():
            if place.startswith(os.path.join(folder, "")):  # noqa: PTH118 - one slash at its end
                relative = os.path.relpath(place, folder)
                if choice.leaves_out(relative.replace(os.sep, "/")) and os.path.lexists(place):
                    return True
        return False

    def said(self) -> dict[str, dict[str, Any]]:
        """The folders asked for that are not read as usual, and how, for a report."""
        said = {folder: self._noted[folder].noted() for folder in self._folders.values() if folder in self._noted}
        return {folder: each for folder, each in said.items() if each}

    def notes(self) -> dict[str, str]:
        """What `meta` has to say of folders and choices from now on, where it does not say so yet."""
        meta = self._store.meta()
        said = {"folders": folders_noted(folders_asked(self._store) | set(self._folders.values()))}
        said[RULES_KEY] = rules_as_json(self._noted)
        return {key: value for key, value in said.items() if meta.get(key, "[]" if key == "folders" else "{}") != value}

    def notes_without_missing(self) -> dict[str, str]:
        """The same when the folders that are no longer there are forgotten."""
        left = {each for each in folders_asked(self._store) if path_at_location(each, self._home).is_dir()}
        said = {"folders": folders_noted(left)}
        if self._noted:
            said[RULES_KEY] = rules_as_json({folder: each for folder, each in self._noted.items() if folder in left})
        return said
