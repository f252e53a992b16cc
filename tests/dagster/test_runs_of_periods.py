"""A run with periods of its own: from the option to the published table, through the warehouse that is given them."""

import datetime as dt
from collections.abc import Callable

import pytest
from homes import Home

from pipeline.runs import RunFailed, run_snapshot
from pipeline.settings import load

DAY = dt.date(2026, 2, 28)
COMPARE = "2026-01-05:2026-01-31,2026-02-02:2026-02-28"


@pytest.fixture
def asked(enter: Callable[[Home], None]) -> Callable[..., None]:
    """Runs the job for DAY in a home with periods asked for, as the command line does; undone after the test."""

    def run(home: Home, **periods: str) -> None:
        enter(home)
        run_snapshot(load(home.folder, **periods), {}, DAY)

    return run


def test_the_periods_of_a_run_are_published_and_gone_with_the_next(asked: Callable[..., None], home: Home) -> None:
    asked(home, compare=COMPARE, period="2026-01-10:2026-01-20")
    comparison = home.table("period_comparison", str(DAY)).row(0, named=True)
    assert (comparison["set_by"], comparison["status"]) == ("settings", "compared")
    assert (comparison["a_from"], comparison["b_to"]) == (dt.date(2026, 1, 5), DAY)
    scored = home.table("period_segments", str(DAY))
    assert set(scored.select("period_from", "period_to").iter_rows()) == {(dt.date(2026, 1, 10), dt.date(2026, 1, 20))}
    asked(home)
    assert set(home.table("period_comparison", str(DAY))["set_by"]) == {"history"}


def test_a_period_that_is_not_over_stops_the_run(asked: Callable[..., None], home: Home) -> None:
    with pytest.raises(RunFailed, match=r"compare \(B\) is 2026-02-02:2026-03-01, which ends after .* 2026-02-28"):
        asked(home, compare="2026-01-05:2026-01-31,2026-02-02:2026-03-01")
    assert home.published() == {}
