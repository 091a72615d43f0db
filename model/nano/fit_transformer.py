"""Training nano's transformer and text encoder together: straight paths, references in klein-kv's way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen3Config, Qwen3Model

from model.nano.architecture import QWEN3, TEXT_LAYERS, TEXT_LENGTH, TRANSFORMER
from model.nano.checkpoints import Progress, average, load_state, save_state
from model.nano.dataset import SOURCES, Batch, Latents, sample_batch
from model.nano.fit_autoencoder import rate
from model.nano.muon import Muon
from model.positions import image_ids, reference_ids, text_ids
from model.transformer import Rope, Transformer

MUON_LR, ADAM_LR = 4e-3, 2e-3
BATCH = 32
NOISE_MEAN, NOISE_SPREAD, PURE_NOISE = 1.5, 1.25, 0.1
"""Times of noise: logit-normal, and a share of exactly 1. The mean decides whether the layout is learnt: klein's four
steps at this size stand at 1, 0.955, 0.875 and 0.70."""
ITEM_WEIGHT = 1.5
"""How much a token that shows an item counts against one of the scene."""
SOURCE_BLOCK, SOURCE_WEIGHT = 1, 0.1
"""Behind this single stream block a head tells which reference each token will show, and the weight of its loss. Layout
is learnt from it much sooner than from the velocity alone. The head isn't part of the exported model."""


class Nano(nn.Module):
    """What is trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = Transformer(TRANSFORMER)
        self.text_encoder = Qwen3Model(Qwen3Config(**QWEN3))
        nn.init.zeros_(self.transformer.proj_out.weight)
        self.source_head = nn.Linear(TRANSFORMER.width, SOURCES)

    def embed(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(B, L) -> (B, L, layers * width), as klein's pipelines stack them."""
        hidden = self.text_encoder(tokens, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.cat([hidden[layer] for layer in TEXT_LAYERS], dim=-1)

    def velocity(self, noisy: Tensor, time_B: Tensor, text: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The velocity (B, N, C), and the source of each token as logits (B, N, SOURCES)."""
        model = self.transformer
        references = None
        if batch.count:
            still = model.modulations(torch.zeros(1))
            references = model.reference_kv(
                batch.references, still, table(model, reference_ids([batch.reference_grid] * batch.count))
            )
        rope = table(model, torch.cat((text_ids(TEXT_LENGTH), image_ids(*batch.grid))))
        inside: list[Tensor] = []
        hook = model.single_transformer_blocks[SOURCE_BLOCK].register_forward_hook(
            lambda _block, _inputs, output: inside.append(output[0][:, TEXT_LENGTH:])
        )
        velocity = model(noisy, text, model.modulations(time_B * 1000), rope, references)
        hook.remove()
        return velocity, self.source_head(F.layer_norm(inside[-1], inside[-1].shape[-1:]))


def table(model: Transformer, ids: Tensor) -> Rope:
    """The position table in bfloat16, which is enough to train with and half the work."""
    exact = model.rope(ids)
    return Rope(exact.cos.bfloat16(), exact.sin.bfloat16())


def fit_transformer(shards: Sequence[Latents], tokenizer: Any, steps: int, checkpoint: Path) -> Nano:
    """Resumes from `checkpoint` when it is there; returns the moving average of the weights."""
    torch.manual_seed(0)
    model = Nano()
    matrices = [p for n, p in model.transformer.named_parameters() if "blocks" in n and p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    optimisers = (
        Muon(matrices, lr=MUON_LR, piece=TRANSFORMER.width),
        torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.98), weight_decay=0.01),
    )
    ema = {name: value.detach().clone() for name, value in model.state_dict().items()}
    start = load_state(checkpoint, model, ema)
    progress = Progress("transformer", steps, start)
    model.train()
    for step in range(start, steps):
        loss, source_loss = losses(model, sample_batch(shards, BATCH, step), tokenizer, step)
        for optimiser, base in zip(optimisers, (MUON_LR, ADAM_LR), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = base * rate(step, steps, warm_up=60, falls_from=0.5)
        (loss + SOURCE_WEIGHT * source_loss).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        average(ema, model, step, most=0.998)
        progress.report(step + 1, loss=loss.item(), source=source_loss.item())
        if progress.due_checkpoint(step + 1):
            save_state(checkpoint, step + 1, model, ema)
    model.load_state_dict(ema)
    return model.eval()


def losses(model: Nano, batch: Batch, tokenizer: Any, step: int) -> tuple[Tensor, Tensor]:
    """The mean square of the velocity's error, items above the scene, and the cross entropy of the tokens' sources."""
    generator = torch.Generator().manual_seed(step)
    size = len(batch.captions)
    time_B = torch.sigmoid(NOISE_MEAN + NOISE_SPREAD * torch.randn(size, generator=generator))
    time_B = torch.where(torch.rand(size, generator=generator) < PURE_NOISE, torch.ones(size), time_B)
    noise = torch.randn(batch.targets.shape, generator=generator)
    noisy = torch.lerp(batch.targets, noise, time_B[:, None, None])
    inputs = tokenise(tokenizer, batch.captions)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        text = model.embed(inputs["input_ids"], inputs["attention_mask"])
        predicted, sources = model.velocity(noisy, time_B, text, batch)
    squares = F.mse_loss(predicted.float(), noise - batch.targets, reduction="none").mean(dim=2)
    weights = torch.where(batch.sources > 0, ITEM_WEIGHT, 1.0)
    return (
        (weights * squares).sum() / weights.sum(),
        F.cross_entropy(sources.float().flatten(0, 1), batch.sources.flatten()),
    )


def tokenise(tokenizer: Any, prompts: Sequence[str]) -> Any:
    chats = [tokenizer.apply_chat_template([{"role": "user", "content": p}], tokenize=False) for p in prompts]
    return tokenizer(chats, return_tensors="pt", padding="max_length", truncation=True, max_length=TEXT_LENGTH)
