"""The phrases of captions, except those for scenes. They are training data."""

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
    "centre left": ("at the centre left", "on the centre left", "centre left"),
    "centre": ("in the centre", "in the center", "in the middle", "in the centre", "at the centre", "in the middle"),
    "centre right": ("at the centre right", "on the centre right", "centre right"),
    "right": ("on the right", "on the right", "on the right", "on the right side", "at the right", "to the right",
              "right"),
}  # fmt: skip
SIDE_LABELS = {
    "left": ("left",),
    "centre left": ("centre left",),
    "centre": ("centre", "center", "middle"),
    "centre right": ("centre right",),
    "right": ("right",),
}
LEFT_TO_RIGHT = ("from left to right: ", "left to right: ", "in a row from left to right: ", "from left to right, ")
RIGHT_TO_LEFT = ("from right to left: ", "right to left: ")

# {a}, {b}: two items, side by side from left to right. No phrase mentions a side.
LINKS = (
    " next to ", " next to ", " next to ", " beside ", " with ", " and ", " and ", " together with ", " alongside ",
    " near ", " side by side with ", " close to ", " accompanied by ", " plus ", " & ", " + ", " / ", ", ",
)  # fmt: skip
CLEAR_LINKS = (
    " next to ", " next to ", " beside ", " together with ", " alongside ", " near ", " side by side with ",
    " close to ", " accompanied by ",
)  # fmt: skip
"""Links after a name that itself contains a link: "a mug with a star next to a fox"."""
STANDING = (" standing next to ", " standing beside ", " placed next to ", " sitting next to ", " placed beside ")
ACTIONS = (" holding ", " presents ", " presenting ", " showing ", " shows ", " shows off ", " posing with ",
           " meets ", " recommends ", " poses next to ", " waiting next to ", " looking at ", " is holding ",
           " carrying ", " is standing next to ", " sits next to ", " with ", " and ")  # fmt: skip
"""Links after a character."""
PASSIVES = (" held by ", " presented by ", " shown by ", " recommended by ")
"""Links before a character."""
PAIRS = (
    "{a} and {b} side by side", "{a} and {b} together", "{a} and {b} next to each other", "both {a} and {b}",
    "{a} with {b} by its side", "{a}, with {b} next to it", "{a} stands next to {b}", "{a} and {b} stand together",
    "{a}, {b} beside it", "{a}, and next to it {b}", "a duo: {a} and {b}", "{a}, paired with {b}",
)  # fmt: skip
TRIPLES = (
    "{a}, {b} and {c}", "{a}, {b} and {c}", "{a}, {b}, and {c}", "{a} with {b} and {c}", "{a} next to {b} and {c}",
    "{a}, {b}, {c}", "{a} and {b} with {c}", "{a} and {b} next to {c}", "{a} next to {b} next to {c}",
    "{a} together with {b} and {c}", "{a}, {b} & {c}", "{a} + {b} + {c}", "{a}, {b} and {c} side by side",
    "three things: {a}, {b} and {c}", "{a} beside {b} and {c}", "{a}, {b} and {c} in a row",
)  # fmt: skip
CLEAR_TRIPLES = ("{a} next to {b} next to {c}", "{a} next to {b} beside {c}", "{a} beside {b} next to {c}",
                 "{a} next to {b}, together with {c}", "{a}; {b}; {c}")  # fmt: skip
QUADRUPLES = (
    "{a}, {b}, {c} and {d}", "{a}, {b}, {c} and {d}", "{a}, {b}, {c}, and {d}", "{a} with {b}, {c} and {d}",
    "{a}, {b}, {c}, {d}", "{a} and {b} next to {c} and {d}", "{a} next to {b}, {c} and {d}",
    "{a} together with {b}, {c} and {d}", "{a} + {b} + {c} + {d}", "{a}, {b}, {c} and {d} side by side",
    "{a} and {b} with {c} and {d}", "{a} next to {b} beside {c} and {d}", "{a} with {b} next to {c} and {d}",
    "a family of four: {a}, {b}, {c} and {d}", "{a}, {b}, {c} and {d} in a row",
)  # fmt: skip
CLEAR_QUADRUPLES = ("{a} next to {b} next to {c} next to {d}", "{a} beside {b} beside {c} beside {d}",
                    "{a} next to {b}, together with {c} next to {d}", "{a}; {b}; {c}; {d}")  # fmt: skip
# {a} stands in front of {b}
FRONT = (
    "{a} in front of {b}", "{a} in front of {b}", "{a} in front of {b}", "{b} behind {a}", "{b} behind {a}",
    "{a} standing in front of {b}", "{b} standing behind {a}", "{a} in the foreground, {b} behind it",
    "{a} in the foreground and {b} in the background", "{a}, behind it {b}", "{b}, in front of it {a}",
    "{b} is behind {a}", "{a} is in front of {b}", "{a}, with {b} behind it", "{b}, with {a} in front",
    "{a} partly covering {b} behind it", "in front {a}, behind it {b}", "{b} peeking out from behind {a}",
)  # fmt: skip
# {a} stands on top of {b}
STACK = (
    "{a} on top of {b}", "{a} on top of {b}", "{a} on top of {b}", "{b} with {a} on top", "{b} under {a}",
    "{b} underneath {a}", "{a} standing on top of {b}", "{a} sitting on top of {b}", "{a} placed on top of {b}",
    "{a} stacked on {b}", "{b}, on top of it {a}", "{b} with {a} on top of it", "{a} is on top of {b}",
    "{a} balancing on {b}", "{b} carrying {a} on top", "{b} below {a}", "{b}, topped with {a}",
)  # fmt: skip

ORDINALS = ("first", "second", "third", "fourth")
# {k}: the reference's number; {o}: its ordinal; {n}: the item's noun phrase
SCENE_BY_NUMBER = (
    "in the scene from image {k}", "in the scene of image {k}", "in the scene from image {k}",
    "background from image {k}", "set in image {k}", "in the setting of image {k}", "with the background of image {k}",
    "in the place from image {k}", "in the scene of the {o} image", "against the background from image {k}",
    "scene: image {k}", "in the scene of reference {k}", "background: image {k}", "with [image {k}] as the background",
    "in the place shown in image {k}", "at the location of image {k}",
)  # fmt: skip
SCENE_BY_REFERENCE = (
    "in the scene of the reference", "in the given scene", "in this scene", "with the given background",
    "in the reference scene", "in the scene shown", "against the given background", "in the same scene",
    "at our location", "with our background",
)  # fmt: skip
STYLE_BY_NUMBER = (
    "in the style of image {k}", "in the look of image {k}", "style of the {o} image", "with the colours of image {k}",
    "in the style from image {k}", "light and colours from image {k}", "style: image {k}", "in the mood of image {k}",
    "in the style of reference {k}", "styled like [image {k}]",
)  # fmt: skip
STYLE_BY_REFERENCE = (
    "in the style of the reference", "in the given style", "in the reference style",
    "with the colours of the reference", "in this style", "in the look of the reference picture", "in our brand style",
    "in our house look",
)  # fmt: skip

NAMED_BY_NUMBER = (
    "the {n} from image {k}", "the {n} from image {k}", "the {n} from image {k}", "the {n} in image {k}",
    "the {n} of image {k}", "image {k}'s {n}", "the {o} image's {n}", "the {n} from the {o} image",
    "the {n} (image {k})", "the {n} from reference {k}", "the {n} shown in image {k}", "our {n} (image {k})",
    "{n} from reference image {k}", "the {n} from @image{k}", "the {n} [image {k}]", "our {n} from image {k}",
    "the {n} in the {o} reference", "{n} (reference {k})", "{n} [image {k}]", "the {n} from picture {k}",
    "the {n} in photo {k}",
)  # fmt: skip
CLEAR_BY_NUMBER = ("the {n} from image {k}", "the {n} (image {k})", "the {n} in image {k}", "the {n} [image {k}]")
"""For nouns with more words behind them: "the mug with a star from image 1"."""
NAME_BY_NUMBER = ("{n} from image {k}", "{n} (image {k})", "{n} [image {k}]", "{n} from the {o} image",
                  "{n} (reference {k})", "{n} as in image {k}", "{n}, see image {k},")  # fmt: skip
"""For proper names."""
BARE_BY_NUMBER = ("image {k}", "reference {k}", "the {o} image", "the {o} reference", "the one from image {k}",
                  "[image {k}]", "@image{k}", "reference image {k}", "the subject of image {k}")  # fmt: skip
COUNTED: dict[str, tuple[str, ...]] = {
    "product": ("product {k}", "item {k}", "the product from image {k}", "the {o} product", "product #{k}"),
    "character": ("character {k}", "the character from image {k}", "mascot {k}", "the {o} character"),
    "object": ("item {k}", "product {k}", "the object from image {k}", "the {o} item", "product #{k}"),
    "thing": ("product {k}", "item {k}", "the thing from image {k}", "the {o} item", "item #{k}"),
}
GENERIC: dict[str, tuple[str, ...]] = {
    "product": ("product", "product", "item", "article"),
    "character": ("character", "mascot", "figure", "character"),
    "object": ("object", "item", "product", "prop"),
    "thing": ("product", "item", "thing", "object", "character", "mascot", "piece"),
}
VAGUE: dict[str, tuple[str, ...]] = {
    "product": ("the product", "our product", "our bestseller", "the new one", "our new product", "this product",
                "the item", "our latest launch", "our classic", "the star of our shop", "the hero product"),
    "character": ("our mascot", "the mascot", "our character", "the character", "our hero", "our brand mascot",
                  "this character", "our friend", "the figure"),
    "object": ("the product", "our product", "our bestseller", "the new one", "this item", "the item", "the object",
               "our new product", "our latest arrival"),
    "thing": ("the product", "our product", "our bestseller", "the new one", "this item", "the item", "the thing",
              "our mascot", "the object", "our new design", "this", "our creation", "the prototype"),
}  # fmt: skip
ADJECTIVES: dict[str, tuple[str, ...]] = {
    "product": ("new", "classic", "premium", "original", "nice", "fine", "fresh", "iconic", "brand-new", "bestselling",
                "handmade", "lovely", "everyday", "sustainable"),
    "character": ("cheerful", "friendly", "happy", "cute", "funny", "lovely", "curious", "brave", "beloved", "smart"),
    "object": ("nice", "fine", "lovely", "pretty", "new", "beautiful", "classic", "fresh"),
    "thing": ("new", "unusual", "nice", "colourful", "special", "unique", "fine"),
}  # fmt: skip
DETAILS: dict[str, tuple[str, ...]] = {
    "product": ("with our logo", "with a matte finish", "in its original packaging", "with a wooden handle", "for kids",
                "made of recycled material", "with a glossy finish", "with fine details", "for every day",
                "with a soft touch", "made in Portugal"),
    "character": ("with bright eyes", "with a friendly smile", "in a good mood", "with soft fur", "from our logo",
                  "in full figure", "with a kind face", "with rosy cheeks", "from our team"),
    "object": ("with fine details", "with a glossy finish", "with our logo", "for every day", "made by hand",
               "in its original colours", "with a wooden base", "from our collection"),
    "thing": ("with fine details", "with our pattern", "with a glossy finish", "from our collection", "made by hand"),
}  # fmt: skip
"""Details that the reference may not show."""
SIZES: dict[str, tuple[str, ...]] = {
    "tiny": ("tiny", "tiny", "tiny", "miniature", "very small", "minuscule"),
    "small": ("small", "small", "little"),
    "normal": ("",),
    "large": ("large", "large", "big"),
    "huge": ("huge", "huge", "giant", "giant", "gigantic", "enormous", "very large", "oversized"),
}

NAMES = (
    "Kiki", "Hazel", "Bruno", "Mia", "Otto", "Pip", "Leo", "Ziggy", "Momo", "Luna", "Max", "Bella", "Rosie",
    "Charlie", "Coco", "Milo", "Nora", "Oscar", "Ruby", "Sam", "Tilly", "Theo", "Willow", "Finn", "Gus",
    "Ida", "Jasper", "Lola", "Benny", "Emil", "Frida", "Hugo", "Juno", "Kai", "Nino",
)  # fmt: skip
BRANDS = (
    "Acme", "Contoso", "Globex", "Northlight", "Lumen", "Fable", "Orbit", "Harbour", "Maple & Co", "Bright Day",
    "Kestrel", "Verano", "Alpina", "Tidewater", "Solace", "Meadowlark", "Nordwind", "Casa Verde",
)  # fmt: skip
MODELS = (
    "Classic", "Pro", "One", "Original", "Air", "Max", "Deluxe", "Plus", "Sport", "Light", "Signature", "Edition",
    "250 ml", "0.5 l", "750 ml", "1 kg", "100 g", "No. 5", "2.0", "500", "3000", "2026", "Eco", "Junior",
)  # fmt: skip

FRAMES = (
    "a product photo of", "hero image for our shop:", "a lifestyle shot of", "product photo:", "banner with",
    "an advert for our shop:", "a studio shot of", "a photo of", "product photo of", "lifestyle shot of",
    "flat lay of", "a flat lay with", "social post:", "social media post with", "instagram ad:", "packshot:",
    "packshot of", "hero shot of", "hero image:", "hero image of", "web banner with", "a web banner showing",
    "campaign visual:", "key visual:", "key visual with", "catalogue photo of", "catalog image:", "newsletter header:",
    "advert:", "an ad with", "a facebook ad featuring", "poster with", "a poster showing", "story for instagram:",
    "homepage image:", "landing page hero:", "e-commerce photo of", "marketplace photo of", "a close-up of",
    "a photograph of", "commercial photo of", "a picture of", "an image of", "3d render of", "illustration of",
    "show", "create an ad with", "make a picture of", "generate an image of", "we see", "teaser:", "spring campaign:",
    "launch visual:", "postcard with", "billboard featuring", "thumbnail:", "app store image:", "press photo of",
)  # fmt: skip
FILLERS = (
    "premium campaign picture", "high quality", "for the spring campaign", "clean advertising photo", "8k",
    "studio quality", "brand campaign", "sharp and clean", "social media ad", "soft shadows", "studio lighting",
    "hero shot", "simple composition", "4k", "highly detailed", "for the new collection", "professional lighting",
    "soft light, high quality", "8k, studio lighting", "minimal, clean", "photorealistic", "crisp", "minimalist",
    "sharp focus", "commercial photography", "high resolution", "soft light", "eye-level", "ultra hd",
    "shot on 50 mm", "f/2.8", "clean composition", "for our webshop", "professional product photography",
    "best quality", "award-winning", "natural light", "shallow depth of field", "friendly mood", "plenty of space",
    "editorial", "cosy mood", "playful mood", "premium feel", "copy space", "inviting", "family friendly", "modern",
    "elegant", "85 mm lens", "hyperrealistic", "octane render", "square format", "for instagram", "cinematic", "macro",
    "for the homepage", "joyful mood", "trendy", "true to life", "brand colours", "simple and bold",
)  # fmt: skip
VERBS: dict[str, tuple[str, ...]] = {
    "product": ("stands", "sits", "is placed", "is"),
    "character": ("stands", "sits", "poses", "waits", "is"),
    "object": ("stands", "sits", "is placed", "is"),
    "thing": ("stands", "sits", "is placed", "is"),
}

# {q}: the words of a sign in quotation marks; {b}: without
BANNERS = (
    "a sign that says {q}", "a sign that says {q}", "with a sign that says {q}", "a sign saying {q}", "sign: {q}",
    "a sign reading {q}", "with the words {q} above", "with the text {q}", "banner reading {b}", "banner reading {q}",
    "a banner with the words {q}", "headline: {q}", "with the headline {q}", "headline {q}", "text: {q}",
    "a banner that says {q}", "with {q} written on a sign", "with {q} on a banner", "the sign says {q}",
    "with the lettering {q}", "a sign with {q} on it", "sign reading {b}", "the banner reads {q}", "the text {q} above",
    "with the slogan {q}", "a board that says {q}",
)  # fmt: skip
BANNER_OPENINGS = ("headline {q}:", "{q} banner:", "sign {q}:", "{q} ad with", "a banner reading {q} with",
                   "a sign that says {q},", "text {q},")  # fmt: skip
QUOTES = (
    '"{b}"', '"{b}"', '"{b}"', "'{b}'", "\u201c{b}\u201d", "\u201c{b}\u201d", "\u2018{b}\u2019", "\u00ab{b}\u00bb",
    "\u201e{b}\u201c",
)  # fmt: skip
