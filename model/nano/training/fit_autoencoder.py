"""Trains nano's autoencoder on rendered pictures and references."""

from __future__ import annotations

import random

import torch
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.data.encode import to_floats
from brandpress.model.nano.place import Place
from brandpress.model.nano.training.checkpoints import save_checkpoint
from brandpress.model.nano.training.loop import Recipe, Stage, train
from brandpress.model.nano.training.muon import Muon, remaining_parameters
from brandpress.model.network.autoencoder import Autoencoder, patchify

MUON_LR, ADAM_LR = 5e-3, 1e-3
BATCH = 2
"""Samples in a batch of whole pictures; batches of references and crops have four times as many."""
GPU_BATCH = 32
RECIPE = Recipe(warm_up=100, decay_from=0.35, ema_decay=0.998)
CROP = 128
"""Pixels per side of a crop."""
STATISTICS = 512
"""Pictures from which the latents' batch-norm statistics are computed."""
KL_WEIGHT = 3e-5
NOISY_SHARE, NOISE_SCALE = 0.5, 0.15
"""Share of the samples whose latents get noise before decoding, and the noise's scale relative to the latents' standard
deviation. The transformer's latents are never exact; this makes the decoder robust to small errors."""


def fit_autoencoder(pictures: Tensor, references: Tensor, stage: Stage, place: Place) -> Autoencoder:
    """Returns the trained autoencoder; resumes from the stage's checkpoint.

    pictures: (n, 3, 256, 256) uint8. references: (m, 3, 128, 128) uint8.
    """
    torch.manual_seed(0)
    model = Autoencoder(AUTOENCODER)
    with torch.no_grad():
        model.get_parameter("quant_conv.bias")[AUTOENCODER.latent_channels :] = -5.0
    model.to(place.device)
    if not place.on_gpu:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack this keyword
    matrices = [p for p in model.parameters() if p.ndim == 4 and p.shape[0] > 3 and p.shape[1] > 3]
    others = remaining_parameters(model, matrices)
    adam = torch.optim.AdamW(others, lr=ADAM_LR, betas=(0.9, 0.98), fused=True)
    pictures, references = pictures.to(place.device), references.to(place.device)
    size = GPU_BATCH if place.on_gpu else BATCH

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return reconstruction(model, next_batch(pictures, references, size, step, place), step, place)

    model.train()
    step = train(stage, model, (Muon(matrices, lr=MUON_LR, dtype=place.dtype), adam), others, losses)
    fill_statistics(model, pictures)
    save_checkpoint(stage.checkpoint, stage.state(step, finished=True), model, model.state_dict())
    return model.eval()


def reconstruction(model: Autoencoder, batch: Tensor, step: int, place: Place) -> tuple[Tensor, dict[str, Tensor]]:
    """Returns the loss of a batch of pictures, and figures to print."""
    with place.autocast():
        mean, logvar = model.moments(batch)
        logvar = logvar.clamp(-20, 10)
        latents = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        decoded = model.decode_moments(add_latent_noise(latents))
    loss, psnr = picture_losses(decoded.float(), batch)
    kl = 0.5 * (mean.float().square() + logvar.float().exp() - 1 - logvar.float()).sum(dim=(1, 2, 3)).mean()
    kl = kl / batch[0].numel()
    weight = KL_WEIGHT * min(1.0, step / 1000)
    return loss + weight * AUTOENCODER.latent_channels * kl, {"psnr": psnr, "kl": kl, "latent_std": mean.float().std()}


def add_latent_noise(latents: Tensor) -> Tensor:
    """Returns latents (B, c, h, w) with noise on a share of the samples; its scale differs for each sample."""
    spread = latents.detach().float().std(dim=(0, 2, 3), keepdim=True)
    shape = (len(latents), 1, 1, 1)
    scale = torch.randn(shape, device=latents.device) * NOISE_SCALE
    scale = scale * (torch.rand(shape, device=latents.device) < NOISY_SHARE)
    return latents + (spread * scale.clamp(-0.5, 0.5) * torch.randn_like(latents)).to(latents.dtype)


def next_batch(pictures: Tensor, references: Tensor, size: int, step: int, place: Place) -> Tensor:
    """Returns a step's batch: whole pictures, references or crops, in rotation. It depends on the step only."""
    rng = random.Random(step)  # noqa: S311
    source, count = ((pictures, size), (references, 4 * size), (pictures, 4 * size))[step % 3]
    batch = source[torch.randint(len(source), (count,), generator=place.generator(step), device=place.device)]
    if step % 3 == 2:
        left, top = (rng.randint(0, batch.shape[-1] - CROP) for _ in range(2))
        batch = batch[..., top : top + CROP, left : left + CROP]
    return to_floats(batch.flip(3) if rng.random() < 0.5 else batch)


def picture_losses(decoded: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the loss (L1, L1 of the edges, L1 of pooled pictures, and mean square) and the PSNR in dB."""
    difference = decoded - target
    squares = difference.square().mean()
    edges = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    edges = edges + (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    pooled = F.avg_pool2d(difference, 4).abs().mean() + F.avg_pool2d(difference, 8).abs().mean()
    loss = difference.abs().mean() + 0.5 * edges + 0.5 * pooled + squares
    return loss, 10 * torch.log10(4.0 / squares.detach().clamp_min(1e-9))


@torch.no_grad()
def fill_statistics(model: Autoencoder, pictures: Tensor) -> None:
    """Compute the batch-norm statistics of the patchified latents from a sample of the pictures."""
    model.eval()
    latents = torch.cat(
        [patchify(model.moments(to_floats(part))[0]) for part in torch.split(pictures[:STATISTICS], 32)]
    )
    model.bn.get_buffer("running_mean").copy_(latents.mean(dim=(0, 2, 3)))
    model.bn.get_buffer("running_var").copy_(latents.var(dim=(0, 2, 3)))
