"""Which environment variables workers inherit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from brandpress.pipeline.render.driver.environment import hidden, needed_secrets, not_inherited
from brandpress.pipeline.spec.provenance import KEY_VARIABLE, SigningIdentity
from brandpress.pipeline.store.address import to_address

SECRETS = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_PROFILE": "brand",
    "BFL_API_KEY": "c",
    "HF_TOKEN": "d",
    "GITHUB_TOKEN": "e",
    "DATABASE_URL": "postgres://me:hush@host/db",
    "MY_PASSWORD": "f",
    "PGPASSWORD": "h",
    "MYSQL_PWD": "i",
    "GITHUB_PAT": "j",
    "CI_JOB_JWT": "k",
    "PIP_INDEX_URL": "https://token@host/simple",
    "HF_ENDPOINT": "https://token@host",
    "SLACK_WEBHOOK": "l",
    "KEYBOARD": "de",
    "npm_config_auth": "g",
}
PLAIN = {
    "PATH": "/usr/bin",
    "HOME": "/home/me",
    "PWD": "/home/me",
    "PYTHONPATH": "/src",
    "CUDA_VISIBLE_DEVICES": "0",
    "HF_HOME": "/cache",
    "RAY_AUTH_TOKEN": "ray's",
    "HTTPS_PROXY": "http://me:hush@proxy:3128",
    "no_proxy": "localhost",
    "TOKENIZERS_PARALLELISM": "false",
    "LC_ALL": "C.UTF-8",
    "TMPDIR": "/tmp",
    "SSL_CERT_FILE": "/certificates.pem",
    "XDG_CACHE_HOME": "/cache",
    "OMP_NUM_THREADS": "1",
    "PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True",
    "NCCL_DEBUG": "WARN",
    "LD_LIBRARY_PATH": "/cuda/lib64",
}


@pytest.mark.parametrize(
    ("uri", "hosted", "inherited"),
    [
        ("/out", False, set()),
        ("s3://assets", False, {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"}),
        ("/out", True, {"BFL_API_KEY"}),
    ],
)
def test_only_needed_secrets_are_inherited(uri: str, hosted: bool, inherited: set[str]) -> None:
    hidden_names = not_inherited((SECRETS | PLAIN).items(), needed_secrets(to_address(uri), hosted=hosted))
    assert hidden_names == SECRETS.keys() - inherited


def test_only_workers_that_sign_inherit_the_key() -> None:
    address = to_address("out")
    signing = SigningIdentity(b"", b"", KEY_VARIABLE)
    variables = {KEY_VARIABLE: "a key", "BRANDPRESS_C2PA_OTHER_KEY": "another"}
    assert not_inherited(variables.items(), needed_secrets(address, hosted=False)) == variables.keys()
    needed = needed_secrets(address, hosted=False, signing=signing)
    assert not_inherited(variables.items(), needed) == {"BRANDPRESS_C2PA_OTHER_KEY"}


def test_the_operator_names_further_variables() -> None:
    environment = SECRETS | PLAIN | {"BRANDPRESS_PASS_ENV": "GITHUB_TOKEN, npm_*"}
    hidden_names = not_inherited(environment.items(), ())
    assert hidden_names == SECRETS.keys() - {"GITHUB_TOKEN", "npm_config_auth"}


def test_a_process_started_in_the_block_does_not_inherit_hidden_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "hush")
    program = [sys.executable, "-c", "import os; print(os.environ.get('GITHUB_TOKEN'))"]
    with pytest.raises(KeyError), hidden({"GITHUB_TOKEN", "NOT_THERE"}):
        assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.strip() == "None"
        raise KeyError
    assert os.environ["GITHUB_TOKEN"] == "hush"
