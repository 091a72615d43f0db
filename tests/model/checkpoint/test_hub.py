"""The hub's cache is filled with what is loaded and nothing else, and half of it doesn't count."""

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
def whole_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with one repository in it."""
    home = tmp_path_factory.mktemp("whole")
    with running_hub_server() as server, pytest.MonkeyPatch.context() as patch:
        cache = point_library_at(server.endpoint, home, patch)
        server.repositories[HUB] = Repository()
        download(HUB, quiet)
    return cache


@pytest.fixture
def snapshot(whole_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot in a cache of its own."""
    cache = point_library_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    shutil.copytree(whole_cache, cache, symlinks=True)
    [snapshot] = cache.glob("models--*/snapshots/*")
    return snapshot


def quiet(done: int, total: int) -> None:
    pass


def test_what_is_loaded_is_fetched_once_and_nothing_else(hub: HubServer, tmp_path: Path) -> None:
    assert cached(HUB) is None
    folder = download(HUB, quiet)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files == {name: content for name, content in checkpoint_files().items() if name not in UNWANTED}
    assert hub.sent == dict.fromkeys(files, 1)
    assert folder.is_relative_to(tmp_path / "hub")
    assert cached(HUB) == folder


def test_what_is_there_is_not_asked_for_again(hub: HubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = download(HUB, quiet)
    hub.requests.clear()
    assert download(HUB, quiet) == folder
    point_library_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    assert download(HUB, quiet) == cached(HUB) == folder
    assert hub.requests == []


def test_only_the_parts_that_are_wanted_are_fetched(hub: HubServer) -> None:
    """Whoever has a transformer of their own needs the rest alone."""
    folder = download(HUB, quiet, parts=("vae", "text_encoder"))
    assert not [name for name in hub.sent if name.startswith("transformer/") and name.endswith(".safetensors")]
    assert (folder / "transformer" / "config.json").is_file()
    assert cached(HUB, ("vae", "text_encoder")) == folder
    assert cached(HUB) is None
    assert cached(HUB, ("transformer",)) is None


def test_progress_counts_all_bytes_up_to_the_end(hub: HubServer) -> None:
    told: list[tuple[int, int]] = []
    hub.broken.add(SHARD)
    with pytest.raises(CheckpointError):
        download(HUB, quiet)
    hub.broken.clear()
    folder = download(HUB, lambda done, total: told.append((done, total)))
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    counts = [done for done, _ in told]
    assert {of for _, of in told} == {total}
    assert counts == sorted(counts)
    assert 0 < counts[0] <= total - len(checkpoint_files()[SHARD])
    assert counts[-1] == total


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 100)  # what comes of one isn't kept
    told: list[int] = []
    hub.truncated[SHARD] = 1000
    folder = download(HUB, lambda done, total: told.append(done))
    assert hub.ranges == [(SHARD, "bytes=1000-")]
    assert (folder / SHARD).read_bytes() == checkpoint_files()[SHARD]
    assert max(told) == told[-1] == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_download_that_failed_goes_on_with_what_is_missing(hub: HubServer) -> None:
    hub.broken.add(SHARD)
    with pytest.raises(CheckpointError, match=r"answered 500: Internal error, when asked for .* again later"):
        download(HUB, quiet)
    assert cached(HUB) is None
    assert SHARD not in hub.sent
    hub.broken.clear()
    assert download(HUB, quiet) == cached(HUB)
    assert hub.sent == dict.fromkeys(set(checkpoint_files()) - set(UNWANTED), 1)


def test_two_at_once(hub: HubServer) -> None:
    with ThreadPoolExecutor(2) as threads:
        first, second = threads.map(lambda _: download(HUB, quiet), range(2))
    assert first == second == cached(HUB)
    for name in set(checkpoint_files()) - set(UNWANTED):
        assert (first / name).read_bytes() == checkpoint_files()[name]


def unlink(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def dangle(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to("../../../blobs/never-came")

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
        pytest.param(dangle(SHARD), id="dangling shard"),
        pytest.param(unlink(INDEX), id="index of shards"),
        pytest.param(rewrite(INDEX, "{"), id="broken index of shards"),
        pytest.param(rewrite(INDEX, "{}"), id="another index of shards"),
        pytest.param(rewrite(INDEX, '{"weight_map": {}}'), id="empty index of shards"),
        pytest.param(lambda folder: shutil.rmtree(folder / "tokenizer"), id="tokenizer"),
        pytest.param(lambda folder: shutil.rmtree(folder / "transformer"), id="transformer"),
    ],
)
def test_half_of_it_is_nothing(snapshot: Path, change: Callable[[Path], None], listed: bool) -> None:
    """With the listing that the library keeps beside a snapshot, and without (older versions of it keep none)."""
    if not listed:
        shutil.rmtree(snapshot.parent.parent / "trees")
    change(snapshot)
    assert cached(HUB) is None


def test_a_small_file_that_only_the_listing_knows_is_missed(snapshot: Path) -> None:
    assert cached(HUB) == snapshot
    (snapshot / "tokenizer" / "chat_template.jinja").unlink()
    assert cached(HUB) is None


def test_files_that_nothing_reads_may_be_missing(snapshot: Path) -> None:
    """Other tools leave them out."""
    (snapshot / "text_encoder" / "generation_config.json").unlink()
    assert cached(HUB) == snapshot


def test_a_whole_snapshot_needs_no_listing(snapshot: Path) -> None:
    shutil.rmtree(snapshot.parent.parent / "trees")
    assert cached(HUB) == snapshot


PAGE = f"https://huggingface.co/{DEV}"


@pytest.mark.parametrize(
    ("hub_id", "token", "parts"),
    [
        (DEV, None, [f"{DEV} is gated: accept its licence on {PAGE}, give a token", "`hf auth login`, or HF_TOKEN"]),
        (DEV, OTHER_TOKEN, ["hasn't been let in: accept the licence", PAGE, "`brandpress models --get flux.2-dev`"]),
        ("someone/nothing", None, ["there is no repository someone/nothing on http://127.0.0.1", "HF_TOKEN"]),
        ("someone/nothing", GOOD_TOKEN, ["there is no repository someone/nothing on http://127.0.0.1", "HF_TOKEN"]),
        (HUB, "hf_unknownunknown", ["refuses", HUB, "401: Invalid credentials", "/settings/tokens"]),
    ],
)
def test_a_closed_door_says_how_to_get_in(
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


def test_with_the_right_token_a_gate_is_open(
    hub: HubServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", GOOD_TOKEN)
    assert download(DEV) == cached(DEV)
    shown = capfd.readouterr()
    assert GOOD_TOKEN not in shown.out + shown.err


def test_offline_mode_says_where_to_take_it_from(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    message = (
        f"{HUB} isn't whole in the hub's cache, and HF_HUB_OFFLINE is set; unset it and run `brandpress models --get "
        "flux.2-klein-4b`, or copy models--black-forest-labs--FLUX.2-klein-4B from the hub's cache of a machine that "
        f"has it into {tmp_path / 'hub'}"
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        download(HUB, quiet)
    assert hub.requests == []


def test_no_way_to_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_library_at("http://me:hush@127.0.0.1:9", tmp_path, monkeypatch)
    with pytest.raises(CheckpointError) as error:
        download(HUB, quiet)
    begin = f"{HUB} can't be downloaded from http://127.0.0.1:9: [Errno 111] Connection refused; run `brandpress models"
    assert str(error.value).startswith(begin)
    assert str(tmp_path / "hub") in str(error.value)


def test_a_hub_that_is_down(hub: HubServer) -> None:
    hub.down = True
    with pytest.raises(CheckpointError, match=r"^http://127\.0\.0\.1:\d+ answered 503: busy, when asked for .* later$"):
        download(HUB, quiet)


def test_too_little_room_is_said_before_anything_is_fetched(
    hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=100_000))
    message = f"{HUB} takes 140.6 kB more, and {tmp_path / 'hub'} has 100.0 kB free; make room, or name a folder on"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        download(HUB, quiet)
    assert sum(hub.sent.values()) == 0


def test_a_cache_that_cant_be_written(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"hub.*: Not a directory; HF_HUB_CACHE names another folder"):
        download(HUB, quiet)


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        ("model_index.json", f"{HUB} has no model_index.json: it isn't in diffusers' layout"),
        ("text_encoder/model.safetensors", f"{HUB} has no text_encoder/*.safetensors, and can't be loaded without"),
    ],
)
def test_a_repository_of_another_kind(hub: HubServer, gone: str, message: str) -> None:
    del hub.repositories[HUB].files[gone]
    with pytest.raises(CheckpointError, match=re.escape(message)):
        download(HUB, quiet)


@pytest.mark.parametrize("name", ["a b/c", "a/b/c", "a--b/..c", "models/", ""])
def test_what_can_be_no_name_on_the_hub_is_refused(name: str) -> None:
    for ask in (cached, lambda name: download(name, quiet)):
        with pytest.raises(CheckpointError, match=re.escape(f"{name!r} can't be a repository of the hub; those are")):
            ask(name)


def test_the_command_that_gets_it() -> None:
    assert download_command(HUB) == "brandpress models --get flux.2-klein-4b"
    assert download_command("someone/else") == "hf download someone/else"


def test_a_listing_says_which_shards_there_are(hub: HubServer) -> None:
    """A shard that the index has but the repository hasn't."""
    index = json.loads(hub.repositories[HUB].files[INDEX])
    index["weight_map"]["d"] = "diffusion_pytorch_model-00003-of-00003.safetensors"
    hub.repositories[HUB].files[INDEX] = json.dumps(index).encode()
    with pytest.raises(CheckpointError, match=r"has no transformer/diffusion_pytorch_model-00003-of-00003"):
        download(HUB, quiet)
    assert cached(HUB) is None
