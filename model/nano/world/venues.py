"""Places of work, sport and culture."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import (
    BLACK,
    BRIGHT,
    OAK,
    WHITE,
    books,
    bulbs,
    curtain,
    plant,
    shelf,
    sky,
    steps,
    table,
    window,
)


def stage(b: Backdrop) -> None:
    """Draw a theatre stage with curtains and spotlights."""
    floor = b.rng.uniform(0.66, 0.72)
    cloth = jittered(b.rng, b.rng.choice(((176, 28, 44), (176, 28, 44), (60, 40, 120), (30, 90, 80))))
    b.gradient(0, floor, (0, mixed(cloth, BLACK, 0.6)), (1, mixed(cloth, BLACK, 0.45)))
    b.texture("folds", (0, 0, 1, floor), BLACK, mixed(cloth, WHITE, 0.2), 0.6)
    b.surface("plank floor", floor, (132, 84, 60), strength=0.8)
    for x in (0.3, 0.7):
        aim = x + b.rng.uniform(-0.08, 0.08)
        light = b.rng.choice(((255, 240, 190), (255, 190, 220), (190, 220, 255)))
        b.poly([(x - 0.02, 0), (x + 0.02, 0), (aim + 0.2, 0.86), (aim - 0.2, 0.86)], light, 0.16)
        b.disc(aim, 0.86, 0.2 / b.unit_x, light, 0.3 * b.unit_x, 0.35)
    b.soften(0.006)
    curtain(b, 0, 0.15, floor + 0.06, cloth)
    curtain(b, 0.85, 1, floor + 0.06, cloth)
    for index in range(5):
        b.disc(0.1 + 0.2 * index, 0.02, 0.12 / b.unit_x, mixed(cloth, BLACK, 0.12), 0.75 * b.unit_x)
    b.box(0, 0, 1, 0.04, mixed(cloth, WHITE, 0.1))


def concert(b: Backdrop) -> None:
    """Draw a concert: beams of light, a truss and hands of a crowd far away."""
    floor = b.rng.uniform(0.66, 0.72)
    b.gradient(0, floor, (0, (18, 14, 40)), (1, jittered(b.rng, (80, 40, 110))))
    beams: tuple[Rgb, ...] = ((255, 90, 180), (90, 180, 255), (255, 200, 90), (140, 100, 255), (90, 255, 190))
    for x in (0.06, 0.28, 0.5, 0.72, 0.94):
        colour, aim = b.rng.choice(beams), b.rng.uniform(0.0, 1.0)
        b.poly([(x - 0.008, 0.07), (x + 0.008, 0.07), (aim + 0.11, floor), (aim - 0.11, floor)], colour, 0.32)
        b.poly(
            [(x - 0.003, 0.07), (x + 0.003, 0.07), (aim + 0.035, floor), (aim - 0.035, floor)],
            mixed(colour, WHITE, 0.5),
            0.3,
        )
        b.glow(x, 0.08, 0.09, mixed(colour, WHITE, 0.5))
    b.soften(0.006, floor)
    b.box(0, 0.04, 1, 0.05, (130, 130, 150))
    b.box(0, 0.085, 1, 0.095, (130, 130, 150))
    for x in steps(b, 0.05, 0.05):
        b.line([(x, 0.045), (x + 0.025 * b.unit_x, 0.09), (x + 0.05 * b.unit_x, 0.045)], (110, 110, 130), 0.005)
    for x in (0.04, 0.86):
        for y in (0.42, 0.54):
            b.box(x, y, x + 0.1, y + 0.11, (26, 24, 32))
            b.disc(x + 0.05, y + 0.055, 0.042, (64, 62, 72))
            b.disc(x + 0.05, y + 0.055, 0.02, (34, 32, 40))
    for x in steps(b, 0.035, 0.06):
        b.disc(x, floor, b.rng.uniform(0.02, 0.03), (24, 18, 36))
        if b.rng.random() < 0.35:
            b.line([(x, floor), (x + b.rng.uniform(-0.02, 0.02), floor - 0.09)], (24, 18, 36), 0.016)
    b.surface("plank floor", floor, jittered(b.rng, (66, 50, 78)), strength=0.7)
    b.glow(0.5, floor + 0.1, 0.45, b.rng.choice(beams), 0.5)


def gym(b: Backdrop) -> None:
    """Draw a gym: mirrors, a rack of dumb-bells and a rubber floor."""
    floor = b.rng.uniform(0.64, 0.7)
    wall = jittered(b.rng, b.rng.choice(((96, 102, 112), (206, 208, 210), (70, 74, 80))))
    b.surface(b.rng.choice(("concrete", "brick")), 0, wall, bottom=floor, strength=0.5)
    accent = b.rng.choice(BRIGHT)
    b.box(0, 0.1, 1, 0.14, accent)
    window(b, 0.1, 0.18, 0.9, 0.42, frame=(50, 54, 60), light=((170, 196, 210), (220, 232, 238)), columns=4, rows=1)
    for y in (0.5, floor - 0.04):
        b.box(0.04, y, 0.96, y + 0.02, (46, 48, 54))
        for x in steps(b, 0.13, 0.13, start=0.06, end=0.9):
            size = b.rng.uniform(0.022, 0.034)
            b.box(x, y - size * 0.9, x + 0.085 * b.unit_x, y - size * 0.6, (170, 174, 180))
            for end in (0.0, 0.06):
                b.box(x + end * b.unit_x, y - size * 1.6, x + (end + 0.026) * b.unit_x, y, (34, 34, 40))
                b.box(x + end * b.unit_x, y - size * 1.6, x + (end + 0.006) * b.unit_x, y, accent)
    for x in (0.05, 0.93):
        b.box(x, 0.44, x + 0.02, floor + 0.02, (60, 62, 68))
    b.soften(0.006, floor)
    b.surface(
        b.rng.choice(("asphalt", "plank floor", "tile floor")),
        floor,
        jittered(b.rng, b.rng.choice(((74, 76, 82), (190, 150, 104)))),
        strength=0.8,
    )


def classroom(b: Backdrop) -> None:
    """Draw a classroom: a blackboard with chalk, posters and a desk."""
    top = b.rng.uniform(0.66, 0.72)
    b.surface("plaster", 0, jittered(b.rng, (232, 222, 196)), bottom=top, strength=0.3)
    board = b.rng.choice(((44, 92, 70), (44, 92, 70), (50, 56, 58)))
    b.box(0.1, 0.08, 0.9, 0.5, (160, 116, 72))
    b.shape([(0.12, 0.1), (0.88, 0.1), (0.88, 0.48), (0.12, 0.48)], board, "plaster", 0.4)
    chalk: Rgb = (236, 240, 232)
    for row in range(4):
        x, y = b.rng.uniform(0.16, 0.3), 0.15 + row * 0.08
        for _ in range(b.rng.randint(2, 5)):
            reach = b.rng.uniform(0.03, 0.1)
            b.line([(x + i * reach / 6, y + (0.012 if i % 2 else -0.008)) for i in range(7)], chalk, 0.006)
            x += reach + 0.03
            if x > 0.76:
                break
    b.arc(0.78, 0.24, 0.06, 0, 360, chalk, 0.007)
    b.line([(0.7, 0.42), (0.78, 0.34), (0.84, 0.42), (0.7, 0.42)], (250, 214, 130), 0.007)
    b.box(0.12, 0.49, 0.88, 0.505, (190, 144, 96))
    books(b, 0.02, 0.2, top, 0.12)
    b.disc(0.9, top - 0.08, 0.06, (90, 160, 210))
    b.arc(0.9, top - 0.08, 0.07, 60, 300, (150, 110, 60), 0.008)
    b.box(0.885, top - 0.02, 0.915, top, (150, 110, 60))
    b.soften(0.006, top)
    table(b, top, jittered(b.rng, b.rng.choice(OAK), 6), "wood")


def office(b: Backdrop) -> None:
    """Draw an office: windows with a skyline, a screen, files and a desk."""
    top = b.rng.uniform(0.66, 0.72)
    wall = jittered(b.rng, b.rng.choice(((226, 230, 234), (206, 214, 220), (236, 232, 226), (120, 134, 150))))
    b.surface("plaster", 0, wall, bottom=top, strength=0.25)
    b.gradient(0.08, 0.46, (0, (150, 196, 236)), (1, (220, 234, 244)))
    for x in steps(b, 0.07, 0.12):
        b.box(x, b.rng.uniform(0.2, 0.38), x + 0.09 * b.unit_x, 0.46, jittered(b.rng, (160, 178, 198)))
    b.soften(0.02, 0.46)
    b.box(0, 0, 1, 0.08, mixed(wall, WHITE, 0.4))
    for x in steps(b, 0.3, 0.3):
        b.box(x, 0.06, x + 0.02 * b.unit_x, 0.48, (90, 98, 108))
    b.box(0, 0.46, 1, top, wall)
    b.box(0, 0.45, 1, 0.475, (246, 246, 246))
    x, ux = b.rng.choice((0.2, 0.8)), b.unit_x
    b.box(x - 0.015 * ux, top - 0.08, x + 0.015 * ux, top, (60, 64, 70))
    b.box(x - 0.17 * ux, top - 0.28, x + 0.17 * ux, top - 0.06, (44, 48, 54))
    b.box(x - 0.16 * ux, top - 0.27, x + 0.16 * ux, top - 0.075, jittered(b.rng, (90, 150, 200), 30))
    for bar in range(4):
        b.box(
            x + (-0.12 + bar * 0.06) * ux,
            top - 0.1 - b.rng.uniform(0.02, 0.12),
            x + (-0.085 + bar * 0.06) * ux,
            top - 0.1,
            WHITE,
            0.75,
        )
    other = 1 - x
    for index in range(5):
        colour = b.rng.choice(BRIGHT)
        left = other + (-0.1 + index * 0.042) * ux
        b.box(left, top - 0.16, left + 0.036 * ux, top, mixed(colour, (90, 96, 110), 0.3))
        b.box(left + 0.008 * ux, top - 0.13, left + 0.028 * ux, top - 0.08, WHITE)
    plant(b, other + 0.16 * ux * (1 if other < 0.5 else -1), top, 0.08)
    b.soften(0.007, top)
    table(b, top, jittered(b.rng, b.rng.choice(((236, 236, 234), *OAK[:3]))), "wood", 0.4)


def workshop(b: Backdrop) -> None:
    """Draw a garage workshop: tools on a pegboard and a workbench."""
    top = b.rng.uniform(0.66, 0.72)
    b.surface(
        b.rng.choice(("concrete", "brick", "boards")), 0, jittered(b.rng, (150, 142, 132)), bottom=top, strength=0.6
    )
    board = jittered(b.rng, (202, 164, 112))
    b.box(0.06, 0.1, 0.94, 0.5, mixed(board, BLACK, 0.3))
    b.box(0.07, 0.11, 0.93, 0.49, board)
    for row in range(9):
        for x in steps(b, 0.045, 0.045, start=0.08, end=0.92):
            b.disc(x, 0.135 + row * 0.042, 0.004, mixed(board, BLACK, 0.45))
    steel: Rgb = (170, 176, 182)
    for x in steps(b, 0.12, 0.15, start=0.12, end=0.88):
        handle, tool, ux = b.rng.choice(BRIGHT), b.rng.choice(("hammer", "wrench", "saw", "driver")), b.unit_x
        if tool == "hammer":
            b.line([(x, 0.2), (x, 0.42)], (160, 112, 66), 0.018)
            b.box(x - 0.04 * ux, 0.17, x + 0.04 * ux, 0.21, (90, 94, 100))
        elif tool == "wrench":
            b.line([(x, 0.22), (x, 0.42)], steel, 0.018)
            b.arc(x, 0.19, 0.034, 120, 420, steel, 0.018)
            b.disc(x, 0.42, 0.022, steel)
        elif tool == "saw":
            b.poly(
                [(x - 0.045 * ux, 0.17), (x + 0.045 * ux, 0.17), (x + 0.02 * ux, 0.38), (x - 0.045 * ux, 0.38)], steel
            )
            b.box(x - 0.05 * ux, 0.36, x + 0.03 * ux, 0.43, handle)
        else:
            b.line([(x, 0.18), (x, 0.34)], steel, 0.01)
            b.line([(x, 0.34), (x, 0.43)], handle, 0.03)
    for x in (0.08, 0.82):
        b.box(x, top - 0.13, x + 0.12, top, b.rng.choice(BRIGHT))
        b.box(x + 0.03, top - 0.16, x + 0.09, top - 0.13, (60, 60, 66))
        b.box(x, top - 0.085, x + 0.12, top - 0.075, BLACK, 0.4)
    b.soften(0.006, top)
    table(b, top, jittered(b.rng, b.rng.choice(OAK), 6), "planks", 1.0)


def gallery(b: Backdrop) -> None:
    """Draw a museum: framed paintings under spots on a plain wall."""
    floor = b.rng.uniform(0.66, 0.72)
    wall = jittered(
        b.rng, b.rng.choice(((240, 238, 234), (226, 222, 214), (120, 50, 54), (60, 84, 84), (200, 206, 212)))
    )
    b.surface("plaster", 0, wall, bottom=floor, strength=0.2)
    for x in steps(b, 0.34, 0.42, start=-0.06):
        wide, tall, y, ux = b.rng.uniform(0.2, 0.28) * b.unit_x, b.rng.uniform(0.2, 0.3), 0.14, b.unit_x
        frame: Rgb = b.rng.choice(((196, 154, 80), (60, 48, 40), (236, 232, 226)))
        b.poly(
            [(x + wide * 0.4, 0), (x + wide * 0.6, 0), (x + wide * 1.3, 0.56), (x - wide * 0.3, 0.56)],
            (255, 250, 226),
            0.16,
        )
        b.box(x - 0.014 * ux, y - 0.01, x + wide + 0.02 * ux, y + tall + 0.02, BLACK, 0.3)
        b.box(x - 0.018 * ux, y - 0.018, x + wide + 0.018 * ux, y + tall + 0.018, frame)
        base = b.rng.choice(BRIGHT)
        b.box(x, y, x + wide, y + tall, mixed(base, WHITE, 0.6))
        kind = b.rng.choice(("land", "blocks", "discs"))
        for index in range(5):
            colour = mixed(b.rng.choice(BRIGHT), base, 0.3)
            if kind == "land":
                b.box(x, y + tall * (0.35 + index * 0.13), x + wide, y + tall, mixed(colour, BLACK, 0.1 * index))
            elif kind == "blocks":
                left, up = x + wide * b.rng.uniform(0, 0.7), y + tall * b.rng.uniform(0, 0.7)
                b.box(left, up, left + wide * 0.3, up + tall * 0.3, colour)
            else:
                b.disc(
                    x + wide * b.rng.uniform(0.25, 0.75),
                    y + tall * b.rng.uniform(0.25, 0.75),
                    wide / ux * b.rng.uniform(0.08, 0.22),
                    colour,
                )
    b.box(0, floor - 0.025, 1, floor, mixed(wall, WHITE, 0.5))
    b.soften(0.005, floor)
    b.surface(
        b.rng.choice(("plank floor", "tile floor")),
        floor,
        jittered(b.rng, b.rng.choice((*OAK, (200, 200, 202)))),
        strength=0.7,
    )


def pool(b: Backdrop) -> None:
    """Draw a swimming pool with loungers and palms, tiles in front."""
    horizon = b.rng.uniform(0.36, 0.42)
    sky(b, horizon)
    b.ridge(horizon, 0.12, (70, 130, 80), "foliage", peaks=6, strength=0.8, bottom=horizon + 0.02)
    b.surface("tile floor", horizon, (226, 218, 204), bottom=horizon + 0.09, strength=0.4)
    for x in (0.16, 0.8):
        colour, ux = b.rng.choice(BRIGHT), b.unit_x
        b.line([(x, horizon + 0.05), (x, horizon - 0.14)], (160, 140, 120), 0.008)
        b.poly([(x - 0.13 * ux, horizon - 0.08), (x, horizon - 0.17), (x + 0.13 * ux, horizon - 0.08)], colour)
        b.poly(
            [(x - 0.045 * ux, horizon - 0.08), (x, horizon - 0.17), (x + 0.045 * ux, horizon - 0.08)], (250, 248, 244)
        )
        b.line(
            [(x - 0.1 * ux, horizon + 0.05), (x + 0.06 * ux, horizon + 0.05), (x + 0.12 * ux, horizon)],
            (250, 250, 250),
            0.016,
        )
    b.soften(0.006, horizon + 0.09)
    edge = b.rng.uniform(0.7, 0.76)
    b.surface("water", horizon + 0.08, (46, 178, 214), bottom=edge, strength=0.6, far=0.2)
    b.texture("tile floor", (0, horizon + 0.1, 1, edge), (20, 110, 170), (220, 250, 255), 0.5)
    b.texture("silk", (0, horizon + 0.08, 1, edge), (20, 130, 180), (200, 246, 255), 0.3, 0.6)
    b.box(0, horizon + 0.075, 1, horizon + 0.09, (246, 246, 240))
    b.surface("tile floor", edge, jittered(b.rng, (232, 222, 204)), strength=0.8)
    b.box(0, edge, 1, edge + 0.016, (250, 250, 246))


def stadium(b: Backdrop) -> None:
    """Draw a football pitch with a goal and full stands."""
    field = b.rng.uniform(0.5, 0.56)
    sky(b, 0.2, (70, 110, 190), (190, 214, 240), 0.4)
    b.gradient(0.14, field, (0, (84, 88, 100)), (1, (60, 64, 76)))
    b.texture("speckles", (0, 0.17, 1, field - 0.05), b.rng.choice(BRIGHT), WHITE, 1.6)
    b.texture("speckles", (0, 0.17, 1, field - 0.05), b.rng.choice(BRIGHT), (240, 200, 120), 1.2)
    for y in (0.25, 0.34):
        b.box(0, y, 1, y + 0.014, (70, 74, 86))
    b.box(0, 0.12, 1, 0.17, (206, 210, 216))
    b.soften(0.008, field)
    for x in (0.08, 0.92):
        b.line([(x, 0.2), (x, 0.02)], (140, 144, 150), 0.012)
        b.box(x - 0.06, 0.0, x + 0.06, 0.05, (250, 250, 240))
        b.glow(x, 0.03, 0.2, (255, 255, 240), 0.8)
    for x in steps(b, 0.25, 0.25):
        b.box(x, field - 0.05, x + 0.24 * b.unit_x, field, b.rng.choice(BRIGHT))
    b.surface("grass", field, jittered(b.rng, (66, 146, 62)), strength=0.9)
    for band in range(4):
        y0, y1 = (field + (1 - field) * ((band * 2 + k) / 8) ** 1.5 for k in (0, 1))
        b.box(0, y0, 1, y1, WHITE, 0.09)
    x, ux = b.rng.choice((0.22, 0.5, 0.78)), b.unit_x
    for line in (
        [
            (x - 0.2 * ux, field + 0.03),
            (x - 0.2 * ux, field - 0.12),
            (x + 0.2 * ux, field - 0.12),
            (x + 0.2 * ux, field + 0.03),
        ],
    ):
        for mesh in range(11):
            mx = x + (-0.2 + mesh * 0.04) * ux
            b.line([(mx, field - 0.12), (mx, field + 0.02)], (226, 230, 232), 0.002)
        for mesh in range(4):
            b.line(
                [(x - 0.2 * ux, field - 0.09 + mesh * 0.035), (x + 0.2 * ux, field - 0.09 + mesh * 0.035)],
                (226, 230, 232),
                0.002,
            )
        b.line(line, WHITE, 0.012)
    b.box(0, field + 0.03, 1, field + 0.036, WHITE)
    y = field + 0.17
    b.poly([(0, y), (1, y), (1, y + 0.016), (0, y + 0.016)], (244, 248, 244))


def loft(b: Backdrop) -> None:
    """Draw a brick wall over a wooden floor."""
    floor = b.rng.uniform(0.68, 0.74)
    brick = jittered(b.rng, b.rng.choice(((182, 90, 66), (168, 100, 80), (206, 202, 196), (120, 74, 62))))
    b.surface("brick", 0, brick, bottom=floor, strength=0.8, far=0.1)
    b.glow(b.rng.random(), 0.15, 0.5, (255, 236, 200), 0.4)
    if b.rng.random() < 0.3:
        bulbs(b, 0.06, 0.08, ((255, 214, 140),), count=11)
    b.box(0, floor - 0.03, 1, floor, (236, 232, 226))
    b.surface("plank floor", floor, jittered(b.rng, b.rng.choice(OAK), 6), strength=0.8)
    b.fade(floor, floor + 0.04, BLACK, 0.3, 0.0)


def garage(b: Backdrop) -> None:
    """Draw a garage with a rolling door and a concrete floor."""
    floor = b.rng.uniform(0.66, 0.72)
    wall = jittered(b.rng, (186, 186, 184))
    b.surface("concrete", 0, wall, bottom=floor, strength=0.6)
    door = jittered(b.rng, b.rng.choice(((226, 228, 228), (120, 130, 140), (70, 100, 130))))
    b.box(0.14, 0.14, 0.86, floor, door)
    for row in range(9):
        y = 0.14 + (floor - 0.14) * row / 9
        b.box(0.14, y, 0.86, y + 0.012, mixed(door, BLACK, 0.3))
        b.box(0.14, y + 0.012, 0.86, y + 0.02, mixed(door, WHITE, 0.4))
    b.box(0, 0, 1, 0.03, (120, 122, 124))
    for x in (0.07, 0.93):
        for ring in range(3):
            y = floor - 0.05 - ring * 0.075
            b.disc(x, y, 0.075, (40, 40, 44), 0.5)
            b.disc(x, y - 0.01, 0.04, (90, 92, 96), 0.4)
    shelf(b, 0.0, 0.13, 0.34, (120, 90, 60))
    b.soften(0.006, floor)
    b.surface("tile floor", floor, jittered(b.rng, (160, 160, 158)), strength=0.3)
    b.texture("concrete", (0, floor, 1, 1), BLACK, WHITE, 0.35)
