"""The files that a submitted job needs on the cluster: this brandpress, the job with its lock, its brand spec with the
feeds and the calibration, and the pictures."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from brandpress.model.checkpoint.locate import base_is_path
from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.lock import lock_file
from brandpress.pipeline.plan.parts import unknown_name
from brandpress.pipeline.plan.verdict_basis import calibration_path
from brandpress.pipeline.run import webhook
from brandpress.pipeline.spec import remote
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.provenance import files_of
from brandpress.pipeline.spec.remote import is_address
from brandpress.pipeline.spec.root import ROOT
from brandpress.pipeline.version import VERSION

CAMPAIGN = "campaign"
"""The folder in a bundle with the user's files, so that none of them can be taken for a module."""

MAX_BYTES = 500 * 2**20
"""What Ray's job server takes."""

_PACKAGES = ("brandpress", "brandpress.pipeline", "brandpress.model")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "brandpress")


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder that becomes the job's working directory on every node. job: path of the job's file in it."""

    folder: Path
    job: str

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that the job needs to find its files."""
        return {ROOT: CAMPAIGN, **allowed_hosts()}


def allowed_hosts() -> dict[str, str]:
    """Returns this process' environment variables with the hosts that a run elsewhere may use, too."""
    return {name: os.environ[name] for name in (remote.HOSTS, webhook.HOSTS) if os.environ.get(name)}


@contextmanager
def bundled(campaign: Campaign) -> Iterator[Bundle]:
    """Yields a temporary folder with all files of a campaign.

    Raises SpecError as `check_model` does, and RequestError if the files are too large.
    """
    check_model(campaign)
    job, brand = campaign.path.absolute(), Path(os.path.normpath(campaign.brand.path.absolute()))
    named = [picture.file for picture in campaign.brand.pictures.values()]
    named += [feed.file for feed in campaign.brand.feeds]
    files = [job, brand, *(_place(brand, file) for file in named if not is_address(file))]
    files += _files_beside(campaign)
    root = Path(os.path.commonpath([file.parent for file in files]))
    with TemporaryDirectory(prefix="brandpress-") as name:
        folder = Path(name)
        _copy_code(folder)
        _write_metadata(folder)
        target = folder / CAMPAIGN
        for file in files:
            _copy(file, target / file.relative_to(root))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        if size > MAX_BYTES:
            raise RequestError(
                f"{campaign.path}: the job's files have {size:,} bytes; allowed: at most {MAX_BYTES:,}. Reference "
                "pictures of a megapixel are enough"
            )
        yield Bundle(folder, str(Path(CAMPAIGN) / job.relative_to(root)))


def plan_digest(campaign: Campaign, arguments: tuple[str, ...] = ()) -> str:
    """Returns a digest of what decides which pictures a plan renders, publishes and signs, as far as this machine knows
    it: specs with feeds, pictures, lock, calibration, certificates, address, version and arguments.

    Unlike render keys, it needs no weights, which only the cluster has.
    """
    known = {
        "specs": campaign.spec_sha256,
        "pictures": {name: picture.sha256 for name, picture in sorted(campaign.brand.pictures.items())},
        "files": [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in _files_beside(campaign)],
        "deliver": str(campaign.address),
        "version": VERSION,
        "arguments": arguments,
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _files_beside(campaign: Campaign) -> list[Path]:
    """Returns the certificates, the lock and the calibration that a campaign has."""
    job = campaign.path.absolute()
    files = [Path(os.path.normpath(file)) for file in files_of(campaign.job.provenance, job.parent)]
    if (lock := lock_file(job)).exists():
        files.append(lock)
    if campaign.job.quality_gate is not None and (calibration := calibration_path(campaign.brand)).exists():
        files.append(calibration.absolute())
    return files


def _place(brand: Path, file: str) -> Path:
    return Path(os.path.normpath(brand.parent / file))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _copy_code(folder: Path) -> None:
    """Copies the packages, wherever they are imported from, into `folder/brandpress`."""
    for package in _PACKAGES:
        spec = find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise RequestError(f"{package} isn't installed as files, so it can't be sent to a cluster")
        source = Path(next(iter(spec.submodule_search_locations)))
        target = folder.joinpath(*package.split("."))
        if package == "brandpress":  # in a checkout it's a folder of `pipeline`, and installed it contains the others
            _copy(source / "__init__.py", target / "__init__.py")
        else:
            shutil.copytree(source, target, ignore=_LEFT_OUT, symlinks=False)


def _write_metadata(folder: Path) -> None:
    """Makes the bundle's version known there, where another one may be installed."""
    file = folder / f"brandpress-{VERSION}.dist-info" / "METADATA"
    file.parent.mkdir()
    file.write_text(f"Metadata-Version: 2.1\nName: brandpress\nVersion: {VERSION}\n")


def check_model(campaign: Campaign) -> None:
    """Raises SpecError for a model that no cluster can have: a name that is neither known nor a hub id, and a relative
    path, also of a part, whether or not it exists here."""
    choice = campaign.choice
    paths = [choice.transformer, choice.vae, choice.text_encoder, *(lora.file for lora in choice.loras)]
    if base_is_path(choice.base, campaign.path.parent):
        paths.insert(0, choice.base)
    unknown = unknown_name(choice, campaign.path.parent, campaign.source.problem)
    problems = [] if unknown is None else [unknown]
    problems += [
        campaign.source.problem(
            ("model",),
            f"{quote(path)} is a path that only this machine has",
            "allowed to submit: a model's name, a hub id, or an absolute path that every node of the cluster has",
        )
        for path in paths
        if path is not None and not Path(path).is_absolute()
    ]
    if problems:
        raise SpecError(problems)
