"""marts.need_stages and its rules: where customers stand in what the shop knows of needs."""

from __future__ import annotations

import pytest
from shop import days_before

from pipeline.settings import SettingsError, load

TABLE = "marts.need_stages"
BABY = {
    "rule": "baby",
    "anchor": ["newborn*"],
    "exit": ["school*"],
    "anchor_age_days": 10,
    "stages": [
        {"stage": "infant", "from_day": 0, "to_day": 100, "items": ["milk", "wipes"]},
        {"stage": "weaning", "from_day": 100, "to_day": 200, "items": ["Food > *", "wipes"]},
        {"stage": "toddler", "from_day": 250, "to_day": 300, "items": ["cup"]},
    ],
}


def bought(shop, customer, item, ago, **others):
    return shop.orders(customer, days_before(ago), product_id=item, **others)


@pytest.fixture
def parents(shop):
    return shop.with_settings(need_stages=[BABY])


def stages(shop):
    return shop.table(TABLE).by_customer("stage")


def test_the_stage_is_that_of_the_day(parents):
    """Day = days since the anchor + 10: 89 → 99, 90 → 100, 190 → 200 (in no stage), 240 → 250, 290 → 300 (over)."""
    for ago in (89, 90, 190, 240, 290):
        bought(parents, f"c{ago}", "Newborn kit", ago)
    assert stages(parents) == {"c89": "infant", "c90": "weaning", "c240": "toddler"}
    infant = parents.show(TABLE, "2026-12-31").where(customer_id="c89")
    assert infant.rows("anchor_on", "stage_from", "stage_to", "next_stage", "next_from", "items") == [
        (days_before(89), days_before(99), days_before(-1), "weaning", days_before(-1), "milk; wipes")
    ]
    last = parents.show(TABLE, "2026-12-31").where(customer_id="c240")
    assert last.rows("next_stage", "next_from") == [(None, None)]


def test_a_purchase_of_a_later_stage_moves_there_and_of_an_earlier_one_nowhere(parents):
    for customer in ("anna", "bert", "cleo", "dora"):
        bought(parents, customer, "newborn", 50)
    bought(parents, "anna", "apple", 20, category="food > purée")  # in the list of the category, whatever its case
    bought(parents, "bert", "wipes", 20)  # of the first two stages: belongs to the first
    bought(parents, "cleo", "apple", 60, category="Food > purée")  # before the anchor
    bought(parents, "dora", "food", 20)  # neither a product nor a category of the rule
    assert stages(parents) == {"anna": "weaning", "bert": "infant", "cleo": "infant", "dora": "infant"}


def test_the_anchor_is_the_latest_after_a_long_pause(parents):
    """Anna buys on within 300 days, and stays with the first; Bert begins again after 301."""
    for ago in (350, 150, 20):
        bought(parents, "anna", "newborn", ago)
    for ago in (351, 50):
        bought(parents, "bert", "newborn", ago)
    assert stages(parents) == {"bert": "infant"}
    assert parents.show(TABLE, "2026-12-31").one("anchor_on") == days_before(50)


def test_who_bought_the_exit_or_sent_the_anchor_back_has_no_stage(parents):
    bought(bought(parents, "anna", "newborn", 50), "anna", "School bag", 20)
    bought(bought(parents, "bert", "School bag", 60), "bert", "newborn", 50)
    parents.line("cleo-1", on=days_before(50), customer="cleo", amount=10, product_id="newborn")
    parents.line("cleo-1", on=days_before(50), customer="cleo", amount=90, product_id="lamp")
    parents.line("cleo-1", on=days_before(40), customer="cleo", amount=-10, kind="refund", product_id="newborn")
    assert stages(parents) == {"bert": "infant"}


def test_what_was_observed_stands_beside_the_rule(parents):
    """The infant stage is over for 31 (90 days after the anchor); 10 bought milk in it, one on its last day but none
    of the two on day 90 after the anchor; wipes count for both stages."""
    for number in range(31):
        bought(parents, f"c{number}", "newborn", 100)
    for number in range(9):
        bought(parents, f"c{number}", "milk", 60)
    bought(parents, "c9", "wipes", 11)  # 89 days after
    bought(parents, "c10", "milk", 10)  # 90 days after: the stage is over
    bought(parents, "young", "newborn", 20)
    rows = parents.table(TABLE)
    young = rows.where(customer_id="young")
    assert (young.one("observed_customers"), young.one("observed_share")) == (31, pytest.approx(10 / 31))
    assert set(rows.where(stage="weaning").frame["observed_customers"]) == {0}
    assert set(rows.where(stage="weaning").frame["observed_share"]) == {None}


def test_without_rules_there_are_no_rows(shop):
    assert len(bought(shop, "anna", "newborn", 50).table(TABLE)) == 0


def test_rules_stand_in_a_file_of_their_own(tmp_path):
    file = tmp_path / "need_stages.toml"
    stage = '[[need_stages.stages]]\nstage = "s{}"\nfrom_day = {}\nto_day = {}\nitems = ["milk"]\n'
    rule = '[[need_stages]]\nrule = "baby"\nanchor = ["newborn*"]\n'
    before = load(tmp_path).fingerprint()
    file.write_text(rule + stage.format(1, 0, 100) + stage.format(2, 100, 200))
    (found,) = load(tmp_path).need_stages
    assert (found.reset_days, [one.stage for one in found.stages]) == (300, ["s1", "s2"])
    assert load(tmp_path).fingerprint() != before
    for text, said in (
        (
            rule + stage.format(1, 0, 100) + stage.format(2, 99, 200),
            "stage 's2' of 'baby' begins before 's1' has ended",
        ),
        (rule + stage.format(1, 5, 5), "must end after it begins"),
        ((rule + stage.format(1, 0, 9)) * 2, "two rules are called 'baby'"),
        (rule, "stages"),
        ("[[need_stages]\n", r"need_stages\.toml is not readable TOML"),
    ):
        file.write_text(text)
        with pytest.raises(SettingsError, match=said):
            load(tmp_path)
