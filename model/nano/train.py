"""Train nano from nothing on a CPU: `python -m model.nano.train --art DIR --out DIR`.

Draws its own pictures (see `model/nano/world`; the art's packages are named there), trains the autoencoder, then the
transformer with the text encoder, then the decoder on what the transformer draws, and writes a folder in diffusers'
layout. Every stage leaves its result in `--out` and is taken up where it was left, so the same command goes on after
any interruption.
"""

from __future__ import annotations

import argparse
import os
import random
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoTokenizer

from model.autoencoder import Autoencoder
from model.nano.adopt import adopt
from model.nano.architecture import AUTOENCODER
from model.nano.checkpoints import load_state, saved_step
from model.nano.dataset import Latents, draw, encode
from model.nano.export import export
from model.nano.fit_autoencoder import fit_autoencoder
from model.nano.fit_decoder import fit_decoder
from model.nano.fit_transformer import fit_transformer
from model.nano.tokenizer import train_tokenizer
from model.nano.world.captions import caption_corpus
from model.nano.world.library import Library

SQUARE, WIDE, TALL = (128, 128), (160, 96), (96, 160)
SMALL_SQUARE, SMALL_WIDE, SMALL_TALL = (64, 64), (80, 48), (48, 80)
COMPOSITIONS = {
    (SQUARE, SMALL_SQUARE): 15_000,
    (SQUARE, SMALL_WIDE): 1_500,
    (SQUARE, SMALL_TALL): 1_500,
    (WIDE, SMALL_SQUARE): 1_500,
    (WIDE, SMALL_WIDE): 1_000,
    (TALL, SMALL_SQUARE): 1_500,
    (TALL, SMALL_TALL): 1_000,
}
"""How many of each size (width, height) and size of references the transformer is trained on."""
AUTOENCODER_PICTURES, AUTOENCODER_REFERENCES = 6_000, 6_000
DECODER_PICTURES = 3_000
AUTOENCODER_SEED, TRANSFORMER_SEED, DECODER_SEED = 1, 2, 3
CAPTIONS = 40_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m model.nano.train", description=__doc__.partition("\n")[0])
    parser.add_argument("--art", type=Path, required=True, help="the folder that holds node_modules with the art")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, and the finished model in OUT/weights")
    parser.add_argument("--autoencoder-steps", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=9_000, help="steps of the transformer")
    parser.add_argument("--decoder-steps", type=int, default=1_500, help="steps of the decoder at the end")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the compositions to draw, for a trial run")
    parser.add_argument("--go-on-from", type=Path, help="a finished nano whose weights to train further")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.go_on_from:
        adopt(options.go_on_from, options.out)
    autoencoder = train_autoencoder(options.art, options.out, options.autoencoder_steps, options.scale)
    tokenizer = make_tokenizer(options.art, options.out)
    shards = make_latents(options.art, options.out, autoencoder, options.scale)
    model = fit_transformer(shards, tokenizer, options.steps, options.out / "transformer.safetensors")
    checkpoint = options.out / "decoder.safetensors"
    tuned = finished(checkpoint, options.decoder_steps)
    if tuned is None:
        drawn = draw(options.art, round(DECODER_PICTURES * options.scale), SQUARE, SMALL_SQUARE, DECODER_SEED)
        tuned = fit_decoder(autoencoder, model, drawn, tokenizer, options.decoder_steps, checkpoint)
    export(model, tuned, tokenizer, options.out / "weights")
    print(f"nano is in {options.out / 'weights'}")


def train_autoencoder(art: Path, out: Path, steps: int, scale: float) -> Autoencoder:
    checkpoint = out / "autoencoder.safetensors"
    made = finished(checkpoint, steps)
    if made is not None:
        return made
    drawn = draw(art, round(AUTOENCODER_PICTURES * scale), SQUARE, SMALL_SQUARE, AUTOENCODER_SEED)
    return fit_autoencoder(drawn.pictures, some(drawn.references), steps, checkpoint)


def finished(checkpoint: Path, steps: int) -> Autoencoder | None:
    """The autoencoder of a stage that has made all its steps, which spares drawing its pictures again; else None."""
    if not checkpoint.exists() or saved_step(checkpoint) < steps:
        return None
    autoencoder = Autoencoder(AUTOENCODER)
    ema = dict(autoencoder.state_dict())
    load_state(checkpoint, autoencoder, ema)
    autoencoder.load_state_dict(ema)
    return autoencoder.eval()


def some(references: Tensor) -> Tensor:
    """A fixed sample of (n, slots, 3, h, w) references, without the empty slots."""
    flat = references.flatten(0, 1)
    filled = flat[flat.flatten(1).amax(dim=1) > 0]
    order = torch.randperm(len(filled), generator=torch.Generator().manual_seed(0))
    return filled[order[:AUTOENCODER_REFERENCES]].contiguous()


def make_tokenizer(art: Path, out: Path) -> object:
    folder = out / "tokenizer"
    if not folder.exists():
        library = Library.load(art, art / "cache")
        train_tokenizer(caption_corpus(random.Random(0), library, CAPTIONS)).save_pretrained(folder)  # noqa: S311
    return AutoTokenizer.from_pretrained(folder)


def make_latents(art: Path, out: Path, autoencoder: Autoencoder, scale: float) -> list[Latents]:
    shards = []
    for (size, reference), count in COMPOSITIONS.items():
        path = out / "latents_{}x{}_{}x{}.safetensors".format(*size, *reference)
        if not path.exists():
            drawn = draw(art, round(count * scale), size, reference, TRANSFORMER_SEED)
            encode(autoencoder, drawn).save(path)
        shards.append(Latents.load(path))
    return shards


if __name__ == "__main__":
    main()
