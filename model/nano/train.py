"""Train nano from scratch: `python -m brandpress.model.nano.train --art DIR --out DIR [--minutes M]`.

Renders its own training data (see `model/nano/world`; `art.py` there lists the artwork's packages), trains the
autoencoder, then the transformer with the text encoder, then the decoder on the transformer's latents, and exports a
folder in diffusers' layout.

With --minutes, the whole command takes that long and each stage gets its share (the first training in DIR needs a few
minutes more to draw the artwork); otherwise each stage runs a fixed number of steps. Every stage writes checkpoints to
--out and resumes from them, so the same command continues an interrupted training. If the budget leaves a stage no time
for its first step, the command fails; a larger budget resumes from there.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from pathlib import Path

from brandpress.model.errors import BrandpressError
from brandpress.model.nano.training.options import BATCH, GPU_BATCH, Options
from brandpress.model.nano.training.schedule import MAX_MINUTES

MAX_GUIDANCE = 20


def main() -> None:
    """Run the command line."""
    started = time.monotonic()
    parser = argparse.ArgumentParser(
        prog="python -m brandpress.model.nano.train", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--art", type=Path, required=True, help="folder with node_modules that contain the artwork, or packed artwork"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for checkpoints; the finished model is OUT/weights"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: the first GPU, or the CPU without one)")
    parser.add_argument(
        "--minutes",
        type=minutes,
        help="wall-clock budget of the command, including rendering and evaluation; the first training in DIR needs a "
        "few minutes more to draw the artwork",
    )
    parser.add_argument(
        "--autoencoder-steps", type=int, default=Options.autoencoder_steps, help="autoencoder steps without --minutes"
    )
    parser.add_argument("--steps", type=int, default=Options.steps, help="transformer steps without --minutes")
    parser.add_argument(
        "--decoder-steps", type=int, default=Options.decoder_steps, help="final decoder steps without --minutes"
    )
    parser.add_argument(
        "--batch", type=int, help=f"transformer batch size (default: {BATCH} on a CPU, {GPU_BATCH} on a GPU)"
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=Options.rate,
        help="factor of the transformer's and the decoder's learning rates; below 1 for a short training with "
        "--init-from (default: 1)",
    )
    parser.add_argument(
        "--scale", type=float, default=Options.scale, help="share of the training data to render, for trial runs"
    )
    parser.add_argument("--init-from", type=Path, help="folder of a finished nano to start from")
    parser.add_argument(
        "--autoencoder-from", type=Path, help="folder of a finished nano whose autoencoder to start from"
    )
    parser.add_argument(
        "--keep-autoencoder",
        action="store_true",
        help="don't train the autoencoder that --init-from or --autoencoder-from names; the transformer gets its share "
        "of the budget",
    )
    parser.add_argument(
        "--distil-guidance",
        type=guidance,
        metavar="SCALE",
        help="learn from the model that --init-from names, with classifier-free guidance of this scale (such as 2), "
        "instead of from the pictures",
    )
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="don't use torch.compile on a GPU")
    parser.add_argument("--threads", type=int, help="torch threads (default: the number of cores)")
    parser.add_argument("--processes", type=int, help="rendering processes (default: three quarters of the cores)")
    arguments = parser.parse_args()

    # imported late, so that spawned rendering processes start fast
    from brandpress.model.nano.training.stages import run

    try:
        run(Options(**vars(arguments)), started)
    except BrandpressError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error
    except KeyboardInterrupt:
        print("interrupted; the same command continues from the last checkpoints", file=sys.stderr)
        raise SystemExit(130) from None


def minutes(text: str) -> float:
    """Returns the value of --minutes. Raises ArgumentTypeError if it isn't a number in the allowed range."""
    return number(text, 0, MAX_MINUTES)


def guidance(text: str) -> float:
    """Returns the value of --distil-guidance. Raises ArgumentTypeError if it isn't a number in the allowed range."""
    return number(text, 1, MAX_GUIDANCE)


def number(text: str, above: float, limit: float) -> float:
    """Returns the number. Raises ArgumentTypeError if it isn't one above `above` and up to `limit`."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not above < value <= limit:
        raise argparse.ArgumentTypeError(f"expected a number above {above} and up to {limit:,}, got {text}")
    return value


if __name__ == "__main__":
    main()
