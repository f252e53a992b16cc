"""Sizes: how large a file is once it is unpacked, found out before it is read into memory.

Few bytes may unpack to more than the machine holds, by accident or on purpose. What is not packed costs a look at the
folder, Parquet one at its end; gzip, zstd and workbooks are unpacked once into nothing, as far as the limits go.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ExportError
from pipeline.settings import Settings

SMALL = 100_000_000
"""Bytes, unpacked, up to which a file may be packed as tightly as it likes."""
MOST_CELLS = 100_000_000
"""Of a sheet, with the empty ones between: a workbook is held in memory whole, about 30 bytes for a cell."""
MOST_COLUMNS = 2_000
"""Of a file. An export has dozens; a column more costs every step of reading, however few rows there are."""
LONGEST_LINE = 2**24
"""Characters of a line, or a row, of text."""
_CHUNK = 1 << 20
_CHUNKS_OF_A_LINE = LONGEST_LINE // _CHUNK - 1
_GLANCE = 1 << 13
_PLACE = re.compile(r"([A-Za-z]{1,6})([0-9]{1,9})")
_RELATIONS_OF_A_WORKBOOK = "xl/_rels/workbook.xml.rels"


class Limits(NamedTuple):
    """How large an export may be, in bytes once it is unpacked, and how many times its size on the disk that may be."""

    bytes: int
    ratio: float


def limits_of(settings: Settings) -> Limits:
    return Limits(settings.max_export_bytes, settings.max_export_ratio)


def require_size(path: Path, format: str, compression: str, limits: Limits) -> bool:
    """Whether a text may hold a line longer than LONGEST_LINE; surely so if it is longer by two chunks.

    DuckDB's reader passes over some of these in silence. Raises ExportError for a file that is larger than the limits,
    or a sheet that spans more cells than memory has. Cheap to ask again of a file that has not changed.
    """
    stat = path.stat()
    return _require(path, stat.st_size, stat.st_mtime_ns, format, compression, limits)


@lru_cache(maxsize=10_000)
def _require(path: Path, size: int, changed: int, format: str, compression: str, limits: Limits) -> bool:
    """`changed` is asked for so that a file that has changed is looked at again."""
    if format == "parquet":
        _require_parquet(path, limits)
    elif format == "xlsx":
        _require_workbook(path, size, limits)
    elif compression == "none":
        _require_bytes(path, size, limits.bytes)
        return size > LONGEST_LINE and _count(path, size, _glances(path, size), limits)
    else:
        with pa.input_stream(str(path), compression=compression) as stream:
            return _count(path, size, iter(lambda: stream.read(_CHUNK), b""), limits)
    return False


def _glances(path: Path, size: int) -> Iterator[bytes]:
    """The beginning of each chunk of a file, or all of it where it does not hold the end of a line."""
    with path.open("rb") as file:
        for start in range(0, size, _CHUNK):
            file.seek(start)
            glance = file.read(_GLANCE)
            yield glance if _ends_line(glance) else glance + file.read(_CHUNK - _GLANCE)


def _ends_line(chunk: bytes) -> bool:
    return b"\n" in chunk or b"\r" in chunk


def _count(path: Path, packed: int, chunks: Iterator[bytes], limits: Limits) -> bool:
    """Unpack no further than the limits. Returns whether a line may be too long."""
    unpacked, without, found = 0, 0, False
    for chunk in chunks:
        without = 0 if _ends_line(chunk) else without + 1
        found |= without >= _CHUNKS_OF_A_LINE
        unpacked += len(chunk)
        _require_unpacked(path, packed, unpacked, limits)
    return found


def require_unpacked(path: Path, unpacked: int, limits: Limits) -> None:
    """Raises ExportError for a file that holds more bytes, once it is unpacked, than the limits allow."""
    _require_unpacked(path, path.stat().st_size, unpacked, limits)


def _require_unpacked(path: Path, packed: int, unpacked: int, limits: Limits) -> None:
    _require_bytes(path, unpacked, limits.bytes)
    if unpacked > max(SMALL, limits.ratio * packed):
        raise ExportError(
            f"{path.name} unpacks to more than {limits.ratio:,.0f} times its size (setting max_export_ratio): no "
            f"export does. Export it again, or raise the setting if this one really repeats itself so."
        )


def require_columns(file: str, columns: int) -> None:
    """Raises ExportError for a file that has more columns than an export has."""
    if columns > MOST_COLUMNS:
        raise ExportError(
            f"{file} names more than {MOST_COLUMNS:,} columns: no export does. Export it again, with the columns that "
            f"are needed; if they are one line, a delimiter or the ends of lines are missing."
        )


def _require_bytes(path: Path, unpacked: int, most: int) -> None:
    if unpacked > most:
        raise ExportError(
            f"{path.name} holds more than {most:,} bytes once it is unpacked (setting max_export_bytes). Export it in "
            f"parts, by month or year, or raise the setting."
        )


def _require_parquet(path: Path, limits: Limits) -> None:
    """By what the file says of itself: n values are n bytes at least, however well they are encoded.

    How long its texts are, only decoding tells (`require_unpacked`).
    """
    about = pq.read_metadata(path)
    groups = [about.row_group(place) for place in range(about.num_row_groups)]
    values = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
    unpacked = max(sum(group.total_byte_size for group in groups), about.num_rows * about.num_columns, values)
    _require_bytes(path, unpacked, limits.bytes)


def _require_workbook(path: Path, packed: int, limits: Limits) -> None:
    """Every part of the archive is unpacked, since it may lie about their sizes; of sheets, the cells are counted.

    Raises ExportError also for a workbook that cannot be looked at: its reader forgives more than is checked here.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = _related(archive)
            chunks = (chunk for part in archive.infolist() for chunk in _part(path, archive, part, sheets))
            _count(path, packed, chunks, limits)
    except expat.ExpatError as error:
        fault = f"a part of it is no valid XML ({expat.errors.messages.get(error.code, 'refused')})"
        raise _damaged(path, fault) from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise _damaged(path, "its archive cannot be unpacked") from None


def _damaged(path: Path, fault: str) -> ExportError:
    return ExportError(
        f"{path.name} cannot be read as xlsx: the workbook is damaged or locked; {fault}. Save it again, without a "
        f"password, or export CSV."
    )


def _related(archive: zipfile.ZipFile) -> set[str]:
    """The names, without folders, of the parts that the workbook is made of: a sheet may lie anywhere in it."""
    found = set[str]()

    def start(_: str, attributes: dict[str, str]) -> None:
        found.add(_name(attributes.get("Target", "")))

    for part in archive.infolist():
        if _place(part.filename) == _RELATIONS_OF_A_WORKBOOK:
            if part.file_size > SMALL:
                raise ValueError("relations that are larger than any")
            parser = _parser(start)
            parser.Parse(archive.read(part), True)
    return found


def _part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo, sheets: set[str]) -> Iterator[bytes]:
    """The chunks of a part. What is or may be XML has to be, and no sheet may span more cells than memory holds."""
    is_xml = _place(part.filename).endswith((".xml", ".rels")) or _name(part.filename) in sheets
    cells = _Cells()
    parser = _parser(cells.start)
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
            if is_xml:
                parser.Parse(chunk, False)
                if cells.columns * cells.rows > MOST_CELLS:
                    raise ExportError(
                        f"{path.name}: a sheet spans {cells.rows:,} rows of {cells.columns:,} columns, more than "
                        f"{MOST_CELLS:,} cells. Remove what stands far from the table, or export CSV."
                    )
    if is_xml and part.file_size:
        parser.Parse(b"", True)


class _Cells:
    """How many rows and columns a sheet spans; where a row or a cell does not say its place, it follows the last."""

    def __init__(self) -> None:
        self.rows = self.columns = self._row = self._column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if name == "c":
            if (place := attributes.get("r")) is None:
                self._column += 1
            else:
                found = _PLACE.fullmatch(place)
                if found is None:
                    raise ValueError("a place that is none")
                self._column = _column(found[1].upper())
                self.rows = max(self.rows, int(found[2]))
            self.columns = max(self.columns, self._column)
        elif name == "row":
            row = attributes.get("r", "")
            self._row = int(row) if row.isdecimal() else self._row + 1
            self._column = 0
            self.rows = max(self.rows, self._row)


def _parser(start: Callable[[str, dict[str, str]], None]) -> expat.XMLParserType:
    """Of XML without declarations of its own: a workbook has none, and entities could hide or multiply what it says."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = start

    def refuse(*_: object) -> None:
        raise ValueError("a document type")

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _place(name: str) -> str:
    return name.replace("\\", "/").lower()


def _name(name: str) -> str:
    return _place(name).rpartition("/")[2]


def _column(letters: str) -> int:
    """The number of a column by its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number
