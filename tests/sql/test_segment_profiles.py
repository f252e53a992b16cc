"""marts.segment_profiles: who is in each segment on the day, and where they stand in the lifecycle."""

PROFILES = "marts.segment_profiles"


def test_a_segment_adds_up_its_customers(shop):
    # On 31 January. Anna: days 1, 30 and 31; Bert: day 1; Cleo: day 20. Recency: Bert is worst (R 1), then Cleo (R 2),
    # then Anna (R 4). Occasions: of Bert and Cleo nobody is worse (F 1), of Anna two of three (F 4).
    # In the grid Anna (4, 4) is loyal; Bert (1, 1) and Cleo (2, 1) are hibernating, of whom Bert has been silent for 20
    # days or more and Cleo not.
    shop.with_settings(lifecycle={"defecting_days": 20, "inactive_days": 60})
    shop.orders("anna", "2026-01-01", "2026-01-30", "2026-01-31", amount=20).orders("bert", "2026-01-01", amount=10)
    shop.orders("cleo", "2026-01-20", amount=30)
    profiles = shop.table(PROFILES, snapshot_date="2026-01-31").where(catalogue="grid")
    assert len(profiles) == 10
    worth = ("customers", "share_of_customers", "revenue_12_months", "share_of_revenue")
    days = ("recency_from", "recency_median", "recency_to", "occasions_from", "occasions_to")
    stages = ("first_time", "active", "defecting", "inactive")
    loyal, hibernating = profiles.where(segment="loyal"), profiles.where(segment="hibernating")
    assert loyal.rows("claim", "customers", "revenue_12_months", *days, *stages) == [
        ("recent", 1, 60, 0, 0.0, 0, 3, 3, 0, 1, 0, 0)
    ]
    assert hibernating.rows("claim", *worth) == [("long ago", 2, 0.6666666667, 40, 0.4)]
    assert hibernating.rows(*days, *stages) == [(11, 20.5, 30, 1, 1, 1, 0, 1, 0)]
    # Without predictions their sums are not known, which is not 0.
    assert loyal.rows("predicted_clv", "valued", "churn_probability") == [(None, 0, None)]
    assert profiles.where(segment="need_attention").rows("claim", *worth, *days) == [
        (None, 0, 0.0, 0, 0.0, None, None, None, None, None)
    ]


def test_without_customers_there_are_the_segments_and_no_shares(shop):
    profiles = shop.table(PROFILES, snapshot_date="2026-01-31")
    assert len(profiles) == 17
    assert set(profiles.rows("customers", "share_of_customers", "share_of_revenue")) == {(0, None, None)}
