"""Rekey: a home of before, or one whose key is lost, has its ids made anew from the exports; nothing old is left."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from pipeline import rekey
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.errors import ExportError
from pipeline.home import rewriting
from pipeline.home.rewriting import finish_rekey, remove_raw_rows
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.identity import IdKeyError, find_key, key_file
from pipeline.rekey import RekeyUnfinished, rekey_home
from pipeline.settings import Settings
from pipeline.tables.catalog import tables

SHOPIFY = (
    "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price\n"
    "#1,a@x.org,paid,EUR,10,10,2026-02-01 10:00:00 +0100,1,Tea,10\n"
)
BARE = hashlib.sha256(b"a@x.org").hexdigest()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of before: one export of addresses whose ids are bare hashes, one that has none, and a snapshot."""
    settings = Settings(home=tmp_path)
    for name, text in (
        ("shopify_orders/a.csv", SHOPIFY),
        ("perennial/b.csv", "order_id,customer_id,ordered_at,amount\nb1,kim,2026-02-01,5\nb2,kim,2026-02-02,x\n"),
    ):
        file = settings.exports_folder / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    load(settings)
    key_file(tmp_path).unlink()
    with closing(connect(settings.warehouse_file, settings)) as connection:
        for statement in (
            f"UPDATE staging.order_lines SET customer_id = '{BARE}' WHERE order_id = '#1'",
            "ALTER TABLE ingest.files DROP COLUMN id_key",
            "INSERT INTO marts.rfm_segments (snapshot_date, customer_id) VALUES (DATE '2026-02-01', 'old')",
        ):
            connection.execute(statement).fetchall()
    return settings


def load(settings: Settings) -> None:
    lenient = settings.model_copy(update={"quarantine_limit": 1.0})
    with closing(connect(settings.warehouse_file, settings)) as connection:
        engine = DuckDBEngine(connection)
        engine.prepare(settings, list(tables().values()))
        for outcome in load_exports(engine, lenient, find_exports(lenient, {})):
            assert not isinstance(outcome, ExportError), outcome


def read(settings: Settings, sql: str) -> list[tuple]:
    with closing(duckdb.connect(str(settings.warehouse_file), read_only=True)) as connection:
        return connection.execute(sql).fetchall()


CUSTOMERS = "SELECT order_id, customer_id FROM staging.order_lines ORDER BY order_id"
DAYS = "SELECT DISTINCT snapshot_date FROM marts.rfm_segments"


def test_ids_are_made_anew_from_the_exports(settings: Settings) -> None:
    with pytest.raises(IdKeyError, match="bare SHA-256"):
        load(settings)
    before = settings.warehouse_file.read_bytes()
    seen = rekey_home(settings, {}, dry_run=True)
    assert (seen.files, seen.missing, seen.makes_key) == (("data/exports/shopify_orders/a.csv",), (), True)
    assert settings.warehouse_file.read_bytes() == before and not key_file(settings.home).exists()

    done = rekey_home(settings, {})
    assert str(done) == (
        "a new key is made; 1 file is read again by the next run; 1 snapshot leaves the warehouse (what is published "
        "of them stays, with the old ids)"
    )
    assert read(settings, CUSTOMERS) == [("b1", "kim")] and read(settings, DAYS) == []
    assert BARE.encode() not in settings.warehouse_file.read_bytes()
    load(settings)
    key = find_key(settings)
    assert key is not None
    assert read(settings, CUSTOMERS) == [("#1", hmac.new(key, b"a@x.org", "sha256").hexdigest()), ("b1", "kim")]
    assert rekey_home(settings, {}).files == ()


def test_nothing_changes_while_an_export_is_missing_unless_its_rows_are_given_up(settings: Settings) -> None:
    (settings.exports_folder / "shopify_orders" / "a.csv").unlink()
    with pytest.raises(IdKeyError, match=r"1 of these exports are gone: data/exports/shopify_orders/a\.csv"):
        rekey_home(settings, {})
    assert len(read(settings, CUSTOMERS)) == 2 and read(settings, DAYS) == [(dt.date(2026, 2, 1),)]
    rekey_home(settings, {}, forget_missing=True)
    load(settings)
    assert read(settings, CUSTOMERS) == [("b1", "kim")]


def test_a_lost_key_is_replaced(settings: Settings) -> None:
    rekey_home(settings, {})
    load(settings)
    before = read(settings, CUSTOMERS)
    key_file(settings.home).unlink()
    rekey_home(settings, {})
    load(settings)
    after = read(settings, CUSTOMERS)
    assert after != before and after[1:] == before[1:]


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


STAGES = (
    (rekey, "make_key"), (DuckDBEngine, "note_changes"), (rekey, "_begin"), (rekey, "finish_rekey"),
    (DuckDBEngine, "drop_days"), (rewriting, "rewrite"), (rewriting, "fsync"), (Path, "replace"),
)  # fmt: skip


def leftovers(settings: Settings) -> list[str]:
    return [path.name for path in settings.warehouse_file.parent.iterdir() if "rewriting" in path.name]


@pytest.mark.parametrize(
    ("owner", "name", "next_is"),
    [(*stage, ("rekey", "run")[number % 2]) for number, stage in enumerate(STAGES)] + [(rewriting, "rewrite", "rekey")],
)
def test_whoever_comes_after_a_rekey_that_was_killed_goes_on_with_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, next_is: str
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(owner, name, _dies)
        with pytest.raises(KeyboardInterrupt):
            rekey_home(settings, {})
    if read(settings, CUSTOMERS) == [("b1", "kim")]:  # it had begun
        if next_is == "rekey":
            seen = rekey_home(settings, {}, dry_run=True)
            assert seen.goes_on and seen.files == ()
            assert rekey_home(settings, {}).goes_on
        else:
            rewriting.remove_unfinished(settings)
            assert finish_rekey(settings)
    else:  # nothing of it has happened: a run says so, as before
        assert len(read(settings, CUSTOMERS)) == 2 and read(settings, DAYS) != []
        with pytest.raises(IdKeyError):
            load(settings)
        assert not finish_rekey(settings) and not rekey_home(settings, {}).goes_on
    assert read(settings, CUSTOMERS) == [("b1", "kim")] and read(settings, DAYS) == []
    assert BARE.encode() not in settings.warehouse_file.read_bytes() and leftovers(settings) == []
    assert not finish_rekey(settings)
    load(settings)
    assert len(read(settings, CUSTOMERS)) == 2
    assert rekey_home(settings, {}) == rekey.Rekeying((), (), 0, makes_key=False)


def test_a_rewriting_that_was_killed_leaves_nothing_to_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(rewriting, "fsync", _dies)
        with pytest.raises(KeyboardInterrupt):
            rewriting.rewrite(settings)
    assert leftovers(settings) != []
    for name in leftovers(settings):  # what kill -9 leaves is no whole file, and may have a log of its own
        for path in (name, f"{name}.wal"):
            (settings.warehouse_file.parent / path).write_bytes(b"half a file")
    rewriting.rewrite(settings)
    assert leftovers(settings) == [] and len(read(settings, CUSTOMERS)) == 2


def test_a_rekey_on_a_full_disk_says_that_it_goes_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(rewriting, "rewrite", full)
        with pytest.raises(RekeyUnfinished, match=r"The disk is full.* or run: either goes on"):
            rekey_home(settings, {})
    assert rekey_home(settings, {}).goes_on


def test_raw_rows_of_before_leave_the_warehouse_and_its_bytes(settings: Settings) -> None:
    planted = "zuzanna.planted@example.org"
    with closing(connect(settings.warehouse_file, settings)) as connection:
        connection.execute("ALTER TABLE ingest.quarantine ADD COLUMN raw VARCHAR").fetchall()
        reason = f'column "amount": "{planted}" is not a number'
        connection.execute(
            "UPDATE ingest.quarantine SET raw = $raw, reasons = $reason", {"raw": planted, "reason": reason}
        )
    assert planted.encode() in settings.warehouse_file.read_bytes()
    assert remove_raw_rows(settings)
    assert planted.encode() not in settings.warehouse_file.read_bytes()
    rows = read(settings, "SELECT * EXCLUDE (file_id) FROM ingest.quarantine")
    assert rows == [(2, 'column "amount" is not a number')]
    assert len(read(settings, CUSTOMERS)) == 2 and read(settings, DAYS) == [(dt.date(2026, 2, 1),)]
    assert not remove_raw_rows(settings)
