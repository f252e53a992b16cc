"""CSV and lines of text. Clean CSV is read by DuckDB; what does not follow the standard, row by row, losing nothing."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest.readers.files import EVIDENCE
from pipeline.ingest.readers.headers import HEAD, Test, column_names, header_place
from pipeline.ingest.readers.raw import NO_COLUMNS, Read, create_raw, number_beside
from pipeline.ingest.readers.text import LONGEST_ROW, SAMPLE, Text, bounded
from pipeline.ingest.sizes import LONGEST_LINE
from pipeline.quoting import file_literal, quoted, text_literal

_DELIMITERS = ",;\t|"
_JSON = re.compile(rb'\s*(?:\[\s*)?\{\s*(?:"|\})|\s*\[\s*\]')
_NO_SUCH_CHARACTER = "\x01"
_BATCH = 50_000
_BUFFER = 2 * LONGEST_LINE
_SHOWN_OF_LONG = 200
_LONGEST_RECORD = 200


def _require_columns(text: Text, columns: Sequence[str]) -> None:
    """Raises ExportError for CSV of one column that is seen to be something else."""
    if len(columns) != 1:
        return
    with text.bytes() as stream:
        head = stream.read(EVIDENCE)
    if _JSON.match(head.removeprefix(codecs.BOM_UTF8)):
        raise ExportError(
            f"{text.path.name} is no CSV but JSON. If it has one object per line, name it .jsonl; else export it so."
        )
    with text.open(errors="replace") as lines:
        is_quoted = lines.readline(SAMPLE).lstrip().startswith(text.dialect.quote or '"')
    if is_quoted and any(columns[0].count(sign) >= 2 for sign in _DELIMITERS):
        raise ExportError(
            f"{text.path.name} has one column: the line that names the columns stands in quotes as a whole. Export it "
            f"again, with quotes around single fields only."
        )


def read_csv(engine: DuckDBEngine, text: Text) -> Read:
    columns = csv_columns(text)
    _require_columns(text, columns)
    return *create_raw(engine, _csv_call(text, columns)), NO_COLUMNS


def read_lines(engine: DuckDBEngine, text: Text, header: bool | None = None) -> Read:
    """Each line of text as one column `line`. A first line without a letter names nothing: it is data, not a header."""
    if header is None:
        with text.open(errors="replace") as lines:
            header = any(character.isalpha() for character in lines.readline(SAMPLE))
    whole = text.read_as(delimiter=_NO_SUCH_CHARACTER, quote="none")
    return *create_raw(engine, _csv_call(whole, ["line"], header)), NO_COLUMNS


def _csv_call(text: Text, columns: list[str], header: bool = True) -> str:
    """read_csv with nothing left to guess."""
    names = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in columns)
    quote = text_literal(_quote_character(text) or "")
    return (
        f"read_csv({file_literal(text.path)}, hive_partitioning=false, "
        f"auto_detect=false, header={str(header).lower()}, "
        f"compression='{text.compression}', delim={text_literal(text.dialect.delimiter)}, "
        f"quote={quote}, escape={quote}, max_line_size={LONGEST_LINE}, "
        f"buffer_size={_BUFFER}, columns={{{names}}})"
    )


def with_header(text: Text, is_header: Test | None) -> Text:
    """Where the header is, and delimiter and quote where they are not fixed.

    The header is the first line, unless that is no header: `is_header` knows another, or the form of the file shows a
    title above it. The delimiter is the one with which the header names most columns; a line `sep=;` fixes it.
    """
    with text.open(errors="replace") as opened:
        head = [line for line in (opened.readline(SAMPLE) for _ in range(2 * HEAD)) if line]
    told = re.fullmatch(r'"?sep=(.)"?[\s,;|]*', head[0].strip("\r\n"), re.IGNORECASE) if head else None
    above = 1 if told else 0
    fixed = text.dialect.delimiter or (told and told[1])
    signs = [str(fixed)] if fixed else list(_DELIMITERS)
    readings = {sign: _head_records(head[above:], sign) for sign in signs}
    first = max(signs, key=lambda sign: len(readings[sign][0][1]) if readings[sign] else 0)
    place = {sign: header_place([cells for _, cells in readings[sign]], is_header) for sign in signs}
    if not (readings[first] and place[first] == 0):
        below = [sign for sign in signs if place[sign]]
        first = max(below, key=lambda sign: len(readings[sign][place[sign] or 0][1]), default=first)
    above += readings[first][place[first] or 0][0] if readings[first] else 0
    line = head[above : above + 1]
    columns = _fields(line, first, None) or []
    single = len(columns) > 1 and all(len(name) > 1 and name[0] == name[-1] == "'" for name in map(str.strip, columns))
    quote = text.dialect.quote or ("'" if single else '"')
    return text.read_as(delimiter=first, quote=quote)._replace(above=above, title_lines=above - bool(told))


def _head_records(lines: Sequence[str], delimiter: str) -> list[tuple[int, list[str]]]:
    """(lines before it, cells) of the first records that are not blank."""
    found, before = list[tuple[int, list[str]]](), 0
    text = Text(Path(), "none", Dialect(delimiter=delimiter, quote='"'))
    for record in islice(_records(lines, text, width=None), HEAD):
        cells = record.fields or []
        if any(cell.strip() for cell in cells):
            found.append((before, cells))
        before += len(record.text.splitlines()) or 1
    return found


def _quote_character(text: Text) -> str | None:
    return None if text.dialect.quote == "none" else text.dialect.quote


def csv_columns(text: Text) -> list[str]:
    """The names in the header. Raises ExportError when there are none, or some repeat."""
    with text.open(errors="replace") as opened:
        record = next(_records(opened, text, width=None), None)
    return column_names(text.path.name, record.fields or () if record else ())


class _Record(NamedTuple):
    """A row of CSV as it stands, its fields, or None where it breaks the format, and whether its line ends."""

    text: str
    fields: list[str] | None
    ends: bool = True


def read_malformed_csv(engine: DuckDBEngine, text: Text) -> Read:
    """Row by row: rows with too few or too many fields, open quotes or bytes that are no text become `malformed`."""
    columns = csv_columns(text)
    _require_columns(text, columns)
    names = ", ".join(f"{quoted(name)} VARCHAR" for name in columns)
    number = number_beside(columns)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw ({number} BIGINT, {names})")
    with text.open(errors="surrogateescape") as opened:
        records = _records(opened, text, len(columns))
        next(records)
        numbered = enumerate(records, start=1)
        while batch := list(islice(numbered, _BATCH)):
            _insert_records(engine, batch, columns, number)
    return columns, f"raw.{number}", NO_COLUMNS


def _records(lines: Iterable[str], text: Text, width: int | None) -> Iterator[_Record]:
    """Rows of CSV, blank lines left out. A quote that is opened and not closed spoils its own line only.

    A record goes on over lines until its quotes are even. If that does not make a row of `width` fields, its first line
    is a row that breaks the format, and the reading goes on with its second: otherwise one stray quote would swallow
    the rest of the file.
    """
    delimiter, quote = text.dialect.delimiter or ",", _quote_character(text)
    ahead, source = deque[str](), iter(lines)
    if isinstance(lines, io.TextIOWrapper):
        source = bounded(lines)

    def following() -> str | None:
        return ahead.popleft() if ahead else next(source, None)

    while (line := following()) is not None:
        if width is not None and not line.strip("\r\n"):
            continue
        if len(line) > LONGEST_ROW:
            yield _Record(line, None)
            continue
        record, is_open = [line], bool(quote) and line.count(str(quote)) % 2 == 1
        while is_open and len(record) < _LONGEST_RECORD and (more := following()) is not None:
            record.append(more)
            is_open ^= more.count(str(quote)) % 2 == 1
        fields = _fields(record, delimiter, quote)
        if len(record) > 1 and (fields is None or len(fields) != (width or len(fields))):
            ahead.extendleft(reversed(record[1:]))
            record, fields = record[:1], None
        whole = "".join(record)
        yield _Record(whole.rstrip("\r\n"), fields, whole.endswith(("\n", "\r")))


def _fields(record: list[str], delimiter: str, quote: str | None) -> list[str] | None:
    csv.field_size_limit(1 << 30)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    try:
        return next(csv.reader(record, delimiter=delimiter, quotechar=quote, quoting=quoting, strict=True), [])
    except csv.Error:
        return None


def _insert_records(
    engine: DuckDBEngine, batch: list[tuple[int, _Record]], columns: list[str], row_number: str
) -> None:
    good, bad = [], []
    for number, record in batch:
        reason = _fault(record, len(columns))
        if record.fields is not None and not any(cell.strip() for cell in record.fields):
            good.append((number, *[None] * len(columns)))  # a blank row, however wide
        elif reason is None:
            good.append((number, *(record.fields or ())))
        else:
            kept = record.text if len(record.text) <= LONGEST_ROW else f"{record.text[:_SHOWN_OF_LONG]}…"
            whole = kept.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            bad.append((number, whole, reason))
    as_text = {row_number: pl.Int64, **dict.fromkeys(columns, pl.String)}
    engine.insert("raw", pl.DataFrame(good, schema=as_text, orient="row"))
    as_malformed = {"row_number": pl.Int64, "text": pl.String, "reason": pl.String}
    engine.insert("malformed", pl.DataFrame(bad, schema=as_malformed, orient="row"))


def _fault(record: _Record, width: int) -> str | None:
    """Why a row breaks the format; None if it does not."""
    if len(record.text) > LONGEST_ROW:
        return f"the row is longer than {LONGEST_ROW:,} characters"
    if not record.text.isascii() and any("\udc80" <= character <= "\udcff" for character in record.text):
        return "the row holds bytes that are no UTF-8 text"
    if record.fields is None:
        return "a quote in the row is not closed"
    if len(record.fields) != width:
        cut = "; the file ends within it: export it again" if len(record.fields) < width and not record.ends else ""
        return f"the row has {len(record.fields)} fields, the header {width}{cut}"
    return None
