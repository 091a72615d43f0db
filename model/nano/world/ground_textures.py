"""Textures as tone maps: how much darker or lighter a point is than its surface. Each is computed once a process."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Tones = NDArray[np.float32]
"""Tones of (rows, columns); -1 is darkest, 1 is lightest."""
SIDE = 1024
"""Texels per side of a texture. They span twice the shorter side of a picture."""
_TILE = 512


@cache
def tone_maps(kind: str) -> tuple[Image.Image | None, Image.Image | None]:
    """Returns two masks of a texture: where it is darker and where it is lighter than the surface; None if nowhere.

    Flat textures are SIDE x SIDE texels. Those seen in perspective (GROUNDS) are SIDE wide and half as high; their
    first row is farthest away. Raises KeyError for an unknown kind.
    """
    tones = _FLAT[kind]() if kind in _FLAT else GROUNDS[kind](*_perspective())
    dark, light = (
        Image.fromarray((np.clip(sign * tones, 0, 1) * 255).astype(np.uint8)) if (sign * tones).max() > 0 else None
        for sign in (-1, 1)
    )
    return dark, light


def _tones(values: object) -> Tones:
    return np.asarray(values, np.float32)


def _noise(across: int, down: int, seed: int, width: int = SIDE, height: int = SIDE) -> Tones:
    """Returns periodic smooth noise with this number of cells, about -1 to 1."""
    cells = np.random.default_rng(seed).uniform(-1, 1, (down, across)).astype(np.float32)
    padded = Image.fromarray(np.pad(cells, 2, mode="wrap"))
    box = (2, 2, 2 + across, 2 + down)
    return _tones(np.asarray(padded.resize((width, height), Image.Resampling.BICUBIC, box=box)) * 1.3)


def _fractal(across: int, down: int, octaves: int, seed: int, width: int = SIDE, height: int = SIDE) -> Tones:
    layers = [
        _noise(min(width, across * 2**k), min(height, down * 2**k), seed + k, width, height) / 2**k
        for k in range(octaves)
    ]
    return np.asarray(sum(layers), np.float32)


def _grid() -> tuple[Tones, Tones]:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    return columns, rows


def _per_cell(across: Tones, down: Tones, seed: int) -> Tones:
    """Returns a random tone for each pair of integers, -1 to 1."""
    table = np.random.default_rng(seed).uniform(-1, 1, (64, 64)).astype(np.float32)
    return _tones(table[down.astype(int) % 64, across.astype(int) % 64])


def _blocks(width: int, height: int, joint: int, seed: int, joint_tone: float, contrast: float) -> Tones:
    columns, rows = _grid()
    row = np.floor(rows / height)
    shifted = columns + (row % 2) * (width / 2)
    tones = contrast * _per_cell(np.floor(shifted / width), row, seed) + 0.16 * _fractal(48, 48, 3, seed)
    bevel = np.minimum(shifted % width, rows % height)
    tones += np.where(bevel < 2.2 * joint, 0.12, 0.0)
    tones[(shifted % width < joint) | (rows % height < joint)] = joint_tone
    return tones.astype(np.float32)


def _wood() -> Tones:
    streaks = _fractal(5, 90, 3, 11) + 0.45 * _noise(20, 420, 15)
    rings = np.sin(10 * _fractal(2, 14, 2, 12))
    return _tones(0.34 * streaks + 0.2 * rings)


def _planks() -> Tones:
    _, rows = _grid()
    plank = np.floor(rows / 114)
    tones = np.roll(_wood(), 300, 1) + 0.3 * _per_cell(plank * 0, plank, 13)
    tones[rows % 114 < 5] = -0.95
    return tones


def _foliage() -> Tones:
    rng = np.random.default_rng(21)
    picture = Image.new("L", (SIDE, SIDE), 70)
    draw = ImageDraw.Draw(picture)
    for step in range(3600):
        x, y = rng.uniform(0, SIDE, 2)
        long, flat = rng.uniform(9, 21), rng.uniform(0.35, 0.6)
        turn = rng.uniform(0, math.pi)
        tone = int(np.clip(40 + step / 3600 * 110 + rng.normal(0, 42), 0, 255))
        along, across = np.array([math.cos(turn), math.sin(turn)]) * long, np.array([-math.sin(turn), math.cos(turn)])
        side = across * long * flat
        corners = [(x - along[0], y - along[1]), (x + side[0], y + side[1]), (x + along[0], y + along[1]),
                   (x - side[0], y - side[1])]  # fmt: skip
        draw.polygon(corners, fill=tone)
    clumps = _fractal(9, 9, 2, 22) * 0.35
    return _tones(np.asarray(picture, np.float32) / 128 - 1 + clumps)


def _marble() -> Tones:
    columns, rows = _grid()
    warp = _fractal(3, 3, 5, 31)
    veins = np.abs(np.sin((columns * 0.7 + rows) / SIDE * 7 + 2.6 * warp))
    thin = np.abs(np.sin((columns - rows * 0.4) / SIDE * 16 + 3.4 * _fractal(4, 4, 4, 36)))
    return _tones(0.12 * warp - 0.75 * np.exp(-veins * 9) - 0.4 * np.exp(-thin * 16))


def _weave() -> Tones:
    columns, rows = _grid()
    threads = 0.22 * np.sin(columns * math.tau / 9) + 0.22 * np.sin(rows * math.tau / 9)
    return _tones(threads + 0.22 * _noise(8, 340, 41) + 0.22 * _noise(340, 8, 42) + 0.3 * _fractal(4, 3, 2, 43))


def _silk() -> Tones:
    columns, rows = _grid()
    folds = np.sin((columns * 0.75 + rows * 0.5) / SIDE * 15 + 2.4 * _noise(3, 3, 51))
    return _tones(0.75 * folds + 0.35 * np.sin((columns * 0.4 - rows * 0.3) / SIDE * 26 + 3 * _noise(4, 4, 52)))


def _concrete() -> Tones:
    tones = 0.34 * _fractal(4, 4, 5, 61) + 0.1 * _noise(420, 420, 62)
    tones[_noise(110, 110, 63) > 1.12] -= 0.5
    return tones


def _rock() -> Tones:
    tones = _fractal(10, 7, 5, 71)
    ridges = 1 - np.abs(_fractal(7, 9, 4, 75)) * 2.2
    return _tones(0.45 * tones + 0.4 * ridges - 0.25)


def _boulders() -> Tones:
    """Returns cracked stone: cells around jittered points, each with a tone, a lit and a dark edge."""
    columns, rows = (axis[::2, ::2] for axis in _grid())
    warp = _fractal(24, 24, 3, 105, SIDE // 2, SIDE // 2)
    across, down = columns / 84 + 0.16 * warp, rows / 46 + 0.16 * np.roll(warp, 100, 0)
    rng = np.random.default_rng(106)
    offsets = rng.uniform(-0.42, 0.42, (2, 64, 64)).astype(np.float32)
    nearest, second = np.full(rows.shape, 9.0, np.float32), np.full(rows.shape, 9.0, np.float32)
    tones, slope = np.zeros(rows.shape, np.float32), np.zeros(rows.shape, np.float32)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            cx, cy = np.floor(across) + dx, np.floor(down) + dy
            index = (cy.astype(int) % 64, cx.astype(int) % 64)
            ox, oy = across - cx - 0.5 - offsets[0][index], down - cy - 0.5 - offsets[1][index]
            away = np.hypot(ox, oy).astype(np.float32)
            closer = away < nearest
            second = np.where(closer, nearest, np.minimum(second, away))
            tones = np.where(closer, offsets[0][index] * 0.7, tones)
            slope = np.where(closer, -0.5 * oy - 0.25 * ox, slope)
            nearest = np.minimum(nearest, away)
    cracked = np.where(second - nearest < 0.07, -0.65, tones + slope).astype(np.float32)
    full = Image.fromarray(cracked).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return _tones(np.asarray(full) + 0.2 * _fractal(40, 40, 3, 107))


def _clouds() -> Tones:
    return _tones(np.clip(1.5 * (_fractal(4, 8, 5, 81) - 0.1), 0, 1))


def _folds() -> Tones:
    columns, _ = _grid()
    return _tones(0.75 * np.sin(columns / SIDE * 120 + 2.5 * _noise(7, 2, 91)))


def _speckles() -> Tones:
    tones = 0.12 * _fractal(60, 60, 3, 96)
    chips = _noise(90, 90, 97)
    tones[chips > 0.85] += 0.6
    tones[chips < -0.85] -= 0.6
    return tones


def _rain() -> Tones:
    streaks = _noise(260, 10, 98) * np.clip(_noise(60, 5, 99), 0, 1)
    return _tones(np.clip(streaks - 0.35, 0, 1))


def _square_tiles() -> Tones:
    columns, rows = _grid()
    tones = 0.16 * _per_cell(np.floor(columns / 70), np.floor(rows / 70), 3) + 0.05 * _fractal(8, 8, 2, 3)
    tones[(columns % 70 < 5) | (rows % 70 < 5)] = 0.7
    return tones


_FLAT: dict[str, Callable[[], Tones]] = {
    "plaster": lambda: 0.4 * _fractal(6, 6, 5, 1),
    "wood": _wood,
    "planks": _planks,
    "boards": lambda: np.ascontiguousarray(_planks().T),
    "brick": lambda: _blocks(98, 37, 5, 2, 0.6, 0.5),
    "tiles": _square_tiles,
    "subway tiles": lambda: _blocks(92, 44, 4, 4, -0.35, 0.14),
    "stones": lambda: _blocks(126, 70, 6, 5, -0.6, 0.45) + 0.15 * _fractal(12, 12, 3, 6),
    "foliage": _foliage,
    "marble": _marble,
    "weave": _weave,
    "silk": _silk,
    "concrete": _concrete,
    "rock": _rock,
    "boulders": _boulders,
    "clouds": _clouds,
    "folds": _folds,
    "speckles": _speckles,
    "rain": _rain,
}


def _perspective() -> tuple[Tones, Tones, Tones]:
    """Returns how far to the right (-12 to 12) and how far away (1 to 6) each texel is, and its nearness (0 to 1)."""
    rows, columns = np.mgrid[0 : SIDE // 2, 0:SIDE].astype(np.float32)
    near = rows / (SIDE // 2 - 1)
    away = 1 / (0.84 * near + 0.16)
    return (columns / SIDE - 0.5) * 4 * away, away, near


def _sampled(tile: Tones, across: Tones, away: Tones) -> Tones:
    down, right = (np.mod(np.floor(axis * _TILE), _TILE).astype(int) for axis in (away, across))
    return _tones(tile[down, right])


def _tile(across: int, down: int, octaves: int, seed: int) -> Tones:
    return _fractal(across, down, octaves, seed, _TILE, _TILE)


def _plank_floor(across: Tones, away: Tones, near: Tones) -> Tones:
    plank = np.floor(across * 2.5)
    along = away * 1.1 + _per_cell(plank, plank * 0, 101) * 3
    tones = 0.34 * _per_cell(plank, np.floor(along) + 20, 102)
    tones += 0.45 * near * _sampled(_tile(90, 6, 3, 103), across * 0.5, away * 0.4)
    tones[np.mod(across * 2.5, 1) < 0.035 + 0.02 * (1 - near)] = -0.75
    tones[np.mod(along, 1) < 0.025] -= 0.4
    return tones


def _tile_floor(across: Tones, away: Tones, near: Tones) -> Tones:
    right, down = np.mod(across * 1.4, 1), np.mod(away * 1.9, 1)
    tones = 0.22 * _per_cell(np.floor(across * 1.4), np.floor(away * 1.9), 111)
    tones += 0.12 * _sampled(_tile(6, 6, 3, 112), across * 0.3, away * 0.3)
    tones[(right < 0.03) | (down < 0.045)] = -0.5
    return tones


def _checks(across: Tones, away: Tones, near: Tones) -> Tones:
    return np.where((np.floor(across * 1.6) + np.floor(away * 2.2)) % 2 == 0, 0.85, -0.85).astype(np.float32)


def _cobbles(across: Tones, away: Tones, near: Tones) -> Tones:
    row = np.floor(away * 7)
    column = across * 5 + (row % 2) * 0.5
    tones = 0.42 * _per_cell(np.floor(column), row, 121) + 0.14
    edge = np.minimum(np.abs(np.mod(column, 1) - 0.5), np.abs(np.mod(away * 7, 1) - 0.5) * 0.9 + 0.05)
    tones[(np.abs(np.mod(column, 1) - 0.5) > 0.43) | (np.abs(np.mod(away * 7, 1) - 0.5) > 0.41)] = -0.55
    return _tones((tones + 0.1 * edge) * (0.35 + 0.65 * near))


def _grass(across: Tones, away: Tones, near: Tones) -> Tones:
    blades = _sampled(_tile(128, 40, 2, 131), across * 0.45, away * 0.9)
    patches = _sampled(_tile(5, 5, 3, 134), across * 0.12, away * 0.2)
    return _tones((0.5 * blades * (0.35 + 0.65 * near)) + 0.3 * patches)


def _leaves(across: Tones, away: Tones, near: Tones) -> Tones:
    tile = np.asarray(Image.fromarray(_foliage()).resize((_TILE, _TILE)))
    return _tones(0.95 * _sampled(tile, across * 0.55, away * 1.2) * (0.35 + 0.65 * near))


def _sand(across: Tones, away: Tones, near: Tones) -> Tones:
    warp = _sampled(_tile(3, 3, 3, 141), across * 0.12, away * 0.25)
    ripples = np.sin(away * 30 + warp * 5 + across * 1.5) * np.clip(near * 2, 0, 1)
    return _tones(0.2 * ripples + 0.2 * warp + 0.12 * near * _sampled(_tile(200, 200, 1, 145), across, away))


def _ripples(across: Tones, away: Tones, near: Tones) -> Tones:
    warp = _sampled(_tile(3, 3, 2, 151), across * 0.1, away * 0.2)
    wave = np.sin(away * 26 + warp * 7 + across * 2.2)
    return _tones(0.62 * wave * np.clip(0.25 + near * 1.6, 0, 1))


def _water(across: Tones, away: Tones, near: Tones) -> Tones:
    swell = _sampled(_tile(7, 40, 3, 161), across * 0.16, away * 0.5)
    return np.where(swell > 0, 0.75, 0.5).astype(np.float32) * swell * (0.3 + 0.7 * near)


def _asphalt(across: Tones, away: Tones, near: Tones) -> Tones:
    grain = _sampled(_tile(240, 240, 1, 171), across * 0.9, away * 1.2) * near
    return _tones(0.2 * grain + 0.22 * _sampled(_tile(4, 4, 4, 172), across * 0.2, away * 0.3))


def _snow(across: Tones, away: Tones, near: Tones) -> Tones:
    return _tones(0.4 * _sampled(_tile(4, 9, 4, 181), across * 0.13, away * 0.3))


def _rows(across: Tones, away: Tones, near: Tones) -> Tones:
    furrows = np.sin(across * 5.5)
    blades = _sampled(_tile(90, 60, 2, 191), across * 0.5, away)
    return _tones(0.6 * furrows + 0.35 * blades * (0.3 + 0.7 * near))


GROUNDS: dict[str, Callable[[Tones, Tones, Tones], Tones]] = {
    "plank floor": _plank_floor,
    "tile floor": _tile_floor,
    "checked floor": _checks,
    "cobbles": _cobbles,
    "grass": _grass,
    "leaf litter": _leaves,
    "sand": _sand,
    "sand ripples": _ripples,
    "water": _water,
    "asphalt": _asphalt,
    "snow": _snow,
    "rows": _rows,
}
