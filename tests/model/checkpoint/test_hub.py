"""Downloads fetch exactly the files that are loaded, and an incomplete snapshot doesn't count as cached."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from brandpress.model.checkpoint.hub import cached, download, download_command
from brandpress.model.errors import CheckpointError
from tests.hub_server import (
    GOOD_TOKEN,
    OTHER_TOKEN,
    HubServer,
    Repository,
    checkpoint_files,
    point_library_at,
    running_hub_server,
)

HUB = "black-forest-labs/FLUX.2-klein-4B"
DEV = "black-forest-labs/FLUX.2-dev"
SHARD = "transformer/diffusion_pytorch_model-00002-of-00002.safetensors"
INDEX = "transformer/diffusion_pytorch_model.safetensors.index.json"
UNWANTED = (
    "README.md",
    "flux-2-klein-4b.safetensors",
    "images/teaser.png",
    "safety_checker/model.safetensors",
    "text_encoder/pytorch_model.pt",
    "vae/diffusion_pytorch_model.bin",
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one repository, and an empty cache at tmp_path / "hub"."""
    with running_hub_server() as server:
        point_library_at(server.endpoint, tmp_path, monkeypatch)
        server.repositories[HUB] = Repository()
        server.repositories[DEV] = Repository(gated=True)
        yield server


@pytest.fixture(scope="module")
def complete_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds one complete repository."""
    home = tmp_path_factory.mktemp("complete")
    with running_hub_server() as server, pytest.MonkeyPatch.context() as patch:
        cache = point_library_at(server.endpoint, home, patch)
        server.repositories[HUB] = Repository()
        download(HUB, ignore_progress)
    return cache


@pytest.fixture
def snapshot(complete_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot in a private copy of that cache."""
    cache = point_library_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    shutil.copytree(complete_cache, cache, symlinks=True)
    [snapshot] = cache.glob("models--*/snapshots/*")
    return snapshot


def ignore_progress(downloaded: int, total: int) -> None:
    pass


def test_each_loaded_file_is_downloaded_once_and_no_other(hub: HubServer, tmp_path: Path) -> None:
    assert cached(HUB) is None
    folder = download(HUB, ignore_progress)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {name: content for name, content in checkpoint_files().items() if name not in UNWANTED}
    assert hub.sent == dict.fromkeys(files, 1)
    assert folder.is_relative_to(tmp_path / "hub")
    assert cached(HUB) == folder


def test_a_cached_repository_is_not_requested_again(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = download(HUB, ignore_progress)
    hub.requests.clear()
    assert download(HUB, ignore_progress) == folder
    point_library_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    assert download(HUB, ignore_progress) == cached(HUB) == folder
    assert hub.requests == []


def test_only_the_requested_parts_are_downloaded(hub: HubServer) -> None:
    """With a transformer from elsewhere, only the other parts are needed."""
    folder = download(HUB, ignore_progress, parts=("vae", "text_encoder"))
    assert not [name for name in hub.sent if name.startswith("transformer/") and name.endswith(".safetensors")]
    assert (folder / "transformer" / "config.json").is_file()
    assert cached(HUB, ("vae", "text_encoder")) == folder
    assert cached(HUB) is None
    assert cached(HUB, ("transformer",)) is None


def test_progress_ends_at_the_total(hub: HubServer) -> None:
    reports: list[tuple[int, int]] = []
    hub.broken.add(SHARD)
    with pytest.raises(CheckpointError):
        download(HUB, ignore_progress)
    hub.broken.clear()
    folder = download(HUB, lambda downloaded, total: reports.append((downloaded, total)))
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    counts = [downloaded for downloaded, _ in reports]
    assert {reported for _, reported in reports} == {total}
    assert counts == sorted(counts)
    assert 0 < counts[0] <= total - len(checkpoint_files()[SHARD])
    assert counts[-1] == total


def test_a_broken_connection_resumes_where_it_stopped(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)  # a partial chunk is lost
    counts: list[int] = []
    hub.truncated[SHARD] = 1000
    folder = download(HUB, lambda downloaded, total: counts.append(downloaded))
    assert hub.ranges == [(SHARD, "bytes=1000-")]
    assert (folder / SHARD).read_bytes() == checkpoint_files()[SHARD]
    assert max(counts) == counts[-1] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_failed_download_resumes_with_the_missing_files(hub: HubServer) -> None:
    hub.broken.add(SHARD)
    with pytest.raises(CheckpointError, match=r"answered 500: Internal error to a request for .* again later"):
        download(HUB, ignore_progress)
    assert cached(HUB) is None
    assert SHARD not in hub.sent
    hub.broken.clear()
    assert download(HUB, ignore_progress) == cached(HUB)
    assert hub.sent == dict.fromkeys(set(checkpoint_files()) - set(UNWANTED), 1)


def test_two_downloads_at_the_same_time(hub: HubServer) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: download(HUB, ignore_progress), range(2))
    assert first == second == cached(HUB)
    for name in set(checkpoint_files()) - set(UNWANTED):
        assert (first / name).read_bytes() == checkpoint_files()[name]


def unlink(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def break_link(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to("../../../blobs/missing")

    return change


def rewrite(name: str, text: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).write_text(text)

    return change


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "unlisted"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(unlink("model_index.json"), id="index"),
        pytest.param(unlink("vae/config.json"), id="config"),
        pytest.param(unlink("text_encoder/model.safetensors"), id="weights"),
        pytest.param(unlink(SHARD), id="shard"),
        pytest.param(break_link(SHARD), id="dangling shard"),
        pytest.param(unlink(INDEX), id="index of shards"),
        pytest.param(rewrite(INDEX, "{"), id="broken index of shards"),
        pytest.param(rewrite(INDEX, "{}"), id="another index of shards"),
        pytest.param(rewrite(INDEX, '{"weight_map": {}}'), id="empty index of shards"),
        pytest.param(lambda folder: shutil.rmtree(folder / "tokenizer"), id="tokenizer"),
        pytest.param(lambda folder: shutil.rmtree(folder / "transformer"), id="transformer"),
    ],
)
def test_an_incomplete_snapshot_is_not_cached(snapshot: Path, change: Callable[[Path], None], listed: bool) -> None:
    """With and without the listing that the library keeps beside a snapshot; older versions keep none."""
    if not listed:
        shutil.rmtree(snapshot.parent.parent / "trees")
    change(snapshot)
    assert cached(HUB) is None


def test_a_missing_small_file_that_is_only_in_the_listing(snapshot: Path) -> None:
    assert cached(HUB) == snapshot
    (snapshot / "tokenizer" / "chat_template.jinja").unlink()
    assert cached(HUB) is None


def test_unused_files_may_be_missing(snapshot: Path) -> None:
    """Other tools don't download them."""
    (snapshot / "text_encoder" / "generation_config.json").unlink()
    assert cached(HUB) == snapshot


def test_a_complete_snapshot_needs_no_listing(snapshot: Path) -> None:
    shutil.rmtree(snapshot.parent.parent / "trees")
    assert cached(HUB) == snapshot


PAGE = f"https://huggingface.co/{DEV}"


@pytest.mark.parametrize(
    ("hub_id", "token", "parts"),
    [
        (DEV, None, [f"{DEV} is gated: accept its licence on {PAGE}, set a token", "`hf auth login`, or HF_TOKEN"]),
        (
            DEV,
            OTHER_TOKEN,
            [
                "is gated and your token's account has no access: accept the licence",
                PAGE,
                "`brandpress models --get flux.2-dev`",
            ],
        ),
        ("someone/nothing", None, ["there is no repository someone/nothing on http://127.0.0.1", "HF_TOKEN"]),
        ("someone/nothing", GOOD_TOKEN, ["there is no repository someone/nothing on http://127.0.0.1", "HF_TOKEN"]),
        (HUB, "hf_unknownunknown", ["denied access to", HUB, "401: Invalid credentials", "/settings/tokens"]),
    ],
)
def test_denied_access_says_how_to_get_it(
    hub: HubServer,
    hub_id: str,
    token: str | None,
    parts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(CheckpointError) as error:
        download(hub_id)
    for part in parts:
        assert part in str(error.value)
    shown = capfd.readouterr()
    assert "hf_" not in str(error.value) + shown.out + shown.err
    assert sum(hub.sent.values()) == 0


def test_the_right_token_opens_a_gated_repository(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    assert download(DEV) == cached(DEV)
    shown = capfd.readouterr()
    assert GOOD_TOKEN not in shown.out + shown.err


def test_offline_mode_says_how_to_get_the_repository(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = (
        f"{HUB} is not complete in the Hugging Face cache, and HF_HUB_OFFLINE is set; unset it and run `brandpress "
        "models --get flux.2-klein-4b`, or copy models--black-forest-labs--FLUX.2-klein-4B from the Hugging Face cache "
        f"of a machine that has it into {tmp_path / 'hub'}"
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        download(HUB, ignore_progress)
    assert hub.requests == []


def test_an_unreachable_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_library_at("http://me:hush@127.0.0.1:9", tmp_path, monkeypatch)
    with pytest.raises(CheckpointError) as error:
        download(HUB, ignore_progress)
    begin = f"{HUB} can't be downloaded from http://127.0.0.1:9: [Errno 111] Connection refused; run `brandpress models"
    assert str(error.value).startswith(begin)
    assert str(tmp_path / "hub") in str(error.value)


def test_a_hub_that_is_down(hub: HubServer) -> None:
    hub.down = True
    with pytest.raises(
        CheckpointError, match=r"^http://127\.0\.0\.1:\d+ answered 503: busy to a request for .* later$"
    ):
        download(HUB, ignore_progress)


def test_too_little_disk_space_is_reported_before_the_download(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100_000))
    message = f"{HUB} needs 140.6 kB more, but {tmp_path / 'hub'} has 100.0 kB free; free up space, or set HF_HUB_CACHE"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        download(HUB, ignore_progress)
    assert sum(hub.sent.values()) == 0


def test_an_unwritable_cache(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"hub.*: Not a directory; set HF_HUB_CACHE to another folder"):
        download(HUB, ignore_progress)


@pytest.mark.parametrize(
    ("missing_file", "message"),
    [
        ("model_index.json", f"{HUB} has no model_index.json, so it isn't in diffusers' layout"),
        ("text_encoder/model.safetensors", f"{HUB} has no text_encoder/*.safetensors, which is needed to load it"),
    ],
)
def test_a_repository_that_cannot_be_loaded(hub: HubServer, missing_file: str, message: str) -> None:
    del hub.repositories[HUB].files[missing_file]
    with pytest.raises(CheckpointError, match=re.escape(message)):
        download(HUB, ignore_progress)


@pytest.mark.parametrize("name", ["a b/c", "a/b/c", "a--b/..c", "models/", ""])
def test_an_invalid_repository_name_is_rejected(name: str) -> None:
    for look_up in (cached, lambda name: download(name, ignore_progress)):
        with pytest.raises(
            CheckpointError, match=re.escape(f"{name!r} is not a valid Hugging Face repository name; write owner/name")
        ):
            look_up(name)


def test_the_download_command() -> None:
    assert download_command(HUB) == "brandpress models --get flux.2-klein-4b"
    assert download_command("someone/else") == "hf download someone/else"


def test_a_shard_missing_from_the_repository_is_named(hub: HubServer) -> None:
    """A shard that the index lists but the repository lacks."""
    index = json.loads(hub.repositories[HUB].files[INDEX])
    index["weight_map"]["d"] = "diffusion_pytorch_model-00003-of-00003.safetensors"
    hub.repositories[HUB].files[INDEX] = json.dumps(index).encode()
    with pytest.raises(CheckpointError, match=r"has no transformer/diffusion_pytorch_model-00003-of-00003"):
        download(HUB, ignore_progress)
    assert cached(HUB) is None
