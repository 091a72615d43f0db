"""The size above which the autoencoder works in tiles (see `tiled`). No torch here: memory plans read it, too."""

from __future__ import annotations

MAX_UNTILED_ELEMENTS = 1 << 28
"""The largest activation of one picture that is computed in one piece: that of FLUX.2's decoder at 1024x1024."""
