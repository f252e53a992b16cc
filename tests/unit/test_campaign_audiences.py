"""Audiences by engagement and channel: who may be written to, by what, and who is left to a lot."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

from made_products import fill
from shop import Shop
from test_product_audiences import customers, files_of

DAY = "2026-12-31"
BY_CAMPAIGNS = ("activate", "contact_channel", "engagement", "explore", "reachable")


def test_customers_are_told_apart_by_engagement_consent_and_lot(shop: Shop, tmp_path: Path) -> None:
    """Anna clicked lately, bert two hundred days ago, cleo never; dora withdrew, lea only visited."""
    shop.campaign("c", sent="2026-06-01")
    for name in ("anna", "bert", "cleo"):
        for number in range(3):
            shop.message("c", name, "delivered", at="2026-06-01", message_id=f"{name} {number}")
        shop.consent(name, "granted", on="2026-01-01").consent(name, "granted", on="2026-01-01", channel="push")
    shop.orders("anna", "2026-12-01").orders("bert", "2026-05-01").orders("cleo", "2026-04-01")
    shop.message("c", "anna", "clicked", at="2026-12-01").message("c", "bert", "clicked", at="2026-06-14")
    shop.consent("dora", "granted", on="2026-01-01").consent("dora", "withdrawn", on="2026-12-31")
    shop.consent("lea", "granted", on="2026-01-01", channel="sms").event("v", "other", at="2026-12-30", customer="lea")
    drawn = next(name for name in map(str, range(99)) if hashlib.md5(f"{name}{DAY}".encode()).hexdigest()[0] == "0")
    shop.consent(drawn, "granted", on="2026-01-01", channel="sms")
    shop.table("marts.engagement", DAY)
    shop.table("marts.rfm_segments", DAY)
    chances = {"anna": 0.9, "bert": 0.75, "cleo": 0.7, "dora": 0.9}
    told = [{"customer_id": name, "churn_probability": chance} for name, chance in chances.items()]
    fill(shop.engine, dt.date.fromisoformat(DAY), "churn_predictions", *told, status="ok", churn_horizon_days=90)
    found = files_of(shop, tmp_path, DAY, BY_CAMPAIGNS)
    engagement = {name: customers(rows) for name, rows in found.items() if name.startswith("engagement/") and rows}
    (of_anna,) = (name for name, rows in engagement.items() if rows == ["anna"])
    assert of_anna.startswith("engagement/engaged_")
    assert engagement["engagement/engaged_not_yet"] == ["lea"]
    assert [rows for name, rows in engagement.items() if "dormant" in name] == [["bert"]]
    assert {name: sorted(customers(rows)) for name, rows in found.items() if name.startswith("reachable/")} == {
        "reachable/email": ["anna", "bert", "cleo"], "reachable/push": ["anna", "bert", "cleo"],
        "reachable/sms": sorted(["lea", drawn]),
    }  # fmt: skip
    assert customers(found["contact_channel/sms"]) == ["lea"] and customers(found["explore/sms"]) == [drawn]
    assert customers(found["engagement/activate"]) == ["bert"], (
        "cleo is likelier to buy, and dora may not be written to"
    )
