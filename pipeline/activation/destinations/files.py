"""Files: lists as CSV in a folder of another machine or of a store, by fsspec.

Below <url>/<day>/ a file is whole or not there: it is written as .part, its size is looked at, and it is renamed;
stores of objects show one when it is whole. The manifest comes last, and names the files that are in force.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from math import ceil
from pathlib import Path, PurePosixPath
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import duckdb
import polars as pl

from pipeline.activation.destinations.destination import Answer, DeliveryFailed
from pipeline.activation.destinations.trying import Done, Passing, tried
from pipeline.activation.ledger import Kind, Listed, Row
from pipeline.activation.list_files import count_of, keep_only, take_out, write_list
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.places import AUDIENCES
from pipeline.quoting import quoted
from pipeline.sections.delivery import FOLDERS, Destination
from pipeline.shipped import to_install
from pipeline.tables.formulas import harmless
from pipeline.tables.platforms import Platform, PlatformHeader

_OF_OBJECTS, _OF_SSH = ("s3", "gs", "gcs"), ("sftp", "ssh")
_EXTRAS = {"s3": "s3", "gs": "gs", "gcs": "gs", "sftp": "sftp", "ssh": "sftp"}
_MANIFEST = "manifest.json"


class Files:
    """A folder of files. Credentials are those that the environment holds for its kind; a password, where it needs one,
    in the variable that `credential` names.
    """

    def __init__(
        self, destination: Destination, platform: Platform, home: Path, sleep: Callable[[float], None] = time.sleep
    ) -> None:  # fmt: skip
        self._destination, self._platform, self._home, self._sleep = destination, platform, home, sleep
        self._url, self._kind = destination.url, urlsplit(destination.url).scheme
        self._opened: tuple[Any, str] | None = None
        self._tried(lambda fs, root: None)

    def place(self, audience: str) -> str | None:
        return self._url

    def send(
        self, audience: str, listed: Listed | None, kind: Kind, rows: Sequence[Row], day: dt.date, key: str
    ) -> Iterator[Answer]:  # fmt: skip
        base, stands_for = f"{audience}.{self._platform.name}", tuple[str, ...]()
        if kind == "removed":
            self._withdraw(base, rows)
        with TemporaryDirectory(dir=self._home / "data" / "people") as scratch:
            if kind == "added" and listed is not None and listed.mode != "diff":
                files = self._published(listed, rows, Path(scratch))
                stands_for = (f"{day}/{base}.{self._platform.header.ending}", f"{day}/{base}-part")
            else:
                files = self._written(f"{base}-{kind}-{key[:8]}", listed, kind, rows, Path(scratch))
            entries = [self._upload(f"{day}/{name}", file) for name, file in files.items()]
        self._tell(day, entries, stands_for)
        yield Answer(rows)

    def _published(self, listed: Listed, rows: Sequence[Row], scratch: Path) -> dict[str, Path]:
        """The files of the home, without whoever must not be sent any more: who has objected since is in them still."""
        files, staying = dict[str, Path](), [row.identifiers for row in rows]
        for place, target in enumerate(listed.files):
            source, copy = self._home / target, scratch / f"{place}.{self._platform.header.ending}"
            _require_published(source)
            shutil.copyfile(source, copy)
            is_other = keep_only(self._platform.header, copy, staying)
            if not is_other or count_of(self._platform.header, copy):  # a part of whom all have left
                files[_below_day(target)] = copy if is_other else source
        return files

    def _written(
        self, base: str, listed: Listed | None, kind: Kind, rows: Sequence[Row], scratch: Path
    ) -> dict[str, Path]:
        """The rows as files, small enough for the platform: of who is removed the identifiers, else whole rows."""
        header = self._platform.header
        columns = header.identifiers if kind == "removed" or listed is None else listed.columns
        texts = () if kind == "removed" or listed is None else listed.texts
        told = [row.identifiers if kind == "removed" else _as_text(row.cells) for row in rows]
        parts = ceil(len(told) / (header.most_rows or len(told)))
        while True:
            each = ceil(len(told) / parts)
            names = [base] if parts == 1 else [f"{base}-part{part:02}" for part in range(1, ceil(len(told) / each) + 1)]
            files = {
                f"{name}.{header.ending}": scratch / f"{place}.{header.ending}" for place, name in enumerate(names)
            }
            for place, file in enumerate(files.values()):
                _write(told[place * each : (place + 1) * each], columns, texts, kind == "removed", header, file)
            largest = max(file.stat().st_size for file in files.values())
            if each == 1 or largest <= (header.most_bytes or largest):
                return files
            parts = max(parts + 1, ceil(parts * largest / (header.most_bytes or largest)))

    def _withdraw(self, base: str, rows: Sequence[Row]) -> None:
        """Who must not be on the list leaves the files that are in force, those of the newest day that has any; who was
        forgotten leaves those of all days. Their manifests say so.
        """
        must, erased = [row for row in rows if row.why], [row for row in rows if row.why == "erased"]
        if not must:
            return
        listed = self._tried(partial(_listed, base, self._platform.header.ending, self._kind))
        for place, (day, told) in enumerate(listed):
            if leaving := must if place == 0 else erased:
                self._rewrite(day, told, [row.identifiers for row in leaving])

    def _rewrite(self, day: str, told: Mapping[str, str], leaving: Sequence[dict[str, str]]) -> None:
        """`told`: files and their sums as the manifest has them; where it was stopped before, one may be another."""
        header, entries = self._platform.header, list[dict[str, Any]]()
        with TemporaryDirectory(dir=self._home / "data" / "people") as scratch:
            file = Path(scratch, f"list.{header.ending}")
            for name, digest in told.items():
                file.write_bytes(self._tried(partial(_content, name, self._kind)))
                is_other = take_out(header, file, leaving)
                if is_other or _entry(name, file)["sha256"] != digest:
                    entries.append(self._upload(name, file))
        if entries:
            self._tell(day, entries, ())

    def _upload(self, name: str, file: Path) -> dict[str, Any]:
        _require_published(file)
        size = file.stat().st_size

        def put(fs: Any, root: str) -> None:
            with _whole(fs, root, name, self._kind) as beside:
                fs.put_file(str(file), beside)
                fs.invalidate_cache()
                if (there := fs.info(beside)["size"]) != size:
                    raise OSError(f"{there} of {size} bytes arrived")

        self._tried(put)
        return _entry(name, file)

    def _tell(self, day: dt.date | str, entries: Sequence[dict[str, Any]], stands_for: tuple[str, ...]) -> None:
        """The manifest with these files, and without those that they stand for, which are removed."""
        new = {entry["path"] for entry in entries}

        def write(fs: Any, root: str) -> None:
            name = f"{day}/{_MANIFEST}"
            path = _place(root, name, self._kind)
            fs.invalidate_cache()
            known = _told_of(str(day), fs.cat_file(path)) if fs.exists(path) else []
            gone = {entry["path"] for entry in known if entry["path"].startswith(stands_for)} - new
            kept = [entry for entry in known if entry["path"] not in gone | new]
            files = sorted([*kept, *entries], key=lambda entry: str(entry["path"]))
            told = json.dumps({"snapshot_date": str(day), "files": files}, indent=2, ensure_ascii=False)
            with _whole(fs, root, name, self._kind) as beside:
                fs.pipe_file(beside, f"{told}\n".encode())
            for one in gone:
                if fs.exists(left := _place(root, one, self._kind)):
                    fs.rm_file(left)

        self._tried(write)

    def _tried(self, work: Callable[[Any, str], Done]) -> Done:
        """The work on the folder, tried again where it may pass, each time on a new connection."""

        def once() -> Done:
            try:
                self._opened = self._opened or _opened(self._destination, self._kind)
                return work(*self._opened)
            except DeliveryFailed:
                raise
            except Exception as error:  # libraries raise what they like
                self._opened = None
                raise self._told(error) from None

        return tried(once, self._url, self._sleep)

    def _told(self, error: Exception) -> DeliveryFailed | Passing:
        """What is said of an error. Its own words may hold what is in the files."""
        if self._kind == "file" and isinstance(error, OSError) and error.errno:  # waiting mends no folder
            return DeliveryFailed(
                f"{self._url} cannot be written: {os.strerror(error.errno).lower()}. Let it name a folder of this "
                f"machine that is there or can be made, and that who runs this may write to; then perennial deliver."
            )
        if _is_denied(error):
            return DeliveryFailed(f"{self._url} cannot be written: access is denied. Check the credentials.")
        if isinstance(error, FileNotFoundError) and self._kind in _OF_OBJECTS:
            return DeliveryFailed(
                f"{self._url} cannot be written: there is no such bucket. Make it, or check the address."
            )
        return Passing(f"it cannot be written ({type(error).__name__})")


def _is_denied(error: Exception) -> bool:
    """gcsfs says of 401 and 403 what it says of what may pass; what it says begins with that, or has the status."""
    return (
        isinstance(error, PermissionError)
        or "Credentials" in type(error).__name__
        or getattr(error, "code", None) in (401, 403)
        or str(error).startswith("Forbidden: ")
    )


@contextmanager
def _whole(fs: Any, root: str, name: str, kind: str) -> Iterator[str]:
    """Where to write a file that is to be at a place, whole or not at all; in a folder that is there afterwards.

    A store of objects shows one when it is whole, and has no folders: asked for one, it might begin a bucket. Elsewhere
    it is written under a name that nobody can foresee, and put a link there.
    """
    path = _place(root, name, kind)
    if kind in _OF_OBJECTS:
        yield path
        return
    folder, beside = str(PurePosixPath(path).parent), f"{path}.{token_hex(8)}.part"
    fs.makedirs(folder, exist_ok=True)
    for one in fs.ls(folder, detail=False):
        if one.startswith(f"{path}.") and one.endswith(".part"):
            with suppress(Exception):  # of somebody who was killed
                fs.rm_file(one)
    if kind == "file":
        Path(beside).touch(exist_ok=False)
    try:
        yield beside
        fs.mv(beside, path)
    except Exception:
        with suppress(Exception):  # half of a list stays nowhere, if it can be helped
            fs.rm_file(beside)
        raise


def _listed(base: str, ending: str, kind: str, fs: Any, root: str) -> list[tuple[str, dict[str, str]]]:
    """(day, files of a list that are in force and their sums), the newest day first; not those of who is removed."""
    fs.invalidate_cache()
    found = list[tuple[str, dict[str, str]]]()
    for path in sorted(fs.glob(f"{root}/*/{_MANIFEST}"), reverse=True):
        day = PurePosixPath(path).parent.name
        starts = (f"{day}/{base}.{ending}", f"{day}/{base}-part", f"{day}/{base}-added-")
        entries = _told_of(day, fs.cat_file(_place(root, f"{day}/{_MANIFEST}", kind)))
        told = {entry["path"]: str(entry["sha256"]) for entry in entries}
        if of_list := {name: digest for name, digest in told.items() if name.startswith(starts)}:
            found.append((day, of_list))
    return found


def _content(name: str, kind: str, fs: Any, root: str) -> bytes:
    return bytes(fs.cat_file(_place(root, name, kind)))


def _told_of(day: str, manifest: bytes) -> list[dict[str, Any]]:
    """The files that a manifest tells of, below its day. Others may write where we do: what leads elsewhere is none
    of ours, and neither read, written nor removed.
    """
    return [one for one in json.loads(manifest)["files"] if _is_plain(day, one["path"])]


def _is_plain(day: str, name: Any) -> bool:
    first, *parts = name.split("/") if isinstance(name, str) else ("",)
    return first == day and bool(parts) and not any(part in ("", ".", "..") or "\0" in part for part in parts)


def _place(root: str, name: str, kind: str) -> str:
    """The path of a name below the folder. Raises DeliveryFailed where a link of this machine leads out of it."""
    path = f"{root}/{name}"
    if kind == "file" and not Path(path).resolve().is_relative_to(Path(root).resolve()):
        raise DeliveryFailed(f"{path} is, or is below, a link that leads out of {root}. Remove the link.")
    return path


def _entry(name: str, file: Path) -> dict[str, Any]:
    """A file as the manifest tells it."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {"path": name, "bytes": file.stat().st_size, "sha256": digest}


def _require_published(file: Path) -> None:
    if not file.exists():
        raise DeliveryFailed(f"{file.name} is no longer in the home; run its snapshot again.")


def _opened(destination: Destination, kind: str) -> tuple[Any, str]:
    """The folder and its path, on a connection of its own. Raises DeliveryFailed, and what its library raises.

    fsspec knows many more kinds, and sends over some of them in clear.
    """
    if kind not in FOLDERS:
        raise DeliveryFailed(f"{kind}:// is no kind of address that files are sent to; s3, gs, sftp and file are.")
    try:
        import fsspec
    except ImportError:
        raise DeliveryFailed(_lacking(kind)) from None
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)  # it tells traces, also of what is tried again
    secret = destination.secret(destination.credential) if destination.credential else None
    given = {"password": secret} if secret else {}
    try:
        if kind in _OF_SSH:
            from pipeline.activation.destinations.sftp import Sftp

            url = destination.url
            fs = Sftp(**Sftp._get_kwargs_from_urls(url), **given, skip_instance_cache=True)
            return fs, str(Sftp._strip_protocol(url)).rstrip("/")
        fs, root = fsspec.core.url_to_fs(destination.url, **given, skip_instance_cache=True)
    except (ImportError, ValueError) as error:
        if kind in _EXTRAS:
            raise DeliveryFailed(_lacking(kind)) from error
        raise
    return fs, str(root).rstrip("/")


def _lacking(kind: str) -> str:
    return f"{kind}:// needs packages that are not installed. Install them: {to_install(_EXTRAS.get(kind, 's3'))}."


def _below_day(target: str) -> str:
    """data/audiences/2026-03-31/grid/loyal.klaviyo.csv -> grid/loyal.klaviyo.csv"""
    return "/".join(PurePosixPath(target).relative_to(AUDIENCES).parts[1:])


def _as_text(cells: str | None) -> dict[str, Any]:
    """Numbers stay as they are written."""
    return dict(json.loads(cells or "{}", parse_float=str, parse_int=str))


def _write(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], texts: Sequence[str], are_removed: bool,
    header: PlatformHeader, file: Path,
) -> None:  # fmt: skip
    """As files of the folder are written: free texts are made harmless."""
    told = {name: [_cell(row.get(name)) for row in rows] for name in columns}
    shown = ", ".join(
        f"{harmless(quoted(name)) if name in texts else quoted(name)} AS {quoted(name)}" for name in columns
    )
    with duckdb.connect() as connection:
        connection.register("told", pl.DataFrame(told, schema=dict.fromkeys(columns, pl.String)))
        write_list(DuckDBEngine(connection), header, f"SELECT {shown} FROM told", columns, are_removed, file)


def _cell(value: Any) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)
