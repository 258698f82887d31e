"""The nets of 16-bar melodies: against a loop over steps, and bars that do not depend on each other."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from latune.nets import NETS, MelodyLSTM
from latune.nets.melody_lstm import MelodyDecoder
from latune.nets.scan import LSTMScan

SMALL = {
    "reader_units": 5, "summary_units": 6, "conductor_units": 7, "embedding": 3, "bar_units": 8, "bars": 4,
}  # fmt: skip


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nets(shape: tuple[int, int] = (16, 7), width: int = 4, **settings) -> tuple[nn.Module, MelodyDecoder]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder, decoder = MelodyLSTM(**{**SMALL, **settings}).build(shape, 2 * width, width)
        with torch.no_grad():
            for net in (encoder, decoder):
                for p in net.parameters():
                    p.add_(0.4 * torch.randn_like(p))
    return encoder, decoder


def some(decoder: MelodyDecoder, n: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    z = torch.randn(n, decoder.width, generator=seeded(1))
    return z, torch.randint(decoder.kinds, (n, decoder.steps), generator=seeded(2))


def cells(net) -> list[nn.LSTMCell]:
    """torch's cells that share the parameters of ours."""
    made = []
    for layer in net.layers:
        cell = nn.LSTMCell(layer.input_size, layer.hidden_size)
        for name, parameter in layer.named_parameters():
            setattr(cell, name.removesuffix("_l0"), parameter)
        made.append(cell)
    return made


def stepped(stack: list[nn.LSTMCell], x: torch.Tensor, states: list) -> torch.Tensor:
    for place, cell in enumerate(stack):
        states[place] = cell(x, states[place])
        x = states[place][0]
    return x


def looped(decoder: MelodyDecoder, z: torch.Tensor, tokens: torch.Tensor | None) -> torch.Tensor:
    """Logits `(n, t, k)` by torch's cells, a step at a time; fed its own most likely tokens without `tokens`."""
    conductor, bars = cells(decoder.conductor), cells(decoder.ticks)
    first = decoder.start(z).view(len(z), 2, 2, -1)
    conducted = [(first[:, 0, i], first[:, 1, i]) for i in range(2)]
    logits, chosen = [], []
    for bar in range(decoder.segments):
        if decoder.own is None:
            given = decoder.bar_embed(stepped(conductor, z.new_zeros(len(z), 1), conducted))
        else:
            own = decoder.own(z).view(len(z), decoder.segments, -1)[:, bar]
            given = decoder.bar_embed(stepped(conductor, own, conducted)) + own
        first = decoder.bar_start(given).view(len(z), 2, 2, -1)
        states = [(first[:, 0, i], first[:, 1, i]) for i in range(2)]
        previous = z.new_zeros(len(z), decoder.kinds)
        for step in range(decoder.steps // decoder.segments):
            logits.append(decoder.out(stepped(bars, torch.cat([previous, given], 1), states)))
            time = bar * decoder.steps // decoder.segments + step
            chosen.append(logits[-1].argmax(1) if tokens is None else tokens[:, time])
            previous = F.one_hot(chosen[-1], decoder.kinds).float()
    return torch.stack(logits, 1)


def test_the_papers_nets_have_their_size():
    with torch.device("meta"):
        encoder, decoder = NETS["melody-lstm"]().build((256, 130), params=1024, width=512)
    lstm = 4 * 2048 * (130 + 2048 + 2)
    assert sum(p.numel() for p in encoder.parameters()) == 2 * lstm + (4096 + 1) * 1024 + (1024 + 1) * 1024
    conductor = 4 * 1024 * (1 + 1024 + 2) + 4 * 1024 * (1024 + 1024 + 2)
    bars = 4 * 1024 * (130 + 512 + 1024 + 2) + 4 * 1024 * (1024 + 1024 + 2)
    linear = (512 + 1) * 4096 + (1024 + 1) * 512 + (512 + 1) * 4096 + (1024 + 1) * 130
    assert sum(p.numel() for p in decoder.parameters()) == conductor + bars + linear


def test_sizes_by_name_and_by_number():
    assert MelodyLSTM().sizes.reader_units == 2048
    mixed = MelodyLSTM(size="small", reader_units=32).sizes
    assert (mixed.reader_units, mixed.bar_units) == (32, MelodyLSTM(size="small").sizes.bar_units)
    with pytest.raises(ValueError, match="Did you mean 'small'"):
        MelodyLSTM(size="smal").build((16, 7), 8, 4)


def test_heads_start_small_and_forget_gates_open():
    encoder, decoder = MelodyLSTM(size="small").build((256, 130), 128, 64)
    for head in encoder.heads.heads:
        assert head.weight.std().item() == pytest.approx(0.001, rel=0.1)
        assert not head.bias.any()
    layer = decoder.ticks.layers[0]
    assert (layer.bias_ih_l0 + layer.bias_hh_l0)[96:192].tolist() == [1.0] * 96


@pytest.mark.parametrize("looked_up", ["inputs", "tokens", "tokens and what is given"])
def test_the_scans_gradient_is_numerically_right(looked_up, monkeypatch):
    monkeypatch.setattr("latune.nets.scan.BLOCK", 3)  # two blocks of rows
    shapes = [(3, 4, 8) if looked_up == "inputs" else (5, 8), (4, 8), (4, 2), (4, 2), (8, 2)]
    x, given, h, c, w = (
        torch.randn(*s, dtype=torch.float64, generator=seeded(i)).requires_grad_() for i, s in enumerate(shapes)
    )
    tokens = None if looked_up == "inputs" else torch.randint(5, (3, 4), generator=seeded())
    given = given if looked_up == "tokens and what is given" else None
    assert torch.autograd.gradcheck(LSTMScan.apply, (x, tokens, given, h, c, w))


@pytest.mark.parametrize("per_bar", [False, True])
def test_teacher_forcing_of_all_bars_in_one_batch_is_the_loop(per_bar):
    _, decoder = nets(per_bar=per_bar)
    z, tokens = some(decoder)
    logits, wanted = decoder(z, tokens), looped(decoder, z, tokens)
    assert (logits - wanted).abs().max() < 1e-5

    used = [p for p in decoder.parameters() if p.requires_grad]

    def gradients(raw):
        return torch.autograd.grad(F.cross_entropy(raw.transpose(1, 2), tokens), used)

    for mine, theirs in zip(gradients(logits), gradients(wanted), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)


@pytest.mark.parametrize("per_bar", [False, True])
def test_feeding_its_own_tokens_is_the_loop(per_bar):
    _, decoder = nets(per_bar=per_bar)
    z, _ = some(decoder, 50)
    logits = looped(decoder, z, None)
    assert (decoder(z) - logits).abs().max() < 1e-5
    assert torch.equal(decoder.generate(z, temperature=0), logits.argmax(2))
    assert torch.equal(decoder.generate(z, top_k=1), logits.argmax(2))
    assert torch.equal(decoder.beam(z, 1), logits.argmax(2))


def test_encoder_is_torchs_with_the_last_output_of_each_direction():
    encoder, _ = nets()
    x = torch.randint(7, (5, 16), generator=seeded())
    out, _ = encoder.read.layers[0](F.one_hot(x, 7).float())
    last = torch.cat([out[:, -1, :5], out[:, 0, 5:]], 1)
    assert torch.allclose(encoder(x), encoder.heads(encoder.summary(last)), atol=1e-6)


def test_bars_are_read_one_by_one_and_then_over():
    encoder, _ = nets(per_bar=True)
    x = torch.randint(7, (5, 16), generator=seeded())
    said = []
    for bar in x.split(4, dim=1):
        out, _ = encoder.read.layers[0](F.one_hot(bar, 7).float())
        said.append(torch.cat([out[:, -1, :5], out[:, 0, 5:]], 1))
    bars = torch.stack(said, 1)
    summed = encoder.summary((bars + encoder.over.layers[0](bars)[0]).flatten(1))
    assert torch.allclose(encoder(x), encoder.heads(summed), atol=1e-6)


@pytest.mark.parametrize("per_bar", [False, True])
def test_gradients_reach_every_parameter_that_is_learned(per_bar):
    encoder, decoder = nets(per_bar=per_bar)
    z, tokens = some(decoder)
    raw = encoder(tokens)
    F.cross_entropy(decoder(z + raw[:, :4] * raw[:, 4:].exp(), tokens).transpose(1, 2), tokens).backward()
    for net in (encoder, decoder):
        for name, p in net.named_parameters():
            assert not p.requires_grad or (p.grad is not None and p.grad.abs().sum() > 0), f"{name} is not reached"
    frozen = [name for name, p in decoder.named_parameters() if not p.requires_grad]
    assert frozen == ([] if per_bar else ["conductor.layers.0.weight_ih_l0"])  # there its input is always 0


@pytest.mark.parametrize("per_bar", [False, True])
def test_no_bar_depends_on_the_tokens_of_another(per_bar):
    _, decoder = nets(per_bar=per_bar)
    z, tokens = some(decoder)
    other = tokens.clone()
    other[:, :4] = (other[:, :4] + 1) % 7
    assert torch.equal(decoder(z, tokens)[:, 4:], decoder(z, other)[:, 4:])
    assert not torch.equal(decoder(z, tokens)[:, 1:4], decoder(z, other)[:, 1:4])


@pytest.mark.parametrize("per_bar", [False, True])
def test_a_batch_is_its_examples(per_bar):
    encoder, decoder = nets(per_bar=per_bar)
    z, tokens = some(decoder)
    for i in range(len(z)):
        one = slice(i, i + 1)
        assert torch.allclose(encoder(tokens)[one], encoder(tokens[one]), atol=1e-6)
        assert torch.allclose(decoder(z, tokens)[one], decoder(z[one], tokens[one]), atol=1e-6)
        assert torch.equal(decoder.generate(z, temperature=0)[one], decoder.generate(z[one], temperature=0))
        assert torch.equal(decoder.beam(z, 3)[one], decoder.beam(z[one], 3))


def test_draws_repeat_and_do_not_hang_on_how_many_are_made_together(monkeypatch):
    _, decoder = nets()
    z, _ = some(decoder, 9)
    first = decoder.generate(z, generator=seeded())
    assert torch.equal(first, decoder.generate(z, generator=seeded()))
    assert not torch.equal(first, decoder.generate(z, generator=seeded(1)))
    monkeypatch.setattr("latune.nets.decoding.ROWS", 5)
    assert torch.equal(first, decoder.generate(z, generator=seeded()))


def test_drawn_tokens_have_the_probability_of_their_sequence():
    _, decoder = nets(shape=(2, 3), bars=1)
    z = some(decoder, 1)[0].expand(20_000, -1)
    drawn = decoder.generate(z, generator=seeded())
    every = torch.tensor(list(itertools.product(range(3), repeat=2)))
    wanted = decoder.score(z[: len(every)], every).exp()
    shares = torch.stack([(drawn == one).all(1).float().mean() for one in every])
    assert ((shares - wanted).abs() < 4 * (wanted * (1 - wanted) / len(z)).sqrt()).all()


def test_a_wide_beam_finds_the_best_of_all_sequences():
    _, decoder = nets(shape=(4, 3), bars=2)
    z, _ = some(decoder)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    scores = torch.stack([decoder.score(z, one.expand(len(z), -1)) for one in every])
    assert torch.equal(decoder.beam(z, 3), every[scores.argmax(0)])  # 3 tokens a step, 2 steps a bar: nothing is lost


def test_a_beam_is_never_less_likely_than_greedy():
    _, decoder = nets()
    z, _ = some(decoder, 60)
    greedy = decoder.score(z, decoder.generate(z, temperature=0))
    assert all((decoder.score(z, decoder.beam(z, width)) >= greedy - 1e-5).all() for width in (2, 4))


def test_what_cannot_be_is_told():
    encoder, decoder = nets()
    z, tokens = some(decoder)
    with pytest.raises(ValueError, match=r"shape \(n, 16\)\. Got \(5, 15\)"):
        encoder(tokens[:, 1:])
    with pytest.raises(ValueError, match=r"lie in \[0, 7\)\. Got 7 to"):
        decoder(z, tokens + 7)
    with pytest.raises(ValueError, match="cannot be shared by 3 segments"):
        nets(bars=3)


def test_weights_can_be_taken_over():
    encoder, decoder = nets()
    others = MelodyLSTM(**SMALL).build((16, 7), 8, 4)
    z, tokens = some(decoder)
    for mine, theirs, given in ((encoder, others[0], (tokens,)), (decoder, others[1], (z, tokens))):
        theirs.load_state_dict(mine.state_dict())
        assert torch.equal(mine(*given), theirs(*given))


def test_bfloat16_is_near():
    encoder, decoder = nets()
    z, tokens = some(decoder)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        raw, logits, own = encoder(tokens), decoder(z, tokens), decoder(z)
    assert torch.allclose(raw.float(), encoder(tokens), atol=0.1)
    assert torch.allclose(logits.float(), decoder(z, tokens), atol=0.1)
    assert own.isfinite().all()
