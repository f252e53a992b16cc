"""The pages of rhythm and cohorts without a browser: sentences, what is unknown, and pages of tiny shops."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
from shop import Shop, all_tables, build

from pipeline.reporting import charts
from pipeline.reporting.charts import Series
from pipeline.reporting.components import Chart, KeyFigures, Nothing, TableCard
from pipeline.reporting.facts import Report, read_report
from pipeline.reporting.figures import Data, Dots, Shown
from pipeline.reporting.page import read_pages
from pipeline.reporting.sentences.cohorts import cohort_value, repeat_sentence
from pipeline.reporting.sentences.key_figures import kpi_sentence, targets_sentence
from pipeline.reporting.sentences.rhythm import (
    curves_sentence,
    day_range,
    drift_sentence,
    gaps_sentence,
    rhythm_missing,
    unknown_quarters,
)
from pipeline.reporting.site import RunCard, build_site
from pipeline.settings import PAGES_FOLDER
from pipeline.tables.catalog import tables

RUN = RunCard("run", "later", {}, {}, "EUR")
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
    return {"name": name, "median_days": median}


def curve(place: str, share: float | None) -> dict[str, object]:
    return {"place": place, "at_horizon": share, "common": 90}


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
        ([day_range(*ends) for ends in ((3, 5), (3, None), (None, None))],
         ["3 to 5", "3 or later", "not known how far"]),
        (curves_sentence([curve("first", 0.3), curve("first", 0.3), curve("second", 0.4), curve("third", None)]),
         "Within 90 days of an order, 30.0% after the first and 40.0% after the second have ordered again."),
        (drift_sentence([quarter("2025-Q1", 30, 28, 33), quarter("2025-Q2", 40, 34, 45)]),
         "Of those back by day 90, half were back by day 30 (Q1 2025) and day 40 (Q2 2025); their intervals do not "
         "overlap."),
        (drift_sentence([quarter("2025-Q1", 30, 28, None), quarter("2025-Q2", 40, 34, 45)]),
         "Of those back by day 90, half were back by day 30 (Q1 2025) and day 40 (Q2 2025); their intervals overlap, "
         "so chance may be all of it."),
        (unknown_quarters([quarter("2025-Q1", 30), unknown(49, 40, 9, 0), unknown(80, 10, 40, 30)]),
         " Unknown for 49-customers: fewer than 50 customers. Unknown for 80-customers: fewer than 50 were still "
         "waited for on day 90."),
        (unknown_quarters([unknown(80, 0, 10, 70), unknown(90, 49, 40, 1), unknown(70, 60, 10, 0)]),
         " Unknown for 80-customers and 90-customers: not watched for 90 days yet. Unknown for 70-customers: too few "
         "came back."),
        (gaps_sentence([gap("While active", 9), gap("While lapsed", None), gap("While lapsing", 20)]),
         "Half of all who ordered are back by day 9 while active, at the latest by day 20 while lapsing. Fewer than "
         "half were back as long as they were watched: while lapsed."),
        (gaps_sentence([gap("While active", None)]),
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
         "of 900 were back before. How long they took stands below."),
        (rhythm_missing(None, dt.date(2020, 1, 1), JANUARY),
         "Nobody bought for the first time in the last 730 days, so there is no rhythm of new customers to see."),
        (kpi_sentence(KPI, None, "EUR"), "Jan 2026: €1,200, target €1,000 met; €900.00 the month before."),
        (kpi_sentence(None, {**KPI, "status": "behind"}, "EUR"),
         "Not known for any whole month yet. Jan 2026 is not over, and with €1,200 so far behind for €1,000."),
        (targets_sentence(dt.date(2026, 5, 1), 9, 2, 1), "1 of 2 targets of May 2026 were met."),
        (targets_sentence(dt.date(2026, 5, 1), 9, 0, 0),
         "None of the targets is of May 2026, the last whole month."),
        (repeat_sentence([share(5, 0.2), share(6, 0.25), share(7, 0.9, is_complete=False)]),
         "Repeat buyers were 25.0% of the buyers in June 2026; in May 2026 it was 20.0% (+5.0 points)."),
        (repeat_sentence([share(5, 0.2)]),
         "Repeat buyers were 20.0% of the buyers in May 2026, the only whole month."),
        (repeat_sentence([share(5, None)]), "There is no whole month with buyers yet."),
        (cohort_value(YOUNG, None, "EUR"),
         "By the end of their first month, customers of May 2026 have brought €7.50 each; no older cohort is known to "
         "compare with."),
    ],
)  # fmt: skip
def test_sentences(shown: str | list[str], expected: str | list[str]) -> None:
    assert (plain(shown) if isinstance(shown, str) else shown) == expected


def test_a_dot_without_an_end_is_open_and_what_is_unknown_has_no_dot() -> None:
    rows = [{"name": "a", "day": 9, "low": 3, "high": 30}, {"name": "b", "day": 5, "low": 2, "high": None},
            {"name": "c", "day": None, "low": None, "high": None}]  # fmt: skip
    shown = {name: Shown(name, "text" if name == "name" else "count") for name in rows[0]}
    (trace,) = Dots(dots="name", value="day", band=("low", "high")).figure(Data(rows, shown, "EUR"))["data"]
    assert list(trace["x"]) == [9, 5, None]
    assert (list(trace["error_x"]["arrayminus"]), list(trace["error_x"]["array"])) == ([6, 3, None], [21, None, None])


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


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def report_of(shop: Shop, day: dt.date) -> Report:
    shop.table("marts.customer_summary", day.isoformat())
    build(shop.engine, day, *(name for name in NEEDED if name in all_tables()))
    return read_report(shop.engine.read, day, tables(), RUN)


def parts_of(report: Report, name: str) -> dict[str, Any]:
    (page,) = [page for page in read_pages([PAGES_FOLDER], tables()) if page.name == name]
    parts: dict[str, Any] = page.context(report)["charts"]
    return parts


def cohorts_of(report: Report) -> dict[str, Any]:
    return parts_of(report, "cohorts")


def rhythm_text(shop: Shop, day: dt.date, folder: Path) -> str:
    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    build_site(shop.engine.read, day, tables(), RUN, (), file, wanted=lambda page: page.name == "rhythm")
    return plain((folder / f"reports/out/{day}/rhythm.html").read_text())


def test_a_shop_without_customers_says_so(shop: Shop, tmp_path: Path) -> None:
    report = report_of(shop, JANUARY)
    assert "No customer has bought yet, so there is no rhythm to see." in rhythm_text(shop, JANUARY, tmp_path)
    assert cohorts_of(report)["retention"].text == "No customer has bought yet, so there is no cohort."


def test_a_young_shop_says_when(shop: Shop, tmp_path: Path) -> None:
    report = report_of(shop.orders("anna", "2026-01-05", "2026-01-20"), JANUARY)
    assert "; 1 customer bought for the first time in the last 730 days." in rhythm_text(shop, JANUARY, tmp_path)
    shown = parts_of(report, "rhythm")
    assert isinstance(shown["drift"], Nothing)
    assert shown["drift"].text.startswith("Whether it changes can be seen from three quarters on; 0 of ")
    shown = cohorts_of(report)
    assert shown["retention"].text.endswith("The first one's is over on 28 Feb 2026.")
    assert [name for name, part in shown.items() if part] == ["kpis", "repeat"]


def test_targets_and_benchmarks_are_shown(shop: Shop) -> None:
    shop.orders("anna", "2026-01-01", "2026-02-05", "2026-04-02").orders("bert", "2026-02-07", amount=40)
    shop.target("revenue", "2026-02", 50).target("orders", "2026-Q2", 9)
    shop.benchmark("toys", "repeat_share_of_buyers", "2026-02", 0.4)
    shown = cohorts_of(report_of(shop, APRIL))
    assert [(row[0], row[1], row[4]) for row in shown["targets"].grid.rows] == [
        ("Q2 2026", "Orders, guests included", "behind"), ("Feb 2026", "Revenue", "met"),
    ]  # fmt: skip
    assert ("toys, repeat", "var(--ink)") in shown["repeat"].legend
    buyers = shown["repeat"].views[0]
    assert [row[-1] for row in buyers.grid.rows] == [None, 0.4, None, None]
    assert plain(buyers.sentence).endswith("That was 10.0 points above its sector, toys, in February 2026.")


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


def test_the_headline_is_the_days_by_which_they_are_back(shop: Shop, tmp_path: Path) -> None:
    for number in range(400):
        back = {0: ["2026-01-11"], 1: ["2026-02-20"]}.get(number % 4, [])
        shop.orders(f"c{number}", "2026-01-01", *back)
    shown = parts_of(report_of(shop, APRIL), "rhythm")
    assert isinstance(shown["figures"], KeyFigures)
    assert [(figure.label, figure.value) for figure in shown["figures"].figures] == [
        ("A quarter are back by", "day 10"), ("Best time to remind: half are back", "day 10"),
        ("Win back: three quarters are back", "day 50"),
    ]  # fmt: skip
    assert isinstance(shown["curves"], Chart) and isinstance(shown["back"], TableCard)
    # Half of 400 are back by day 50, and nobody else until day 90.
    share = [field.name for field in shown["back"].grid.fields].index("share_back")
    assert shown["back"].grid.rows[0][share] == pytest.approx(0.5)
    assert [view.key for view in shown["gaps"].views] == ["order_number", "found"]
    assert shown["drift"].text.startswith(
        "Whether it changes can be seen from three quarters on; 1 of 1 is known so far"
    )
    # 200 have one order, 119 days ago: later than the days 10 to 50.
    assert [row[1] for row in shown["lists"].grid.rows] == [0, 0]
    text = rhythm_text(shop, APRIL, tmp_path)
    assert "Best time to remind" in text and "Key moment" not in text
