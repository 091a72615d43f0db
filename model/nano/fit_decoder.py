"""Training nano's decoder once more, on latents as the transformer leaves them. The encoder stays as it is.

A finished latent is near the true one and never at it. Pictures of the world are noised to one of the times that
klein's schedule stops at, taken back from there by the transformer, and decoded against the picture itself.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.nano.checkpoints import Progress, average, load_state, save_state
from model.nano.dataset import Batch, Drawn, encode, sample_batch
from model.nano.fit_autoencoder import losses, rate
from model.nano.fit_transformer import Nano, tokenise
from model.sampler import sigmas

LR = 5e-4
BATCH = 8
STEPS = 4
UNTOUCHED = 0.25
"""Share of the batches whose latents are the encoder's own: the decoder mustn't forget those."""


def fit_decoder(
    autoencoder: Autoencoder, nano: Nano, drawn: Drawn, tokenizer: Any, steps: int, checkpoint: Path
) -> Autoencoder:
    """Trains `autoencoder`'s decoder in place and returns it. Resumes from `checkpoint` when it is there."""
    torch.manual_seed(0)
    shard = encode(autoencoder, drawn)
    parts = ("decoder.", "post_quant_conv.")
    tuned = [p for name, p in autoencoder.named_parameters() if name.startswith(parts)]
    optimiser = torch.optim.AdamW(tuned, lr=LR, betas=(0.9, 0.98), weight_decay=0.0)
    ema = {name: value.detach().clone() for name, value in autoencoder.state_dict().items()}
    start = load_state(checkpoint, autoencoder, ema)
    progress = Progress("decoder", steps, start)
    for step in range(start, steps):
        batch = sample_batch([shard], BATCH, step)
        latents = as_drawn(nano, batch, tokenizer, step)
        pictures = drawn.pictures[batch.rows].float() / 127.5 - 1
        with torch.autocast("cpu", dtype=torch.bfloat16):
            decoded = autoencoder.decode(torch.unflatten(latents.transpose(1, 2), 2, batch.grid))
        loss, psnr = losses(decoded.float(), pictures)
        for group in optimiser.param_groups:
            group["lr"] = LR * rate(step, steps, warm_up=20, falls_from=0.3)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tuned, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        average(ema, autoencoder, step, most=0.99)
        progress.report(step + 1, loss=loss.item(), psnr=psnr)
        if progress.due_checkpoint(step + 1):
            save_state(checkpoint, step + 1, autoencoder, ema)
    autoencoder.load_state_dict(ema)
    return autoencoder.eval()


@torch.no_grad()
def as_drawn(nano: Nano, batch: Batch, tokenizer: Any, step: int) -> Tensor:
    """The batch's latents (B, N, C), noised to a time of the schedule and taken back by the transformer."""
    generator = torch.Generator().manual_seed(step)
    schedule = sigmas(batch.targets.shape[1], STEPS)
    first = int(torch.randint(1, STEPS, (1,), generator=generator))
    if torch.rand(1, generator=generator) < UNTOUCHED:
        return batch.targets
    noise = torch.randn(batch.targets.shape, generator=generator)
    latents = torch.lerp(batch.targets, noise, schedule[first])
    inputs = tokenise(tokenizer, batch.captions)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        text = nano.embed(inputs["input_ids"], inputs["attention_mask"])
        for sigma, following in pairwise(schedule[first:]):
            velocity, _ = nano.velocity(latents, sigma.expand(len(latents)), text, batch)
            latents = latents + (following - sigma) * velocity.float()
    return latents
