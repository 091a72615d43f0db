"""Random silhouettes for things, as parts: signed distances in units of half the canvas, negative inside.

Distance formulas after https://iquilezles.org/articles/distfunctions2d/. Legend: S the canvas's side in pixels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brandpress.model.nano.world.textures import Canvas, Field, pick


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a thing.

    distance: signed distance to its edge, SS. bulge: width of the rounded rim in canvas units, large for a ball. role:
    body, trim (a second material), dark, white, or
    shaded and lit (the sides of a box). across: SS, -1 to 1 from the left edge to the right
    one for surfaces of revolution, otherwise None. labelled: whether it may carry a label.
    """

    distance: Field
    bulge: float
    role: str
    across: Field | None = None
    labelled: bool = False


def _length(x: Field, y: Field) -> Field:
    return np.asarray(np.sqrt(x * x + y * y))  # three times as fast as np.hypot


def ellipse(canvas: Canvas, x: float, y: float, a: float, b: float, angle: float = 0.0) -> Field:
    """Returns the approximate distance to an ellipse with half axes a and b, turned by `angle` radians."""
    dx, dy = canvas.x - np.float32(x), canvas.y - np.float32(y)
    if angle:
        c, s = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        dx, dy = c * dx + s * dy, c * dy - s * dx
    k = _length(dx / np.float32(a), dy / np.float32(b))
    slope = _length(dx / np.float32(a * a), dy / np.float32(b * b))
    tiny = np.float32(1e-4)  # both vanish in the centre
    return np.asarray((k - 1) * (k + tiny) / (slope + tiny / np.float32(min(a, b))))


def box(canvas: Canvas, x: float, y: float, a: float, b: float, radius: float, taper: float = 0.0) -> Field:
    """Returns the distance to a rounded box with half sides a and b. taper: how much wider the bottom is."""
    dx, dy = np.abs(canvas.x - np.float32(x)), canvas.y - np.float32(y)
    qx = dx - np.float32(a - radius) - np.float32(taper) * dy
    qy = np.abs(dy) - np.float32(b - radius)
    outside = _length(np.maximum(qx, 0), np.maximum(qy, 0))
    return np.asarray(outside + np.minimum(np.maximum(qx, qy), 0) - np.float32(radius))


def limb(canvas: Canvas, start: tuple[float, float], end: tuple[float, float], thick: float, thin: float) -> Field:
    """Returns the distance to a tapered capsule from `start` to `end`."""
    px, py = canvas.x - np.float32(start[0]), canvas.y - np.float32(start[1])
    ex, ey = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    share = np.clip((px * ex + py * ey) / (ex * ex + ey * ey + np.float32(1e-6)), 0, 1)
    return np.asarray(_length(px - share * ex, py - share * ey) - (thick + share * np.float32(thin - thick)))


def joined(first: Field, second: Field, roundness: float) -> Field:
    """Returns the union of two distances with a rounded joint."""
    overlap = np.maximum(np.float32(roundness) - np.abs(first - second), 0)
    return np.asarray(np.minimum(first, second) - overlap * overlap / np.float32(4 * roundness))


def _revolved(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a bottle, can, jar, vase, cup, lamp or the like: a random profile, cut into parts along its axis."""
    count = int(rng.integers(3, 7))
    heights = np.sort(np.concatenate([[-0.96, 0.96], rng.uniform(-0.9, 0.9, count)]))
    widths = np.abs(np.cumsum(rng.normal(0, 0.16, count + 2)) + rng.uniform(0.3, 0.7)).clip(0.1, 0.85)
    if rng.random() < 0.4:  # straight, such as a can or a tumbler
        widths = np.linspace(widths[0], widths[0] * rng.uniform(0.7, 1.3), count + 2).clip(0.15, 0.85)
    if rng.random() < 0.55:  # a neck
        widths[0] = widths[1] = rng.uniform(0.1, 0.3)
    rows = np.linspace(-1, 1, 128)
    profile = np.interp(rows, heights, widths)
    if rng.random() < 0.6:
        weights = np.hanning(int(pick(rng, (7, 13, 21))))
        profile = np.convolve(np.pad(profile, len(weights) // 2, "edge"), weights / weights.sum(), "valid")
    row = canvas.y[:, 0]
    width = np.interp(row, rows, profile).astype(np.float32)[:, None]
    slope = np.gradient(width[:, 0], row).astype(np.float32)[:, None]
    side = (np.abs(canvas.x) - width) / np.sqrt(1 + slope * slope)
    tilt = np.float32(rng.uniform(0.02, 0.09)) * canvas.x**2 / np.maximum(width, np.float32(0.1))
    y = canvas.y - tilt  # seen slightly from above
    across = canvas.x / width
    cuts = [-0.9, *sorted(rng.uniform(-0.75, 0.8, int(rng.integers(0, 4)))), 0.88]
    roles = ["body", *(pick(rng, ("trim", "body", "trim", "white", "dark")) for _ in cuts[2:])]
    rng.shuffle(roles)
    if len(roles) == 1:
        roles = ["body"]
    parts: list[Part] = []
    for top, bottom, role in zip(cuts, cuts[1:], roles, strict=False):
        step = np.float32(rng.uniform(0, 0.05) if rng.random() < 0.4 else 0)  # a lid or a ring is wider or narrower
        distance = np.maximum(side + step, np.maximum(np.float32(top) - y, y - np.float32(bottom)))
        parts.append(Part(distance, 0.03, role, across, labelled=bottom - top > 0.5))
    if rng.random() < 0.25:  # a handle
        x, height = float(np.interp(0.1, rows, profile)), rng.uniform(0.25, 0.45)
        ring = np.abs(ellipse(canvas, x, 0.1, max(0.12, min(0.3, 0.88 - x)), height))
        parts.insert(0, Part(ring - np.float32(rng.uniform(0.04, 0.08)), 0.06, "body"))
    if rng.random() < 0.3:  # an opening
        width_there = float(np.interp(cuts[0], rows, profile))
        parts.append(Part(ellipse(canvas, 0, cuts[0] + 0.02, width_there * 0.93, 0.07), 0.02, "dark"))
    return parts


def _package(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a box, book, screen or appliance, seen from the front or with a side and a top."""
    a, b = rng.uniform(0.35, 0.75), rng.uniform(0.35, 0.85)
    depth = rng.uniform(0.08, 0.28) if rng.random() < 0.6 else 0.0
    radius = rng.uniform(0.0, 0.25) * min(a, b) if not depth else 0.01
    x, y = -depth * 0.5, depth * 0.35
    parts = []
    if depth:
        skewed_y = canvas.y + (canvas.x - np.float32(x + a)) * np.float32(0.6)
        side = np.maximum(
            np.abs(canvas.x - np.float32(x + a + depth / 2)) - np.float32(depth / 2),
            np.abs(skewed_y - np.float32(y)) - np.float32(b),
        )
        skewed_x = canvas.x + (canvas.y - np.float32(y - b)) / np.float32(0.6)
        lid = np.maximum(
            np.abs(canvas.y - np.float32(y - b - depth * 0.3)) - np.float32(depth * 0.3),
            np.abs(skewed_x - np.float32(x)) - np.float32(a),
        )
        parts += [Part(side, 0.001, "shaded"), Part(lid, 0.001, "lit")]
    front = box(canvas, x, y, a, b, radius + 0.005, rng.uniform(-0.12, 0.12) if not depth else 0.0)
    parts.append(Part(front, pick(rng, (0.01, 0.05, 0.2)), "body", labelled=True))
    for _ in range(int(rng.integers(0, 4))):  # a window, a pocket, buttons
        s, t = rng.uniform(0.08, 0.8) * a, rng.uniform(0.05, 0.6) * b
        u, v = x + rng.uniform(-1, 1) * (a - s) * 0.85, y + rng.uniform(-1, 1) * (b - t) * 0.85
        inner = (
            ellipse(canvas, u, v, min(s, t), min(s, t))
            if rng.random() < 0.35
            else box(canvas, u, v, s, t, min(s, t) * rng.uniform(0, 0.5))
        )
        parts.append(Part(inner, 0.02, pick(rng, ("trim", "dark", "white", "trim"))))
    return parts


def _ball(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a superellipse, such as a ball, a cushion, a bar of soap or a fruit, often with a stem or a band."""
    a, b = rng.uniform(0.5, 0.95), rng.uniform(0.5, 0.95)
    power = np.float32(pick(rng, (1.6, 2.0, 2.0, 2.6, 4.0, 6.0)))
    k = (np.abs(canvas.x / np.float32(a)) ** power + np.abs(canvas.y / np.float32(b)) ** power) ** (1 / power)
    distance = (k - 1) * np.float32(min(a, b))
    parts = [Part(distance, rng.uniform(0.2, 0.9) * min(a, b), "body", labelled=True)]
    if rng.random() < 0.3:
        parts.insert(0, Part(limb(canvas, (0, -b * 0.8), (rng.uniform(-0.2, 0.2), -0.97), 0.05, 0.03), 0.05, "dark"))
    if rng.random() < 0.25:
        band = np.abs(canvas.y - np.float32(rng.uniform(-0.4, 0.4))) - np.float32(rng.uniform(0.06, 0.2))
        parts.append(Part(np.maximum(band, distance), 0.04, "trim"))
    return parts


def _blob(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a random outline in polar coordinates: a stone, a leaf, a flower, a splash."""
    turns = np.linspace(0, 2 * math.pi, 181)
    radius = np.ones_like(turns)
    if rng.random() < 0.35:  # petals, points, gears
        count, depth = int(rng.integers(3, 13)), rng.uniform(0.05, 0.35)
        wave = np.cos(turns * count)
        radius += depth * (np.sign(wave) * np.abs(wave) ** pick(rng, (0.3, 1.0, 1.0, 2.0)))
    else:
        for order in range(1, 7):
            radius += rng.normal(0, 0.2) / order * np.cos(order * turns + rng.uniform(0, 6.3))
    radius = radius.clip(0.25, None)
    radius *= 0.94 / radius.max()
    squeeze = np.float32(rng.uniform(0.6, 1))
    x = canvas.x / squeeze
    away = _length(x, canvas.y)
    angle = np.arctan2(canvas.y, x)
    edge = np.interp(angle % np.float32(2 * math.pi), turns, radius).astype(np.float32)
    distance = (away - edge) * np.float32(0.85)
    parts = [Part(distance, pick(rng, (0.04, 0.15, 0.5)), "body", labelled=True)]
    if rng.random() < 0.35:
        parts.append(Part(distance + np.float32(rng.uniform(0.12, 0.35)), 0.05, "trim"))
    return parts


def _bag(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a bag, a basket, a lamp shade, a pot or a garment: a tapered box with handles, straps or sleeves."""
    a, b = rng.uniform(0.45, 0.75), rng.uniform(0.35, 0.65)
    body = box(canvas, 0, 0.96 - b, a, b, rng.uniform(0.02, 0.25), rng.uniform(-0.25, 0.2))
    parts = []
    if rng.random() < 0.75:
        hoop = ellipse(canvas, 0, 0.96 - 2 * b, a * rng.uniform(0.35, 0.7), min(0.9, 1.9 - 2 * b) * rng.uniform(0.5, 1))
        parts.append(Part(np.abs(hoop) - np.float32(rng.uniform(0.025, 0.07)), 0.03, pick(rng, ("trim", "dark"))))
    else:
        for sign in (-1, 1):
            arm = limb(canvas, (sign * a * 0.8, 1.1 - 2 * b), (sign * 0.9, 1.3 - b), 0.16, 0.12)
            parts.append(Part(arm, 0.1, "body"))
    parts.append(Part(body, pick(rng, (0.05, 0.15, 0.3)), "body", labelled=True))
    if rng.random() < 0.5:
        edge = np.abs(canvas.y - np.float32(rng.uniform(0.96 - 1.9 * b, 0.9))) - np.float32(rng.uniform(0.03, 0.12))
        parts.append(Part(np.maximum(edge, body + np.float32(0.004)), 0.03, pick(rng, ("trim", "dark", "white"))))
    return parts


def _shoe(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a shoe, boot, vehicle or tool: a long body with a raised end, on a sole or on wheels."""
    tall, sole = rng.uniform(0.3, 0.9), rng.uniform(0.05, 0.14)
    heel = box(canvas, -0.55, 0.5 - tall / 2, rng.uniform(0.28, 0.4), tall / 2 + 0.2, 0.12, rng.uniform(-0.1, 0.1))
    toe = limb(canvas, (-0.5, 0.35), (0.66, rng.uniform(0.42, 0.52)), rng.uniform(0.25, 0.34), rng.uniform(0.16, 0.26))
    upper = np.maximum(joined(heel, toe, rng.uniform(0.1, 0.5)), canvas.y - np.float32(0.68))
    parts = [Part(upper, rng.uniform(0.1, 0.3), "body", labelled=True)]
    if rng.random() < 0.6:
        under = box(canvas, -0.02, 0.68, 0.93, sole, sole * 0.8)
        parts.append(Part(under, 0.04, pick(rng, ("white", "white", "trim", "dark"))))
        for i in range(int(rng.integers(0, 5))):
            x = -0.12 + i * 0.14
            lace = limb(canvas, (x, -0.02 + i * 0.09), (x - 0.12, 0.2 + i * 0.07), 0.028, 0.028)
            parts.append(Part(lace, 0.03, "white"))
    else:
        for x in (-0.5, rng.uniform(0.35, 0.6)):
            wheel = ellipse(canvas, x, 0.66, 0.24, 0.24)
            parts += [Part(wheel, 0.05, "dark"), Part(wheel + np.float32(0.13), 0.05, "white")]
    if rng.random() < 0.5:
        pane = box(canvas, -0.5 + rng.uniform(-0.1, 0.2), 0.45 - tall * 0.6, 0.16, tall * 0.2, 0.05)
        parts.append(Part(pane, 0.03, pick(rng, ("trim", "dark"))))
    return parts


def _creature(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns an animal or a mascot: head, ears, body, limbs, tail and a face, from the front or from the side."""
    sideways = rng.random() < 0.35
    head_x, head_y = (rng.uniform(0.4, 0.55), rng.uniform(-0.5, -0.3)) if sideways else (0.0, rng.uniform(-0.5, -0.3))
    head_a, head_b = rng.uniform(0.3, 0.45), rng.uniform(0.28, 0.42)
    head = ellipse(canvas, head_x, head_y, head_a, head_b)
    limbs: list[Part] = []
    if sideways:
        trunk = ellipse(canvas, -0.12, 0.15, rng.uniform(0.5, 0.65), rng.uniform(0.26, 0.4))
        for x in (-0.5, -0.25, 0.15, 0.36):
            limbs.append(Part(limb(canvas, (x, 0.2), (x + 0.03, 0.86), 0.13, rng.uniform(0.06, 0.11)), 0.1, "body"))
        tail = limb(canvas, (-0.6, 0.1), (-0.92, rng.uniform(-0.5, 0.4)), 0.09, 0.05)
        limbs.append(Part(tail, 0.07, "body"))
    else:
        trunk = ellipse(canvas, 0, 0.35, rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.52))
        lift, reach = rng.uniform(-0.3, 0.5), rng.uniform(0.55, 0.85)
        for sign in (-1, 1):
            arm = limb(canvas, (sign * 0.28, 0.15), (sign * reach, lift), 0.13, 0.1)
            leg = limb(canvas, (sign * 0.2, 0.6), (sign * 0.28, 0.86), 0.14, 0.12)
            limbs += [Part(arm, 0.1, "body"), Part(leg, 0.1, pick(rng, ("body", "trim")))]
    length, lean, wide = rng.uniform(0.12, 0.36), rng.uniform(0.3, 1.0), rng.uniform(0.08, 0.16)
    ears: list[Part] = []
    for sign in (-1, 1):
        x, y = head_x + sign * head_a * lean, head_y - head_b * 0.8
        ear = ellipse(canvas, x, max(-0.95 + length, y - length * 0.3), wide, length, sign * rng.uniform(0, 0.5))
        ears += [Part(ear, 0.08, "body"), Part(ear + np.float32(wide * 0.45), 0.05, "trim")]
    parts = [*limbs, *ears]
    if rng.random() < 0.6:
        parts.append(Part(joined(head, trunk, 0.25), 0.3, "body"))
    else:
        neck = limb(canvas, (head_x, head_y), (0.15 if sideways else 0, 0.2), 0.15, 0.2)
        parts += [Part(neck, 0.2, "body"), Part(trunk, 0.3, pick(rng, ("body", "trim")), labelled=True)]
        parts.append(Part(head, 0.3, "body"))
    if not sideways and rng.random() < 0.6:
        parts.append(Part(ellipse(canvas, 0, 0.42, 0.24, 0.3), 0.15, pick(rng, ("white", "trim"))))
    eye, apart = rng.uniform(0.045, 0.11), rng.uniform(0.12, 0.24)
    for sign in (-1, 1):
        x, y = head_x + sign * apart, head_y - rng.uniform(0, 0.03)
        if eye > 0.08:
            parts.append(Part(ellipse(canvas, x, y, eye, eye * 1.1), 0.03, "white"))
        parts.append(Part(ellipse(canvas, x, y, eye * 0.62, eye * 0.7), 0.03, "dark"))
        parts.append(Part(ellipse(canvas, x - eye * 0.2, y - eye * 0.25, eye * 0.2, eye * 0.2), 0.03, "white"))
    muzzle_y = head_y + head_b * rng.uniform(0.35, 0.55)
    if rng.random() < 0.5:
        parts.append(Part(ellipse(canvas, head_x, muzzle_y, 0.17, 0.12), 0.1, pick(rng, ("white", "trim"))))
    parts.append(Part(ellipse(canvas, head_x, muzzle_y - 0.04, rng.uniform(0.04, 0.09), 0.05), 0.04, "dark"))
    return parts


def _fish_or_bird(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a long body with a tail, fins or wings, one eye, and often a beak and legs."""
    a, b, tilt = rng.uniform(0.45, 0.68), rng.uniform(0.25, 0.5), rng.uniform(-0.4, 0.4)
    bird = rng.random() < 0.5
    trunk = ellipse(canvas, 0.05, 0, a, b, tilt)
    tail_x, tail_y = 0.05 - math.cos(tilt) * a, -math.sin(tilt) * a
    parts = []
    for spread in (-1, 1):
        tip = (
            max(-0.93, tail_x - rng.uniform(0.15, 0.4)),
            min(0.9, max(-0.9, tail_y + spread * rng.uniform(0.05, 0.4))),
        )
        parts.append(Part(limb(canvas, (tail_x + 0.1, tail_y), tip, 0.1, rng.uniform(0.03, 0.12)), 0.06, "trim"))
    head_x, head_y = 0.05 + math.cos(tilt) * a * 0.75, math.sin(tilt) * a * 0.75
    if bird:
        head_y = max(-0.7, head_y - b * rng.uniform(0.4, 1.0))
        radius = rng.uniform(0.18, 0.3)
        for x in (-0.05, 0.15):
            parts.append(Part(limb(canvas, (x, b * 0.6), (x + 0.05, 0.92), 0.035, 0.03), 0.03, "trim"))
        beak = limb(canvas, (head_x + radius * 0.7, head_y), (head_x + radius + 0.16, head_y + 0.05), 0.07, 0.01)
        parts.append(Part(beak, 0.05, "trim"))
        trunk = joined(trunk, ellipse(canvas, head_x, head_y, radius, radius), 0.3)
    parts.append(Part(trunk, rng.uniform(0.2, 0.4), "body", labelled=True))
    wing = ellipse(canvas, -0.05, 0.02, a * 0.45, b * rng.uniform(0.3, 0.6), tilt + rng.uniform(-0.7, 0.7))
    parts.append(Part(wing, 0.08, pick(rng, ("body", "trim", "trim"))))
    eye, y = rng.uniform(0.04, 0.08), head_y - 0.06
    parts += [Part(ellipse(canvas, head_x, y, eye, eye), 0.03, "white"),
              Part(ellipse(canvas, head_x + 0.01, y, eye * 0.6, eye * 0.6), 0.02, "dark")]  # fmt: skip
    return parts


def _on_legs(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns a chair, table, lamp, easel or machine: slabs on thin legs, with or without a back."""
    level, wide, splay = rng.uniform(-0.2, 0.4), rng.uniform(0.35, 0.8), rng.uniform(-0.05, 0.2)
    thick, role = rng.uniform(0.02, 0.07), pick(rng, ("trim", "dark", "body"))
    legs = pick(rng, ((-0.9, 0.9), (-0.9, -0.3, 0.35, 0.9), (0.0,), (-0.9, 0.0, 0.9)))
    parts = [
        Part(limb(canvas, (x * wide, level), (x * wide * (1 + splay), 0.92), thick * 1.2, thick), 0.05, role)
        for x in legs
    ]
    if len(legs) == 1:
        parts.append(Part(ellipse(canvas, 0, 0.88, wide * rng.uniform(0.4, 0.8), 0.08), 0.05, role))
    if rng.random() < 0.65:
        b = (level + 0.95) / 2
        back = box(
            canvas, 0, level - b, wide * rng.uniform(0.4, 1), b, b * rng.uniform(0.05, 0.6), rng.uniform(-0.2, 0.2)
        )
        parts.append(Part(back, pick(rng, (0.03, 0.1, 0.3)), "body", labelled=True))
    slab = rng.uniform(0.04, 0.2)
    seat = box(canvas, 0, level, wide, slab, slab * rng.uniform(0.1, 0.9))
    parts.append(Part(seat, slab * 0.8, pick(rng, ("body", "trim"))))
    return parts


def _stack(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns two to six random primitives of different materials around one axis."""
    count = int(rng.integers(2, 7))
    edges = np.sort(rng.uniform(-0.95, 0.95, count - 1))
    cuts = np.concatenate([[-0.96], edges, [0.96]])
    parts = []
    for index in range(count):
        top, bottom = float(cuts[index]), float(cuts[index + 1])
        half = max(0.07, (bottom - top) / 2 + 0.03)
        a, y = rng.uniform(0.12, 0.85), (top + bottom) / 2
        y = min(max(y, -0.97 + half), 0.97 - half)
        distance = (
            ellipse(canvas, 0, y, a, half)
            if rng.random() < 0.4
            else box(canvas, 0, y, a, half, min(a, half) * rng.uniform(0.05, 0.9), rng.uniform(-0.3, 0.3))
        )
        if rng.random() < 0.15:
            distance = np.abs(distance + np.float32(0.06)) - np.float32(0.06)
        role = pick(rng, ("body", "body", "trim", "trim", "dark", "white"))
        parts.append(Part(distance, rng.uniform(0.03, 0.4), role, labelled=half > 0.3))
    order = rng.permutation(count)
    return [parts[int(index)] for index in order]


SOLIDS: tuple[tuple[Callable[[np.random.Generator, Canvas], list[Part]], int], ...] = (
    (_revolved, 24), (_package, 13), (_ball, 6), (_blob, 8), (_bag, 9), (_shoe, 8), (_creature, 13), (_fish_or_bird, 7),
    (_on_legs, 6), (_stack, 8),
)  # fmt: skip
_CUMULATED = np.cumsum([weight for _, weight in SOLIDS])


def random_solid(rng: np.random.Generator, canvas: Canvas) -> list[Part]:
    """Returns the parts of a random solid, from back to front."""
    index = int(np.searchsorted(_CUMULATED, rng.integers(_CUMULATED[-1]), "right"))
    return SOLIDS[index][0](rng, canvas)
