"""Hillstrom's e-mail test: 64,000 customers, drawn by lot for one of two mailings or none. Shared data, if there.

What belongs here: the data set as exports of a shop, and what others published of it.
"""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "hillstrom.parquet"
needs_hillstrom = pytest.mark.skipif(not FILE.exists(), reason="the shared data sets are no part of the repository")
SOURCES = Path(__file__).resolve().parent / "sources"
DAY = dt.date(2008, 4, 30)
MAILINGS = {"mens": "Mens E-Mail", "womens": "Womens E-Mail"}
CAMPAIGNS = "campaign_id,channel,sent_at,window_days,control_share\n" + "".join(
    f"{name},email,2008-03-20 12:00:00,14,0.5\n" for name in MAILINGS
)
EFFECT = ("effect", "effect_low", "effect_high")
RATIO = ("ratio", "ratio_low", "ratio_high")
ADJUSTED = ("adjusted", "adjusted_low", "adjusted_high")
PUBLISHED = [
    ("mens", "visit", EFFECT, [0.0765896, 0.0699533, 0.0832267]),
    ("mens", "visit", RATIO, [1.721405, 1.640392, 1.806417]),
    ("womens", "visit", EFFECT, [0.0452331, 0.0388941, 0.0515743]),
    ("mens", "conversion", EFFECT, [0.0068050, 0.0050143, 0.0086407]),
    ("mens", "conversion", RATIO, [2.188422, 1.767630, 2.707014]),
    ("mens", "spend", EFFECT, [0.7698272, 0.4851397, 1.0545146]),
    ("mens", "spend", ADJUSTED, [0.7674496, 0.4828240, 1.0520753]),
    ("mens", "conversion", ("sample_ratio_p",), [0.996135]),
    ("mens", "conversion", ("detectable",), [0.0022378]),
    ("mens", "spend", ("detectable",), [0.314542]),
    ("womens", "conversion", EFFECT, [0.0031111, 0.0015017, 0.0047455]),
    ("womens", "spend", EFFECT, [0.4244122, 0.1689568, 0.6798676]),
    ("womens", "spend", ("sample_ratio_p",), [0.695044]),
]
"""Campaign, metric, columns of campaign_uplift, and what stands in them, to six digits."""


def write_exports(folder: Path) -> None:
    """Its rows, numbered, as exports of a shop: who was drawn for each mailing, what they spent before and after."""
    rows = pl.read_parquet(FILE).with_row_index("customer").cast({"customer": pl.String})
    ours, theirs = folder / "perennial", folder / "hillstrom"
    for place in (ours, theirs):
        place.mkdir(parents=True)
    (ours / "campaigns.csv").write_text(CAMPAIGNS)
    for name, segment in MAILINGS.items():
        drawn = rows.filter(pl.col("segment").is_in([segment, "No E-Mail"])).with_columns(campaign=pl.lit(name))
        drawn.drop("history", "spend", "visit").write_parquet(theirs / f"{name}.parquet")
    rows.select("customer", "history").write_parquet(theirs / "before.parquet")
    rows.filter(pl.col("spend") > 0).select("customer", "spend").write_parquet(theirs / "after.parquet")
    rows.filter(pl.col("visit") == 1).select("customer", "visit").write_parquet(theirs / "visits.parquet")
