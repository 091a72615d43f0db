"""`regenerate`: plans a campaign, renders what is new or stale, publishes, and says what it did in the forms of CI."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brandpress.model.errors import CheckpointError, RequestError
from brandpress.pipeline.deliver.manifest import read_fields, read_latest
from brandpress.pipeline.deliver.plan_summary import summarise_with_store
from brandpress.pipeline.deliver.render_order import RenderOrder, render_order
from brandpress.pipeline.plan.cost.estimate import CostOptions
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.markdown import plan_markdown
from brandpress.pipeline.plan.selection import campaign_selection
from brandpress.pipeline.plan.state import State, count_states
from brandpress.pipeline.plan.summary import Summary
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.run.ci_markdown import outcome_markdown, problems_markdown
from brandpress.pipeline.run.github import write_outputs, write_summary
from brandpress.pipeline.run.problem_reports import code_quality, junit
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.public_url import object_url
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store

SCHEMA = "brandpress.regeneration/1"


@dataclass(frozen=True, slots=True)
class Reports:
    """Files to write for CI; None for those that nobody asked for.

    outputs: `name=value` lines. summary: Markdown. quality: GitLab's Code Quality. junit: JUnit's XML. The first two
    are appended to, as GitHub's files are.
    """

    outputs: Path | None = None
    summary: Path | None = None
    quality: Path | None = None
    junit: Path | None = None

    def problems(self, path: Path, problems: Sequence[Problem]) -> None:
        """Reports a job that isn't valid. Raises RequestError if a file can't be written."""
        if self.quality is not None:
            _write(self.quality, code_quality(problems))
        if self.junit is not None:
            _write(self.junit, junit(str(path), problems))
        if self.summary is not None:
            write_summary(problems_markdown(path.name, problems), self.summary)

    def result(self, path: Path, result: Regeneration, sheet: Path | None) -> None:
        """Reports a plan, or a run if there was one. Raises RequestError if a file can't be written."""
        outcome = result.outcome
        if self.outputs is not None:
            write_outputs(result.outputs(sheet), self.outputs)
        if self.quality is not None:
            _write(self.quality, code_quality(()))
        if self.junit is not None:
            failures = outcome.failures if outcome else ()
            _write(self.junit, junit(str(path), (), failures, outcome.done if outcome else 0))
        if self.summary is not None:
            write_summary(result.markdown(sheet), self.summary)


@dataclass(frozen=True, slots=True)
class Regeneration:
    """What a run would do and, unless only the plan was asked for, what it has done.

    pictures: (name, URL) of the pictures that it has rendered, if the job says where they are public.
    """

    campaign: str
    uri: str
    summary: Summary
    outcome: Outcome | None = None
    pictures: tuple[tuple[str, str], ...] = ()

    @property
    def new(self) -> tuple[str, ...]:
        """Names of variants to render under whose name nothing is published."""
        return self._named("new")

    @property
    def stale(self) -> tuple[str, ...]:
        """Names of variants to render that replace published pictures."""
        return self._named("stale")

    def _named(self, state: State) -> tuple[str, ...]:
        return tuple(sorted(one.name for one in self.summary.selected if one.state == state))

    @property
    def line(self) -> str:
        """The plan in one line."""
        counts = count_states(self.summary.selected)
        planned = self.summary.plan.planned if self.summary.selection is None else len(self.summary.selected_variants)
        states = f"{counts['unchanged']:,} done, {counts['new']:,} new, {counts['stale']:,} stale"
        manifest = {"to publish": self.summary.to_publish, "to remove": self.summary.to_remove}
        changes = "".join(f", {count:,} {what}" for what, count in manifest.items() if count)
        return f"{planned:,} planned: {states}{changes}"

    def outputs(self, sheet: Path | None = None) -> dict[str, object]:
        """Returns the outputs of a CI step: counts, the cost in credits, and where the manifest and the sheet are."""
        outcome = self.outcome
        return {
            "new": len(self.new),
            "stale": len(self.stale),
            "publish": self.summary.to_publish,
            "remove": self.summary.to_remove,
            "rendered": outcome.done if outcome else 0,
            "failed": outcome.failed if outcome else 0,
            "dropped": outcome.gate.dropped if outcome and outcome.gate else 0,
            "unapproved": outcome.published.unapproved if outcome and outcome.published else 0,
            "cost": None if outcome is None or outcome.cost is None else round(outcome.cost, 4),
            "manifest": f"{outcome.uri}/{outcome.manifest}" if outcome and outcome.manifest else None,
            "sheet": sheet,
        }

    def markdown(self, sheet: Path | None = None) -> str:
        """Returns the plan or, if there was a run, its outcome in Markdown."""
        if self.outcome is None:
            return plan_markdown(self.summary)
        return outcome_markdown(self.campaign, self.outcome, self.pictures, None if sheet is None else str(sheet))

    def to_json(self, sheet: Path | None = None) -> dict[str, Any]:
        """Returns the `--json` output: the outputs, and the names of the new and the stale pictures."""
        names = {"new_names": list(self.new), "stale_names": list(self.stale)}
        values = {name: str(value) if isinstance(value, Path) else value for name, value in self.outputs(sheet).items()}
        return {"schema": SCHEMA, "campaign": self.campaign, "folder": self.uri, **values, **names}


def plan_regeneration(
    path: Path,
    deliver: str | None = None,
    select: Sequence[str] = (),
    *,
    locked: bool = False,
    cost: Callable[[RenderOrder], CostOptions] | None = None,
) -> tuple[RenderOrder, Regeneration]:
    """Returns what to render of a job, and what a run of it would do after its reviewers' decisions.

    select: terms of a selection. locked: require that the campaign is as its lock says. cost: returns the options of
    the estimate; None: nothing is estimated. Raises SpecError, CheckpointError, RequestError and StoreError, and
    ForeignCampaignError for a campaign of another brand or job.
    """
    try:
        order = render_order(path, deliver, select, locked=locked)
    except CheckpointError:
        if problems := validate(path).problems:  # knows where in the file the model is named
            raise SpecError(problems) from None
        raise
    campaign = order.plan.campaign
    selection = campaign_selection(select, campaign, order.plan.variants)
    options = None if cost is None else cost(order)
    summary = summarise_with_store(order.plan, require_store=True, selection=selection, cost=options)
    return order, Regeneration(campaign.name, open_campaign(campaign.address, campaign.name).uri, summary)


def regenerate(plan: Plan, planned: Regeneration, render: Callable[[Plan], Outcome]) -> Regeneration:
    """Renders and publishes what a plan lacks. render: `render_campaign` with its options."""
    outcome = render(plan)
    campaign = plan.campaign
    names = frozenset((*planned.new, *planned.stale))
    public_url = campaign.job.public_url
    pictures = _pictures(open_campaign(campaign.address, campaign.name), names, public_url, campaign.name)
    return replace(planned, outcome=outcome, pictures=pictures)


def _pictures(
    folder: Store, names: frozenset[str], public_url: str | None, campaign: str
) -> tuple[tuple[str, str], ...]:
    if public_url is None or not names:
        return ()
    latest = read_latest(folder)
    return tuple(
        (fields["name"], object_url(public_url, campaign, fields["asset"]))
        for fields in (read_fields(folder, latest, "variants") if latest else ())
        if fields["name"] in names and not fields.get("stale")
    )


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise RequestError(f"{file} can't be written: {error.strerror or error}") from None
