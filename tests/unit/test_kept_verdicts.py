"""Tests of models as of the last month's end: made once, kept while nothing that they follow from has changed."""

import datetime as dt
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from shop import RealShop, build, real_shop
from sqlglot import exp

from pipeline.models.beta_geometric import BGNBD
from pipeline.settings import Settings
from pipeline.simulator.customers import draw
from pipeline.simulator.shop import Shop
from pipeline.steps.prediction import kept_verdicts, nightly
from pipeline.steps.prediction.inputs import Everybody, queries
from pipeline.steps.prediction.kept_file import FITS, VERDICTS, KeptFile, forget_kept
from pipeline.steps.prediction.kept_fits import KeptFits
from pipeline.steps.prediction.kept_verdicts import TOLD, KeptVerdicts, key_of
from pipeline.steps.prediction.known import Known
from pipeline.steps.prediction.nightly import Night
from pipeline.steps.prediction.rows import frames_of
from pipeline.steps.prediction.trial import Trial
from pipeline.steps.prediction.verdicts import Verdicts
from pipeline.tables.catalog import tables
from pipeline.tables.sql_text import parse

MARCH, APRIL = dt.date(2026, 3, 31), dt.date(2026, 4, 30)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """Thirteen months of a shop that grows, without a season."""
    home, last = tmp_path_factory.mktemp("shop"), APRIL + dt.timedelta(4)
    orders = pl.concat([chunk.orders for chunk in draw(Shop(customers=1_500, years=2, last_day=last))])
    days = pl.col("ordered_at").dt.date()
    orders = orders.filter((pl.col("customer") >= 0) & days.is_between(dt.date(2025, 3, 15), last)).sort("ordered_at")
    file = home / "orders.csv"
    orders.with_row_index("n").select(
        order_id=pl.format("o{}", "n"), customer_id=pl.format("c{}", "customer"),
        ordered_at=days, amount=pl.col("value").round(2),
    ).write_csv(file)  # fmt: skip
    with real_shop(Settings(home=home), "perennial", file, last, "marts.customer_summary") as shop:
        yield shop


class Counted(Trial):
    """Trials, and as of which days they were made."""

    made: ClassVar[list[dt.date]] = []

    @property
    def verdicts(self) -> Verdicts:  # type: ignore[override]
        self.made.append(self.known.day)
        return Trial(self.known).verdicts


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dt.date]:
    monkeypatch.setattr(nightly, "Trial", Counted)
    Counted.made = []
    return Counted.made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "verdicts.json"


def night(shop: RealShop, day: dt.date, file: Path | None = None, **settings: Any) -> Night:
    """With the last night's models, and with what is kept in a file, written again afterwards."""
    kept, fits = KeptVerdicts(file), KeptFits(file and file.with_name("fits.json"))
    found = Night(shop.engine, Settings(**settings), day, {"bgnbd": BGNBD(0.3, 5.0, 0.5, 2.0)}, fits, kept)
    assert found.why_not is None
    found.frames = frames_of(found)  # type: ignore[attr-defined]
    kept.save()
    fits.save()
    return found


def buys(shop: RealShop, order: str, customer: str, on: str) -> None:
    """An order as loading and staging put it into the warehouse; one of a day long past has come late."""
    run = shop.engine.execute
    run(f"INSERT INTO staging.order_lines BY NAME SELECT '{order}' AS order_id, '{order}' AS line_id, '{customer}' AS "
        f"customer_id, DATE '{on}' AS ordered_on, 'sale' AS kind, 20.00 AS amount, 1 AS quantity")  # fmt: skip
    run("INSERT INTO staging.orders BY NAME SELECT "
        f"'{order}' AS order_id, DATE '{on}' AS known_on, '{customer}' AS customer_id, DATE '{on}' AS ordered_on, "
        "1 AS orders, 0 AS voided, 1 AS items, 20.00 AS amount")  # fmt: skip
    run(f"INSERT INTO staging.occasions SELECT '{customer}', DATE '{on}', DATE '{on}', 1, 20.00")


def is_given_back(shop: RealShop, order: str, customer: str, bought: str, on: str) -> None:
    """All of what `buys` sold."""
    run = shop.engine.execute
    run(f"INSERT INTO staging.order_lines BY NAME SELECT '{order}' AS order_id, 'back' AS line_id, '{customer}' AS "
        f"customer_id, DATE '{on}' AS ordered_on, 'refund' AS kind, -20.00 AS amount, -1 AS quantity")  # fmt: skip
    run("INSERT INTO staging.orders BY NAME SELECT "
        f"'{order}' AS order_id, DATE '{on}' AS known_on, '{customer}' AS customer_id, DATE '{bought}' AS ordered_on, "
        "-1 AS orders, 1 AS voided, -1 AS items, -20.00 AS amount")  # fmt: skip
    run(f"INSERT INTO staging.occasions SELECT '{customer}', DATE '{bought}', DATE '{on}', -1, -20.00")


def is_forgotten(shop: RealShop, customer: str) -> None:
    for table in ("order_lines", "orders", "occasions"):
        shop.engine.execute(f"DELETE FROM staging.{table} WHERE customer_id = '{customer}'")


def test_nights_with_and_without_what_is_kept_publish_the_same(shop: RealShop, file: Path, made: list[dt.date]) -> None:
    first, second = APRIL + dt.timedelta(1), APRIL + dt.timedelta(2)
    nights = [
        # What happens before it, the day, settings, and as of which day tests are made for it: None, they are kept.
        (lambda: None, MARCH, {}, MARCH),
        (lambda: None, MARCH + dt.timedelta(1), {}, None),  # those of the night of the month's end
        (lambda: None, first, {}, APRIL),
        (lambda: buys(shop, "new", "c1", "2026-05-02"), second, {}, None),
        (lambda: buys(shop, "late", "c2", "2026-03-10"), second, {}, APRIL),
        (lambda: is_forgotten(shop, "c7"), second, {}, APRIL),
        (lambda: None, second, {"churn_horizon_days": 60}, APRIL),
    ]
    for happens, day, settings, expected in nights:
        happens()
        build(shop.engine, day, "marts.customer_summary")
        made.clear()
        with_kept: Any = night(shop, day, file, **settings)
        assert made == ([] if expected is None else [expected])
        without: Any = night(shop, day, **settings)
        assert with_kept.frames.keys() == without.frames.keys()
        for name, frame in with_kept.frames.items():
            assert frame.equals(without.frames[name]), (day, name)


def test_only_what_was_known_by_the_day_changes_the_fingerprint(shop: RealShop) -> None:
    def key(**settings: Any) -> str:
        return key_of(Known(shop.engine, Settings(**settings), APRIL))

    keys = [key()]
    buys(shop, "may", "c1", "2026-05-02")
    buys(shop, "april", "c1", "2026-04-10")
    keys.append(key())
    is_given_back(shop, "april", "c1", "2026-04-10", "2026-05-03")
    is_given_back(shop, "may", "c1", "2026-05-02", "2026-05-03")
    assert key() == keys[-1] != keys[0]
    buys(shop, "march", "c1", "2026-03-10")
    is_given_back(shop, "march", "c1", "2026-03-10", "2026-04-29")
    keys.append(key())
    shop.engine.execute("UPDATE staging.order_lines SET category = 'tea' WHERE order_id = 'march'")
    keys.append(key())
    shop.engine.execute("UPDATE staging.order_lines SET customer_id = 'c4' WHERE order_id = 'april'")
    keys.append(key())
    is_forgotten(shop, "c1")
    keys += [key(), key(churn_horizon_days=45), key(clv={"fitter": "lifetimes"})]
    assert len(set(keys)) == len(keys)
    assert key(clv={"margin": 0.3}) == keys[-3]


def test_what_is_kept_are_figures_and_nothing_of_anybody(shop: RealShop, file: Path) -> None:
    found = night(shop, APRIL, file)
    told = file.read_text()
    assert not re.search(r"(?<![0-9a-f])[0-9]+(?![0-9a-f])", told)  # nothing to be taken for an id
    ids = set(shop.engine.read("SELECT DISTINCT customer_id FROM staging.order_lines")["customer_id"])
    (digits,) = json.loads(told)["kept"].values()
    assert kept_verdicts._verdicts_of(digits) == found.verdicts
    plain = repr(found.verdicts)
    assert not ids & set(re.findall(r"\w+", plain)) and "value" in plain
    counts = {row["customers"] for verdict in found.verdicts.of.values() for row in verdict.rows["decile_chart"]}
    assert min(counts) > 50
    assert len(told) < 150_000  # of a month
    assert kept_verdicts.MOST * len(told) < kept_verdicts._MOST_BYTES


def test_what_is_damaged_or_of_other_code_is_made_anew(
    shop: RealShop, file: Path, made: list[dt.date], monkeypatch: pytest.MonkeyPatch
) -> None:
    night(shop, APRIL, file)
    whole = file.read_text()
    (digits,) = json.loads(whole)["kept"].values()
    other = digits[:-9] + ("0" if digits[-9] != "0" else "1") + digits[-8:]
    for damaged in ("", whole[:-5], whole.replace(digits, other)):
        made.clear()
        file.write_text(damaged)
        night(shop, APRIL, file)
        assert made == [APRIL] and file.read_text() == whole
    for odd in (file.mkdir, lambda: os.mkfifo(file)):
        file.unlink()
        odd()
        assert KeptVerdicts(file).find("a") is None
        file.rmdir() if file.is_dir() else file.unlink()
        file.write_text(whole)
    (key,) = json.loads(whole)["kept"]
    for forged in ("00", "no digits", 5, zlib.compress(b"{}").hex()):  # with a right sum
        kept = KeptFile(file, kept_verdicts._made_by, kept_verdicts.MOST, kept_verdicts._MOST_BYTES)
        kept.keep(key, forged)
        kept.save()
        assert KeptVerdicts(file).find(key) is None
    file.write_text(whole)
    assert KeptVerdicts(file).find(key)
    monkeypatch.setattr(kept_verdicts, "_made_by", lambda: "another version")
    assert not KeptVerdicts(file).find(next(iter(json.loads(whole)["kept"])))


def test_what_is_forgotten_may_be_no_file(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    fits, verdicts = (settings.warehouse_file.with_name(name) for name in (FITS, VERDICTS))
    verdicts.mkdir(parents=True)
    fits.touch()
    forget_kept(settings)
    assert verdicts.is_dir() and not fits.exists()


def test_months_used_last_are_kept(shop: RealShop, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = Night(shop.engine, Settings(), APRIL).verdicts
    monkeypatch.setattr(kept_verdicts, "MOST", 2)
    for key in ("a", "b", "c"):
        kept = KeptVerdicts(file)
        assert kept.keep(key, verdicts) == verdicts
        kept.save()
    assert list(json.loads(file.read_text())["kept"]) == ["c", "b"]
    shutil.rmtree(file.parent)
    KeptVerdicts(file).keep("d", verdicts)  # who cannot keep goes on


def test_the_fingerprint_is_of_every_column_that_is_read() -> None:
    # Parts are of all columns, whatever is read of them.
    asked = {name: parse(sql, name) for name, sql in queries().items() if not name.endswith("of a part")}
    read = {column.name for tree in asked.values() for column in tree.find_all(exp.Column)}
    told = {source.name: asked[name] for name in TOLD for source in asked[name].find_all(exp.Table)}
    assert told.keys() == {"order_lines", "orders", "occasions"}
    # Of orders it is asked which are void since when: what else they say is told by lines and occasions.
    of_others = {"orders": {"customer_id", "ordered_on", "orders", "amount"}}
    for name, tree in told.items():
        columns = tables()[f"staging.{name}"].header.columns.keys() & read
        assert columns - {column.name for column in tree.selects} <= of_others.get(name, set())


@pytest.mark.parametrize(
    ("day", "history", "tested_on"),
    [
        ("2026-04-30", 300, "2026-04-30"),
        ("2026-04-30", 900, "2026-04-30"),
        ("2026-05-01", 366, "2026-04-30"),
        ("2026-05-30", 394, "2026-05-30"),  # 364 days up to the month's end
        ("2026-05-30", 395, "2026-04-30"),
        ("2026-05-31", 396, "2026-05-31"),
    ],
)
def test_models_are_tested_as_of_a_month_s_end_once_there_is_a_year_before_it(
    day: str, history: int, tested_on: str
) -> None:
    found = Night(None, Settings(), dt.date.fromisoformat(day))  # type: ignore[arg-type]
    found.today = Everybody(found.day, pl.DataFrame({"age_days": [history, 3]}))
    assert found.tested_on == dt.date.fromisoformat(tested_on)
