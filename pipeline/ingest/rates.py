"""Exchange rates: CSV of date, currency, rate; one unit of the currency is `rate` units of the reporting currency.

What belongs here: finding and reading the rates. How lines are converted with them is `exports`' business.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.dialect import Dialect, Kind
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest.readers.read import read_raw
from pipeline.ingest.recognise import AmbiguousDialect, normalised, recognise
from pipeline.ingest.sizes import limits_of
from pipeline.places import is_left_alone
from pipeline.quoting import quoted
from pipeline.settings import Settings
from pipeline.shapes import shape_sql

FOLDER = "rates"
_COLUMNS: dict[str, Kind] = {"date": "timestamp", "currency": "text", "rate": "number"}
_EXAMPLE = "date,currency,rate with rows such as 2026-01-02,USD,0.92 (one USD is 0.92 of the reporting currency)"


def rates_files(settings: Settings) -> list[Path]:
    """The file that the settings name (or all of a folder), else all in data/exports/rates/."""
    folder = settings.rates_file or settings.exports_folder / FOLDER
    if settings.rates_file is not None and not folder.is_dir():
        return [folder]
    return sorted(path for path in files_below(folder) if not is_left_alone(Path(path.name)))


def require_rates(settings: Settings) -> list[Path]:
    """The same, each of which is there. Raises ExportError."""
    files = rates_files(settings)
    for path in files:
        if not path.is_file():
            raise ExportError(f"There is no file {path}; setting rates_file must name a CSV of {_EXAMPLE}.")
    return files


def files_below(folder: Path) -> list[Path]:
    """The files below a folder into which others drop them.

    Raises ExportError for a link that leads out of it, or nowhere: who may drop a file there need not be one who may
    read, in our name, any file of this machine. The folder itself may be a link; that is the owner's doing.
    """
    if not folder.is_dir():
        return []
    found, root = [], folder.resolve()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not _leads_into(root, path):
            raise ExportError(
                f"{path.name} is a link that leads out of data/exports, or nowhere. Put the file itself there, make "
                f"data/exports the link, or name the file with --source NAME=PATH."
            )
        if path.is_file():
            found.append(path)
    return found


def _leads_into(root: Path, link: Path) -> bool:
    try:
        return link.resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):  # nowhere, or in a circle
        return False


def load_rates(engine: DuckDBEngine, settings: Settings) -> str | None:
    """Fill the temporary table `rates` (day, currency, rate); returns a hash of its content, None without any rates.

    Raises ExportError for a file that cannot be read, a row that is no rate, and days with two rates.
    """
    engine.execute("CREATE OR REPLACE TEMP TABLE rates (day DATE, currency VARCHAR, rate DECIMAL(18,8), file VARCHAR)")
    for path in require_rates(settings):
        _read(engine, path, settings)
    doubled = engine.execute(
        "SELECT currency, day FROM rates GROUP BY currency, day HAVING min(rate) <> max(rate) "
        "ORDER BY day, currency LIMIT 1"
    )
    if doubled:
        currency, day = doubled[0]
        raise ExportError(f"Exchange rates: {currency} has two rates on {day}. Keep one of them.")
    rows = engine.execute("SELECT DISTINCT day, currency, rate FROM rates ORDER BY day, currency")
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16] if rows else None


def _read(engine: DuckDBEngine, path: Path, settings: Settings) -> None:
    fixed, scratch = settings.dialects.get(FOLDER, Dialect()), settings.warehouse_file.parent / ".spill"
    file = read_raw(engine, path, dialect=fixed, scratch=scratch, limits=limits_of(settings))
    names = {name.lower(): name for name in file.columns}
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ExportError(
            f"{path.name} holds no exchange rates: it lacks {', '.join(missing)}. It must hold {_EXAMPLE}."
        )
    texts = dict(engine.execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
    kinds = {names[name]: kind for name, kind in _COLUMNS.items() if texts[names[name]] == "VARCHAR"}
    try:
        dialect = recognise(engine, "raw", kinds, fixed.over(file.dialect), path.name, FOLDER).dialect
    except AmbiguousDialect as error:
        raise ExportError(str(error)) from None
    day, currency, rate = (
        normalised(dialect, kinds.get(names[name], "text"), quoted(names[name])) for name in _COLUMNS
    )
    engine.execute(
        f"INSERT INTO rates SELECT TRY_CAST({day} AS TIMESTAMP)::DATE, upper(trim({currency})), "
        f"TRY_CAST({rate} AS DECIMAL(18,8)), $file FROM raw",
        {"file": path.name},
    )
    cells = ", ".join(f"CAST({quoted(names[name])} AS VARCHAR)" for name in _COLUMNS)
    row_shape = shape_sql(f"concat_ws(', ', {cells})")
    bad = engine.execute(
        f"SELECT {file.number}, {row_shape} FROM raw "
        f"WHERE coalesce(TRY_CAST({rate} AS DECIMAL(18,8)), 0) <= 0 OR TRY_CAST({day} AS TIMESTAMP) IS NULL "
        f"OR NOT coalesce(regexp_full_match(upper(trim({currency})), '[A-Z]{{3}}'), FALSE) LIMIT 1"
    )
    bad = bad or engine.execute(f"SELECT row_number, {shape_sql('text')} FROM malformed ORDER BY row_number LIMIT 1")
    for table in ("raw", "malformed"):
        engine.execute(f"DROP TABLE IF EXISTS temp.{table}")
    if bad:
        row, shown = bad[0]
        raise ExportError(f'{path.name}, row {row:,}: "{shown}" is no exchange rate. It must hold {_EXAMPLE}.')
