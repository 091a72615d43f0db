"""The comment on a pull request, against a local server with GitHub's API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.markdown import mark
from brandpress.pipeline.run.pull_request import CommentError, PullRequest, comment, pull_request_of_event
from tests.github_api import BOT, TOKEN, GitHub, running_github


@pytest.fixture
def github() -> Iterator[GitHub]:
    with running_github() as github:
        yield github


def pull_request(github: GitHub, token: str = TOKEN) -> PullRequest:
    return PullRequest("acme/campaigns", 7, token, github.url)


def plan(text: str, campaign: str = "spring") -> str:
    return f"{mark(campaign)}\n{text}"


def test_the_first_comment_is_new_and_later_ones_replace_it(github: GitHub) -> None:
    github.add("Looks good", "someone")
    assert comment(pull_request(github), plan("first")) == "https://github.example/2"
    comment(pull_request(github), plan("second"))
    comment(pull_request(github), plan("another campaign", "autumn"))
    assert [entry["body"].partition("\n")[2] for entry in github.comments] == ["", "second", "another campaign"]


def test_the_comment_is_found_on_later_pages(github: GitHub) -> None:
    for _ in range(150):
        github.add("talk", "someone")
    comment(pull_request(github), plan("first"))
    comment(pull_request(github), plan("second"))
    assert len(github.comments) == 151


def test_a_stranger_cant_make_us_edit_a_comment(github: GitHub) -> None:
    github.add(plan("nothing changes"), "stranger")
    comment(pull_request(github), plan("the plan"))
    assert github.comments[0]["body"].endswith("nothing changes")
    assert github.comments[1]["user"]["login"] == BOT


def test_comments_of_accounts_that_are_gone_are_passed_over(github: GitHub) -> None:
    github.add(plan("of a deleted account"), "ghost")["user"] = None
    comment(pull_request(github), plan("the plan"))
    comment(pull_request(github), plan("a newer plan"))
    assert [entry["body"].partition("\n")[2] for entry in github.comments] == ["of a deleted account", "a newer plan"]


@pytest.mark.parametrize("status", [403, 500])
def test_a_refusal_is_an_error_without_the_token(github: GitHub, status: int) -> None:
    github.refusal = status
    with pytest.raises(CommentError, match=f"status {status}") as caught:
        comment(pull_request(github), plan("the plan"))
    assert TOKEN not in f"{caught.value} {pull_request(github)!r}"


def test_a_server_that_isnt_there_is_an_error() -> None:
    with pytest.raises(CommentError, match="failed: ConnectError"):
        comment(PullRequest("acme/campaigns", 7, TOKEN, "http://127.0.0.1:1"), plan("the plan"))


def environment(folder: Path, event: object, **more: str) -> dict[str, str]:
    (folder / "event.json").write_text(json.dumps(event))
    return {"GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_REPOSITORY": "acme/campaigns", **more}


def test_the_pull_request_is_that_of_the_event(tmp_path: Path) -> None:
    event = {"pull_request": {"number": 7}}
    result = pull_request_of_event(environment(tmp_path, event, GITHUB_TOKEN=TOKEN, GITHUB_API_URL="https://ghe/api"))
    assert result == PullRequest("acme/campaigns", 7, TOKEN, "https://ghe/api")
    with pytest.raises(RequestError, match="--comment: set GITHUB_TOKEN"):
        pull_request_of_event(environment(tmp_path, event))


@pytest.mark.parametrize("event", [{}, [], {"pull_request": {"number": "7"}}, {"pull_request": None}])
def test_other_events_have_none(tmp_path: Path, event: object) -> None:
    assert pull_request_of_event(environment(tmp_path, event, GITHUB_TOKEN=TOKEN)) is None
    assert pull_request_of_event({}) is None
