"""What is checked before a worker loads its model, and before it gets work."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.sampler_version import HOSTED_SAMPLER, SAMPLER
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.driver.preflight import preflight, references_of, refusal_of
from brandpress.pipeline.render.events import WorkerLoaded
from brandpress.pipeline.render.worker.preflight import Preflight, UnfitNodeError, check_node
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.version import VERSION
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.deliver.records import variant

EXPECTED = Preflight("preflight/1", b"1", VERSION, SAMPLER)


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path / "out"), "spring")


def referring(*files: Path) -> Variant:
    """A variant with these references."""
    references = [
        Reference(role="product", file=file.name, path=file, sha256=hashlib.sha256(file.read_bytes()).hexdigest())
        for file in files
    ]
    return replace(variant(0), references=tuple(references))


def check(expected: Preflight, folder: Store) -> str:
    """Returns the refusal of this node; empty if it's accepted."""
    try:
        check_node(expected, folder, hosted=False, sleep=lambda seconds: None)
    except UnfitNodeError as error:
        return str(error)
    return ""


def test_a_token_is_there_during_the_run_and_leaves_nothing_behind(folder: Store, tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path / "job", 1))
    warnings: list[str] = []
    with preflight(folder, plan.variants, hosted=False, warn=warnings.append) as expected:
        assert check(expected, folder) == ""
        assert list(folder.list("")) == [expected.token]
        assert (expected.version, expected.sampler, len(expected.references)) == (VERSION, SAMPLER, 1)
    assert not (tmp_path / "out" / "spring").exists()
    assert "doesn't see" in check(expected, folder)
    assert warnings == []


def test_the_token_is_deleted_after_an_error_too(folder: Store) -> None:
    with pytest.raises(KeyboardInterrupt), preflight(folder, [], hosted=True, warn=lambda text: None) as expected:
        assert expected.sampler == HOSTED_SAMPLER
        raise KeyboardInterrupt
    assert list(folder.list("")) == []


def test_a_token_that_becomes_visible_late_is_awaited(folder: Store) -> None:
    def write(seconds: float) -> None:
        folder.create(EXPECTED.token, EXPECTED.content, "text/plain")

    check_node(EXPECTED, folder, hosted=False, sleep=write)


def test_another_runs_token_or_another_folder_is_refused(folder: Store) -> None:
    folder.create(EXPECTED.token, b"another", "text/plain")
    refusal = check(EXPECTED, folder)
    assert refusal.endswith(f" doesn't see {folder.uri}; deliver to s3://, or to a folder that all nodes share")


def test_a_store_that_refuses_the_node_is_named_with_its_reason() -> None:
    class Forbidden:
        uri = "s3://bucket/spring"

        def read(self, key: str) -> bytes | None:
            raise StoreError("access denied", "store")

    refusal = check(EXPECTED, Forbidden())  # type: ignore[arg-type]
    assert refusal.startswith("worker on ")
    assert refusal.endswith(
        " doesn't see s3://bucket/spring (access denied); check the credentials and AWS_ENDPOINT_URL_S3 on that node"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"version": "9.9"},
            f"has brandpress {VERSION}, and this machine has brandpress 9.9: install the same version",
        ),
        (
            {"sampler": "euler/9"},
            f"with sampler {SAMPLER}, and this machine has brandpress {VERSION} with sampler euler/9",
        ),
    ],
)
def test_another_version_is_refused(folder: Store, changes: dict[str, str], words: str) -> None:
    assert words in check(replace(EXPECTED, **changes), folder)  # type: ignore[arg-type]


def test_references_that_the_node_lacks_or_has_otherwise_are_refused(folder: Store, tmp_path: Path) -> None:
    folder.create(EXPECTED.token, EXPECTED.content, "text/plain")
    file = tmp_path / "mug.png"
    file.write_bytes(b"a mug")
    expected = replace(EXPECTED, references=referring(file).references)
    assert check(expected, folder) == ""
    file.write_bytes(b"a bottle")
    assert f"doesn't see the product reference {file} (it's another file there)" in check(expected, folder)
    file.unlink()
    assert f"doesn't see the product reference {file} (No such file or directory)" in check(expected, folder)


def test_one_reference_of_each_folder_is_checked_if_this_machine_has_it(tmp_path: Path) -> None:
    files = [tmp_path / folder / name for folder in ("a", "b") for name in ("1.png", "2.png")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(str(file).encode())
    variants = [referring(files[0], files[1]), referring(files[2], files[3])]
    assert [reference.path for reference in references_of(variants)] == [files[0], files[2]]
    files[0].unlink()
    files[2].write_bytes(b"changed")
    assert [reference.path for reference in references_of(variants)] == [files[1], files[3]]


def test_a_worker_with_other_weights_or_another_version_gets_no_work() -> None:
    loaded = WorkerLoaded(
        "worker-0", {}, 1.0, hostname="gpu7", version=VERSION, sampler=SAMPLER, weights_digest="a" * 64
    )
    assert refusal_of(loaded, EXPECTED, "a" * 64) is None
    assert refusal_of(replace(loaded, weights_digest=""), EXPECTED, "a" * 64) is None, "the renderer doesn't know it"
    other = refusal_of(loaded, EXPECTED, "b" * 64)
    assert other is not None and other.startswith(
        "worker on gpu7 has loaded other weights than planned (digest aaaaaaaaaaaa…, planned bbbbbbbbbbbb…)"
    )
    assert "worker on gpu7 has brandpress 0.0.9" in (refusal_of(replace(loaded, version="0.0.9"), EXPECTED, "") or "")
    assert "has brandpress unknown" in (refusal_of(replace(loaded, version="", sampler=""), EXPECTED, "") or "")
