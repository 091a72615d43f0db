"""The server of the review page: what it serves, what it refuses, and decisions that reach the store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.choose import Picture, published_pictures
from brandpress.pipeline.deliver.decisions import REVIEWS, Decision, read_stored, write_decision
from brandpress.pipeline.deliver.proposal import PublishedPictures
from brandpress.pipeline.review.page.load import BrandContext
from brandpress.pipeline.review.page.server import MAX_BODY, ReviewServer, desk_of, hosts_at
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.review.page.browser import chromium, open_page
from tests.pipeline.review.page.published import publish, write_published


@contextmanager
def serving(job: Path, out: Path, port: int = 0, names: Set[str] | None = None) -> Iterator[ReviewServer]:
    """Serves a job's campaign."""
    desk = desk_of(folder_of(job), BrandContext.of(load_campaign(job)), out, "ana", names)
    with ReviewServer(desk, port) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def folder_of(job: Path) -> Store:
    return open_campaign(str(job.parent / "out"), "spring")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The job of a published campaign, which all tests share."""
    return write_published(tmp_path_factory.mktemp("project"))


@pytest.fixture
def folder(job: Path) -> Iterator[Store]:
    """The campaign's folder. What a test decides is cleared after it."""
    opened = folder_of(job)
    yield opened
    for key in list(opened.list(REVIEWS)):
        opened.delete(key)


@pytest.fixture(scope="module")
def server(job: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReviewServer]:
    with serving(job, tmp_path_factory.mktemp("page")) as running:
        yield running


def ask(server: ReviewServer, path: str, method: str = "GET", body: Any = None, **headers: str) -> HTTPResponse:
    """Sends a request below the token and returns the response, read. headers: `Host="…"`."""
    connection = HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if data is not None:
        names.setdefault("Content-Type", "application/json")
    connection.request(method, path if path.startswith("//") else f"/{server.token}/{path}", data, names)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def body(response: HTTPResponse) -> bytes:
    return response.body  # type: ignore[attr-defined,no-any-return]


def decision(folder: Store, number: int = 0, **changes: Any) -> dict[str, Any]:
    """Returns what the page sends about a picture."""
    picture = published_pictures(folder)[number]
    return {"name": picture.name, "sha256": picture.sha256, "decision": "approved", "reason": "", **changes}


def test_the_page_and_its_pictures(server: ReviewServer, folder: Store) -> None:
    page = ask(server, "")
    assert page.status == 200
    assert b"spring" in body(page)
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    picture = published_pictures(folder)[0]
    thumbnail = ask(server, f"thumbnails/{picture.sha256}.webp")
    assert (thumbnail.status, thumbnail.headers["Content-Type"]) == (200, "image/webp")
    asset = next(folder.list("assets/"))
    original = ask(server, f"pictures/{asset}")
    assert (original.status, original.headers["Content-Type"]) == (200, "image/png")
    assert body(original) == folder.read(asset)


def test_only_selected_pictures_are_shown(job: Path, folder: Store, tmp_path: Path) -> None:
    first, *others = published_pictures(folder)
    with serving(job, tmp_path, names={first.name}) as running:
        page = body(ask(running, "")).decode()
    assert first.sha256 in page
    assert not any(one.sha256 in page for one in others)


def test_a_decision_reaches_the_store(server: ReviewServer, folder: Store) -> None:
    ask(server, "")
    sent = decision(folder, decision="rejected", reason="no star")
    answer = ask(server, "decisions", "POST", sent)
    assert answer.status == 200
    stored = read_stored(folder, sent["sha256"]).in_force
    assert stored is not None
    assert (stored.decision, stored.reason, stored.by, stored.name) == ("rejected", "no star", "ana", sent["name"])
    withdrawn = ask(server, "decisions", "POST", sent | {"decision": "withdrawn", "reason": ""})
    assert json.loads(body(withdrawn)) == {"decision": None}
    assert read_stored(folder, sent["sha256"]).in_force is None


def test_a_decision_that_the_page_shows_is_an_earlier_one_whatever_the_clocks_say(
    server: ReviewServer, folder: Store
) -> None:
    ask(server, "")
    sent = decision(folder, decision="rejected")
    picture = next(one for one in published_pictures(folder) if one.sha256 == sent["sha256"])
    ahead = datetime.now(UTC) + timedelta(minutes=5)
    content = {"name": picture.name, "render_key": picture.render_key, "sha256": picture.sha256, "by": "ben"}
    write_decision(folder, Decision.model_validate({**content, "decision": "approved", "at": ahead}))
    refused = ask(server, "decisions", "POST", sent)
    assert refused.status == 409
    shown = json.loads(body(refused))["decision"]
    assert (shown["by"], shown["decision"]) == ("ben", "approved")
    assert ask(server, "decisions", "POST", sent | {"seen": "2026-11-27T12:00:00Z"}).status == 409
    assert ask(server, "decisions", "POST", sent | {"seen": shown["at"]}).status == 200
    stored = read_stored(folder, sent["sha256"]).in_force
    assert stored is not None
    assert [(one.by, one.decision) for one in (stored, *stored.earlier)] == [("ana", "rejected"), ("ben", "approved")]


def test_decisions_look_pictures_up_in_one_table(
    server: ReviewServer, folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making it takes half a second with 100,000 pictures, so that not every click may."""
    tables: list[PublishedPictures] = []
    of = PublishedPictures.of

    def counted(pictures: Iterable[Picture]) -> PublishedPictures:
        tables.append(of(pictures))
        return tables[-1]

    monkeypatch.setattr(PublishedPictures, "of", counted)
    ask(server, "")
    assert [ask(server, "decisions", "POST", decision(folder, number)).status for number in range(3)] == [200] * 3
    assert len(tables) == 1


def test_a_decision_about_a_picture_that_has_changed_is_refused(server: ReviewServer, folder: Store, job: Path) -> None:
    ask(server, "")
    sent = decision(folder)
    job.write_text(job.read_text().replace("on a beach", "on a stony beach").replace("by a lake", "by a deep lake"))
    publish(job, ("robot", "panda", "frog", "fox"))
    answer = ask(server, "decisions", "POST", sent)
    assert answer.status == 409
    assert "the picture has changed since" in json.loads(body(answer))["error"]
    assert read_stored(folder, sent["sha256"]).in_force is None


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"Host": "attacker.example"}, ""),
        ({"Host": "localhost:80"}, ""),
        ({"Origin": "http://attacker.example"}, ""),
        ({"Origin": "null"}, ""),
        ({}, "//"),
        ({}, "//wrong-token/"),
    ],
)
def test_requests_of_others_are_refused(server: ReviewServer, headers: dict[str, str], path: str) -> None:
    response = ask(server, path, **headers)
    assert response.status == 403
    assert server.token.encode() not in body(response)
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("headers", [{"Origin": "http://attacker.example"}, {"Sec_Fetch_Site": "cross-site"}])
def test_other_sites_cannot_decide(server: ReviewServer, folder: Store, headers: dict[str, str]) -> None:
    sent = decision(folder)
    assert ask(server, "decisions", "POST", sent, **headers).status == 403
    assert read_stored(folder, sent["sha256"]).in_force is None


@pytest.mark.parametrize(
    "path",
    [
        "pictures/latest.json",
        "pictures/../latest.json",
        "pictures/assets/../latest.json",
        "pictures/%2e%2e/%2e%2e/spring.yaml",
        "pictures//etc/passwd",
        "thumbnails/../../spring.yaml",
        f"thumbnails/{'a' * 64}.webp",
        "records/",
        "index.html",
    ],
)
def test_only_what_the_page_shows_can_be_read(server: ReviewServer, path: str) -> None:
    ask(server, "")
    assert ask(server, path).status == 404


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"{}", 400),
        (b"no json", 400),
        (b"x" * (MAX_BODY + 1), 413),
        ({"name": "a", "sha256": "b", "decision": "approved"}, 400),
        ({"name": "a", "sha256": "b" * 64, "decision": "published"}, 400),
        ({"name": "a", "sha256": "b" * 64, "decision": "approved", "by": "eve"}, 400),
    ],
)
def test_what_is_no_decision_is_refused(server: ReviewServer, sent: Any, status: int) -> None:
    assert ask(server, "decisions", "POST", sent).status == status


def test_a_form_of_another_site_is_no_decision(server: ReviewServer, folder: Store) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert ask(server, "decisions", "POST", decision(folder), **form).status == 404


def test_only_this_machine_is_served(server: ReviewServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url.startswith("http://127.0.0.1:")
    assert len(server.token) >= 32


def test_clients_leave_out_the_port_of_http() -> None:
    assert hosts_at(80) == {"127.0.0.1", "127.0.0.1:80"}
    assert hosts_at(8080) == {"127.0.0.1:8080"}


def test_the_port_of_http_is_served(job: Path, tmp_path: Path) -> None:
    try:
        with serving(job, tmp_path, 80) as server:
            without_port = {"Host": "127.0.0.1", "Origin": "http://127.0.0.1"}
            assert [ask(server, "", **headers).status for headers in ({}, without_port)] == [200, 200]
            assert ask(server, "", Host="localhost").status == 403
    except RequestError as error:
        pytest.skip(f"port 80 isn't ours: {error}")


def test_a_port_that_is_taken(server: ReviewServer) -> None:
    port = server.server_address[1]
    with pytest.raises(RequestError, match=f"--port {port}: .*; choose another one, or 0 for any"):
        ReviewServer(server.desk, port)


@pytest.mark.slow
def test_decisions_in_a_browser_reach_the_store(server: ReviewServer, folder: Store) -> None:
    pictures = published_pictures(folder)
    with chromium() as browser:
        page = open_page(browser, server.url)
        page.keyboard.press("ArrowRight")
        with page.expect_response("**/decisions"):
            page.keyboard.press("a")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("r")
        page.keyboard.press("2")
        with page.expect_response("**/decisions"):
            page.keyboard.press("Enter")
        decisions = {one.name: read_stored(folder, one.sha256).in_force for one in pictures}
        decided = {name: (one.decision, one.reason, one.by) for name, one in decisions.items() if one}
        assert decided == {
            "bottle/beach": ("approved", "", "ana"),
            "bottle/lake": ("rejected", "wrong character", "ana"),
        }
        with page.expect_response("**/decisions"):
            page.keyboard.press("u")
        assert read_stored(folder, pictures[1].sha256).in_force is None
        page.keyboard.press("Enter")
        page.wait_for_selector("#viewer .stage img")
        assert page.problems == []
        page.reload()
        page.wait_for_selector("#grid[data-complete]")
        assert page.locator(".tile.approved").count() == 1


@pytest.mark.slow
@pytest.mark.parametrize(("keys", "expected"), [(["a", "r", "2", "Enter"], "rejected"), (["a", "u"], None)])
def test_decisions_made_while_one_is_being_saved_arrive_in_order(
    server: ReviewServer, folder: Store, keys: list[str], expected: str | None
) -> None:
    """The browser holds the requests back, as a slow store would."""
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    with chromium() as browser:
        page = open_page(browser, server.url)
        page.route("**/decisions", hold)
        page.keyboard.press("ArrowRight")
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        assert len(held) == 1, "the second one waits"
        for _ in range(2):
            while not held:
                page.wait_for_timeout(20)
            with page.expect_response("**/decisions"):
                held.pop().continue_()
        assert page.locator(".tile.approved").count() == 0
        assert page.problems == []
    stored = read_stored(folder, published_pictures(folder)[0].sha256).in_force
    assert (stored and stored.decision) == expected
