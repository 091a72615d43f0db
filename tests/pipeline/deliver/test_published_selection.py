"""Selecting among published pictures, with and without the job."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import reject
from brandpress.pipeline.deliver.published_selection import published_names, reviewed_names
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.deliver.rendered import render


def test_published_pictures_are_selected(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"a": "one", "b": "two"})
    folder = render(plan_of(job), lambda variant: variant.name != "bottle/b")
    draw_reference(tmp_path / "mug.png", "#000000")
    campaign = plan_of(job).campaign
    assert published_names(folder, ["scene:a"], campaign) == {"mug/a", "bottle/a"}
    assert published_names(folder, ["state:stale"], campaign) == {"mug/a", "mug/b"}
    assert published_names(folder, ["mug/*", "!scene:b"], None) == {"mug/a"}
    with pytest.raises(RequestError, match="no variant matches"):
        published_names(folder, ["bottle/b"], campaign)
    with pytest.raises(RequestError, match="states aren't known"):
        published_names(folder, ["state:stale"], None)
    with pytest.raises(RequestError, match="did you mean 'scene'"):
        published_names(folder, ["scnee:a"], None)


def test_pictures_that_wait_for_an_approval_are_selected_for_their_review(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"a": "one", "b": "two"}, publish="approved")
    folder = render(plan_of(job))
    campaign = plan_of(job).campaign
    assert reviewed_names(folder, ["scene:a"], campaign) == {"mug/a", "bottle/a"}
    assert reviewed_names(folder, ["mug/*", "!scene:b"], None) == {"mug/a"}
    with pytest.raises(RequestError, match="no variant matches"):
        reviewed_names(folder, ["lamp/*"], campaign)


def test_rejected_pictures_are_stale(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"a": "one", "b": "two"})
    folder = render(plan_of(job))
    reject(folder, ["mug/a"], Author("ana", "", now()))
    assert published_names(folder, ["state:stale"], plan_of(job).campaign) == {"mug/a"}
