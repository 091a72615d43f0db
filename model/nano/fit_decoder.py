"""Training nano's decoder once more, on latents as the transformer leaves them. The encoder stays as it is.

A finished latent is near the true one and never at it. Pictures of the world are noised to one of the times that
klein's schedule stops at, taken back from there by the transformer, and decoded against the picture itself.
"""

from __future__ import annotations

import random
from itertools import pairwise

import torch
from torch import Tensor

from brandpress.model.inference.sampler import sigmas
from brandpress.model.nano.batches import Batch, groups_of, sample_batch
from brandpress.model.nano.checkpoints import save_state
from brandpress.model.nano.dataset import Latents
from brandpress.model.nano.encode import as_floats
from brandpress.model.nano.fit_autoencoder import picture_losses
from brandpress.model.nano.loop import Stage, train
from brandpress.model.nano.nano import Nano
from brandpress.model.nano.place import Place
from brandpress.model.network.autoencoder import Autoencoder

LR = 5e-4
BATCH, GPU_BATCH = 8, 64
WARM_UP, FALLS_FROM, DECAY = 20, 0.3, 0.99
STEPS = 4
UNTOUCHED = 0.25
"""Share of the batches whose latents are the encoder's own: the decoder mustn't forget those."""


def fit_decoder(
    autoencoder: Autoencoder, nano: Nano, pictures: Tensor, latents: Latents, stage: Stage, place: Place
) -> Autoencoder:
    """Trains `autoencoder`'s decoder in place and returns it. Resumes from the stage's checkpoint.

    pictures: (n, 3, H, W) uint8, those that `latents` are of.
    """
    torch.manual_seed(0)
    parts = ("decoder.", "post_quant_conv.")
    tuned = [p for name, p in autoencoder.named_parameters() if name.startswith(parts)]
    optimiser = torch.optim.AdamW(tuned, lr=LR, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    groups, pictures = groups_of([latents]), pictures.to(place.device)
    size = GPU_BATCH if place.on_gpu else BATCH

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        batch = sample_batch(groups, size, step, place)
        drawn = as_drawn(nano, batch, step, place)
        with place.autocast():
            decoded = autoencoder.decode(torch.unflatten(drawn.transpose(1, 2), 2, batch.grid))
        loss, psnr = picture_losses(decoded.float(), as_floats(pictures[batch.rows]))
        return loss, {"psnr": psnr}

    step = train(stage, autoencoder, (optimiser,), tuned, losses)
    save_state(stage.checkpoint, stage.saved(step, finished=True), autoencoder, autoencoder.state_dict())
    return autoencoder.eval()


@torch.no_grad()
def as_drawn(nano: Nano, batch: Batch, step: int, place: Place) -> Tensor:
    """The batch's latents (B, N, C), noised to a time of the schedule and taken back by the transformer."""
    rng = random.Random(step)  # noqa: S311
    first = rng.randrange(1, STEPS)
    if rng.random() < UNTOUCHED:
        return batch.targets
    schedule = sigmas(batch.targets.shape[1], STEPS).tolist()
    noise = torch.randn(batch.targets.shape, generator=place.generator(2 * step + 1), device=place.device)
    latents = torch.lerp(batch.targets, noise, schedule[first])
    with place.autocast():
        text = nano.embed(batch.tokens)
        for sigma, following in pairwise(schedule[first:]):
            time_B = torch.full((len(latents),), sigma, device=place.device)
            velocity, _ = nano.velocity(latents, time_B, text, batch)
            latents = latents + (following - sigma) * velocity.float()
    return latents
