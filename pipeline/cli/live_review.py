"""`render --review`: the review page of a run that is at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from brandpress.pipeline.render.events import Event, OnEvent

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan


@contextmanager
def live_review(plan: Plan, show: OnEvent, *, wanted: bool) -> Iterator[OnEvent]:
    """Yields the function to call with each event of a run: `show`, and the page if it's wanted, whose file is printed
    on stderr."""
    if not wanted:
        yield show
        return
    from brandpress.pipeline.cli.text import printable
    from brandpress.pipeline.review.page.folder import INDEX, default_folder, pictures_address
    from brandpress.pipeline.review.page.live import LivePage
    from brandpress.pipeline.review.page.load import BrandContext
    from brandpress.pipeline.store.folder import open_campaign

    campaign = plan.campaign
    out = default_folder(campaign.name)
    folder = open_campaign(campaign.address, campaign.name)
    pictures = pictures_address(out, campaign.address, campaign.name, campaign.job.public_url)
    page = LivePage(out, folder, campaign.name, campaign.brand.name, BrandContext.of(campaign), pictures)
    typer.echo(f"review page: {out / INDEX}", err=True)

    def both(event: Event) -> None:
        show(event)
        page.show(event)

    try:
        yield both
    finally:
        page.close()
        if page.problem:
            typer.echo(printable(f"warning: review page: {page.problem}"), err=True)
