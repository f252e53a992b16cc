"""The whole nightly job on Online Retail, once on each engine: what is published is the same."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from homes import Home
from polars.testing import assert_frame_equal

from pipeline.runs import run_snapshot
from pipeline.settings import export_home, load
from pipeline.tables import catalog

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),  # Java machines start slowly where much else runs
]

DAY = dt.date(2011, 12, 9)
TOML = 'first_snapshot = "2010-12-01"\ntimezone = "Europe/London"\ncurrency = "GBP"\nmemory_limit = "3GB"\n'
SPARK = 'engine = "spark"\n[spark]\nmaster = "local[2]"\n'


def _published(folder: Path, file: Path, more: str = "") -> Home:
    home = Home.made(folder, TOML + more)
    settings = load(home.folder)
    export_home(settings)
    run_snapshot(settings, {"uci_online_retail": [str(file)]}, DAY)
    return home


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory, online_retail_file: Path, needs_spark: None) -> tuple[Home, Home]:
    folder = tmp_path_factory.mktemp("homes")
    return _published(folder / "duckdb", online_retail_file), _published(folder / "spark", online_retail_file, SPARK)


@pytest.mark.parametrize("name", [table.name for table in catalog.ours().published])
def test_a_published_table_is_the_same(homes: tuple[Home, Home], name: str) -> None:
    table = next(table for table in catalog.ours().published if table.name == name)
    file = f"data/marts/{name}/day={DAY}/{name}.parquet"
    ours, theirs = (pl.read_parquet(home.folder / file).sort(table.header.grain) for home in homes)
    assert_frame_equal(ours, theirs, check_exact=False, rel_tol=1e-9, abs_tol=1e-9)


def test_audiences_and_pages_are_there_on_both(homes: tuple[Home, Home]) -> None:
    listed = [
        sorted(path.relative_to(home.folder).as_posix() for top in ("data/audiences", "reports/out")
               for path in (home.folder / top).rglob("*") if path.is_file())
        for home in homes
    ]  # fmt: skip
    assert listed[0] == listed[1]
    assert any(path.endswith("index.html") for path in listed[1])
