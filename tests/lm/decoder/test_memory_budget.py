"""What a model will take of memory, what there is, and that nothing is taken when it does not fit."""

import os
import subprocess
import sys
from pathlib import Path

import gguf
import numpy as np
import pytest
import torch

from crystalcli.datatypes import Sampling
from crystalcli.errors import CrystalError
from crystalcli.lm import LanguageModel
from crystalcli.lm.decoder import memory_budget
from crystalcli.lm.decoder.attention import KVCache
from crystalcli.lm.decoder.decoder_config import DecoderConfig
from crystalcli.lm.decoder.linear import has_int4_kernel
from crystalcli.lm.decoder.llama import Llama
from crystalcli.lm.files.gguf import GGUF

GIGABYTE = 1_000_000_000


@pytest.fixture(scope="module")
def enormous(tmp_path_factory, write_gguf) -> Path:
    """The header of a model of 70 billion weights, and a hole of 140 GB where they would be."""
    path = write_gguf(
        tmp_path_factory.mktemp("big") / "enormous.gguf",
        {},
        llama__context_length=8192,
        llama__embedding_length=8192,
        llama__block_count=80,
        llama__feed_forward_length=28_672,
        llama__attention__head_count=64,
        llama__attention__head_count_kv=8,
    )
    shapes = {"token_embd": (128_256, 8192), "output": (128_256, 8192), "output_norm": (8192,)}
    for number in range(80):
        shapes |= {f"blk.{number}.{name}": (8192, 8192) for name in ("attn_q", "attn_output")}
        shapes |= {f"blk.{number}.{name}": (1024, 8192) for name in ("attn_k", "attn_v")}
        shapes |= {f"blk.{number}.{name}": (28_672, 8192) for name in ("ffn_gate", "ffn_up")}
        shapes |= {f"blk.{number}.{name}": (8192,) for name in ("attn_norm", "ffn_norm")}
        shapes[f"blk.{number}.ffn_down"] = (8192, 28_672)
    writer = gguf.GGUFWriter(path.with_name("other.gguf"), "llama")
    for key, field in gguf.GGUFReader(path).fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            items = {"sub_type": field.types[-1]} if field.types[0] == gguf.GGUFValueType.ARRAY else {}
            writer.add_key_value(key, field.contents(), field.types[0], **items)
    end = 0
    for name, shape in shapes.items():
        dtype = np.dtype(np.float16 if len(shape) == 2 else np.float32)
        writer.add_tensor_info(f"{name}.weight", shape, dtype, int(np.prod(shape)) * dtype.itemsize)
        end += int(np.prod(shape)) * dtype.itemsize
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    made = path.with_name("other.gguf")
    os.truncate(made, made.stat().st_size + end + 4096)
    return made


def test_too_large_for_this_machine(enormous):
    """Refused with both figures, and without taking memory for it."""
    check = (
        "import resource, torch; from crystalcli.lm import LanguageModel\n"
        "from crystalcli.lm.decoder import memory_budget; from crystalcli.datatypes import Sampling\n"
        "there = memory_budget.available_memory()\n"
        "memory_budget.available_memory = lambda: min(there, 64_000_000_000)  # on large machines, too\n"
        f"model = LanguageModel.open({str(enormous)!r})\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: list(model.generate([5, 6], Sampling(max_tokens=3)))\n"
        "except Exception as e: print(type(e).__name__, e, sep='\\n')\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    kind, said, grown = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert kind == "CrystalError"
    begin, _, rest = said.partition(" and this machine has ")
    assert begin.startswith("other needs about ")
    assert 138 < float(begin.split()[3]) < 290  # bfloat16 or float32
    assert rest.endswith(" GB free: take a smaller model, or a file in four bits (Q4_0, Q4_K_M)")
    assert int(grown) < 60_000  # KiB: what the first use of torch takes


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "mixed"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("keeping", [True, False])
@pytest.mark.parametrize(("int8", "weight_only"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("int4", [True, False])
def test_the_estimate_is_what_is_taken(
    tmp_path, write_gguf, tiny_tensors, kind, dtype, keeping, int8, weight_only, int4
):
    tensors = {}
    for name, array in tiny_tensors.items():
        usual = {"mixed": "Q5_0" if "attn_v" in name or "ffn_up" in name else "Q4_0"}.get(kind, kind)
        form = gguf.GGMLQuantizationType[usual]
        tensors[name] = array if array.ndim == 1 else (gguf.quants.quantize(array, form), form)
    packing = int4 and has_int4_kernel()
    with GGUF(write_gguf(tmp_path / "model.gguf", tensors)) as file:
        config = DecoderConfig.from_gguf(file)
        model = Llama(file, config, dtype, packing, keep_dense=keeping, int8=int8, weight_only=weight_only)
        model.forward(list(range(30)), model.cache(30), all_logits=True)
        taken = made_anew = 0
        for name, matrix in model._linears.items():
            is_small = matrix._packed or matrix._bytes is not None
            usual = not (is_small and name == "head")  # whose numbers are asked for by `every` alone
            tensors = [*(matrix._dense if usual else ()), *(tensor for plane in matrix._packed for tensor in plane)]
            tensors += [] if matrix._int8 is None else matrix._int8.matrix
            tensors += [] if matrix._bytes is None else matrix._bytes
            taken += sum(tensor.nbytes for tensor in tensors)
            if name != "head" and not matrix._dense and matrix._int8 is None and matrix._bytes is None:
                made_anew = max(made_anew, matrix._rows * matrix._columns * dtype.itemsize)
        if kind == "mixed" and packing:
            assert len(model._linears["blk.0.qkv1"]._packed) == 1  # although the values have five bits
        estimate = memory_budget.weight_bytes(file, dtype.itemsize, packing, keeping, int8, weight_only)
        assert estimate == taken + made_anew


def test_the_cache(tiny_path):
    with GGUF(tiny_path) as file:
        shape = DecoderConfig.from_gguf(file)
    few, many = memory_budget.prompt_bytes(shape, 2, 1000), memory_budget.prompt_bytes(shape, 2, 3000)
    assert many - few == KVCache(shape, 2000, torch.bfloat16).nbytes


def test_what_does_not_fit_is_refused(tiny_path, monkeypatch):
    monkeypatch.setattr(memory_budget, "available_memory", lambda: 150_000)
    model = LanguageModel.open(tiny_path, precision="fp32")
    with pytest.raises(CrystalError, match=r"tiny needs about \d\.\d MB of memory and this machine has 0\.1 MB free"):
        list(model.generate([5, 6], Sampling(max_tokens=3)))
    monkeypatch.setattr(memory_budget, "available_memory", lambda: None)  # where nothing is known, it is tried
    assert list(model.generate([5, 6], Sampling(max_tokens=3)))
    monkeypatch.setattr(memory_budget, "available_memory", lambda: 100_000)
    with pytest.raises(CrystalError, match=r"a prompt of 200 tokens needs about .*: give it less context"):
        list(model.generate([5] * 200, Sampling(max_tokens=3)))


@pytest.mark.skipif(not has_int4_kernel(), reason="no four-bit kernel")
def test_the_packed_form_alone_says_the_same(tiny_path, monkeypatch):
    prompt = list(range(3, 60))
    expected = "".join(LanguageModel.open(tiny_path, precision="bf16").generate(prompt, Sampling(max_tokens=20)))
    model = LanguageModel.open(tiny_path, precision="bf16")
    with GGUF(tiny_path) as file:
        width = model.load().dtype.itemsize
        both, alone = (memory_budget.weight_bytes(file, width, True, keeping) for keeping in (True, False))
    cache = memory_budget.prompt_bytes(model._config, width, 77)
    monkeypatch.setattr(memory_budget, "available_memory", lambda: (both + alone) // 2 + cache)
    model = LanguageModel.open(tiny_path, precision="bf16")
    assert "".join(model.generate(prompt, Sampling(max_tokens=20))) == expected
    assert not any(matrix._dense for name, matrix in model.load()._linears.items() if name != "head")


class TestWhatThereIs:
    @pytest.fixture
    def processes(self, tmp_path):
        folder = tmp_path / "proc"
        (folder / "self").mkdir(parents=True)
        (folder / "meminfo").write_text("MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n")
        (folder / "self" / "cgroup").write_text("")
        return folder

    @staticmethod
    def group(folder: Path, limit: str, used: int, cached: int, version: int = 2) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        most, now = (
            ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        )
        (folder / most).write_text(limit + "\n")
        (folder / now).write_text(f"{used}\n")
        word = "inactive_file" if version == 2 else "total_inactive_file"
        (folder / "memory.stat").write_text(f"anon 5\n{word} {cached}\n")

    def test_of_the_machine(self, processes, tmp_path):
        assert memory_budget.available_memory(processes, tmp_path / "none") == 8_192_000_000

    def test_of_a_group_and_those_above(self, processes, tmp_path):
        (processes / "self" / "cgroup").write_text("0::/shop/job\n")
        self.group(tmp_path / "shop" / "job", "max", GIGABYTE, 0)
        self.group(tmp_path / "shop", str(4 * GIGABYTE), 3 * GIGABYTE, GIGABYTE // 2)
        assert memory_budget.available_memory(processes, tmp_path) == 3 * GIGABYTE // 2
        self.group(tmp_path / "shop" / "job", str(GIGABYTE), 2 * GIGABYTE, 0)
        assert memory_budget.available_memory(processes, tmp_path) == 0

    def test_of_the_first_version(self, processes, tmp_path):
        (processes / "self" / "cgroup").write_text("4:cpu:/\n3:hugetlb,memory:/outside/name\n")
        self.group(tmp_path / "memory", str(2 * GIGABYTE), GIGABYTE, 0, version=1)
        assert memory_budget.available_memory(processes, tmp_path) == GIGABYTE

    @pytest.mark.parametrize("text", ["", "nonsense", "MemAvailable: many kB\n", "MemAvailable:\n"])
    def test_a_system_that_tells_less(self, processes, tmp_path, text):
        (processes / "meminfo").write_text(text)
        assert memory_budget.available_memory(processes, tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf(
            "SC_PAGE_SIZE"
        )

    def test_groups_that_make_no_sense(self, processes, tmp_path):
        (processes / "self" / "cgroup").write_text("0::/../..\nrubbish\n\n")
        self.group(tmp_path, "much", 1, 1)
        assert memory_budget.available_memory(processes, tmp_path) == 8_192_000_000

    def test_a_limit_of_this_process(self):
        check = (
            "import os, resource\nfrom crystalcli.lm.decoder import memory_budget\n"
            "used = int(open('/proc/self/statm').read().split()[0]) * os.sysconf('SC_PAGE_SIZE')\n"
            "resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000, -1))\nprint(memory_budget.available_memory())"
        )
        found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
        assert 200_000_000 < int(found) <= 300_000_000

    def test_here(self):
        found = memory_budget.available_memory()
        assert found is not None
        assert 10_000_000 < found < 1 << 50
