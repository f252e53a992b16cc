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


def test_a_day_without_customers_has_every_step_empty(shop):
    thresholds = shop.table(THRESHOLDS, snapshot_date="2026-01-31")
    assert len(thresholds) == 3 * (5 + 3)
    assert set(thresholds.frame["customers"]) == {0}


def test_customers_who_are_not_counted_are_refused(shop):
    shop.orders("a", "2026-01-01").snapshot("2026-01-31")
    shop.engine.execute(f"UPDATE {THRESHOLDS} SET customers = customers + 1 WHERE measure = 'recency' AND step = 2")
    assert shop.failing_checks(THRESHOLDS, "2026-01-31") == {"every_customer_counted_once_per_scale"}
