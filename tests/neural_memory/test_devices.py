"""The layer, its memory and the encoder where a GPU would hold them: on one where there is one, and on a device played on the CPU."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from support import second_device
from support.small_encoder import make_encoder

from crystalcli import InfiniteMemoryTransformer, MemoryCrystal
from crystalcli.errors import UsageError
from crystalcli.neural_memory import Forgetting
from crystalcli.vectors import Bert

DEVICE = os.environ.get("CRYSTAL_TEST_DEVICE", "cuda" if torch.cuda.is_available() else "cpu")
if DEVICE == second_device.NAME:
    second_device.tell()
HERE = torch.device(DEVICE, 0 if DEVICE != "cpu" else None)


@pytest.mark.skipif(DEVICE == second_device.NAME, reason="this is the run inside")
def test_on_a_second_device():
    """Everything below, in a process that has such a device."""
    options = ["-o", "addopts=--import-mode=importlib", "-q", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, str(Path(__file__))]
    environment = {**os.environ, "CRYSTAL_TEST_DEVICE": second_device.NAME}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed, 1 skipped" in done.stdout


def layer(**options):
    torch.manual_seed(0)
    made = InfiniteMemoryTransformer(16, 2, window=50, **options)
    torch.nn.init.normal_(made.gate)
    return made


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layer_says_what_it_says_on_the_cpu(dtype):
    x = torch.randn(2, 170, 16)
    exact = layer()(x)
    made = layer().to(DEVICE, dtype)
    y = made(x.to(DEVICE, dtype))
    assert (y.dtype, y.device) == (dtype, HERE)
    assert all((each.dtype, each.device) == (dtype, HERE) for each in made.memory.crystal_layers)
    assert torch.allclose(y.float().cpu(), exact, atol=1e-4 if dtype == torch.float32 else 0.15)


def test_a_layer_learns():
    losses = {}
    for device in ("cpu", DEVICE):
        made = layer(gradient=True).to(device)
        optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
        x = torch.randn(2, 120, 16, generator=torch.Generator().manual_seed(1)).to(device)
        losses[device] = []
        for _ in range(4):
            made.memory.reset()
            loss = made(x).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses[device].append(loss.item())
        assert all(each.grad.device.type == device for each in made.parameters())
    assert losses[DEVICE] == pytest.approx(losses["cpu"], rel=1e-4)
    assert losses[DEVICE][-1] < losses[DEVICE][0]


def test_a_layer_and_its_memory_come_back(tmp_path):
    made, other, there = layer().to(DEVICE), layer(), layer().to(DEVICE)
    x, more = torch.randn(2, 170, 16), torch.randn(2, 30, 16)
    made(x.to(DEVICE))
    torch.save({name: value.cpu() for name, value in made.state_dict().items()}, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    other.load_state_dict(state)
    there.load_state_dict(state)
    assert other.memory.crystal_layers[0].device.type == "cpu"
    assert there.memory.crystal_layers[0].device == HERE
    wanted = made(more.to(DEVICE)).cpu()
    assert torch.equal(there(more.to(DEVICE)).cpu(), wanted)
    assert torch.allclose(other(more), wanted, atol=1e-4)


def test_a_memory_that_is_handed_over_goes_where_the_input_is():
    memory = MemoryCrystal(16)
    memory.crystallize(torch.randn(2, 100, 16))
    layer().to(DEVICE)(torch.randn(2, 60, 16, device=DEVICE), memory=memory)
    assert memory.tokens == 160
    assert all(each.device == HERE for each in memory.crystal_layers)


@pytest.mark.parametrize("suffix", ["safetensors", "crystal"])
def test_a_memory_recalls_what_it_recalls_on_the_cpu(tmp_path, suffix):
    x, query = torch.randn(2, 300, 8), torch.randn(2, 8)
    importance, pinned = torch.rand(2, 300), torch.arange(300) < 20
    found = []
    for device in ("cpu", DEVICE):
        memory = MemoryCrystal(8, forgetting=Forgetting(stability=20.0))
        for start in (0, 130):  # what is noted of tokens may come from the CPU
            part = slice(start, start + 170 if start else 130)
            memory.crystallize(
                x[:, part].to(device),
                importance=importance[:, part],
                times=torch.arange(300.0)[part],
                pinned=pinned[part],
            )
        memory.save(tmp_path / f"{device}.{suffix}")
        for each in (memory, MemoryCrystal.load(tmp_path / f"{device}.{suffix}").to(device)):
            each.recall(query.to(device), depth=2, k=3, now=310.0)
            recalled = each.recall(query.to(device), depth=3, k=5, now=320.0)
            assert recalled.vectors.device.type == device
            found.append(recalled)
        memory.reset(torch.tensor([True, False]))
        assert memory.recall(query.to(device), k=2).vectors.device.type == device
    for other in found[1:]:
        for name in ("vectors", "starts", "ends", "layers", "times", "importance", "retained", "scores"):
            assert torch.allclose(getattr(other, name).cpu(), getattr(found[0], name), atol=1e-5), name


@pytest.mark.skipif(DEVICE == "cpu", reason="there is one device")
def test_what_lies_elsewhere_is_said():
    memory = MemoryCrystal(8)
    memory.crystallize(torch.randn(1, 50, 8, device=DEVICE))
    with pytest.raises(UsageError, match=f"query: expected a tensor on {DEVICE}:0, .*, got one on cpu"):
        memory.recall(torch.randn(1, 8))
    with pytest.raises(RuntimeError, match="same device"):
        torch.ones(2, device=DEVICE) + torch.ones(2)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_an_encoder_gives_the_states_that_it_gives_on_the_cpu(tmp_path, precision):
    folder = make_encoder(tmp_path / "tiny-bert")
    random = np.random.default_rng(0)
    chunks = [random.integers(5, 60, size=size).astype(np.int32) for size in (3, 100, 0, 17, 17, 40)]
    exact = Bert(folder, precision=torch.float32, device="cpu").states(chunks)
    here = Bert(folder, precision=precision, device=DEVICE)
    states = here.states(chunks)
    assert (states.device.type, states.dtype) == ("cpu", torch.float32)
    assert torch.allclose(states, exact, atol=1e-4 if precision == torch.float32 else 0.1)
    assert here.embed(chunks[1]).device.type == "cpu"
