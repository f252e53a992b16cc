"""Hillstrom's e-mail test through a whole night: what is published is what others published of it."""

from pathlib import Path

import pytest
from hillstrom import DAY, PUBLISHED, SOURCES, needs_hillstrom, write_exports
from homes import Home


@pytest.mark.long
@needs_hillstrom
def test_a_night_publishes_what_hillstroms_mailings_caused(tmp_path: Path) -> None:
    home = Home.made(tmp_path, f'currency = "USD"\nfirst_snapshot = "2008-04-01"\nsources_folder = "{SOURCES}"\n')
    write_exports(tmp_path / "data" / "exports")
    assert home.run(DAY.isoformat()).success
    rows = home.table("campaign_uplift", DAY.isoformat())
    for campaign, metric, columns, published in PUBLISHED:
        (found,) = rows.filter(campaign_id=campaign, metric=metric).select(columns).rows()
        assert found == pytest.approx(published, abs=1e-6), (campaign, metric)
    assert set(rows["status"]) == {"known"}
    earned = home.table("campaign_roi", DAY.isoformat()).filter(basis="incremental", campaign_id="mens")
    assert earned["revenue"][0] == pytest.approx(21_307 * 0.7698272, rel=1e-6)
    funnel = home.table("campaign_funnel", DAY.isoformat()).filter(campaign_id="mens")
    told = dict(funnel.select("stage", "contacts").rows())
    assert (told["bought_any"], told["bought_control"]) == (267, 122)
    page = (tmp_path / "reports" / "out" / DAY.isoformat() / "campaigns.html").read_text()
    assert "0.68" in page, "points of conversion"
