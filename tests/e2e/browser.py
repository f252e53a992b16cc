"""A real browser for tests: pages from disk, without a network, and what is wrong with them.

What belongs here: opening a page and judging it by rules that hold for every page. What one page must show stands in
the tests.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, sync_playwright

DESKTOP, PHONE = 1280, 390
PATIENCE = 120_000
"""Milliseconds for whatever a page does, on a machine that does other things, too."""
Theme = Literal["light", "dark"]

# Anything but a page's own files and what it makes itself would leave the machine.
LOCAL = ("file:", "data:", "blob:", "about:")

_UNDRAWN_CHARTS = """
() => [...document.querySelectorAll('.chart')].filter((chart) => {
  const svg = chart.querySelector('svg.main-svg');
  const box = svg && svg.getBoundingClientRect();
  return !box || box.width < 100 || box.height < 100
    || !chart.querySelector('.bars path, .heatmaplayer image, .slice path, .sankey-link, .scatterlayer path');
}).map((chart) => chart.closest('[data-chart]').dataset.chart)
"""
_CUT_TEXTS = """
() => [...document.querySelectorAll('.chart')].flatMap((chart) => {
  const frame = chart.getBoundingClientRect();
  return [...chart.querySelectorAll('svg text')].filter((text) => {
    const box = text.getBoundingClientRect();
    const shown = box.width && text.textContent.trim() && getComputedStyle(text).display !== 'none';
    return shown && (box.left < frame.left - 2 || box.right > frame.right + 2 || box.bottom > frame.bottom + 2);
  }).map((text) => chart.closest('[data-chart]').dataset.chart + ': ' + text.textContent);
})
"""
_WIDER_THAN_THE_WINDOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_WITHOUT_FETCHING = {"resultTypes": ["violations"], "preload": False}
"""axe would fetch the style sheets again, for a rule it leaves out unless asked; the pages' policy forbids it."""
# What a change of the theme brings about has been done by then: it is drawn before the next frame.
_TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, headless; skips the test where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium, or put one on the PATH")
    quiet = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    as_root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*quiet, *as_root])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for since it was opened."""

    page: Page
    file: Path
    said: list[str] = field(default_factory=list)
    asked_for: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """What no page may have: errors, requests, missing charts, cut texts, overflow, axe's violations."""
        found = [*self.said]
        found += [f"asks the network for {address}" for address in self.asked_for if not address.startswith(LOCAL)]
        found += [f"chart {name} is not drawn" for name in self.page.evaluate(_UNDRAWN_CHARTS)]
        found += [f"text cut off in {text}" for text in self.page.evaluate(_CUT_TEXTS)]
        wider = self.page.evaluate(_WIDER_THAN_THE_WINDOW)
        found += [f"wider than the window by {wider} px"] if wider > 0 else []
        judged = Axe().run(self.page, options=_WITHOUT_FETCHING).response
        return found + [_described(violation) for violation in judged["violations"]]

    def settle(self) -> None:
        """Wait until the charts stand; `problems` names those that never do."""
        self.page.wait_for_selector("html[data-drawn]", state="attached")
        with suppress(TimeoutError):
            self.page.wait_for_function(f"() => ({_UNDRAWN_CHARTS})().length === 0")

    def turn(self, theme: Theme) -> None:
        """Have the reader's machine prefer another theme, and wait until the charts are drawn in its colours."""
        self.page.emulate_media(color_scheme=theme)
        self.page.evaluate(_TWO_FRAMES)
        self.settle()

    def photograph(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@contextmanager
def opened(
    browser: Browser,
    file: Path,
    width: int = DESKTOP,
    theme: Theme = "light",
    javascript: bool = True,
    patience: int = PATIENCE,
) -> Iterator[Opened]:
    """A page from disk in a window of its own that is not connected to anything."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, java_script_enabled=javascript, offline=True
    )
    try:
        context.set_default_timeout(patience)
        page = _listened_to(context, file)
        page.page.goto(file.as_uri())
        if javascript:
            page.settle()
        yield page
    finally:
        context.close()


def _listened_to(context: BrowserContext, file: Path) -> Opened:
    made = Opened(context.new_page(), file)
    made.page.on("console", lambda message: made.said.append(f"console: {message.text}"))
    made.page.on("pageerror", lambda error: made.said.append(f"error: {error}"))
    made.page.on("request", lambda request: made.asked_for.append(request.url))
    made.page.on("requestfailed", lambda request: made.said.append(f"not found: {request.url}"))
    return made


def _described(violation: dict[str, Any]) -> str:
    """An axe violation in one line, with the places where it is."""
    places = ", ".join(str(node["target"][0]) for node in violation["nodes"][:5])
    return f"axe {violation['id']} ({violation['impact']}): {violation['help']}: {places}"
