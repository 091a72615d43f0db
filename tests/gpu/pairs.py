"""Differences between two results."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def levels_apart(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of two pictures, in levels of 255."""
    a, b = (np.asarray(picture).astype(int) for picture in (one, other))
    return int(np.abs(a - b).max())


def psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio in decibels; 99 for equal pictures."""
    a, b = (np.asarray(picture).astype(float) for picture in (one, other))
    error = float(((a - b) ** 2).mean())
    return 99.0 if error == 0 else 10 * math.log10(255**2 / error)


def spreads_apart(one: Tensor, other: Tensor) -> float:
    """The largest difference in standard deviations of `other`; infinite if any value isn't finite."""
    if not (torch.isfinite(one).all() and torch.isfinite(other).all()):
        return math.inf
    return float((one.float() - other.float()).abs().max() / other.float().std().clamp_min(1e-12))
