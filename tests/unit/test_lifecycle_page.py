"""The page on the lifecycle without a browser: its sentences, its charts, and what it says where data are missing."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from made_predictions import predict
from shop import Shop, days_before, open_engine

from pipeline.reporting import charts
from pipeline.reporting.components import Chart, Grid, KeyFigures, Nothing
from pipeline.reporting.facts import Report, read_report
from pipeline.reporting.page import read_pages
from pipeline.reporting.sentences.lifecycle import (
    limits_sentence,
    projection_sentence,
    spend_sentence,
    stages_sentence,
    transitions_sentence,
)
from pipeline.reporting.site import RunCard, build_site
from pipeline.settings import PAGES_FOLDER, Settings
from pipeline.tables.catalog import tables

DAY = dt.date(2026, 12, 31)
(PAGE,) = (page for page in read_pages([PAGES_FOLDER], tables()) if page.name == "lifecycle")
RUN = RunCard("run-1", "2027-01-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "EUR")


def plain(text: str) -> str:
    """With ordinary spaces, to compare with what one types."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


def report_of(shop: Shop) -> Report:
    return read_report(shop.engine.read, DAY, tables(), RUN)


def parts_of(shop: Shop) -> dict[str, Any]:
    parts: dict[str, Any] = PAGE.context(report_of(shop))["charts"]
    return parts


def charts_of(shop: Shop) -> dict[str, Chart]:
    return {name: part for name, part in parts_of(shop).items() if isinstance(part, Chart)}


def page_of(shop: Shop, folder: Path) -> str:
    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    build_site(shop.engine.read, DAY, tables(), RUN, (), file, wanted=lambda page: page.name == "lifecycle")
    return plain((folder / f"reports/out/{DAY}/lifecycle.html").read_text())


def column(grid: Grid | None, name: str) -> list[Any]:
    assert grid is not None
    place = [field.name for field in grid.fields].index(name)
    return [row[place] for row in grid.rows]


@pytest.fixture(scope="module")
def valued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """40 active customers, first-time 30 days ago; 40 defecting, active then; 35 new ones. One came 400 days ago."""
    home = tmp_path_factory.mktemp("valued")
    settings = Settings(home=home, lifecycle={"defecting_days": 60, "inactive_days": 200})
    with open_engine(settings) as engine:
        shop = Shop(home, engine)
        for number in range(40):
            shop.orders(f"a{number}", days_before(50), days_before(5), amount=20)
            shop.orders(f"d{number}", days_before(120), days_before(70), amount=30)
        for number in range(35):
            shop.orders(f"n{number}", days_before(10 + number // 10), amount=10)
        shop.orders("d0", days_before(400), amount=30)
        shop.snapshot(str(DAY))
        predict(engine, DAY)
        yield shop


# ── sentences ─────────────────────────────────────────────────────────────────────────────────────────────────────────


LEARNT = {"customer_kind": "one-time", "defecting_days": 49, "defecting_status": "learnt"}
STANDS_IN = {"customer_kind": "repeat", "defecting_days": 180, "defecting_status": "not_reached"}
SUM = (
    "If nothing changes, the next 12 months of 30 days bring €6,000 (€5,000 to €7,000), new customers included; the "
    "last 12 brought €5,500."
)
CELL = {"from": "Active", "to": "Lapsing", "horizon_days": 30, "from_customers": 4, "share": 0.25, "share_low": 0.046,
        "share_high": 0.699}  # fmt: skip
MOVE = {"told": "convert first-time customers", "horizon_days": 90, "cost_basis": "at most", "most_to_spend": 4.0}
UNKNOWN = {**MOVE, "cost_basis": None, "most_to_spend": None}
LAST = {"name": "do nothing", "month": 12, "total": 6000.0, "total_low": 5000.0, "total_high": 7000.0,
        "last_12_months": 5500.0}  # fmt: skip
BACK = {**LAST, "name": "back", "points": 5.0, "move": "lapsing to active", "gain": 80.0, "gain_low": 70.0,
        "gain_high": 90.0, "contact_worth": None, "contact_worth_low": None, "contact_worth_high": None}  # fmt: skip
GUESS = "Back (+5 points of lapsing to active a month, a guess that no campaign with a control group has measured)"


def stage(name: str, customers: int) -> dict[str, Any]:
    return {"name": name, "customers": customers}


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (stages_sentence([stage("active", 3), stage("first-time", 0), stage("defecting", 1), stage("lead", 9)]),
         "Of 4 customers 3 (75.0%) are active and 1 (25.0%) is lapsing."),
        (limits_sentence([STANDS_IN], {"customers": 2, "shortest": 14, "longest": 90}),
         "Without an order, those who ordered again after 180 days (the usual limit, as none could be learnt here) "
         "count as lapsing. 2 customers with six orders or more have a limit of their own, 14 to 90 days."),
        (limits_sentence([LEARNT, STANDS_IN], {"customers": 0, "shortest": None, "longest": None}),
         "Without an order, customers who ordered once after 49 days (as learnt here) and those who ordered again "
         "after 180 days (the usual limit, as none could be learnt here) count as lapsing."),
        (transitions_sentence([CELL]),
         "In 30 days, 25.0% of the active began to lapse (4.6% to 69.9%, n = 4)."),
        (transitions_sentence([{**CELL, "share": None}]), "Nobody was active, lapsing or lapsed 30 days ago."),
        (spend_sentence([MOVE, UNKNOWN], "EUR"),
         "If every move within 90 days were due to what is spent, it would pay at most, for each: convert first-time "
         "customers €4.00."),
        (spend_sentence([{**MOVE, "cost_basis": "measured", "most_to_spend": 1.5}, UNKNOWN], "EUR"),
         "As campaigns with a control group measured it, a contact is worth: convert first-time customers €1.50."),
        (spend_sentence([UNKNOWN], "EUR"), "For no move were enough customers seen in 90 days."),
        (projection_sentence([{**LAST, "month": 11, "total": 1.0}, LAST, BACK], "EUR"),
         f"{SUM} {GUESS} would add €80.00 before its cost (€70.00 to €90.00)."),
        (projection_sentence([{**LAST, "total_low": 6000, "total_high": 6000},
                              {**BACK, "gain": 0, "gain_low": 0, "gain_high": 0}], "EUR"),
         "If nothing changes, the next 12 months of 30 days bring €6,000 (not enough data for an interval), new "
         f"customers included; the last 12 brought €5,500. {GUESS}: there is not enough data to say what it would "
         "change."),
        (projection_sentence([LAST, {**BACK, "gain": -80, "gain_low": -90, "gain_high": -70}], "EUR"),
         f"{SUM} {GUESS} would cost €80.00 before its cost (−€90.00 to −€70.00)."),
        (projection_sentence([LAST, {**BACK, "contact_worth": 0.6, "contact_worth_low": -0.2,
                                     "contact_worth_high": 1.4}], "EUR"),
         f"{SUM} Back (+5 points of lapsing to active a month, a guess; a contact was measured to be worth €0.60 "
         "(−€0.20 to €1.40)) would add €80.00 before its cost (€70.00 to €90.00)."),
    ],
)  # fmt: skip
def test_the_lifecycle_is_said_in_words(shown: str, expected: str) -> None:
    assert plain(shown) == expected


# ── page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_chart_says_what_it_means_and_what_it_rests_on(valued: Shop) -> None:
    found = charts_of(valued)
    assert set(found) == {"stages", "transitions", "moves", "projection"}
    for chart in found.values():
        assert chart.grid is not None or all(view.grid is not None for view in chart.views), chart.id
        assert all(table.rows for _, table in chart.grids), chart.id
        for view in chart.views:
            assert re.match(r"n = [\d,]+ customers · .*20\d\d – .*20\d\d", view.basis or chart.basis)
            assert view.sentence.endswith("."), view.sentence
            assert not re.search(r"\b(None|nan|inf)\b", view.sentence), view.sentence
            assert not re.search(r"NaN|Infinity", json.dumps(view.figure)), chart.id


def test_the_page_tells_of_this_shop(valued: Shop, tmp_path: Path) -> None:
    text = page_of(valued, tmp_path)
    assert "Of 115 customers 40 (34.8%) are active, 35 (30.4%) have bought once, lately and 40 (34.8%)" in text
    assert "In 30 days, 100.0% of the active began to lapse (91.2% to 100.0%, n = 40)." in text
    assert "No margin is set" in text
    assert "60 days (as it is set)" in text
    assert "Back-test" in text and "Sums of several months were never tested." in text
    assert not re.search(r"\b(defecting|inactive|silence)\b", re.sub(r"<[^>]*>", "", text), re.IGNORECASE)


def test_shares_of_the_funnel_are_those_of_all_who_bought(valued: Shop) -> None:
    # 80 of 115 bought twice, one of them three times.
    figures = parts_of(valued)["figures"]
    assert isinstance(figures, KeyFigures)
    assert [(plain(one.value), one.context) for one in figures.figures] == [
        ("69.6%", "80 customers"), ("0.9%", "1 customer"), ("0.0%", "0 customers"),
    ]  # fmt: skip


def test_a_stage_has_the_colour_of_what_it_means(valued: Shop) -> None:
    (bars,) = charts_of(valued)["stages"].views[0].figure["data"]
    meant = dict(zip(bars["y"], bars["marker"]["color"], strict=True))
    assert meant["Active"] == charts.DIRECTION_COLOURS["better"]
    assert meant["Lapsing"] == charts.DIRECTION_COLOURS["worse"]
    assert len(set(meant.values())) == len(meant)


def test_cells_of_the_matrix_are_the_table(valued: Shop) -> None:
    chart = charts_of(valued)["transitions"]
    month = chart.views[0]
    assert [view.label for view in chart.views] == ["30 days", "90 days"]
    # Rows from the top: active, first-time, new; columns active, first-time, lapsing. Nobody was lapsing then.
    heat = month.figure["data"][0]
    assert heat["z"] == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert month.figure["layout"]["yaxis"]["ticktext"] == ["New", "First-time", "Active"]
    assert month.figure["layout"]["xaxis"]["ticktext"] == ["Active", "First-<br>time", "Lapsing"]
    assert month.grid is not None
    told = {row[:2]: row[2:5] for row in month.grid.rows}
    assert told["Active", "Lapsing"] == (40, 40, 1.0) and told["New", "First-time"] == (35, 35, 1.0)


def test_a_move_that_is_not_known_is_not_nothing(valued: Shop) -> None:
    chart = charts_of(valued)["moves"]
    dots = chart.views[0].figure["data"][0]
    assert dots["y"][0] == "Acquire leads: unknown" and dots["y"][-1] == "Win back lapsed: unknown"
    assert dots["y"][1] == "Convert first-time"
    assert dots["x"][0] is None and dots["x"][1] == pytest.approx(column(chart.views[0].grid, "most_to_spend")[1])
    ends = (column(chart.views[0].grid, name)[1] for name in ("most_to_spend_low", "most_to_spend_high"))
    assert [dots["x"][1] - dots["error_x"]["arrayminus"][1], dots["x"][1] + dots["error_x"]["array"][1]] == [
        pytest.approx(end, abs=0.001) for end in ends
    ]


def test_trust_tells_what_projections_were_worth(valued: Shop) -> None:
    # 400 days are 13 months: one has twelve before it, in which next to nothing was sold.
    (page,) = (one for one in read_pages([PAGES_FOLDER], tables()) if one.name == "trust")
    chart = page.context(report_of(valued))["charts"]["projection"]
    assert plain(chart.basis) == "n = 1 month · each projected from the 12 before it · 2 Dec 2026 – 31 Dec 2026"
    assert re.match(
        r"In [01] of 1 month the 95% interval held what came; the projection was", plain(chart.views[0].sentence)
    )
    assert chart.grid is not None and chart.grid.rows[0][4] == 40 * 20 + 35 * 10


def test_lines_begin_with_what_happens_anyway(valued: Shop) -> None:
    chart = charts_of(valued)["projection"]
    assert [name for name, _ in chart.legend] == ["Do nothing", "Win back"]
    assert [view.key for view in chart.views] == ["revenue", "active", "lapsed"]
    for view in chart.views:
        band, first, second = view.figure["data"]
        assert (first["name"], second["name"]) == ("Do nothing", "Win back")
        assert list(first["x"]) == list(range(1, 13))
        high, low = band["y"][:12], band["y"][:11:-1]
        assert all(a <= value <= b for a, value, b in zip(low, first["y"], high, strict=True))


@pytest.mark.parametrize(
    ("age", "missing", "there"),
    [
        (10, ["Moves need customers of 30 days ago. Shown from 20 Jan 2027 on.",
              "A projection needs 390 days of history. Shown from 15 Jan 2028 on.", "No predictions yet"], ["stages"]),
        (40, ["A projection needs 390 days of history. Shown from 16 Dec 2027 on.", "No predictions yet"],
         ["stages", "transitions"]),
        (390, ["No predictions yet"], ["projection", "stages", "transitions"]),
    ],
)  # fmt: skip
def test_a_young_shop_is_told_what_is_missing_and_when_it_comes(
    shop: Shop, tmp_path: Path, age: int, missing: list[str], there: list[str]
) -> None:
    shop.orders("anna", days_before(age), days_before(5)).snapshot(str(DAY))
    text = page_of(shop, tmp_path)
    for sentence in missing:
        assert sentence in text
    assert sorted(charts_of(shop)) == there


def test_leads_have_a_bar_where_there_is_an_export_of_customers(shop: Shop) -> None:
    shop.orders("anna", days_before(5)).registered("bert", on=days_before(3)).snapshot(str(DAY))
    stages = charts_of(shop)["stages"]
    assert stages.grid is not None
    assert stages.grid.rows[-1][:3] == ("Leads", 1, None)
    assert stages.grid.rows[1][:3] == ("First-time", 1, 1.0)  # a lead is no customer


def test_limits_that_were_not_learnt_have_no_interval(valued: Shop) -> None:
    limits = parts_of(valued)["limits"]
    assert not isinstance(limits, Nothing)
    assert column(limits.grid, "watched") == ["First purchases", "Later purchases"]
    assert column(limits.grid, "defecting_days") == [60, 60] and column(limits.grid, "defecting_low") == [None, None]
    assert column(limits.grid, "how") == ["set", "set"]
