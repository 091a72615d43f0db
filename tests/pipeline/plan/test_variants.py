"""Points, variants, render keys, summaries and problems against a second, naive implementation of the expansion."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brandpress.pipeline.plan.expand import Plan, plan_for
from brandpress.pipeline.plan.identity import KeyInputs, render_key
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.summary import StoreState, summarise
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.campaign_file import examine_campaign
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model

SCENES = {"beach": "on a beach", "shore": "on a beach", "snow": "in snow"}
FORMATS = {"square": "64x64", "wide": "128x64", "tall": "64x128"}
PROMPTS = (
    "{{ product }} {{ scene }}",
    "{{ scene }}{% if product == 'mug' %}, hot{% endif %}",
    "{{ product }} {{ scene }} {{ light | default('by day') }}",
    "{{ scene }} {{ seed }}",
    "{{ product }} {{ scene }}, {{ 'wild' if seed > 1 else 'calm' }}",
    "{{ 9 - index }} {{ product }}",
    "{{ product }} {{ scene }} {{ format.width }}",
)
NAMES = (
    None,
    "{{ scene }}/{{ product }}-{{ seed }}",
    "{{ format }}-{{ index | pad(4) }}",
    "{{ product | upper if seed else product }}-{{ scene }}-{{ format }}",
    "{{ light | default('day') }}-{{ product }}-{{ scene }}-{{ format }}-{{ seed }}",
)
axes = st.fixed_dictionaries(
    {
        "product": st.lists(st.sampled_from(["mug", "bottle"]), min_size=1, unique=True),
        "scene": st.lists(st.sampled_from(sorted(SCENES)), min_size=1, unique=True).map(
            lambda n: {k: SCENES[k] for k in n}
        ),
    },
    optional={
        "character": st.lists(st.sampled_from(["fox", "bear"]), min_size=1, unique=True),
        "format": st.lists(st.sampled_from(sorted(FORMATS)), min_size=1, unique=True).map(
            lambda n: {k: FORMATS[k] for k in n}
        ),
    },
)
jobs = st.fixed_dictionaries(
    {
        "matrix": axes,
        "prompt": st.sampled_from(PROMPTS),
        "seeds": st.integers(1, 4) | st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
        "references": st.sampled_from([[], ["product"], ["product", "character"]]),
        "name": st.sampled_from(NAMES),
        "exclude": st.booleans(),
        "include": st.booleans(),
    }
)


@dataclass
class Plain:
    """Points as dicts, in order, and the problems of the campaign."""

    points: list[dict[str, Any]]
    wrong: set[tuple[str, str]]


def written(corpus: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Returns the campaign's file as data."""
    first = {axis: next(iter(values)) for axis, values in job["matrix"].items()}
    last = {axis: list(values)[-1] for axis, values in job["matrix"].items()}
    lit = job["include"] or "light" in f"{job['prompt']}{job['name']}"
    references = [role for role in job["references"] if role in job["matrix"]]
    return {
        "campaign": "c",
        "brand": f"{corpus}/northwind/brand.yaml",
        "model": "nano",
        "matrix": job["matrix"],
        "exclude": [first] if job["exclude"] and first != last else [],
        "include": [{**last, "light": "at dusk"}, {**last, "scene": {"moon": "on the moon"}}] if lit else [],
        "prompt": job["prompt"],
        "references": references,
        "seeds": job["seeds"],
        "size": "64x64",
        "deliver": "out",
        "output": {"name": job["name"]} if job["name"] else {},
    }


def combinations(data: dict[str, Any]) -> Iterator[dict[str, str]]:
    for values in product(*data["matrix"].values()):
        combination = dict(zip(data["matrix"], values, strict=True))
        if combination in data["exclude"]:
            continue
        yield combination | (
            {"light": "at-dusk"} if data["include"] and data["include"][0].items() >= combination.items() else {}
        )
    for entry in data["include"][1:]:
        yield entry | {"scene": "moon"}


class Named(str):
    """Just enough of the values of templates."""

    width: int


def plain(data: dict[str, Any], corpus: Path) -> Plain:
    """Expands the campaign naively: all points in order, each compared with all earlier ones."""
    brand = examine_brand(corpus / "northwind" / "brand.yaml").brand
    assert brand is not None
    jinja = jinja2.Environment(undefined=jinja2.StrictUndefined)
    jinja.filters["pad"] = lambda value, width: str(value).zfill(width)
    prompt, name = jinja.from_string(data["prompt"]), jinja.from_string(data["output"].get("name", ""))
    seeds = range(data["seeds"]) if isinstance(data["seeds"], int) else data["seeds"]
    texts = SCENES | {"moon": "on the moon", "at-dusk": "at dusk"}
    reseeds = "seed" in data["prompt"] or "index" in data["prompt"]
    points: list[dict[str, Any]] = []
    for axes in combinations(data):
        size = FORMATS[axes["format"]] if "format" in axes else "64x64"
        shape = Named(axes.get("format", size))
        shape.width = int(size.split("x")[0])
        for seed in seeds:
            values = {**axes, "seed": seed, "index": len(points), "format": shape}
            named = name.render(values) if data["output"] else "-".join([*axes.values(), f"s{seed}"])
            prompt_text = prompt.render(
                values | {axis: texts[axes[axis]] for axis in ("scene", "light") if axis in axes}
            )
            roles = [role for role in data["references"] if role in axes]
            files = tuple(p.sha256 for role in roles for p in brand.pictures_of(role, axes[role]))
            point = {"axes": axes, "seed": seed, "size": size, "name": named, "prompt": prompt_text, "files": files}
            points.append(point)
    return Plain(
        points,
        {*twins(points, reseeds, seeds[0], data["output"].get("name", "")), *collisions(points, bool(data["output"]))},
    )


def label(axes: dict[str, str], seed: int | None = None) -> str:
    values = axes if seed is None else {**axes, "seed": seed}
    return "{" + ", ".join(f"{axis}: {name}" for axis, name in values.items()) + "}"


def first_of(results: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Returns the first result, if there is one, with the number of the others."""
    more = f" (and {len(results) - 1} more)" if len(results) > 1 else ""
    return [(what + more, rule) for what, rule in results[:1]]


def twins(points: list[dict[str, Any]], reseeds: bool, first_seed: int, name: str) -> list[tuple[str, str]]:
    named = set(re.findall("[a-z]+", name))
    first_points: dict[tuple[object, ...], dict[str, str]] = {}
    results = []
    for point in points:
        if not reseeds and point["seed"] != first_seed:
            continue
        axes = point["axes"]
        other = first_points.setdefault(
            (point["prompt"], point["files"], point["size"], point["seed"] if reseeds else None), axes
        )
        differing = {axis for axis in {**axes, **other} if axes.get(axis) != other.get(axis)}
        if other is not axes and not named & differing:
            unused = " or ".join(f"'{{{{ {axis} }}}}'" for axis in axes if axes[axis] != other.get(axis))
            what = f"{label(other)} and {label(axes)} would be the same picture: prompt, references and size are equal"
            results.append(
                (
                    what,
                    f"use {unused} in the prompt, or in output.name to share one picture"
                    if unused
                    else "remove one of them",
                )
            )
    return first_of(results)


def collisions(points: list[dict[str, Any]], in_name: bool) -> list[tuple[str, str]]:
    first_points: dict[str, dict[str, Any]] = {}
    results, differing = [], {}
    for point in points:
        other = first_points.setdefault(point["name"].casefold(), point)
        if other is not point:
            one_point, other_point = ({**one["axes"], "seed": one["seed"]} for one in (point, other))
            differing |= dict.fromkeys(
                f"'{{{{ {axis} }}}}'" for axis in one_point if one_point[axis] != other_point.get(axis)
            )
            both = f"{label(other['axes'], other['seed'])} and {label(point['axes'], point['seed'])}"
            results.append((f"'{point['name']}' is the name of two variants: {both}", ""))
    rule = f"add {' and '.join(differing)} to the name" if differing else ""
    return [(what, rule) for what, _ in first_of(results)]


def key_of(point: dict[str, Any]) -> str:
    width, height = (int(side) for side in point["size"].split("x"))
    inputs = KeyInputs(
        weights="ab" * 32,
        prompt=point["prompt"],
        references=point["files"],
        width=width,
        height=height,
        seed=point["seed"],
        quantisation=None,
        sampler=model().sampler,
        format="png",
        steps=20,
        guidance=4.0,
    )
    return render_key(inputs)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(jobs)
def test_the_expansion_equals_the_naive_one(corpus: Path, tmp_path: Path, job: dict[str, Any]) -> None:
    data = written(corpus, job)
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(data, sort_keys=False))
    expected = plain(data, corpus)
    examined = examine_campaign(tmp_path / "job.yaml")
    assert {(problem.what, problem.allowed) for problem in examined.problems} == expected.wrong
    if examined.campaign is None:
        return
    points = examined.campaign.points
    assert [(p.axes, p.seed, str(p.size), p.prompt, p.name) for p in points] == [
        tuple(point[field] for field in ("axes", "seed", "size", "prompt", "name")) for point in expected.points
    ]
    sets: dict[tuple[str, ...], int] = {}
    for point in expected.points:
        sets.setdefault(point["files"], len(sets))

    def order(point: dict[str, Any]) -> tuple[object, ...]:
        size = tuple(int(side) for side in point["size"].split("x"))
        return sets[point["files"]], size, point["prompt"], point["seed"]

    ordered = sorted(expected.points, key=order)
    plan = plan_for(examined.campaign, model())
    variants = list(plan.variants)
    assert [(v.name, v.axes, v.prompt, v.seed, v.reference_set, v.render_key) for v in variants] == [
        (p["name"], p["axes"], p["prompt"], p["seed"], p["files"], key_of(p)) for p in ordered
    ]
    check_summary(plan, variants)


def check_summary(plan: Plan, variants: list[Variant]) -> None:
    """Compares the summary with numbers that are counted variant by variant."""
    done = {variant.render_key for variant in variants[::3]}
    summary = summarise(plan, "out", StoreState(done | {"f" * 64}))
    keys = {variant.render_key for variant in variants}
    assert (summary.done, summary.to_render) == (sum(v.render_key in done for v in variants), len(keys - done))
    sizes: dict[str, int] = {}
    sets: dict[tuple[str, ...], int] = {}
    names: dict[tuple[str, str], int] = {}
    for variant in variants:
        size = f"{variant.width}x{variant.height}"
        sizes[size] = sizes.get(size, 0) + 1
        sets[variant.reference_set] = sets.get(variant.reference_set, 0) + 1
        for named in variant.axes.items():
            names[named] = names.get(named, 0) + 1
    assert list(summary.sizes.items()) == list(sizes.items())
    digests = [(tuple(r.sha256 for r in results.references), results.variants) for results in summary.reference_sets]
    assert digests == list(sets.items())
    assert {(axis, name): n for axis, results in summary.axes.items() for name, n in results.items() if n} == names
    largest = largest_of(plan)
    assert largest.width * largest.height == max(variant.width * variant.height for variant in variants)


def job_of(corpus: Path, folder: Path, near: int, far: int, seeds: int) -> Path:
    """A campaign of 2 x near x far prompts, each with that many seeds."""
    job = {
        **{"campaign": "c", "brand": f"{corpus}/northwind/brand.yaml", "model": "nano", "size": "64x64"},
        "matrix": {
            "product": ["mug", "bottle"],
            "near": {f"n{i}": f"near the place {i}" for i in range(near)},
            "far": {f"f{i}": f"far from the place {i}" for i in range(far)},
        },
        **{"prompt": "{{ product }} {{ near }} and {{ far }}", "references": ["product"], "seeds": seeds},
        "deliver": "out",
    }
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(job))
    return file


@pytest.mark.slow
@pytest.mark.parametrize(("near", "far", "seeds"), [(5, 100, 20), (100, 100, 1)], ids=["seeds", "prompts"])
def test_memory_of_a_plan(near: int, far: int, seeds: int, corpus: Path, tmp_path: Path) -> None:
    """At most 2,500 bytes for each variant: 100,000 variants take less than 250 MB."""
    file = job_of(corpus, tmp_path, near, far, seeds)
    load_campaign(file)  # fills the caches that all campaigns share
    tracemalloc.start()
    try:
        plan = plan_for(load_campaign(file), model(text_length=1_000))
        summary = summarise(plan, "out", StoreState(), None, warnings_of(plan))
        largest_of(plan)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert summary.to_render == 20_000
    assert peak < 2_500 * 20_000
