"""The product kinds as data: the shapes of the body, which carries the pattern, and the shapes under and over it."""

from dataclasses import dataclass

from brandpress.model.nano.world.shapes import Shape

Painted = tuple[str, Shape]
"""A paint and a shape. Paints: body, second (the pattern's colour), dark and light (shades of the body), metal, ink,
glass, paper, glow."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A product kind on a canvas of 100 x 100 units.

    nouns: the words for it in captions; the first is its name, and repeated ones are drawn more often. logo: centre x,
    y and radius. round: shaded like a cylinder.
    """

    nouns: tuple[str, ...]
    body: tuple[Shape, ...]
    under: tuple[Painted, ...]
    over: tuple[Painted, ...]
    logo: tuple[float, float, float]
    round: bool = False


KINDS: tuple[Kind, ...] = (
    Kind(
        ("mug", "mug", "coffee mug", "cup"),
        (("box", 14, 16, 72, 92, 9),),
        (("dark", ("ring", 56, 30, 96, 76, 9)),),
        (("light", ("ellipse", 14, 10, 72, 26)), ("ink", ("ellipse", 19, 13, 67, 24))),
        (43, 58, 16),
        True,
    ),
    Kind(
        ("bottle", "bottle", "water bottle"),
        (
            ("poly", (40, 18), (60, 18), (61, 30), (72, 44), (72, 94), (28, 94), (28, 44), (39, 30)),
            ("box", 28, 84, 72, 98, 6),
        ),
        (),
        (("second", ("box", 38, 3, 62, 19, 4)),),
        (50, 68, 14),
        True,
    ),
    Kind(
        ("can", "can", "soda can", "drink can"),
        (("box", 25, 12, 75, 90, 5),),
        (("metal", ("box", 29, 80, 71, 96, 5)), ("metal", ("box", 29, 5, 71, 24, 5))),
        (
            ("metal", ("ellipse", 27, 3, 73, 15)),
            ("glass", ("ellipse", 33, 5, 67, 13)),
            ("ink", ("ellipse", 45, 7, 58, 11)),
        ),
        (50, 52, 15),
        True,
    ),
    Kind(
        ("box", "box", "gift box", "package"),
        (("poly", (8, 34), (62, 34), (62, 94), (8, 94)),),
        (
            ("dark", ("poly", (62, 34), (92, 16), (92, 76), (62, 94))),
            ("light", ("poly", (8, 34), (38, 16), (92, 16), (62, 34))),
        ),
        (),
        (35, 64, 16),
    ),
    Kind(
        ("bag", "bag", "shopping bag", "tote bag"),
        (("poly", (14, 34), (86, 34), (90, 96), (10, 96)),),
        (("dark", ("ring", 30, 4, 70, 66, 6)),),
        (("dark", ("poly", (14, 34), (86, 34), (86.4, 40), (13.6, 40))),),
        (50, 68, 16),
    ),
    Kind(
        ("cap", "cap", "baseball cap"),
        (("poly", (10, 70), (12, 50), (20, 36), (34, 27), (48, 25), (60, 29), (70, 40), (75, 56), (75, 70)),),
        (("second", ("poly", (60, 62), (82, 62), (98, 72), (97, 80), (70, 74), (44, 72))),),
        (("second", ("ellipse", 43, 20, 52, 28)), ("dark", ("line", 3, (10, 69), (75, 69)))),
        (42, 50, 12),
    ),
    Kind(
        ("t-shirt", "t-shirt", "shirt", "tee"),
        (
            (
                "poly",
                (34, 10),
                (66, 10),
                (80, 16),
                (98, 38),
                (84, 50),
                (76, 42),
                (76, 94),
                (24, 94),
                (24, 42),
                (16, 50),
                (2, 38),
                (20, 16),
            ),
        ),
        (),
        (("dark", ("ellipse", 36, 3, 64, 21)),),
        (50, 52, 15),
    ),
    Kind(
        ("phone", "phone", "smartphone"),
        (("box", 26, 3, 74, 97, 9),),
        (),
        (
            ("ink", ("box", 31, 8, 51, 30, 5)),
            ("glass", ("ellipse", 34, 11, 42, 19)),
            ("glass", ("ellipse", 40, 19, 48, 27)),
        ),
        (50, 60, 14),
    ),
    Kind(
        ("sneaker", "sneaker", "shoe", "trainer"),
        (("poly", (6, 34), (16, 30), (24, 38), (40, 34), (50, 42), (66, 54), (88, 58), (96, 68), (96, 76), (6, 76)),),
        (),
        (
            ("paper", ("box", 4, 72, 98, 84, 5)),
            ("second", ("line", 3.5, (41, 40), (33, 50))),
            ("second", ("line", 3.5, (50, 46), (42, 56))),
            ("second", ("line", 3.5, (59, 52), (52, 61))),
        ),
        (22, 58, 10),
    ),
    Kind(
        ("jar", "jar", "jam jar", "cookie jar"),
        (("box", 17, 26, 83, 96, 16),),
        (("glass", ("box", 26, 18, 74, 34, 3)),),
        (("second", ("box", 21, 5, 79, 24, 5)),),
        (50, 62, 17),
        True,
    ),
    Kind(
        ("backpack", "backpack", "rucksack", "school bag"),
        (("box", 18, 12, 82, 96, 22),),
        (
            ("dark", ("ring", 36, 2, 64, 28, 5)),
            ("dark", ("box", 8, 44, 26, 92, 8)),
            ("dark", ("box", 74, 44, 92, 92, 8)),
        ),
        (("second", ("box", 28, 58, 72, 90, 8)), ("dark", ("line", 2.5, (30, 67), (70, 67)))),
        (50, 38, 14),
    ),
    Kind(
        ("candle", "candle", "scented candle"),
        (("box", 26, 38, 74, 96, 6),),
        (),
        (
            ("light", ("ellipse", 26, 33, 74, 46)),
            ("ink", ("line", 2.5, (50, 40), (50, 29))),
            ("glow", ("poly", (50, 3), (58, 18), (57, 28), (50, 33), (43, 28), (42, 18))),
            ("paper", ("ellipse", 46.5, 19, 53.5, 31)),
        ),
        (50, 68, 14),
        True,
    ),
    Kind(
        ("notebook", "notebook", "journal", "book"),
        (("box", 22, 5, 84, 95, 5),),
        (("paper", ("box", 26, 8, 89, 98, 4)),),
        (("dark", ("box", 22, 5, 32, 95, 4)), ("second", ("box", 74, 5, 78, 95, 0))),
        (53, 46, 15),
    ),
    Kind(
        ("watch", "watch", "wristwatch"),
        (("box", 36, 2, 64, 98, 5),),
        (),
        (
            ("metal", ("ellipse", 22, 22, 78, 78)),
            ("paper", ("ellipse", 28, 28, 72, 72)),
            ("ink", ("line", 4, (50, 50), (50, 34))),
            ("ink", ("line", 4, (50, 50), (61, 56))),
            ("metal", ("box", 77, 46, 84, 54, 2)),
        ),
        (50, 89, 6),
    ),
    Kind(
        ("teapot", "teapot", "tea pot"),
        (("ellipse", 20, 30, 78, 92),),
        (
            ("dark", ("ring", 2, 38, 40, 80, 7)),
            ("body", ("poly", (68, 76), (70, 56), (82, 46), (86, 32), (97, 32), (92, 50), (84, 70))),
        ),
        (
            ("second", ("ellipse", 34, 25, 64, 38)),
            ("second", ("ellipse", 43, 15, 55, 28)),
            ("dark", ("box", 34, 89, 64, 95, 2)),
        ),
        (49, 62, 14),
        True,
    ),
    Kind(
        ("lamp", "lamp", "table lamp", "desk lamp"),
        (("poly", (32, 6), (68, 6), (88, 54), (12, 54)),),
        (("metal", ("box", 46, 50, 54, 92, 2)), ("metal", ("ellipse", 26, 84, 74, 98))),
        (("light", ("line", 2.5, (13, 53), (87, 53))),),
        (50, 33, 12),
    ),
    Kind(
        ("paper cup", "paper cup", "coffee cup", "to-go cup"),
        (("poly", (24, 18), (76, 18), (68, 97), (32, 97)),),
        (),
        (("paper", ("box", 20, 11, 80, 21, 3)), ("paper", ("box", 27, 3, 73, 14, 4))),
        (50, 56, 14),
        True,
    ),
    Kind(
        ("tube", "tube", "cream tube", "lotion tube"),
        (("poly", (24, 3), (76, 3), (66, 80), (34, 80)),),
        (("second", ("box", 37, 78, 63, 97, 3)),),
        (("dark", ("line", 2.5, (25, 9), (75, 9))),),
        (50, 38, 13),
        True,
    ),
)
