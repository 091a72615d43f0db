"""Signs with one to three words in capitals in the upper third of the picture."""

import random

from PIL import Image, ImageDraw, ImageFilter

from brandpress.model.nano.world.colours import COLOURS, Rgb, distance, jittered, mixed
from brandpress.model.nano.world.lettering import Typeface, letter_mask, random_typeface

WORDS = (
    "SALE", "NEW", "HELLO", "HOT", "TOP", "BEST", "FREE", "OPEN", "NOW", "WOW", "YES", "HI", "LOVE", "JOY", "FUN",
    "HOME", "SUMMER", "WINTER", "SPRING", "AUTUMN", "FALL", "HOLIDAY", "PARTY", "OFFER", "DEAL", "DEALS", "GIFT",
    "GIFTS", "SHOP", "STORE", "OUTLET", "FRESH", "ORGANIC", "VEGAN", "ECO", "BIO", "GREEN", "PURE", "NATURAL",
    "CLEAN", "SOFT", "SWEET", "COOL", "WARM", "BRIGHT", "BOLD", "SMART", "FAST", "EASY", "HAPPY", "LUCKY", "MAGIC",
    "STAR", "HERO", "CLUB", "PLUS", "PRO", "MINI", "MAX", "XL", "VIP", "GOLD", "PREMIUM", "CLASSIC", "ORIGINAL",
    "LIMITED", "SPECIAL", "EXTRA", "BONUS", "WELCOME", "THANKS", "ENJOY", "RELAX", "DREAM", "SMILE", "PLAY", "WIN",
    "GO", "START", "TODAY", "WEEKEND", "FRIDAY", "MONDAY", "SUNDAY", "EASTER", "XMAS", "MERRY", "COFFEE", "TEA",
    "CAFE", "PIZZA", "BURGER", "BAKERY", "BOOKS", "TOYS", "SHOES", "FASHION", "STYLE", "BEAUTY", "SPA", "SPORT",
    "TRAVEL", "MUSIC", "GARDEN", "KIDS", "PETS", "BABY", "TECH", "LAUNCH", "PREVIEW", "COMING SOON", "SALE NOW",
    "BIG SALE", "FLASH SALE", "SUMMER SALE", "WINTER SALE", "FINAL SALE", "MEGA SALE", "BLACK FRIDAY", "CYBER MONDAY",
    "NEW IN", "BRAND NEW", "JUST IN", "NEW DROP", "BEST SELLER", "TOP DEAL", "HOT DEAL", "FREE GIFT", "GIFT IDEAS",
    "SHOP NOW", "BUY NOW", "ON SALE", "SALE ON", "LAST CHANCE", "TWO FOR ONE", "2 FOR 1", "3 FOR 2", "HALF PRICE",
    "BACK TO SCHOOL", "BACK IN STOCK", "NEW SEASON", "MADE WITH LOVE", "THANK YOU", "HELLO SPRING", "HELLO SUMMER",
    "HAPPY EASTER", "JOIN US", "OPEN NOW", "FOR YOU", "ONE WEEK ONLY", "DAY ONE", "GRAND OPENING", "POP UP",
    "NEW LOOK", "FEEL GOOD", "GO GREEN", "ZERO WASTE", "HOME MADE", "TASTE IT", "TRY ME",
)  # fmt: skip
"""The shop words of banners."""
_CONSONANTS, _VOWELS = "BBCDDFGHJKLLMMNNPPRRSSTTVWXZ", "AAEEIIOOUUY"
CAP_HEIGHT = 0.09
"""The least height of a letter as a share of the picture's shorter side (23 pixels of 256)."""
LEGIBLE = 22
"""The least height of a letter in pixels."""
SMALLEST_PICTURE = 192
"""The shorter side of the smallest picture that has room for a banner, in pixels."""
_WIDTHS = {"board": 0.78, "ribbon": 0.68, "plain": 0.86}
"""How much of the picture's width the letters may take."""


def random_words(rng: random.Random) -> str:
    """Returns the random words of a banner: a discount in 12 %, shop words in 60 %, an invented word in 28 %."""
    roll = rng.random()
    if roll < 0.12:
        number = rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90))
        return rng.choice((f"-{number}%", f"{number}% OFF", f"{number}%", f"SAVE {number}%", f"-{number}% NOW"))
    if roll < 0.72:
        return rng.choice(WORDS)
    letters = [rng.choice(_CONSONANTS if (index + rng.randrange(4) // 3) % 2 == 0 else _VOWELS)
               for index in range(rng.randint(2, 7))]  # fmt: skip
    return "".join(letters)


def _lines(words: str) -> list[str]:
    """Returns the words in one line, or in two lines of about the same length if they are long."""
    parts = words.split(" ")
    if len(words) <= 9 or len(parts) == 1:
        return [words]
    cuts = [(" ".join(parts[:cut]), " ".join(parts[cut:])) for cut in range(1, len(parts))]
    return list(min(cuts, key=lambda pair: max(len(line) for line in pair)))


def _lettering(words: str, face: Typeface, width: float, short: int) -> Image.Image:
    """Returns the words as a mask, as large as the width allows, between the least cap height and 1.5 times it."""
    lines = _lines(words)
    least = max(LEGIBLE, CAP_HEIGHT * short)
    cap = round(least * (1.5 if len(lines) == 1 else 1.05))
    masks = [letter_mask(line, cap, face) for line in lines]
    widest = max(mask.width for mask in masks)
    if widest > width:
        cap = max(round(least), int(cap * width / widest))
        masks = [letter_mask(line, cap, face) for line in lines]
        widest = max(mask.width for mask in masks)
    if widest > width:  # a long word at the least cap height: condense it
        masks = [mask.resize((min(mask.width, round(width)), cap), Image.Resampling.BOX) for mask in masks]
        widest = max(mask.width for mask in masks)
    gap = round(0.38 * cap)
    result = Image.new("L", (widest, cap * len(lines) + gap * (len(lines) - 1)))
    for index, mask in enumerate(masks):
        result.paste(mask, ((widest - mask.width) // 2, index * (cap + gap)))
    return result


def _contrasting(rng: random.Random, ground: Rgb) -> Rgb:
    """Returns a colour for letters on this ground: the better of white and near-black, seldom another strong one."""
    dark = (24, 24, 32)
    best = (255, 255, 255) if distance(ground, (255, 255, 255)) > distance(ground, dark) else dark
    others = [rgb for rgb in COLOURS.values() if abs(_light(rgb) - _light(ground)) > 120]
    return rng.choice(others) if others and rng.random() < 0.3 else best


def _light(colour: Rgb) -> float:
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def draw_banner(rng: random.Random, picture: Image.Image, words: str) -> Image.Image:
    """Returns the picture with a sign in its upper third: a board (60 %), a ribbon (18 %) or plain letters (22 %).

    words: capitals, digits and signs of `lettering.LETTERS`; raises ValueError for others.
    """
    width, height = picture.size
    short = min(width, height)
    style = rng.choices(("board", "ribbon", "plain"), (60, 18, 22))[0]
    letters = _lettering(words, random_typeface(rng), width * _WIDTHS[style], short)
    x, y = (width - letters.width) // 2, round(0.17 * height - letters.height / 2)
    y = max(round(0.055 * short), y)
    picture = picture.copy()
    if style == "plain":
        _plain(rng, picture, letters, x, y, short)
        return picture
    ground = jittered(rng, rng.choice(((250, 250, 248), *COLOURS.values())))
    across, down = round(rng.uniform(0.05, 0.075) * short), round(0.042 * short)
    box = (x - across, y - down, x + letters.width + across, y + letters.height + down)
    if style == "board":
        _board(rng, picture, box, ground, short)
    else:
        _ribbon(picture, box, ground, short)
    picture.paste(_contrasting(rng, ground), (x, y), letters)
    return picture


def _plain(rng: random.Random, picture: Image.Image, letters: Image.Image, x: int, y: int, short: int) -> None:
    """Draw letters without a board, with an outline or a soft shadow that sets them off from the scene."""
    region = picture.crop((x, y, x + letters.width, y + letters.height)).resize((1, 1), Image.Resampling.BOX)
    pixel = region.getpixel((0, 0))
    assert isinstance(pixel, tuple)  # noqa: S101
    bright = _light((int(pixel[0]), int(pixel[1]), int(pixel[2]))) > 140
    fill = _contrasting(rng, (255, 255, 255) if bright else (0, 0, 0))
    other: Rgb = (255, 255, 255) if bright else (16, 16, 24)
    edge = max(1, round(0.008 * short))
    margin = 4 * edge
    halo = Image.new("L", (letters.width + 2 * margin, letters.height + 2 * margin))
    halo.paste(letters, (margin, margin))
    outlined = halo.filter(ImageFilter.MaxFilter(2 * edge + 1)).filter(ImageFilter.BoxBlur(0.7))
    picture.paste(other, (x - margin, y - margin), outlined)
    picture.paste(fill, (x, y), letters)


def _board(rng: random.Random, picture: Image.Image, box: tuple[int, int, int, int], ground: Rgb, short: int) -> None:
    """Draw a board with round corners, in some cases with a frame, hanging from two cords."""
    left, top, right, bottom = box
    scale, margin = 2, round(0.02 * short)
    shape = ((right - left + 2 * margin) * scale, (bottom - top + 2 * margin) * scale)
    mask = Image.new("L", shape)
    inner = (margin * scale, margin * scale, shape[0] - margin * scale - 1, shape[1] - margin * scale - 1)
    radius = rng.choice((0.0, 0.02, 0.04, 0.3)) * short * scale
    radius = min(radius, (inner[3] - inner[1]) / 2)
    ImageDraw.Draw(mask).rounded_rectangle(inner, radius, 255)
    mask = mask.reduce(scale)
    corner = (left - margin, top - margin)
    shadow = mask.filter(ImageFilter.BoxBlur(max(1, round(0.012 * short)))).point([v * 2 // 5 for v in range(256)])
    if rng.random() < 0.4:
        draw = ImageDraw.Draw(picture)
        for x in (left + (right - left) // 8, right - (right - left) // 8):
            draw.line((x, 0, x, top + 2), fill=(70, 62, 60), width=max(1, round(0.008 * short)))
    picture.paste((12, 10, 22), (corner[0], corner[1] + max(1, round(0.012 * short))), shadow)
    picture.paste(ground, corner, mask)
    if rng.random() < 0.4:
        frame = Image.new("L", shape)
        pen = max(2, round(0.01 * short * scale))
        inset = 2 * pen
        edge = (inner[0] + inset, inner[1] + inset, inner[2] - inset, inner[3] - inset)
        if edge[2] > edge[0] and edge[3] > edge[1]:
            ImageDraw.Draw(frame).rounded_rectangle(edge, max(0.0, radius - inset), outline=255, width=pen)
            tone: Rgb = (255, 255, 255) if _light(ground) < 130 else (40, 36, 44)
            picture.paste(mixed(ground, tone, 0.55), corner, frame.reduce(scale))


def _ribbon(picture: Image.Image, box: tuple[int, int, int, int], ground: Rgb, short: int) -> None:
    """Draw a ribbon with folded, notched ends."""
    left, top, right, bottom = box
    tail, drop = round(0.07 * short), round(0.025 * short)
    scale = 2
    x0, y0 = left - tail, top
    shape = ((right - left + 2 * tail) * scale, (bottom - top + drop) * scale)
    tails, front = Image.new("L", shape), Image.new("L", shape)
    draw = ImageDraw.Draw(tails)
    wide, high, deep, fold = shape[0], shape[1], drop * scale, tail * scale
    for side in (0, 1):
        outline = [(0, deep), (fold * 1.35, deep), (fold * 1.35, high), (0, high), (fold * 0.4, (high + deep) / 2)]
        draw.polygon([(wide - x if side else x, y) for x, y in outline], 255)
    ImageDraw.Draw(front).rectangle((fold, 0, wide - fold, high - deep), 255)
    picture.paste(mixed(ground, (10, 8, 20), 0.35), (x0, y0), tails.reduce(scale))
    picture.paste(ground, (x0, y0), front.reduce(scale))
