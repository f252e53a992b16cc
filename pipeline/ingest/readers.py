"""Readers: a file of an export into the temporary table `raw`, as it is, each row traceable by its number.

CSV, JSON lines and lines of text arrive as text, Parquet and workbooks with their types. A row that breaks the format
itself (too few fields, no JSON) goes to `malformed` with its text and the reason. What the columns mean is not known
here. Clean UTF-8 is read by DuckDB where it lies; other text is first rewritten as UTF-8 in a scratch folder, and CSV
that does not follow the standard is read by a slower reader that loses nothing.
"""

from __future__ import annotations

import codecs
import csv
import errno
import io
import json
import logging
import re
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import duckdb
import polars as pl
import pyarrow as pa

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.ingest.json_text import TooLong, is_spread, unpacked, values
from pipeline.ingest.sizes import LONGEST_LINE as _LONGEST_LINE
from pipeline.ingest.sizes import MOST_COLUMNS, Limits, require_columns, require_size, require_unpacked
from pipeline.quoting import file_literal, quoted, text_literal
from pipeline.shapes import one_line, redacted, shape

Format = Literal["csv", "parquet", "jsonl", "lines", "xlsx"]
_MAGIC: Mapping[Format, tuple[bytes, str]] = {
    "parquet": (b"PAR1", "Parquet"),
    "xlsx": (b"PK", "workbook of today (.xlsx)"),
}
_FORMATS: dict[str, Format] = {
    ".csv": "csv", ".txt": "csv", ".tsv": "csv",
    ".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl", ".xlsx": "xlsx",
}  # fmt: skip
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_DELIMITERS = ",;\t|"
_UTF_8 = ("utf-8", "utf-8-sig")
_BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_CODE_PAGES = ("cp1252", "cp1250")
_OTHER_FORMATS = {
    b"PK\x03\x04": "an archive or a workbook; save it as .xlsx, or unpack it",
    b"PAR1": "Parquet; name it .parquet",
    b"\x1f\x8b": "gzip; name it .csv.gz",
    b"\x28\xb5\x2f\xfd": "zstd; name it .csv.zst",
    b"\xd0\xcf\x11\xe0": "an old workbook, or one with a password; save it as .xlsx without one",
    b"%PDF": "a PDF; export CSV",
}
_WEB_PAGE = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|table|div|script|meta)\b", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
_JSON = re.compile(rb'\s*(?:\[\s*)?\{\s*(?:"|\})|\s*\[\s*\]')
_DAMAGED = re.compile(r"(?i)truncat|unexpected end|gzip|zlib|zstd|inflate|decompress|decode error|EOF")
_NUMBER = "__row__"  # where rows bring their own number, because some before them are not in `raw`
_NO_SUCH_CHARACTER = "\x01"
_SAMPLE = 1 << 18
_SAMPLE_OBJECTS = 1000
_CHUNK = 1 << 20
_EVIDENCE = 1 << 16
_BATCH = 50_000
_BUFFER = 2 * _LONGEST_LINE
_LONGEST_ROW = 2**27  # for the slower reader, which holds one row of text at a time
_SHOWN_OF_LONG = 200
_LONGEST_RECORD = 200
_HEAD = 60
Test = Callable[[Sequence[str]], bool]
"""Whether cells are the names of the columns that are looked for."""
_Read = tuple[list[str], str, frozenset[str]]
"""What a reader of text has read: columns, the SQL of a row's number, columns whose cells JSON has as numbers."""
_NO_COLUMNS = frozenset[str]()


@dataclass(frozen=True)
class RawFile:
    """What `raw` holds: the columns of the file, the SQL of a row's number, and how the file is written."""

    columns: list[str]
    number: str
    dialect: Dialect
    header_line: int = 1
    """Where the header stands."""
    title_lines: int = 0
    """Lines above the header that were left out: a title, blank lines."""
    typed: frozenset[str] = frozenset()
    """Columns of text whose cells the file itself declares to be numbers (JSON)."""


class _Text(NamedTuple):
    """A text file: where its bytes are, how they are packed, and how it is written."""

    path: Path
    compression: str
    dialect: Dialect
    above: int = 0
    """Lines before the header."""
    title_lines: int = 0
    """Those of them that are no `sep=;`."""

    @contextmanager
    def open(self, errors: str = "strict") -> Iterator[io.TextIOWrapper]:
        encoding = "utf-8-sig" if self.dialect.encoding in _UTF_8 else self.dialect.encoding
        with self.bytes() as stream, io.TextIOWrapper(stream, encoding=encoding, newline="", errors=errors) as text:
            for _ in range(self.above):
                text.readline()
            yield text

    def bytes(self) -> Any:
        return pa.input_stream(str(self.path), compression=None if self.compression == "none" else self.compression)

    def read_as(self, **values: str) -> _Text:
        return self._replace(dialect=self.dialect.but(**values))


def format_of(path: Path) -> tuple[Format, str]:
    """(format, compression) by the file's ending. Raises ExportError for one that is not read."""
    compression = _COMPRESSIONS.get(path.suffix.lower(), "none")
    if path.is_dir():
        raise ExportError(f"{path.name} is a folder; name a file in it.")
    ending = (Path(path.stem) if compression != "none" else path).suffix.lower()
    if ending not in _FORMATS:
        raise ExportError(
            f"{path.name}: files ending in {ending or 'nothing'} are not read; "
            f"export {', '.join(_FORMATS)} (text also as .gz or .zst)."
        )
    return _FORMATS[ending], compression


def read_raw(
    engine: DuckDBEngine,
    path: Path,
    as_lines: bool = False,
    dialect: Dialect | None = None,
    scratch: Path | None = None,
    limits: Limits | None = None,
    is_header: Test | None = None,
) -> RawFile:
    """Fill `raw` (the columns of the file, its rows in order) and `malformed`.

    `dialect` fixes what is not to be recognised; `scratch` is a folder for rewritten text (default: the system's);
    `limits` is how large the file may be.
    `is_header` tells names of columns from a title above them, where their form does not.
    Raises ExportError when the file as a whole cannot be read.
    """
    engine.execute("CREATE OR REPLACE TEMP TABLE malformed (row_number BIGINT, text VARCHAR, reason VARCHAR)")
    format, compression = format_of(path)
    format = "lines" if as_lines else format
    fixed = dialect or Dialect()
    with _errors_of(path, format, fixed):
        _require_magic(path, format)
        long_line = limits is not None and require_size(path, format, compression, limits)
        if format == "parquet":
            _require_different(path.name, list(pl.read_parquet_schema(path)))
            return _read_parquet(engine, path, limits)
        if format == "xlsx":
            return _read_workbook(engine, path, fixed, scratch, is_header)
        return _read_text(engine, _text(path, compression, fixed), format, fixed, scratch, is_header, long_line)


def columns_of(path: Path, dialect: Dialect, limits: Limits, is_header: Test | None = None) -> list[str]:
    """The columns of a file, without reading the rows; of JSON lines, those that the first thousand name.

    Raises ExportError when the file cannot be read.
    """
    format, compression = format_of(path)
    with _errors_of(path, format, dialect):
        _require_magic(path, format)
        if format == "parquet":
            return list(pl.read_parquet_schema(path))
        if format == "xlsx":
            require_size(path, format, compression, limits)  # a workbook is held in memory whole
            return _sheet(path, dialect, is_header)[1]
        text = _text(path, compression, dialect)
        if format == "csv":
            return _csv_columns(_with_header(text, is_header))
        return sorted({key for value in islice(_first_values(text), _SAMPLE_OBJECTS) for key in _keys(value)})


def _first_values(text: _Text) -> Iterator[str]:
    """JSON values, each on one line, as far as somebody asks for them."""
    with text.open(errors="replace") as lines:
        is_cut = not _is_spread(text) and lines.read(_SAMPLE).lstrip()[:1] != "["
    with text.open(errors="replace") as lines:
        yield from _bounded(lines) if is_cut else values(_chunks(lines), _LONGEST_ROW)


def _is_spread(text: _Text) -> bool:
    with text.open(errors="replace") as lines:
        return is_spread(_bounded(lines))


def _chunks(text: io.TextIOWrapper) -> Iterator[str]:
    """The text in pieces, none of which ends in a backslash."""
    while chunk := text.read(_CHUNK):
        while chunk.endswith("\\") and (more := text.read(1)):
            chunk += more
        yield chunk


def _keys(line: str) -> Iterable[str]:
    try:
        read = json.loads(line)
    except (ValueError, RecursionError):
        return ()
    return read.keys() if isinstance(read, dict) else ()


@contextmanager
def _errors_of(path: Path, format: Format, fixed: Dialect) -> Iterator[None]:
    """What goes wrong with a file as a whole, as an ExportError that says what to do."""
    try:
        require_name(path)
        if path.stat().st_size == 0:
            raise ExportError(f"{path.name} is empty (0 bytes): the export did not finish. Export it again.")
        yield
    except UnicodeError as error:
        at = f" (byte {error.start:,})" if isinstance(error, UnicodeDecodeError) else ""
        raise ExportError(
            f"{path.name} is not {fixed.encoding or 'UTF-8'} text{at}. Export it as UTF-8, or set its encoding below "
            f"[dialects.<source>] in perennial.toml."
        ) from error
    except (duckdb.Error, pl.exceptions.PolarsError, pa.ArrowException, EOFError, OSError) as error:
        if disk_is_full(error):
            raise  # no fault of the file
        # Not chained: traces are kept, and the libraries quote what they stumble over.
        first = redacted(str(error)) or type(error).__name__
        if path.suffix.lower() in _COMPRESSIONS and _DAMAGED.search(first):
            first = f"it is cut short or damaged, or no {_COMPRESSIONS[path.suffix.lower()]} at all"
        raise ExportError(f"{path.name} cannot be read as {format}: {_sentence(first)} Export it again.") from None


def _sentence(text: str) -> str:
    """What another program says, with a full stop."""
    return f"{text.rstrip(' .;:')}."


def require_name(path: Path) -> None:
    """Raises ExportError for a file whose name is no text: neither the ledger nor a message can hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ExportError(f"{one_line(path.name)}: its name holds bytes that are no UTF-8 text. Rename it.") from None


def disk_is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)


def _create_raw(engine: DuckDBEngine, call: str) -> tuple[list[str], str]:
    """(the columns of `raw`, the SQL of a row's number). A column named as DuckDB names that number would hide it."""
    columns = [row[0] for row in engine.execute(f"SELECT column_name FROM (DESCRIBE FROM {call})")]
    if "rowid" not in map(str.lower, columns):
        engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT * FROM {call}")
        return columns, "raw.rowid + 1"
    number = number_beside(columns)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number() OVER () AS {number}, * FROM {call}")
    return columns, f"raw.{number}"


def number_beside(columns: Iterable[str]) -> str:
    """The name of a column for the numbers of rows that none of the columns has."""
    taken, name = {column.lower() for column in columns}, _NUMBER
    while name in taken:
        name += "_"
    return name


def _read_parquet(engine: DuckDBEngine, path: Path, limits: Limits | None) -> RawFile:
    call = f"read_parquet({file_literal(path)}, hive_partitioning = false)"
    types = engine.execute(f"SELECT column_name, column_type FROM (DESCRIBE FROM {call})")
    require_columns(path.name, len(types))
    lengths = [length for name, kind in types if (length := _length(quoted(name), kind))]
    if limits is not None and lengths:
        # A dictionary holds a text once, and its rows name it as often as they like: only decoding tells how long all
        # are together. It is done as a stream, of which DuckDB keeps no row.
        total = " + ".join(f"coalesce(sum(CAST({length} AS HUGEINT)), 0)" for length in lengths)
        require_unpacked(path, int(engine.scalar(f"SELECT {total} FROM {call}")), limits)
    columns, number = _create_raw(engine, call)
    return RawFile(columns, number, Dialect())


def _length(column: str, kind: str) -> str | None:
    """SQL: how many bytes a cell takes; None for types whose cells all take as many."""
    if kind == "BLOB":
        return f"octet_length({column})"
    if kind in ("VARCHAR", "JSON"):
        return f"strlen({column})"
    is_nested = kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))
    return f"strlen(CAST({column} AS VARCHAR))" if is_nested else None


# ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _text(path: Path, compression: str, fixed: Dialect) -> _Text:
    """A text file in the encoding that is fixed, else the one its first bytes speak for."""
    text = _Text(path, compression, fixed)
    with text.bytes() as stream:
        head = stream.read(_EVIDENCE)
    if what := _of_another_kind(head):
        raise ExportError(f"{path.name} is no text but {what}.")
    return text.read_as(encoding=fixed.encoding or _encoding_of_sample(text))


def _of_another_kind(head: bytes) -> str | None:
    """What a file is that begins so, and what to do about it; None for what may be text in rows."""
    for magic, meaning in _OTHER_FORMATS.items():
        if head.startswith(magic):
            return meaning
    bare = head.replace(b"\0", b"").removeprefix(codecs.BOM_UTF8).lstrip(b"\xff\xfe")  # UTF-16 as well
    if _WEB_PAGE.match(bare):
        return "a web page (HTML), such as one that asks for a password; sign in to the shop, and export again"
    if _XML.match(bare):
        return "XML; export CSV"
    return None


def _require_magic(path: Path, format: Format) -> None:
    """Raises ExportError that says what a file is whose ending does not tell the truth."""
    if format not in _MAGIC:
        return
    magic, name = _MAGIC[format]
    with path.open("rb") as file:
        head = file.read(_EVIDENCE)
    if head.startswith(magic):
        return
    what = _of_another_kind(head)
    if what is None and b"\0" not in head:
        what = "text; name it .csv, or .jsonl if each of its lines is JSON"
    if what is not None:
        raise ExportError(f"{path.name} cannot be read as {path.suffix[1:].lower()}: it is no {name} but {what}.")


def _require_columns(text: _Text, columns: Sequence[str]) -> None:
    """Raises ExportError for CSV of one column that is seen to be something else."""
    if len(columns) != 1:
        return
    with text.bytes() as stream:
        head = stream.read(_EVIDENCE)
    if _JSON.match(head.removeprefix(codecs.BOM_UTF8)):
        raise ExportError(
            f"{text.path.name} is no CSV but JSON. If it has one object per line, name it .jsonl; else export it so."
        )
    with text.open(errors="replace") as lines:
        is_quoted = lines.readline(_SAMPLE).lstrip().startswith(text.dialect.quote or '"')
    if is_quoted and any(columns[0].count(sign) >= 2 for sign in _DELIMITERS):
        raise ExportError(
            f"{text.path.name} has one column: the line that names the columns stands in quotes as a whole. Export it "
            f"again, with quotes around single fields only."
        )


def _read_text(
    engine: DuckDBEngine, text: _Text, format: Format, fixed: Dialect, scratch: Path | None, is_header: Test | None,
    long_line: bool = False,
) -> RawFile:  # fmt: skip
    """Read text in its encoding. Where it was taken for UTF-8 and is not, the whole file is looked at."""
    if format == "csv":
        text = _with_header(text, is_header)
    elif long_line and format != "jsonl":
        raise _too_long(text, format)
    try:
        with _by_lines(text, format, long_line, scratch) as by_lines, _in_utf8(by_lines, scratch) as readable:
            if format == "jsonl":
                _read_values(engine, readable, scratch)
            read = _read_malformed_csv if long_line and format == "csv" else _TEXT_READERS[format]
            columns, number, typed = read(engine, readable)
    except TooLong:
        raise _too_long(text, format) from None
    except (duckdb.InvalidInputException, duckdb.ConversionException, duckdb.NotImplementedException) as error:
        if text.dialect.encoding in _UTF_8 and not fixed.encoding and (encoding := _code_page_of_all(text)):
            text = text._replace(dialect=fixed, above=0).read_as(encoding=encoding)
            return _read_text(engine, text, format, fixed, scratch, is_header)
        if format != "csv":
            line = re.search(r"on Line: (\d+)", str(error))
            where = f"line {int(line[1]):,}" if line else "a line"
            raise ExportError(
                f"{text.path.name} cannot be read as {format}: {where} holds bytes that are no UTF-8 text, or more "
                f"than {_LONGEST_LINE:,} of them. Export it again."
            ) from None
        with _in_utf8(text, scratch) as readable:
            columns, number, typed = _read_malformed_csv(engine, readable)
    return RawFile(columns, number, text.dialect, text.above + 1, text.title_lines, typed)


def _too_long(text: _Text, format: Format) -> ExportError:
    return ExportError(
        f"{text.path.name} cannot be read as {format}: one of its lines is longer than {_LONGEST_LINE:,} characters. "
        f"Export it again."
    )


@contextmanager
def _by_lines(text: _Text, format: Format, long_line: bool, scratch: Path | None) -> Iterator[_Text]:
    """The text as it lies; of JSON that goes on over lines a copy that has each value on its own, while it is read."""
    if format != "jsonl" or not (long_line or _is_spread(text)):
        yield text
        return
    with text.open() as given, _copy(text, values(_chunks(given), _LONGEST_LINE), scratch) as copy:
        yield copy


@contextmanager
def _copy(text: _Text, lines: Iterable[str], scratch: Path | None) -> Iterator[_Text]:
    """These lines in place of the text, for as long as it is read."""
    with _folder(scratch) as folder:
        copy = folder / text.path.name
        with copy.open("w", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in lines)
        yield _Text(copy, "none", text.dialect.but(encoding="utf-8"))


def _read_values(engine: DuckDBEngine, text: _Text, scratch: Path | None) -> None:
    """The lines of JSON lines; in place of those that are arrays of objects, the objects."""
    _read_lines(engine, text, header=False)
    if engine.scalar("SELECT coalesce(bool_or(prefix(ltrim(line), '[')), FALSE) FROM raw"):
        # Not by DuckDB: it would hold 2,048 batches at a time, however long they are.
        with text.open() as given, _copy(text, unpacked(given, _LONGEST_LINE), scratch) as copy:
            _read_lines(engine, copy, header=False)


def _read_csv(engine: DuckDBEngine, text: _Text) -> _Read:
    columns = _csv_columns(text)
    _require_columns(text, columns)
    return *_create_raw(engine, _csv_call(text, columns)), _NO_COLUMNS


def _read_lines(engine: DuckDBEngine, text: _Text, header: bool | None = None) -> _Read:
    """Each line of text as one column `line`. A first line without a letter names nothing: it is data, not a header."""
    if header is None:
        with text.open(errors="replace") as lines:
            header = any(character.isalpha() for character in lines.readline(_SAMPLE))
    whole = text.read_as(delimiter=_NO_SUCH_CHARACTER, quote="none")
    return *_create_raw(engine, _csv_call(whole, ["line"], header)), _NO_COLUMNS


_IS_BLANK = "coalesce(trim(line), '') = ''"
"""A line of JSON lines without a word; like a blank row of CSV, it is a row without cells, and left out later."""


def _read_json_lines(engine: DuckDBEngine, text: _Text) -> _Read:
    """The JSON lines in `raw` as text per key. A line that is no JSON object is malformed, the others still load.

    The elements of a line that is an array of objects are rows, numbered through the file. Keys that case and blanks
    alone tell apart are one column, called as most lines call it; a line that has two of them, or one key twice, does
    not say which counts.
    """
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE objects AS SELECT row_number, line, "
        "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE FALSE END AS is_object "
        f"FROM (SELECT rowid + 1 AS row_number, CASE WHEN {_IS_BLANK} THEN '{{}}' ELSE line END AS line FROM raw)"
    )
    engine.execute(
        "INSERT INTO malformed SELECT row_number, line, CASE WHEN prefix(ltrim(line), '{') AND NOT suffix(rtrim(line), "
        "'}') THEN 'the JSON object breaks off; fetch the file again' ELSE 'the line is no JSON object' END "
        "FROM objects WHERE NOT is_object"
    )
    _require_objects(engine, text.path.name)
    same = "lower(trim(key))"
    twice = f"len(list_distinct([{same} FOR key IN json_keys(line)])) < len(json_keys(line))"
    engine.execute(
        f"INSERT INTO malformed SELECT row_number, line, 'the line names a key twice' FROM objects "
        f"WHERE CASE WHEN is_object THEN {twice} ELSE FALSE END"
    )
    engine.execute("DELETE FROM objects WHERE row_number IN (SELECT row_number FROM malformed)")
    rows = engine.execute(
        f"SELECT list(key ORDER BY lines DESC, key) FROM (SELECT key, count(*) AS lines "
        f"FROM (SELECT unnest(json_keys(line)) AS key FROM objects) AS named GROUP BY key) AS keys "
        f"GROUP BY {same} ORDER BY 1 LIMIT {MOST_COLUMNS + 1}"
    )
    keys = {spellings[0]: spellings for (spellings,) in rows}
    require_columns(text.path.name, len(keys))
    number = number_beside(keys)
    values = "".join(f", {_json_value('json_extract_string', keys[key])} AS {quoted(key)}" for key in keys)
    engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT row_number AS {number}{values} FROM objects")
    numbers = _json_numbers(engine, keys)
    return list(keys), f"raw.{number}", numbers


def _require_objects(engine: DuckDBEngine, file: str) -> None:
    """Raises ExportError for a file in which there is no object with a key."""
    if not engine.scalar("SELECT count(*) FROM objects WHERE is_object AND line <> '{}'"):
        raise ExportError(
            f"{file} holds no JSON object with a key: .jsonl holds one object per line, or arrays of objects. Export "
            f"it so, or as CSV."
        )


def _json_numbers(engine: DuckDBEngine, keys: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The keys whose values are never strings: their numbers have a decimal point, as JSON wants it."""
    texts = [f"bool_or({_json_value('json_type', spellings)} = 'VARCHAR')" for spellings in keys.values()]
    found = engine.execute(f"SELECT {', '.join(texts)} FROM objects")[0] if keys else ()
    engine.execute("DROP TABLE objects")
    return frozenset(key for key, has_text in zip(keys, found, strict=True) if not has_text)


def _json_value(function: str, spellings: Sequence[str]) -> str:
    """SQL: what a line has under one of the spellings of a key."""
    values = ", ".join(f"{function}(line, {text_literal(_json_path(spelling))})" for spelling in spellings)
    return f"coalesce({values})" if len(spellings) > 1 else values


_TEXT_READERS = {"csv": _read_csv, "jsonl": _read_json_lines, "lines": _read_lines}


def _csv_call(text: _Text, columns: list[str], header: bool = True) -> str:
    """read_csv with nothing left to guess."""
    names = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in columns)
    quote = text_literal(_quote_character(text) or "")
    return (
        f"read_csv({file_literal(text.path)}, hive_partitioning=false, "
        f"auto_detect=false, header={str(header).lower()}, "
        f"compression='{text.compression}', delim={text_literal(text.dialect.delimiter)}, "
        f"quote={quote}, escape={quote}, max_line_size={_LONGEST_LINE}, "
        f"buffer_size={_BUFFER}, columns={{{names}}})"
    )


def _json_path(key: str) -> str:
    return '$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ── encodings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _encoding_of_sample(text: _Text) -> str:
    """By the byte order mark, else UTF-16 by its zeros, else UTF-8 unless the text is none. Refuses binary data."""
    with text.bytes() as stream:
        sample = stream.read(_SAMPLE)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if sample.startswith(mark):
            return encoding
    if sample.count(0) > len(sample) * 0.3:
        return "utf-16-le" if sample[1::2].count(0) > sample[0::2].count(0) else "utf-16-be"
    controls = sum(sample.count(code) for code in range(32) if chr(code) not in "\t\n\r")
    if controls > len(sample) * 0.05:
        raise ExportError(f"{text.path.name} is no text: it holds binary data. Export it as CSV in UTF-8.")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return _code_page_of_all(text) or "utf-8"
    return "utf-8"


def _code_page_of_all(text: _Text) -> str | None:
    """Windows-1250 or -1252, if the file is no UTF-8; None for UTF-8, also where single bytes of it are broken.

    Text of a code page hardly ever holds a sequence of bytes that is valid UTF-8 beyond ASCII, so the majority decides.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid, broken, evidence = 0, 0, b""
    with text.bytes() as stream:
        while chunk := stream.read(_CHUNK):
            if chunk.isascii() and not decoder.getstate()[0]:
                continue
            decoded = decoder.decode(chunk)
            strange = [character for character in decoded if character > "\x7f"]
            escaped = sum("\udc80" <= character <= "\udcff" for character in strange)
            broken += escaped
            valid += len(strange) - escaped
            if escaped and len(evidence) < _EVIDENCE:
                evidence += b"\n".join(line for line in chunk.splitlines() if not line.isascii())[:_EVIDENCE]
    return _code_page(evidence) if broken > valid else None


def _code_page(evidence: bytes) -> str | None:
    """The code page in which the bytes are words. Where both are, language decides, and without evidence Western.

    Polish ł is ³ in the other page and ą is ¹: a sign in the middle of a word tells more than statistics on few words.
    """
    readings = {}
    for page in _CODE_PAGES:
        try:
            readings[page] = evidence.decode(page)
        except UnicodeDecodeError:
            continue
    if len(set(readings.values())) < 2:
        return next(iter(readings), None)
    signs = {page: _signs_in_words(reading) for page, reading in readings.items()}
    if signs["cp1252"] != signs["cp1250"]:
        return min(signs, key=lambda page: signs[page])
    from charset_normalizer import from_bytes

    found = {match.encoding: match.coherence for match in from_bytes(evidence, cp_isolation=list(_CODE_PAGES))}
    return "cp1250" if found.get("cp1250", 0) > found.get("cp1252", 0) and "cp1252" in found else "cp1252"


def _signs_in_words(reading: str) -> int:
    """How many characters beyond ASCII are no letters although a letter stands beside them."""
    padded = f" {reading} "
    beside = zip(padded, padded[1:], padded[2:], strict=False)
    return sum(
        middle > "\x7f" and not middle.isalpha() and (before.isalpha() or after.isalpha())
        for before, middle, after in beside
    )


@contextmanager
def _in_utf8(text: _Text, scratch: Path | None) -> Iterator[_Text]:
    """The text as it lies, if it is UTF-8 from the header on; else a copy that is, for as long as it is read."""
    if text.dialect.encoding in _UTF_8 and not text.above:
        yield text
        return
    with _folder(scratch) as folder:
        copy = folder / text.path.name
        with text.open() as given, copy.open("w", encoding="utf-8", newline="") as file:
            while chunk := given.read(_CHUNK):
                file.write(chunk.removeprefix("\ufeff"))
        yield _Text(copy, "none", text.dialect.but(encoding="utf-8"))


@contextmanager
def _folder(scratch: Path | None) -> Iterator[Path]:
    """A folder for as long as a file is read."""
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="reading-") as folder:
        yield Path(folder)


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _with_header(text: _Text, is_header: Test | None) -> _Text:
    """Where the header is, and delimiter and quote where they are not fixed.

    The header is the first line, unless that is no header: `is_header` knows another, or the form of the file shows a
    title above it. The delimiter is the one with which the header names most columns; a line `sep=;` fixes it.
    """
    with text.open(errors="replace") as opened:
        head = [line for line in (opened.readline(_SAMPLE) for _ in range(2 * _HEAD)) if line]
    told = re.fullmatch(r'"?sep=(.)"?[\s,;|]*', head[0].strip("\r\n"), re.IGNORECASE) if head else None
    above = 1 if told else 0
    fixed = text.dialect.delimiter or (told and told[1])
    signs = [str(fixed)] if fixed else list(_DELIMITERS)
    readings = {sign: _head_records(head[above:], sign) for sign in signs}
    first = max(signs, key=lambda sign: len(readings[sign][0][1]) if readings[sign] else 0)
    place = {sign: _header_place([cells for _, cells in readings[sign]], is_header) for sign in signs}
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
    text = _Text(Path(), "none", Dialect(delimiter=delimiter, quote='"'))
    for record in islice(_records(lines, text, width=None), _HEAD):
        cells = record.fields or []
        if any(cell.strip() for cell in cells):
            found.append((before, cells))
        before += len(record.text.splitlines()) or 1
    return found


def _header_place(records: Sequence[Sequence[str]], is_header: Test | None) -> int | None:
    """Which of the first records is the header: 0 unless another one is seen to be it; None if the first is not known.

    By its form, a title has at most half as many cells as the rows of the body, and the header is the first line that
    is as wide as they are and holds names only.
    """
    if is_header is not None:
        known = next((place for place, cells in enumerate(records) if is_header(cells)), None)
        if known is not None:
            return known
    widths = [len(cells) for cells in records if len(cells) > 1]
    width = max(sorted(set(widths), reverse=True), key=widths.count, default=0)
    for place, cells in enumerate(records):
        filled = sum(bool(cell.strip()) for cell in cells)
        if len(cells) == width and filled > width / 2 and all(map(_may_be_a_name, cells)):
            return place
        if filled > width / 2:
            break
    return 0 if is_header is None else None


def _may_be_a_name(cell: str) -> bool:
    """Not a number or a date: no more digits than letters."""
    return sum(map(str.isdigit, cell)) <= sum(map(str.isalpha, cell))


def _quote_character(text: _Text) -> str | None:
    return None if text.dialect.quote == "none" else text.dialect.quote


def _csv_columns(text: _Text) -> list[str]:
    """The names in the header. Raises ExportError when there are none, or some repeat."""
    with text.open(errors="replace") as opened:
        record = next(_records(opened, text, width=None), None)
    return _column_names(text.path.name, record.fields or () if record else ())


def _column_names(file: str, header: Sequence[str]) -> list[str]:
    """The cells of the header, a column without a name by its position."""
    require_columns(file, len(header))
    if not any(name.strip() for name in header):
        raise ExportError(f"{file} has no header line. The first line must name the columns.")
    columns = [name.replace("\0", "").strip() or f"column {place}" for place, name in enumerate(header, start=1)]
    _require_different(file, columns)
    return columns


def _require_different(file: str, columns: Sequence[str]) -> None:
    """Raises ExportError for names that case and blanks alone tell apart: they name one column."""
    lowered = [name.strip().lower() for name in columns]
    repeated = [name for name in dict.fromkeys(lowered) if lowered.count(name) > 1]
    if repeated:
        places = "; ".join(_places(lowered, name) for name in repeated[:5])
        raise ExportError(
            f"{file} names columns twice: {places}. Rename them in the export; if it has no header line, add one."
        )


def _places(names: Sequence[str], name: str) -> str:
    """Where a name stands in a header: its shape, since without a header line the first row is taken for names."""
    places = [str(place) for place, other in enumerate(names, start=1) if other == name]
    return f'columns {" and ".join(places)} ("{shape(name)}")'


class _Record(NamedTuple):
    """A row of CSV as it stands, its fields, or None where it breaks the format, and whether its line ends."""

    text: str
    fields: list[str] | None
    ends: bool = True


def _read_malformed_csv(engine: DuckDBEngine, text: _Text) -> _Read:
    """Row by row: rows with too few or too many fields, open quotes or bytes that are no text become `malformed`."""
    columns = _csv_columns(text)
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
    return columns, f"raw.{number}", _NO_COLUMNS


def _records(lines: Iterable[str], text: _Text, width: int | None) -> Iterator[_Record]:
    """Rows of CSV, blank lines left out. A quote that is opened and not closed spoils its own line only.

    A record goes on over lines until its quotes are even. If that does not make a row of `width` fields, its first line
    is a row that breaks the format, and the reading goes on with its second: otherwise one stray quote would swallow
    the rest of the file.
    """
    delimiter, quote = text.dialect.delimiter or ",", _quote_character(text)
    ahead, source = deque[str](), iter(lines)
    if isinstance(lines, io.TextIOWrapper):
        source = _bounded(lines)

    def following() -> str | None:
        return ahead.popleft() if ahead else next(source, None)

    while (line := following()) is not None:
        if width is not None and not line.strip("\r\n"):
            continue
        if len(line) > _LONGEST_ROW:
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


def _bounded(lines: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text. Of one that is too long to be a row only so much that this can be told is held in memory."""
    while line := lines.readline(_LONGEST_ROW + 1):
        yield line
        rest = line
        while len(rest) > _LONGEST_ROW and not rest.endswith("\n"):
            rest = lines.readline(_LONGEST_ROW + 1)


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
            kept = record.text if len(record.text) <= _LONGEST_ROW else f"{record.text[:_SHOWN_OF_LONG]}…"
            whole = kept.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            bad.append((number, whole, reason))
    as_text = {row_number: pl.Int64, **dict.fromkeys(columns, pl.String)}
    engine.insert("raw", pl.DataFrame(good, schema=as_text, orient="row"))
    as_malformed = {"row_number": pl.Int64, "text": pl.String, "reason": pl.String}
    engine.insert("malformed", pl.DataFrame(bad, schema=as_malformed, orient="row"))


def _fault(record: _Record, width: int) -> str | None:
    """Why a row breaks the format; None if it does not."""
    if len(record.text) > _LONGEST_ROW:
        return f"the row is longer than {_LONGEST_ROW:,} characters"
    if not record.text.isascii() and any("\udc80" <= character <= "\udcff" for character in record.text):
        return "the row holds bytes that are no UTF-8 text"
    if record.fields is None:
        return "a quote in the row is not closed"
    if len(record.fields) != width:
        cut = "; the file ends within it: export it again" if len(record.fields) < width and not record.ends else ""
        return f"the row has {len(record.fields)} fields, the header {width}{cut}"
    return None


# ── workbooks ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _read_workbook(
    engine: DuckDBEngine, path: Path, dialect: Dialect, scratch: Path | None, is_header: Test | None
) -> RawFile:
    """A sheet of a workbook, the first or the one named; the row below a title names the columns. Cells keep types."""
    import fastexcel

    sheet, columns, above = _sheet(path, dialect, is_header)
    try:
        frame = (
            fastexcel.read_excel(path)
            .load_sheet(sheet, header_row=None, column_names=columns, skip_rows=above + 1, schema_sample_rows=None)
            .to_polars()
        )
    except fastexcel.FastExcelError as error:
        raise _no_workbook(path, error) from None
    number = number_beside(columns)
    frame = frame.select(pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(number), *map(_whole_numbers, frame))
    with _folder(scratch) as folder:
        frame.filter(~pl.all_horizontal(pl.exclude(number).is_null())).write_parquet(folder / "sheet.parquet")
        sheet_file = file_literal(folder / "sheet.parquet")
        engine.execute(f"CREATE OR REPLACE TEMP TABLE raw AS FROM read_parquet({sheet_file}, hive_partitioning=false)")
    return RawFile(columns, f"raw.{number}", Dialect(sheet=dialect.sheet), above + 1, above)


def _sheet(path: Path, dialect: Dialect, is_header: Test | None) -> tuple[str, list[str], int]:
    """(name of the sheet to read, its columns, rows above the one that names them)."""
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it tells of every empty column
    try:
        book = fastexcel.read_excel(path)
        sheet = dialect.sheet or book.sheet_names[0]
        head = book.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=_HEAD, dtypes="string").to_polars()
    except fastexcel.FastExcelError as error:
        raise _no_workbook(path, error) from None
    rows = [[cell or "" for cell in row] for row in head.rows()]
    filled = [place for place, row in enumerate(rows) if any(cell.strip() for cell in row)]
    place = _header_place([rows[number] for number in filled], is_header) or 0
    above = filled[place] if filled else 0
    return sheet, _column_names(f'{path.name}, sheet "{sheet}"', rows[above] if rows else ()), above


def sheets_of(path: Path) -> list[str]:
    """The names of a workbook's sheets; none of one that cannot be read."""
    import fastexcel

    try:
        return list(fastexcel.read_excel(path).sheet_names)
    except (fastexcel.FastExcelError, OSError):
        return []


def _no_workbook(path: Path, error: Exception) -> ExportError:
    lines = [line.strip().removeprefix("0: ") for line in str(error).splitlines()]
    told = next((line for line in lines if "Available sheets" in line), None)
    if told is not None:
        remedy = "Fix the setting sheet below [dialects.<source>] in perennial.toml."
        return ExportError(f"{path.name} cannot be read as xlsx: {_sentence(told)} {remedy}")
    return ExportError(
        f"{path.name} cannot be read as xlsx: it is cut short, damaged, or no workbook (.xlsx). Export it again."
    )


def _whole_numbers(cells: pl.Series) -> pl.Series:
    """A workbook knows only floating-point numbers; a column of whole ones (order 1001) is no column of fractions."""
    if not cells.dtype.is_float() or not ((cells.floor() == cells) & (cells.abs() < 2**53)).all():
        return cells
    return cells.cast(pl.Int64)
