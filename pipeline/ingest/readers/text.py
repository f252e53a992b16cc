"""Text files: where their bytes are, how they are packed, and how they are written."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from pipeline.dialect import Dialect

UTF_8 = ("utf-8", "utf-8-sig")
SAMPLE = 1 << 18
CHUNK = 1 << 20
LONGEST_ROW = 2**27  # for the slower reader, which holds one row of text at a time


class Text(NamedTuple):
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
        encoding = "utf-8-sig" if self.dialect.encoding in UTF_8 else self.dialect.encoding
        with self.bytes() as stream, io.TextIOWrapper(stream, encoding=encoding, newline="", errors=errors) as text:
            for _ in range(self.above):
                text.readline()
            yield text

    def bytes(self) -> Any:
        return pa.input_stream(str(self.path), compression=None if self.compression == "none" else self.compression)

    def read_as(self, **values: str) -> Text:
        return self._replace(dialect=self.dialect.but(**values))


def chunks(text: io.TextIOWrapper) -> Iterator[str]:
    """The text in pieces, none of which ends in a backslash."""
    while chunk := text.read(CHUNK):
        while chunk.endswith("\\") and (more := text.read(1)):
            chunk += more
        yield chunk


@contextmanager
def copied(text: Text, lines: Iterable[str], scratch: Path | None) -> Iterator[Text]:
    """These lines in place of the text, for as long as it is read."""
    with scratch_folder(scratch) as folder:
        copy = folder / text.path.name
        with copy.open("w", encoding="utf-8", newline="") as file:
            file.writelines(f"{line}\n" for line in lines)
        yield Text(copy, "none", text.dialect.but(encoding="utf-8"))


@contextmanager
def scratch_folder(scratch: Path | None) -> Iterator[Path]:
    """A folder for as long as a file is read."""
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="reading-") as folder:
        yield Path(folder)


def bounded(lines: io.TextIOWrapper) -> Iterator[str]:
    """The lines of a text. Of one that is too long to be a row only so much that this can be told is held in memory."""
    while line := lines.readline(LONGEST_ROW + 1):
        yield line
        rest = line
        while len(rest) > LONGEST_ROW and not rest.endswith("\n"):
            rest = lines.readline(LONGEST_ROW + 1)
