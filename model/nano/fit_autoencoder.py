"""Training nano's autoencoder on pictures of the drawn world."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from model.autoencoder import Autoencoder, patchify
from model.nano.architecture import AUTOENCODER
from model.nano.checkpoints import Progress, average, load_state, save_state
from model.nano.muon import Muon

MUON_LR, ADAM_LR = 5e-3, 1e-3
WARM_UP = 100
CUT = 64
KL_WEIGHT = 3e-5
DISTURBED, DISTURBANCE = 0.5, 0.15
"""Share of the samples whose latents get noise before they are decoded, and its size against the latents' spread. What
a transformer draws is never exact: a decoder that has seen such latents turns small errors into small errors."""


def fit_autoencoder(pictures: Tensor, references: Tensor, steps: int, checkpoint: Path) -> Autoencoder:
    """pictures: (n, 3, 128, 128) uint8, references (m, 3, 64, 64) uint8. Resumes from `checkpoint` when it is there."""
    torch.manual_seed(0)
    model = Autoencoder(AUTOENCODER)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack this keyword
    with torch.no_grad():
        model.get_parameter("quant_conv.bias")[AUTOENCODER.latent_channels :] = -5.0
    matrices = [p for p in model.parameters() if p.ndim == 4 and p.shape[0] > 3 and p.shape[1] > 3]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    optimisers = (Muon(matrices, lr=MUON_LR), torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.98)))
    ema = {name: value.detach().clone() for name, value in model.state_dict().items()}
    start = load_state(checkpoint, model, ema)
    progress = Progress("autoencoder", steps, start)
    model.train()
    for step in range(start, steps):
        batch = next_batch(pictures, references, step)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mean, logvar = model.moments(batch)
            logvar = logvar.clamp(-20, 10)
            latents = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
            decoded = model.decode_moments(disturbed(latents))
        loss, psnr = losses(decoded.float(), batch)
        kl = 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float()).sum(dim=(1, 2, 3)).mean()
        kl = kl / batch[0].numel()
        weight = KL_WEIGHT * min(1.0, step / 1000)
        for optimiser, base in zip(optimisers, (MUON_LR, ADAM_LR), strict=True):
            for group in optimiser.param_groups:
                group["lr"] = base * rate(step, steps)
        (loss + weight * AUTOENCODER.latent_channels * kl).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(others, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        average(ema, model, step, most=0.998)
        progress.report(step + 1, loss=loss.item(), psnr=psnr, kl=kl.item(), latent_std=mean.float().std().item())
        if progress.due_checkpoint(step + 1):
            save_state(checkpoint, step + 1, model, ema)
    model.load_state_dict(ema)
    fill_statistics(model, pictures)
    save_state(checkpoint, steps, model, {name: value.clone() for name, value in model.state_dict().items()})
    return model.eval()


def rate(step: int, steps: int, warm_up: int = WARM_UP, falls_from: float = 0.35) -> float:
    """The learning rate's factor: a warm-up, flat, then linear to a twentieth."""
    if step < warm_up:
        return (step + 1) / warm_up
    left = (steps - step) / max(1.0, steps * (1 - falls_from))
    return max(0.05, min(1.0, left))


def disturbed(latents: Tensor) -> Tensor:
    """(B, c, h, w) -> the same with noise, of another size for each sample, on a share of the samples."""
    spread = latents.detach().float().std(dim=(0, 2, 3), keepdim=True)
    size = torch.randn(len(latents), 1, 1, 1) * DISTURBANCE * (torch.rand(len(latents), 1, 1, 1) < DISTURBED)
    return latents + (spread * size.clamp(-0.5, 0.5) * torch.randn_like(latents)).to(latents.dtype)


def next_batch(pictures: Tensor, references: Tensor, step: int) -> Tensor:
    """Whole pictures, references and cuts of pictures in turns, the same at each resumption: the step alone decides."""
    generator = torch.Generator().manual_seed(step)
    source, size = ((pictures, 2), (references, 8), (pictures, 8))[step % 3]
    batch = source[torch.randint(len(source), (size,), generator=generator)]
    if step % 3 == 2:
        left, top = (int(torch.randint(0, batch.shape[-1] - CUT + 1, (1,), generator=generator)) for _ in range(2))
        batch = batch[..., top : top + CUT, left : left + CUT]
    if torch.rand(1, generator=generator) < 0.5:
        batch = batch.flip(3)
    return (batch.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def losses(decoded: Tensor, target: Tensor) -> tuple[Tensor, float]:
    """L1, L1 of the edges, L1 of pooled pictures, and squares; and the PSNR in dB."""
    difference = decoded - target
    squares = difference.square().mean()
    edges = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    edges = edges + (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    pooled = F.avg_pool2d(difference, 4).abs().mean() + F.avg_pool2d(difference, 8).abs().mean()
    loss = difference.abs().mean() + 0.5 * edges + 0.5 * pooled + squares
    return loss, 10 * math.log10(4.0 / max(1e-9, squares.item()))


@torch.no_grad()
def fill_statistics(model: Autoencoder, pictures: Tensor) -> None:
    """The batch-norm statistics of the patchified latents, over a sample of the pictures."""
    model.eval()
    latents = torch.cat([patchify(model.moments(batch)[0]) for batch in batches(pictures[:1024], 32)])
    model.bn.get_buffer("running_mean").copy_(latents.mean(dim=(0, 2, 3)))
    model.bn.get_buffer("running_var").copy_(latents.var(dim=(0, 2, 3)))


def batches(pictures: Tensor, size: int) -> Iterator[Tensor]:
    """uint8 pictures as float batches in [-1, 1]."""
    for part in torch.split(pictures, size):
        yield (part.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
