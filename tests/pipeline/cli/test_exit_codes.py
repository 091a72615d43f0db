"""The exit code of each error class."""

from __future__ import annotations

import pytest

from brandpress.model.errors import BrandpressError, CheckpointError, HostedError, RequestError
from brandpress.pipeline.cli.exit_codes import exit_code_of
from brandpress.pipeline.render.driver.outcome import NothingRenderedError, StoreBlockedError
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.store.protocol import StoreAddressError, StoreError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("size 100x100"), 1),
        (SpecError([]), 1),
        (StoreAddressError("gs://bucket"), 1),
        (StoreBlockedError("the disk is full", delivered=7, todo=10), 3),
        (StoreBlockedError("the disk is full", delivered=0, todo=10), 4),
        (StoreError("no connection"), 4),
        (NothingRenderedError("no model"), 4),
        (CheckpointError("no checkpoint"), 4),
        (HostedError("no credits"), 4),
        (BrandpressError("anything else"), 4),
    ],
)
def test_errors_map_to_exit_codes(error: BrandpressError, code: int) -> None:
    assert exit_code_of(error) == code
