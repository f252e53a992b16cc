"""Quarantine: the rows that do not fit stand in one file per export and nowhere else, whoever dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pytest
from drop_folder import Home

from pipeline.home.quarantine import settle
from pipeline.ingest import load
from pipeline.ingest.load import record
from pipeline.places import quarantine_file

GOOD, BAD = "o1,anna,2026-01-02,10", "o2,anna,2026-01-02,anna@example.org"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ExitStack() as opened:
        yield Home(tmp_path, opened)


def files(home: Home) -> list[str]:
    return sorted(path.name for path in (home.path / "data" / "quarantine").iterdir())


def file_of(home: Home, stem: str = "january") -> str:
    return f"{stem}-{home.ledger().one('file_id')[:8]}.parquet"


def test_the_rows_are_written_per_export_and_only_where_there_are_any(home):
    home.lines("good.csv", GOOD)
    home.lines("bad.csv", "o2,anna,2026-01-02,ten", "o3,anna,2026-01-02,10", ",anna,2026-01-02,10")
    home.load()
    bad = home.ledger().where(quarantined=2).one("file_id")
    (name,) = files(home)
    assert name == f"bad-{bad[:8]}.parquet"
    rows = pl.read_parquet(home.path / "data" / "quarantine" / name)
    assert rows.columns == ["row_number", "reasons", "raw"]
    assert rows.select("row_number", "reasons").rows() == [
        (1, 'column "amount": "xxx" is not a number'), (3, 'column "order_id" is missing'),
    ]  # fmt: skip
    assert '"amount":"ten"' in rows["raw"][0]


def test_nobody_else_may_read_them_and_the_warehouse_does_not_hold_their_text(home):
    home.lines("january.csv", GOOD, BAD)
    home.load()
    folder = home.path / "data" / "quarantine"
    assert [path.stat().st_mode & 0o777 for path in (folder, folder / file_of(home))] == [0o700, 0o600]
    assert "anna@example.org" in str(home.set_aside().frame.to_dicts())
    assert "example" not in str(home.everything())


def test_a_mended_mapping_takes_the_rows_away(home):
    home.lines("january.csv", GOOD, 'o2,anna,2026-01-02,"12,50"')
    home.settings["dialects"] = {"perennial": {"decimal": ".", "thousands": "none"}}
    home.load()
    assert files(home) == [file_of(home)]
    home.settings["dialects"] = {"perennial": {"decimal": ",", "thousands": "none"}}
    home.load()
    assert home.ledger().one("quarantined") == 0 and files(home) == []


LONG = "ż" * 60 + "january" * 18  # 246 bytes: with an ending of ours it could be no name


def test_a_very_long_name_is_shortened_and_two_of_them_stay_two(home):
    for kind, row in (("a", BAD), ("b", BAD.replace("o2", "o3"))):
        home.lines(f"{LONG}{kind}.csv", GOOD.replace("o1", f"o1{kind}"), row)
    home.load()
    assert home.ledger().where(quarantined=1).frame.height == 2
    assert [name[:-17] for name in files(home)] == ["ż" * 40] * 2 and len(set(files(home))) == 2
    before = files(home)
    home.load()
    assert files(home) == before


def test_a_name_is_cut_between_characters():
    for stem, short in (("a" + "ż" * 60, "a" + "ż" * 39), ("a" * 80, "a" * 80), ("語" * 80, "語" * 26)):
        assert quarantine_file(f"data/exports/{stem}.csv", "0123456789") == f"data/quarantine/{short}-01234567.parquet"


def test_rows_under_the_long_name_of_another_version_are_kept(home):
    export = home.lines(f"{'j' * 100}.csv", GOOD, BAD)
    home.load()
    folder, name = home.path / "data" / "quarantine", file_of(home, "j" * 80)
    (folder / name).rename(folder / file_of(home, "j" * 100))
    export.unlink()
    settle(home.engine, home.now())
    assert files(home) == [name] and home.set_aside().one("row_number") == 2


def _dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_rows_whose_transaction_was_not_committed_are_gone_with_the_next_load(home, monkeypatch):
    home.lines("january.csv", GOOD, BAD)
    monkeypatch.setattr(record, "record_file", _dies)
    with pytest.raises(KeyboardInterrupt):
        home.load()
    (hidden,) = files(home)
    assert hidden.startswith(".") and not home.reasons()
    settle(home.engine, home.now())
    assert files(home) == []


def test_rows_whose_transaction_was_committed_get_their_name_with_the_next_load(home, monkeypatch):
    home.lines("january.csv", GOOD, BAD)
    with monkeypatch.context() as killed:
        killed.setattr(load, "name_rows", _dies)
        with pytest.raises(KeyboardInterrupt):
            home.load()
    (hidden,) = files(home)
    assert hidden.startswith(".") and set(home.reasons()) == {2}
    assert home.load()["january.csv"].read_now is False
    assert files(home) == [file_of(home)] and home.set_aside().one("row_number") == 2


def test_a_reading_that_was_not_committed_does_not_replace_the_one_before(home, monkeypatch):
    home.lines("january.csv", GOOD, BAD)
    home.load()
    before = home.set_aside().rows()
    home.settings["currency"] = "PLN"  # read again, and killed
    with monkeypatch.context() as killed:
        killed.setattr(record, "record_file", _dies)
        with pytest.raises(KeyboardInterrupt):
            home.load()
    home.settings["currency"] = "EUR"
    home.load()
    assert files(home) == [file_of(home)] and home.set_aside().rows() == before


def test_rows_that_somebody_removed_are_written_again_while_the_export_is_there(home):
    export = home.lines("january.csv", GOOD, BAD)
    home.load()
    before = home.everything()
    Path(home.path, "data", "quarantine", file_of(home)).unlink()
    home.load()
    assert files(home) == [file_of(home)] and home.everything() == before
    export.unlink()
    Path(home.path, "data", "quarantine", file_of(home)).unlink()
    home.load()  # nothing can be done, and nothing else is lost
    assert files(home) == [] and set(home.reasons()) == {2}
