"""The reference names everything that the code has, in the section where one looks for it, and nothing else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from brandpress.model import request
from brandpress.model.family import FAMILIES, FLEX_GUIDANCE, FLEX_STEPS, Family
from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.pipeline.cli import exit_codes
from brandpress.pipeline.deliver import author, lease
from brandpress.pipeline.deliver.contents import MAX_PART_RECORDS
from brandpress.pipeline.deliver.decision_file import DecisionFile
from brandpress.pipeline.deliver.decisions import Decision
from brandpress.pipeline.deliver.manifest import Manifest, Pointer
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.plan.cost import prices
from brandpress.pipeline.plan.lock import Lock
from brandpress.pipeline.plan.variant import KEY_DIGITS
from brandpress.pipeline.run.schedule_state import State
from brandpress.pipeline.spec import (
    axes,
    budget,
    campaign,
    campaign_file,
    decode,
    delivery,
    fields,
    free_fields,
    model_field,
    output_name,
    picture,
    remote,
    schedule,
    size,
    template_check,
    where,
    yaml_file,
    yaml_values,
)
from brandpress.pipeline.spec.brand import BrandFields
from brandpress.pipeline.spec.feed import csv_table, jsonl_table, parquet_table, read, rows, source, xlsx_table
from brandpress.pipeline.spec.feed import table as feed_table
from brandpress.pipeline.spec.feed.feed_fields import FeedFields
from brandpress.pipeline.spec.template_environment import FILTERS, MAX_RENDERED, TESTS
from brandpress.pipeline.spec.template_values import CHOICE_ATTRIBUTES, ENTITY_ATTRIBUTES, FORMAT_ATTRIBUTES
from tests.reference_code import COMMANDS, GROUP, choices_of, environment_variables, fields_of, sources
from tests.reference_pages import ITEM, PAGES, ROOT, Section, code_in, covers, joined, section, steps_of, tables_of

MODELS: dict[tuple[str, str], type[BaseModel]] = {
    ("brand-spec.md", "Fields"): BrandFields,
    ("brand-spec.md", "Feeds"): FeedFields,
    ("campaign.md", "Fields"): campaign.Job,
    ("prices.md", "Fields"): prices.PriceFile,
    ("lock.md", "Fields"): Lock,
    ("decisions.md", "Fields"): DecisionFile,
    ("store.md", "Record"): Record,
    ("store.md", "Manifest"): Manifest,
    ("store.md", "Pointer"): Pointer,
    ("store.md", "Lease"): lease.Lease,
    ("store.md", "Decision"): Decision,
    ("store.md", "Schedule"): State,
}
"""Where the fields of each model stand."""

WRITTEN_BY_PEOPLE = [place for place, model in MODELS.items() if issubclass(model, fields.Fields)]
"""Those whose table has types and defaults."""

LIMITS = [
    ("reference.md", "YAML files", f"{yaml_file.MAX_BYTES:,} bytes"),
    ("reference.md", "YAML files", f"{yaml_values.MAX_NODES:,}, aliases expanded"),
    ("reference.md", "YAML files", f"{yaml_values.MAX_DEPTH} levels"),
    ("reference.md", "YAML files", f"{yaml_values.MAX_NUMBER} characters"),
    ("brand-spec.md", "Reference pictures", f"{picture.MAX_FILE_BYTES >> 20} MiB"),
    ("brand-spec.md", "Reference pictures", f"{decode.MAX_PICTURE_PIXELS // 10**6} million;"),
    ("brand-spec.md", "Reference pictures", f"WebP at most {decode.MAX_WEBP_PIXELS // 10**6} million"),
    ("brand-spec.md", "Reference pictures", f"at least {request.MIN_REFERENCE_SIDE} pixels"),
    ("brand-spec.md", "Reference pictures", f"at most {request.MAX_ASPECT}:1"),
    ("brand-spec.md", "Reference pictures", f"at most {remote.MAX_SECONDS:g} seconds"),
    ("brand-spec.md", "Free fields", f"| fields | {free_fields.MAX_FREE_FIELDS} |"),
    ("brand-spec.md", "Free fields", f"{free_fields.MAX_FREE_TEXT:,} characters"),
    ("brand-spec.md", "Free fields", f"{free_fields.MAX_ITEMS} items"),
    ("brand-spec.md", "Free fields", f"{free_fields.MAX_LOCALES} locales"),
    ("brand-spec.md", "Feeds", f"{source.MAX_BYTES >> 20} MiB"),
    ("brand-spec.md", "Feeds", f"XLSX {source.MAX_WORKBOOK_BYTES >> 20} MiB"),
    ("brand-spec.md", "Feeds", f"XLSX {xlsx_table.MAX_UNCOMPRESSED >> 20} MiB unpacked"),
    ("brand-spec.md", "Feeds", f"Parquet {parquet_table.MAX_UNCOMPRESSED >> 30} GiB unpacked"),
    ("brand-spec.md", "Feeds", f"{feed_table.MAX_ROWS:,} rows"),
    ("brand-spec.md", "Feeds", f"{feed_table.MAX_COLUMNS} columns"),
    ("brand-spec.md", "Feeds", f"{jsonl_table.MAX_LINE:,} bytes"),
    ("brand-spec.md", "Feeds", f"{csv_table.MAX_HEADER:,} characters"),
    ("brand-spec.md", "Feeds", f"{rows.MAX_KEY} characters"),
    ("brand-spec.md", "Feeds", f"{request.MAX_REFERENCES} pictures"),
    ("brand-spec.md", "Feeds", f"first {read.MAX_REPORTED} mistakes"),
    ("brand-spec.md", "Feeds", f"first {read.MAX_SKIPPED:,} skipped rows"),
    ("brand-spec.md", "Conditions", f"{where.MAX_CONDITION:,} characters"),
    ("decisions.md", "Fields", f"at most {author.MAX_BY} characters"),
    ("decisions.md", "Fields", f"at most {author.MAX_REASON:,} characters"),
    ("campaign.md", "Schedule", f"at most {schedule.MAX_CRON} characters"),
    ("campaign.md", "Fields", f"{schedule.MIN_DEADLINE // timedelta(minutes=1)} minute"),
    ("campaign.md", "Fields", f"{schedule.MAX_DEADLINE.days} days"),
    ("campaign.md", "Budget", f"{budget.MAX_AMOUNT:,.0f}"),
    ("prices.md", "Fields", f"{prices.MAX_PRICE:,.0f}"),
    ("campaign.md", "Fields", f"at most {model_field.MAX_LORAS} LoRAs"),
    ("campaign.md", "Fields", f"{-model_field.MAX_SCALE} to {model_field.MAX_SCALE}"),
    ("campaign.md", "References", f"at most {request.MAX_REFERENCES} reference pictures"),
    ("campaign.md", "Size", f"multiples of {request.SIZE_MULTIPLE}, at least {size.MIN_SIDE}"),
    ("campaign.md", "Size", f"at most {request.MAX_ASPECT}:1"),
    ("campaign.md", "Quality", f"{FLEX_STEPS[0]} to {FLEX_STEPS[1]} steps"),
    ("campaign.md", "Quality", f"{FLEX_GUIDANCE[0]:g} to {FLEX_GUIDANCE[1]:g}"),
    ("campaign.md", "Delivery", f"at most {delivery.MAX_PREFIX_BYTES} bytes"),
    ("templates.md", "Limits", f"{template_check.MAX_DEPTH} levels"),
    ("models.md", "What depends on the model", f"{LONG_SCHEDULE} steps"),
    ("store.md", "Layout", f"<{KEY_DIGITS} digits>"),
    ("store.md", "Lease", f"every {lease.HEARTBEAT_SECONDS:g} seconds"),
    ("store.md", "Lease", f"{lease.LEASE_SECONDS:g} seconds after"),
    ("reference.md", "Names", f"{fields.MAX_SLUG} characters"),
    ("reference.md", "Texts", f"{fields.MAX_TEXT:,} characters"),
    ("reference.md", "Texts", f"at most {fields.MAX_TEMPLATE:,}"),
    ("campaign.md", "Fields", f"{request.MIN_REFERENCE_PIXELS:,} to {request.MAX_REFERENCE_PIXELS:,} pixels"),
    ("campaign.md", "Fields", f"1 to {campaign.MAX_STEPS} denoising steps"),
    ("campaign.md", "Fields", f"0 to {campaign.MAX_GUIDANCE:g}"),
    ("campaign.md", "Matrix", f"| axes | {axes.MAX_AXES} |"),
    ("campaign.md", "Matrix", f"{campaign.MAX_VARIANTS:,} before"),
    ("campaign.md", "Matrix", f"{campaign_file.MAX_COMPARISONS:,}"),
    ("campaign.md", "Seeds", f"{campaign.MAX_SEED:,}"),
    ("campaign.md", "Size", f"{request.MAX_PIXELS:,}"),
    ("campaign.md", "Output names", f"{output_name.MAX_NAME} characters, {output_name.MAX_SEGMENT} between"),
    ("templates.md", "Limits", f"{MAX_RENDERED:,} characters"),
    ("templates.md", "Limits", f"{template_check.MAX_NODES:,}"),
    ("templates.md", "Limits", f"{template_check.MAX_NUMBER:,}"),
    ("store.md", "Layout", f"{MAX_PART_RECORDS:,} records"),
]


def compare(place: Section, documented: set[str], existing: set[str]) -> None:
    """Fails with the names that a section lacks, and those that don't exist."""
    differences = {"lacks": existing - documented, "has what doesn't exist": documented - existing}
    message = "; ".join(f"{what}: {', '.join(sorted(names))}" for what, names in differences.items() if names)
    assert not message, f"{place} {message}"


@pytest.mark.parametrize("place", MODELS, ids=" ".join)
def test_every_field_is_documented(place: tuple[str, str]) -> None:
    compare(section(*place), set(section(*place).rows("field")), {path for path, _ in fields_of(MODELS[place])})


@pytest.mark.parametrize("place", WRITTEN_BY_PEOPLE, ids=" ".join)
def test_every_field_has_its_default_and_its_choices(place: tuple[str, str]) -> None:
    rows = section(*place).rows("field")
    for path, info in fields_of(MODELS[place]):
        if path not in rows:  # the test before this one reports it
            continue
        _, kind, default, _ = rows[path]
        assert (default == "required") == info.is_required(), path
        if isinstance(info.default, bool | int | float | str) and info.default != "":
            assert json.dumps(info.default).strip('"') in default, path
        lacking = set(choices_of(info.annotation)) - set(code_in(kind))
        assert not lacking, f"{path} lacks the choices {lacking}"


@pytest.mark.parametrize(("page", "heading", "text"), LIMITS)
def test_limits_are_those_of_the_code(page: str, heading: str, text: str) -> None:
    assert text in " ".join(section(page, heading).text.split())


def test_reserved_axis_names() -> None:
    lacking = set(axes.RESERVED) - set(code_in(section("campaign.md", "Matrix").text))
    assert not lacking


def test_formats_of_feeds() -> None:
    place = section("brand-spec.md", "Feeds")
    compare(place, set(place.rows("file")), set(source.FORMATS))


def test_template_variables(tmp_path: Path) -> None:
    """The message about an unknown variable lists all that exist."""
    job = {"campaign": "x", "matrix": {"product": ["mug"], "character": ["fox"], "style": ["dawn"], "scene": ["here"]}}
    (tmp_path / "job.yaml").write_text(json.dumps(job | {"prompt": "{{ unknown }}"}))
    problems = campaign_file.examine_campaign(tmp_path / "job.yaml").problems
    (rule,) = [problem.allowed for problem in problems if "unknown variable" in problem.what]
    place = section("templates.md", "Variables")
    compare(place, set(place.rows("variable")), set(re.findall(r"'(\w+)'", rule)))


def test_template_attributes() -> None:
    place = section("templates.md", "Attributes")
    documented: dict[str, list[str]] = {}
    for owner, attribute, _ in [row for table in _tables(place) for row in table]:
        owner = owner or [*documented][-1]
        documented.setdefault(owner, []).extend(code_in(attribute))
    assert list(documented.values()) == [
        list(attributes) for attributes in (ENTITY_ATTRIBUTES, CHOICE_ATTRIBUTES, FORMAT_ATTRIBUTES)
    ]


def _tables(place: Section) -> list[tuple[tuple[str, ...], ...]]:
    return [table.rows for table in tables_of(place.text)]


def test_template_filters_and_tests() -> None:
    for heading, column, names in (("Filters", "filter", FILTERS), ("Tests", "test", TESTS)):
        place = section("templates.md", heading)
        compare(place, set(place.rows(column)), set(names))


def test_the_table_of_models() -> None:
    rows = section("models.md", "Family").rows("name")
    compare(section("models.md", "Family"), set(rows), set(FAMILIES))
    (family_table, hub_table) = _tables(section("models.md", "Family"))
    assert list(family_table) == [_family_row(family) for family in FAMILIES.values()]
    assert list(hub_table) == [(f"`{f.name}`", f"`{f.hub}`") for f in FAMILIES.values() if f.hub]


def _family_row(family: Family) -> tuple[str, ...]:
    service = "the service's"
    return (
        f"`{family.name}`",
        " / ".join(map(str, family.steps.values())) if family.steps else service,
        service if family.guidance is None else f"{family.guidance:g}",
        str(family.max_references),
        family.licence,
        "yes" if family.commercial_use else "no",
    )


def test_every_command_has_a_section() -> None:
    page = next(page for page in PAGES if page.name == "commands.md")
    documented = set(re.findall(r"^## (brandpress .+)$", page.read_text(), re.MULTILINE))
    compare(section("commands.md", "Commands"), documented, set(COMMANDS))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_is_documented(path: str) -> None:
    place = section("commands.md", path)
    usage = re.search(r"```sh\n(.*?)\n```", place.text, re.DOTALL)
    rows = place.rows("option")
    options: set[str] = set()
    for parameter in COMMANDS[path].params:
        if parameter.param_type_name == "argument":
            metavar = parameter.metavar or parameter.name.upper()
            assert usage and metavar in usage[1], f"{place} lacks the argument {metavar}"
        elif not parameter.hidden and "--help" not in parameter.opts:
            options.update((*parameter.opts, *parameter.secondary_opts))
            row = next((cells for name, cells in rows.items() if name.split()[0] == parameter.opts[-1]), None)
            if row and isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool):
                assert code_in(row[1]) == [str(parameter.default)], parameter.opts
    compare(place, {name.split()[0] for name in rows}, options)


def test_global_options() -> None:
    documented = {name.split()[0] for name in section("commands.md", "Commands").rows("option")}
    lacking = {option for parameter in GROUP.params for option in parameter.opts} - documented
    assert not lacking


def test_exit_codes() -> None:
    codes = {str(value) for name, value in vars(exit_codes).items() if name.isupper() and type(value) is int}
    place = section("commands.md", "Exit codes")
    compare(place, set(place.rows("code")), codes)


OTHERS_READ = "S3"
"""The section with variables that boto3 reads."""


def test_environment_variables() -> None:
    """Those of brandpress itself, and all others that the code reads by name."""
    place = section("environment.md", "Environment")
    documented = set(place.rows("variable"))
    lacking = environment_variables() - documented
    assert not lacking, f"{place} lacks: {', '.join(sorted(lacking))}"
    code = "".join(sources())
    own = documented - set(section("environment.md", OTHERS_READ).rows("variable"))
    invented = [name for name in sorted(own) if f'"{name}"' not in code]
    assert not invented, f"{place} has what the code never names: {', '.join(invented)}"


def test_keys_of_model_index() -> None:
    place = section("models.md", "model_index.json")
    source = (ROOT / "model" / "checkpoint" / "describe.py").read_text()
    read = set(re.findall(r'index, "(\w+)"', source)) | set(re.findall(r'index\.get\("(\w+)"\)', source))
    compare(place, set(place.rows("key")), read - {"_class_name", "is_distilled"})


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            file = (page.parent / target).resolve() if target else page
            assert file.exists(), f"{page.name}: {target}"
            if anchor and file.suffix == ".md":
                headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
                anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
                assert anchor in anchors, f"{page.name}: {target}#{anchor}"


def test_paths_are_written_as_tables_have_them() -> None:
    steps = ("files", ITEM, "problems", ITEM, "line")
    assert (joined(steps), steps_of("files[].problems[].line")) == ("files[].problems[].line", steps)
    assert covers(steps_of("axes.<axis>.<value>"), ("axes", "scene", "snow"))
    assert not covers(steps_of("axes.<axis>"), ("sizes", "64x64"))
