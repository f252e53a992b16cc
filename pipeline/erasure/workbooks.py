"""Workbooks (.xlsx): records leave them, and nothing else of them changes.

fastexcel, by which exports are read, writes none, and libraries that write them make the whole file anew: what they do
not know is lost, and so is what formulas came to. A workbook is an archive of XML in which rows and texts never contain
rows and texts; so rows are cut out of their sheets, texts that nothing else uses are emptied, and every other byte of
every part stays. Rows below keep their numbers, by which formulas and tables name them. Where that is not certain, as
with formulas in such a row, the workbook is left alone (ValueError).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from html import unescape
from pathlib import Path
from xml.parsers import expat

_STRINGS, _SHEETS, _PIVOTS = "xl/sharedStrings.xml", "xl/worksheets/", "xl/pivotCache/"
CELLS = (_STRINGS, _SHEETS)
"""The parts of a workbook in which its cells stand."""
_MOST_BYTES = 1 << 30
"""Of all parts together, unpacked."""
_NOT_PLAIN = re.compile(rb"<!(?!--\s*-->)|\0")  # comments, CDATA and DOCTYPE may hold what looks like a row
_LETTERS = re.compile(r"[A-Z]+")


def _elements(name: str) -> re.Pattern[bytes]:
    """`<name …/>` or `<name …>inner</name>`, with the prefix of a namespace or without."""
    tag = rb"(?:\w+:)?" + name.encode()
    return re.compile(rb"<(?P<tag>" + tag + rb")(?P<told>(?:\s[^>]*?)?)(?:/>|>(?P<inner>.*?)</(?P=tag)>)", re.DOTALL)


_ROW, _CELL, _STRING, _TEXT, _VALUE = (_elements(name) for name in ("row", "c", "si", "t", "v"))
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")

Row = Mapping[str, str]
"""Text of the cells of a row, by the letters of their columns."""


def records_of_workbook(path: Path, is_header: Callable[[Collection[str]], bool]) -> Iterator[tuple[Row, Row]]:
    """(cells of the last row before that `is_header`, cells) of all rows. Raises BadZipFile, ValueError."""
    with zipfile.ZipFile(path) as archive:
        parts = _parts(archive)
    strings = _texts_of(parts.get(_STRINGS, b""))
    for name in _sheets(parts):
        header: Row = {}
        for row in _ROW.finditer(parts[name]):
            cells = _cells(row, strings)
            if is_header(cells.values()):
                header = cells
            else:
                yield header, cells


def rewrite_workbook(
    path: Path, is_header: Callable[[Collection[str]], bool], is_wanted: Callable[[Row, Row], bool], fresh: Path
) -> bool:
    """Write the workbook without the rows that are `is_wanted`, which is asked with the cells of the last row that
    `is_header`; whether there were any. Raises BadZipFile, ValueError."""
    with zipfile.ZipFile(path) as archive:
        parts = _parts(archive)
        strings = _texts_of(parts.get(_STRINGS, b""))
        changed, kept, cut = dict[str, bytes](), set[int](), set[int]()
        for name in _sheets(parts):
            header: Row = {}
            pieces, end = list[bytes](), 0
            for row in _ROW.finditer(parts[name]):
                cells = _cells(row, strings)
                if is_header(cells.values()):
                    header = cells
                elif is_wanted(header, cells):
                    if _FORMULA.search(row[0]):
                        raise ValueError("a row with formulas")
                    cut |= _used(row)
                    pieces.append(parts[name][end : row.start()])
                    end = row.end()
                    continue
                kept |= _used(row)
            if pieces:
                changed[name] = b"".join((*pieces, parts[name][end:]))
        if not changed:
            return False
        if any(name.startswith(_PIVOTS) for name in parts):
            raise ValueError("a pivot table, which holds rows of its own")
        if cut - kept:
            changed[_STRINGS] = _without_strings(parts[_STRINGS], cut - kept)
        for part in changed.values():
            _require_whole(part)
        with zipfile.ZipFile(fresh, "w") as written:
            for info in archive.infolist():
                written.writestr(info, changed.get(info.filename, parts[info.filename]))
    return True


def _parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
        raise ValueError("too large")
    parts = {info.filename: archive.read(info) for info in archive.infolist()}
    for name in (*_sheets(parts), _STRINGS):
        if _NOT_PLAIN.search(parts.get(name, b"")):
            raise ValueError("not plain XML in UTF-8")
    return parts


def _sheets(parts: Mapping[str, bytes]) -> list[str]:
    return [name for name in parts if name.startswith(_SHEETS) and name.endswith(".xml")]


def _texts_of(strings: bytes) -> list[str]:
    return [_text(one["inner"] or b"") for one in _STRING.finditer(strings)]


def _text(inner: bytes) -> str:
    return unescape(b"".join(one["inner"] or b"" for one in _TEXT.finditer(inner)).decode())


def _cells(row: re.Match[bytes], strings: list[str]) -> dict[str, str]:
    cells = dict[str, str]()
    for place, cell in enumerate(_CELL.finditer(row["inner"] or b"")):
        named = _LETTERS.match(_attribute(cell, "r"))
        text = _cell(cell, strings)
        if text:
            cells[named[0] if named else f"{place}"] = text
    return cells


def _cell(cell: re.Match[bytes], strings: list[str]) -> str:
    """As it is shown, numbers without what spreadsheets add to them: 4.8600123456E10 is 48600123456."""
    inner, kind = cell["inner"] or b"", _attribute(cell, "t")
    if kind == "inlineStr":
        return _text(inner)
    value = _VALUE.search(inner)
    text = unescape((value["inner"] or b"").decode()) if value else ""
    if kind == "s":
        return strings[int(text)] if text else ""
    if kind in ("", "n"):
        with suppress(InvalidOperation, ValueError, OverflowError):
            number = Decimal(text)
            return f"{int(number)}" if number == int(number) else text
    return text


def _attribute(element: re.Match[bytes], name: str) -> str:
    found = re.search(rb"\s" + name.encode() + rb"\s*=\s*[\"']([^\"']*)[\"']", element["told"])
    return found[1].decode() if found else ""


def _used(row: re.Match[bytes]) -> set[int]:
    """The places of the texts that a row shares with others."""
    values = [_VALUE.search(cell["inner"] or b"") for cell in _CELL.finditer(row["inner"] or b"")
              if _attribute(cell, "t") == "s"]  # fmt: skip
    return {int(value["inner"]) for value in values if value and value["inner"]}


def _without_strings(strings: bytes, places: Collection[int]) -> bytes:
    """Emptied, not removed: cells name the others by their places."""
    pieces, end = list[bytes](), 0
    for place, one in enumerate(_STRING.finditer(strings)):
        if place in places:
            prefix = one["tag"].removesuffix(b"si")
            empty = b"<%ssi><%st></%st></%ssi>" % (prefix, prefix, prefix, prefix)
            pieces += [strings[end : one.start()], empty]
            end = one.end()
    return b"".join((*pieces, strings[end:]))


def _require_whole(part: bytes) -> None:
    try:
        expat.ParserCreate().Parse(part, True)
    except expat.ExpatError as error:
        raise ValueError("not well-formed any more") from error
