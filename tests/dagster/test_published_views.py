"""data/published.duckdb: every published table as a view, from anywhere, while nights run, and nobody's address."""

import datetime as dt
import os
import shutil
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import yaml
from homes import DAYS, Home

from pipeline.dbt_sources import NoSources
from pipeline.dbt_sources import sources as dbt_sources
from pipeline.home import published_views
from pipeline.home.published_views import stage_views
from pipeline.home.publishing import Publication
from pipeline.home.retention import prune_home
from pipeline.places import published_days, table_file
from pipeline.tables.catalog import ours
from pipeline.tables.header import Table

LATEST, FILE = DAYS[-1], "data/published.duckdb"
TABLES = [table.name for table in ours().published]


def ask(file: Path | str, sql: str) -> list[tuple[object, ...]]:
    with closing(duckdb.connect(str(file), read_only=True)) as connection:
        return connection.execute(sql).fetchall()


def counts(schema: str) -> str:
    return " UNION ALL ".join(
        f"SELECT '{name}', snapshot_date::VARCHAR, count(*) FROM {schema}.{name} GROUP BY ALL" for name in TABLES
    )


def rows_of_files(home: Home, days: tuple[str, ...]) -> set[tuple[str, str, int]]:
    told = {(name, day, home.table(name, day).height) for name in TABLES for day in days}
    return {one for one in told if one[2]}


def test_views_show_the_latest_day_and_all_days(three_nights: Home) -> None:
    file = three_nights.folder / FILE
    assert set(ask(file, counts("latest"))) == rows_of_files(three_nights, (LATEST,))
    assert set(ask(file, counts("marts"))) == rows_of_files(three_nights, DAYS)
    assert len(ask(file, "FROM latest.rfm_scores")) == three_nights.table("rfm_scores", LATEST).height > 0


def test_views_hold_the_columns_types_and_words_of_the_headers_and_no_other_schema(three_nights: Home) -> None:
    file = three_nights.folder / FILE
    columns = ask(
        file,
        "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE NOT internal AND schema_name <> 'main' ORDER BY schema_name, table_name, column_index",
    )
    told = {
        schema: {
            table.name: [(name, kind.replace(", ", ",")) for name, kind in table.column_types().items()]
            for table in ours().published
        }
        for schema in ("latest", "marts")
    }
    seen: dict[object, dict[object, list[tuple[object, object]]]] = {}
    for schema, table, name, kind in columns:
        seen.setdefault(schema, {}).setdefault(table, []).append((name, kind))
    assert seen == told
    comments = dict(ask(file, "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'latest'"))
    assert comments == {table.name: table.header.description for table in ours().published}
    (meaning,) = ask(file, "SELECT meaning FROM columns WHERE table_name = 'rfm_scores' AND column_name = 'occasions'")
    assert meaning == ("Days with an order: RFM's F",)
    # Rows are nowhere but in the Parquet files: two tables of words, no schema of people.
    tables = ask(file, "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY 1")
    assert tables == [("columns",), ("made_of",)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def _duckdb(file: str, sql: str) -> int:
    with closing(duckdb.connect(file, read_only=True)) as connection:
        return len(connection.sql(sql).fetchall())


def _polars(file: str, sql: str) -> int:
    with closing(duckdb.connect(file, read_only=True)) as connection:
        frame = pl.read_database(sql, connection)
        assert frame.schema["snapshot_date"] == pl.Date
        return frame.height


def _pandas(file: str, sql: str) -> int:
    with closing(duckdb.connect(file, read_only=True)) as connection:
        frame: pd.DataFrame = connection.sql(sql).df()
        return len(frame)


def _pyarrow(file: str, sql: str) -> int:
    with closing(duckdb.connect(file, read_only=True)) as connection:
        table: pa.Table = connection.sql(sql).to_arrow_table()
        assert table.schema.field("snapshot_date").type == pa.date32()
        return int(table.num_rows)


@pytest.mark.parametrize("read", [_duckdb, _polars, _pandas, _pyarrow])
def test_the_tools_that_people_use_read_the_views(three_nights: Home, read: Callable[[str, str], int]) -> None:
    file = str(three_nights.folder / FILE)
    for name in ("rfm_segments", "kpis", "clv_predictions"):
        days = {day: three_nights.table(name, day).height for day in DAYS}
        assert read(file, f"SELECT * FROM latest.{name}") == days[LATEST] > 0
        assert read(file, f"SELECT * FROM marts.{name}") == sum(days.values())


def test_from_any_folder_and_after_the_home_was_moved(
    three_nights: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy reads what lies beside it, and not the home it was copied from."""
    home = tmp_path / "my [shop]'s"
    home.mkdir()
    shutil.copytree(three_nights.folder / "data" / "marts", home / "data" / "marts")
    shutil.copyfile(three_nights.folder / FILE, home / FILE)
    shutil.rmtree(home / "data" / "marts" / "rfm_scores" / f"day={DAYS[0]}")
    sql = "SELECT DISTINCT snapshot_date::VARCHAR FROM marts.rfm_scores ORDER BY 1"
    expected = [(day,) for day in DAYS[1:]]
    for folder, name in (
        (Path("/"), home / FILE), (home, FILE), (home / "data", "published.duckdb"), (home, f"./{FILE}"),
    ):  # fmt: skip
        monkeypatch.chdir(folder)
        assert ask(name, sql) == expected, (folder, name)


def test_a_file_that_is_attached_reads_where_it_was_written_for_or_where_it_is_told(
    three_nights: Home, tmp_path: Path
) -> None:
    sql = "SELECT DISTINCT snapshot_date::VARCHAR FROM shop.marts.rfm_scores ORDER BY 1"
    with closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH '{three_nights.folder / FILE}' AS shop (READ_ONLY)")
        assert connection.execute(sql).fetchall() == [(day,) for day in DAYS]
        shutil.copytree(three_nights.folder / "data" / "marts" / "rfm_scores", tmp_path / "marts" / "rfm_scores")
        shutil.rmtree(tmp_path / "marts" / "rfm_scores" / f"day={DAYS[0]}")
        connection.execute(f"SET VARIABLE perennial_data = '{tmp_path}'")
        assert connection.execute(sql).fetchall() == [(day,) for day in DAYS[1:]]


def test_two_homes_in_one_session_are_never_taken_for_one_another(three_nights: Home, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shutil.copyfile(three_nights.folder / FILE, tmp_path / FILE)
    with closing(duckdb.connect(str(tmp_path / FILE), read_only=True)) as connection:
        shutil.copytree(three_nights.folder / "data" / "marts" / "kpis", tmp_path / "data" / "marts" / "kpis")
        connection.execute(f"ATTACH '{three_nights.folder / FILE}' AS other (READ_ONLY)")
        for view in ("other.latest.kpis", "latest.kpis"):
            with pytest.raises(duckdb.Error, match="Two homes in one session"):
                connection.execute(f"SELECT * FROM {view}").fetchall()


def restage(home: Home, tables: list[Table] | None = None) -> None:
    publication = Publication(home.folder, "again")
    stage_views(publication, home.folder, ours().published if tables is None else tables, published_days(home.folder))
    publication.commit()


def made_of(home: Home) -> object:
    return ask(home.folder / FILE, "FROM made_of")


def test_a_reader_who_has_it_open_disturbs_no_night_and_no_night_disturbs_him(
    three_nights: Home, tmp_path: Path
) -> None:
    home = three_nights.copied(tmp_path / "home")
    with closing(duckdb.connect(str(home.folder / FILE))) as connection:  # even one who might write
        before = connection.execute("SELECT * FROM latest.kpis").fetchall()
        connection.execute("CREATE TABLE notes AS SELECT 1 AS of_my_own")
        restage(home)
        assert connection.execute("SELECT * FROM latest.kpis").fetchall() == before
        assert connection.execute("FROM notes").fetchall() == [(1,)]
    with closing(duckdb.connect(str(home.folder / FILE), read_only=True)) as connection:
        assert connection.execute("SELECT * FROM latest.kpis").fetchall() == before
    assert not (home.folder / f"{FILE}.wal").exists()


def test_views_are_made_anew_for_other_tables_and_kept_for_another_day(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    same = made_of(home)
    manifest = home.folder / "data" / "audiences" / LATEST / "manifest.json"
    manifest.rename(tmp_path / "manifest.json")  # as if the newest day had never been finished
    restage(home)
    assert made_of(home) == same
    assert ask(home.folder / FILE, "SELECT DISTINCT snapshot_date::VARCHAR FROM latest.kpis") == [(DAYS[1],)]
    restage(home, [table for table in ours().published if table.name != "kpis"])
    assert made_of(home) != same
    names = ask(home.folder / FILE, "SELECT schema_name, view_name FROM duckdb_views() WHERE view_name = 'kpis'")
    assert names == []


@pytest.mark.parametrize(
    "written",
    [
        "CREATE TABLE main.people AS SELECT 'a@x.com' AS email",
        "CREATE OR REPLACE VIEW latest.kpis AS SELECT 1 AS snapshot_date",
        "CREATE OR REPLACE MACRO main.published_rows(file) AS TABLE SELECT 1 AS revenue",
        "CREATE SCHEMA others",
        "DROP VIEW marts.kpis",
        "UPDATE main.columns SET meaning = 'a@x.com'",
        "COMMENT ON VIEW latest.kpis IS 'a@x.com'",
    ],
)
def test_what_somebody_wrote_into_the_file_does_not_stay(tmp_path: Path, written: str) -> None:
    tables = [table for table in ours().published if table.name in ("kpis", "rfm_scores")]
    for table in tables:
        file = tmp_path / table_file(table.name, dt.date(2026, 1, 1))
        file.parent.mkdir(parents=True)
        file.touch()

    def staged() -> tuple[object, object]:
        publication = Publication(tmp_path, "again")
        stage_views(publication, tmp_path, tables, [dt.date(2026, 1, 1)])
        publication.commit()
        return tuple(ask(tmp_path / FILE, sql) for sql in (  # type: ignore[return-value]
            "SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
            "SELECT table_name, sql FROM duckdb_tables() UNION ALL SELECT '', meaning FROM columns ORDER BY ALL",
        ))  # fmt: skip

    told = staged()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(published_views, "_made", None)  # as it is, it is not made anew
        assert staged() == told
    with closing(duckdb.connect(str(tmp_path / FILE))) as connection:
        connection.execute(written)
    assert staged() == told


def test_no_view_promises_a_table_that_the_day_does_not_have(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    (home.folder / "data" / "marts" / "kpis" / f"day={LATEST}" / "kpis.parquet").unlink()
    restage(home)
    (found,) = ask(home.folder / FILE, "SELECT list(schema_name) FROM duckdb_views() WHERE view_name = 'kpis'")
    assert found == (["marts"],)
    assert ask(home.folder / FILE, "SELECT DISTINCT snapshot_date::VARCHAR FROM marts.kpis ORDER BY 1") == [
        (day,) for day in DAYS[:-1]
    ]


def test_a_damaged_file_is_replaced(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    (home.folder / FILE).write_bytes(b"no database")
    restage(home)
    assert len(ask(home.folder / FILE, "FROM latest.kpis")) == home.table("kpis", LATEST).height


def test_what_retention_takes_away_is_gone_from_the_views(three_nights: Home, tmp_path: Path) -> None:
    home = three_nights.copied(tmp_path / "home")
    os.environ["DAGSTER_HOME"] = str(home.folder / ".dagster")
    prune_home(home.settings.model_copy(update={"keep_daily": 1}))
    assert ask(home.folder / FILE, "SELECT DISTINCT snapshot_date::VARCHAR FROM marts.kpis") == [(LATEST,)]
    assert ask(home.folder / FILE, "SELECT DISTINCT snapshot_date::VARCHAR FROM latest.kpis") == [(LATEST,)]


def test_dbt_is_told_every_column_of_every_table_and_tests_that_hold(three_nights: Home) -> None:
    """What dbt-duckdb would read and ask, asked of DuckDB: the places resolve, the tests are SQL and pass."""
    told = yaml.safe_load(dbt_sources(ours().published, str(three_nights.folder)))
    latest, all_days = ({table["name"]: table for table in source["tables"]} for source in told["sources"])
    counted = {"not_null": 0, "accepted_values": 0, "unique": 0}
    for table in ours().published:
        columns = [(name, column.type) for name, column in table.header.columns.items()]
        for one, days in ((latest[table.name], (LATEST,)), (all_days[table.name], DAYS)):
            place = one["config"]["meta"]["external_location"]
            assert [(column["name"], column["data_type"]) for column in one["columns"]] == columns
            described = duckdb.sql(f"DESCRIBE SELECT * FROM {place}").fetchall()
            assert [(row[0], row[1]) for row in described] == [(n, kind.replace(", ", ",")) for n, kind in columns]
            rows = duckdb.sql(f"SELECT snapshot_date::VARCHAR, count(*) FROM {place} GROUP BY ALL").fetchall()
            files = {day: three_nights.table(table.name, day).height for day in days}
            assert dict(rows) == {day: count for day, count in files.items() if count}, one["name"]
        (unique,) = latest[table.name]["data_tests"]
        key = unique["unique"]["arguments"]["column_name"]
        place = latest[table.name]["config"]["meta"]["external_location"]
        doubled = duckdb.sql(f"SELECT {key} FROM {place} WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > 1")
        assert doubled.fetchall() == []
        counted["unique"] += 1
        failing = []
        for column in latest[table.name]["columns"]:
            for test in column.get("data_tests", ()):
                if test == "not_null":
                    counted["not_null"] += 1
                    failing.append(f'count(*) FILTER (WHERE "{column["name"]}" IS NULL)')
                else:
                    given = test["accepted_values"]["arguments"]
                    counted["accepted_values"] += 1
                    values = ", ".join(f"'{one}'" if given["quote"] else str(one) for one in given["values"])
                    failing.append(f'count(*) FILTER (WHERE "{column["name"]}" NOT IN ({values}))')
        (found,) = duckdb.sql(f"SELECT {', '.join(failing)} FROM {place}").fetchall()
        assert set(found) == {0}, table.name
    columns_told = [column for table in ours().published for column in table.header.columns.values()]
    assert counted == {
        "not_null": sum(not column.nullable for column in columns_told),
        "accepted_values": sum(bool(column.values) for column in columns_told),
        "unique": len(ours().published),
    }
    assert not [table for table in all_days.values() if "data_tests" in table]


def test_dbt_may_find_the_home_by_a_variable_and_is_never_given_what_it_would_misread() -> None:
    kpis = [table for table in ours().published if table.name == "kpis"]
    text = dbt_sources(kpis, "{{ env_var('PERENNIAL_HOME') }}")
    place = yaml.safe_load(text)["sources"][1]["tables"][0]["config"]["meta"]["external_location"]
    assert place.startswith("read_parquet('{{ env_var('PERENNIAL_HOME') }}/data/marts/kpis/day=*/kpis.parquet', ")
    for folder in ("/shops/my {shop}", "/shops/anna's", "/shops/a*"):
        with pytest.raises(NoSources, match="Rename the folder"):
            dbt_sources(kpis, folder)
    odd = replace(kpis[0], header=kpis[0].header.model_copy(update={"description": "Of {{ config }} and {% raw %}"}))
    assert yaml.safe_load(dbt_sources([odd], "/a"))["sources"][0]["tables"][0]["description"] == (
        "Of { { config }} and { % raw %}"
    )
