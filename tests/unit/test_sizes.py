"""Bombs: what unpacks to more than an export holds, rows longer than can be read, sheets wider than memory."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import polars as pl
import pytest
from drop_folder import HEADER, Home

from pipeline.errors import ExportError
from pipeline.ingest import sizes
from pipeline.ingest.readers import json_lines, separated
from pipeline.ingest.readers import text as reading
from pipeline.ingest.sizes import Limits, require_size
from pipeline.settings import Settings

LIMITS = Limits(1_000_000, 200)


def write(path: Path, content: bytes, compression: str = "none") -> Path:
    if compression == "zstd":
        import pyarrow as pa

        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(content)
    else:
        path.write_bytes(gzip.compress(content) if compression == "gzip" else content)
    return path


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_the_limit_is_of_what_is_unpacked(tmp_path, compression):
    fits = write(tmp_path / "a", b"1234567\n" * 125_000, compression)
    require_size(fits, "csv", compression, LIMITS)
    with pytest.raises(
        ExportError, match=r"more than 1,000,000 bytes once it is unpacked \(setting max_export_bytes\)"
    ):
        require_size(write(tmp_path / "b", b"1234567\n" * 125_001, compression), "csv", compression, LIMITS)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_large_file_may_not_be_packed_too_tightly_and_a_small_one_may(tmp_path, compression, monkeypatch):
    packed = write(tmp_path / "a", b"1234567\n" * 100_000, compression)
    require_size(packed, "csv", compression, LIMITS)
    monkeypatch.setattr(sizes, "SMALL", 10_000)
    sizes._require.cache_clear()
    with pytest.raises(ExportError, match=r"more than 200 times its size \(setting max_export_ratio\)"):
        require_size(packed, "csv", compression, LIMITS)


def test_parquet_is_judged_by_its_rows_however_few_bytes_they_take(tmp_path):
    pl.select(pl.repeat(1, 600_000).alias("a"), pl.repeat(2, 600_000).alias("b")).write_parquet(tmp_path / "a")
    assert (tmp_path / "a").stat().st_size < 100_000
    with pytest.raises(ExportError, match=r"max_export_bytes"):
        require_size(tmp_path / "a", "parquet", "none", LIMITS)


def workbook(path: Path, cells: str) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet><sheetData>{cells}</sheetData></worksheet>")
    return path


def test_a_sheet_may_not_span_more_cells_than_memory_holds(tmp_path):
    near = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="C1048576"><v>1</v></c></row>'
    require_size(workbook(tmp_path / "near.xlsx", near), "xlsx", "none", LIMITS)
    far = near.replace("C1048576", "XFD1048576")
    with pytest.raises(ExportError, match=r"1,048,576 rows of 16,384 columns"):
        require_size(workbook(tmp_path / "far.xlsx", far), "xlsx", "none", LIMITS)


def test_a_workbook_is_limited_by_what_its_parts_unpack_to(tmp_path):
    with pytest.raises(ExportError, match=r"max_export_bytes"):
        require_size(workbook(tmp_path / "a.xlsx", "<v>1</v>" * 200_000), "xlsx", "none", LIMITS)


LONG = "x" * (20 * 2**20)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
@pytest.mark.parametrize("before", [(), ("o1,anna,2026-01-02,10",)], ids=["first", "second"])
def test_a_row_too_long_to_be_read_is_quarantined_wherever_it_stands(home, name, before, monkeypatch):
    for module in (reading, separated):
        monkeypatch.setattr(module, "LONGEST_ROW", 2**23)
    text = "\n".join((HEADER, *before, f"o2,{LONG},2026-01-02,10", "o3,anna,2026-01-03,5")) + "\n"
    home.drop(name, gzip.compress(text.encode(), 1) if name.endswith("gz") else text)
    loaded = home.load()[name]
    assert (loaded.accepted, loaded.quarantined) == (len(before) + 1, 1)
    quarantined = home.set_aside()
    assert quarantined.rows("row_number", "reasons") == [
        (len(before) + 1, "the row is longer than 8,388,608 characters")
    ]
    assert len(quarantined.one("raw")) < 1000


def test_a_row_too_long_alone_in_its_file_does_not_vanish(home, monkeypatch):
    for module in (reading, separated):
        monkeypatch.setattr(module, "LONGEST_ROW", 2**23)
    home.drop("a.csv", f"{HEADER}\no2,{LONG},2026-01-02,10\n")
    assert home.load()["a.csv"].quarantined == 1


def test_a_line_of_json_too_long_to_be_read_refuses_the_file(home):
    home.drop("a.jsonl", f'{{"order_id": "{LONG}"}}\n')
    with pytest.raises(ExportError, match=r"longer than 16,777,216 characters"):
        home.load()


def test_the_settings_are_heeded_by_a_run(home):
    home.settings["max_export_bytes"] = 40
    home.lines("a.csv", "o1,anna,2026-01-02,10")
    with pytest.raises(ExportError, match=r"a\.csv holds more than 40 bytes"):
        home.load()


def test_a_home_that_sets_nothing_has_limits(tmp_path):
    assert sizes.limits_of(Settings(home=tmp_path)) == Limits(50_000_000_000, 200)


@pytest.fixture
def home(tmp_path):
    from contextlib import ExitStack

    with ExitStack() as opened:
        yield Home(tmp_path, opened)


FAR = "<worksheet><sheetData><row r='200000'><c r={}><v>1</v></c></row></sheetData></worksheet>"
RELATIONS = "<Relationships><Relationship Id='rId1' Type='worksheet' Target='{}'/></Relationships>"


@pytest.mark.parametrize("place", ["'ALL200000'", '"ALL200000"', ' "all200000"', "'&#65;LL200000'"])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/elsewhere/data.xml", "xl/elsewhere/data.bin"])
def test_a_sheet_is_measured_however_it_is_written_and_wherever_it_lies(tmp_path, place, part):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS.format(part.removeprefix("xl/")))
        archive.writestr(part, FAR.format(place))
    with pytest.raises(ExportError, match=r"200,000 rows of 1,000 columns"):
        require_size(tmp_path / "a.xlsx", "xlsx", "none", LIMITS)


def test_cells_that_do_not_say_their_place_follow_one_another(tmp_path, monkeypatch):
    monkeypatch.setattr(sizes, "MOST_CELLS", 5)
    with pytest.raises(ExportError, match=r"2 rows of 3 columns"):
        require_size(workbook(tmp_path / "a.xlsx", "<row><c/><c/><c/></row><row><c/></row>"), "xlsx", "none", LIMITS)


@pytest.mark.parametrize(
    "cells", ["<row><c r='A1'></row>", "<row><c r='1'/></row>", "<row><c r='A1' r='B1'/></row>", "&strange;"]
)
def test_a_sheet_that_cannot_be_looked_at_is_refused(tmp_path, cells):
    with pytest.raises(ExportError, match=r"the workbook is damaged or locked"):
        require_size(workbook(tmp_path / "a.xlsx", cells), "xlsx", "none", LIMITS)


def test_a_part_with_a_wrong_sum_hides_no_other(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
        archive.writestr("first.txt", "some text")
        archive.writestr("xl/worksheets/sheet1.xml", FAR.format("'ALL200000'"))
    content = (tmp_path / "a.xlsx").read_bytes()
    (tmp_path / "a.xlsx").write_bytes(content.replace(b"some text", b"same text"))
    with pytest.raises(ExportError, match=r"damaged or locked; its archive cannot be unpacked"):
        require_size(tmp_path / "a.xlsx", "xlsx", "none", LIMITS)


@pytest.mark.parametrize("nested", [False, True])
def test_parquet_is_judged_by_the_length_of_its_texts_too(home, nested, monkeypatch):
    monkeypatch.setattr(sizes, "SMALL", 10_000_000)
    text = pl.select(pl.repeat("x" * 100_000, 200).alias("order_id"))
    path = home.drop("a.parquet", b"")
    text.select(pl.struct("order_id").alias("order_id") if nested else "order_id").write_parquet(path)
    assert path.stat().st_size < 10_000
    with pytest.raises(ExportError, match=r"a\.parquet unpacks to more than 200 times its size"):
        home.load()


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_a_file_of_more_columns_than_an_export_has_is_refused(home, name, monkeypatch):
    monkeypatch.setattr(sizes, "MOST_COLUMNS", 3)
    monkeypatch.setattr(json_lines, "MOST_COLUMNS", 3)
    frame = pl.DataFrame({name: ["1"] for name in HEADER.split(",")})
    path = home.drop(name, b"")
    {"csv": frame.write_csv, "parquet": frame.write_parquet, "jsonl": frame.write_ndjson}[name[2:]](path)
    with pytest.raises(ExportError, match=rf"{name} names more than 3 columns"):
        home.load()
