"""marts.engagement_gaps: how long until customers come to the web shop again."""

import datetime as dt

from pipeline.tables.catalog import with_features

TABLE = "marts.engagement_gaps"


def test_gaps_by_hand(shop):
    """Ten customers come on day 0 by newsletter and 2 days later by search; five of them once more, the same day."""
    for number in range(10):
        name = f"c{number}"
        # The purchase an hour later belongs to the same visit.
        shop.event(f"a{number}", "other", at="2026-12-01T10:00", customer=name, source="News", medium="EMAIL")
        shop.event(f"a{number}", "purchase", at="2026-12-01T11:00", customer=name, source="News", medium="EMAIL")
        shop.event(f"b{number}", "other", at="2026-12-03T10:00", customer=name, source="google", medium="organic")
        if number < 5:
            shop.event(f"d{number}", "other", at="2026-12-03T18:00", customer=name)
    shop.event("guest", "other", at="2026-12-02T10:00").event("old", "other", at="2024-12-31", customer="c0")
    shop.message("news", "c0", "clicked", at="2026-12-02T10:00")
    rows = shop.table(TABLE)
    columns = ("group_name", "gaps", "ended", "censored")
    # The first visit of c0 is 730 days old: it does not count.
    assert rows.where(grouping="all").rows(*columns) == [("all", 25, 15, 10)]
    assert rows.where(grouping="channel").rows(*columns) == [
        ("email", 10, 10, 0), ("organic_search", 10, 5, 5), ("unknown", 5, 0, 5),
    ]  # fmt: skip
    assert rows.where(grouping="level").rows(*columns) == [("engaged", 25, 15, 10)]
    everybody = rows.where(grouping="all")
    # 5 of 25 end on day 0, 10 of the 20 that are left on day 2: 60 % have come again by then.
    assert everybody.rows("p20_days", "p25_days", "median_days", "p60_days", "p70_days") == [(0, 2, 2, 2, None)]
    assert shop.failing_checks(TABLE, "2026-12-31") == set()


def test_without_visits_there_are_no_gaps(shop):
    shop.message("news", "anna", "clicked", at="2026-12-02T10:00")
    assert len(shop.table(TABLE)) == 0


def test_a_visit_whose_events_name_several_origins_is_not_lost(shop):
    """No event says bing and cpc, the first of each by name: nobody knows what that stands for."""
    for minute, (source, medium) in enumerate((("google", "cpc"), ("bing", "organic"))):
        shop.event("v", "other", at=f"2026-12-01T10:0{minute}", customer="anna", source=source, medium=medium)
    shop.event("w", "other", at="2026-12-03T10:00", customer="anna", source="google", medium="cpc").booked()
    asked = with_features("SELECT visit, channel FROM features.visits ORDER BY visit")
    found = shop.engine.read(asked, {"snapshot_date": dt.date(2026, 12, 31)})
    assert found.rows() == [(1, "other"), (2, "paid_search")]
