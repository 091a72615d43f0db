"""A real Chromium for tests of pages, and axe-core, which checks accessibility."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(os.environ.get("AXE_CORE", "build/axe-core/package/axe.min.js"))
"""axe-core's script, which `.ci/run` gets from npm: its licence, MPL-2.0, isn't ours."""


@contextmanager
def chromium() -> Iterator[Any]:
    """Yields a browser. Skips the test where Chromium or Playwright is missing, and fails it in CI."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    missing = "Chromium isn't installed (apt-get install chromium)" if CHROMIUM is None else ""
    missing = missing or ("" if sync_playwright else "Playwright isn't installed (pip install playwright)")
    if missing and not os.environ.get("CI"):
        pytest.skip(missing)
    assert not missing, f"CI runs the tests of the review page: {missing}"
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Any, url: str, *, width: int = 1400, height: int = 900, theme: str = "light") -> Any:
    """Returns an opened page whose errors, and violations of its security policy, fail `assert_clean`."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, accept_downloads=True, locale="en-GB"
    )
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
    page.goto(url)
    page.wait_for_selector("#grid[data-complete]")
    return page


def wait_until(page: Any, expression: str) -> None:
    """Waits until an expression is true. Playwright's own way needs eval, which the page's policy forbids."""
    while not page.evaluate(expression):
        page.wait_for_timeout(20)


def serious_violations(page: Any) -> list[str]:
    """Returns what axe-core finds that is serious or critical. Skips the test where axe-core is missing."""
    if not AXE.exists() and not os.environ.get("CI"):
        pytest.skip(f"axe-core isn't in {AXE} (npm pack axe-core)")
    page.evaluate(AXE.read_text())  # not as a script element: the page's policy allows none
    results = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {node['html'][:160]}"
        for one in results["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]
