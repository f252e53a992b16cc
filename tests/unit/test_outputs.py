"""Outputs: tables, audiences and the manifest as files; the same partition gives the same bytes."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from shop import Shop, all_tables

from pipeline.activation.outputs import (
    AudienceRefused,
    Output,
    published_before,
    versions,
    write_audiences,
    write_manifest,
    write_tables,
)
from pipeline.engines.duckdb import SelectRefused
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.places import audience_folder, table_folder
from pipeline.sections.activation import Terms
from pipeline.settings import Settings
from pipeline.tables.audiences import read_audience, read_audiences
from pipeline.tables.catalog import ours
from pipeline.tables.formulas import harmless

DAY = dt.date(2026, 3, 31)


class Folder:
    """Where files are put: target -> path, as a publication does it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, target: str) -> Path:
        file = self.path / target
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def bytes(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes() for path in self.path.rglob("*") if path.is_file()
        }


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "out")


def test_there_is_nothing_to_go_by_where_a_manifest_cannot_be_read_or_other_versions_wrote_it(tmp_path: Path) -> None:
    """The day is then published whole."""
    manifest = tmp_path / audience_folder(DAY) / "manifest.json"
    assert published_before(tmp_path, DAY) is None
    manifest.parent.mkdir(parents=True)
    whole = {"files": [], "ids_like_formulas": {}, "inputs": [], "settings": {}, "settings_fingerprint": "f"}
    manifest.write_text(json.dumps(whole | {"versions": versions()}))
    assert published_before(tmp_path, DAY) is not None
    other = json.dumps(whole | {"versions": versions() | {"perennial": "0.0.1"}})
    for content in ("", "[]", '{"files": []}', '{"files": [{}]}', other):
        manifest.write_text(content)
        assert published_before(tmp_path, DAY) is None, content


NAMES = ("customer_summary", "rfm_scores", "rfm_segments", "segment_changes", "segment_catalogue")
TABLES = [all_tables()[f"marts.{name}"] for name in NAMES]


def build_audiences(shop: Shop, *days: str) -> None:
    """The tables that audiences are made of, and no others: they are many."""
    for day in days:
        shop.table("marts.segment_changes", day)
        assert all(len(shop.show(table.full_name, day)) for table in TABLES)


def audience(shop: Shop, folder: Folder, catalogue: str = "grid") -> dict[str, list[dict[str, str]]]:
    """Rows of the CSV files by segment."""
    write_audiences(shop.engine, ours().audiences, DAY, folder)
    files = sorted((folder.path / audience_folder(DAY) / catalogue).glob("*.csv"))
    return {file.stem: list(csv.DictReader(file.open(encoding="utf-8", newline=""))) for file in files}


def by_segment(rows: dict[str, list[dict[str, str]]]) -> dict[str, list[str]]:
    return {segment: [row["customer_id"] for row in found] for segment, found in rows.items() if found}


# ── audiences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_customer_is_in_the_file_of_the_segment_the_table_says(shop, folder):
    shop.orders("anna", "2026-01-02", "2026-02-03", "2026-03-01").orders("bert", "2025-01-05").orders(
        "cleo", "2026-03-30"
    )
    build_audiences(shop, "2026-03-31")
    for catalogue in ("grid", "axonaut"):
        segments = shop.show("marts.rfm_segments", "2026-03-31").where(catalogue=catalogue).by_customer("segment")
        assert set(segments) == {"anna", "bert", "cleo"}
        found = by_segment(audience(shop, folder, catalogue))
        assert {customer: segment for segment, ids in found.items() for customer in ids} == segments


def test_every_stage_and_every_cell_has_a_file_of_who_stands_in_it(shop, folder):
    shop.orders("anna", "2026-01-02", "2026-02-03", "2026-03-01").orders("bert", "2025-01-05")
    shop.orders("cleo", "2026-03-30")
    shop.snapshot("2026-03-31")
    names = {"first-time": "first_time", "defecting": "lapsing", "inactive": "lapsed"}
    stages = shop.show("marts.lifecycle_stages", "2026-03-31").by_customer("stage")
    scores = shop.show("marts.rfm_scores", "2026-03-31")
    recency, frequency = scores.by_customer("r_score"), scores.by_customer("f_score")
    expected = {
        "stages": {customer: names.get(stage, stage) for customer, stage in stages.items()},
        "rfm": {customer: f"r{score}_f{frequency[customer]}" for customer, score in recency.items()},
    }
    for catalogue, groups in expected.items():
        found = by_segment(audience(shop, folder, catalogue))
        assert {customer: group for group, ids in found.items() for customer in ids} == groups
        assert set(groups) == {"anna", "bert", "cleo"}


def test_a_segment_without_customers_is_a_file_without_rows(shop, folder):
    shop.orders("anna", "2026-03-01")
    build_audiences(shop, "2026-03-31")
    outputs = {output.path: output.rows for output in write_audiences(shop.engine, ours().audiences, DAY, folder)[0]}
    # Ten segments of the grid and seven of axonaut, each as Parquet and as CSV; one customer is in one of each.
    outputs = {path: rows for path, rows in outputs.items() if Path(path).parent.name in ("grid", "axonaut")}
    assert len(outputs) == (10 + 7) * 2
    assert sorted(outputs.values()) == [0] * 30 + [1] * 4
    empty = [path for path, rows in outputs.items() if rows == 0]
    columns = {path: _columns(folder.path / path) for path in outputs}
    assert all(columns[path] == columns[f"{audience_folder(DAY)}/grid/champions.csv"] for path in empty)
    assert columns[empty[0]][:2] == ["customer_id", "segment"]


def _columns(file: Path) -> list[str]:
    return pl.read_csv(file).columns if file.suffix == ".csv" else pl.read_parquet_schema(file).names()


def test_a_row_tells_scores_tiers_and_where_the_customer_came_from(shop, folder):
    # Two orders, 10 + 30: 40 in all, 20 each; the last on 1 March is 30 days before 31 March.
    shop.orders("anna", "2026-01-02", amount=10).orders("anna", "2026-03-01", amount=30)
    build_audiences(shop, "2026-02-28", "2026-03-31")
    (row,) = [row for rows in audience(shop, folder).values() for row in rows]
    shown = {name: row[name] for name in ("recency_days", "occasions", "revenue", "orders", "mean_order_value")}
    assert shown == {
        "recency_days": "30",
        "occasions": "2",
        "revenue": "40.00",
        "orders": "2",
        "mean_order_value": "20.0",
    }
    assert (row["first_purchase_on"], row["last_purchase_on"]) == ("2026-01-02", "2026-03-01")
    assert (row["changed_on"], row["previous_segment"]) == ("", ""), "alone in the shop, she was never in another"


def test_who_changed_carries_the_group_before_and_what_is_predicted(shop, folder):
    # January: Bert bought last (Anna 11, Bert 31). February: Anna bought again (Anna 33, Bert 11). Cleo is new in March
    # and the last: of 3, Anna has 1 of recency worse than hers and 2 of frequency (24), Bert none (11), Cleo 2 (41).
    shop.orders("anna", "2026-01-01", "2026-02-10").orders("bert", "2026-01-02").orders("cleo", "2026-03-30")
    build_audiences(shop, "2026-01-31", "2026-02-28", "2026-03-31")
    shop.engine.insert(
        "marts.customer_360",
        pl.DataFrame(
            [{"snapshot_date": DAY, "customer_id": "bert", "stage": "active", "activity_trend": "too_new",
              "revenue_12_months": 10, "predicted_clv": 12.5, "churn_probability": 0.25, "churn_horizon_days": 90,
              "p_purchase_30d": 0.5, "p_purchase_90d": 0.75,
              "next_purchase_from": DAY, "next_purchase_median": DAY, "next_purchase_to": DAY}]
        ),
    )  # fmt: skip
    rows = {row["customer_id"]: row for found in audience(shop, folder).values() for row in found}
    assert {name: (row["segment"], row["changed_on"], row["previous_segment"]) for name, row in rows.items()} == {
        "anna": ("at_risk", "2026-03-31", "need_attention"), "bert": ("hibernating", "2026-02-28", "about_to_sleep"),
        "cleo": ("promising", "", ""),
    }  # fmt: skip
    predicted = list(rows["bert"])[-10:]
    assert [rows["bert"][name] for name in predicted] == [
        "12.5", "0.25", "90", "0.5", "0.75", "2026-03-31", "2026-03-31", "2026-03-31", "active", "too_new",
    ]  # fmt: skip
    assert [rows["anna"][name] for name in predicted] == [""] * 10, "of whom nothing is predicted"


def test_who_moved_is_in_the_file_of_the_move(shop, folder):
    # Anna and Bert of the test above; Cleo comes in February, later than both, whose scores do not change: with n = 3
    # in February Anna has recency 1 + 5/3 = 2 and frequency 1 + 10/3 = 4, Bert 1 and 1, Cleo 1 + 10/3 = 4 and 1.
    shop.orders("anna", "2026-01-01", "2026-02-10", amount=10).orders("bert", "2026-01-02").orders("cleo", "2026-02-12")
    build_audiences(shop, "2026-01-31")
    shop.table("marts.segment_events", "2026-02-28")
    for_moves = [one for one in ours().audiences if one.name == "moves"]
    february = dt.date(2026, 2, 28)
    for day in (dt.date(2026, 1, 31), february):
        write_audiences(shop.engine, for_moves, day, folder)
    root = folder.path / audience_folder(february)
    found = {
        path.relative_to(root).with_suffix("").as_posix(): [
            (row["customer_id"], row["direction"], row["previous_snapshot_date"], row["revenue_12_months"])
            for row in csv.DictReader(path.open(encoding="utf-8", newline=""))
        ]
        for path in root.rglob("*.csv")
    }
    assert found == {
        "moves/hibernating_to_at_risk": [("anna", "better", "2026-01-31", "20.00")],
        "moves/about_to_sleep_to_hibernating": [("bert", "worse", "2026-01-31", "10.00")],
        "moves/newcomers_to_promising": [("cleo", "entered", "2026-01-31", "10.00")],
        "axonaut_moves/hibernating_to_cant_lose": [("anna", "better", "2026-01-31", "20.00")],
        "axonaut_moves/at_risk_to_hibernating": [("bert", "worse", "2026-01-31", "10.00")],
        "axonaut_moves/newcomers_to_new": [("cleo", "entered", "2026-01-31", "10.00")],
    }
    assert not (folder.path / audience_folder(dt.date(2026, 1, 31))).exists(), "the first snapshot has no moves"


def test_ids_are_never_altered_and_those_like_formulas_are_quoted_and_counted(shop, folder):
    like_formulas = ["+48123456789", "=1+1", "-7", "@bo", "＝1", "\t4", " +1"]
    others = ["anna", "a=1", "x-1", "'=1", 'O\'Brien, "Bo"', "é@x.org", "two\nlines", "4711"]
    for name in like_formulas + others:
        shop.orders(name, "2026-03-01")
    build_audiences(shop, "2026-03-31")
    written = [name for ids in by_segment(audience(shop, folder)).values() for name in ids]
    assert sorted(written) == sorted(like_formulas + others)
    grid = folder.path / audience_folder(DAY) / "grid"
    assert sorted(pl.read_parquet(grid / "*.parquet")["customer_id"]) == sorted(written)
    assert any('"+48123456789"' in path.read_text() for path in grid.glob("*.csv"))
    manifest = _manifest(shop, folder, write_audiences(shop.engine, ours().audiences, DAY, folder)[0])
    of_grid = {path: n for path, n in manifest["ids_like_formulas"].items() if "/grid/" in path}
    assert sum(of_grid.values()) == len(like_formulas) and all(path.endswith(".csv") for path in of_grid)


FREE_TEXTS = {
    **{f"{first}cmd|' /C calc'!A0": True for first in "=+-@＝＋－＠﹦﹢﹣﹫−\t\r\n\0"},
    **{f"{before}=1": True for before in "\v\f\x85\x1f\u200b\ufeff"},
    "  =1": True, "\u00a0@x": True, "\ufeff+1": True, "\u3000－1": True, " \t-1": True,
    "": False, "a=1": False, "'=1": False, "two\nlines": False, "é@x.org": False, " tea": False, "4711": False,
}  # fmt: skip


def test_free_text_that_a_spreadsheet_would_run_gets_an_apostrophe_and_no_other():
    sql = f"SELECT text, {harmless('text')} FROM (SELECT unnest($texts) AS text)"
    written = dict(duckdb.execute(sql, {"texts": list(FREE_TEXTS)}).fetchall())
    assert written == {text: f"'{text}" if runs else text for text, runs in FREE_TEXTS.items()}


def test_numbers_below_zero_are_no_formulas(shop, folder):
    shop.orders("anna", "2026-03-01", amount=10).refund("anna-1", on="2026-03-05", amount=4)
    shop.orders("bert", "2026-03-02", amount=10).refund("bert-1", on="2026-03-05", amount=9)
    shop.line("bert-9", on="2026-03-06", customer="bert", amount=-5, kind="refund")
    build_audiences(shop, "2026-03-31")
    # Anna: 10 − 4; Bert: 10 − 9 − 5.
    revenue = {row["customer_id"]: row["revenue"] for rows in audience(shop, folder).values() for row in rows}
    assert revenue == {"anna": "6.00", "bert": "-4.00"}


# ── an audience of one's own ──────────────────────────────────────────────────────────────────────────────────────────

HEADER = """/*
title: Customers by where they come from
description: An audience that a test makes up.
owner: team:crm
%s
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  city:        {type: VARCHAR, nullable: %s, meaning: A free text}
  note:        {type: VARCHAR, nullable: true, meaning: Another one}
  orders:      {type: BIGINT, nullable: true, min: 0, meaning: A number}
*/
SELECT * FROM (VALUES %s) AS made (customer_id, city, note, orders)
"""


def made(shop: Shop, folder: Folder, rows: str, more: str = "catalogue: own", name: str = "cities") -> list[Output]:
    """What is written of an audience of these rows."""
    file = shop.home / "sql" / "audiences" / f"{name}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER % (f"{more}\ncsv: true", "false" if "each" in more else "true", rows), encoding="utf-8")
    return write_audiences(shop.engine, [read_audience(file, shop.home / "sql")], DAY, folder)[0]


def test_an_audience_is_a_file_of_its_catalogue(shop, folder):
    outputs = made(shop, folder, "('bo', 'x', NULL, 2), ('al', NULL, 'y', -0)")
    assert [(output.path, output.rows) for output in outputs] == [
        ("data/audiences/2026-03-31/own/cities.parquet", 2),
        ("data/audiences/2026-03-31/own/cities.csv", 2),
    ]
    assert (folder.path / outputs[1].path).read_text() == "customer_id,city,note,orders\nal,,y,0\nbo,x,,2\n"
    frame = pl.read_parquet(folder.path / outputs[0].path)
    assert frame.to_dict(as_series=False) == {
        "customer_id": ["al", "bo"], "city": [None, "x"], "note": ["y", None], "orders": [0, 2]
    }  # fmt: skip


def test_only_who_asks_for_a_csv_has_one(shop, folder):
    made(shop, folder, "('al', 'x', NULL, 2)")
    file = shop.home / "sql" / "audiences" / "cities.sql"
    file.write_text(file.read_text().replace("csv: true\n", ""))
    plain = read_audience(file, shop.home / "sql")
    for audience, endings in ((plain, [".parquet"]), (plain.with_terms(Terms(csv=True)), [".parquet", ".csv"])):
        outputs, _ = write_audiences(shop.engine, [audience], DAY, folder)
        assert [Path(output.path).suffix for output in outputs] == endings


def test_a_large_audience_stands_in_the_order_of_its_ids_in_both_files(shop, folder):
    """Of more rows than one group of a Parquet file holds, which the CSV is then written from."""
    rows = """('z', NULL, NULL, 1)) AS last (customer_id, city, note, orders)
        UNION ALL
        SELECT concat(part, '-', day), NULL, NULL, 1
        FROM params.days CROSS JOIN (VALUES ('c'), ('b'), ('a')) AS parts (part)
        UNION ALL
        SELECT * FROM (VALUES ('0', NULL, NULL, 2)"""
    parquet, text = (folder.path / output.path for output in made(shop, folder, rows))
    ids = pl.read_parquet(parquet)["customer_id"].to_list()
    assert len(ids) > 122_880 and ids == sorted(ids)
    assert [row["customer_id"] for row in csv.DictReader(text.open())] == ids


def test_every_text_of_a_csv_is_safe_from_formulas_but_the_id(shop, folder):
    made(shop, folder, "('=1', '=2', '+3', 4), ('b', 'a=1', '-', -0)")
    written = (folder.path / "data/audiences/2026-03-31/own/cities.csv").read_text()
    assert written == '"customer_id",city,note,orders\n"=1",\'=2,\'+3,4\n"b",a=1,\'-,0\n'
    frame = pl.read_parquet(folder.path / "data/audiences/2026-03-31/own/cities.parquet")
    assert frame["city"].to_list() == ["=2", "a=1"]


EACH = "catalogue: own\neach: city\nvalues: SELECT * FROM (VALUES ('wien'), ('graz'), ('linz')) AS listed (city)"


def test_an_audience_may_be_one_per_value(shop, folder):
    rows = "('al', 'wien', NULL, 1), ('bo', 'graz', NULL, 2), ('cy', 'wien', NULL, 3)"
    outputs = {output.path: output.rows for output in made(shop, folder, rows, EACH) if output.path.endswith(".csv")}
    assert outputs == {
        f"data/audiences/2026-03-31/own/{city}.csv": n for city, n in {"wien": 2, "graz": 1, "linz": 0}.items()
    }
    wien = (folder.path / "data/audiences/2026-03-31/own/wien.csv").read_text()
    assert wien == "customer_id,city,note,orders\nal,wien,,1\ncy,wien,,3\n"


@pytest.mark.parametrize(
    ("rows", "more", "words"),
    [
        ("('al', NULL, NULL, 1), ('al', NULL, NULL, 2)", "catalogue: own", "1 customer .*more than once"),
        ("('al', 'wien', NULL, 1), ('al', 'wien', NULL, 2)", EACH, "1 customer .*more than once"),
        ("('al', NULL, NULL, 1), (NULL, NULL, NULL, 2)", "catalogue: own", "customer_id.* in 1 rows"),
        ("('al', NULL, NULL, -1)", "catalogue: own", "orders.* in 1 rows"),
        ("('al', 'secret place', NULL, 1)", EACH, "1 rows are of no value that `values` lists"),
        ("('al', NULL, NULL, 1)", EACH, "city.* in 1 rows|1 rows are of no value"),
        ("('al', 'wien', NULL, 1)", EACH.replace("('linz')", "('St. Pölten/X')"), r"name a file \(Xx. Xxxxxx/X\)"),
        ("('al', 'wien', NULL, 1)", EACH.replace("('linz')", "('..')"), r"cannot name a file \(\.\.\)"),
        ("('al', 'wien', NULL, 1)", EACH.replace("('linz')", "(NULL)"), "cannot name a file"),
        ("('al', 'wien', NULL, 1)", EACH.replace("listed (city)", "listed (town)"), "SELECT of values cannot be run"),
        ("('al', 'wien', NULL, 'many')", "catalogue: own", "the SELECT cannot be run. Conversion Error"),
        ("('al', 'wien', NULL, nothing)", "catalogue: own", "line 13: the SELECT cannot be run. Binder Error"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_handed_over_are_refused_with_the_file(shop, folder, rows, more, words):
    with pytest.raises((AudienceRefused, SelectRefused)) as caught:
        made(shop, folder, rows, more)
    assert re.search(rf"^sql/audiences/cities\.sql.*({words})", str(caught.value)), caught.value
    assert "secret" not in str(caught.value) and "many" not in str(caught.value)


def test_two_audiences_of_one_place_are_refused(shop, folder):
    made(shop, folder, "('al', 'wien', NULL, 1)", EACH)
    made(shop, folder, "('al', 'wien', NULL, 1)", name="wien")
    both = read_audiences(shop.home / "sql")
    with pytest.raises(AudienceRefused, match=r"wien.sql: sql/audiences/cities.sql writes .*/own/wien already"):
        write_audiences(shop.engine, both, DAY, folder)


# ── the same rows, the same bytes ─────────────────────────────────────────────────────────────────────────────────────


def _tell(shop: Shop, customers: list[str]) -> None:
    for customer in customers:
        number = int(customer[1:])
        shop.orders(customer, "2026-01-05", f"2026-03-{number % 28 + 1:02d}", amount=f"{number * 7 % 13}.{number:02d}")
    build_audiences(shop, "2026-02-28", "2026-03-31")


def test_equal_rows_give_equal_bytes_whatever_the_order_they_came_in(shop, tmp_path):
    customers = [f"c{number:02d}" for number in range(40)]
    written = []
    for number, order in enumerate((customers, sorted(customers, key=lambda name: name[::-1]))):
        _tell(shop.emptied(), order)
        folder = Folder(tmp_path / str(number))
        outputs = write_tables(shop.engine, TABLES, DAY, folder)
        outputs += write_audiences(shop.engine, ours().audiences, DAY, folder)[0]
        write_manifest(shop.engine, Settings(home=tmp_path), DAY, outputs, folder)
        written.append(folder.bytes())
    of_stages = [name for name in written[0] if "/stages/" in name]
    assert len(of_stages) == 10 and len(written[0]) == len(outputs) + 1, "and the manifest"
    for name, content in written[0].items():
        assert all(other[name] == content for other in written[1:]), f"{name} differs"


def test_the_bytes_of_a_day_do_not_depend_on_what_other_days_lack(shop, tmp_path):
    shop.engine.execute("CREATE TABLE facts (day DATE, customer_id VARCHAR, score DOUBLE)")
    shop.engine.execute("INSERT INTO facts VALUES ('2026-03-31', 'anna', 1.5), ('2026-03-31', 'bert', 2)")
    sql = "SELECT * FROM facts WHERE day = $day ORDER BY customer_id"
    shop.engine.export(sql, {"day": DAY}, tmp_path / "alone.parquet")
    shop.engine.execute("INSERT INTO facts VALUES ('2026-04-30', 'anna', NULL)")
    shop.engine.export(sql, {"day": DAY}, tmp_path / "beside.parquet")
    assert (tmp_path / "beside.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()


def test_a_table_is_written_for_one_day_sorted_by_its_key(shop, folder):
    shop.orders("cleo", "2026-01-09").orders("anna", "2026-01-02", "2026-03-01").orders("bert", "2026-01-05")
    build_audiences(shop, "2026-02-28", "2026-03-31")
    table = all_tables()["marts.customer_summary"]
    (output,) = write_tables(shop.engine, [table], DAY, folder)
    assert output.path == "data/marts/customer_summary/day=2026-03-31/customer_summary.parquet"
    assert output.path.startswith(table_folder(table.name, DAY))
    frame = pl.read_parquet(folder.path / output.path, hive_partitioning=False)
    assert frame["customer_id"].to_list() == ["anna", "bert", "cleo"]
    assert frame["snapshot_date"].unique().to_list() == [DAY]
    assert frame.columns == list(table.header.columns)


def test_an_output_tells_its_rows_and_its_hash(shop, folder):
    shop.orders("anna", "2026-01-02").orders("bert", "2026-01-05")
    build_audiences(shop, "2026-03-31")
    outputs = write_tables(shop.engine, [all_tables()["marts.rfm_segments"]], DAY, folder)
    outputs += write_audiences(shop.engine, ours().audiences, DAY, folder)[0]
    assert outputs[0].rows == 4  # two customers in two catalogues
    for output in outputs:
        assert output.sha256 == hashlib.sha256((folder.path / output.path).read_bytes()).hexdigest()


def _load(shop: Shop, name: str, *lines: str) -> Path:
    """Load an export whatever share of it fits."""
    settings = Settings(home=shop.home, quarantine_limit=1)
    file = settings.exports_folder / "perennial" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(("order_id,customer_id,ordered_at,amount", *lines)) + "\n")
    (outcome,) = load_exports(shop.engine, settings, find_exports(settings, {"perennial": [str(file)]}))
    assert not isinstance(outcome, Exception), outcome
    return file


# ── the manifest ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _manifest(shop: Shop, folder: Folder, outputs: list[Output], **settings: str) -> dict[str, Any]:
    target = write_manifest(shop.engine, Settings(home=shop.home, **settings), DAY, outputs, folder)
    assert target == "data/audiences/2026-03-31/manifest.json"
    return json.loads((folder.path / target).read_text(encoding="utf-8"))


def test_the_manifest_lists_files_inputs_settings_and_versions(shop, folder):
    file = _load(shop, "é.csv", "o1,anna,2026-01-02,10", "o2,anna,,10")
    manifest = _manifest(shop, folder, [Output("b.csv", 2, "22"), Output("a.csv", 1, "11")], timezone="Europe/Warsaw")
    assert manifest["snapshot_date"] == "2026-03-31"
    assert manifest["files"] == [
        {"path": "a.csv", "rows": 1, "sha256": "11"},
        {"path": "b.csv", "rows": 2, "sha256": "22"},
    ]
    (loaded,) = manifest["inputs"]
    assert (loaded["path"], loaded["source"]) == ("data/exports/perennial/é.csv", "perennial")
    assert loaded["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (loaded["rows_read"], loaded["accepted"]) == (2, 1)
    settings = Settings(home=shop.home, timezone="Europe/Warsaw")
    assert manifest["settings"] == settings.analytic()
    assert manifest["settings"]["timezone"] == "Europe/Warsaw"
    assert manifest["settings_fingerprint"] == settings.fingerprint()
    assert manifest["versions"] == versions()
    assert {"perennial", "duckdb", "polars"} <= versions().keys()


def test_the_manifest_holds_no_clock_no_machine_and_no_secret(shop, folder):
    webhook = "https://chat.example.com/hooks/T0P-SECRET"
    _manifest(shop, folder, [], failure_webhook=webhook)
    text = (folder.path / audience_folder(DAY) / "manifest.json").read_text()
    assert "T0P-SECRET" not in text and str(shop.home) not in text
    assert set(re.findall(r"\d{4}-\d\d-\d\d", text)) == {"2026-03-31"}
    assert re.findall(r"\d\d:\d\d", text) == []


def test_the_manifest_is_the_same_in_another_order_of_files(shop, tmp_path):
    outputs = [Output("b.csv", 2, "22"), Output("a.csv", 1, "11")]
    one, other = Folder(tmp_path / "one"), Folder(tmp_path / "other")
    _manifest(shop, one, outputs)
    _manifest(shop, other, outputs[::-1])
    assert one.bytes() == other.bytes()
