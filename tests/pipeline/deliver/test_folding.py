"""On a store that ignores case, a name that changed its case is the same object: neither missing nor garbage."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.clean import find_garbage
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import campaign_folder
from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import Store
from tests.folding import FoldingStore
from tests.pipeline.deliver.records import HEADER, data_of, publish_records, record, variant


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    """A campaign whose job wrote a name in other letters once; the store kept the first spelling."""
    folder = campaign_folder(FoldingStore(LocalStore(tmp_path)), "spring")
    records = [
        deliver(folder, record(number), variant(number).asset.replace("mug", "MUG"), data_of(number))
        for number in (0, 1)
    ]
    for count in (1, 2):
        listed = [one.model_copy(update={"asset": variant(one.seed).asset}) for one in records[:count]]
        publish_records(folder, HEADER, count, listed, list)
    return folder


def test_no_picture_is_missing_or_unknown(folder: Store) -> None:
    assert {problem.kind for problem in verify(folder).problems} <= {"changed"}, "the records have the old spelling"
    assert len(read_index(folder).done) == 2
    assert rollback(folder).manifest.number == 1


def test_no_picture_is_garbage(folder: Store) -> None:
    later = time.time() + 10**6
    for variants in ([], [variant(0), variant(1)], None):
        assert find_garbage(folder, variants, now=later, keep=10, hours=0).entries == ()
