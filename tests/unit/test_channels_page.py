"""The page Channels without a browser: what it shows, and what it leaves out."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from shop import Shop
from test_reporting import plain, written

DAY = dt.date(2026, 12, 31)


@pytest.fixture
def shop(shop: Shop) -> Shop:
    return shop.orders("anna", "2026-03-01", "2026-05-01", amount=30, sales_channel="Web", country="AT")


def page(shop: Shop, folder: Path) -> str:
    """Its words, without marks and scripts."""
    text = written(shop.snapshot(DAY.isoformat()).engine.read, folder, DAY, only="channels")[f"{DAY}/channels.html"]
    return " ".join(plain(re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)).split())


def test_one_channel_is_said_to_be_the_only_one(shop, tmp_path):
    text = page(shop, tmp_path)
    assert "All €60.00 net came through one channel, Web." in text
    assert "AT brings most: €60.00 net in the last 365 days, 100.0% of all." in text
    assert "Who comes back to a channel" not in text, "two buyers are too few"


def test_channels_and_places_are_ranked_by_what_remains(shop, tmp_path):
    shop.orders("bert", "2026-06-01", amount=90, sales_channel="store", store_id="s1")
    shop.orders("cleo", "2026-06-02", amount=500, sales_channel="app").refund("cleo-1", on="2026-06-03", amount=490)
    text = page(shop, tmp_path)
    assert "Store brings most: €90.00 net in the last 365 days, 56.2% of €160.00." in text
    assert "s1 brings most" in text


def test_without_channels_and_places_the_page_says_which_columns_tell_them(tmp_path, shop):
    shop.emptied().orders("anna", "2026-03-01", amount=30)
    text = page(shop, tmp_path)
    assert "An export of orders that has them would." in text
    assert "brings most" not in text
