"""Colour grades ("looks"). They apply to backgrounds only, so that items keep their colours."""

from PIL import Image

_Matrix = tuple[float, float, float, float, float, float, float, float, float, float, float, float]
_LUMA = (0.299, 0.587, 0.114)


def _tinted(saturation: float, gain: tuple[float, float, float], lift: tuple[float, float, float]) -> _Matrix:
    """Returns a 3 x 4 colour matrix: saturation around luma, then gain and lift (in levels) for each channel."""
    rows: list[float] = []
    for channel in range(3):
        for source in range(3):
            keep = saturation if source == channel else 0.0
            rows.append(gain[channel] * (keep + (1 - saturation) * _LUMA[source]))
        rows.append(lift[channel])
    a, b, c, d, e, f, g, h, i, j, k, m = rows
    return (a, b, c, d, e, f, g, h, i, j, k, m)


_MATRICES: dict[str, _Matrix] = {
    "dawn": _tinted(0.65, (0.86, 0.66, 0.7), (56, 38, 50)),
    "golden": _tinted(0.7, (1.02, 0.84, 0.5), (30, 16, 0)),
    "night": _tinted(0.5, (0.3, 0.38, 0.62), (0, 4, 22)),
    "noir": _tinted(0.0, (1.1, 1.1, 1.1), (-14, -14, -14)),
    "sepia": _tinted(0.0, (0.96, 0.78, 0.54), (26, 14, 4)),
    "pastel": _tinted(0.6, (0.5, 0.5, 0.5), (124, 122, 130)),
    "mint": _tinted(0.4, (0.66, 0.8, 0.7), (34, 58, 46)),
    "vivid": _tinted(1.75, (1.05, 1.05, 1.05), (-6, -6, -6)),
    "faded": _tinted(0.4, (0.62, 0.6, 0.56), (66, 64, 66)),
    "crimson": _tinted(0.35, (0.96, 0.42, 0.4), (36, 2, 8)),
}
GRADES = ("none", *_MATRICES, "neon")
_NEON = [
    bytes(round(a + (b - a) * min(1.0, v / 128) if v < 128 else b + (c - b) * (v - 128) / 127) for v in range(256))
    for a, b, c in ((24, 232, 90), (6, 40, 240), (64, 190, 255))
]


def grade(picture: Image.Image, name: str) -> Image.Image:
    """Returns an RGB picture with the look of this name. Raises ValueError for an unknown name."""
    if name == "none":
        return picture
    if name == "neon":
        luma = picture.convert("L")
        return Image.merge("RGB", [luma.point(list(table)) for table in _NEON])
    if name not in _MATRICES:
        raise ValueError(f"grade: unknown look {name!r}; allowed: {', '.join(GRADES)}")
    return picture.convert("RGB", _MATRICES[name])
