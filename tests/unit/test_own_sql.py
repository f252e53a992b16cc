"""What a home adds of its own: where it is looked for, what it may say, what is refused, and a start for each kind."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import get_args

import pytest
from shop import Shop
from typer.testing import CliRunner

from pipeline.cli import app
from pipeline.doctor import Finding, _own_sql
from pipeline.engines.duckdb import SelectRefused
from pipeline.ingest.inspection import tried
from pipeline.ingest.sources import find_sources
from pipeline.lint import problems_of_home
from pipeline.scaffold import Kind, ScaffoldRefused, begin
from pipeline.sections.activation import Terms
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.audiences import read_audience
from pipeline.tables.catalog import Catalog, catalog_of, features, ours, own_catalog
from pipeline.tables.header import PARAMETER_TABLES, HeaderError
from pipeline.tables.safe_sql import unsafe

DOCS = SQL_FOLDER.parent / "docs" / "own-sql.md"
DAY = dt.date(2026, 3, 31)
TABLE = """/*
description: Orders of every customer.
grain: [snapshot_date, customer_id]
owner: team:crm
columns:
  snapshot_date: {type: DATE, meaning: The day}
  customer_id:   {type: VARCHAR, meaning: Customer of the shop}
  orders:        {type: BIGINT, unit: orders, min: 0, meaning: Number of orders}
tests:
  with_orders: SELECT customer_id FROM marts.loyal WHERE snapshot_date = $snapshot_date AND orders = 0
*/
SELECT
  snapshot_date,
  customer_id,
  orders
FROM marts.customer_summary
WHERE snapshot_date = $snapshot_date AND orders > 1
"""
AUDIENCE = """/*
title: Loyal customers
description: Everybody with more than one order.
owner: team:crm
catalogue: own
columns:
  customer_id: {type: VARCHAR, meaning: Customer of the shop}
  orders:      {type: BIGINT, meaning: Number of orders}
*/
SELECT customer_id, orders FROM marts.loyal WHERE snapshot_date = $snapshot_date;
"""


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / f"{name}.sql"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def read(folder: Path) -> Catalog:
    return own_catalog(folder, "home/sql")


def refusal(folder: Path) -> str:
    with pytest.raises(HeaderError) as caught:
        read(folder)
    return str(caught.value)


# ── found ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tables_and_audiences_of_a_home_stand_among_ours(tmp_path: Path) -> None:
    write(tmp_path, "marts/loyalty/loyal", TABLE)
    write(tmp_path, "audiences/loyal", AUDIENCE)
    write(tmp_path, "sources/till/order_lines", "no header: sources are read elsewhere")
    write(tmp_path, ".trash/marts/kpis", "")
    catalog = read(tmp_path)
    table = catalog.tables["marts.loyal"]
    assert (table.topic, table.file, table.reads) == (
        "loyalty",
        "home/sql/marts/loyalty/loyal.sql",
        {"marts.customer_summary"},
    )
    assert table in catalog.published and table not in catalog.histories
    names = list(catalog.tables)
    assert names.index("marts.loyal") > names.index("marts.customer_summary")
    assert catalog.tables.keys() - ours().tables.keys() == {"marts.loyal"}
    files = [audience.file for audience in catalog.audiences]
    assert files == [*(audience.file for audience in ours().audiences), "home/sql/audiences/loyal.sql"]
    assert "sql/audiences/segments.sql" in files
    assert "marts.loyal" not in ours().tables


def test_a_home_without_files_of_its_own_has_ours(tmp_path: Path) -> None:
    assert catalog_of(tmp_path) is ours()
    assert catalog_of(SQL_FOLDER.parent) is ours()


def test_what_is_built_on_a_history_is_one(tmp_path: Path) -> None:
    write(tmp_path, "marts/loyalty/loyal", TABLE)
    write(
        tmp_path, "marts/loyalty/moved", TABLE.replace("loyal", "moved").replace("customer_summary", "segment_changes")
    )
    assert {table.name for table in read(tmp_path).histories} - {t.name for t in ours().histories} == {"moved"}


def test_sources_of_a_home_are_found_without_a_setting(tmp_path: Path) -> None:
    begin(Settings(home=tmp_path), "source", "till", "own")
    settings = Settings(home=tmp_path, sources_folder=tmp_path / "mine")
    assert settings.sources_folders == (tmp_path / "mine", tmp_path / "sql" / "sources", SQL_FOLDER / "sources")
    at_home = Settings(home=SQL_FOLDER.parent)
    assert at_home.sources_folders == (SQL_FOLDER / "sources",)


# ── refused ───────────────────────────────────────────────────────────────────────────────────────────────────────────

SELECTS = [
    ("FROM read_csv('/etc/passwd')", r"READ_CSV\('/etc/passwd'\)` is not a table"),
    ("FROM read_parquet('data/marts/*/*/*.parquet')", "is not a table"),
    ("FROM glob('/*')", "is not a table"),
    ("FROM duckdb_secrets()", "is not a table"),
    ("FROM '/etc/passwd.csv'", "reads a file"),
    ('FROM "marts.kpis"', "reads a file"),
    ("FROM memory.marts.kpis", "names a catalog"),
    ("FROM kpis", "does not say which schema"),
    ("FROM information_schema.tables", "the SELECT reads information_schema.tables"),
    ("FROM ingest.files", "the SELECT reads ingest.files"),
    ("FROM people.contacts", "the SELECT reads people.contacts"),
    ("FROM migrations.taken", "the SELECT reads migrations.taken"),
    ("FROM marts.custmer_summary", r"reads marts.custmer_summary \(the closest is marts.customer_summary\)"),
    ("FROM marts.kpis; ATTACH '/tmp/x'", "exactly one SELECT"),
    ("FROM marts.kpis; COPY marts.kpis TO '/tmp/x'", "exactly one SELECT"),
    ("FROM (SUMMARIZE marts.kpis)", "the SELECT holds a show"),
    ("FROM marts.kpis WHERE kpi = getenv('HOME')", r"calls getenv\(\)"),
    ("FROM marts.kpis WHERE kpi = current_setting('TimeZone')", r"calls current_setting\(\)"),
    ("FROM marts.kpis WHERE snapshot_date < current_date", r"reads the clock \(current_date\)"),
    ("FROM marts.kpis WHERE random() < 0.5", r"calls random\(\)"),
    ("FROM marts.kpis WHERE snapshot_date < $until", "holds a parameter"),
    ("FROM marts.kpis WHERE EXISTS (SELECT 1 FROM read_text('x'))", "is not a table"),
    ("FROM marts.kpis AS a, unnest([1, 2]) AS b(c)", "is not a table|hides its table|unnest"),
]


@pytest.mark.parametrize(("source", "words"), SELECTS)
def test_a_table_of_a_home_reads_tables_and_nothing_else(tmp_path: Path, source: str, words: str) -> None:
    text = TABLE[: TABLE.index("FROM marts.customer_summary")] + source + "\n"
    write(tmp_path, "marts/loyalty/loyal", text)
    said = refusal(tmp_path)
    assert said.startswith("home/sql/marts/loyalty/loyal.sql") and re.search(words, said), said


def test_the_line_is_that_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, "marts/loyalty/loyal", TABLE.replace("orders > 1", "\n  getenv('HOME') = ''"))
    assert refusal(tmp_path).startswith("home/sql/marts/loyalty/loyal.sql, line 18: the SELECT calls getenv()")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("FROM marts.loyal WHERE", "FROM read_text('x') AS a WHERE", r"with_orders\): the SELECT reads read_"),
        ("SELECT customer_id FROM marts.loyal", "DROP TABLE marts.kpis; SELECT 1 FROM marts.loyal", "with_orders"),
        ("  with_orders:", "  keys_unique:", "'keys_unique' cannot name a test"),
        ("  with_orders:", "  with orders:", "'with orders' cannot name a test"),
        ("  orders: ", '  "a\\" FROM read_text(x) --": ', "cannot name a column"),
        ("  orders: ", "  Customer_ID: ", "the same name but for capitals"),
        ("grain: [snapshot_date, customer_id]", "grain: [customer_id, snapshot_date]", "is first in its grain"),
        ("owner: team:crm", "owner: team:crm\ncomputed_by: trend", "remove one"),
        ("owner: team:crm", "owner: team:crm\nincremental_by: customer_id", "without computed_by or incremental_by"),
        ("owner: team:crm", "owner: team:c r m", "an owner is"),
        (TABLE[TABLE.index("SELECT\n") :], "", "a table of a home is a SELECT"),
    ],
)  # fmt: skip
def test_what_a_header_may_not_say(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in TABLE
    write(tmp_path, "marts/loyalty/loyal", TABLE.replace(old, new, 1))
    said = refusal(tmp_path)
    assert said.startswith("home/sql/marts/loyalty/loyal.sql") and re.search(words, said), said


def test_a_name_of_ours_is_refused_and_both_files_are_named(tmp_path: Path) -> None:
    write(tmp_path, "marts/loyalty/kpis", TABLE)
    write(tmp_path, "audiences/segments", AUDIENCE)
    table, audience = sorted(refusal(tmp_path).splitlines(), reverse=True)
    assert table.startswith(
        "home/sql/marts/loyalty/kpis.sql: Perennial has a table called kpis, in sql/marts/revenue/kpis.sql;"
    )
    assert audience.startswith(
        "home/sql/audiences/segments.sql: Perennial has an audience called segments, in sql/audiences/segments.sql;"
    )


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    for topic in ("one", "two"):
        write(tmp_path, f"marts/{topic}/loyal", TABLE)
    assert "home/sql/marts/two/loyal.sql: marts.loyal is in home/sql/marts/one/loyal.sql already" in refusal(tmp_path)


@pytest.mark.parametrize(
    "place", ["marts/loyal", "marts/a/b/loyal", "staging/loyal", "audience/loyal", "loyal", "audiences/own/loyal"]
)
def test_a_file_where_nothing_is_looked_for_is_told(tmp_path: Path, place: str) -> None:
    write(tmp_path, place, TABLE)
    assert refusal(tmp_path).startswith(f"home/sql/{place}.sql: nothing is looked for here. ")


@pytest.mark.parametrize("place", ["marts/own/Loyal", "marts/own/loyal-ones", "marts/my own/loyal", "audiences/Loyal"])
def test_names_are_plain(tmp_path: Path, place: str) -> None:
    write(tmp_path, place, AUDIENCE if place.startswith("audiences") else TABLE)
    assert re.search("cannot name|lower case|lower-case", refusal(tmp_path))


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "marts/own/a", TABLE.replace("BIGINT", "INT8"))
    (tmp_path / "marts/own/b.sql").write_bytes(b"/*\n\xff*/")
    write(tmp_path, "audiences/c", "SELECT 1")
    assert [line.split(":")[0].split(",")[0] for line in refusal(tmp_path).splitlines()] == [
        "home/sql/audiences/c.sql",
        "home/sql/marts/own/a.sql",
        "home/sql/marts/own/b.sql",
    ]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("marts.loyal", "staging.orders", "reads staging.orders.*published tables"),
        ("marts.loyal", "params.settings", "reads params.settings"),
        ("marts.loyal", "read_csv('x')", "is not a table"),
        (
            "catalogue: own", "each: [a, b]\nvalues: SELECT a, b FROM read_csv('x')", "is not a table"
        ),
        ("catalogue: own", "each: [a, b]\nvalues: SELECT getenv('x') AS a, orders AS b FROM marts.loyal", "getenv"),
    ],
)  # fmt: skip
def test_an_audience_reads_published_tables_and_nothing_else(tmp_path: Path, old: str, new: str, words: str) -> None:
    write(tmp_path, "marts/own/loyal", TABLE)
    write(tmp_path, "audiences/loyal", AUDIENCE.replace(old, new))
    said = refusal(tmp_path)
    assert said.startswith("home/sql/audiences/loyal.sql") and re.search(words, said), said


def test_all_that_ours_say_a_home_may_say_too() -> None:
    """The list of functions is as wide as our own tables: who copies one of them finds it accepted."""
    known = {*ours().tables, *PARAMETER_TABLES}
    said = [
        (table.file, unsafe(sql, tables=known, parameters=["snapshot_date", "until"]))
        for table in (*ours().tables.values(), *features().values(), *(one.members for one in ours().audiences))
        for sql in (table.select, *table.header.tests.values())
        if sql
    ]
    assert len(said) > 50 and [(file, found) for file, found in said if found] == []


# ── the header of an audience ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: Loyal customers\n", "", "title: is missing"),
        ("owner: team:crm", "owner: crm", "line 4: owner: "),
        ("owner: team:crm", "owner: team:crm\nplatform: [meta]", "line 5: platform: there is no such field"),
        ("owner: team:crm", "owner: team:crm\nplatforms: [meta, myspace]", "no platform 'myspace'"),
        ("owner: team:crm", "owner: team:crm\nconsent: {purpose: ads}", r"line 5: consent\.channel: is missing"),
        ("owner: team:crm", "owner: team:crm\nconsent: {purpose: fun, channel: email}", r"line 5: consent\.purpose"),
        ("owner: team:crm", "owner: team:crm\nminimum_size: -1", "line 5: minimum_size: "),
        ("owner: team:crm", "owner: team:crm\ncontrol_share: 10", "line 5: control_share: .*less than 1"),
        ("catalogue: own", "catalogue: ../own", "line 5: catalogue: "),
        ("catalogue: own\n", "", "catalogue names the folder"),
        ("catalogue: own", "catalogue: own\neach: orders", "each and values belong together"),
        ("catalogue: own", "catalogue: own\nvalues: SELECT 1", "each and values belong together"),
        ("catalogue: own", "catalogue: own\neach: [a, b]\nvalues: SELECT 1", "of two columns in each, the first does"),
        ("catalogue: own", "each: [a, b, c]\nvalues: SELECT 1", "line 5: each: "),
        ("catalogue: own", "catalogue: own\neach: orders\nvalues: SELECT 1", "orders names files, so it is VARCHAR"),
        ("customer_id: {", "customer: {", "an audience hands over customer_id"),
        ("customer_id: {type: VARCHAR,", "customer_id: {type: VARCHAR, nullable: true,", "is VARCHAR and never null"),
        ("  orders: ", "  snapshot_date: ", "snapshot_date is the folder"),
        ("  orders: ", "  or ders: ", "'or ders' cannot name a column"),
        ("  orders: ", "  ordres:\n  orders: ", "ordres is no column of customer_360: tell its type and meaning"),
    ],
)  # fmt: skip
def test_a_wrong_header_is_told_with_its_file_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in AUDIENCE
    file = write(tmp_path, "audiences/loyal", AUDIENCE.replace(old, new, 1))
    with pytest.raises(HeaderError, match=r"^sql/audiences/loyal\.sql.*" + message):
        read_audience(file, tmp_path)


def test_an_audience_tells_its_terms(tmp_path: Path) -> None:
    terms = (
        "consent: {purpose: ads, channel: ads}\nplatforms: [meta]\nminimum_size: 100\ncontrol_share: 0.1\nadvice: Go"
    )
    file = write(tmp_path, "audiences/loyal", AUDIENCE.replace("owner: team:crm", f"owner: team:crm\n{terms}"))
    audience = read_audience(file, tmp_path)
    assert audience.header.consent is not None
    assert (audience.header.consent.purpose, audience.header.consent.channel) == ("ads", "ads")
    assert (audience.header.platforms, audience.header.minimum_size, audience.header.control_share) == (
        ("meta",),
        100,
        0.1,
    )


# ── a start, and the lint ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_start_of_each_kind_lints_and_is_found(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    written = [begin(settings, kind, "pausing") for kind in get_args(Kind)]
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "sql/marts/own/pausing.sql",
        "sql/audiences/pausing.sql",
        "sql/sources/pausing/order_lines.sql",
        "reports/pages/own/pausing.sql",
    ]
    begin(settings, "chart", "second")
    page = (tmp_path / "reports/pages/own/page.html.j2").read_text()
    assert page.index("charts.pausing") < page.index("charts.second") and "title: Own" in page
    assert [str(problem) for problem in problems_of_home(settings)] == []
    catalog = catalog_of(tmp_path)
    assert "marts.pausing" in catalog.tables and catalog.audiences[-1].name == "pausing"


def test_terms_of_an_audience_that_there_is_not_are_found_before_a_night_is(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, deliver={"movers": Terms(csv=True)})
    (problem,) = problems_of_home(settings)
    assert str(problem).startswith("setting deliver.movers: there is no such audience; there are action")


def test_the_example_of_the_documentation_lints(tmp_path: Path) -> None:
    table, audience = re.findall(r"```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    write(tmp_path / "sql", "marts/loyalty/pausing", table)
    write(tmp_path / "sql", "audiences/pausing", audience)
    assert [str(problem) for problem in problems_of_home(Settings(home=tmp_path))] == []


def test_the_lint_makes_every_page_of_a_home_of_tables_without_rows(tmp_path: Path) -> None:
    chart = begin(Settings(home=tmp_path), "chart", "months", "seasons")
    chart.write_text(chart.read_text().replace("revenue, orders\n", "revenue, ordres AS orders\n"))
    (problem,) = problems_of_home(Settings(home=tmp_path))
    assert re.match(r'reports/pages/seasons/months.sql: the SELECT cannot be run. .*"ordres"', str(problem))


@pytest.mark.parametrize(
    ("read", "is_of_a_day"),
    [
        ("FROM marts.customer_summary WHERE snapshot_date = $snapshot_date", True),
        ("FROM marts.customer_summary", False),
        ("FROM marts.customer_summary JOIN marts.rfm_scores USING (snapshot_date, customer_id)", True),
        ("FROM marts.customer_summary JOIN marts.rfm_scores ON rfm_scores.customer_id = customer_summary.customer_id "
         "WHERE rfm_scores.snapshot_date = $snapshot_date", False),
    ],
)  # fmt: skip
def test_a_table_of_a_day_that_reads_every_day_is_refused(tmp_path: Path, read: str, is_of_a_day: bool) -> None:
    file = begin(Settings(home=tmp_path), "table", "pausing")
    text = file.read_text()
    head, _ = text.split("FROM marts.customer_summary\nWHERE")
    file.write_text(
        head.replace(
            "  customer_id,\n  orders,\n  revenue\n", "  customer_summary.customer_id, 1 AS orders, 1 AS revenue\n"
        )
        + read
    )
    said = [str(problem) for problem in problems_of_home(Settings(home=tmp_path))]
    assert any("is read of every day; write WHERE snapshot_date" in one for one in said) != is_of_a_day, said


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("\n  orders,", "\n  ordrs,", "`ordrs` is not a column of what it is read from; write orders"),
        ("\n  orders,", "\n  orders * 2,", "`orders` is in the header, and the SELECT does not give it"),
        ("*/\nSELECT", "*/\nSELEC", "pausing.sql, line 24: `AS` cannot be read as SQL"),
        ("\nWHERE snapshot_date =", "\nWHERE (snapshot_date =", "pausing.sql, line 29: `snapshot_date` cannot be read"),
    ],
)  # fmt: skip
def test_the_lint_names_the_column_and_the_line_that_are_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    file = begin(Settings(home=tmp_path), "table", "pausing")
    head, mark, select = file.read_text().partition("*/")
    assert old in mark + select
    file.write_text(head + (mark + select).replace(old, new))
    (problem,) = problems_of_home(Settings(home=tmp_path))
    assert told in str(problem)


def test_the_lint_tries_the_sources_of_a_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    source = begin(settings, "source", "till")
    text = source.read_text()
    for right, wrong, told in (
        ('"Order" AS order_id', '"Ordr" AS order_id', '"Ordr"'),
        ("AS ordered_at", "AS orderd_at", "orderd_at is no column of order_lines"),
        ("TRY_CAST", "CAST", "Conversion Error"),
    ):
        assert right in text
        source.write_text(text.replace(right, wrong))
        (problem,) = problems_of_home(settings)
        assert told in str(problem)
    source.write_text(text)
    assert problems_of_home(settings) == []


@pytest.mark.parametrize("label", list(find_sources([SQL_FOLDER / "sources"])))
def test_our_sources_can_be_tried(label: str, tmp_path: Path) -> None:
    assert tried(find_sources([SQL_FOLDER / "sources"])[label], Settings(home=tmp_path)) is None


def test_a_start_overwrites_nothing_and_takes_no_name_of_ours(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    file = begin(settings, "table", "pausing", "own")
    file.write_text("mine")
    for kind, name, topic, words in (
        ("table", "pausing", "own", "There is .*/sql/marts/own/pausing.sql already: choose another name, or"),
        ("table", "pausing", "other", "There is .*/sql/marts/own/pausing.sql already: choose another name, or"),
        ("table", "kpis", "own", "There is .*/sql/marts/revenue/kpis.sql already: it is Perennial's own"),
        ("audience", "segments", "own", "There is .*/sql/audiences/segments.sql already: it is Perennial's own"),
        ("source", "perennial", "own", "There is .*/sql/sources/perennial already"),
        ("table", "../x", "own", "'../x' is no name for a table"),
        ("table", "a b", "own", "no name for a table"),
        ("table", "select", "own", "'select' is a word of SQL"),
        ("audience", "2nd", "own", "no name for an audience"),
        ("source", "Till", "own", "no name for a source"),
        ("table", "fine", "no/topic", "no name for a topic"),
        ("chart", "fine", "no/page", "no name for a page"),
        ("chart", "course", "trend", "There is .*/reports/pages/trend/course.sql already"),
        ("chart", "fine", "trend", "The page 'trend' is one of Perennial"),
        ("chart", "fine", "value", "The page 'value' is one of Perennial"),
    ):
        with pytest.raises(ScaffoldRefused, match=words):
            begin(settings, kind, name, topic)  # type: ignore[arg-type]
    assert file.read_text() == "mine" and len(list(tmp_path.rglob("*.sql"))) == 1


def test_the_lint_tells_what_a_run_would_stumble_over(tmp_path: Path) -> None:
    (tmp_path / "perennial.toml").write_text("")
    folder = tmp_path / "sql"
    write(folder, "marts/own/loyal", TABLE.replace("orders > 1", "median(orders) > 1"))
    write(folder, "audiences/loyal", AUDIENCE.replace("SELECT customer_id, orders", "SELECT\n  customer_id,\n  ordrs"))
    write(folder, "sources/till/order_lines", "/*\ndescription: The till of the shop.\nraw: {a: {}}\n*/\nSELECT now()")
    result = CliRunner().invoke(app, ["lint", "--home", str(tmp_path)], env={"COLUMNS": "300"})
    assert result.exit_code == 1
    table, audience, source = sorted(result.output.strip().splitlines(), key=lambda line: line.find("sql/marts/"))[::-1]
    assert f"{tmp_path.name}/sql/marts/own/loyal.sql, line 17: `" in table
    assert {audience.split(":")[0], source.split(":")[0]} == {
        f"{tmp_path.name}/sql/audiences/loyal.sql, line 12",
        "sources/till/order_lines.sql, line 5",
    }


def test_doctor_tells_what_a_home_adds_and_what_keeps_it_from_running(tmp_path: Path) -> None:
    good, bad, none = (Settings(home=tmp_path / name) for name in ("good", "bad", "none"))
    assert list(_own_sql(none)) == []
    begin(good, "table", "pausing")
    write(bad.home / "sql", "marts/own/kpis", TABLE)
    assert list(_own_sql(good)) == [Finding("ok", "own SQL", f"1 table and 0 audiences in {good.home}")]
    (finding,) = _own_sql(bad)
    assert finding.status == "fail" and finding.message.startswith("bad/sql/marts/own/kpis.sql: Perennial has a table")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("orders > 1", "ordrs > 1", r", line 17: the SELECT cannot be run\. Binder Error: .*ordrs"),
        ("  orders\nFROM", "  CAST(customer_id AS BIGINT) AS orders\nFROM", "SELECT cannot be run.*Conversion"),
        ("AND orders = 0", "AND ordrs = 0", r": the test with_orders cannot be run\. Binder Error: .*ordrs"),
    ],
)  # fmt: skip
def test_a_select_that_cannot_run_is_told_with_its_file_and_no_cell(
    shop: Shop, tmp_path: Path, old: str, new: str, words: str
) -> None:
    assert old in TABLE
    write(tmp_path / "own", "marts/own/loyal", TABLE.replace(old, new))
    catalog = read(tmp_path / "own")
    shop.orders("anna", "2026-01-02", "2026-02-03")
    shop.table("marts.customer_summary", str(DAY))
    shop.engine.prepare(Settings(home=tmp_path), list(catalog.tables.values()))
    with pytest.raises(SelectRefused, match=r"^home/sql/marts/own/loyal\.sql.*" + words) as caught:
        shop.engine.write(catalog.tables["marts.loyal"], DAY)
    assert "anna" not in str(caught.value)
    assert shop.engine.scalar("SELECT count(*) FROM marts.loyal") == 0


# ── a table that is gone again ────────────────────────────────────────────────────────────────────────────────────────


def test_a_home_whose_table_was_removed_goes_on(shop: Shop, tmp_path: Path) -> None:
    write(tmp_path / "own", "marts/own/loyal", TABLE)
    with_it = read(tmp_path / "own")
    shop.orders("anna", "2026-01-02", "2026-02-03").orders("bert", "2026-03-01")
    shop.table("marts.customer_summary", str(DAY))
    settings = Settings(home=tmp_path)
    shop.engine.prepare(settings, list(with_it.tables.values()))
    written = shop.engine.write(with_it.tables["marts.loyal"], DAY)
    assert (written.rows, [check.name for check in written.checks]) == (
        1,
        ["keys_unique", "columns_fit", "with_orders"],
    )
    before = shop.engine.rows_by_day()[DAY]
    assert shop.engine.prepare(settings, list(ours().tables.values())) == []
    assert shop.engine.rows_by_day()[DAY] == before
    shop.engine.drop_days([DAY])  # pruned with all others, though nobody knows it any more
    assert shop.engine.scalar("SELECT count(*) FROM marts.loyal") == 0
