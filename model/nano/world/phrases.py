"""The phrases of captions for looks, sides and references. They are training data."""

GRADE_WORDS: dict[str, tuple[str, ...]] = {
    "dawn": ("at dawn", "in soft dawn light", "in pink morning light", "in early morning light", "in a rosy dawn look",
             "with soft pink light"),
    "golden": ("at golden hour", "in golden light", "in warm golden light", "in golden hour light",
               "with a warm golden look", "in honey-coloured light"),
    "night": ("at night", "in dark blue night light", "by night", "in moonlight", "in the dark of night",
              "in a dark blue night look"),
    "noir": ("in black and white", "in a noir look", "with a black and white background", "in noir style",
             "in monochrome", "as a black and white film"),
    "sepia": ("in sepia", "in sepia tones", "in an old sepia look", "with a sepia background", "in vintage sepia",
              "like an old photo"),
    "pastel": ("in pastel colours", "in soft pastels", "in a pastel look", "with pale pastel colors", "in pastel tones",
               "in light pastel style"),
    "mint": ("in mint light", "in a mint look", "with a mint tint", "in minty green tones", "in fresh mint tones",
             "with a mint green tone"),
    "vivid": ("in vivid colours", "in a vivid look", "with bright saturated colors", "in bold vivid tones",
              "with intense colours", "in vibrant colours"),
    "faded": ("in faded colours", "in a faded look", "with washed-out colors", "in faded film tones", "in muted tones",
              "with a matte faded look"),
    "crimson": ("in red light", "in crimson light", "in a crimson look", "with a red tint", "in deep red tones",
                "under red light"),
    "neon": ("in neon light", "in neon colours", "in a magenta and cyan look", "with neon magenta and cyan",
             "in neon style", "in a synthwave look"),
}  # fmt: skip

SIDES: dict[str, tuple[str, ...]] = {
    "left": ("on the left", "on the left", "on the left", "on the left side", "at the left", "to the left", "left"),
    "centre": ("in the centre", "in the center", "in the middle", "in the centre", "at the centre", "in the middle"),
    "right": ("on the right", "on the right", "on the right", "on the right side", "at the right", "to the right",
              "right"),
}  # fmt: skip
SIDE_LABELS = {"left": ("left",), "centre": ("centre", "center", "middle"), "right": ("right",)}

ORDINALS = ("first", "second", "third", "fourth")
# {k}: the reference's number; {o}: its ordinal; {n}: the item's noun phrase
SCENE_BY_NUMBER = (
    "in the scene from image {k}", "in the scene of image {k}", "in the scene from image {k}",
    "background from image {k}", "set in image {k}", "in the setting of image {k}", "with the background of image {k}",
    "in the place from image {k}", "in the scene of the {o} image", "against the background from image {k}",
    "scene: image {k}",
)  # fmt: skip
SCENE_BY_REFERENCE = (
    "in the scene of the reference", "in the given scene", "in this scene", "with the given background",
    "in the reference scene", "in the scene shown", "in front of the given background", "in the same scene",
)  # fmt: skip
STYLE_BY_NUMBER = (
    "in the style of image {k}", "in the look of image {k}", "style of the {o} image", "with the colours of image {k}",
    "in the style from image {k}", "light and colours from image {k}", "style: image {k}", "in the mood of image {k}",
)  # fmt: skip
STYLE_BY_REFERENCE = (
    "in the style of the reference", "in the given style", "in the reference style",
    "with the colours of the reference", "in this style", "in the look of the reference picture",
)  # fmt: skip

NAMED_BY_NUMBER = (
    "the {n} from image {k}", "the {n} from image {k}", "the {n} from image {k}", "the {n} in image {k}",
    "the {n} of image {k}", "image {k}'s {n}", "the {o} image's {n}", "the {n} from the {o} image",
    "the {n} (image {k})", "the {n} from reference {k}", "the {n} shown in image {k}",
)  # fmt: skip
BARE_BY_NUMBER = ("image {k}", "reference {k}", "the {o} image", "the {o} reference", "the one from image {k}")
GENERIC: dict[str, tuple[str, ...]] = {
    "product": ("product", "product", "item", "packshot"),
    "character": ("character", "mascot", "figure", "character"),
    "object": ("object", "item", "thing", "prop"),
}
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "product": ("new", "classic", "premium", "original", "nice", "fine", "fresh", "our", "iconic"),
    "character": ("cheerful", "small", "friendly", "happy", "little", "cute", "funny", "lovely", "our"),
    "object": ("little", "nice", "fine", "single", "lovely", "small", "pretty"),
}
OPENINGS = ("a photo of", "product shot of", "a picture of", "an advertising photo of", "a campaign picture of",
            "an image of", "photo of", "packshot of", "a render of")  # fmt: skip
FILLERS = ("premium campaign picture", "high quality", "for the spring campaign", "clean advertising photo",
           "studio quality", "brand campaign", "sharp and clean", "social media ad", "soft shadows",
           "for the summer sale", "hero shot", "simple composition", "4k", "highly detailed", "for the new collection",
           "professional lighting")  # fmt: skip
VERBS: dict[str, tuple[str, ...]] = {
    "product": ("stands", "sits", "is placed", "is"),
    "character": ("stands", "sits", "poses", "is"),
    "object": ("stands", "sits", "is placed", "is"),
}
# between two items that are mentioned from left to right without their sides
LINKS = (" next to ", " beside ", " with ", " and ", " together with ", " alongside ", " near ", " side by side with ",
         ", ")  # fmt: skip
ACTIONS = (" holding ", " presents ")
FRAMES = ("a product photo of", "hero image for our shop:", "a lifestyle shot of", "product photo:", "a banner with",
          "an advert for our shop:", "a studio shot of", "a photo of")  # fmt: skip
