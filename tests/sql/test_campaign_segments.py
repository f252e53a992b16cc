"""marts.campaign_segments: who responds to which programme, by where they stood before."""

import pytest
from shop import Shop, open_engine

from pipeline.settings import Settings

TABLE = "marts.campaign_segments"


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Two mailings of one programme. Of 40 who never bought half click; of 60 who bought the day before, 57.

    Nine who bought two years ago are too few for a row of their own; of the control group nothing is told, nor of whom
    the mail did not reach. Clicks after the snapshot date do not count.
    """
    home = tmp_path_factory.mktemp("responses")
    with open_engine(Settings(home=home)) as engine:
        shop = Shop(home, engine)
        for campaign, sent in (("one", "2026-11-03"), ("two", "2026-11-10")):
            shop.campaign(campaign, sent=f"{sent}T09:00", programme="news")
        groups = {"lead": (40, 20, ()), "new": (60, 57, ("2026-11-02",)), "old": (9, 0, ("2024-11-02",))}
        for group, (contacts, clicks, bought) in groups.items():
            for number in range(contacts):
                name, campaign = f"{group}{number}", "two" if number % 2 and group == "lead" else "one"
                shop.orders(name, *bought)
                shop.message(campaign, name, "delivered", at="2026-11-10T09:00")
                if number < clicks:
                    shop.message(campaign, name, "clicked", at="2026-11-10T10:00")
        shop.orders("new0", "2026-11-04").orders("new1", "2026-11-09").orders("old0", "2026-11-05")
        shop.message("one", "old1", "clicked", at="2027-01-01")
        shop.message("one", "control", "assigned", at="2026-11-03", group_name="control")
        shop.message("one", "lost", "sent", at="2026-11-03").message("one", "lost", "bounced", at="2026-11-03")
        made = shop.table(TABLE)
        assert shop.failing_checks(TABLE, "2026-12-31") == set()
        return made


def test_responses_by_hand(rows):
    """new1 ordered on day six, after the window; the nine are not told of, but are part of all."""
    assert set(rows.frame["programme"]) == {"news"}
    (recent,) = set(rows.frame["segment"]) - {"(all)", "lead"}
    assert rows.rows("segment", "metric", "contacts", "responses") == sorted(
        (segment, metric, contacts, responses)
        for segment, contacts, clicked, bought in (("(all)", 109, 77, 2), ("lead", 40, 20, 0), (recent, 60, 57, 1))
        for metric, responses in (("opened", clicked), ("clicked", clicked), ("bought", bought))
    )


def test_segments_that_differ_keep_most_of_their_own_share(rows):
    lead = rows.where(segment="lead", metric="clicked")
    assert (lead.one("share"), lead.one("share_low"), lead.one("share_high")) == pytest.approx(
        (0.5, 0.35200, 0.64800), abs=1e-5
    )
    weight = lead.one("prior_weight")
    assert 1 < weight < 10
    assert lead.one("shrunk_share") == pytest.approx((20 + weight * 77 / 109) / (40 + weight))


def test_segments_that_do_not_differ_have_the_share_of_all(rows):
    bought = rows.where(metric="bought")
    assert set(bought.frame["prior_weight"]) == {None}
    assert bought.frame["shrunk_share"].to_list() == pytest.approx([2 / 109] * 3)
