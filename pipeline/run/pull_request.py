"""One comment of ours on a pull request, updated in place."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from brandpress.model.errors import BrandpressError, RequestError

API = "https://api.github.com"
AUTHOR = "github-actions[bot]"
"""Who writes with the token of a workflow."""
MAX_BODY = 60_000
"""Characters; GitHub takes 65,536."""
MAX_PAGES = 30
TIMEOUT_SECONDS = 30.0
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


class CommentError(BrandpressError):
    """The comment couldn't be written, as with the read-only token of a pull request from a fork."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A pull request. api: the address of GitHub's API. author: the login that the token belongs to."""

    repository: str
    number: int
    token: str
    api: str = API
    author: str = AUTHOR

    def __repr__(self) -> str:
        return f"PullRequest({self.repository!r}, {self.number})"


def pull_request_of_event(environment: dict[str, str] | None = None) -> PullRequest | None:
    """Returns the pull request that a workflow runs for; None if it runs for something else.

    Raises RequestError if the workflow doesn't pass its token on as GITHUB_TOKEN.
    """
    variables = dict(os.environ) if environment is None else environment
    try:
        event = json.loads(Path(variables["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        number, repository = event["pull_request"]["number"], variables["GITHUB_REPOSITORY"]
    except (KeyError, OSError, TypeError, ValueError):
        return None
    if not isinstance(number, int) or not _REPOSITORY.fullmatch(repository):
        return None
    token = variables.get("GITHUB_TOKEN", "")
    if not token:
        raise RequestError(
            "--comment: set GITHUB_TOKEN to the workflow's token (env: GITHUB_TOKEN: ${{ github.token }})"
        )
    author = variables.get("BRANDPRESS_COMMENT_AUTHOR") or AUTHOR
    return PullRequest(repository, number, token, variables.get("GITHUB_API_URL") or API, author)


def comment(pull_request: PullRequest, markdown: str) -> str:
    """Writes a comment, or replaces ours with the same first line, an invisible mark, and returns its URL. Raises
    CommentError."""
    marker = markdown.partition("\n")[0]
    body = {"body": markdown[:MAX_BODY]}
    comments = f"/repos/{pull_request.repository}/issues/{pull_request.number}/comments"
    headers = {
        "Authorization": f"Bearer {pull_request.token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    try:
        with httpx2.Client(base_url=pull_request.api, headers=headers, timeout=TIMEOUT_SECONDS) as http:
            existing = _find(http, comments, marker, pull_request.author)
            if existing is None:
                reply = http.post(comments, json=body)
            else:
                reply = http.patch(f"/repos/{pull_request.repository}/issues/comments/{existing}", json=body)
            return str(_json(reply).get("html_url", ""))
    except (httpx2.HTTPError, ValueError) as error:
        raise CommentError(
            f"the comment on pull request {pull_request.number} failed: {type(error).__name__}"
        ) from None


def _find(http: httpx2.Client, comments: str, marker: str, author: str) -> int | None:
    """Returns the id of our comment. Others' comments that start with the marker aren't ours."""
    for page in range(1, MAX_PAGES + 1):
        entries = _json(http.get(comments, params={"per_page": 100, "page": page}))
        for entry in entries:
            login = (entry["user"] or {}).get("login")  # null for an account that is gone
            if login == author and str(entry["body"]).startswith(marker):
                return int(entry["id"])
        if len(entries) < 100:
            return None
    return None


def _json(reply: httpx2.Response) -> Any:
    if reply.status_code in (401, 403, 404):
        raise CommentError(
            f"GitHub doesn't let this token comment (status {reply.status_code}): the workflow needs `permissions: "
            "pull-requests: write`, and pull requests from forks have a read-only token"
        )
    if reply.status_code >= 300:
        raise CommentError(f"GitHub answered the comment with status {reply.status_code}")
    return reply.json()
