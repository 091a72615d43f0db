"""Fine-tunes nano's decoder on the transformer's latents. The encoder doesn't change.

Latents of training pictures are noised to a random step of klein's schedule, denoised from there by the transformer and
decoded; the loss compares the result with the picture.
"""

from __future__ import annotations

import random
from itertools import pairwise

import torch
from torch import Tensor

from brandpress.model.inference.sampler import sigmas
from brandpress.model.nano.data.batches import Batch, group_samples, sample_batch
from brandpress.model.nano.data.dataset import LatentShard
from brandpress.model.nano.data.encode import to_floats
from brandpress.model.nano.place import Place
from brandpress.model.nano.training.checkpoints import save_checkpoint
from brandpress.model.nano.training.fit_autoencoder import picture_losses
from brandpress.model.nano.training.loop import Recipe, Stage, train
from brandpress.model.nano.training.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder

LR = 5e-4
BATCH, GPU_BATCH = 8, 64
RECIPE = Recipe(warm_up=20, decay_from=0.3, ema_decay=0.99)
STEPS = 4
ENCODED_SHARE = 0.25
"""Share of the batches with the encoder's own latents, which the decoder must not forget."""


def fit_decoder(
    autoencoder: Autoencoder,
    nano: Nano,
    pictures: Tensor,
    latents: LatentShard,
    stage: Stage,
    place: Place,
    rate: float = 1.0,
) -> Autoencoder:
    """Train the autoencoder's decoder in place and return the autoencoder; resumes from the stage's checkpoint.

    pictures: (n, 3, H, W) uint8, the pictures of `latents`. rate: a factor of the learning rate.
    """
    torch.manual_seed(0)
    parts = ("decoder.", "post_quant_conv.")
    tuned = [p for name, p in autoencoder.named_parameters() if name.startswith(parts)]
    optimiser = torch.optim.AdamW(tuned, lr=rate * LR, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    groups, pictures = group_samples([latents]), pictures.to(place.device)
    size = GPU_BATCH if place.on_gpu else BATCH

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        batch = sample_batch(groups, size, step, place)
        denoised = noise_and_denoise(nano, batch, step, place)
        with place.autocast():
            decoded = autoencoder.decode(torch.unflatten(denoised.transpose(1, 2), 2, batch.grid))
        loss, psnr = picture_losses(decoded.float(), to_floats(pictures[batch.rows]))
        return loss, {"psnr": psnr}

    step = train(stage, autoencoder, (optimiser,), tuned, losses)
    save_checkpoint(stage.checkpoint, stage.state(step, finished=True), autoencoder, autoencoder.state_dict())
    return autoencoder.eval()


@torch.no_grad()
def noise_and_denoise(nano: Nano, batch: Batch, step: int, place: Place) -> Tensor:
    """Returns the batch's latents (B, N, C), noised to a random step of the schedule and denoised again."""
    rng = random.Random(step)  # noqa: S311
    first = rng.randrange(1, STEPS)
    if rng.random() < ENCODED_SHARE:
        return batch.targets
    schedule = sigmas(batch.targets.shape[1], STEPS).tolist()
    noise = torch.randn(batch.targets.shape, generator=place.generator(2 * step + 1), device=place.device)
    latents = torch.lerp(batch.targets, noise, schedule[first])
    with place.autocast():
        text = nano.embed(batch.tokens)
        for sigma, next_sigma in pairwise(schedule[first:]):
            time_B = torch.full((len(latents),), sigma, device=place.device)
            velocity, _ = nano.velocity(latents, time_B, text, batch)
            latents = latents + (next_sigma - sigma) * velocity.float()
    return latents
