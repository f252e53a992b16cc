"""What a home adds of its own goes through a run as ours does."""

import datetime as dt
import json

import dagster as dg
import polars as pl
from homes import ASSET_JOB, DAYS, PUBLISHED, Home

from pipeline.definitions import build_defs
from pipeline.lint import problems_of_home
from pipeline.scaffold import begin
from pipeline.tables.catalog import ours

FIRST = DAYS[0]
AUDIENCE = """/*
title: Regular customers
description: Everybody who has ordered more than once.
owner: team:crm
catalogue: own
minimum_size: 100
csv: true
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  orders:      {type: BIGINT, unit: orders, min: 2, meaning: Orders that stand}
*/
SELECT customer_id, orders
FROM marts.pausing
WHERE snapshot_date = $snapshot_date AND orders >= 2;
"""


def test_a_table_and_an_audience_of_a_home_are_built_tested_shown_and_published(first_night: Home) -> None:
    """In a home that was published before without them."""
    begin(first_night.settings, "table", "pausing", "loyalty")
    audience = first_night.folder / "sql" / "audiences" / "regulars.sql"
    audience.parent.mkdir()
    audience.write_text(AUDIENCE)

    definitions = build_defs(first_night.settings).get_repository_def()
    spec = definitions.asset_graph.get(dg.AssetKey(["marts", "pausing"]))
    assert (spec.group_name, spec.owners) == ("loyalty", ["team:data"])
    assert {key.path[-1] for key in spec.parent_keys} == {"customer_summary"}
    assert spec.metadata["file"] == "home/sql/marts/loyalty/pausing.sql"
    assert {key.name for key in spec.check_keys} == {"keys_unique", "columns_fit", "everybody_is_there"}

    audiences = definitions.asset_graph.get(dg.AssetKey(["published", "audiences"]))
    files = audiences.metadata["files"].split(", ")
    assert files == [*(audience.file for audience in ours().audiences), "home/sql/audiences/regulars.sql"]

    before = first_night.published()
    result = first_night.run(FIRST, only=["marts.pausing", *PUBLISHED], job=ASSET_JOB)
    assert result.success
    table = first_night.table("pausing", FIRST)
    summary = first_night.table("customer_summary", FIRST)
    assert table.equals(summary.select(table.columns)) and table["snapshot_date"].unique().to_list() == [
        dt.date.fromisoformat(FIRST)
    ]
    regulars = pl.read_csv(first_night.folder / "data" / "audiences" / FIRST / "own" / "regulars.csv")
    assert regulars["customer_id"].to_list() == summary.filter(pl.col("orders") >= 2)["customer_id"].to_list()
    assert regulars.height > 5
    published = first_night.published()
    added = published.keys() - before.keys()
    assert added == {
        f"data/marts/pausing/day={FIRST}/pausing.parquet",
        f"data/audiences/{FIRST}/own/regulars.parquet",
        f"data/audiences/{FIRST}/own/regulars.csv",
    }
    changed = {path for path in before if published[path] != before[path]}
    assert changed == {f"data/audiences/{FIRST}/manifest.json"}
    glossary = first_night.pages(FIRST)["glossary.html"]
    assert 'id="marts-pausing"' in glossary and "Loyalty" in glossary
    told = json.loads((first_night.folder / "data" / "audiences" / FIRST / "manifest.json").read_text())
    assert told["terms"] == [], "a minimum is for platforms, and there is none"

    # The lint makes the pages of the home of what was published, where their sentences have something to say.
    chart = begin(first_night.settings, "chart", "months", "seasons")
    assert problems_of_home(first_night.settings) == []
    text = chart.read_text()
    for wrong, said in (("|mony", "No filter named 'mony'"), (".nothing|money", "has no attribute 'nothing'")):
        chart.write_text(text.replace("|money", wrong, 1))
        (problem,) = problems_of_home(first_night.settings)
        assert said in str(problem)
