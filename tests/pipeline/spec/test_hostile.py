"""Randomly broken campaigns and brand specs are planned or rejected with positions; nothing else happens."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brandpress.pipeline.plan.validate import validate
from tests.corpus.layout import CORPUS

JOBS = [yaml.safe_load((CORPUS / "good" / f"{name}.yaml").read_text()) for name in ("include", "composition", "hosted")]
BRAND = yaml.safe_load((CORPUS / "northwind" / "brand.yaml").read_text()) | {"background": "pine"}
WEIRD = st.sampled_from(
    [None, True, 0, -1, 3.5, float("inf"), 10**400, "", "*", "mug", "../x", "a\x00", "x" * 5000, "{{ x", "{{ scene }}",
     "\ud83d", [], [[]], [{}], {}, {"a": {}}, {"product": "mug"}, [None], ["mug", 1], {"name": "{{ product }}"},
     "64x64", "s3://a"]
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    shutil.copytree(corpus / "northwind", root / "northwind")
    shutil.copytree(corpus / "klein", root / "klein")
    shutil.copytree(corpus / "klein-base", root / "klein-base")
    (root / "good").mkdir()
    return root


def places(value: object, place: tuple[object, ...] = ()):
    yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from places(inner, (*place, step))


def changed(value: object, place: tuple[object, ...], change: object, remove: bool) -> object:
    if not place:
        return change
    if isinstance(value, dict):
        return {
            step: changed(inner, place[1:], change, remove) if step == place[0] else inner
            for step, inner in value.items()
            if not (remove and step == place[0] and len(place) == 1)
        }
    assert isinstance(value, list)
    return [changed(inner, place[1:], change, remove) if i == place[0] else inner for i, inner in enumerate(value)]


def mutated(data: object):
    return st.tuples(st.sampled_from(list(places(data))), WEIRD, st.booleans()).map(lambda c: changed(data, *c))


def messages_for(file: Path, text: str) -> list[str]:
    file.write_text(text, errors="surrogatepass")
    return [str(problem) for problem in validate(file).problems]


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(JOBS).flatmap(mutated), st.data())
def test_mutated_campaigns_have_problems_with_positions(folder: Path, job: object, data: st.DataObject) -> None:
    if isinstance(job, dict) and data.draw(st.booleans()):
        job = data.draw(mutated(job))
    for problem in messages_for(folder / "good" / "job.yaml", yaml.safe_dump(job)):
        assert problem.startswith(str(folder / "good" / "job.yaml:"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutated(BRAND))
def test_mutated_brand_specs_have_problems_with_positions(folder: Path, brand: object) -> None:
    for problem in messages_for(folder / "northwind" / "hostile.yaml", yaml.safe_dump(brand)):
        assert problem.startswith(str(folder / "northwind" / "hostile.yaml:"))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_text_that_is_cut_or_mixed_up_raises_nothing(folder: Path, data: st.DataObject) -> None:
    text = (CORPUS / "good" / "texts.yaml").read_text()
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    insert = data.draw(st.text("{}[]:,&*!|>'\"%@`- \n\ta<~?#", max_size=6))
    messages_for(folder / "good" / "job.yaml", text[:start] + insert + text[end:])
