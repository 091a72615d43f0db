"""The size from which the autoencoder works in bands (see `tiled`). Imports no torch: memory plans read it, too."""

from __future__ import annotations

MAX_UNTILED_ELEMENTS = 1 << 28
"""Largest activation of one picture that is computed in one piece: that of FLUX.2's decoder at 1024x1024."""
