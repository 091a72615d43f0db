"""Plain grounds, rendered by renderers of known quality."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.grounds import GROUNDS, border_colour, measure_grounds


class PlainRenderer:
    """Renders the colour that each prompt asks for, with an error of 6 levels in red, around something black."""

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        pictures = []
        for request in requests:
            red, green, blue = next(colour for words, colour in GROUNDS if request.prompt.endswith(words))
            picture = Image.new("RGB", (request.width, request.height), (red - 6, green, blue))
            picture.paste((0, 0, 0), (16, 16, 48, 64))
            pictures.append(picture)
        return pictures


def test_the_ground_is_measured_at_the_borders(brand: Brand) -> None:
    figures, pictures = measure_grounds(PlainRenderer(), brand, 64, 4)
    assert figures == {"white": 2.0, "hex colours": 2.0}
    assert list(border_colour(pictures[0])) == [249, 255, 255]
