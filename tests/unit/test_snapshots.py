"""The days of a range of snapshots, and how the command line asks for them."""

import datetime as dt
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipeline import runs
from pipeline.cli import app
from pipeline.snapshots import Every, snapshot_days


def days(*texts: str) -> list[dt.date]:
    return [dt.date.fromisoformat(text) for text in texts]


def of(first: str, last: str, every: str) -> list[dt.date]:
    return snapshot_days(*days(first, last), Every(every))


def test_month_ends_of_a_leap_year_and_the_last_day():
    assert of("2023-12-31", "2024-03-30", "month") == days("2023-12-31", "2024-01-31", "2024-02-29", "2024-03-30")
    assert of("2023-02-01", "2023-02-28", "month") == days("2023-02-28")
    assert of("2100-02-01", "2100-03-01", "month") == days("2100-02-28", "2100-03-01")


def test_online_retail_has_twelve_month_ends_and_its_last_day():
    months = of("2010-12-01", "2011-12-09", "month")
    assert len(months) == 13
    assert (months[0], months[-2], months[-1]) == (*days("2010-12-31", "2011-11-30", "2011-12-09"),)


def test_weeks_end_on_sundays():
    # 2026-03-01 is a Sunday; the range begins on the Monday after the Sunday before, and ends on a Wednesday.
    assert of("2026-02-16", "2026-03-04", "week") == days("2026-02-22", "2026-03-01", "2026-03-04")
    assert of("2026-02-22", "2026-03-01", "week") == days("2026-02-22", "2026-03-01")


def test_every_day_is_every_day():
    assert of("2024-02-28", "2024-03-01", "day") == days("2024-02-28", "2024-02-29", "2024-03-01")


@pytest.mark.parametrize("every", Every)
def test_a_range_of_one_day_is_that_day(every):
    assert of("2026-03-04", "2026-03-04", every) == days("2026-03-04")


def test_the_calendar_ends_somewhere():
    assert of("9999-12-30", "9999-12-31", "month") == days("9999-12-31")


@given(st.dates(dt.date(1999, 1, 1), dt.date(2032, 1, 1)), st.integers(0, 800), st.sampled_from(Every), st.data())
def test_days_of_any_range(first, length, every, data):
    last = first + dt.timedelta(days=length)
    found = snapshot_days(first, last, every)
    assert found == sorted(set(found))
    assert found[-1] == last
    assert first <= found[0]
    # Independently: a day is in the range unless the day after it is in the same month or ISO week.
    unit = {
        "day": lambda day: day,
        "week": lambda day: day.isocalendar()[:2],
        "month": lambda day: (day.year, day.month),
    }
    units = [unit[every](first + dt.timedelta(days=n)) for n in range(length + 1)]
    assert [unit[every](day) for day in found] == list(dict.fromkeys(units))
    assert all(unit[every](day) != unit[every](day + dt.timedelta(days=1)) for day in found[:-1])
    # Whoever goes on from any of its days gets the rest of them.
    start = data.draw(st.sampled_from(found))
    assert snapshot_days(start, last, every) == found[found.index(start) :]


# ── the command line ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def perennial(monkeypatch, tmp_path):
    """`perennial run` with options in an empty home: what it would publish, or the message that it will not."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    asked = []

    def stop(settings, sources, *what):
        asked.append((settings.period, *(one for one in what if not callable(one) and one is not False)))
        raise runs.RunFailed("stopped by the test")

    (Path(tmp_path) / "perennial.toml").touch()

    def run(*arguments: str):
        with monkeypatch.context() as patched:
            patched.setattr(runs, "run_snapshot", stop)
            patched.setattr(runs, "run_range", stop)
            result = CliRunner().invoke(app, ["run", "--home", str(Path(tmp_path)), *arguments])
        assert result.exit_code == 1
        return asked.pop() if asked else " ".join(result.stderr.split())

    return run


def test_with_every_from_and_to_are_the_range_and_no_period(perennial):
    asked = perennial("--from", "2025-12-31", "--to", "2026-03-10", "--every", "month")
    assert asked == (None, *days("2025-12-31", "2026-03-10"), Every.MONTH)


def test_without_every_from_and_to_are_the_period_of_one_day(perennial):
    period, day = perennial("--from", "2025-12-31", "--to", "2026-03-10", "--snapshot", "2026-03-31")
    assert (str(period), day) == ("2025-12-31:2026-03-10", dt.date(2026, 3, 31))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--every month", "--every month publishes the days between two: give --from and --to, and no --snapshot"),
        ("--every day --snapshot 2026-01-31", "and no --snapshot"),
        ("--every day --from 2026-01-01 --to 2026-01-31 --snapshot latest", "and no --snapshot"),
        ("--every day --from 2026-01-01", "--from and --to belong together"),
        (
            "--every week --from 2026-03-01 --to 2026-01-01",
            "--to 2026-01-01 is before --from 2026-03-01; did you mean --from 2026-01-01 --to 2026-03-01?",
        ),
        ("--every day --from latest --to 2026-01-01", "--from 'latest' is no day; write YYYY-MM-DD"),
        ("--snapshot=", "--snapshot '' is no day"),  # a shell variable that is not set
        ("--from 2026-01-01 --to 31.1.2026", "--to '31.1.2026' is no day; write YYYY-MM-DD"),
        ("--from 2026-03-01 --to 2026-01-01", "--to 2026-01-01 is before --from 2026-03-01"),
    ],
)
def test_what_is_no_range_is_refused(perennial, arguments, told):
    assert told in perennial(*arguments.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("--from 2999-01-01 --to 2999-03-01", "2999-03-01 is not over"),
        ("--from 2026-01-31 --to 2999-03-01", "2999-03-01 is not over"),
        ("--from 2019-12-31 --to 2026-01-31", "2019-12-31 is before the first snapshot, 2020-01-01"),
        (
            "--from 2026-01-31 --to 2026-02-28 --compare 2025-01-01:2025-01-31,2026-01-01:2026-02-28",
            "compare (B) is 2026-01-01:2026-02-28, which ends after the snapshot 2026-01-31",
        ),
    ],
)
def test_a_range_with_a_day_that_cannot_be_is_refused_before_anything_runs(monkeypatch, tmp_path, arguments, told):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    (tmp_path / "perennial.toml").write_text('first_snapshot = "2020-01-01"\n')
    result = CliRunner().invoke(app, ["run", "--home", str(tmp_path), "--every", "month", *arguments.split()])
    assert result.exit_code == 1
    assert told in " ".join(result.stderr.split())
    assert not (tmp_path / "data").exists()
