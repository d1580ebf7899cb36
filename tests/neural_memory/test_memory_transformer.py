"""`InfiniteMemoryTransformer`: what it adds to a plain layer, and what it learns."""

import copy
import io

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from support.associative import accuracy, train

from crystalcli import InfiniteMemoryTransformer, MemoryCrystal
from crystalcli.errors import UsageError
from crystalcli.neural_memory import Forgetting


def layer(d_model=16, n_heads=2, *, opened=True, seed=0, **options):
    torch.manual_seed(seed)
    made = InfiniteMemoryTransformer(d_model, n_heads, **options)
    if opened:
        torch.nn.init.normal_(made.gate)
    return made


# --- the layer --------------------------------------------------------------------------------------------


def test_a_closed_gate_and_an_empty_memory_change_nothing():
    x, more = torch.randn(2, 40, 16), torch.randn(2, 30, 16)
    closed = layer(opened=False)
    assert torch.equal(closed(x), closed(x, use_infinite_memory=False))  # nothing is remembered yet
    assert closed.memory.tokens == 40
    assert torch.equal(closed(more), closed(more, use_infinite_memory=False))  # something is, and the gate is closed
    opened = layer()
    assert torch.equal(opened(x), opened(x, use_infinite_memory=False))
    assert not torch.allclose(opened(more), opened(more, use_infinite_memory=False), atol=1e-4)


def test_without_memory_it_neither_recalls_nor_remembers():
    made = layer()
    made(torch.randn(1, 50, 16), use_infinite_memory=False)
    assert made.memory.tokens == 0


def test_outputs_are_what_is_crystallized():
    made = layer()
    y = made(torch.randn(2, 57, 16))
    assert torch.allclose(made.memory.crystal_layers[0][:, 3], y[:, 30:40].mean(1), atol=1e-5)
    assert [each.shape[1] for each in made.memory.crystal_layers] == [5, 1, 0]


def test_long_input_is_read_window_by_window():
    x = torch.randn(2, 95, 16)
    whole, pieces = layer(window=30), layer(window=30)
    apart = [pieces(x[:, start : start + 30]) for start in (0, 30, 60, 90)]
    assert torch.allclose(whole(x), torch.cat(apart, 1), atol=1e-6)
    assert whole.memory.tokens == 95


@given(st.integers(1, 59), st.integers(1, 7), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_no_token_sees_a_later_one(changed, stride, depth):
    torch.manual_seed(changed)
    past, x = torch.randn(1, 130, 16), torch.randn(1, 60, 16)
    other = x.clone()
    other[:, changed:] = torch.randn(1, 60 - changed, 16)
    outputs = []
    for each in (x, other):
        made = layer(stride=stride, depth=depth, window=40)
        made(past)
        outputs.append(made(each))
    assert torch.allclose(outputs[0][:, :changed], outputs[1][:, :changed], atol=1e-6)
    assert not torch.allclose(outputs[0][:, changed:], outputs[1][:, changed:], atol=1e-3)


def test_rows_of_a_batch_do_not_touch_one_another():
    x = torch.randn(3, 150, 16)
    made = layer(window=50)
    together = made(x)
    for row in range(3):
        alone = layer(window=50)
        assert torch.allclose(alone(x[row]), together[row], atol=1e-5)


def test_padding_is_neither_attended_to_nor_remembered():
    x = torch.randn(2, 20, 16)
    mask = torch.ones(2, 20, dtype=torch.bool)
    mask[0, 12:] = mask[1, :5] = False
    spoilt = x.masked_fill(~mask[..., None], 7.0)
    one, two = layer(), layer()
    first, second = one(x, mask=mask), two(spoilt, mask=mask)
    assert torch.allclose(first[mask], second[mask], atol=1e-6)
    for a, b in zip(one.memory.crystal_layers, two.memory.crystal_layers, strict=True):
        assert torch.allclose(a, b, atol=1e-6)
    assert torch.allclose(one.memory.crystal_layers[0][0, 1], first[0, 10:12].mean(0), atol=1e-5)


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("forgetting", [None, Forgetting.by_half_life(20)])
@pytest.mark.parametrize("held", [3.0, 3e38, float("nan")])
def test_padding_neither_recalls_nor_strengthens_whatever_it_holds(stride, forgetting, held):
    x, mask = torch.randn(2, 20 * 12, 16, generator=torch.Generator().manual_seed(5)), torch.ones(2, 240).bool()
    for start in range(20, 220, 20):
        mask[0, start + 13 : start + 20] = False  # so that strides begin and end in padding
        mask[0, start] = False
    found = []
    for padding in (0.0, held):
        made = layer(window=20, k=1, stride=stride, forgetting=forgetting)
        given = torch.where(mask[..., None], x, padding * torch.randn(16))
        found.append([made(given, mask=mask)[mask], made(given, False, mask=mask)[mask]])
        strengths = torch.cat([each.stabilities.rows.flatten() for each in made.memory.layers])
        found[-1].append(strengths)
    for one, two in zip(*found, strict=True):
        assert torch.isfinite(two).all()
        assert torch.allclose(one, two, atol=1e-6)


def test_a_stride_recalls_by_its_first_token_that_is_no_padding():
    x, mask = torch.randn(1, 8, 16), torch.ones(1, 8, dtype=torch.bool)
    mask[0, :2] = False  # the first two of the first stride
    outputs = []
    for stride, later in ((4, 0.0), (1, 0.0), (4, 9.0)):
        made = layer(window=8, k=1, stride=stride, forgetting=None)
        made.memory.crystallize(torch.randn(1, 96, 16, generator=torch.Generator().manual_seed(1)))
        given = x.clone()
        given[:, 3] += later
        outputs.append(made(given, mask=mask)[:, 2])
    assert torch.allclose(outputs[0], outputs[1], atol=1e-6)
    assert torch.allclose(outputs[0], outputs[2], atol=1e-6)


def test_attention_to_memories_is_a_softmax_of_logits_and_log_decay():
    curve = Forgetting(30.0)
    made = layer(k=100, forgetting=curve, window=60)
    past, x = torch.randn(1, 250, 16), torch.randn(1, 9, 16)
    made(past)
    memory = copy.deepcopy(made.memory)
    remembered = made._attend_memory(made._heads(made.query(made.attention_norm(x))), made.memory)
    queries = made.query(made.attention_norm(x)).view(1, 9, 2, 8)
    asked = torch.einsum("bthi,hid->bthd", queries, made.memory_key.weight.view(2, 8, 16)).mean(2)
    found = memory.recall(asked, 3, 100, strengthen=False)
    for token in range(9):
        there = found.layers[0, token] > 0
        rows = F.rms_norm(found.vectors[0, token][there], (16,))
        keys, values = made.memory_key(rows).view(-1, 2, 8), made.memory_value(rows).view(-1, 2, 8)
        for head in range(2):
            logits = keys[:, head] @ queries[0, token, head] / 8**0.5 + found.retained[0, token][there].log()
            shares = torch.softmax(torch.cat([logits, torch.zeros(1)]), 0)[:-1]
            assert torch.allclose(shares @ values[:, head], remembered[0, token, head], atol=1e-5)


def test_what_has_faded_says_less():
    past, x = torch.randn(1, 100, 16), torch.randn(1, 20, 16)
    made = layer(forgetting=Forgetting(1000.0))
    made(past)
    plain = made(x, use_infinite_memory=False)
    differences = []
    for now in (100.0, 1e5, 1e9):
        memory = copy.deepcopy(made.memory)
        memory.now = now
        differences.append(float((made(x, memory=memory) - plain).detach().abs().mean()))
    assert differences[0] > differences[1] > differences[2]


def test_what_attention_used_is_strengthened_and_a_layer_that_forgets_nothing_keeps_no_count():
    made = layer(forgetting=Forgetting(1000.0))
    made(torch.randn(1, 100, 16))
    before = made.memory.layers[0].stabilities.rows.clone()
    made.memory.now = 5000.0
    made(torch.randn(1, 10, 16))
    after = made.memory.layers[0].stabilities.rows[:, :10]
    assert (after >= before).all()
    assert (after > before).any()
    forgetful = layer(forgetting=None)
    forgetful(torch.randn(1, 100, 16))
    forgetful(torch.randn(1, 10, 16))
    assert (forgetful.memory.layers[0].stabilities.rows == 1).all()


# --- the memory it has --------------------------------------------------------------------------------------


def test_a_memory_can_be_given():
    mine, given_later = MemoryCrystal(16), MemoryCrystal(16)
    made = layer(memory=mine)
    made(torch.randn(1, 30, 16))
    assert mine.tokens == 30
    made(torch.randn(4, 20, 16), memory=given_later)
    assert (mine.tokens, given_later.tokens, given_later.batch) == (30, 20, 4)


def test_half_a_batch_can_begin_anew():
    made, fresh = layer(), layer()
    made(torch.randn(4, 100, 16))
    made.memory.reset([0, 2])
    x = torch.randn(4, 25, 16)
    outputs, plain = made(x), fresh(x, use_infinite_memory=False)
    assert torch.equal(outputs[[0, 2]], plain[[0, 2]])
    assert not torch.allclose(outputs[[1, 3]], plain[[1, 3]], atol=1e-4)


def test_the_memory_goes_with_the_state():
    made, other = layer(), layer(seed=1)
    made(torch.randn(2, 123, 16))
    state = made.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert not other.load_state_dict(state).unexpected_keys
    x = torch.randn(2, 40, 16)
    assert torch.equal(made(x), other(x))
    stack = torch.nn.Sequential(layer(seed=2))  # as a part of another module
    stack.load_state_dict({f"0.{name}": value for name, value in state.items()})
    assert torch.equal(stack(x), layer_of(state)(x))


def layer_of(state):
    made = layer(seed=3)
    made.load_state_dict(state)
    return made


def test_weights_alone_leave_the_memory_as_it_is_and_a_damaged_one_is_refused():
    made = layer()
    made(torch.randn(2, 123, 16))
    weights = {name: value for name, value in made.state_dict().items() if not name.startswith("memory.")}
    other = layer(seed=1)
    other(torch.randn(1, 50, 16))
    other.load_state_dict(weights)
    assert other.memory.tokens == 50
    spoilt = made.state_dict() | {"memory.units.vectors": torch.zeros(2, 1, 16)}
    with pytest.raises(RuntimeError, match=r"not the whole state of a memory: units.vectors is \[2, 1, 16\]"):
        other.load_state_dict(spoilt)


def test_a_memory_follows_its_layer():
    made = layer()
    made(torch.randn(1, 105, 16))
    made.to(torch.bfloat16)
    assert made.memory.crystal_layers[0].dtype == torch.bfloat16
    assert made.memory.layers[0].times.rows.dtype == torch.float64
    assert made(torch.randn(1, 20, 16, dtype=torch.bfloat16)).dtype == torch.bfloat16


# --- learning -----------------------------------------------------------------------------------------------


def test_gradients_reach_what_was_written_only_when_they_are_let_through():
    for gradient in (True, False):
        made = layer(gradient=gradient)
        past = torch.randn(2, 60, 16, requires_grad=True)
        made(past)
        made(torch.randn(2, 20, 16)).pow(2).sum().backward()
        assert (past.grad is not None) is gradient
        assert (made.importance.weight.grad is not None) is gradient
        made.memory.detach()
        made(torch.randn(2, 20, 16)).pow(2).sum().backward()  # a second step does not go through the first one's graph


def test_gradients_are_those_of_finite_differences():
    torch.manual_seed(1)
    made = layer(8, 2, gradient=True, forgetting=None, k=50).double()
    torch.nn.init.normal_(made.importance.weight)
    past, x = torch.randn(1, 40, 8).double(), torch.randn(1, 10, 8).double()

    def loss(values):
        made.memory.reset()
        made(values)
        return made(x).pow(2).sum()

    past.requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(past), past)
    direction = torch.randn_like(past)
    step = 1e-2
    with torch.no_grad():
        change = (loss(past + step * direction) - loss(past - step * direction)) / (2 * step)
    assert float(change) == pytest.approx(float((gradient * direction).sum()), rel=0.02)


def test_it_learns_to_recall_what_lies_ten_windows_back_and_without_memory_does_not(one_thread):
    model = train(remember=True, steps=130)
    assert accuracy(model, remember=True) >= 0.95
    assert accuracy(model, remember=False) < 0.3  # the weights alone know nothing
    plain = train(remember=False, steps=130)
    assert accuracy(plain, remember=False, count=256) < 0.2  # guessing is 0.125


# --- what cannot be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m(torch.zeros(2, 5, 9)), r"input: expected \[batch, tokens, 16\]"),
        (lambda m: m(torch.zeros(16)), r"input: expected \[batch, tokens, 16\]"),
        (lambda m: m(torch.zeros(2, 5, 16).long()), "input: expected a floating-point tensor"),
        (lambda m: m(torch.zeros(2, 5, 16).bfloat16()), r"input: expected torch\.float32, .*, got torch\.bfloat16"),
        (lambda m: m(torch.zeros(3, 5, 16)), "holds a batch of 2, got one of 3"),
        (lambda m: m(torch.full((2, 5, 16), float("nan"))), "input holds NaN"),
        (lambda m: m(torch.zeros(2, 5, 16), mask=torch.ones(2, 6, dtype=torch.bool)), "mask: expected"),
        (lambda m: m(torch.zeros(2, 5, 16), memory=MemoryCrystal(8)), "memory: expected 16 dimensions, got 8"),
        (lambda m: layer(memory=MemoryCrystal(8)), "memory: expected 16 dimensions, got 8"),
        (lambda m: layer(16, 3), "n_heads=3 .need n_heads heads of an even width"),
        (lambda m: layer(16, 16), "n_heads=16 .need n_heads heads of an even width"),
        (lambda m: layer(depth=4), "depth must be 1, 2 or 3"),
        (lambda m: m(torch.zeros(2, 5, 16), mask=torch.ones(2, 5)), "mask: expected one bool for each token"),
        (lambda m: m(torch.zeros(2, 5, 16), mask=[[True] * 5] * 2), "mask: expected a torch tensor, got list"),
        (lambda m: m(torch.zeros(2, 5, 16), memory="mine"), "memory: expected a MemoryCrystal, got str"),
        (lambda m: m(torch.zeros(0, 5, 16)), "holds a batch of 2, got one of 0"),
        (lambda m: layer(k=0), "k must be an integer of 1 or more, got 0"),
        (lambda m: layer(k=1.5), "k must be an integer of 1 or more, got 1.5"),
        (lambda m: layer(window=20.0), "window must be an integer"),
        (lambda m: layer(stride="2"), "stride must be an integer"),
        (lambda m: layer(d_hidden=0), "d_hidden must be an integer"),
        (lambda m: layer(forgetting=100.0), "forgetting must be a Forgetting or None"),
    ],
)
def test_what_cannot_be(call, message):
    made = layer()
    made(torch.randn(2, 30, 16))
    with pytest.raises(UsageError, match=message):
        call(made)
    assert made.memory.tokens == 30


def test_a_memory_of_other_ratios_and_one_that_was_cast_are_refused():
    made = layer(memory=MemoryCrystal(16, (4, 3, 2)))
    made(torch.randn(1, 50, 16))
    with pytest.raises(RuntimeError, match=r"expected dimension 16 and ratios \[10, 5, 2\], got 16 and \[4, 3, 2\]"):
        layer().load_state_dict(made.state_dict())
    cast = {name: value.bfloat16() for name, value in made.state_dict().items()}
    with pytest.raises(RuntimeError, match=r"counts were cast to torch\.bfloat16"):
        layer(memory=MemoryCrystal(16, (4, 3, 2))).load_state_dict(cast)


def test_a_batch_of_none_gives_none_and_is_not_remembered():
    made = layer()
    assert made(torch.zeros(0, 50, 16)).shape == (0, 50, 16)
    assert made(torch.zeros(0, 50, 16), use_infinite_memory=False).shape == (0, 50, 16)
    assert made.memory.batch is None


@pytest.mark.parametrize(("dtype", "cast"), [(torch.bfloat16, False), (torch.float32, True)])
def test_the_whole_loop_in_half_the_precision(dtype, cast):
    """Steps of training, through the memory; the state, strictly, into a fresh layer; copies; inference."""
    made, x = layer(window=20, gradient=True).to(dtype), torch.randn(2, 130, 16, dtype=dtype)
    optimizer, losses = torch.optim.AdamW(made.parameters(), 3e-3), []
    for _ in range(5):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=cast):
            loss = made(x).float().pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        made.memory.detach()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    fresh = layer(window=20, opened=False, seed=9).to(dtype)
    fresh.load_state_dict(made.state_dict(), strict=True)
    buffer = io.BytesIO()
    torch.save(made, buffer)
    buffer.seek(0)
    others = [fresh, copy.deepcopy(made), torch.load(buffer, weights_only=False)]
    with torch.inference_mode():
        expected = made.eval()(x)
        assert all(torch.equal(other.eval()(x), expected) for other in others)


def test_two_layers_can_share_a_memory():
    memory = MemoryCrystal(16)
    both = torch.nn.Sequential(
        *(layer(memory=memory, gradient=True, seed=seed, window=20, forgetting=None) for seed in (0, 1))
    )
    for _ in range(2):
        both(torch.randn(2, 50, 16)).sum().backward()
        memory.detach()
    assert memory.tokens == 200
    copied = copy.deepcopy(both)
    assert copied[0].memory is copied[1].memory


def test_input_shorter_than_a_window_a_unit_or_anything():
    made = layer()
    assert made(torch.zeros(2, 0, 16)).shape == (2, 0, 16)
    assert made(torch.randn(2, 1, 16)).shape == (2, 1, 16)
    assert made(torch.randn(2, 3, 16)).shape == (2, 3, 16)
    assert (made.memory.tokens, made.memory.crystal_layers[0].shape) == (4, (2, 0, 16))
    assert layer()(torch.randn(7, 16)).shape == (7, 16)
