"""The pages of rhythm and cohorts without a browser: sentences, what is unknown, and pages of tiny shops."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from shop import Shop, all_tables, build

from pipeline.engines.duckdb import parameter_columns
from pipeline.engines.portable.lint import refusals
from pipeline.reporting import charts, sentences
from pipeline.reporting import rhythm_charts as pictures
from pipeline.reporting import rhythm_queries as queries
from pipeline.reporting.charts import Series
from pipeline.reporting.facts import Report, read_report
from pipeline.reporting.page import read_pages
from pipeline.reporting.pages import rhythm
from pipeline.reporting.rhythm_words import (
    back_sentence,
    day_range,
    drift_sentence,
    gaps_sentence,
    moment_sentence,
    place,
    rhythm_missing,
    unknown_quarters,
)
from pipeline.reporting.site import RunCard, make_environment
from pipeline.settings import PAGES_FOLDER, Settings
from pipeline.tables.catalog import tables

JANUARY, APRIL = dt.date(2026, 1, 31), dt.date(2026, 4, 30)
NEEDED = ("marts.segment_events", "marts.key_moments", "marts.kpis", "marts.benchmarks", "marts.cohorts")
MOMENT = {
    "order_number": 1, "cohort": "2025-Q1", "horizon_days": 90, "share_back": 0.4, "key_moment_days": 30,
    "back_p25_days": 10, "back_p50_days": 20, "back_p75_days": 40, "at_risk": 100, "silences": 180, "unwatched": 20,
    "returned": 60,
}  # fmt: skip


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


def quarter(name: str, day: int, low: int | None = None, high: int | None = None) -> dict[str, object]:
    return {**MOMENT, "cohort": name, "back_p50_days": day, "back_p50_low": low, "back_p50_high": high}


def unknown(silences: int, at_risk: int, returned: int, unwatched: int) -> dict[str, object]:
    """A quarter of so many customers, of whom so many are watched and waited for, back, and not watched yet."""
    told = {"silences": silences, "at_risk": at_risk, "returned": returned, "unwatched": unwatched}
    return {**MOMENT, **told, "cohort": f"{silences}-customers", "back_p50_days": None}


def gap(name: str, median: int | None) -> dict[str, object]:
    return {"group_name": name, "median_days": median}


KPI = {
    "starts_on": dt.date(2026, 1, 1), "kind": "money", "value": 1200.0, "target": 1000.0,
    "status": "met", "previous_value": 900.0, "year_earlier_value": None,
}  # fmt: skip


YOUNG = {"cohort": dt.date(2026, 5, 1), "age_months": 0, "cumulative_revenue_per_customer": 7.5}


def share(month: int, repeat: float | None, is_complete: bool = True) -> dict[str, object]:
    return {"starts_on": dt.date(2026, month, 1), "repeat": repeat, "is_complete": is_complete,
            "of_whom": "the buyers", "sectors": None}  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([place(n) for n in (1, 10, 11, 21, 112)], ["first", "tenth", "11th", "21st", "112th"]),
        ([day_range(*ends) for ends in ((3, 5), (3, None), (None, None))],
         ["3 to 5", "3 or later", "not known how far"]),
        (back_sentence(MOMENT),
         "40.0% buy a second time within 90 days of the first. Of these, a quarter are back by day 10, half by day 20 "
         "and three quarters by day 40: remind the others at the half, win them back at three quarters."),
        (back_sentence({**MOMENT, "back_p50_days": None}),
         "40.0% buy a second time within 90 days of the first; they are too few to say by when."),
        (back_sentence({**MOMENT, "back_p50_days": None, "share_back": 0.0}),
         "Nobody bought a second time within 90 days of the first."),
        (moment_sentence([MOMENT, {**MOMENT, "horizon_days": 180, "key_moment_days": 77}]),
         "After the first purchase the chance of another within the horizon has halved on day 30 of 90 and day 77 of "
         "180. The day follows the horizon, so name both, and never compare two horizons."),
        (moment_sentence([{**MOMENT, "key_moment_days": None}]),
         "On no day has the chance to buy halved as long as it was watched."),
        (drift_sentence([quarter("2025-Q1", 30, 28, 33), quarter("2025-Q2", 40, 34, 45)], 50),
         "Of those back by day 90, half were back by day 30 (2025-Q1) and day 40 (2025-Q2); their intervals do not "
         "overlap."),
        (drift_sentence([quarter("2025-Q1", 30, 28, None), quarter("2025-Q2", 40, 34, 45)], 50),
         "Of those back by day 90, half were back by day 30 (2025-Q1) and day 40 (2025-Q2); their intervals overlap, "
         "so chance may be all of it."),
        (unknown_quarters([quarter("2025-Q1", 30), unknown(49, 40, 9, 0), unknown(80, 10, 40, 30)], 50),
         " Unknown for 49-customers: fewer than 50 customers. Unknown for 80-customers: fewer than 50 were still "
         "waited for on day 90."),
        (unknown_quarters([unknown(80, 0, 10, 70), unknown(90, 49, 40, 1), unknown(70, 60, 10, 0)], 50),
         " Unknown for 80-customers and 90-customers: not watched for 90 days yet. Unknown for 70-customers: too few "
         "came back."),
        (gaps_sentence([gap("a", 9), gap("b", None), gap("c", 20)], {"a": "One", "b": "Two", "c": "Three"}),
         "Half of all are back by day 9 (one), at the latest by day 20 (three). Fewer than half were back as long as "
         "they were watched: two."),
        (gaps_sentence([gap("a", None)], {"a": "One"}),
         "In no group half of the customers were back as long as they were watched."),
        (rhythm_missing(unknown(300, 3, 7, 290), dt.date(2026, 1, 1), JANUARY),
         "This needs 200 customers who are still waited for 90 days after their first purchase; so far there are 3, "
         "and 290 are not watched that long. The first can be counted on 1 Apr 2026."),
        (rhythm_missing(unknown(300, 1, 7, 292), dt.date(2025, 1, 1), JANUARY),  # when so many are there, nobody knows
         "This needs 200 customers who are still waited for 90 days after their first purchase; so far there is 1, and "
         "292 are not watched that long."),
        (rhythm_missing(unknown(199, 3, 7, 189), dt.date(2026, 1, 1), JANUARY),
         "This needs 200 customers who are still waited for 90 days after their first purchase; 199 customers bought "
         "for the first time in the last 730 days."),
        (rhythm_missing(unknown(900, 60, 800, 40), dt.date(2025, 1, 1), JANUARY),
         "This needs 200 customers who are still waited for 90 days after their first purchase; there are 60, as 800 "
         "of 900 were back before. How long they took is told below."),
        (rhythm_missing(None, dt.date(2020, 1, 1), JANUARY),
         "Nobody bought for the first time in the last 730 days, so there is no rhythm of new customers to see."),
        (sentences.kpi_sentence(KPI, None, "EUR"), "Jan 2026: €1,200, target €1,000 met; €900.00 the month before."),
        (sentences.kpi_sentence(None, {**KPI, "status": "behind"}, "EUR"),
         "Not known for any whole month yet. Jan 2026 is not over, and with €1,200 so far behind for €1,000."),
        (sentences.targets_sentence(dt.date(2026, 5, 1), 9, 2, 1), "1 of 2 targets of May 2026 were met."),
        (sentences.targets_sentence(dt.date(2026, 5, 1), 9, 0, 0),
         "None of the targets is of May 2026, the last whole month."),
        (sentences.repeat_sentence([share(5, 0.2), share(6, 0.25), share(7, 0.9, is_complete=False)]),
         "Repeat buyers were 25.0% of the buyers in June 2026; in May 2026 it was 20.0% (+5.0 points)."),
        (sentences.repeat_sentence([share(5, 0.2)]),
         "Repeat buyers were 20.0% of the buyers in May 2026, the only whole month."),
        (sentences.repeat_sentence([share(5, None)]), "There is no whole month with buyers yet."),
        (sentences.cohort_value(YOUNG, None, "EUR"),
         "By the end of their first month, customers of May 2026 have brought €7.50 each; no older cohort is known to "
         "compare with."),
    ],
)  # fmt: skip
def test_sentences(shown: str | list[str], expected: str | list[str]) -> None:
    assert (plain(shown) if isinstance(shown, str) else shown) == expected


def test_what_is_unknown_is_grey_and_never_zero() -> None:
    known, unknown = pictures.Point("Q1", 30, 28, None, ""), pictures.Point("Q2", None, None, None, "")
    drawn = pictures.points([known, unknown], "Day")
    assert list(drawn["data"][0]["y"]) == [30]
    assert [(shape["x0"], shape["fillcolor"]) for shape in drawn["layout"]["shapes"]] == [(0.6, "var(--unknown)")]
    open_ended = pictures.spans([pictures.Span("a", 3, 9, 30, ""), pictures.Span("b", 5, None, None, "")])
    closed, grey, half = open_ended["data"]
    assert (list(closed["x"]), list(grey["base"]), list(half["x"])) == ([27, None], [None, 5], [9])


def test_a_target_is_as_wide_as_its_column_and_told_where_there_is_no_column() -> None:
    values = Series("Value", "var(--a)", [100, None], ["€100", "target €80"])
    drawn = charts.upright_bars(
        ["Jan", "Feb"], [values], [None, 80], [], mode="group", currency="EUR", shares=False, whole=False
    )
    _, targets = drawn["data"]
    assert (list(targets["x"]), list(targets["y"]), list(targets["hovertext"])) == (["Feb"], [80], ["target €80"])
    lines = [shape for shape in drawn["layout"]["shapes"] if shape["type"] == "line"]
    assert [(line["x0"], line["x1"], line["y0"], line["y1"]) for line in lines] == [(0.65, 1.35, 80, 80)]
    assert [shape["fillcolor"] for shape in drawn["layout"]["shapes"] if shape["type"] == "rect"] == ["var(--unknown)"]
    assert drawn["layout"]["bargap"] == pytest.approx(1 - (1.35 - 0.65))


@pytest.mark.parametrize("name", queries.ALL)
def test_queries_are_portable(name: str) -> None:
    schemas = {table.full_name: table.column_types() for table in tables().values()} | parameter_columns(Settings())
    assert [str(refused) for refused in refusals(queries.ALL[name], name, schemas)] == []


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def report_of(shop: Shop, day: dt.date) -> Report:
    shop.table("marts.customer_summary", day.isoformat())
    build(shop.engine, day, *(name for name in NEEDED if name in all_tables()))
    run = RunCard("run", "later", {}, {"rhythm": {"send_lead_days": 7}}, "EUR")
    return read_report(shop.engine.read, day, tables(), run)


def cohorts_of(report: Report) -> dict[str, Any]:
    (page,) = [page for page in read_pages([PAGES_FOLDER], tables()) if page.name == "cohorts"]
    return page.context(report)["charts"]


def test_a_shop_without_customers_says_so(shop: Shop) -> None:
    report = report_of(shop, JANUARY)
    shown = rhythm.context(report)
    assert shown["drift_missing"] == "A drift needs three quarters that are known; there are 0."
    assert shown["missing"] == "No customer has bought yet, so there is no rhythm to see."
    assert cohorts_of(report)["retention"].text == "No customer has bought yet, so there is no cohort."


def test_a_young_shop_says_when(shop: Shop) -> None:
    report = report_of(shop.orders("anna", "2026-01-05", "2026-01-20"), JANUARY)
    shown = rhythm.context(report)
    assert plain(shown["missing"]).endswith("; 1 customer bought for the first time in the last 730 days.")
    assert shown["drift_missing"].endswith("there are 0. Unknown for 2026-Q1: fewer than 50 customers.")
    shown = cohorts_of(report)
    assert shown["retention"].text.endswith("The first one's is over on 28 Feb 2026.")
    assert [name for name, part in shown.items() if part] == ["kpis", "repeat"]


def test_targets_and_benchmarks_are_shown(shop: Shop) -> None:
    shop.orders("anna", "2026-01-01", "2026-02-05", "2026-04-02").orders("bert", "2026-02-07", amount=40)
    shop.target("revenue", "2026-02", 50).target("orders", "2026-Q2", 9)
    shop.benchmark("toys", "repeat_share_of_buyers", "2026-02", 0.4)
    shown = cohorts_of(report_of(shop, APRIL))
    assert [(row[0], row[1], row[4]) for row in shown["targets"].grid.rows] == [
        ("2026-Q2", "Orders, guests included", "behind"), ("2026-02", "Revenue", "met"),
    ]  # fmt: skip
    assert ("toys, repeat", "var(--ink)") in shown["repeat"].legend
    buyers = shown["repeat"].views[0]
    assert [row[-1] for row in buyers.grid.rows] == [None, 0.4, None, None]
    assert plain(buyers.sentence).endswith("That was 10.0 points above toys in February 2026.")


def test_cells_that_are_not_over_are_unknown(shop: Shop) -> None:
    shop.orders("anna", "2026-01-01", "2026-02-05").orders("bert", "2026-02-07")
    chart = cohorts_of(report_of(shop, dt.date(2026, 3, 15)))["retention"]
    # Rows from the foot: February, January, both together; months 1 and 2 after. March is not over.
    assert json.loads(json.dumps(chart.views[0].figure["data"][0]["z"])) == [[None, None], [1.0, None], [1.0, None]]


def test_cohorts_show_their_size_and_the_mean_of_all_by_what_is_asked(shop: Shop) -> None:
    # January: Anna 10 in January and two orders of 10 in February, Cleo 40 in January. February: Bert 30, in March 20.
    shop.orders("anna", "2026-01-01", "2026-02-05", "2026-02-06").orders("cleo", "2026-01-09", amount=40)
    shop.orders("bert", "2026-02-07", amount=30).orders("bert", "2026-03-09", amount=20)
    chart = cohorts_of(report_of(shop, dt.date(2026, 3, 31)))["retention"]
    assert [view.label for view in chart.views] == ["Came back", "Orders", "Revenue", "Revenue so far"]
    axis = chart.views[0].figure["layout"]["yaxis"]["ticktext"]
    assert list(axis) == ["Feb 2026 · 1", "Jan 2026 · 2", "All cohorts"]
    cells = [json.loads(json.dumps(view.figure["data"][0]["z"])) for view in chart.views]
    # One month after: 1 of 2 and 1 of 1 came, 2 of 3 of all; two months after nobody of January.
    assert cells[0] == [[1.0, None], [0.5, 0.0], [0.6667, 0.0]]
    assert cells[1] == [[100.0, None], [100.0, 0.0], [100.0, 0.0]]
    assert cells[2] == [[20.0, None], [10.0, 0.0], [13.3333, 0.0]]  # 20, 20 / 2, 40 / 3
    assert cells[3] == [[50.0, None], [35.0, 35.0], [40.0, 35.0]]  # 50, 70 / 2, 120 / 3
    shown = [cell["text"] for cell in chart.views[2].figure["layout"]["annotations"] if cell["text"]]
    assert sorted(shown) == ["0", "0", "10", "13", "20"], "in euros, as the legend says"
    assert plain(chart.views[3].sentence).startswith("2 months after the first purchase a customer has brought €35.00")
    assert [row[:3] for row in chart.grid.rows][:2] == [("All cohorts", 0, 3), ("All cohorts", 1, 3)]


def test_the_pages_render(shop: Shop, tmp_path: Path) -> None:
    for number in range(400):
        back = {0: ["2026-01-11"], 1: ["2026-02-20"]}.get(number % 4, [])
        shop.orders(f"c{number}", "2026-01-01", *back)
    report = report_of(shop, APRIL)
    shown = rhythm.context(report)
    assert [view.key for view in shown["curves"].views] == ["back", "hope"]
    assert [view.key for view in shown["gaps"].views] == ["order_number", "found", "stage", "segment"]
    assert [(figure.label, figure.value) for figure in shown["figures"]] == [
        ("A quarter are back by", "day 10"), ("Half of these are back: remind on", "day 10"),
        ("Three quarters of these: win back on", "day 50"),
    ]  # fmt: skip
    assert [row[1:5] for row in shown["moments"].rows] == [(50, None, None, None)]
    assert plain(shown["drift_missing"]) == "A drift needs three quarters that are known; there is 1."
    text = make_environment("EUR").get_template("rhythm.html.j2").render(
        page="rhythm", label="Rhythm", rooms=(), facts=report.facts, snapshot_date=APRIL, is_empty=False, **shown
    )  # fmt: skip
    assert "Key moment by day 90" in text
