"""The nets of measures: against a loop over ticks, against torch's own layers, and every way to choose tokens."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from latune.nets import NETS, MeasureGRU, TokenDecoder, use_generator
from latune.nets.decoding import drawn
from latune.nets.measure_gru import MeasureDecoder
from latune.nets.recurrent import Cells, Recurrent
from latune.nets.token_decoder import checked

SMALL = {"embedding": 3, "hidden": 6}


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def nets(shape: tuple[int, int] = (24, 7), width: int = 4, **settings) -> tuple[nn.Module, MeasureDecoder]:
    """A small pair whose every parameter, those that start at 0 too, has a value."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        encoder, decoder = MeasureGRU(**{**SMALL, **settings}).build(shape, 2 * width, width)
        with torch.no_grad():
            for net in (encoder, decoder):
                for p in net.parameters():
                    p.add_(0.3 * torch.randn_like(p))
    return encoder, decoder


def some(decoder: TokenDecoder, n: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    z = torch.randn(n, decoder.width, generator=seeded(1))
    return z, torch.randint(decoder.kinds, (n, decoder.steps), generator=seeded(2))


def as_torch(net: Recurrent, inputs: int, both: bool = False) -> nn.Module:
    """torch's own layers with the weights of ours."""
    cls = nn.LSTM if net.kind == "lstm" else nn.GRU
    whole = cls(inputs, net.hidden, len(net.layers), batch_first=True, bidirectional=both)
    weights = {
        name.replace("l0", f"l{place}"): p
        for place, layer in enumerate(net.layers)
        for name, p in layer.named_parameters()
    }
    whole.load_state_dict(weights)
    return whole


def looped(decoder: MeasureDecoder, z: torch.Tensor, tokens: torch.Tensor | None) -> torch.Tensor:
    """Logits `(n, t, k)` by torch's cells, a tick at a time; fed its own most likely tokens without `tokens`."""
    beats, ticks = (as_torch(net, net.layers[0].input_size) for net in (decoder.beats, decoder.ticks))
    h = decoder.start(z).view(len(z), 2, -1).transpose(0, 1).contiguous()
    previous = decoder.token0.expand(len(z), -1)
    logits = []
    for _ in range(decoder.segments):
        beat, h = beats(decoder.beat0.expand(len(z), 1, 1), h)
        state = decoder.tick_start(beat[:, 0]).view(len(z), 2, -1).transpose(0, 1).contiguous()
        given = decoder.beat_embed(beat[:, 0])
        for _ in range(decoder.steps // decoder.segments):
            out, state = ticks(torch.cat([previous, given], 1)[:, None], state)
            logits.append(decoder.out(out[:, 0]))
            time = len(logits) - 1
            previous = decoder.embed(logits[-1].argmax(1) if tokens is None else tokens[:, time])
    return torch.stack(logits, 1)


def test_the_papers_nets_have_the_papers_size():
    encoder, decoder = NETS["measure-gru"]().build((24, 50), params=64, width=32)
    assert sum(p.numel() for p in encoder.parameters()) == 683_572
    assert sum(p.numel() for p in decoder.parameters()) == 416_305


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize("both", [False, True])
def test_layers_are_torchs(kind, both):
    net = Recurrent(kind, 3, 4, layers=2, both=both)
    x = torch.randn(5, 7, 3, generator=seeded())
    states = [torch.randn(2 * (1 + both), 5, 4, generator=seeded(i)) for i in range(1 + (kind == "lstm"))]
    out, last = net(x, states)
    wanted, end = as_torch(net, 3, both)(x, tuple(states) if kind == "lstm" else states[0])
    assert torch.allclose(out, wanted, atol=1e-6)
    for mine, theirs in zip(last, end if kind == "lstm" else (end,), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-6)
    tokens, table, given = torch.randint(6, (5, 7), generator=seeded()), torch.randn(6, 2), torch.randn(5, 1)
    x = torch.cat([table[tokens], given[:, None].expand(-1, 7, -1)], 2)
    assert torch.allclose(net.of_tokens(tokens, table, given, states)[0], net(x, states)[0], atol=1e-6)
    if both:
        with pytest.raises(ValueError, match="no single steps"):
            Cells(net)


def test_teacher_forcing_in_one_batch_is_the_loop():
    _, decoder = nets()
    z, tokens = some(decoder)
    decoder.eval()
    assert (decoder(z, tokens) - looped(decoder, z, tokens)).abs().max() < 1e-5


def test_feeding_its_own_tokens_is_the_loop():
    _, decoder = nets()
    z, _ = some(decoder, 50)
    decoder.eval()
    logits = looped(decoder, z, None)
    assert (decoder(z) - logits).abs().max() < 1e-5
    assert torch.equal(decoder.generate(z, temperature=0), logits.argmax(2))


def test_encoder_is_torchs_with_all_final_states():
    encoder, _ = nets()
    x = torch.randint(7, (5, 24), generator=seeded())
    encoder.eval()
    _, last = as_torch(encoder.read, 3, both=True)(encoder.embed(x))
    seen = last.transpose(0, 1).reshape(5, -1)
    assert torch.allclose(encoder(x), torch.cat([head(seen) for head in encoder.heads], 1), atol=1e-6)


def test_every_weight_starts_xavier_normal_and_what_comes_first_at_0():
    _, decoder = MeasureGRU().build((24, 50), params=64, width=32)
    weight = decoder.ticks.layers[0].weight_hh_l0
    assert weight.std().item() == pytest.approx((2 / (384 + 128)) ** 0.5, rel=0.02)
    assert decoder.embed.weight.std().item() == pytest.approx((2 / 60) ** 0.5, rel=0.1)
    assert not decoder.beat0.any()
    assert not decoder.token0.any()


@pytest.mark.parametrize("coin", [0.0, 1.0])
def test_gradients_reach_every_parameter(coin):
    encoder, decoder = nets(teacher_forcing=coin)
    z, tokens = some(decoder)
    F.cross_entropy(decoder(z + encoder(tokens)[:, :4], tokens).transpose(1, 2), tokens).backward()
    for net in (encoder, decoder):
        for name, p in net.named_parameters():
            used = name.startswith("heads.1") or (p.grad is not None and p.grad.abs().sum() > 0)
            assert used, f"{name} is not reached"


def test_a_batch_is_its_examples():
    encoder, decoder = nets()
    z, tokens = some(decoder)
    encoder.eval()
    decoder.eval()
    for i in range(len(z)):
        one = slice(i, i + 1)
        assert torch.allclose(encoder(tokens)[one], encoder(tokens[one]), atol=1e-6)
        assert torch.allclose(decoder(z, tokens)[one], decoder(z[one], tokens[one]), atol=1e-6)
        assert torch.equal(decoder.generate(z, temperature=0)[one], decoder.generate(z[one], temperature=0))
        assert torch.equal(decoder.beam(z, 3)[one], decoder.beam(z[one], 3))


def test_more_rows_than_are_decoded_together(monkeypatch):
    _, decoder = nets()
    z, _ = some(decoder, 9)
    whole = decoder.generate(z, generator=seeded()), decoder.beam(z, 2)
    monkeypatch.setattr("latune.nets.decoding.ROWS", 4)
    assert torch.equal(decoder.generate(z, generator=seeded()), whole[0])
    assert torch.equal(decoder.beam(z, 2), whole[1])
    assert decoder.generate(z[:0]).shape == decoder.beam(z[:0], 2).shape == (0, 24)


def test_the_coin():
    _, decoder = nets(dropout=0.0, teacher_forcing=1.0)
    z, tokens = some(decoder)
    forced = decoder(z, tokens)
    decoder.teacher_forcing = 0.0
    own = decoder(z, tokens)
    assert torch.equal(own, decoder(z))
    assert not torch.allclose(forced, own)
    decoder.eval()
    assert torch.equal(decoder(z, tokens), forced)  # outside of training, true tokens are true tokens
    decoder.train()
    decoder.teacher_forcing = 0.25
    use_generator(decoder, seeded())
    kept = sum(torch.equal(decoder(z, tokens), forced) for _ in range(200))
    assert kept == pytest.approx(50, abs=20)


def test_dropout_and_coin_are_of_the_named_generator():
    _, decoder = nets()
    z, tokens = some(decoder)

    def several(seed: int) -> torch.Tensor:
        use_generator(decoder, seeded(seed))
        return torch.stack([decoder(z, tokens) for _ in range(4)])

    state = torch.get_rng_state()
    assert torch.equal(several(0), several(0))
    assert not torch.equal(several(0), several(1))
    assert torch.equal(state, torch.get_rng_state())


def test_own_tokens_in_training_are_chosen_under_the_same_dropout():
    _, decoder = nets(teacher_forcing=0.0, dropout=0.9)
    z, tokens = some(decoder, 40)
    use_generator(decoder, seeded())
    logits = decoder(z, tokens)
    use_generator(decoder, seeded())
    plan = decoder.plan(z)
    masks = decoder.ticks.masks(40 * 4, 6)
    own = logits.argmax(2)
    assert torch.allclose(decoder._logits(plan, own, masks), logits, atol=1e-5)


def test_draws_repeat_and_have_their_own_generator():
    _, decoder = nets()
    z, _ = some(decoder)
    state = torch.get_rng_state()
    first = decoder.generate(z, generator=seeded())
    assert torch.equal(first, decoder.generate(z, generator=seeded()))
    assert not torch.equal(first, decoder.generate(z, generator=seeded(1)))
    assert torch.equal(state, torch.get_rng_state())
    assert decoder.training  # put back as it was


def test_tokens_are_drawn_as_often_as_the_softmax_says():
    _, decoder = nets(shape=(4, 5))
    with torch.no_grad():
        decoder.out.weight.zero_()
        decoder.out.bias.copy_(torch.tensor([0.0, 1.0, 2.0, -1.0, 0.5]))
    z = torch.zeros(5000, 4)
    for temperature, top_k in ((1.0, None), (0.5, None), (2.0, 3)):
        logits = decoder.out.bias.detach() / temperature
        if top_k:
            logits = torch.where(logits >= logits.topk(top_k).values[-1], logits, -torch.inf)
        tokens = decoder.generate(z, temperature=temperature, top_k=top_k, generator=seeded())
        shares = torch.bincount(tokens.flatten(), minlength=5) / tokens.numel()
        wanted = logits.softmax(0)
        assert ((shares - wanted).abs() < 4 * (wanted * (1 - wanted) / tokens.numel()).sqrt() + 1e-9).all()


def test_a_token_of_probability_0_is_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(3, -1)
    assert drawn(logits, torch.tensor([0.0, 0.5, 1 - 2**-24])).tolist() == [1, 1, 1]
    with pytest.raises(ValueError, match="uniform number"):
        drawn(logits, None)


@pytest.mark.parametrize("relu_logits", [False, True])
def test_one_way_to_be_greedy(relu_logits):
    _, decoder = nets(relu_logits=relu_logits)
    z, _ = some(decoder, 30)
    decoder.eval()
    greedy = decoder.generate(z, temperature=0)
    assert torch.equal(decoder.generate(z, top_k=1), greedy)
    assert torch.equal(decoder.beam(z, 1), greedy)
    assert torch.equal(decoder(z).argmax(2), greedy)
    if relu_logits:
        assert decoder(z).min() == 0


def test_score_is_the_log_probability():
    _, decoder = nets()
    z, tokens = some(decoder)
    decoder.eval()
    wanted = looped(decoder, z, tokens).log_softmax(2).gather(2, tokens[:, :, None]).sum((1, 2))
    assert torch.allclose(decoder.score(z, tokens), wanted, atol=1e-4)


def test_a_wide_beam_finds_the_best_of_all_sequences():
    _, decoder = nets(shape=(4, 3), beats=2)
    z, _ = some(decoder)
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    scores = torch.stack([decoder.score(z, one.expand(len(z), -1)) for one in every])
    assert scores.exp().sum(0).tolist() == pytest.approx([1.0] * len(z), abs=1e-5)
    assert torch.equal(decoder.beam(z, 27), every[scores.argmax(0)])


def test_a_beam_is_never_less_likely_than_greedy():
    _, decoder = nets()
    z, _ = some(decoder, 60)
    greedy = decoder.score(z, decoder.generate(z, temperature=0))
    scores = [decoder.score(z, decoder.beam(z, width)) for width in (2, 5)]
    assert all((score >= greedy - 1e-5).all() for score in scores)
    assert (scores[1] > greedy + 1e-3).any()


def test_what_cannot_be_is_told():
    encoder, decoder = nets()
    z, tokens = some(decoder)
    for call in (encoder, lambda x: decoder(z, x), lambda x: decoder.score(z, x)):
        for wrong, message in (
            (tokens[:, 1:], r"shape \((n|5), 24\)\. Got \(5, 23\)"),
            (tokens + 7, r"lie in \[0, 7\)\. Got 7 to"),
            (tokens - 1, r"lie in \[0, 7\)\. Got -1"),
        ):
            with pytest.raises(ValueError, match=message):
                call(wrong)
    with pytest.raises(ValueError, match=r"integers\. Got torch\.float32"):
        checked(tokens.float(), 7, 24)
    with pytest.raises(ValueError, match=r"shape \(n, 4\)\. Got \(5, 3\)"):
        decoder.generate(z[:, 1:])
    for settings, message in (({"temperature": -1.0}, "0 or more"), ({"top_k": 0}, "1 or more")):
        with pytest.raises(ValueError, match=message):
            decoder.generate(z, **settings)
    with pytest.raises(ValueError, match="1 or more"):
        decoder.beam(z, 0)
    with pytest.raises(ValueError, match="24 steps of 7 kinds of tokens cannot be shared by 5 segments"):
        nets(beats=5)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        nets(teacher_forcing=1.5)
    with pytest.raises(ValueError, match="1 or more"):
        nets(hidden=0)


def test_small_integers_are_tokens_too():
    encoder, decoder = nets()
    z, tokens = some(decoder)
    decoder.eval()
    encoder.eval()
    assert torch.equal(decoder(z, tokens.to(torch.uint8)), decoder(z, tokens))
    assert torch.equal(encoder(tokens.to(torch.int16)), encoder(tokens))


def test_weights_can_be_taken_over():
    encoder, decoder = nets()
    others = MeasureGRU(**SMALL).build((24, 7), 8, 4)
    z, tokens = some(decoder)
    for mine, theirs, given in ((encoder, others[0], (tokens,)), (decoder, others[1], (z, tokens))):
        theirs.load_state_dict(mine.state_dict())
        assert torch.equal(mine.eval()(*given), theirs.eval()(*given))


def test_bfloat16_is_near():
    encoder, decoder = nets()
    z, tokens = some(decoder)
    encoder.eval()
    decoder.eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        raw, logits, own = encoder(tokens), decoder(z, tokens), decoder(z)
    assert torch.allclose(raw.float(), encoder(tokens), atol=0.1)
    assert torch.allclose(logits.float(), decoder(z, tokens), atol=0.1)
    assert own.isfinite().all()
