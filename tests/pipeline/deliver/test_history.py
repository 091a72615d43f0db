"""Random histories of a campaign's folder against a model of it: render, crash, resume, fail, roll back, clean.

A crash is an error at one store call, before or after it took effect; it ends the run. Whatever happens, readers see
complete manifests, no done variant is rendered again, and the next run ends as if there had been no crash.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.manifest import read_latest, read_records
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant

VARIANTS = 5
WRITES = ("create", "replace", "delete")


class CrashError(Exception):
    """The process died here."""


class Crashing:
    """A folder whose user crashes at call number `at`, before or after the call takes effect."""

    def __init__(self, folder: Store, at: int, *, after: bool, only_writes: bool = False) -> None:
        self._folder, self._remaining, self._after = folder, at, after
        self._names = WRITES if only_writes else (*WRITES, "read", "stat", "list")
        self.uri = folder.uri

    @property
    def survived(self) -> bool:
        return self._remaining >= 0

    def __getattr__(self, name: str) -> object:
        action = getattr(self._folder, name)
        if name not in self._names:
            return action

        def call(*arguments: object) -> object:
            self._remaining -= 1
            if self._remaining < 0 and not self._after:
                raise CrashError
            result = action(*arguments)
            if self._remaining < 0:
                raise CrashError
            return result

        return call


def run(folder: Store, numbers: frozenset[int], bad: frozenset[int] = frozenset()) -> set[int]:
    """Renders and publishes missing variants like a run, without Ray. Returns the rendered ones. bad: these fail."""
    keys = {variant(number).render_key: number for number in numbers}
    index = read_index(folder, keys.keys()).records()
    missing = {number for key, number in keys.items() if key not in index or index[key].status != "done"}
    for number in sorted(missing):
        if number in bad:
            stored = file_record(folder, failed(number))
        else:
            stored = deliver(folder, record(number), variant(number).asset, data_of(number))
        index[stored.render_key] = stored
    if any(one.status == "done" for one in index.values()):
        publish_records(folder, HEADER, len(numbers), list(index.values()), lambda: list(index.values()))
    return missing - bad


class History(RuleBasedStateMachine):
    """The model. done: variants with a done record. planned: variants of the job."""

    def __init__(self) -> None:
        super().__init__()
        self._root = TemporaryDirectory()
        self.folder = open_campaign(self._root.name, "spring")
        self.done: set[int] = set()
        self.planned: frozenset[int] = frozenset()

    def teardown(self) -> None:
        self._root.cleanup()

    @initialize(planned=st.frozensets(st.integers(0, VARIANTS - 1), min_size=1))
    def begin(self, planned: frozenset[int]) -> None:
        self.planned = planned

    @rule(planned=st.frozensets(st.integers(0, VARIANTS - 1), min_size=1))
    def change_the_job(self, planned: frozenset[int]) -> None:
        self.planned = planned

    @rule()
    def render(self) -> None:
        rendered = run(self.folder, self.planned)
        assert not rendered & self.done
        self.done |= self.planned
        latest = read_latest(self.folder)
        assert latest is not None
        assert {one.seed for one in read_records(self.folder, latest)} == self.planned
        assert latest.manifest.status == "done"

    @rule(bad=st.frozensets(st.integers(0, VARIANTS - 1)))
    def render_with_failures(self, bad: frozenset[int]) -> None:
        rendered = run(self.folder, self.planned, bad)
        assert not rendered & self.done
        self.done |= rendered

    @rule(at=st.integers(0, 40), after=st.booleans())
    def crash(self, at: int, after: bool) -> None:
        crashing = Crashing(self.folder, at, after=after)
        before = set(self.done)
        with suppress(CrashError):
            run(crashing, self.planned)  # type: ignore[arg-type]
        self.done |= set(self._done_records())
        assert before <= self.done

    @rule(to=st.none() | st.integers(1, 12))
    def roll_back(self, to: int | None) -> None:
        before = read_latest(self.folder)
        try:
            number = rollback(self.folder, to).manifest.number
        except Exception as error:
            assert "manifest" in str(error) or "published" in str(error)
            after = read_latest(self.folder)
            assert (before and before.pointer) == (after and after.pointer)
        else:
            latest = read_latest(self.folder)
            assert latest is not None
            assert latest.manifest.number == number

    @precondition(lambda self: self.planned)
    @rule(keep=st.integers(1, 3), at=st.none() | st.integers(0, 12))
    def clean(self, keep: int, at: int | None) -> None:
        folder = self.folder if at is None else Crashing(self.folder, at, after=True, only_writes=True)
        now = time.time() + 10**6
        planned = map(variant, sorted(self.planned))
        garbage = find_garbage(folder, planned, now=now, keep=keep, hours=24.0)  # type: ignore[arg-type]
        with suppress(CrashError):
            list(delete_garbage(folder, garbage))  # type: ignore[arg-type]
        done = set(self._done_records())
        assert self.done & self.planned <= done
        self.done &= done

    @invariant()
    def readers_see_an_intact_campaign(self) -> None:
        if read_latest(self.folder) is not None:
            assert verify(self.folder).intact

    def _done_records(self) -> list[int]:
        keys = {variant(number).render_key: number for number in range(VARIANTS)}
        return [keys[key] for key, one in read_index(self.folder).records().items() if one.status == "done"]


History.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestHistory = pytest.mark.slow(History.TestCase)


@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_store_call_loses_nothing_else(tmp_path: Path, after: bool) -> None:
    """One variant fails. The run after a crash renders only variants without a record and ends with the same digest."""
    numbers, bad = frozenset(range(3)), frozenset({1})
    undisturbed = open_campaign(str(tmp_path / "undisturbed"), "spring")
    run(undisturbed, numbers, bad)
    expected = read_latest(undisturbed)
    assert expected is not None
    for at in range(1000):
        folder = open_campaign(str(tmp_path / f"crash{at}"), "spring")
        crashing = Crashing(folder, at, after=after)
        with suppress(CrashError):
            run(crashing, numbers, bad)  # type: ignore[arg-type]
        done = {one.seed for one in read_index(folder).records().values() if one.status == "done"}
        assert not run(folder, numbers, bad) & done
        latest = read_latest(folder)
        assert latest is not None
        assert latest.manifest.digest == expected.manifest.digest
        assert verify(folder).intact
        if crashing.survived:
            assert at > 10
            return
    pytest.fail("the run makes more than 1000 store calls")
