"""JSON text that is no JSON lines, cut into values: arrays, on one line or over many, and objects over several lines.

Services deliver events in batches, an array each, and tools give every bracket a line of its own. What is cut out is
read as JSON lines are. It is cut, not judged: a value that breaks off, as where a file ends in the middle, comes out as
it stands, and those before it are whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from pipeline.errors import PerennialError

_SIGN = re.compile(r'\\.|["\[\]{},\n]', re.DOTALL)
_BATCH = re.compile(r"\[\s*[{\]]")
_BLANK = re.compile(r"\s*")
_DECODER = json.JSONDecoder()
_ENDS_OF_LINES = str.maketrans("\r\n", "  ")


class TooLong(PerennialError):
    """A value that is longer than one may be."""


def values(chunks: Iterable[str], longest: int) -> Iterator[str]:
    """The elements of arrays, and what stands beside them, each on one line.

    A text in quotes never goes on over lines: where one does, the value is broken off, and what follows is another. No
    chunk may end in a backslash. Raises TooLong for a value of more than `longest` characters.
    """
    pieces, depth, base, is_text = list[str](), 0, 0, False  # base: 1 inside of an array that is no value itself
    for chunk in chunks:
        taken = 0
        for found in _SIGN.finditer(chunk):
            sign, cut = found[0], None
            if is_text:
                is_text = sign not in ('"', "\n")
                if sign == "\n":
                    cut, depth = found.start(), base
            elif sign == '"':
                is_text = True
            elif sign in ("[", "{"):
                if sign == "[" and not depth:
                    cut, base = found.start(), 1
                depth += 1
            elif sign in ("]", "}"):
                depth = max(depth - 1, 0)
                if depth < base:
                    cut, base = found.start(), 0
                elif not depth:
                    cut = found.end()
            elif sign == "," and depth == base:
                cut = found.start()
            if cut is not None:
                yield from _one_line([*pieces, chunk[taken:cut]])
                pieces, taken = [], found.end()
        pieces.append(chunk[taken:])
        if sum(map(len, pieces)) > longest:
            raise TooLong
    yield from _one_line(pieces)


def _one_line(pieces: Iterable[str]) -> Iterator[str]:
    if text := "".join(pieces).translate(_ENDS_OF_LINES).strip():
        yield text


def unpacked(lines: Iterable[str], longest: int) -> Iterator[str]:
    """JSON lines, and in place of each that is an array of objects, or begins as one, its objects."""
    for line in lines:
        text = line.strip().removeprefix("\ufeff")
        if _BATCH.match(text):
            yield from _elements(text, longest)
        else:
            yield text


def _elements(text: str, longest: int) -> Iterator[str]:
    """The elements of an array, as far as it can be read; what is left is cut by its signs alone."""
    start = _space(text, 1)
    while text[start : start + 1] not in ("]", ""):
        try:
            end = _DECODER.raw_decode(text, start)[1]
        except (ValueError, RecursionError):
            yield from values([f"[{text[start:]}"], longest)
            return
        yield text[start:end]
        start = _space(text, end)
        if text[start : start + 1] == ",":
            start = _space(text, start + 1)
    yield from values([text[start + 1 :]], longest)


def _space(text: str, start: int) -> int:
    """Where a blank ends that begins there."""
    return _BLANK.match(text, start).end()  # type: ignore[union-attr]


def is_spread(lines: Iterable[str]) -> bool:
    """Whether JSON goes on over lines: the first holds the beginning of a value, and the second is none of its own."""
    filled = (line.strip().removeprefix("\ufeff") for line in lines if line.strip("\ufeff \t\r\n"))
    first, second = next(filled, ""), next(filled, "")
    beginnings = {"[": "[", "{": "[{"}.get(first[:1])
    return beginnings is not None and second != "" and second[0] not in beginnings and not _is_whole(first)


def _is_whole(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
