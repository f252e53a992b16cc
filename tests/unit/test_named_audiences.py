"""`audiences.toml`: who is meant by conditions and by other audiences, what is refused, and that it is SQL like any."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline.activation.outputs import write_audiences
from pipeline.activation.preview import NoSuchAudience, text_of_audience
from pipeline.lint import problems_of_home
from pipeline.settings import SQL_FOLDER, Settings
from pipeline.tables.audiences import Audience, audience_of
from pipeline.tables.catalog import catalog_of, ours, own_catalog
from pipeline.tables.header import HeaderError
from pipeline.tables.named_audiences import NamedAudience, named_audiences

DAY = dt.date(2026, 3, 31)
DOCS = SQL_FOLDER.parent / "docs" / "activation.md"
WHOLE = ours().tables["marts.customer_360"]
PUBLISHED = {name: table for name, table in ours().tables.items() if table.is_partitioned}


def compiled(folder: Path, text: str) -> dict[str, Audience]:
    path = folder / "audiences.toml"
    path.write_text(text, encoding="utf-8")
    return {one.name: one for one in named_audiences(path, "home/audiences.toml", PUBLISHED, ours().audiences)}


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(HeaderError) as caught:
        compiled(folder, text)
    return str(caught.value)


def told(*, title: str = "Those I mean", **lists: list[str]) -> str:
    return "\n".join(
        [
            "[mine]",
            f"title = {title!r}",
            *(f"{name} = {json.dumps(terms, ensure_ascii=False)}" for name, terms in lists.items()),
        ]
    )


# ── who is meant ──────────────────────────────────────────────────────────────────────────────────────────────────────

ANNA, BERT, CLEO, LEA = (
    {"customer_id": "anna", "recency_days": 10, "revenue": Decimal("100.00"), "stage": "active", "is_rising": True,
     "main_category": "Men's, all", "last_purchase_on": dt.date(2026, 3, 21), "churn_probability": 0.25},
    {"customer_id": "bert", "recency_days": 90, "revenue": Decimal("250.50"), "stage": "defecting", "is_rising": False,
     "main_category": "Tea", "last_purchase_on": dt.date(2025, 12, 31), "churn_probability": None},
    {"customer_id": "cleo", "recency_days": 400, "revenue": Decimal("7.00"), "stage": "inactive", "is_rising": False,
     "main_category": None, "last_purchase_on": dt.date(2025, 2, 24), "churn_probability": 0.9},
    {"customer_id": "lea", "recency_days": None, "revenue": None, "stage": "lead", "is_rising": False,
     "main_category": None, "last_purchase_on": None, "churn_probability": None},
)  # fmt: skip
COLUMNS = {
    "customer_id": pl.String, "recency_days": pl.Int64, "revenue": pl.Decimal(18, 2), "stage": pl.String,
    "is_rising": pl.Boolean, "main_category": pl.String, "last_purchase_on": pl.Date, "churn_probability": pl.Float64,
}  # fmt: skip
CUSTOMERS = pl.DataFrame([ANNA, BERT, CLEO, LEA], schema=COLUMNS)


def members(audience: Audience, customers: pl.DataFrame = CUSTOMERS) -> list[str]:
    """Who is in it, of these customers on DAY."""
    others = [name for name in WHOLE.header.columns if name not in (*customers.columns, "snapshot_date")]
    whole = customers.select(
        pl.lit(DAY).alias("snapshot_date"), pl.all(), *(pl.lit(None).alias(name) for name in others)
    )
    day_before = whole.with_columns(snapshot_date=DAY - dt.timedelta(days=1), customer_id=pl.lit("of the day before"))
    with duckdb.connect() as connection:
        connection.register("told", pl.concat([whole, day_before]))
        types = WHOLE.column_types().items()
        columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in types)
        connection.execute(f"CREATE SCHEMA marts; CREATE TABLE marts.customer_360 AS SELECT {columns} FROM told")
        found = connection.execute(audience.members.declared_select, {"snapshot_date": DAY}).fetchall()
    return sorted(row[0] for row in found)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({"all_of": ["recency_days > 60"]}, ["bert", "cleo"]),
        ({"all_of": ["recency_days between 10 and 90", "revenue>=250.5"]}, ["bert"]),
        ({"any_of": ["recency_days <= 10", "stage = lead"]}, ["anna", "lea"]),
        ({"none_of": ["recency_days > 60"]}, ["anna", "lea"]),  # of whom nothing is known, it does not hold
        ({"all_of": ["main_category != Tea"]}, ["anna"]),  # nor does this
        ({"all_of": ["main_category is unknown"]}, ["cleo", "lea"]),
        ({"all_of": ["main_category Is Known"]}, ["anna", "bert"]),
        ({"all_of": ["main_category = Men's, all"]}, ["anna"]),
        ({"all_of": ["""main_category in "Men's, all", Tea"""]}, ["anna", "bert"]),
        ({"all_of": ["stage in active, 'inactive'"]}, ["anna", "cleo"]),
        ({"all_of": ["is_rising = false"], "none_of": ["stage = lead"]}, ["bert", "cleo"]),
        ({"all_of": ["last_purchase_on >= day - 90"]}, ["anna", "bert"]),  # 31 December is 90 days before 31 March
        ({"all_of": ["last_purchase_on > day-90"]}, ["anna"]),
        ({"all_of": ["last_purchase_on between 2025-02-24 and 2025-12-31"]}, ["bert", "cleo"]),
        ({"all_of": ["churn_probability >= 0.25"], "none_of": ["customer_id in cleo"]}, ["anna"]),
        ({"all_of": ["customer_360.recency_days = 90"]}, ["bert"]),
    ],
)
def test_who_fulfils_the_conditions_is_in(tmp_path, lists, expected):
    assert members(compiled(tmp_path, told(**lists))["mine"]) == expected


def test_a_cap_takes_those_worth_most(tmp_path):
    text = told(none_of=["stage = lead"]) + "\nvalue = 'revenue'\ncap = 2"
    audience = compiled(tmp_path, text)["mine"]
    assert members(audience) == ["anna", "bert"]  # 100.00 and 250.50, not 7.00
    assert (audience.header.value, audience.columns) == ("revenue", ["customer_id", "stage", "revenue"])


def test_an_audience_may_be_said_by_others(tmp_path):
    text = """
    [a]
    title = "Gone long"
    all_of = ["recency_days > 60"]
    [b]
    title = "Gone long, and not for ever"
    catalogue = "pauses"
    all_of = ["own/a"]
    none_of = ["stage = inactive"]
    [c]
    title = "The others"
    none_of = ["pauses/b"]
    """
    found = compiled(tmp_path, text)
    assert [members(found[name]) for name in "abc"] == [["bert", "cleo"], ["bert"], ["anna", "cleo", "lea"]]


def test_segments_and_columns_of_other_tables(shop, tmp_path):
    # Both bought once in January; anna again in March. grid: a first order of long ago is not champions.
    shop.orders("anna", "2026-01-02", "2026-03-01").orders("bert", "2026-01-05").registered("lea", on="2026-03-01")
    shop.table("marts.customer_360", "2026-03-31")
    segment = shop.show("marts.rfm_segments", "2026-03-31").where(catalogue="grid").by_customer("segment")
    assert segment["anna"] != segment["bert"]
    text = told(all_of=["customer_summary.orders >= 1"], none_of=[f"grid/{segment['bert']}"])
    write_audiences(shop.engine, [compiled(tmp_path, text)["mine"]], DAY, lambda name: tmp_path / Path(name).name)
    found = pl.read_csv(tmp_path / "mine.csv")
    assert (found.columns, found.rows()) == (["customer_id", "orders"], [("anna", 2)])


COMPARE: dict[str, Callable[[pl.Expr, Any], pl.Expr]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "recency_days": st.integers(0, 9),
    "revenue": st.integers(-300, 300).map(lambda cents: Decimal(cents) / 100),
    "churn_probability": st.sampled_from([0.0, 0.25, 0.5, 1.0]),
    "last_purchase_on": st.integers(0, 9).map(lambda days: DAY - dt.timedelta(days=days)),
    "main_category": st.sampled_from(["Tea", "and", "O'Neill", "a, b", 'say "so"', "day", "Ł"]),
    "stage": st.sampled_from(["lead", "active", "inactive"]),
    "is_rising": st.booleans(),
}
TEXTS = ("main_category", "stage")
Condition = tuple[str, pl.Expr]


@st.composite
def customers(draw: st.DrawFn) -> pl.DataFrame:
    rows = draw(st.lists(st.fixed_dictionaries({
        name: values if name in ("stage", "is_rising") else st.none() | values for name, values in VALUES.items()
    }), max_size=12))  # fmt: skip
    return pl.DataFrame([{"customer_id": f"K{place}", **row} for place, row in enumerate(rows)], schema=COLUMNS)


def written(value: Any, name: str) -> str:
    if name not in TEXTS:
        return str(value).lower()
    return f"'{value}'" if "'" not in value else f'"{value}"'


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A condition as it is written, and as polars is asked."""
    name = draw(st.sampled_from(sorted(VALUES)))
    column, values = pl.col(name), VALUES[name]
    kind = draw(st.sampled_from(["compare", "in", "between", "is known", "is unknown"]))
    if kind.startswith("is "):
        return f"{name} {kind}", column.is_not_null() if kind == "is known" else column.is_null()
    if kind == "in":
        several = draw(st.lists(values, min_size=1, max_size=3))
        dtype = CUSTOMERS.schema[name]
        listed = pl.Series(several, dtype=dtype).implode()
        return f"{name} in {', '.join(written(one, name) for one in several)}", column.is_in(listed)
    if kind == "between" and name not in (*TEXTS, "is_rising"):
        low, high = sorted([draw(values), draw(values)])
        return f"{name} between {low} and {high}", (column >= low) & (column <= high)
    operator = draw(st.sampled_from(["=", "!="] if name in (*TEXTS, "is_rising") else sorted(COMPARE)))
    value = draw(values)
    return f"{name} {operator} {written(value, name)}", COMPARE[operator](column, value)


@examples(max_examples=40, deadline=None)
@given(customers(), *[st.lists(conditions(), max_size=3)] * 3)
def test_whatever_is_asked_polars_says_the_same(tmp_path_factory, rows, all_of, any_of, none_of):
    if not (all_of or any_of or none_of):
        all_of = [("customer_id is known", pl.col("customer_id").is_not_null())]
    lists = {"all_of": all_of, "any_of": any_of, "none_of": none_of}
    text = told(**{name: [one for one, _ in listed] for name, listed in lists.items() if listed})
    audience = compiled(tmp_path_factory.mktemp("home"), text)["mine"]
    holds = [expression.fill_null(value=False) for _, expression in all_of]
    holds += [pl.any_horizontal([expression.fill_null(value=False) for _, expression in any_of])] if any_of else []
    holds += [~expression.fill_null(value=False) for _, expression in none_of]
    expected = sorted(rows.filter(pl.all_horizontal(holds))["customer_id"])
    assert members(audience, rows) == expected


# ── what it becomes ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_an_audience_file_like_any(tmp_path):
    text = told(title="Tea */ lovers", all_of=["main_category = 'a */ b'"]) + (
        "\nadvice = 'Write to them'\nconsent = {purpose = 'marketing', channel = 'email'}\nplatforms = ['klaviyo']"
        "\nminimum_size = 50\ncontrol_share = 0.1\nmode = 'diff'\ncolumns = ['revenue', 'engagement.last_action_on']"
    )
    audience = compiled(tmp_path, text)["mine"]
    header = audience.header
    assert (header.title, header.catalogue, header.owner) == ("Tea * / lovers", "own", "team:crm")
    assert (header.advice, header.platforms, header.minimum_size, header.control_share, header.mode) == (
        "Write to them", ("klaviyo",), 50, 0.1, "diff",
    )  # fmt: skip
    assert header.description == "Customers with all of (main_category = 'a * / b')."
    assert audience.columns == ["customer_id", "main_category", "revenue", "last_action_on"]
    assert header.columns["revenue"].type == "DECIMAL(18,2)" and header.columns["last_action_on"].nullable
    again = audience_of(audience.text, audience.file, "mine")
    assert (again.header, again.select) == (header, audience.select)
    assert audience.reads == {"marts.customer_360", "marts.engagement"}
    assert "'a */ b'" in audience.select


def test_it_is_found_shown_and_linted_with_the_rest_of_the_home(tmp_path):
    (tmp_path / "sql" / "audiences").mkdir(parents=True)
    (tmp_path / "audiences.toml").write_text(told(all_of=["signals/overdue", "r_score >= 3"]))
    catalog = catalog_of(tmp_path)
    assert [one.name for one in catalog.audiences if one not in ours().audiences] == ["mine"]
    settings = Settings(home=tmp_path)
    assert problems_of_home(settings) == []
    for name in ("mine", "own/mine"):
        assert text_of_audience(settings, name) == catalog.audiences[-1].text.strip()
    assert text_of_audience(settings, "signals").startswith("/*\ntitle: Signals")
    with pytest.raises(NoSuchAudience, match="no audience 'grid/loyal' with SQL of its own"):
        text_of_audience(settings, "grid/loyal")


def test_the_example_of_the_handbook_is_one(tmp_path):
    (text,) = re.findall(r"```toml\n# audiences\.toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "audiences.toml").write_text(text)
    assert problems_of_home(Settings(home=tmp_path)) == []
    assert len(catalog_of(tmp_path).audiences) == len(ours().audiences) + 2
    chapter = DOCS.read_text(encoding="utf-8").split("| field | meaning |")[1].split("##")[0]
    assert NamedAudience.model_fields.keys() == set(re.findall(r"`(\w+)`", chapter)) - {"customer_id", "own"}


# ── refused ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("recency_dayz > 60", "there is no column 'recency_dayz'; did you mean recency_days"),
        ("last_action > 60", "there is no column 'last_action'; did you mean last_action_on"),
        ("band = low", "did you mean discount_bands.band"),
        ("engagment.level = never", "did you mean engagement.level"),
        ("snapshot_date = 2026-01-01", "there is no column 'snapshot_date'"),
        ("recency_days == 60", "there is no operator '=='; did you mean =; there are =, !=, <"),
        ("recency_days => 60", "did you mean >="),
        ("recency_days is null", "no operator 'is null'"),
        ("recency_days betwen 1 and 2", "no operator 'betwen'; did you mean between"),
        ("stage not in lead", "no operator 'not in'; did you mean in, below none_of"),
        ("stage like lead", "no operator 'like'"),
        ("recency_days > soon", "'soon' is no number; write it plainly, such as 1500 or 0.25"),
        ("revenue > 1,500", "'1,500' is no number"),
        ("p_alive > 30", "the column is at least 0 and at most 1, never 30"),
        ("r_score = 0", "the column is at least 1 and at most 5, never 0"),
        ("recency_days between 60", "write between … and …"),
        ("recency_days between 60 and 30", "write the smaller one first"),
        ("recency_days =", "a value is missing"),
        ("recency_days in 1, ", "a value is missing"),
        ("stage = activ", "the column never is 'activ'; did you mean active; it is lead, first-time, active"),
        ("stage > active", "> compares numbers and days; of this column write =, != or in"),
        ("main_category = 'Tea", "the quote ' is not closed"),
        ("is_rising = yes", "'yes' is neither true nor false"),
        ("last_purchase_on > 31.12.2025", "'31.12.2025' is no day; write YYYY-MM-DD, or day, day + 7"),
        ("grid/loyall", "there is no audience 'grid/loyall' that can be named here; did you mean grid/loyal"),
        ("champions", "did you mean axonaut/champions or grid/champions"),
        ("category/tea", "for others, such as products, write a condition on a column"),
        ("the good ones", "there is no column 'the'"),
        ("recency_days", "there is no audience 'recency_days' that can be named here"),
        ("", "'' is neither an audience"),
    ],
)
def test_what_cannot_be_meant_is_told_with_what_might_be(tmp_path, term, words):
    refused = refusal(tmp_path, told(none_of=["is_rising = true", term]))
    assert refused.startswith("home/audiences.toml, audience mine, none_of: ") and words in refused


GOOD = 'title = "Good ones"\nall_of = ["r_score = 5"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"[segments]\n{GOOD}", "audience segments: sql/audiences/segments.sql has an audience of this name already"),
        (f"[loyal]\n{GOOD}catalogue = 'grid'", "audience loyal: sql/audiences/segments.sql has an audience of this"),
        (f"[Good]\n{GOOD}", "audience Good: this cannot name an audience"),
        (f"[a]\n{GOOD}[a]\n{GOOD}", "is not readable TOML"),
        ("title = 'x'", "title stands outside of an audience; begin one with [name]"),
        ("[a]\nall_of = ['r_score = 5']", "audience a, title: is missing"),
        (f"[a]\n{GOOD}platfroms = []", "audience a, platfroms: there is no such field; did you mean platforms"),
        (f"[a]\n{GOOD}platforms = ['klavyo']", "audience a, platforms: there is no platform 'klavyo'"),
        (f"[a]\n{GOOD}platforms = ['klaviyo']", "klaviyo gets those who agreed"),
        ("[a]\ntitle = 'Nobody'", "say who is in it, by all_of, any_of or none_of"),
        ("[a]\ntitle = 'Nobody'\nany_of = []", "audience a, any_of: "),
        (f"[a]\n{GOOD}cap = 5", "cap takes those with the highest value: name the column"),
        (f"[a]\n{GOOD}value = 'stage'", "audience a, value: 'stage' is no number"),
        (f"[a]\n{GOOD}columns = ['revenu']", "audience a, columns: there is no column 'revenu'; did you mean revenue"),
        (f"[a]\n{GOOD}any_of = ['own/b']\n[b]\n{GOOD}none_of = ['own/a']", "it is said by itself: a → b → a"),
    ],
)
def test_an_audience_that_cannot_be_is_refused(tmp_path, text, words):
    refused = refusal(tmp_path, text)
    assert refused.startswith("home/audiences.toml") and words in refused


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    refused = refusal(tmp_path, "[a]\ntitle = 'A'\n[b]\ntitle = 'Bees'\nall_of = ['x = 1']\n[c]\n" + GOOD)
    assert [line.split(":")[0] for line in refused.splitlines()] == [
        "home/audiences.toml, audience a, title",
        "home/audiences.toml, audience b, all_of",
    ]


def test_names_are_those_of_the_home_too(tmp_path):
    (tmp_path / "sql" / "audiences").mkdir(parents=True)
    signals = (SQL_FOLDER / "audiences" / "reachable.sql").read_text().replace("catalogue: reachable", "catalogue: own")
    (tmp_path / "sql" / "audiences" / "mine.sql").write_text(signals)
    (tmp_path / "audiences.toml").write_text(told(all_of=["r_score = 5"]))
    with pytest.raises(HeaderError, match=r"home/sql/audiences/mine\.sql has an audience of this name already"):
        own_catalog(tmp_path / "sql", "home/sql", tmp_path / "audiences.toml")
