"""What a file is, by its ending and its first bytes, and what is wrong with one as a whole."""

from __future__ import annotations

import codecs
import errno
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb
import polars as pl
import pyarrow as pa

from pipeline.dialect import Dialect
from pipeline.errors import ExportError
from pipeline.shapes import one_line, redacted

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
_DAMAGED = re.compile(r"(?i)truncat|unexpected end|gzip|zlib|zstd|inflate|decompress|decode error|EOF")
EVIDENCE = 1 << 16


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


@contextmanager
def errors_of(path: Path, format: Format, fixed: Dialect) -> Iterator[None]:
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
        raise ExportError(f"{path.name} cannot be read as {format}: {sentence(first)} Export it again.") from None


def sentence(text: str) -> str:
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


def of_another_kind(head: bytes) -> str | None:
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


def require_magic(path: Path, format: Format) -> None:
    """Raises ExportError that says what a file is whose ending does not tell the truth."""
    if format not in _MAGIC:
        return
    magic, name = _MAGIC[format]
    with path.open("rb") as file:
        head = file.read(EVIDENCE)
    if head.startswith(magic):
        return
    what = of_another_kind(head)
    if what is None and b"\0" not in head:
        what = "text; name it .csv, or .jsonl if each of its lines is JSON"
    if what is not None:
        raise ExportError(f"{path.name} cannot be read as {path.suffix[1:].lower()}: it is no {name} but {what}.")
