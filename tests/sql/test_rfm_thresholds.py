"""marts.rfm_thresholds: which values and how many customers each score and tier holds."""

THRESHOLDS = "marts.rfm_thresholds"
PLACES = ("step", "label", "lowest", "highest", "customers", "set_by")


def test_a_score_holds_the_values_between_its_least_and_greatest(shop):
    # Occasions 1, 1, 1, 2, 3. Worse: 0, 0, 0, 3, 4 of 5 → scores 1, 1, 1, 4, 5. Scores 2 and 3 are empty.
    shop.orders("a", "2026-01-01").orders("b", "2026-01-01").orders("c", "2026-01-01")
    shop.orders("d", "2026-01-01", "2026-01-02").orders("e", "2026-01-01", "2026-01-02", "2026-01-03")
    scores = shop.table(THRESHOLDS, snapshot_date="2026-01-31").where(measure="frequency", scale="score")
    assert scores.rows(*PLACES) == [
        (1, "1", 1, 1, 3, "data"),
        (2, "2", None, None, 0, "data"),
        (3, "3", None, None, 0, "data"),
        (4, "4", 2, 2, 1, "data"),
        (5, "5", 3, 3, 1, "data"),
    ]


def test_the_best_recency_step_holds_the_fewest_days(shop):
    # Days since the last order on 10 January: a 9, b 8, c 7. Worse 0, 1, 2 of 3 → long, medium, short.
    shop.orders("a", "2026-01-01").orders("b", "2026-01-02").orders("c", "2026-01-03")
    tiers = shop.table(THRESHOLDS, snapshot_date="2026-01-10").where(measure="recency", scale="tier")
    assert tiers.rows(*PLACES) == [
        (1, "long", 9, 9, 1, "data"), (2, "medium", 8, 8, 1, "data"), (3, "short", 7, 7, 1, "data"),
    ]  # fmt: skip


def test_money_keeps_its_cents(shop):
    # Two customers: revenue 10.01 (score 1) and 19.99 (1 + 5 · 1/2 = 3).
    shop.orders("a", "2026-01-01", amount="10.01").orders("b", "2026-01-01", amount="19.99")
    scores = shop.table(THRESHOLDS, snapshot_date="2026-01-31").where(measure="monetary", scale="score")
    assert [(step, str(lowest)) for step, lowest in scores.rows("step", "lowest") if lowest] == [
        (1, "10.01"),
        (3, "19.99"),
    ]


def test_tiers_of_the_settings_say_so(shop):
    # From 3 on regular, from 5 on often: both customers are casual, the other two steps are empty.
    shop.with_settings(tiers={"occasions": (3, 5)})
    shop.orders("a", "2026-01-01").orders("b", "2026-01-01", "2026-01-02")
    thresholds = shop.table(THRESHOLDS, snapshot_date="2026-01-31")
    assert thresholds.where(measure="frequency", scale="tier").rows(*PLACES) == [
        (1, "casual", 1, 2, 2, "settings"),
        (2, "regular", None, None, 0, "settings"),
        (3, "often", None, None, 0, "settings"),
    ]
    learnt = thresholds.frame.filter(
        (thresholds.frame["measure"] != "frequency") | (thresholds.frame["scale"] != "tier")
    )
    assert set(learnt["set_by"]) == {"data"}


def test_every_set_pair_of_tiers_says_so(shop):
    shop.with_settings(tiers={"recency_days": (1, 2), "revenue": (1, 2)}).orders("a", "2026-01-01")
    tiers = shop.table(THRESHOLDS, snapshot_date="2026-01-31").where(scale="tier", step=1)
    assert tiers.by("measure", "set_by") == {"recency": "settings", "frequency": "data", "monetary": "settings"}


def cuts(shop, measure, scale, day="2026-01-31"):
    rows = shop.table(THRESHOLDS, snapshot_date=day).where(measure=measure, scale=scale)
    return rows.rows("step", "cut")


def test_a_step_ends_at_the_best_value_in_it(shop):
    # As above: occasions 1 (score 1), 2 (4), 3 (5). Whoever has 2 is better than score 1; nothing is better than 5.
    shop.orders("a", "2026-01-01").orders("b", "2026-01-01").orders("c", "2026-01-01")
    shop.orders("d", "2026-01-01", "2026-01-02").orders("e", "2026-01-01", "2026-01-02", "2026-01-03")
    assert cuts(shop, "frequency", "score") == [(1, 1), (2, 1), (3, 1), (4, 2), (5, None)]
    # Days since the last order: 30, 30, 30, 29, 28, scores 1, 1, 1, 4, 5.
    assert cuts(shop, "recency", "score") == [(1, 30), (2, 30), (3, 30), (4, 29), (5, None)]
    # Nobody has tier 3 of three: with n = 5 the thirds of 0, 3, 4 worse are 1, 2, 3.
    assert cuts(shop, "monetary", "tier") == [(1, 10), (2, 20), (3, None)]


def test_settings_are_the_cuts_also_of_steps_nobody_is_in(shop):
    shop.with_settings(tiers={"recency_days": (30, 180), "occasions": (2, 5), "revenue": (200, 1000)})
    shop.orders("a", "2026-01-01")
    assert cuts(shop, "recency", "tier") == [(1, 181), (2, 31), (3, None)]
    assert cuts(shop, "frequency", "tier") == [(1, 1), (2, 4), (3, None)]
    assert [str(cut) for _, cut in cuts(shop, "monetary", "tier")] == ["199.99", "999.99", "None"]


def test_recency_by_days_that_are_set(shop):
    # 10, 11, 40, 50 and 51 days before 31 January: 5 up to 10, 4 up to 30, 3 up to 40, 2 up to 50, then 1.
    shop.with_settings(rfm={"recency": (10, 30, 40, 50)})
    for name, day in {"a": "2026-01-21", "b": "2026-01-20", "c": "2025-12-22", "d": "2025-12-12"}.items():
        shop.orders(name, day)
    shop.orders("e", "2025-12-11", "2025-12-01")
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31")
    assert scores.by_customer("r_score") == {"a": 5, "b": 4, "c": 3, "d": 2, "e": 1}
    # The other scores are quintiles as ever: of the occasions only e's are more than those of the other four.
    assert scores.by_customer("f_score") == {"a": 1, "b": 1, "c": 1, "d": 1, "e": 5}
    found = shop.table(THRESHOLDS, snapshot_date="2026-01-31")
    assert found.where(measure="recency", scale="score").rows("step", "lowest", "cut", "set_by") == [
        (1, 51, 51, "settings"), (2, 50, 41, "settings"), (3, 40, 31, "settings"), (4, 11, 11, "settings"),
        (5, 10, None, "settings"),
    ]  # fmt: skip
    assert set(found.where(measure="frequency").frame["set_by"]) == {"data"}
    assert set(found.where(measure="recency", scale="tier").frame["set_by"]) == {"data"}


def test_a_shop_that_nobody_entered_for_a_year_has_nobody_recent(shop):
    # Too few silences to learn from: 180 and 365 days stand in. Up to 59 days 5, 119 4, 179 3, 364 2.
    shop.orders("a", "2025-01-01").orders("b", "2025-01-31").orders("c", "2025-08-04").orders("d", "2025-08-05")
    shop.orders("e", "2025-10-03").orders("f", "2025-10-04").orders("g", "2025-12-02").orders("h", "2025-12-03")
    quintiles = shop.table("marts.rfm_scores", snapshot_date="2026-01-31").by_customer("r_score")
    assert quintiles == {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3, "f": 4, "g": 4, "h": 5}
    shop.with_settings(rfm={"recency": "lifecycle"})
    scores = shop.table("marts.rfm_scores", snapshot_date="2026-01-31").by_customer("r_score")
    assert scores == {"a": 1, "b": 1, "c": 2, "d": 3, "e": 3, "f": 4, "g": 4, "h": 5}
    found = shop.table(THRESHOLDS, "2026-01-31").where(measure="recency", scale="score")
    assert found.rows("step", "cut", "set_by") == [
        (1, 365, "lifecycle"), (2, 180, "lifecycle"), (3, 120, "lifecycle"), (4, 60, "lifecycle"),
        (5, None, "lifecycle"),
    ]  # fmt: skip
    a_year_later = shop.table("marts.rfm_scores", snapshot_date="2027-01-31").by_customer("r_score")
    assert set(a_year_later.values()) == {1}


def test_a_day_without_customers_has_every_step_empty(shop):
    thresholds = shop.table(THRESHOLDS, snapshot_date="2026-01-31")
    assert len(thresholds) == 3 * (5 + 3)
    assert set(thresholds.frame["customers"]) == {0}


def test_customers_who_are_not_counted_are_refused(shop):
    shop.orders("a", "2026-01-01").snapshot("2026-01-31", THRESHOLDS)
    shop.engine.execute(f"UPDATE {THRESHOLDS} SET customers = customers + 1 WHERE measure = 'recency' AND step = 2")
    assert shop.failing_checks(THRESHOLDS, "2026-01-31") == {"every_customer_counted_once_per_scale"}
