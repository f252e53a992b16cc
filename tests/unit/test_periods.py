"""The settings `compare` and `period`: how they are written, what is refused, and how options pass them on to a run."""

import datetime as dt
import os
from pathlib import Path

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from pipeline import runs
from pipeline.cli import app
from pipeline.sections.analysis import Comparison, Period
from pipeline.settings import Settings, SettingsError, export_home, load

COMPARE = "2025-01-01:2025-06-30,2026-01-01:2026-06-30"
A = Period(first=dt.date(2025, 1, 1), last=dt.date(2025, 6, 30))
B = Period(first=dt.date(2026, 1, 1), last=dt.date(2026, 6, 30))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """export_home changes the environment; here it changes a copy."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


@pytest.mark.parametrize(
    "toml",
    [
        f'compare = "{COMPARE}"',
        'compare = {a = "2025-01-01:2025-06-30", b = "2026-01-01:2026-06-30"}',
        "[compare]\na = {first = 2025-01-01, last = 2025-06-30}\nb = {first = 2026-01-01, last = 2026-06-30}",
    ],
)
def test_two_periods_of_the_file(tmp_path, toml):
    (tmp_path / "perennial.toml").write_text(toml)
    assert load(tmp_path).compare == Comparison(a=A, b=B)


def test_a_period_of_the_environment(tmp_path):
    os.environ["PERENNIAL_PERIOD"] = "2025-01-01 : 2025-06-30"
    assert load(tmp_path).period == A


def test_an_option_wins_over_environment_and_file(tmp_path):
    (tmp_path / "perennial.toml").write_text('period = "2024-01-01:2024-01-31"')
    os.environ["PERENNIAL_PERIOD"] = "2025-01-01:2025-06-30"
    assert load(tmp_path, period="2026-01-01:2026-06-30").period == B
    assert load(tmp_path, period=None).period == A


def test_one_day_is_a_period():
    assert Period.model_validate("2026-01-01:2026-01-01").first == dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("setting", "given", "told"),
    [
        ("period", "2026-01-01", ['"period"', "FROM:TO", "given: '2026-01-01'"]),
        ("period", "2026-02-01:2026-01-01", ["end before it begins", "did you mean 2026-01-01:2026-02-01"]),
        ("period", "2026-02-30:2026-03-01", ['"period.first"', "no day; write YYYY-MM-DD (given: '2026-02-30')"]),
        ("compare", "x:2026-02-01,2026-03-01:y", ['"compare.a.first"', "(given: 'x')", '"compare.b.last"']),
        ("compare", "2026-01-01:2026-02-01", ['"compare"', "A_FROM:A_TO,B_FROM:B_TO"]),
        ("compare", "2026-01-01:2026-02-01,2026-03-01", ['"compare.b"', "FROM:TO"]),
        ("compare", "2026-01-01:2026-02-01,2026-02-01:2026-03-01", ["must end before the second", "overlap"]),
        ("compare", "2026-02-01:2026-02-28,2026-01-01:2026-01-31", ["write the earlier one first"]),
    ],
)
def test_what_is_no_period_is_refused(tmp_path, setting, given, told):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, **{setting: given})
    for words in told:
        assert words in str(caught.value)


def test_a_window_of_no_days_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Settings(activity_window_days=0)


@pytest.mark.parametrize(
    "changed", [{"compare": COMPARE}, {"period": "2025-01-01:2025-06-30"}, {"activity_window_days": 30}]
)
def test_the_fingerprint_covers_them(tmp_path, changed):
    assert Settings(home=tmp_path, **changed).fingerprint() != Settings(home=tmp_path).fingerprint()


def test_what_one_run_is_asked_does_not_stay_in_the_process(tmp_path):
    """The run has its settings by value; whoever loads the home next is not told of them."""
    (tmp_path / "perennial.toml").write_text("currency = 'PLN'")
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    before = dict(os.environ)
    export_home(load(tmp_path, compare=COMPARE, period="2025-01-01:2025-06-30", engine="spark"))
    assert {name for name in os.environ if os.environ[name] != before.get(name)} == {"PERENNIAL_HOME", "DAGSTER_HOME"}
    assert load(tmp_path) == Settings(home=tmp_path, currency="PLN")


# ── the command line ──────────────────────────────────────────────────────────────────────────────────────────────────


def asked_for(monkeypatch, home: Path, *arguments: str):
    """The settings with which the options start a run, or the message that they do not."""
    seen = []

    def stop(settings, *_):
        seen.append(settings)
        raise runs.RunFailed("stopped by the test")

    monkeypatch.setattr(runs, "run_snapshot", stop)
    (home / "perennial.toml").touch()
    result = CliRunner().invoke(app, ["run", "--home", str(home), *arguments])
    assert result.exit_code == 1
    return seen[0] if seen else " ".join(result.stderr.split())


def test_compare_from_and_to_are_options(monkeypatch, tmp_path):
    settings = asked_for(monkeypatch, tmp_path, "--compare", COMPARE, "--from", "2025-01-01", "--to", "2025-06-30")
    assert (settings.compare, settings.period) == (Comparison(a=A, b=B), A)


def test_without_options_nothing_is_asked(monkeypatch, tmp_path):
    settings = asked_for(monkeypatch, tmp_path)
    assert (settings.compare, settings.period) == (None, None)


@pytest.mark.parametrize("arguments", [("--from", "2026-01-01"), ("--to", "2026-01-01")])
def test_from_and_to_belong_together(monkeypatch, tmp_path, arguments):
    assert "--from and --to belong together" in asked_for(monkeypatch, tmp_path, *arguments)


def test_a_wrong_option_is_named(monkeypatch, tmp_path):
    assert 'setting "compare": the first period' in asked_for(
        monkeypatch, tmp_path, "--compare", "2026-02-01:2026-02-28,2026-01-01:2026-01-31"
    )
