"""Doctor's findings about what the warehouse holds."""

import datetime as dt
import json
from contextlib import closing

import pytest
from shop import open_engine

from pipeline.doctor import Finding, NoHome, _future_dates, _published, examine, require_home, require_usable
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.partitions import Partitions
from pipeline.engines.spark.lake import Lake, LakeNotWritable
from pipeline.home.locks import HomeNotWritable
from pipeline.home.migrations import migrate
from pipeline.home.people import people_file
from pipeline.home.retention import prune_home
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.settings import Settings, load
from pipeline.tables.catalog import ours


def _engine_of(home, monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(f"PERENNIAL_{name}", value)
    (home / "perennial.toml").touch()
    (finding,) = [finding for finding in examine(home) if finding.subject == "engine"]
    return finding.status, finding.message


def test_the_engine_is_told(tmp_path, monkeypatch):
    assert _engine_of(tmp_path, monkeypatch) == ("ok", "DuckDB, in this process")


def test_an_engine_out_of_reach_is_a_failure(tmp_path, monkeypatch):
    status, message = _engine_of(tmp_path, monkeypatch, ENGINE="spark", SPARK__MASTER="spark://127.0.0.1:1")
    assert status == "fail"
    assert "Spark" in message  # out of reach, or not installed at all


def test_a_home_whose_first_run_was_refused_is_no_trouble(tmp_path, monkeypatch):
    monkeypatch.setenv("PERENNIAL_ENGINE", "spark")
    settings = load(tmp_path)
    connect(settings.warehouse_file, settings).close()
    (finding,) = [finding for finding in examine(tmp_path) if finding.subject == "warehouse"]
    assert (finding.status, finding.message.partition(";")[0]) == ("ok", "no tables yet")
    assert not prune_home(settings).expired
    assert not prune_home(settings, dry_run=True).expired


def test_a_home_of_before_is_upgraded_by_the_next_run_and_no_trouble(tmp_path):
    """Doctor asks for columns that only this version writes."""
    settings = Settings(home=tmp_path)
    with closing(connect(settings.warehouse_file, settings)) as connection:
        engine = DuckDBEngine(connection)
        engine.prepare(settings, list(ours().tables.values()))
        assert not engine.is_behind(ours().tables.values())
        engine.execute("ALTER TABLE marts.campaign_performance DROP COLUMN is_told_of")
        assert engine.is_behind(ours().tables.values())
    (finding,) = [finding for finding in examine(tmp_path) if finding.subject == "warehouse"]
    assert (finding.status, finding.message) == ("ok", "written by an earlier version; the next run upgrades it")


def test_a_lake_that_is_gone_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PERENNIAL_ENGINE", "spark")
    settings = load(tmp_path)
    with closing(connect(settings.warehouse_file, settings)) as connection:
        engine = DuckDBEngine(connection)
        Lake(engine, settings, []).prepare()
        Partitions(engine.execute).enter("marts.rfm_scores", dt.date(2026, 1, 1), 1, "runs/one")
    (finding,) = [finding for finding in examine(tmp_path) if finding.subject == "warehouse"]
    assert finding.status == "fail" and "spark/runs/one" in finding.message
    with pytest.raises(LakeNotWritable):
        prune_home(settings)


def test_an_order_dated_after_today_is_told(tmp_path):
    (tmp_path / "typo.csv").write_text("order_id,customer_id,ordered_at,amount\no1,anna,2062-01-02,10\n")
    (tmp_path / "fine.csv").write_text("order_id,customer_id,ordered_at,amount\no2,bert,2026-01-02,10\n")
    settings = Settings(home=tmp_path)
    with open_engine(settings) as engine:
        assert (
            len(list(load_exports(engine, settings, find_exports(settings, {"perennial": [f"{tmp_path}/*.csv"]})))) == 2
        )
        (finding,) = _future_dates(engine, dt.date(2026, 1, 2))
        assert list(_future_dates(engine, dt.date(2062, 1, 2))) == []
    assert finding.status == "warn"
    assert finding.message.startswith("typo.csv holds an order dated 2062-01-02, after today.")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (OSError(28, "No space left on device"), "The disk is full. Make room"),
        (OSError(30, "Read-only file system"), "The home cannot be written: Read-only file system."),
    ],
)
def test_a_run_is_not_begun_where_nothing_can_be_written(tmp_path, monkeypatch, fault, says):
    require_usable(load(tmp_path))

    def refused(*_, **__):
        raise fault

    monkeypatch.setattr("pathlib.Path.write_text", refused)
    with pytest.raises(HomeNotWritable) as stopped:
        require_usable(load(tmp_path))
    assert str(stopped.value).startswith(says) and str(tmp_path) in str(stopped.value)


def test_people_who_are_lost_are_told(tmp_path):
    """Where they are whole, too; a link that leads nowhere is something else than no file."""
    settings = Settings(home=tmp_path)
    folder = tmp_path / "data" / "exports" / "perennial"
    folder.mkdir(parents=True)
    (folder / "people.csv").write_text(
        "customer_id,registered_at,updated_at,email,phone,first_name,country,birth_date\n"
        "anna,2026-01-01,,anna@x.example,,Anna,,\n"
    )
    with closing(connect(settings.warehouse_file, settings)) as connection:
        engine = DuckDBEngine(connection)
        migrate(engine, settings)
        engine.prepare(settings, list(ours().tables.values()))
        assert len(list(load_exports(engine, settings, find_exports(settings, {})))) == 1
    assert _of_people(tmp_path) == ("ok", "whole, in data/people/people.duckdb; back it up with the warehouse")
    kept = people_file(settings).rename(tmp_path / "kept")
    status, message = _of_people(tmp_path)
    assert status == "fail" and "lacks 1 row" in message and "people.csv" in message
    people_file(settings).symlink_to(kept)
    assert _of_people(tmp_path)[0] == "fail"


def _of_people(home):
    (finding,) = [finding for finding in examine(home) if finding.subject == "people"]
    return finding.status, finding.message


@pytest.mark.parametrize("name", ["what?", "a%20b", "a\\b"])
def test_a_path_that_databases_misread_is_no_home(tmp_path, name):
    with pytest.raises(NoHome, match=r"cannot be a home: .* Rename the folder"):
        require_home(Settings(home=tmp_path / name), may_be_new=True)
    require_home(Settings(home=tmp_path / "100% a'b#c é;[x]*"), may_be_new=True)


@pytest.mark.parametrize(
    ("settings", "subject", "told"),
    [
        ('rates_file = "nope.csv"', "exports", "nope.csv; setting rates_file must name a CSV of date,currency,rate"),
        ("[deliver.nosuch]\nminimum_size = 5", "own SQL", "setting deliver.nosuch: there is no such audience"),
    ],
)
def test_what_would_stop_the_next_run_is_told(tmp_path, settings, subject, told):
    (tmp_path / "perennial.toml").write_text(settings)
    (message,) = [one.message for one in examine(tmp_path) if one.subject == subject and one.status == "fail"]
    assert told in message


def test_a_warehouse_that_is_damaged_is_told(tmp_path):
    (tmp_path / "data" / "warehouse").mkdir(parents=True)
    (tmp_path / "data" / "warehouse" / "perennial.duckdb").write_bytes(b"no database" * 1000)
    (message,) = [one.message for one in examine(tmp_path) if one.subject == "warehouse"]
    assert message.startswith("The warehouse is damaged") and "Put it back from a backup" in message


def test_published_files_that_are_gone_or_damaged_are_told(tmp_path):
    home, day = tmp_path, "2026-02-28"
    table, audience = f"data/marts/kpis/day={day}/kpis.parquet", f"data/audiences/{day}/grid/loyal.parquet"
    manifest = home / "data" / "audiences" / day / "manifest.json"
    for path in (table, audience):
        (home / path).parent.mkdir(parents=True)
        (home / path).write_bytes(b"PAR1 and more")
    manifest.write_text(json.dumps({"files": [{"path": path} for path in (table, audience, "data/gone.csv")]}))
    views = home / "data" / "published.duckdb"
    views.write_bytes(b"\0" * 8 + b"DUCK")
    assert list(_published(Settings(home=home))) == [Finding("ok", "published", f"2 tables and audiences of {day}")]
    (home / table).write_bytes(b"")
    views.unlink()
    (told,) = _published(Settings(home=home))
    assert told.status == "fail"
    assert told.message == (f"2 files of {day} are gone or damaged, such as {table}: run again with --snapshot {day}.")
