"""Order lines that Spark reads itself: the same lines as DuckDB loads, and the same care with what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from nasty import local_settings, on_duckdb, order_lines, write_exports
from polars.testing import assert_frame_equal

from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.engines.spark.engine import SparkEngine
from pipeline.engines.spark.lake import Lake, LakeNotWritable
from pipeline.errors import ExportError
from pipeline.ingest.load import Loaded
from pipeline.ingest.spark_exports import load_order_lines
from pipeline.places import quarantine_file
from pipeline.settings import Settings, SettingsError
from pipeline.tables.catalog import tables
from pipeline.tables.inputs import INPUTS, ORDERS

pytestmark = pytest.mark.timeout(1500)  # Java machines start slowly where much else runs

HEADER = "order_id,customer_id,ordered_at,amount,kind"
GOOD = [f"o{n},c{n % 7},2026-01-{1 + n % 28:02d}T10:00:00,{n}.50,sale" for n in range(40)]

Read = Callable[..., "Reading"]


class Reading:
    """What one reading of entries left: outcomes, lines, ledger and quarantine."""

    def __init__(self, engine: SparkEngine) -> None:
        self.outcomes = load_order_lines(engine)
        local = engine.local
        self.lines = local.read("SELECT * FROM staging.order_lines ORDER BY file_id, row_number, kind")
        told = local.execute("SELECT path, file_id FROM ingest.files WHERE quarantined > 0")
        files = [engine.settings.home / quarantine_file(path, file_id) for path, file_id in told]
        self.quarantine = [row for file in files for row in pl.read_parquet(file).rows()]
        self.reconciles = all(check.passed for check in engine.local.check(tables()["ingest.files"]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, spark: object) -> Path:
    """The Java machine of all tests on one machine is open, and the engines of these tests take it over."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Read entries in a fresh home."""

    def reading(*entries: str, **settings: object) -> Reading:
        with engine_of(tmp_path / "home", *entries, **settings) as engine:
            return Reading(engine)

    return reading


@contextmanager
def engine_of(home: Path, *entries: str, **settings: object) -> Iterator[SparkEngine]:
    of_home = _settings(home, list(entries), **settings)
    connection = connect(of_home.warehouse_file, of_home)
    try:
        engine = SparkEngine(DuckDBEngine(connection), of_home, "test")
        engine.prepare(list(tables().values()))
        yield engine
    finally:
        connection.close()


def _settings(home: Path, entries: list[str], **settings: object) -> Settings:
    return local_settings(home, engine="spark", spark={"master": "local[2]", "order_lines": entries}, **settings)


def written(folder: Path, name: str, *rows: str, header: str = HEADER) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("\n".join([header, *rows, ""]))
    return str(folder / "*.csv")


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_the_lines_are_those_that_duckdb_loads(read: Read, tmp_path: Path, form: str) -> None:
    lines = order_lines(orders=1_500)
    write_exports(tmp_path / "data" / "exports" / "perennial", lines)
    for part, rows in enumerate((lines[:1_000], lines[1_000:])):  # two files of one export
        folder = tmp_path / "given"
        folder.mkdir(exist_ok=True)
        write = {"csv": rows.write_csv, "parquet": rows.write_parquet, "jsonl": rows.write_ndjson}[form]
        write(folder / f"part-{part}.{form}")
    with on_duckdb(tmp_path) as duckdb:
        expected = duckdb.read("SELECT * EXCLUDE (file_id) FROM staging.order_lines ORDER BY row_number, kind")
    found = read(f"{tmp_path}/given/*.{form}")
    assert found.outcomes[0].accepted == lines.height
    assert found.reconciles
    assert_frame_equal(found.lines.drop("file_id"), expected)


def test_what_does_not_fit_is_set_aside_with_row_column_and_reason(read: Read, tmp_path: Path) -> None:
    bad = [
        "o90,c1,2026-01-05,12.5O,sale",
        "o91,c1,31.12.2026,3,sale",
        ",c1,2026-01-05,3,sale",
        "o92,c1,2026-01-05,3,gift",
    ]
    found = read(written(tmp_path / "given", "a.csv", *GOOD, *bad), quarantine_limit=0.2)
    assert [row[:2] for row in found.quarantine] == [
        (41, 'column "amount": "99.9X" is not a number'),
        (42, 'column "ordered_at": "99.99.9999" is not a date'),
        (43, 'column "order_id" is missing'),
        (44, 'column "kind": "xxxx" is not one of charge, refund, sale'),
    ]
    assert "12.5O" in found.quarantine[0][2]
    assert (found.outcomes[0].accepted, found.outcomes[0].quarantined) == (40, 4)
    assert found.reconciles


def test_too_much_that_does_not_fit_loads_nothing(read: Read, tmp_path: Path) -> None:
    given = written(tmp_path / "given", "a.csv", "o1,c1,2026-01-05,x,sale", *GOOD[:3])
    with pytest.raises(
        ExportError, match=r'row 1, column "amount": "x" is not a number\. 1 of 4 rows .*quarantine_limit'
    ):
        read(given)
    assert not list((tmp_path / "home" / "data" / "warehouse" / "spark").rglob("*.parquet"))


def test_an_order_is_taken_whole_from_the_newest_export(read: Read, tmp_path: Path) -> None:
    old = written(
        tmp_path / "old", "a.csv", "o1,c1,2026-01-01,1,sale", "o1,c1,2026-01-01,2,sale", "o2,c2,2026-01-02,3,sale"
    )
    new = written(tmp_path / "new", "a.csv", "o1,c1,2026-01-01,9,sale", "o3,c3,2026-01-03,4,sale")
    found = read(old, new)
    assert sorted(found.lines.select("order_id", "amount").rows()) == [
        ("o1", Decimal("9.00")), ("o2", Decimal("3.00")), ("o3", Decimal("4.00")),
    ]  # fmt: skip
    assert [outcome.superseded for outcome in found.outcomes] == [2, 0]
    assert found.reconciles


def test_times_with_an_offset_become_the_shops_and_an_undated_refund_its_orders_day(read: Read, tmp_path: Path) -> None:
    rows = ["o1,c1,2026-07-01T23:30:00Z,5,sale", "o1,c1,,-5,refund", "o2,c2,2026-01-01T10:00:00+03:00,1,sale"]
    found = read(written(tmp_path / "given", "a.csv", *rows))
    assert [str(moment) for moment in found.lines["ordered_at"]] == [
        "2026-07-02 01:30:00", "2026-07-02 01:30:00", "2026-01-01 08:00:00",
    ]  # fmt: skip


def test_the_same_files_are_read_once_and_changed_files_again(home: Path, tmp_path: Path) -> None:
    given = written(tmp_path / "given", "a.csv", *GOOD)

    def outcomes() -> list[Loaded]:
        with engine_of(tmp_path / "home", given) as engine:
            return load_order_lines(engine)

    assert [outcome.read_now for outcome in outcomes()] == [True]
    assert [outcome.read_now for outcome in outcomes()] == [False]
    written(tmp_path / "given", "b.csv", "o99,c1,2026-01-05,3,sale")
    assert [(outcome.read_now, outcome.accepted) for outcome in outcomes()] == [(True, 41)]


def test_a_field_that_one_row_of_many_has_is_read(read: Read, tmp_path: Path) -> None:
    rows = [f'{{"order_id":"o{n}","customer_id":"c1","ordered_at":"2026-01-05","amount":"2"}}' for n in range(500)]
    rows[321] = rows[321].replace("}", ',"status":"cancelled","of_no_interest":{"a":[1]}}')
    (tmp_path / "lines.jsonl").write_text("\n".join(rows))
    (tmp_path / "one.jsonl").write_text(rows[321].replace("o321", "o999"))
    found = read(str(tmp_path / "lines.jsonl"), str(tmp_path / "one.jsonl"))
    cancelled = found.lines.filter(pl.col("status") == "cancelled")["order_id"].to_list()
    assert (sorted(cancelled), found.lines.height) == (["o321", "o999"], 501)


def test_instants_of_a_parquet_file_become_the_shops_times(read: Read, tmp_path: Path) -> None:
    moments = pl.Series(["2026-07-01T23:30:00", "2026-01-01T12:00:00"]).str.to_datetime()
    columns = {"order_id": ["o1", "o2"], "customer_id": ["c1", "c2"], "amount": [1.5, 2.5]}
    pl.DataFrame({**columns, "ordered_at": moments.dt.replace_time_zone("UTC")}).write_parquet(tmp_path / "a.parquet")
    assert [str(moment) for moment in read(str(tmp_path / "a.parquet")).lines["ordered_at"]] == [
        "2026-07-02 01:30:00", "2026-01-01 13:00:00",
    ]  # fmt: skip


def test_further_columns_of_a_csv_file_are_left_out(read: Read, tmp_path: Path) -> None:
    given = written(
        tmp_path / "given", "a.csv", "o1,a `note`,c1,2026-01-05,3,sale", header=f"order_id,no`te,{HEADER[9:]}"
    )
    assert read(given).lines["customer_id"].to_list() == ["c1"]


def test_texts_are_read_as_duckdb_reads_them(read: Read, tmp_path: Path) -> None:
    rows = [
        "o1,\u00a0anna\u2003,2026-01-05,3,sale",
        "o2,anna,2026-03,3,sale",
        "o3,anna,2026,3,sale",
        "o4,anna,10:00Z,3,sale",
    ]
    found = read(written(tmp_path / "given", "a.csv", *rows), quarantine_limit=1.0)
    assert found.lines["customer_id"].to_list() == ["anna"]
    assert [row[1] for row in found.quarantine] == [
        f'column "ordered_at": "{text}" is not a date' for text in ("9999-99", "9999", "99:99X")
    ]


def test_a_row_that_cannot_be_read_is_kept_as_it_stands(read: Read, tmp_path: Path) -> None:
    good = '{"order_id":"o1","customer_id":"c1","ordered_at":"2026-01-05","amount":"2"}'
    (tmp_path / "lines.jsonl").write_text(f"{good}\n{good[:40]}\n")
    assert read(str(tmp_path / "lines.jsonl"), quarantine_limit=0.5).quarantine == [
        (2, "the row cannot be read", good[:40])
    ]


def test_lines_and_ledger_change_together(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies while it writes the ledger leaves neither: the next one reads what the settings then name."""
    first = written(tmp_path / "first", "a.csv", *GOOD)
    second = written(tmp_path / "second", "a.csv", "o0,c9,2026-02-05,9,sale")
    with engine_of(tmp_path / "home", first) as engine:
        load_order_lines(engine)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, engine_of(tmp_path / "home", first, second) as engine:
        patch.setattr("pipeline.ingest.spark_exports._record", dies)
        with pytest.raises(KeyboardInterrupt):
            load_order_lines(engine)
    with engine_of(tmp_path / "home", first) as engine:
        found = Reading(engine)
    assert (found.lines.height, found.outcomes[0].read_now, found.reconciles) == (40, False, True)


ONE = GOOD[:1]
SWAPPED = "order_id,customer_id,amount,ordered_at,kind"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.csv": (HEADER, ONE), "b.csv": (SWAPPED, ONE)}, "do not fit together"),
        ({"a.csv": ("order,customer_id,ordered_at,amount", ONE)}, "has no column order_id (is it order?)"),
        ({"a.csv": ("order_id,customer_id,ordered_at", ONE)}, "amount or quantity and unit_price"),
        ({}, "cannot be read"),
    ],
)
def test_files_that_cannot_be_used_are_one_clear_message(
    read: Read, tmp_path: Path, files: dict[str, tuple[str, list[str]]], says: str
) -> None:
    for name, (header, rows) in files.items():
        written(tmp_path / "given", name, *rows, header=header)
    with pytest.raises(ExportError) as error:
        read(str(tmp_path / "given" / "*.csv"))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_types_that_differ_from_file_to_file_are_a_clear_message(read: Read, tmp_path: Path) -> None:
    for name, amount in (("a", 1.5), ("b", "1.5")):
        pl.DataFrame(
            {"order_id": ["o1"], "customer_id": ["c1"], "ordered_at": ["2026-01-01"], "amount": [amount]}
        ).write_parquet(tmp_path / f"{name}.parquet")
    with pytest.raises(ExportError, match=r"do not fit together: .*DOUBLE.*STRING.*the same columns"):
        read(str(tmp_path / "*.parquet"))


def test_a_format_that_is_not_told_is_asked_for(read: Read) -> None:
    with pytest.raises(
        ExportError, match=r"does not say which format it is; let it end in \.parquet, \.csv or \.jsonl"
    ):
        read("/somewhere/lines.xlsx")


def test_order_lines_come_by_one_way_only(read: Read, tmp_path: Path) -> None:
    read(written(tmp_path / "given", "a.csv", *GOOD))
    with pytest.raises(
        SettingsError, match=r"came from spark\.order_lines, and now they are to come from the drop folder"
    ):
        read()


def test_our_folders_are_here_whatever_the_clusters_file_system_is(home: Path, tmp_path: Path) -> None:
    given = written(tmp_path / "given", "a.csv", *GOOD)
    with engine_of(tmp_path / "a home", f"file://{given}") as engine:
        engine.session.conf.set("fs.defaultFS", "hdfs://127.0.0.1:1")  # where paths without a scheme are looked for
        try:
            assert Reading(engine).outcomes[0].accepted == len(GOOD)
        finally:
            engine.session.conf.unset("fs.defaultFS")


def test_every_canonical_column_is_read(read: Read, tmp_path: Path) -> None:
    """A new column of the contract must not be forgotten here."""
    names = list(INPUTS[ORDERS].schema.columns)
    values = {"ordered_at": "2026-01-01", "kind": "sale", "currency": "EUR"}
    values |= dict.fromkeys(("quantity", "unit_price", "unit_cost", "amount", "discount"), "1")
    given = written(
        tmp_path / "given", "a.csv", ",".join(values.get(name, f"x-{name}") for name in names), header=",".join(names)
    )
    found = read(given).lines.row(0, named=True)
    assert [name for name in names if found[name] is None] == []


def test_a_folder_that_cannot_be_written_is_a_clear_message(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, where a folder should be")
    settings = local_settings(tmp_path, engine="spark", spark={"warehouse": str(blocked / "lake")})
    with closing(connect(settings.warehouse_file, settings)) as connection:
        lake = Lake(DuckDBEngine(connection), settings, list(tables().values()))
        with pytest.raises(LakeNotWritable, match=r"cannot be written to .*blocked/lake: .*spark\.warehouse"):
            lake.prepare()
