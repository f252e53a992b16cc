"""Takes the pictures in docs/images again: pages of a home's newest report, as a browser of a desk shows them.

python docs/hooks/screenshots.py HOME
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parents[1] / "images"
PAGES = {"report": "index.html"}
WIDTH, HEIGHT = 1280, 900


def main(home: str) -> None:
    """One PNG for each of PAGES. Raises FileNotFoundError where the home has no report."""
    reports = sorted(Path(home, "reports", "out").resolve().glob("????-??-??"))
    if not reports:
        raise FileNotFoundError(f"{home} has no report yet; `perennial demo --shop` makes data/demo-shop.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        for name, file in PAGES.items():
            page.goto((reports[-1] / file).as_uri())
            page.wait_for_function(
                "() => [...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg.main-svg'))",
                timeout=120_000,
            )
            page.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
