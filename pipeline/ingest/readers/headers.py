"""Headers: which of the first rows names the columns, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.errors import ExportError
from pipeline.ingest.sizes import require_columns
from pipeline.shapes import shape

HEAD = 60
Test = Callable[[Sequence[str]], bool]
"""Whether cells are the names of the columns that are looked for."""


def header_place(records: Sequence[Sequence[str]], is_header: Test | None) -> int | None:
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


def column_names(file: str, header: Sequence[str]) -> list[str]:
    """The cells of the header, a column without a name by its position."""
    require_columns(file, len(header))
    if not any(name.strip() for name in header):
        raise ExportError(f"{file} has no header line. The first line must name the columns.")
    columns = [name.replace("\0", "").strip() or f"column {place}" for place, name in enumerate(header, start=1)]
    require_different(file, columns)
    return columns


def require_different(file: str, columns: Sequence[str]) -> None:
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
