"""Train nano from nothing: `python -m brandpress.model.nano.train --art DIR --out DIR [--minutes M]`.

Draws its own pictures (see `model/nano/world`; the art's packages are named there), trains the autoencoder, then the
transformer with the text encoder, then the decoder on what the transformer draws, and writes a folder in diffusers'
layout. With --minutes the whole command takes that long, its stages their shares of it; without, stages make their
steps. Every stage leaves its result in `--out` and is taken up where it was left, so the same command goes on after any
interruption. A budget that leaves a stage no time for its first step ends the command with an error; a larger one goes
on from there.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from brandpress.model.errors import BrandpressError
from brandpress.model.nano.schedule import MOST_MINUTES


def main() -> None:
    started = time.monotonic()
    parser = argparse.ArgumentParser(
        prog="python -m brandpress.model.nano.train", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--art", type=Path, required=True, help="node_modules with the art, or the packed artwork")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, and the finished model in OUT/weights")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on; the first GPU when there is one")
    parser.add_argument("--minutes", type=minutes, help="budget of the whole command, drawing and evaluation included")
    parser.add_argument("--autoencoder-steps", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=9_000, help="steps of the transformer")
    parser.add_argument("--decoder-steps", type=int, default=1_500, help="steps of the decoder at the end")
    parser.add_argument("--batch", type=int, help="samples of a step of the transformer; 32 on a CPU, 512 on a GPU")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the compositions to draw, for a trial run")
    parser.add_argument("--go-on-from", type=Path, help="a finished nano whose weights to train further")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="no torch.compile on a GPU")
    parser.add_argument("--threads", type=int, help="torch's threads; as many as there are cores")
    parser.add_argument("--processes", type=int, help="processes that draw; all cores but one")
    options = parser.parse_args()

    from brandpress.model.nano.stages import Options, run  # here, so that processes that draw start without it

    try:
        run(Options(**vars(options)), started)
    except BrandpressError as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from error


def minutes(text: str) -> float:
    """Raises ArgumentTypeError naming what is allowed."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= MOST_MINUTES:
        raise argparse.ArgumentTypeError(f"{text}: allowed is what is above 0, at most {MOST_MINUTES:,}")
    return value


if __name__ == "__main__":
    main()
