"""The transformer's forward pass over several pictures at once, for rendering.

Same weights and results as `Transformer.forward`, but:
- The tokens of all pictures are the rows of one matrix, without padding or masks. Linear layers run over all rows,
  attention over each picture's own.
- A picture's rows are its references (if they run), its target and its text, in this order. The references' keys and
  values can thus come from an earlier pass and precede the picture's own.
- Intermediates reuse buffers (`workspace`), and elementwise operations are fused (`network.kernels`).
- The last block computes only what the velocity needs: everything for targets, keys and values for all other rows.

Legend: T rows of a pass, I of them in the image stream; S rows of a picture, L of them text; R rows attended to;
C token channels, D width, E heads, K head size, H half of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.inference.linear import Activations, project, project_into, project_rows
from brandpress.model.inference.segments import Segment, in_streams, one_by_one, packed, pick, put
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network.fp8 import Fp8Rows, shared_fp8_input
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.modulation import Modulation, Modulations
from brandpress.model.network.transformer import (
    DoubleStreamBlock,
    FeedForward,
    SingleStreamBlock,
    Transformer,
)


class PackedPass:
    """One pass of a model over segments at one timestep.

    mods: as vectors. space: buffers; what `velocity` returns isn't in them.
    """

    def __init__(
        self,
        model: Transformer,
        segments: Sequence[Segment],
        mods: Modulations,
        space: Workspace,
        kernels: Kernels = EAGER,
    ) -> None:
        self._model, self._segments, self._mods, self._space, self._kernels = model, segments, mods, space, kernels
        config = model.config
        self._heads, self._size, self._width = config.num_attention_heads, config.attention_head_dim, config.width
        self._eps = config.eps
        self._images = sum(segment.image for segment in segments)
        self._places = in_streams(segments)
        self._freqs_cis = packed([segment.freqs_cis for segment in segments], self._places)

    @torch.inference_mode()
    def velocity(self, image_IC: Tensor, text_LD: Tensor) -> Tensor:
        """Returns the velocity of the target rows (targets, C), picture by picture.

        image_IC: the tokens of all pictures, each with its references first. text_LD: the texts of all pictures,
        projected to the width.
        """
        x = self._space.take("x", (image_IC.shape[0] + text_LD.shape[0], self._width), image_IC)
        project_into(self._model.x_embedder, image_IC, x[: self._images])
        x[self._images :] = text_LD
        doubles = [cast(DoubleStreamBlock, block) for block in self._model.transformer_blocks]
        singles = [cast(SingleStreamBlock, block) for block in self._model.single_transformer_blocks]
        for number, block in enumerate(doubles):
            self._double(number, block, x)
        x = self._picture_by_picture(x)
        for number, single in enumerate(singles[:-1], start=len(doubles)):
            self._single(number, single, x)
        places = zip(self._places, self._segments, strict=True)
        targets = [slice(rows[0].start + s.references, rows[0].start + s.image) for rows, s in places]
        x = self._last(len(doubles) + len(singles) - 1, singles[-1], x, targets) if singles else pick(x, targets)
        if not x.shape[0]:
            return x.new_empty(0, self._model.proj_out.out_features)
        x = self._kernels.modulate(x, self._mods.out_scale, self._mods.out_shift, self._eps)
        return cast(Tensor, self._model.proj_out(x))

    def _picture_by_picture(self, x: Tensor) -> Tensor:
        """Reorders rows from image and text streams to contiguous pictures, as single blocks take them."""
        if len(self._segments) == 1:
            return x
        parts = [pick(x, rows) for rows in self._places]
        self._places = one_by_one(self._segments)
        self._freqs_cis = packed([segment.freqs_cis for segment in self._segments], self._places)
        return torch.cat(parts, out=self._space.take("y", tuple(x.shape), x))

    def _double(self, number: int, block: DoubleStreamBlock, x: Tensor) -> None:
        q, k, v = (self._space.take(name, tuple(x.shape), x) for name in ("q", "k", "v"))
        streams = _streams(block, self._mods, self._images, x.shape[0])
        for rows, (mod, _), layers, norms, _, _ in streams:
            normed = self._modulated(x[rows], mod, layers)
            for layer, out in zip(layers, (q, k, v), strict=True):
                project_into(layer, normed, out[rows])
            for norm, out in zip(norms, (q, k), strict=True):
                self._kernels.norm_and_rope(
                    self._headed(out[rows]), norm.weight, self._freqs_cis[rows, None], self._eps
                )
        mixed = self._attend(number, *(self._headed(part) for part in (q, k, v)))
        for rows, (mod, mod_forward), _, _, to_out, feed_forward in streams:
            stream = x[rows]
            out = project(
                to_out, self._as_input(mixed[rows], to_out), self._space.take("narrow", tuple(stream.shape), x)
            )
            self._kernels.add_gated(stream, out, mod.gate)
            self._kernels.add_gated(stream, self._feed_forward(feed_forward, stream, mod_forward), mod_forward.gate)

    def _as_input(self, x: Tensor, layer: nn.Module) -> Activations:
        """Returns rows as the layer's input, quantised if the layer runs in fp8."""
        fp8 = shared_fp8_input((layer,), x.device)
        return x if fp8 is None else self._kernels.quantise_rows(x, fp8.input_scale)

    def _modulated(self, x: Tensor, mod: Modulation, layers: Sequence[nn.Module]) -> Activations:
        """Returns the modulated norm of rows as input of `layers`, quantised if they run in fp8."""
        if (fp8 := shared_fp8_input(layers, x.device)) is not None:
            return self._kernels.modulate_rows(x, mod.scale, mod.shift, self._eps, fp8.input_scale)
        return self._kernels.modulate(x, mod.scale, mod.shift, self._eps)

    def _feed_forward(self, layer: FeedForward, x: Tensor, mod: Modulation) -> Tensor:
        inner, rows, out = layer.linear_out.in_features, x.shape[0], layer.linear_out
        normed = self._modulated(x, mod, (layer.linear_in,))
        wide = project(layer.linear_in, normed, self._space.take("wide", (rows, 2 * inner), x))
        narrow = self._space.take("narrow", tuple(x.shape), x)
        if (fp8 := shared_fp8_input((out,), x.device)) is not None:
            return project(out, self._kernels.swiglu_rows(wide[:, :inner], wide[:, inner:], fp8.input_scale), narrow)
        joined = self._space.take("joined", (rows, inner), x)
        self._kernels.swiglu(wide[:, :inner], wide[:, inner:], joined)
        return project(out, joined, narrow)

    def _single(self, number: int, block: SingleStreamBlock, x: Tensor) -> None:
        attn, mod, width = block.attn, self._mods.single, self._width
        normed = self._modulated(x, mod, (attn.to_qkv_mlp_proj,))
        space = self._space.take("wide", (x.shape[0], sum(attn.splits)), x)
        wide = project(attn.to_qkv_mlp_proj, normed, space)
        both = torch.unflatten(wide[:, : 2 * width], 1, (2, self._heads, self._size))
        weights = torch.stack((attn.norm_q.weight, attn.norm_k.weight))[:, None]
        self._kernels.norm_and_rope(both, weights, self._freqs_cis[:, None, None], self._eps)
        mixed = self._attend(number, both[:, 0], both[:, 1], self._headed(wide[:, 2 * width : 3 * width]))
        self._kernels.add_gated(x, self._project_out(attn.to_out, mixed, wide[:, 3 * width :]), mod.gate)

    def _last(self, number: int, block: SingleStreamBlock, x: Tensor, targets: Sequence[slice]) -> Tensor:
        """Runs the last block: keys and values for all rows, everything else only for `targets`. Returns those rows."""
        attn, mod, width = block.attn, self._mods.single, self._width
        counts, layer = [rows.stop - rows.start for rows in targets], attn.to_qkv_mlp_proj
        count, split = sum(counts), sum(attn.splits)
        normed = self._modulated(x, mod, (layer,))
        space = self._space.take("kv", (x.shape[0], 2 * width), x)
        kv = project_rows(layer, slice(width, 3 * width), normed, space)
        k, v = (self._headed(half) for half in kv.chunk(2, dim=1))
        self._kernels.norm_and_rope(k, attn.norm_k.weight, self._freqs_cis[:, None], self._eps)
        pairs = self._keys_and_values(number, k, v)
        if not count:  # a pass over references only, for their keys and values
            deque(pairs, maxlen=0)
            return x[:0]
        normed = picked(normed, targets)
        q = project_rows(layer, slice(0, width), normed, self._space.take("q", (count, width), x))
        freqs_cis = pick(self._freqs_cis, targets)[:, None]
        self._kernels.norm_and_rope(self._headed(q), attn.norm_q.weight, freqs_cis, self._eps)
        queries = torch.split(self._headed(q), counts)
        mixed = torch.cat([attention(one, *pair) for one, pair in zip(queries, pairs, strict=True)])
        space = self._space.take("wide", (count, split - 3 * width), x)
        wide = project_rows(layer, slice(3 * width, split), normed, space)
        x = pick(x, targets)
        self._kernels.add_gated(x, self._project_out(attn.to_out, mixed, wide), mod.gate)
        return x

    def _project_out(self, layer: nn.Module, mixed: Tensor, wide: Tensor) -> Tensor:
        """Returns what a single block adds to x, from attention's output and the feed-forward's two halves (`wide`)."""
        inner = wide.shape[1] // 2
        narrow = self._space.take("narrow", tuple(mixed.shape), mixed)
        if (fp8 := shared_fp8_input((layer,), mixed.device)) is not None:
            rows = self._kernels.join_rows(mixed, wide[:, :inner], wide[:, inner:], fp8.input_scale)
            return project(layer, rows, narrow)
        joined = self._space.take("joined", (mixed.shape[0], self._width + inner), mixed)
        self._kernels.join(mixed, wide[:, :inner], wide[:, inner:], joined)
        return project(layer, joined, narrow)

    def _headed(self, x: Tensor) -> Tensor:
        """Returns (T, D) as (T, E, K)."""
        return torch.unflatten(x, 1, (self._heads, self._size))

    def _attend(self, number: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Returns attention (T, D) of q, k and v (T, E, K), every picture by itself."""
        pairs = self._keys_and_values(number, k, v)
        if len(self._segments) == 1:
            [pair] = pairs
            return attention(q, *pair)
        mixed = self._space.take("mixed", (q.shape[0], self._width), q)
        for rows, pair in zip(self._places, pairs, strict=True):
            put(mixed, rows, attention(pick(q, rows), *pair))
        return mixed

    def _keys_and_values(self, number: int, k: Tensor, v: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields the keys and values (R, E, K) that each picture attends to.

        Use one pair before asking for the next: pictures with the same references write to the same memory.
        """
        for segment, rows in zip(self._segments, self._places, strict=True):
            if segment.kv is None:
                yield pick(k, rows), pick(v, rows)
                continue
            end = segment.offset
            for part in rows:
                layer = segment.kv.write(number, end, k[part], v[part])
                end += part.stop - part.start
            yield layer.key, layer.value


class Stream(NamedTuple):
    """One stream of a double block. layers: to q, k and v. norms: of q and k."""

    rows: slice
    mods: tuple[Modulation, Modulation]
    layers: tuple[nn.Module, nn.Module, nn.Module]
    norms: tuple[nn.RMSNorm, nn.RMSNorm]
    to_out: nn.Module
    feed_forward: FeedForward


def _streams(block: DoubleStreamBlock, mods: Modulations, images: int, count: int) -> list[Stream]:
    """Returns the image stream and the text stream, without empty ones. images, count: rows of images, and of all."""
    attn = block.attn
    both = (
        Stream(
            slice(0, images),
            mods.image,
            (attn.to_q, attn.to_k, attn.to_v),
            (attn.norm_q, attn.norm_k),
            attn.to_out[0],
            block.ff,
        ),
        Stream(
            slice(images, count),
            mods.text,
            (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj),
            (attn.norm_added_q, attn.norm_added_k),
            attn.to_add_out,
            block.ff_context,
        ),
    )
    return [stream for stream in both if stream.rows.start < stream.rows.stop]


def picked(x: Activations, rows: Sequence[slice]) -> Activations:
    """Returns rows of a layer's input."""
    if isinstance(x, Fp8Rows):
        return Fp8Rows(pick(x.values, rows), pick(x.scale, rows))
    return pick(x, rows)


def attention(q_SEK: Tensor, k_REK: Tensor, v_REK: Tensor) -> Tensor:
    """Returns one picture's attention (S, D), without a mask."""
    q, k, v = (x.transpose(0, 1)[None] for x in (q_SEK, k_REK, v_REK))
    return F.scaled_dot_product_attention(q, k, v)[0].transpose(0, 1).flatten(1)
