"""The measures by name, and what happens without their packages."""

from __future__ import annotations

import sys

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.review.extras import MissingPackageError
from brandpress.pipeline.review.suite import NAMES, load_suite


def test_named_measures_are_loaded() -> None:
    suite = load_suite(["noise", "fill", "duplicate"])
    assert list(suite.scales) == ["noise", "fill", "duplicate"]
    assert suite.likeness is None
    assert not suite.missing


@pytest.mark.parametrize("name", NAMES)
def test_each_name_has_a_scale(name: str) -> None:
    if name in ("text", "safe", "subject", "colour", "spread"):
        pytest.skip("loads a network; the slow test below covers it")
    assert list(load_suite([name]).scales) == [name]


@pytest.mark.slow
def test_all_measures_have_scales() -> None:
    suite = load_suite()
    assert tuple(suite.scales) == NAMES
    assert suite.likeness is not None


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(
        RequestError, match=r"--only pallete: 'pallete' isn't a measure; allowed: 'noise', .*mean 'palette'"
    ):
        load_suite(["pallete"])


def test_a_named_measure_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "coloraide", None)
    with pytest.raises(MissingPackageError, match=r"'palette' needs the package coloraide.*\"brandpress\[review\]\""):
        load_suite(["palette"])


def test_by_default_measures_without_their_packages_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    text, subject = ("rapidocr", "rapidfuzz"), ("efficientnet_lite_pytorch", "scipy.ndimage")
    for module in ("coloraide", "nudenet", "imagehash", *text, *subject):
        monkeypatch.setitem(sys.modules, module, None)
    suite = load_suite()
    assert list(suite.scales) == ["noise"]
    assert set(suite.missing) == set(NAMES) - {"noise"}
    assert "brandpress[review-safe]" in suite.missing["safe"]
