"""A file of what earlier nights came to, by the fingerprint of all that it followed from. Who loses it loses time."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pipeline.durable import fsync
from pipeline.settings import Settings

T = TypeVar("T")

KEPT = FITS, VERDICTS = "fits.json", "verdicts.json"
"""Beside the warehouse file."""
_UNREADABLE = (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError, MemoryError, zlib.error)


class KeptFile:
    """What is kept in a file, as far as JSON can tell it, read when the first of it is asked for."""

    def __init__(self, file: Path | None, made_by: Callable[[], str], most: int, most_bytes: int) -> None:
        """Without a file nothing is kept. `made_by`: fingerprint of the code, what other code made is not taken;
        `most`: how many are kept, those used last; a file of more than `most_bytes` is none of ours."""
        self._file, self._made_by, self._most, self._most_bytes = file, made_by, most, most_bytes
        self._known: dict[str, Any] | None = None
        self._used: dict[str, Any] = {}

    def find(self, key: str, read: Callable[[Any], T]) -> T | None:
        """What is kept under the key, as `read` takes it; none where it cannot be taken, as if it were not there."""
        if self._known is None:
            self._known = self._read()
        told = self._known.get(key)
        try:
            found = None if told is None else read(told)
        except _UNREADABLE:
            return None
        if found is not None:
            self._used[key] = told
        return found

    def keep(self, key: str, told: Any) -> None:
        self._used[key] = told

    def save(self) -> None:
        """Those that were used come first from now on. The file is whole at every moment: the old one or the new.

        Where it cannot be written, nothing is kept: no night fails for that.
        """
        if self._file is None or not self._used or not self._file.parent.is_dir():
            return
        if self._known is None:
            self._known = self._read()
        known = self._used | {key: told for key, told in self._known.items() if key not in self._used}
        kept = dict(list(known.items())[: self._most])
        if list(kept.items()) == list(self._known.items()):
            return
        partial = self._file.with_name(f"{self._file.name}.partial")
        with suppress(OSError):
            partial.unlink(missing_ok=True)  # of somebody who died, or a link that leads elsewhere
            with partial.open("x", encoding="ascii") as file:
                json.dump({"made_by": self._made_by(), "sum": _sum_of(kept), "kept": kept}, file)
            partial.chmod(0o600)
            fsync(partial)
            partial.replace(self._file)

    def _read(self) -> dict[str, Any]:
        """Nothing where there is no file, where it is damaged, or where other code made it."""
        try:
            if self._file is None or not self._file.is_file() or self._file.stat().st_size > self._most_bytes:
                return {}
            told = json.loads(self._file.read_text(encoding="ascii"))
            kept = dict(told["kept"].items())
            return kept if (told["made_by"], told["sum"]) == (self._made_by(), _sum_of(kept)) else {}
        except _UNREADABLE:
            return {}


def forget_kept(settings: Settings) -> None:
    """The next night fits and tests everything itself."""
    for name in KEPT:
        with suppress(OSError):  # what is no file of ours is not read either
            settings.warehouse_file.with_name(name).unlink()


def fingerprint(words: Iterable[str], files: Iterable[Path] = ()) -> str:
    """Of these words, and of the code in these files."""
    told = hashlib.sha256(" ".join(words).encode())
    for file in files:
        told.update(file.read_bytes())
    return told.hexdigest()


def _sum_of(kept: Mapping[str, Any]) -> str:
    """By which it is seen that nothing of them is damaged: a digit that is another one is a number, too."""
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()
