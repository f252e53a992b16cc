"""The page on the lifecycle without a browser: its sentences, its charts, and what it says where data are missing."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from made_predictions import predict
from shop import Shop, days_before, open_engine

from pipeline.engines.portable.lint import refusals
from pipeline.reporting import lifecycle_charts
from pipeline.reporting import lifecycle_queries as queries
from pipeline.reporting.components import Chart
from pipeline.reporting.facts import read_report
from pipeline.reporting.lifecycle_words import (
    difference_sentence,
    flow_sentence,
    guess_sentence,
    limit,
    limits_sentence,
    revenue_sentence,
    spend_sentence,
    stage_sentence,
    stages_sentence,
    transitions_sentence,
    value_sentence,
)
from pipeline.reporting.pages import lifecycle, trust
from pipeline.reporting.predictions import missing
from pipeline.reporting.site import RunCard, make_environment
from pipeline.settings import Settings
from pipeline.tables.catalog import tables

DAY = dt.date(2026, 12, 31)
THEN = dt.date(2026, 12, 1)
RUN = RunCard("run-1", "2027-01-01 03:00 UTC", {"perennial": "1.0"}, {"timezone": "UTC"}, "EUR")


def plain(text: str) -> str:
    """With ordinary spaces, to compare with what one types."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{WORD JOINER}", "")


def context_of(shop: Shop, day: dt.date = DAY) -> dict[str, Any]:
    return lifecycle.context(read_report(shop.engine.read, day, tables(), RUN))


def page_of(shop: Shop, day: dt.date = DAY) -> str:
    report = read_report(shop.engine.read, day, tables(), RUN)
    template = make_environment("EUR").get_template("lifecycle.html.j2")
    facts = report.facts
    return plain(
        template.render(
            page="lifecycle", label="Lifecycle", rooms=(), facts=facts, snapshot_date=day,
            is_empty=facts.is_empty, **lifecycle.context(report),
        )
    )  # fmt: skip


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
SUM = "and all 12 together bring €6,000 (€5,000 to €7,000) after €5,500 in the last 12."
CELL = {"customers": 1, "from_customers": 4, "share": 0.25, "share_low": 0.046, "share_high": 0.699}
MOVE = {"move": "convert", "from_stage": "first-time", "to_stage": "active", "value_difference": 20.0,
        "difference_error": 1.5, "cost_basis": "at most", "most_to_spend": 4.0}  # fmt: skip
UNKNOWN = {**MOVE, "cost_basis": None, "most_to_spend": None}
LAST = {"scenario": "do nothing", "month": 12, "revenue": 500.0, "revenue_low": 400.0, "revenue_high": 600.0,
        "total": 6000.0, "total_low": 5000.0, "total_high": 7000.0, "last_12_months": 5500.0}  # fmt: skip
BACK = {**LAST, "scenario": "back", "from_stage": "defecting", "to_stage": "active", "points": 5.0, "gain": 80.0,
        "gain_low": 70.0, "gain_high": 90.0}  # fmt: skip


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (stages_sentence({"active": 3, "first-time": 0, "defecting": 1, "lead": 9}, 2),
         "Of 4 customers 3 (75.0%) are active and 1 (25.0%) is defecting. 2 of the active were away before and came "
         "back."),
        (limit(49, "learnt", 46, 52), "49 days (learnt; 46 to 52)"),
        (limit(49, "learnt", 46, None), "49 days (learnt; from 46)"),
        (limit(180, "not_reached", 150, None), "180 days (stands in: the chance falls less)"),
        (limit(1, "set", None, None), "1 day (set)"),
        (limits_sentence([STANDS_IN], {"customers": 2, "shortest": 14, "longest": 90}),
         "Silence means defecting for those who have bought again after 180 days (the usual limit, as none could be "
         "learnt here). 2 customers with six purchases or more have a limit of their own gaps, 14 to 90 days."),
        (limits_sentence([LEARNT, STANDS_IN], {"customers": 0, "shortest": None, "longest": None}),
         "Silence means defecting for customers who have bought once after 49 days (as learnt here) and those who have "
         "bought again after 180 days (the usual limit, as none could be learnt here)."),
        (transitions_sentence({("active", "defecting"): CELL}, 30, THEN),
         "In 30 days, 25.0% of the active became defecting (4.6% to 69.9%, n = 4)."),
        (transitions_sentence({("active", "defecting"): {**CELL, "share": None}}, 30, THEN),
         "Nobody was active, defecting or inactive on 1 Dec 2026, 30 days ago."),
        (flow_sentence(3, 0, 5, 1, THEN), "Since 1 Dec 2026, 3 moved up, 5 stayed where they were and 1 is new."),
        (value_sentence([("active", 40.0), ("inactive", 2.5)], "EUR"),
         "Mean predicted value of a customer: active €40.00 and inactive €2.50."),
        (value_sentence([], "EUR"), "No stage has 30 customers with a predicted value."),
        (spend_sentence([MOVE, UNKNOWN], 90, "EUR"),
         "If every move within 90 days were due to what is spent, and every loss could be prevented, it would pay to "
         "convert first-time customers at most €4.00 each."),
        (spend_sentence([{**MOVE, "cost_basis": "measured", "most_to_spend": 1.5}, UNKNOWN], 90, "EUR"),
         "As campaigns with a control group measured it, a contact is worth €1.50 with first-time customers."),
        (spend_sentence([UNKNOWN], 30, "EUR"),
         "For no move were enough customers seen in 30 days."),
        (difference_sentence([MOVE], "EUR"),
         "Active and first-time customers differ most: €20.00 of predicted value, standard error €1.50."),
        (difference_sentence([], "EUR"), "No move can be valued: too few customers in its stages."),
        (revenue_sentence([LAST, BACK], "EUR"),
         f"If nothing changes, month 12 brings €500.00 (€400.00 to €600.00), {SUM} Scenario “back” (+5 points of "
         "defecting to active a month) would add €80.00 of revenue in 12 months (€70.00 to €90.00), before its "
         "cost."),
        (revenue_sentence([{**LAST, "revenue_low": 500, "revenue_high": 500},
                                {**BACK, "gain": 0, "gain_low": 0, "gain_high": 0}], "EUR"),
         f"If nothing changes, month 12 brings €500.00 (not enough data for an interval), {SUM} Scenario “back” "
         "(+5 points of defecting to active a month): there is not enough data to say what it would change."),
        (revenue_sentence([LAST, {**BACK, "gain": -80, "gain_low": -90, "gain_high": -70}], "EUR"),
         f"If nothing changes, month 12 brings €500.00 (€400.00 to €600.00), {SUM} Scenario “back” (+5 points of "
         "defecting to active a month) would cost €80.00 of revenue in 12 months (a change of −€90.00 to "
         "−€70.00), before its cost."),
        (guess_sentence(BACK, None, "EUR"),
         "“back” is a guess: no campaign with a control group has measured what moves its stage."),
        (guess_sentence(BACK, {"contact_worth": 0.6, "contact_worth_low": -0.2, "contact_worth_high": 1.4}, "EUR"),
         "“back” is a guess: what campaigns with a control group measured is €0.60 (−€0.20 to €1.40) for a contact "
         "with a customer of its stage."),
        (stage_sentence("active", [("do nothing", {"customers": 30.4, "customers_low": 25, "customers_high": 36,
                                                        "month": 12})], 40),
         "40 customers are active now; in 12 months 30 (25 to 36) if nothing changes."),
    ],
)  # fmt: skip
def test_the_lifecycle_is_said_in_words(shown: str, expected: str) -> None:
    assert plain(shown) == expected


# ── page ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", queries.ALL)
def test_what_is_asked_of_the_warehouse_runs_on_every_engine(name: str) -> None:
    schemas = {table.full_name: table.column_types() for table in tables().values()}
    assert [str(refused) for refused in refusals(queries.ALL[name], name, schemas)] == []


def charts_of(context: Mapping[str, Any]) -> dict[str, Chart]:
    return {item.id: item for item in context.values() if isinstance(item, Chart)}


def test_every_chart_says_what_it_means_and_what_it_rests_on(valued: Shop) -> None:
    found = charts_of(context_of(valued))
    assert list(found) == ["stages", "transitions", "flows", "stage-value", "moves", "projection"]
    for chart in found.values():
        assert chart.grid is not None or all(view.grid is not None for view in chart.views), chart.id
        assert all(table.rows for _, table in chart.grids), chart.id
        assert all(len(row) == len(table.fields) for _, table in chart.grids for row in table.rows), chart.id
        for view in chart.views:
            assert re.match(r"n = [\d,]+ customers · .*20\d\d – .*20\d\d", view.basis or chart.basis)
            assert view.sentence.endswith("."), view.sentence
            assert not re.search(r"\b(None|nan|inf)\b", view.sentence), view.sentence
            assert not re.search(r"NaN|Infinity", json.dumps(view.figure)), chart.id


def test_the_page_tells_of_this_shop(valued: Shop) -> None:
    text = page_of(valued)
    assert "Of 115 customers 40 (34.8%) are active, 35 (30.4%) have bought once and lately and 40 (34.8%)" in text
    assert "In 30 days, 100.0% of the active became defecting (91.2% to 100.0%, n = 40)." in text
    assert "Since 1 Dec 2026, 40 moved up, 40 moved down and 35 are new." in text
    assert "No margin is set" in text and "Its value is taken" not in text
    assert "60 days (as it is set)" in text


def test_cells_of_the_matrix_are_the_table(valued: Shop) -> None:
    chart = charts_of(context_of(valued))["transitions"]
    month = chart.views[0]
    assert [view.label for view in chart.views] == ["30 days", "90 days"]
    # Rows from the top: active, first-time, new; columns active, first-time, defecting. Nobody was defecting then.
    heat = month.figure["data"][0]
    assert heat["z"] == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert month.figure["layout"]["yaxis"]["ticktext"] == ["New", "First-time", "Active"]
    assert month.figure["layout"]["xaxis"]["ticktext"] == ["Active", "First-time", "Defecting"]
    assert month.grid is not None
    told = {row[:2]: row[2:5] for row in month.grid.rows}
    assert told["Active", "Defecting"] == (40, 40, 1.0) and told["New", "First-time"] == (35, 35, 1.0)


def test_a_move_that_is_not_known_is_not_nothing(valued: Shop) -> None:
    chart = charts_of(context_of(valued))["moves"]
    labels = [plain(label) for label in chart.views[1].figure["data"][0]["y"]]
    assert labels[0] == "Acquire: leads, unknown" and labels[-1] == "Win back: inactive, unknown"
    assert labels[1].startswith("Convert: first-time, €")
    assert chart.views[1].figure["data"][0]["x"][0] is None


def test_trust_tells_what_projections_were_worth(valued: Shop) -> None:
    # 400 days are 13 months: one has twelve before it, in which next to nothing was sold.
    charts = trust.context(read_report(valued.engine.read, DAY, tables(), RUN))["charts"]
    (chart,) = (chart for chart in charts if chart.id == "projection-backtest")
    assert plain(chart.basis) == "n = 1 month · each projected from the 12 before it · 1 Dec 2026 – 31 Dec 2026"
    assert re.match(
        r"In [01] of 1 month the 95% interval held what came; the projection was", plain(chart.views[0].sentence)
    )
    assert chart.grid is not None and chart.grid.rows[0][4] == 40 * 20 + 35 * 10


def test_trust_tells_it_where_the_models_have_too_little_data(valued: Shop) -> None:
    report = read_report(valued.engine.read, DAY, tables(), RUN)
    without = replace(report.facts.predictions, missing=missing(report.ask, DAY))
    told = trust.context(replace(report, facts=replace(report.facts, predictions=without)))
    assert told["missing"] and [chart.id for chart in told["charts"]] == ["projection-backtest"]


def test_lines_begin_with_what_happens_anyway(valued: Shop) -> None:
    chart = charts_of(context_of(valued))["projection"]
    assert [name for name, _ in chart.legend] == ["Do nothing", "Win back"]
    for view in chart.views:
        band_low, band_high, first, second = view.figure["data"]
        assert (first["name"], first["line"]["dash"], second["line"]["dash"]) == ("Do nothing", "dash", "solid")
        within = zip(band_low["y"], first["y"], band_high["y"], strict=True)
        assert all(low <= value <= high for low, value, high in within)
    assert [view.figure["data"][2]["x"][0] for view in chart.views] == [1, 0, 0]


def test_no_lines_are_no_error() -> None:
    assert lifecycle_charts.months_ahead([], [], "EUR")["data"] == []


@pytest.mark.parametrize(
    ("age", "missing", "there"),
    [
        (10, ["Moves need customers of 30 days ago. Shown from 20 Jan 2027 on.",
              "A projection needs 390 days of history. Shown from 15 Jan 2028 on.", "No predictions yet"], ["stages"]),
        (40, ["A projection needs 390 days of history. Shown from 16 Dec 2027 on.", "No predictions yet"],
         ["stages", "transitions", "flows"]),
        (390, ["No predictions yet"], ["stages", "transitions", "flows", "projection"]),
    ],
)  # fmt: skip
def test_a_young_shop_is_told_what_is_missing_and_when_it_comes(
    shop: Shop, age: int, missing: list[str], there: list[str]
) -> None:
    shop.orders("anna", days_before(age), days_before(5)).snapshot(str(DAY))
    text = page_of(shop)
    for sentence in missing:
        assert sentence in text
    assert list(charts_of(context_of(shop))) == there


def test_leads_have_a_bar_where_there_is_an_export_of_customers(shop: Shop) -> None:
    shop.orders("anna", days_before(5)).registered("bert", on=days_before(3)).snapshot(str(DAY))
    stages = charts_of(context_of(shop))["stages"]
    assert stages.views[0].grid is not None
    assert stages.views[0].grid.rows[-1][:3] == ("Leads", 1, None)
    assert "1 contact has registered and not bought yet." in plain(stages.views[1].sentence)
