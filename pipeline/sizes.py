"""Sizes: how large a file is once it is unpacked, found out before it is read into memory.

Few bytes may unpack to more than the machine holds, by accident or on purpose. What is not packed costs a look at the
folder, Parquet one at its end; gzip, zstd and workbooks are unpacked once into nothing, as far as the limits go.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.settings import Settings
from pipeline.sources import ExportError

SMALL = 100_000_000
"""Bytes, unpacked, up to which a file may be packed as tightly as it likes."""
MOST_CELLS = 100_000_000
"""Of a sheet, with the empty ones between: a workbook is held in memory whole, about 30 bytes for a cell."""
LONGEST_LINE = 2**24
"""Characters of a line, or a row, of text."""
_CHUNK = 1 << 20
_CHUNKS_OF_A_LINE = LONGEST_LINE // _CHUNK - 1
_GLANCE = 1 << 13
_CELL = re.compile(rb'\br="([A-Z]{0,3})(\d{1,7})"')
_LONGEST_PLACE = 20


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
    """`changed` is asked for so that a file that has changed is looked at anew."""
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
        _require_bytes(path, unpacked, limits.bytes)
        if unpacked > max(SMALL, limits.ratio * packed):
            raise ExportError(
                f"{path.name} unpacks to more than {limits.ratio:,.0f} times its size (setting max_export_ratio): no "
                f"export does. Export it again, or raise the setting if this one really repeats itself so."
            )
    return found


def _require_bytes(path: Path, unpacked: int, most: int) -> None:
    if unpacked > most:
        raise ExportError(
            f"{path.name} holds more than {most:,} bytes once it is unpacked (setting max_export_bytes). Export it in "
            f"parts, by month or year, or raise the setting."
        )


def _require_parquet(path: Path, limits: Limits) -> None:
    """By what the file says of itself: a row of n columns is n bytes at least, however well it is encoded."""
    about = pq.read_metadata(path)
    groups = (about.row_group(place).total_byte_size for place in range(about.num_row_groups))
    _require_bytes(path, max(sum(groups), about.num_rows * about.num_columns), limits.bytes)


def _require_workbook(path: Path, packed: int, limits: Limits) -> None:
    """Every part of the archive is unpacked, since it may lie about their sizes; of sheets, the cells are counted."""
    try:
        with zipfile.ZipFile(path) as archive:
            _count(path, packed, (chunk for part in archive.infolist() for chunk in _part(path, archive, part)), limits)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return  # no archive, or one that is locked: reading it says so


def _part(path: Path, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    is_sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
    columns = rows = 0
    before = b""
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
            if is_sheet:
                text = before + chunk
                before = text[-_LONGEST_PLACE:]
                for letters, row in set(_CELL.findall(text)):
                    columns, rows = max(columns, _column(letters)), max(rows, int(row))
                if columns * rows > MOST_CELLS:
                    raise ExportError(
                        f"{path.name}: a sheet spans {rows:,} rows of {columns:,} columns, more than "
                        f"{MOST_CELLS:,} cells. Remove what stands far from the table, or export CSV."
                    )


def _column(letters: bytes) -> int:
    """The number of a column by its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
