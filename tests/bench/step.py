"""One step of the transformer, heads of 128 as the real models have them, without references: against diffusers' in
two dtypes, and against its own matrix products and attention alone, the limit of what arranging the rest can gain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import Flux2Transformer2DModel
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network.positions import image_ids, text_ids
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.bench.alternate import Side, alternate
from tests.bench.bench import Bench
from tests.bench.row import Difference, Goal, Row
from tests.model.layout import randomise

DTYPES = {"step-f32": torch.float32, "step-bf16": torch.bfloat16}
GOALS = {"step-f32": Goal(1.08), "step-bf16": Goal(1.15)}
ALLOWED = {"step-f32": 1e-3, "step-bf16": 0.1}
LIMIT = "limit"
KEYS = (*DTYPES, LIMIT)
HEAD = 128


@dataclass(frozen=True)
class Shape:
    """A transformer's width in heads, its blocks, and the tokens of a picture and of its text."""

    heads: int
    doubles: int = 2
    singles: int = 6
    side: int = 32
    text: int = 512

    @property
    def width(self) -> int:
        return self.heads * HEAD

    @property
    def config(self) -> dict[str, Any]:
        return {
            "num_layers": self.doubles,
            "num_single_layers": self.singles,
            "attention_head_dim": HEAD,
            "num_attention_heads": self.heads,
            "joint_attention_dim": 3 * self.width,
            "guidance_embeds": False,
        }

    def __str__(self) -> str:
        blocks = f"{self.doubles} + {self.singles} blocks of width {self.width:,} (klein 9B: 8 + 24 of 4,096)"
        return f"{self.side**2:,} target and {self.text} text tokens, {blocks}"


QUICK = Shape(1, 1, 2, 8, 32)
SHAPE, LIMIT_SHAPE = Shape(4), Shape(8)


class Step:
    """One step of a random transformer, by both sides. What a campaign computes once isn't in ours: modulations,
    positions and the text's projection; diffusers computes them in every step."""

    def __init__(self, shape: Shape, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.shape = shape
        self._theirs: Any = randomise(Flux2Transformer2DModel(**shape.config))
        ours = Transformer(TransformerConfig.from_dict(shape.config)).eval()
        ours.load_state_dict(self._theirs.state_dict())
        self._ours = ours.to(dtype)
        self._theirs.to(dtype)
        generator = torch.Generator().manual_seed(0)
        self._image = torch.randn(1, shape.side**2, 128, generator=generator).to(dtype)
        self._text = torch.randn(1, shape.text, 3 * shape.width, generator=generator).to(dtype)
        self._time = torch.tensor([0.7], dtype=dtype)
        self._ids = image_ids(shape.side, shape.side), text_ids(shape.text)
        with torch.inference_mode():
            self._mods = ours.modulations(self._time * 1000).as_vectors()
            self._projected = ours.context_embedder(self._text)[0]
            freqs_cis = ours.rope(torch.cat(self._ids)).freqs_cis()
        self._segments = [Segment(0, shape.side**2, shape.text, freqs_cis)]
        self._space = Workspace()

    def ours(self) -> Tensor:
        run = PackedPass(self._ours, self._segments, self._mods, self._space)
        return run.velocity(self._image[0], self._projected)

    @torch.inference_mode()
    def theirs(self) -> Tensor:
        velocity: Tensor = self._theirs(self._image, self._text, self._time, *self._ids).sample
        return velocity[0]


def difference(one: Tensor, other: Tensor) -> float:
    """In standard deviations of the other."""
    return float((one.float() - other.float()).abs().max() / other.float().std())


def steps(bench: Bench) -> Iterator[Row]:
    for key, dtype in DTYPES.items():
        if key in bench.selected:
            yield against_diffusers(bench, key, dtype)
    if LIMIT in bench.selected:
        yield from limits(bench)


def against_diffusers(bench: Bench, key: str, dtype: torch.dtype) -> Row:
    step = Step(QUICK if bench.quick else SHAPE, dtype)
    differences: list[float] = []

    def judge(results: Mapping[str, Tensor]) -> None:
        differences.append(difference(results["ours"], results["diffusers"]))

    sides = {"ours": Side(lambda _: step.ours()), "diffusers": Side(lambda _: step.theirs())}
    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"{key}: {line}"))
    name = str(dtype).removeprefix("torch.")
    return Row(
        key,
        f"one transformer step, {name}",
        f"{step.shape}, {name}. Ours without what it computes once a campaign: modulations, positions, projected text.",
        seconds["ours"],
        seconds["diffusers"],
        goal=GOALS[key],
        difference=Difference(max(differences), "std", ALLOWED[key]),
    )


def limits(bench: Bench) -> Iterator[Row]:
    """Products and attention alone, each side's own, over its step."""
    step = Step(QUICK if bench.quick else LIMIT_SHAPE, torch.float32)
    for name, run, last_whole, goal in (
        ("our step", step.ours, False, Goal(0.95)),
        ("diffusers' step", step.theirs, True, None),
    ):
        alone = bare(step.shape, last_whole)
        sides: dict[str, Side[object]] = {
            "alone": Side(lambda _, alone=alone: alone()),
            "step": Side(lambda _, run=run: run()),
        }
        seconds = alternate(sides, bench.rounds, lambda _: None, lambda line: bench.log(f"limit: {line}"))
        yield Row(
            LIMIT,
            f"matrix products and attention alone, over {name}",
            f"{step.shape}, float32. The rest of a step is norms, modulation, positions, activations and copies.",
            seconds["alone"],
            seconds["step"],
            beside=name,
            figure="ours/theirs",
            goal=goal,
        )


def bare(shape: Shape, last_whole: bool) -> Callable[[], None]:
    """The products and attentions of a step, on tensors that are there already, written where there's room.

    last_whole: whether the last block is computed for all rows.
    """
    target, width = shape.side**2, shape.width
    rows = target + shape.text
    stream = [(width, 3), (width, 1), (6 * width, 1)]
    products: list[tuple[int, int, int]] = []
    for count in (target, shape.text):
        products += [(count, width, out) for out, times in stream for _ in range(times)] + [(count, 3 * width, width)]
    products *= shape.doubles
    whole = [(rows, width, 9 * width), (rows, 4 * width, width)]
    products += whole * (shape.singles - 1)
    cut = [(rows, width, 2 * width), (target, width, 7 * width), (target, 4 * width, width)]
    products += whole if last_whole else cut
    pairs = [(rows, rows)] * (shape.doubles + shape.singles - 1) + [(rows if last_whole else target, rows)]
    operands = {
        size: (torch.randn(size[0], size[1]), torch.randn(size[2], size[1]), torch.empty(size[0], size[2]))
        for size in products
    }
    heads = {count: torch.randn(1, count, shape.heads, HEAD).transpose(1, 2) for count in (rows, target)}

    @torch.inference_mode()
    def run() -> None:
        for size in products:
            x, weight, out = operands[size]
            torch.mm(x, weight.t(), out=out)
        for queries, keys in pairs:
            F.scaled_dot_product_attention(heads[queries], heads[keys], heads[keys])

    return run
