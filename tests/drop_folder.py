"""A home whose drop folder is filled by hand and loaded as a run loads it, for the tests of exports.

What belongs here: how to drop, load and look. What does not: expectations, they stand in the tests.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import polars as pl
from shop import Rows, open_engine

from pipeline.errors import ExportError
from pipeline.ingest.exports import find_exports, identify, load_exports
from pipeline.ingest.load import Loaded
from pipeline.ingest.precedence import note_arrivals, place_of, shown_path
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS

HEADER = "order_id,customer_id,ordered_at,amount"
COUNTS = ("rows_read", "accepted", "quarantined", "superseded", "duplicates")


class Home:
    """A home with a drop folder and a warehouse in memory, loaded as a run loads it."""

    def __init__(self, path: Path, opened: ExitStack, named: Iterable[Path] = (), **settings: Any) -> None:
        self.path = path
        self.engine = opened.enter_context(open_engine(Settings(home=path, **settings), named))
        self.settings = {"quarantine_limit": 1.0, **settings}  # files of three rows have a wrong one often
        self.clock = dt.datetime(2026, 12, 1)

    def drop(self, name: str, content: str | bytes, source: str = "perennial") -> Path:
        file = self.path / "data" / "exports" / source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def lines(self, name: str, *lines: str, header: str = HEADER) -> Path:
        return self.drop(name, "\n".join((header, *lines)) + "\n")

    def own_source(
        self, select: str, raw: str = "{order: {}, customer: {}, day: {}, money: {}}", name: str = "own",
        input: str = "order_lines", more: str = "",
    ) -> None:  # fmt: skip
        """A source in the user's own folder."""
        file = self.path / "sources" / name / f"{input}.sql"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"/*\ndescription: Export of our own shop system.\nraw: {raw}\n{more}*/\n{select}\n")
        self.settings["sources_folder"] = Path("sources")

    def find(self, **given: str):
        return find_exports(self.now(), {source: [pattern] for source, pattern in given.items()})

    def now(self) -> Settings:
        return Settings(home=self.path, **self.settings)

    def load(self, exports=None, **given: str) -> dict[str, Loaded]:
        """Load all of the drop folder (or what is given), a minute after the last time; the ledger must balance."""
        self.clock += dt.timedelta(minutes=1)
        found = self.find(**given) if exports is None else exports
        outcomes = list(load_exports(self.engine, self.now(), found, self.clock))
        for outcome in outcomes:
            if isinstance(outcome, ExportError):
                raise outcome
        self.assert_balanced()
        return {outcome.file: outcome for outcome in outcomes}

    def assert_balanced(self) -> None:
        """rows read = accepted + quarantined + superseded + duplicates, and the rows are where the ledger says."""
        for file in self.ledger().frame.iter_rows(named=True):
            lines = self.select(f"SELECT * FROM staging.{file['input']} WHERE file_id = '{file['file_id']}'")
            set_aside = self.select(f"SELECT * FROM ingest.quarantine WHERE file_id = '{file['file_id']}'")
            assert file["accepted"] == lines.frame["row_number"].n_unique(), file
            assert file["quarantined"] == len(set_aside), file
            person = INPUTS[file["input"]].person
            guests = lines.frame[person].null_count() if person else 0
            assert file["without_customer"] == guests, file
            if file["status"] == "loaded":
                parts = ("accepted", "quarantined", "superseded", "duplicates")
                assert file["rows_read"] == sum(file[part] for part in parts), file

    def select(self, sql: str) -> Rows:
        return Rows(self.engine.read(sql))

    def ledger(self) -> Rows:
        return self.select("SELECT * FROM ingest.files ORDER BY source, sha256")

    def order_lines(self) -> Rows:
        return self.select("SELECT * FROM staging.order_lines ORDER BY file_id, row_number")

    def staged(self, input: str) -> Rows:
        return self.select(f"SELECT * FROM staging.{input}")

    def emptied(self) -> None:
        """As before the first load; the files stay."""
        kept = (
            "ingest.files",
            "ingest.arrivals",
            "ingest.quarantine",
            "ingest.remarks",
            "ingest.identities",
            "ingest.aliases",
        )
        for table in (*(f"staging.{name}" for name in INPUTS), *kept):
            self.engine.execute(f"DELETE FROM {table}")

    def reasons(self) -> dict[int, str]:
        """Row number -> why it was quarantined."""
        return self.select("SELECT * FROM ingest.quarantine").by("row_number", "reasons")

    def set_aside(self) -> Rows:
        """The quarantined rows of all files, with their text."""
        files = sorted((self.path / "data" / "quarantine").glob("*.parquet"))
        return Rows(pl.concat([pl.read_parquet(file) for file in files]))

    def remarks(self) -> dict[str, str]:
        """Subject -> what a person is told of it, of each file."""
        listed = (
            "SELECT subject, string_agg(message, ' ' ORDER BY message) AS told FROM ingest.remarks GROUP BY subject"
        )
        return self.select(listed).by("subject", "told")

    def arrive(self, *names: str, at: str) -> None:
        """Say when files, dropped but not loaded yet, arrived together."""
        found = [(export, *identify(export)) for export in self.find() if export.name in names]
        places = [(file_id, place_of(self.now(), e.path), shown_path(self.now(), e.path)) for e, file_id, _ in found]
        moment = dt.datetime.fromisoformat(at)
        note_arrivals(self.engine, places, moment)
        self.engine.execute(
            "UPDATE ingest.arrivals SET arrived_at = CAST($at AS TIMESTAMP) WHERE list_contains($files, file_id)",
            {"at": moment, "files": [file_id for file_id, _, _ in places]},
        )

    def everything(self) -> list[list[tuple[Any, ...]]]:
        return [
            *(self.staged(name).rows() for name in INPUTS),
            self.ledger().rows(),
            self.select("SELECT * FROM ingest.quarantine").rows(),
        ]


def counts(outcome: Loaded) -> tuple[int, ...]:
    """(rows read, accepted, quarantined, superseded, duplicates)."""
    return tuple(getattr(outcome, name) for name in COUNTS)
