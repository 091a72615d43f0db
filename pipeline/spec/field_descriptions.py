"""What each field of a brand spec and of a job means, with examples; for the JSON Schema that editors show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """A sentence or two about a field, and values that it can have."""

    text: str
    examples: tuple[Any, ...] = ()


_REFERENCES = FieldDescription(
    "Reference pictures (PNG, JPEG or WebP), in order: paths relative to this file, or https addresses on hosts in "
    "BRANDPRESS_REFERENCE_HOSTS.",
    (["references/front.png", "references/side.png"],),
)
_DESCRIPTION = FieldDescription("What it looks like, in words. Prompts can use it.", ("a green mug with a white star",))

DESCRIPTIONS: Mapping[str, Mapping[str, FieldDescription]] = {
    "BrandFields": {
        "brand": FieldDescription("The brand's name.", ("northwind",)),
        "description": FieldDescription("About the brand, for people.", ("A shop for outdoor goods.",)),
        "palette": FieldDescription("The brand's colours by name.", ({"pine": "#1f4d3a", "snow": "#f7f7f2"},)),
        "background": FieldDescription(
            "The colour, or its name in the palette, that transparent reference pictures are flattened onto. Default: "
            "white.",
            ("#ffffff", "snow"),
        ),
        "characters": FieldDescription(
            "Who can appear in pictures, by name.",
            ({"fox": {"description": "an orange fox", "references": ["references/fox.png"]}},),
        ),
        "products": FieldDescription(
            "What is sold, by name.", ({"mug": {"description": "a green mug", "references": ["references/mug.png"]}},)
        ),
        "styles": FieldDescription(
            "How pictures can look, by name.", ({"dawn": {"references": ["references/dawn.png"]}},)
        ),
    },
    "FeedFields": {
        "from": FieldDescription(
            "The feed: a CSV, JSON Lines, Parquet, XLSX or XML file, or its https address.", ("feed.csv",)
        ),
        "key": FieldDescription("The column with each row's unique key.", ("id",)),
        "where": FieldDescription("Only rows that meet this condition.", ("availability == 'in_stock'",)),
        "map": FieldDescription(
            "Which columns are which fields.", ({"description": "title", "references": ["image_link"]},)
        ),
        "on_bad_row": FieldDescription("Whether a bad row is an error (`fail`) or is left out (`skip`).", ("skip",)),
    },
    "Character": {"description": _DESCRIPTION, "references": _REFERENCES},
    "Product": {
        "description": _DESCRIPTION,
        "references": _REFERENCES,
        "sku": FieldDescription("The article number, as text: in quotes if it has only digits.", ("NW-100", "00123")),
    },
    "Style": {
        "description": FieldDescription("The style in words.", ("soft dawn light",)),
        "references": _REFERENCES,
    },
    "Job": {
        "campaign": FieldDescription("The campaign's name: a folder below `deliver`.", ("spring",)),
        "description": FieldDescription("About the campaign, for people.", ("Pictures for the spring catalogue.",)),
        "brand": FieldDescription("The brand spec's file, relative to this file.", ("../specs/northwind/brand.yaml",)),
        "model": FieldDescription(
            "A model of the family, a folder, a .safetensors file or a hub id; or a base model with replaced parts.",
            ("nano", "flux.2-dev", {"base": "flux.2-dev", "loras": [{"file": "style.safetensors", "scale": 0.8}]}),
        ),
        "matrix": FieldDescription(
            "The axes that are multiplied into variants. product, character and style take names of the brand spec, or "
            '"*" for all; format takes sizes; any other axis takes texts.',
            ({"product": ["mug", "bottle"], "character": "*", "scene": {"beach": "on a beach"}},),
        ),
        "exclude": FieldDescription(
            "Combinations to leave out: each entry names the values of some axes.",
            ([{"product": "bottle", "character": "fox"}],),
        ),
        "include": FieldDescription(
            "Values to add to the combinations that an entry fits, or a whole combination to add.",
            ([{"scene": "beach", "style": "dawn"}],),
        ),
        "prompt": FieldDescription(
            "The template of the prompts (Jinja2), or a structure of templates that becomes JSON.",
            ("{{ product.description }} on the left, {{ character.description }} on the right, {{ scene }}",),
        ),
        "negative_prompt": FieldDescription(
            "What guidance leads away from; plain text, the same for all variants. Only for models that aren't "
            "distilled.",
            ("blurry, text",),
        ),
        "upsample": FieldDescription("Whether the model rewrites the prompts first, if it can.", (True,)),
        "reuse": FieldDescription(
            "`exact` computes everything that would change a picture; `approximate` is faster, and pictures differ "
            "slightly.",
            ("exact",),
        ),
        "references": FieldDescription(
            "The axes whose reference pictures go with each prompt, in order; at most 10 pictures together.",
            (["product", "character", "style"],),
        ),
        "reference_pixels": FieldDescription(
            "The area in pixels that larger reference pictures are scaled down to. Default: the model's.",
            (1_048_576, "1024x1024"),
        ),
        "seeds": FieldDescription("How many seeds (0, 1, …) each combination gets, or a list of seeds.", (2, [7, 42])),
        "size": FieldDescription(
            "WIDTHxHEIGHT in pixels, unless the matrix has the axis format. Both are multiples of 16.", ("1024x1024",)
        ),
        "quality": FieldDescription(
            "The number of steps: preview, standard or final; or steps and guidance of your own.",
            ("standard", {"steps": 20, "guidance": 4.0}),
        ),
        "output": FieldDescription("Format and name of the delivered files.", ({"format": "webp"},)),
        "deliver": FieldDescription(
            "Where the campaign's folder is: s3://bucket/prefix, or a folder relative to this file.",
            ("s3://assets/northwind", "../out"),
        ),
        "publish": FieldDescription(
            "`rolling` publishes after every run; `whole` only when all variants are done; `approved` and "
            "`approved-whole` do the same with approved pictures only.",
            ("rolling",),
        ),
        "allow_failed": FieldDescription(
            "With `publish: whole` or `approved-whole`: how many variants may fail, as a number or a percentage.",
            (3, "2%"),
        ),
        "quality_gate": FieldDescription(
            "What a picture must pass before it's published, how often a blocked one is rendered again, and what "
            "happens to one that stays blocked.",
            ({"measures": {"subject": "calibrated", "noise": 0.3}, "retries": 2, "on_fail": "flag"},),
        ),
        "budget": FieldDescription(
            "How much one run may spend. It stops before it exceeds the first limit, and the next run continues.",
            ({"pictures": 500}, {"gpu_minutes": 30, "money": 20}),
        ),
        "schedule": FieldDescription(
            "When `brandpress schedule` renders this campaign.", ({"cron": "0 3 * * MON", "timezone": "Europe/Berlin"},)
        ),
        "public_url": FieldDescription(
            "The address under which readers find the content of `deliver`, for exports.",
            ("https://cdn.example/pictures",),
        ),
    },
    "QualityGate": {
        "measures": FieldDescription(
            "The measures by name: a threshold, or threshold, severity and sample.",
            ({"subject": "calibrated", "text": {"threshold": 0.1, "severity": "warn"}},),
        ),
        "retries": FieldDescription("How often a blocked picture is rendered again, with its next seed.", (2,)),
        "on_fail": FieldDescription(
            "What happens to a picture that is blocked after all retries: `flag` publishes it with its verdict, `drop` "
            "leaves it out, `fail` counts it as failed.",
            ("flag",),
        ),
    },
    "MeasureRule": {
        "threshold": FieldDescription(
            "The least or greatest value that passes; `calibrated` takes it from `brandpress calibrate`.",
            ("calibrated", 0.7),
        ),
        "severity": FieldDescription("What a missed threshold does: `block` or `warn`. Default: block.", ("warn",)),
        "sample": FieldDescription("The share of pictures that people review whatever their scores.", ("5%",)),
    },
    "Budget": {
        "gpu_minutes": FieldDescription("Minutes of all GPUs together; on CPUs, of the machine.", (30,)),
        "pictures": FieldDescription("Rendered pictures, failed ones included.", (500,)),
        "money": FieldDescription("An amount in the currency of the prices.", (20,)),
    },
    "Schedule": {
        "cron": FieldDescription("Minute, hour, day of month, month and day of week.", ("0 3 * * MON",)),
        "timezone": FieldDescription("The time zone of `cron`. Default: UTC.", ("Europe/Berlin",)),
        "catch_up": FieldDescription("1: one run makes up for all that were missed. 0: they are left out.", (1,)),
        "deadline": FieldDescription("How long a run may take. It then publishes what is done.", ("6h",)),
    },
    "Output": {
        "format": FieldDescription("The file format.", ("png",)),
        "name": FieldDescription(
            "The template of the files' names, with / between folders. Default: the axes' values, and the seed.",
            ("{{ product }}/{{ character }}-{{ scene }}-s{{ seed }}",),
        ),
    },
    "Custom": {
        "steps": FieldDescription("The number of denoising steps.", (20,)),
        "guidance": FieldDescription("How closely pictures follow the prompt.", (4.0,)),
    },
    "Composition": {
        "base": FieldDescription("The model whose parts are used.", ("flux.2-dev",)),
        "transformer": FieldDescription("A file or folder with another transformer.", ("transformer-fp8.safetensors",)),
        "vae": FieldDescription("A file or folder with another autoencoder.", ("vae.safetensors",)),
        "text_encoder": FieldDescription("A file or folder with another text encoder.", ("text_encoder",)),
        "loras": FieldDescription("LoRAs, added in order.", ([{"file": "style.safetensors", "scale": 0.8}],)),
        "quantise": FieldDescription("Quantise the weights when they are loaded.", ("fp8",)),
        "region": FieldDescription("Where BFL renders, for hosted models.", ("eu",)),
    },
    "Lora": {
        "file": FieldDescription("The LoRA's .safetensors file.", ("style.safetensors",)),
        "scale": FieldDescription("Its strength. Default: 1.", (0.8,)),
    },
}
"""Name of a pydantic model -> its fields, as they are written."""
