"""Which environment variables workers inherit: those that are known to be needed, and those that the operator names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase

from brandpress.model.family import KEY_VARIABLE
from brandpress.pipeline.spec.delivery import SCHEMES, DeliveryAddress
from brandpress.pipeline.spec.provenance import SigningIdentity

PASSED = "BRANDPRESS_PASS_ENV"
"""Environment variable: names of further variables for workers, separated by commas; `MY_*` names all that start so."""

_SYSTEM = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "TERM", "TZ", "LANG", "LANGUAGE", "LC_*", "TMPDIR", "TEMP",
    "TMP", "HOSTNAME", "XDG_*", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_*", "SSL_CERT_*", "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
)  # fmt: skip
_SOFTWARE = (
    "PYTHON*", "VIRTUAL_ENV", "CONDA_*", "BRANDPRESS_*", "RAY_*", "CUDA*", "CUBLAS_*", "CUDNN_*", "NVIDIA_*", "NCCL_*",
    "HIP_*", "ROCM_*", "ROCR_*", "HSA_*", "GLOO_*", "TORCH*", "PYTORCH_*", "ATEN_*", "TRITON_*", "OMP_*", "GOMP_*",
    "KMP_*", "MKL_*", "OPENBLAS_*", "VECLIB_*", "NUMEXPR_*", "MALLOC_*", "GLIBC_TUNABLES", "HF_*", "HUGGINGFACE_*",
    "TRANSFORMERS_*", "SAFETENSORS_*", "TOKENIZERS_*", "CC", "CXX", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH",
)  # fmt: skip
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_SERVICE = "BFL_API_*"  # the key, and the address that replaces BFL's

_SECRET = re.compile(
    r"(?:^|_)(?:token|secrets?|password|passwd|pwd|passphrase|pass|pat|jwt|credentials?|keys?|apikey|auth|dsn)(?:_|$)",
    re.IGNORECASE,
)
_NOT_SECRET = ("PWD", "XAUTHORITY", PASSED, "RAY_*")
_WITH_USER = re.compile(r"://[^/\s@]+@")


def needed_secrets(
    address: DeliveryAddress, *, hosted: bool, signing: SigningIdentity | None = None
) -> tuple[str, ...]:
    """Returns the patterns of secret variables that workers may inherit: the store's, the tier's if `hosted`, and the
    key that signs pictures."""
    store = tuple(f"{prefix}*" for prefix in SCHEMES[address.scheme].secret_prefixes)
    key = () if signing is None else (signing.key_env,)
    return (*store, *((KEY_VARIABLE, _SERVICE) if hosted else ()), *key)


def not_inherited(environment: Iterable[tuple[str, str]], needed: tuple[str, ...]) -> set[str]:
    """Returns the names of the variables that workers don't inherit.

    They inherit those that match `needed` or BRANDPRESS_PASS_ENV, proxies, and those of the system and of software that
    rendering uses unless their name or value looks like a secret.
    """
    variables = dict(environment)
    passed = (*needed, *_named(variables))
    return {name for name, value in variables.items() if not _is_inherited(name, value, passed)}


def _is_inherited(name: str, value: str, passed: tuple[str, ...]) -> bool:
    if _matches(name, passed) or _matches(name.upper(), _PROXIES):
        return True
    if not _matches(name, (*_SYSTEM, *_SOFTWARE)):
        return False
    secret = _SECRET.search(name) or _WITH_USER.search(value)
    return _matches(name, _NOT_SECRET) or not secret


def _named(variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in variables.get(PASSED, "").split(",") if name.strip())


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@contextmanager
def hidden(names: Iterable[str]) -> Iterator[None]:
    """Removes these variables from the environment during the block, so that new processes don't inherit them."""
    removed = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(removed)
