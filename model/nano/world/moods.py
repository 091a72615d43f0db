"""Blurred grounds for places that have no drawing of their own, by mood: soft shapes and a clean floor."""

from collections.abc import Callable
from dataclasses import dataclass

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import BLACK, GREENS, WHITE, lights


@dataclass(frozen=True, slots=True)
class Mood:
    """What a blurred ground is made of.

    walls: colours of the background. shapes: colours of what stands in it. lights: colours of blurred lights. floors:
    textures and colours of the floor. land: the texture of hills and trees behind, empty indoors.
    """

    walls: tuple[Rgb, ...]
    shapes: tuple[Rgb, ...]
    lights: tuple[Rgb, ...]
    floors: tuple[tuple[str, Rgb], ...]
    land: str = ""


_WARM: tuple[Rgb, ...] = ((255, 214, 140), (255, 190, 110), (255, 236, 190))
_MOODS: dict[str, Mood] = {
    "mood warm indoor": Mood(
        ((176, 130, 96), (206, 170, 130), (150, 100, 78), (196, 150, 120)),
        ((110, 72, 50), (226, 190, 140), (160, 70, 54), (90, 100, 70), (240, 220, 180)),
        _WARM,
        (("planks", (166, 116, 76)), ("plank floor", (150, 104, 70)), ("wood", (186, 140, 96))),
    ),
    "mood cool indoor": Mood(
        ((196, 206, 214), (170, 186, 200), (214, 222, 226), (140, 160, 176)),
        ((110, 126, 140), (240, 244, 246), (90, 130, 150), (176, 190, 200), (150, 200, 206)),
        ((240, 248, 255), (206, 232, 250)),
        (("tile floor", (206, 212, 216)), ("plaster", (220, 226, 230)), ("concrete", (176, 182, 188))),
    ),
    "mood green outdoor": Mood(
        ((190, 216, 160), (150, 190, 130), (206, 226, 190)),
        (*GREENS, (160, 190, 100), (110, 90, 60)),
        ((230, 246, 190), (250, 250, 220)),
        (("grass", (106, 156, 74)), ("leaf litter", (110, 120, 66)), ("plank floor", (160, 124, 86))),
        land="foliage",
    ),
    "mood blue outdoor": Mood(
        ((120, 180, 232), (160, 206, 240), (100, 160, 206)),
        ((70, 120, 170), (226, 240, 250), (120, 160, 180), (60, 140, 180)),
        ((250, 252, 255),),
        (
            ("water", (70, 140, 190)),
            ("sand", (222, 206, 170)),
            ("plank floor", (170, 150, 130)),
            ("snow", (226, 236, 246)),
        ),
        land="clouds",
    ),
    "mood warm outdoor": Mood(
        ((240, 190, 140), (226, 150, 110), (250, 214, 160)),
        ((190, 100, 66), (150, 76, 56), (226, 160, 100), (170, 120, 80)),
        ((255, 236, 180),),
        (
            ("sand", (206, 146, 94)),
            ("sand", (190, 104, 70)),
            ("sand ripples", (214, 170, 110)),
            ("cobbles", (176, 130, 96)),
        ),
        land="rock",
    ),
    "mood urban": Mood(
        ((176, 182, 190), (150, 158, 170), (200, 196, 190)),
        ((96, 104, 116), (130, 120, 112), (206, 210, 214), (170, 120, 96), (70, 78, 90)),
        ((255, 240, 206), (240, 110, 90)),
        (("asphalt", (120, 120, 124)), ("tile floor", (170, 168, 164)), ("cobbles", (150, 146, 140))),
    ),
    "mood dark": Mood(
        ((34, 32, 50), (26, 34, 52), (46, 34, 42), (24, 40, 44)),
        ((60, 56, 80), (20, 20, 30), (80, 60, 70), (50, 76, 90)),
        ((120, 150, 220), (200, 120, 190), (230, 190, 120), (90, 190, 200)),
        (("concrete", (66, 64, 76)), ("plank floor", (72, 58, 56)), ("asphalt", (54, 56, 68))),
    ),
    "mood bright": Mood(
        ((240, 240, 236), (244, 236, 226), (232, 240, 244)),
        ((250, 250, 248), (226, 220, 210), (206, 222, 210), (240, 222, 214)),
        ((255, 255, 255),),
        (
            ("plaster", (242, 240, 236)),
            ("marble", (240, 240, 240)),
            ("wood", (230, 212, 186)),
            ("weave", (238, 232, 224)),
        ),
    ),
    "mood festive": Mood(
        ((120, 40, 60), (60, 40, 110), (176, 90, 50), (30, 80, 90)),
        ((200, 60, 80), (240, 180, 80), (110, 70, 160), (60, 140, 130)),
        ((255, 220, 120), (255, 130, 150), (130, 220, 255), (190, 255, 170), (255, 170, 90)),
        (("wood", (120, 76, 60)), ("plank floor", (110, 70, 66)), ("plaster", (96, 60, 90))),
    ),
}
MOODS: tuple[str, ...] = tuple(_MOODS)


def drawn_mood(name: str) -> Callable[[Backdrop], None]:
    """Returns the function that draws a mood. Raises KeyError for an unknown name."""
    mood = _MOODS[name]

    def draw(b: Backdrop) -> None:
        _draw(b, mood)

    return draw


def _draw(b: Backdrop, mood: Mood) -> None:
    top, wall = b.rng.uniform(0.6, 0.72), jittered(b.rng, b.rng.choice(mood.walls))
    b.gradient(
        0, top, (0, mixed(wall, WHITE, b.rng.uniform(0.0, 0.3))), (1, mixed(wall, BLACK, b.rng.uniform(0.0, 0.15)))
    )
    blob = 0.2
    if mood.land:
        blob = 0.85
        for drop in (0.1, 0.0):
            tone = mixed(wall, jittered(b.rng, b.rng.choice(mood.shapes)), b.rng.uniform(0.4, 0.9))
            b.ridge(
                top - drop, b.rng.uniform(0.1, 0.4), tone, mood.land, peaks=b.rng.randint(2, 6), rough=0.4, bottom=top
            )
    for _ in range(b.rng.randint(2, 6) if mood.land else b.rng.randint(7, 13)):
        x, wide, tall = b.rng.random(), b.rng.uniform(0.04, 0.2) * b.unit_x, b.rng.uniform(0.12, 0.56)
        tone = mixed(wall, jittered(b.rng, b.rng.choice(mood.shapes)), b.rng.uniform(0.5, 0.95))
        roll = b.rng.random()
        if roll < blob:
            b.disc(x, top - tall * 0.5, wide / b.unit_x * 1.1, tone)
        elif roll < 0.85:
            b.box(x - wide, top - tall, x + wide, top, tone)
            b.box(x + wide * 0.5, top - tall, x + wide, top, mixed(tone, BLACK, 0.18))
        else:
            b.box(x - wide, top - tall - 0.12, x + wide, top - tall, mixed(tone, WHITE, 0.5))
    blur = b.rng.uniform(0.024, 0.044)
    b.soften(blur, top)
    b.soften(blur * 0.8, top)
    if b.rng.random() < 0.7:
        lights(b, b.rng.randint(5, 16), mood.lights, 0.0, top - 0.06, 0.015, 0.055)
        b.soften(0.008, top)
    b.glow(b.rng.random(), b.rng.uniform(0.0, 0.3), 0.5, mood.lights[0], 0.4)
    kind, floor = b.rng.choice(mood.floors)
    b.fade(top - 0.04, top, BLACK, 0.0, 0.15)
    b.surface(kind, top, jittered(b.rng, floor), strength=0.6, far=0.15)
    b.glow(b.rng.uniform(0.3, 0.7), top + 0.08, 0.4, mixed(floor, WHITE, 0.6), 0.4)
