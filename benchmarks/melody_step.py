"""Melodies: all bars as one batch against a decoder that goes step by step, with the same weights, in one process.

    python benchmarks/melody_step.py [--threads 2] [--batch 128] [--melodies 10000] [--alone 40] [--json FILE]

For the nets of melodies (16 bars of 16 steps, 130 kinds of tokens, size small) and of measures (4 beats of 6 ticks, 50
kinds): a teacher-forced step of the decoder, forward and backward, against torch's cells called for one step after the
other with the one-hot tokens as input; then tokens drawn for many codes together against one code at a time, which goes
through all steps in order, again with torch's cells. One at a time is timed on `--alone` codes, and with the library's
own decoder too, which runs a single melody's bars together and has no target. `medium` lets torch multiply in bfloat16
where the processor can; one at a time and the loop are at full precision, in which they are faster. The exit status is
1 where a target is missed, of speed by the better of the two.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latune.nets import MeasureGRU, MelodyLSTM, TokenDecoder
from latune.nets.recurrent import Recurrent

STEP, SAMPLE, NEAR = 5.0, 50.0, 1e-5  # times faster, times faster, largest difference
NETS = {
    "melody, small": (MelodyLSTM("small"), (256, 130), 128),
    "measure": (MeasureGRU(dropout=0.0, teacher_forcing=1.0), (24, 50), 32),
}


class StepByStep:
    """The same decoder, with the same parameters, as a loop over all steps."""

    def __init__(self, decoder: TokenDecoder) -> None:
        self.decoder = decoder
        self.cells = cells(decoder.ticks)

    def __call__(self, z: Tensor, choose: Callable[[Tensor, int], Tensor]) -> Tensor:
        """Logits `(n, t, k)`; `choose` gives the tokens after each step."""
        decoder, logits = self.decoder, []
        plan, table = decoder.plan(z), decoder.table()
        before = table[-1].expand(len(z), -1)
        for segment in range(decoder.segments):
            states = [[state[layer, :, segment] for state in plan.states] for layer in range(len(self.cells))]
            if not decoder.carries:
                before = table[-1].expand(len(z), -1)
            for _ in range(decoder.steps // decoder.segments):
                x = torch.cat([before, plan.given[:, segment]], 1)
                for layer, cell in enumerate(self.cells):
                    state = cell(x, *[states[layer] if len(states[layer]) == 2 else states[layer][0]])
                    states[layer] = list(state) if isinstance(state, tuple) else [state]
                    x = states[layer][0]
                logits.append(decoder._read(x))
                before = F.embedding(choose(logits[-1], len(logits) - 1), table)
        return torch.stack(logits, 1)


def cells(net: Recurrent) -> list[nn.Module]:
    """torch's cells that share the parameters of a net's layers."""
    made: list[nn.Module] = []
    for layer in net.layers:
        cell = (nn.LSTMCell if net.kind == "lstm" else nn.GRUCell)(layer.input_size, layer.hidden_size)
        for name, parameter in layer.named_parameters():
            setattr(cell, name.removesuffix("_l0"), parameter)
        made.append(cell)
    return made


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medium(work: Callable[[], object]) -> Callable[[], None]:
    """The same with products in bfloat16."""

    def run() -> None:
        torch.set_float32_matmul_precision("medium")
        work()
        torch.set_float32_matmul_precision("highest")

    return run


def turns(rounds: int, *works: Callable[[], object]) -> list[list[float]]:
    """Seconds of each, taking turns; the first round warms up."""
    return [[seconds(work) for work in works] for _ in range(rounds + 1)][1:]


def compare_steps(decoder: TokenDecoder, batch: int, rounds: int) -> dict[str, float]:
    """A teacher-forced step, and how far the two are apart."""
    z = torch.randn(batch, decoder.width, generator=torch.Generator().manual_seed(1))
    x = torch.randint(decoder.kinds, (batch, decoder.steps), generator=torch.Generator().manual_seed(2))
    loop = StepByStep(decoder)

    def together() -> None:
        F.cross_entropy(decoder(z, x).transpose(1, 2), x).backward()

    def one_by_one() -> None:
        F.cross_entropy(loop(z, lambda _, t: x[:, t]).transpose(1, 2), x).backward()

    with torch.no_grad():
        apart = (decoder(z, x) - loop(z, lambda _, t: x[:, t])).abs().max().item()
    found = turns(rounds, together, one_by_one, medium(together))
    return {
        "together": statistics.median(a for a, _, _ in found),
        "one by one": statistics.median(b for _, b, _ in found),
        "ratio": statistics.median(b / a for a, b, _ in found),
        "ratio of medium": statistics.median(b / c for _, b, c in found),
        "largest difference": apart,
    }


@torch.no_grad()
def compare_samples(decoder: TokenDecoder, many: int, alone: int, rounds: int) -> dict[str, float]:
    """Milliseconds a melody."""
    decoder.eval()
    z = torch.randn(many, decoder.width, generator=torch.Generator().manual_seed(1))
    loop, generator = StepByStep(decoder), torch.Generator().manual_seed(0)

    def draw(logits: Tensor, _: int) -> Tensor:
        return torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]

    def together() -> None:
        decoder.generate(z, generator=generator)

    found = turns(
        rounds,
        together,
        medium(together),
        lambda: [loop(z[i : i + 1], draw) for i in range(alone)],
        lambda: [decoder.generate(z[i : i + 1], generator=generator) for i in range(alone)],
    )
    each = [[1000 * a / many, 1000 * m / many, 1000 * b / alone, 1000 * c / alone] for a, m, b, c in found]
    return {
        "together": statistics.median(a for a, _, _, _ in each),
        "one by one": statistics.median(b for _, _, b, _ in each),
        "one at a time, by segments": statistics.median(c for _, _, _, c in each),
        "ratio": statistics.median(b / a for a, _, b, _ in each),
        "ratio of medium": statistics.median(b / m for _, m, b, _ in each),
        "ratio by segments": statistics.median(c / a for a, _, _, c in each),
    }


def main() -> int:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--melodies", type=int, default=10_000)
    parser.add_argument("--alone", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    results: dict[str, dict[str, dict[str, float]]] = {}
    missed = []
    for name, (config, shape, width) in NETS.items():
        encoder, decoder = config.build(shape, 2 * width, width)
        step = compare_steps(decoder, args.batch, args.rounds)
        print(
            f"{name}: a step on {args.batch} of {shape[0]} tokens {step['together']:.3f} s, step by step "
            f"{step['one by one']:.3f} s; {step['ratio']:.1f}x, medium {step['ratio of medium']:.1f}x "
            f"(target {STEP:g}x), largest difference of logits "
            f"{step['largest difference']:.1e} (target {NEAR:g}), {args.threads} threads",
            flush=True,
        )
        x = torch.randint(shape[1], (args.batch, shape[0]))
        reading = min(min(turns(args.rounds, lambda net=encoder, x=x: net(x).sum().backward())))
        print(f"{name}: the encoder's step {reading:.3f} s", flush=True)
        sample = compare_samples(decoder, args.melodies, args.alone, args.rounds)
        print(
            f"{name}: {args.melodies:,} drawn together {sample['together']:.3f} ms each, one by one "
            f"{sample['one by one']:.1f} ms; {sample['ratio']:.1f}x, medium {sample['ratio of medium']:.1f}x "
            f"(target {SAMPLE:g}x); one at a time with the "
            f"library {sample['one at a time, by segments']:.1f} ms, {sample['ratio by segments']:.1f}x",
            flush=True,
        )
        results[name] = {"step": step, "sample": sample}
        missed += [f"{name}: a step is below {STEP:g}x"] if max(step["ratio"], step["ratio of medium"]) < STEP else []
        missed += [f"{name}: logits are further apart than {NEAR:g}"] if step["largest difference"] > NEAR else []
        missed += (
            [f"{name}: samples are below {SAMPLE:g}x"]
            if max(sample["ratio"], sample["ratio of medium"]) < SAMPLE
            else []
        )
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n")
    for each in missed:
        print(f"MISSED: {each}")
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
