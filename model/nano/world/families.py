"""Further art families, all as SVG in npm's `@iconify-json/…`: which icons are drawn, and their nouns.

An icon that shows a selected emoji has that emoji's noun, so that a held-out noun is held out in all families. Other
icons are named here one by one.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brandpress.model.nano.world.nouns import Emoji


@dataclass(frozen=True, slots=True)
class Family:
    """One art family.

    style: its name. same: pairs "icon=noun" for emoji that have another name there. objects, people: icons that show
    no selected emoji, as "icon" or "icon=noun". out: pattern of the icons that are left out: skin tones, and whatever
    has an emoji's name but shows something different.
    """

    style: str
    same: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    out: str = ""

    @property
    def package(self) -> str:
        """The name of the npm package."""
        return f"@iconify-json/{self.style}"


@dataclass(frozen=True, slots=True)
class Icon:
    """One icon of a family.

    group: the emoji's group; without an emoji "person", or the family of an object. name: its name in the package.
    body: its SVG elements. box: width and height of the view box.
    """

    noun: str
    category: str
    group: str
    style: str
    name: str
    body: str
    box: tuple[int, int]


FAMILIES = (
    Family("twemoji"),
    Family(
        "emojione",
        same=("laptop-computer=laptop",),
        objects=("bell", "postal-horn", "megaphone", "loudspeaker", "nail-polish", "fire-engine", "menorah",
                 "globe-showing-europe-africa=globe", "fleur-de-lis", "fork-and-knife-with-plate=plate"),
        people=("baby", "boy", "girl", "man", "woman", "old-man=grandfather", "old-woman=grandmother",
                "woman-dancing=dancer", "man-dancing=dancer", "person-running=runner", "person-walking=walker"),
    ),
    Family(
        "fxemoji",
        out="tramcar",  # a black silhouette
        same=("sleuthspy=detective", "fallingleaf=fallen leaf", "leaffluttering=leaf fluttering in wind",
              "chilipepper=hot pepper", "evergreen=evergreen tree", "hampster=hamster", "heels=high heeled shoe",
              "mensshoe=mans shoe", "sandals=womans sandal", "mansshirt=t shirt", "womansshirt=womans clothes",
              "spurtingwhale=spouting whale", "tennisball=tennis", "racecar=racing car", "cellphone=mobile phone",
              "handheldvideocamera=video camera", "pigsnout=pig nose", "dragonhead=dragon face",
              "frontfacingchick=front facing baby chick", "monkeysee=see no evil monkey",
              "monkeyhear=hear no evil monkey", "monkeyspeak=speak no evil monkey", "studiomic=studio microphone",
              "pinkwallet=purse", "toykotower=tokyo tower", "bouquetofflowers=bouquet",
              "fishcakeswirl=fish cake with swirl", "bunny=rabbit face", "bunnyside=rabbit",
              "manltepiececlock=mantelpiece clock", "notebookdecorativecover=notebook with decorative cover",
              "videocasette=videocassette", "japaneseangrymask=goblin", "beachumbrella=umbrella on ground",
              "confetti=confetti ball", "highspeedtrainbulletnose=bullet train", "lockandkey=locked with key",
              "snowmountains=snow capped mountain", "sunraincloud=sun behind rain cloud", "wiredkeyboard=keyboard",
              "softshellfloppy=floppy disk", "tie=necktie", "foxsmiling=fox", "foxgrin=fox", "foxheart=fox",
              "foxkissing=fox", "foxwry=fox", "foxcrying=fox", "foxpouting=fox"),
        objects=("acorn", "bell", "postalhorn=postal horn", "megaphone", "bullhorn=loudspeaker", "makeupbag=makeup bag",
                 "portablestereo=portable stereo", "harddisk=hard disk", "telephoneonmodem=modem",
                 "clamshellmobile=flip phone", "nailpolish=nail polish", "oldpersonalcomputer=old computer",
                 "keyboardandmouse=keyboard and mouse", "tapecartridge=tape cartridge", "fireengine=fire engine",
                 "meridianglobe=globe", "printericon=ink printer"),
        people=("baby", "boy", "girl", "man", "woman", "gma=grandmother", "gpa=grandfather", "dancer", "bride",
                "waitress", "running=runner", "walking=walker"),
    ),
    Family(
        "streamline-emojis",
        same=("game-dice=game die", "school-backpack=backpack", "red-wine-glass=wine glass"),
        out=r"turkey|((old-)?(wo)?man(-.*)?|baby(-angel)?|boy|girl|bride-with-veil|detective|guard|prince(ss)?"
        r"|santa-claus|astronaut|nail-polish)-[13]|clinking-glasses-[245]",
        objects=("white-wine-glass=white wine", "champagne-glass=champagne glass", "bell", "fire-engine",
                 "nail-polish", "globe-showing-europe-africa=globe"),
        people=("baby", "boy", "girl", "man", "woman", "old-man=grandfather", "old-woman=grandmother",
                "man-dancing=dancer", "woman-dancing=dancer", "man-running=runner", "woman-running=runner",
                "man-walking=walker", "woman-walking=walker", "bride-with-veil=bride"),
    ),
    Family(
        "flat-color-icons",
        same=("idea=light bulb", "cell-phone=mobile phone", "home=house", "biotech=dna", "engineering=gear"),
        objects=("address-book", "advertising=megaphone", "binoculars", "biomass=lab flask", "calculator", "camcorder",
                 "camcorder-pro=camcorder", "compact-camera", "old-time-camera=old camera",
                 "slr-back-side=digital camera", "multiple-cameras=cameras", "cable-release", "cloth=woven cloth",
                 "contacts=contact book", "diploma-1=diploma", "diploma-2=diploma", "film-reel",
                 "filing-cabinet", "folder", "opened-folder=open folder", "full-trash=trash can",
                 "empty-trash=trash can", "icons8-cup=trash can", "globe", "headset", "in-transit=lorry",
                 "shipped=lorry", "ipad=tablet", "tablet-android=tablet", "iphone=smartphone",
                 "phone-android=smartphone", "touchscreen-smartphone=smartphone", "kindle=e-reader", "nook=e-reader",
                 "library", "news=newsletter", "phone=handset", "photo-reel=film roll", "ruler", "safe",
                 "self-service-kiosk=terminal", "shop", "sim-card", "sim-card-chip=chip", "speaker",
                 "stack-of-photos=photos", "video-projector=projector", "vip=badge", "webcam",
                 "integrated-webcam=webcam", "capacitor", "crystal-oscillator=oscillator", "electronics=circuit board",
                 "electro-devices=high voltage sign", "planner", "podium-without-speaker=lectern",
                 "survey=questionnaire", "video-call=video phone", "automotive=car", "fine-print",
                 "charge-battery=rechargeable battery"),
        people=("businessman", "businesswoman", "manager", "customer-support=support agent", "reading=reader",
                "reading-ebook=reader", "assistant", "podium-with-speaker=lecturer"),
    ),
)  # fmt: skip
_VARIANT = re.compile(r"-\d$")
_GROUND_SHADOW = re.compile(r'<path fill="#45413c" [^>]*opacity="\.15"/>')
_WORKER = re.compile(r"^(wo)?man-")


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _pairs(entries: Iterable[str]) -> dict[str, str]:
    """Returns the nouns of "icon=noun" or "icon", by icon."""
    parts = (entry.partition("=") for entry in entries)
    return {icon: noun or icon.replace("-", " ") for icon, _, noun in parts}


def family_icons(art: Path, family: Family, emoji: Iterable[Emoji]) -> Iterator[Icon]:
    """Yields the icons of a family in their package's order.

    art: the folder that contains `node_modules`. emoji: those of `list_emoji`. Raises FileNotFoundError for a missing
    file.
    """
    folder = art / "node_modules" / family.package
    pack: dict[str, Any] = json.loads((folder / "icons.json").read_text("utf-8"))
    codes: dict[str, str] = json.loads((folder / "chars.json").read_text("utf-8"))
    width, height = pack.get("width", 16), pack.get("height", 16)
    by_name: dict[str, Emoji] = {}
    by_icon: dict[str, Emoji] = {}
    nouns: dict[str, Emoji] = {}
    for one in emoji:
        nouns[one.noun] = one
        by_icon[codes.get(one.code, codes.get(one.code.replace("-fe0f", ""), ""))] = one
        for name in one.names:
            by_name.setdefault(_key(name), one)
    same, objects, people = _pairs(family.same), _pairs(family.objects), _pairs(family.people)
    for name, icon in pack["icons"].items():
        if re.fullmatch(family.out, name):
            continue
        plain = _VARIANT.sub("", name)
        shown: Emoji | None
        if codes:
            shown = by_icon.get(name)
        elif plain in same:
            shown = nouns.get(same[plain])
        else:
            key, worker = _key(plain), _key(_WORKER.sub("", plain))
            tried = (key, f"{key}face", key.removesuffix("face"), key.removesuffix("side"), worker)
            shown = next((by_name[name] for name in tried if name in by_name), None)
        body = _GROUND_SHADOW.sub("", icon["body"])
        box = (int(icon.get("width", width)), int(icon.get("height", height)))
        if shown is not None:
            yield Icon(shown.noun, shown.category, shown.group, family.style, name, body, box)
            continue
        for category, own in (("object", objects), ("character", people)):
            noun = own.get(name) or own.get(plain)
            if noun:
                group = family.style if category == "object" else "person"
                yield Icon(noun, category, group, family.style, name, body, box)
