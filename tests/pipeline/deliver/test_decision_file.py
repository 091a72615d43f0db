"""decisions.yaml: read with defaults, and every mistake with its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.decision_file import read_decision_file
from brandpress.pipeline.deliver.proposal import Proposal
from brandpress.pipeline.spec.problem import SpecError

DIGEST = "a" * 64
HEAD = "schema: brandpress.decision-file/1\ncampaign: spring\n"


def read(tmp_path: Path, text: str) -> tuple[Proposal, ...]:
    (tmp_path / "decisions.yaml").write_text(text)
    return read_decision_file(tmp_path / "decisions.yaml", "spring", "me")


def test_defaults_are_those_of_the_file(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        f"""{HEAD}by: ana
at: 2026-11-24T10:00:00Z
decisions:
- {{name: mug/beach, sha256: {DIGEST}, decision: approved}}
- {{name: mug/lake, sha256: "{DIGEST}", decision: rejected, reason: no star, by: ben, at: "2026-11-24T11:00:00+01:00"}}
""",
    )
    assert first == Proposal("mug/beach", DIGEST, "approved", "ana", datetime(2026, 11, 24, 10, tzinfo=UTC))
    assert (second.by, second.reason, second.at) == ("ben", "no star", datetime(2026, 11, 24, 10, tzinfo=UTC))


def test_who_decided_comes_from_the_caller_at_last(tmp_path: Path) -> None:
    (one,) = read(tmp_path, f"campaign: spring\ndecisions: [{{name: a, sha256: {DIGEST}, decision: withdrawn}}]\n")
    assert one.by == "me"


def test_every_mistake_is_reported_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        read(
            tmp_path,
            f"""{HEAD}decisions:
- {{name: a, sha256: abc, decision: approved}}
- {{name: b, sha256: {DIGEST}, decision: aproved}}
- {{name: c, decision: rejected, at: yesterday}}
- {{name: d, sha256: {DIGEST}, decision: rejected, why: dark}}
""",
        )
    file = tmp_path / "decisions.yaml"
    lines = [str(problem).removeprefix(f"{file}:") for problem in caught.value.problems]
    assert [line.split(":")[0] for line in lines] == ["4", "5", "6", "6", "7"]
    assert "isn't a SHA-256" in lines[0]
    assert "'approved', 'rejected' or 'withdrawn'" in lines[1]
    assert any("the field 'sha256' is missing" in line for line in lines)
    assert any("'yesterday' isn't a time" in line for line in lines)
    assert "unknown field 'why'" in lines[4]


def test_decisions_about_another_campaign_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="these decisions are about the campaign 'autumn'; the job's is 'spring'"):
        read(tmp_path, "campaign: autumn\ndecisions: []\n")


def test_what_looks_like_a_credential_is_removed(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    entry = f"{{name: a, sha256: {DIGEST}, decision: rejected, reason: 'see {token}'}}"
    (one,) = read(tmp_path, f"{HEAD}decisions: [{entry}]\n")
    assert token not in one.reason


def long_file(count: int = 20_000) -> list[str]:
    """Returns the lines of a file as the review page writes it."""
    head = ["# apply it with: brandpress decide JOB decisions.yaml", "schema: brandpress.decision-file/1"]
    lines = [
        f'- {{name: "mug/beach-{number}", sha256: "{number:064x}", decision: approved, at: "2026-11-24T10:00:00.000Z"}}'
        for number in range(count)
    ]
    return [*head, 'campaign: "spring"', 'by: "Ana N\\u00fa\u00f1ez"', "decisions:", *lines]


def test_a_file_may_have_more_decisions_than_yaml_files_have_values(tmp_path: Path) -> None:
    lines = long_file()
    lines[-1] = lines[-1].replace('Z"}', 'Z", reason: "\\"too\\" dark: # \\u2028 end"}').replace("approved", "rejected")
    proposals = read(tmp_path, "\n".join(lines) + "\n")
    assert len(proposals) == 20_000
    assert proposals[7] == Proposal(
        "mug/beach-7", f"{7:064x}", "approved", "Ana Núñez", datetime(2026, 11, 24, 10, tzinfo=UTC)
    )
    assert (proposals[-1].decision, proposals[-1].reason) == ("rejected", '"too" dark: # \u2028 end')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("- {name: [], sha256: a, decision: approved}", "the review page doesn't write such a line"),
        (
            '- {name: "a", sha256: "b", decision: approved, at: "2026-11-24T10:00:00Z"}',
            "sha256: the text 'b' isn't",
        ),
        (f'- {{name: "a", sha256: "{DIGEST}", decision: liked, at: "2026-11-24T10:00:00Z"}}', "allowed: approved, "),
        (f'- {{name: "a", sha256: "{DIGEST}", decision: approved, at: "soon"}}', "at: 'soon' isn't a time"),
        (f'- {{name: "\\ud800", sha256: "{DIGEST}", decision: approved, at: "soon"}}', "doesn't write such a line"),
        (f'- {{name: "\\q", sha256: "{DIGEST}", decision: approved, at: "soon"}}', "doesn't write such a line"),
    ],
)
def test_a_mistake_in_a_long_file_has_its_line(tmp_path: Path, line: str, message: str) -> None:
    lines = long_file(8_000)
    lines[5_000] = line
    with pytest.raises(SpecError) as caught:
        read(tmp_path, "\n".join(lines))
    assert str(caught.value).startswith(f"{tmp_path / 'decisions.yaml'}:5001:1: ")
    assert message in str(caught.value)


def test_a_long_file_about_another_campaign_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="these decisions are about the campaign 'autumn'; the job's is 'spring'"):
        read(tmp_path, "\n".join(long_file(8_000)).replace("spring", "autumn"))


def test_a_file_of_decisions_has_a_limit(tmp_path: Path) -> None:
    with (tmp_path / "decisions.yaml").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(SpecError, match="the file is longer than 67,108,864 bytes"):
        read_decision_file(tmp_path / "decisions.yaml", "spring", "me")
