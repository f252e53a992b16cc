"""What was read from SQL is remembered beside the SQL files, in `__pycache__`, as Python remembers what it compiled.

Reading all SQL of the house takes a third of the night of a small shop, and every command pays it. What is remembered
follows from a text alone; it stands under the digest of that text, in a file that is named by the digest of all code
that decides it, so that nothing of before is found where either has changed. Whoever can write to the folder can write
to the SQL files, too, so that nobody is trusted who was not before. Where it cannot be written to, everything is read
again each time, and all is the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.settings import SQL_FOLDER

_FOLDER = SQL_FOLDER / "__pycache__"
_DECIDE = ("emptiness.py", "inlining.py", "remembered.py", "sql_text.py")
"""Modules beside this one that decide what is remembered."""


def remembered(kind: str, text: str, make: Callable[[], Any]) -> Any:
    """What `make` returns, in the types of JSON: from an earlier time, where it is known for this text."""
    key = hashlib.sha256(f"{kind}\0{text}".encode()).hexdigest()
    known = _store().known
    if key in known:
        return known[key]
    made = make()
    _store().note(key, made)
    return made


@contextmanager
def remembering() -> Iterator[None]:
    """What is read inside is remembered for later processes."""
    store = _store()
    store.depth += 1
    try:
        yield
    finally:
        store.depth -= 1
    if not store.depth:
        store.save()


class _Store:
    def __init__(self, folder: Path) -> None:
        self.depth = 0
        self._file = folder / f"read-{_fingerprint()}.json"
        self._is_new = False
        self.known: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            digest, _, told = self._file.read_bytes().partition(b"\n")
            if digest == _digest(told):  # else a disk changed a letter, and a SELECT said something else
                self.known = json.loads(told)

    def note(self, key: str, made: Any) -> None:
        if self.depth:
            self.known[key] = made
            self._is_new = True

    def save(self) -> None:
        """Whole or not at all, whoever else does so; what other code has left goes."""
        if not self._is_new:
            return
        self._is_new = False
        partial = self._file.with_suffix(f".{os.getpid()}.partial")
        with suppress(OSError):
            self._file.parent.mkdir(exist_ok=True)
            told = json.dumps(self.known).encode()
            partial.write_bytes(_digest(told) + b"\n" + told)
            partial.replace(self._file)
            for other in self._file.parent.glob("read-*"):
                if other != self._file:
                    other.unlink(missing_ok=True)


def _digest(told: bytes) -> bytes:
    return hashlib.sha256(told).hexdigest().encode()


@cache
def _store() -> _Store:
    return _Store(_FOLDER)


def _fingerprint() -> str:
    here = Path(__file__).parent
    code = b"\0".join((here / name).read_bytes() for name in _DECIDE)
    said = f"{version('sqlglot')} {sys.version_info[:2]}".encode()
    return hashlib.sha256(code + said).hexdigest()[:16]
