"""The ranked list of the first page and the page Actions, without a browser: what they say and where they lead."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from shop import Shop
from test_reporting import RUN, plain

from pipeline.reporting.facts import CONSENT_STATES, Coverage, HandedOver
from pipeline.reporting.site import OUT, build_site
from pipeline.settings import PAGES_FOLDER
from pipeline.tables.catalog import tables

DAY = dt.date(2026, 12, 31)
FILES = f"../../../data/audiences/{DAY}/actions"


def listed(shop: Shop, *rows: Mapping[str, Any]) -> Shop:
    """A shop with one customer, and what the list says on the day; no other table has rows."""
    anna = {"snapshot_date": DAY, "customer_id": "anna", "occasions": 1, "recency_days": 3}
    shop.engine.insert("marts.customer_summary", pl.DataFrame([anna]))
    for place, row in enumerate(rows, start=1):
        told = {"snapshot_date": DAY, "place": place, "status": "ok", "valued": 0, **row}
        shop.engine.insert("marts.action_list", pl.DataFrame([told], infer_schema_length=None))
    return shop


def action(name: str, label: str, customers: int | None, **others: Any) -> dict[str, Any]:
    return {"action": name, "label": label, "who": "Who.", "advice": "Write.", "customers": customers, **others}


def pages(shop: Shop, folder: Path, *handed_over: HandedOver, consents: Sequence[Coverage] = ()) -> dict[str, str]:
    """The first page and Actions, as they are written."""

    def file(target: str) -> Path:
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    wanted = {"index", "actions"}
    build_site(
        shop.engine.read, DAY, tables(), RUN, (), file, (PAGES_FOLDER,), lambda page: page.name in wanted, handed_over,
        consents,
    )  # fmt: skip
    return {name: plain((folder / f"{OUT}/{DAY}/{name}.html").read_text(encoding="utf-8")) for name in wanted}


def words_of(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


@pytest.fixture
def shop_with_list(shop: Shop) -> Shop:
    before = dt.date(2026, 11, 30)
    return listed(
        shop,
        action(
            "overdue", "Overdue", 52, new_customers=7, previous_snapshot_date=before, valued=50, value_at_stake=2600.0,
            most_to_spend=52.0, cost_basis="at most",
        ),
        action("at_risk", "At risk", 1, valued=0),
        action("rising", "Rising", 0, value_at_stake=0.0),
        action("second_order", "Second order", None, status="insufficient data", needs="second orders"),
    )  # fmt: skip


def test_the_first_page_lists_whom_to_act_on_with_their_files(shop_with_list, tmp_path):
    text = pages(shop_with_list, tmp_path)["index"]
    told = words_of(text)
    assert "Overdue 52 customers, 7 new · €52.00 each" in told
    assert "New: not in it on 30 November 2026." in told
    assert "At risk 1 customer · what may be spent on each is not known" in told
    assert "Nobody today: Rising. Insufficient data for “Second order”: it needs second orders." in told
    files = re.findall(r'href="([^"]+/actions/[^"]+)" download', text)
    assert files == [f"{FILES}/{name}.csv" for name in ("overdue", "at_risk")]


def test_the_page_of_actions_leads_to_files_and_to_the_pages_that_tell_more(shop_with_list, tmp_path):
    text = pages(shop_with_list, tmp_path)["actions"]
    told = words_of(text)
    assert "53 customers of 1 to act on, with €2,600 at stake. Overdue comes first: 52 customers, €2,600." in told
    assert "of 3 customers it is not known" in told
    assert "Insufficient data: Second order needs second orders." in told
    assert f'<a href="{FILES}/overdue.csv" download>overdue.csv</a>' in text
    assert '<a href="rhythm.html">Overdue</a>' in text
    assert "rising.csv" not in text


def test_a_measured_worth_is_called_one(shop, tmp_path):
    measured = {"valued": 1, "value_at_stake": 9.0, "most_to_spend": 0.4, "cost_basis": "measured"}
    dear = {"valued": 1, "value_at_stake": 5.0, "most_to_spend": -0.1, "cost_basis": "measured"}
    text = pages(listed(shop, action("rising", "R", 1, **measured), action("overdue", "O", 1, **dear)), tmp_path)
    assert "at most €0.40 each (measured)" in words_of(text["index"])
    assert "1 customer · no contact pays" in words_of(text["index"])
    assert "what campaigns measured of a contact with their stage" in words_of(text["actions"])


def test_days_of_before_have_no_list(shop, tmp_path):
    texts = pages(listed(shop), tmp_path)
    assert "Nobody is in an action on this day." in words_of(texts["index"])
    assert "Actions are known from the first run with this version on." in words_of(texts["actions"])


def test_without_terms_the_page_says_that_ids_are_handed_over_whoever_agreed(shop_with_list, tmp_path):
    assert "No audience has terms yet" in words_of(pages(shop_with_list, tmp_path)["actions"])


def test_who_was_left_out_of_audiences_with_terms(shop_with_list, tmp_path):
    folder = f"data/audiences/{DAY}/actions"
    ids = HandedOver(
        "actions/overdue", None, {"objected": 2, "doubled": 0, "delivered": 50}, (f"{folder}/overdue.csv",)
    )
    parts = (f"{folder}/overdue.klaviyo-part01.csv", f"{folder}/overdue.klaviyo-part02.csv")
    tool = HandedOver("actions/overdue", "klaviyo", {"objected": 2, "doubled": 0, "delivered": 50}, parts)
    none = HandedOver("actions/overdue", "meta", {"objected": 2, "doubled": 50, "delivered": 0})
    text = pages(shop_with_list, tmp_path / "all", ids, tool, none)["actions"]
    told = words_of(text)
    assert "1 file for tools with 50 rows in all. 1 file would have been empty, and is not there." in told
    assert "actions/overdue ids only 52 2 0 50 overdue.csv" in told
    assert "actions/overdue klaviyo 52 2 0 50 overdue.klaviyo-part01.csv and 1 more" in told
    assert "actions/overdue meta 52 2 50 0 none" in told
    assert f'href="../../../{parts[0]}" download' in text
    # A step that took nobody is no column.
    assert "Doubled" not in words_of(pages(shop_with_list, tmp_path / "two", ids, tool)["actions"])


def test_a_list_says_its_channel_worth_changes_and_when_it_was_sent(shop_with_list, tmp_path):
    """A column is there where anything is known for it; what nobody knows of a row is told as that."""
    steps = {"objected": 2, "delivered": 50}
    ids = HandedOver("actions/overdue", None, steps, channels=("email",), value=1234.5, is_money=True)
    tool = HandedOver("actions/overdue", "klaviyo", steps, (), ("email",), 1234.5, True, (3, 1), dt.date(2026, 12, 30))
    count = HandedOver("own/teas", "sms_list", steps, (), ("sms", "ads"), 7.0, False, (0, 0))
    told = words_of(pages(shop_with_list, tmp_path, ids, tool, count)["actions"])
    assert "Channel Members Objected In the file Value Came Taken off Last sent elsewhere File" in told
    assert "actions/overdue ids only e-mail 52 2 50 €1,234 – – – none" in told
    assert "actions/overdue klaviyo e-mail 52 2 50 €1,234 3 1 30 Dec 2026 none" in told
    assert "own/teas sms list SMS, ads 52 2 50 7 0 0 – none" in told
    assert "those that it is told to remove" in told


def test_who_agrees_to_what_over_the_snapshots(shop_with_list, tmp_path):
    def told(day: dt.date, purpose: str, channel: str, *counts: int) -> Coverage:
        return Coverage(day, purpose, channel, dict(zip(CONSENT_STATES, counts, strict=True)))

    first = dt.date(2026, 6, 1)
    consents = [
        told(first, "marketing", "email", 3, 0, 7, 0, 0),
        told(DAY, "marketing", "email", 8, 2, 8, 1, 1), told(DAY, "ads", "ads", 1, 0, 17, 1, 1),
        told(dt.date(2027, 1, 1), "marketing", "email", 20, 0, 0, 0, 0),
    ]  # fmt: skip
    text = pages(shop_with_list, tmp_path, consents=consents)["actions"]
    shown = words_of(text)
    assert "Marketing by e-mail: 8 of 20 customers and leads agree, 40.0%; 30.0% on 1 June 2026." in shown
    assert "2026-06-01 marketing email 10 3 0 7 0 0 30.0%" in shown
    assert "2026-12-31 ads ads 20 1 0 17 1 1 5.0%" in shown
    assert "2027-01-01" not in shown, "a later day is not known on this one"
    assert 'id="consent-coverage"' in text and text.count("Ads by ads") >= 1


def test_without_consents_nobody_is_known_to_agree(shop_with_list, tmp_path):
    said = words_of(pages(shop_with_list, tmp_path)["actions"])
    assert "No consents are known, so nobody is known to agree to anything." in said
