"""The `on_finish:` of a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.on_finish import RESULTS, Webhook, webhook_of
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import write_campaign

URL = "https://hooks.example/brandpress"


@pytest.mark.parametrize(
    ("written", "webhook"),
    [
        (URL, Webhook(url=URL)),
        ({"url": URL}, Webhook(url=URL)),
        ({"url": URL, "secret_env": "WEBHOOK_SECRET"}, Webhook(url=URL, secret_env="WEBHOOK_SECRET")),
        (
            {"url": URL, "results": ["failed", "incomplete", "failed"]},
            Webhook(url=URL, results=("failed", "incomplete")),
        ),
        ("http://localhost:8080/x", Webhook(url="http://localhost:8080/x")),
        ("http://[::1]:8080/x", Webhook(url="http://[::1]:8080/x")),
        (None, None),
    ],
)
def test_an_address_or_a_mapping(tmp_path: Path, written: object, webhook: Webhook | None) -> None:
    job = write_campaign(tmp_path, 1, **({} if written is None else {"on_finish": written}))
    assert webhook_of(load_campaign(job).job.on_finish) == webhook


def test_all_results_are_reported_by_default() -> None:
    assert Webhook(url=URL).results == RESULTS == ("done", "incomplete", "failed", "interrupted")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            "hooks.example/x",
            "on_finish: 'hooks.example/x' isn't a URL of the web; allowed: .* did you mean 'https://hoo",
        ),
        ("http://hooks.example/x", "isn't encrypted; allowed: .*; did you mean 'https://hooks.example/x'"),
        ("http://localhost.example/x", "isn't encrypted"),
        ("https://a:b@hooks.example/", "contains a user or a password"),
        ("https://hooks.example/?key=b", "'https://hooks.example/' has a query or a fragment; .* sign with secret_env"),
        ("https://hooks.example:x/", "isn't a URL"),
        ("ftp://hooks.example", "isn't a URL of the web"),
        ("https://", "isn't a URL of the web"),
        ("https://hooks.example/a b", "isn't a URL of the web"),
        (5, "must be text"),
        ({}, "the field 'url' is missing in on_finish"),
        ({"url": URL, "secret": "x"}, "unknown field 'secret' in on_finish; .*; did you mean 'secret_env'"),
        ({"url": URL, "secret_env": "whsec_YjpiOmI6YjpiOmI6YjpiOmI6"}, "is the secret itself"),
        ({"url": URL, "secret_env": "MY SECRET"}, "'MY SECRET' isn't the name of an environment variable"),
        (
            {"url": URL, "results": "failed"},
            r"on_finish.results must be a list, not the text .*did you mean '\[failed\]'",
        ),
        ({"url": URL, "results": []}, "on_finish.results is empty"),
        (
            {"url": URL, "results": ["faild", 3]},
            "the text 'faild' isn't known; allowed: 'done', .*; did you mean 'failed'",
        ),
    ],
)
def test_other_values_are_errors(tmp_path: Path, wrong: object, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        load_campaign(write_campaign(tmp_path, 1, on_finish=wrong))
    assert "a:b" not in str(caught.value) and "YjpiOmI" not in str(caught.value) and "key=b" not in str(caught.value)
