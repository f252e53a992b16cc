"""Loading: one export file on its way into the warehouse, all of it set-based.

Each step is a module over one context (`context.Load`): `read`, `map`, `erased`, `money`, `judge`, `notice`, `merge`,
`persons`, `record`. A file in which nothing is to be found goes from `read` to `record`, which `plain` decides.
Which files there are is `exports`' business; how a source maps, `sources`'; what a row must be and how rows of an input
come together, its header in `sql/inputs` says.
"""

from __future__ import annotations

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.home.quarantine import name_rows
from pipeline.ingest.identity import makes_ids
from pipeline.ingest.load import erased, judge, map, merge, notice, persons, plain, read, record
from pipeline.ingest.load.context import Export, Load, Loaded, Remark, Undecided
from pipeline.ingest.load.judge import KINDS_OF
from pipeline.ingest.load.keys import fixed_dialect, mapping_key, of_source, with_rates
from pipeline.ingest.load.record import BESIDE_STAGING
from pipeline.ingest.precedence import arrival_of
from pipeline.ingest.readers.raw import RawFile
from pipeline.ingest.recognise import Shown
from pipeline.ingest.tombstones import NOBODY, Tombstones
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS

__all__ = [
    "BESIDE_STAGING", "KINDS_OF", "Export", "Loaded", "Remark", "Undecided", "fixed_dialect", "load_file",
    "mapping_key", "with_rates",
]  # fmt: skip

_TEMPORARY = frozenset({
    "raw", "malformed", "given", "export", "mapped", "filled", "completed", "problems", "left_out", "excluded",
    "contested", "objects", "day_rates", "erased",
})  # fmt: skip


def load_file(
    engine: DuckDBEngine, settings: Settings, export: Export, file_id: str, sha256: str, rates: str | None,
    id_key: str | None = None, siblings: Shown | None = None, tombstones: Tombstones = NOBODY,
) -> Loaded:  # fmt: skip
    """Take a file into the warehouse, if it is not there as it would be read now; what became of it.

    What the file leaves open of its dialect, `siblings` decide, if they are given. Raises ExportError, with the file
    and a remedy, for one that cannot be loaded; Undecided where its numbers or dates can be read in two ways.
    """
    source = export.source
    load = Load(
        engine, settings, export, INPUTS[source.input], file_id, sha256, mapping_key(settings, source), rates,
        arrival_of(engine, file_id), of_source(settings.id_guard, source, True), id_key if makes_ids(source) else None,
        siblings, tombstones,
    )  # fmt: skip
    before = record.ledger_of(load)
    if before is not None and before["mapping"] in load.current_mappings():
        return record.outcome_of(load, before, read_now=False)
    try:
        file = read.read_file(load)
        if not plain.stands(load, file):
            _look_closely(load, file)
        with engine.transaction():
            record.forget(load)
            if judge.over_limit(load):
                record.reject(load)
            else:
                record.accept(load)
    finally:
        _drop_temporaries(engine)
    after = record.ledger_of(load)
    assert after is not None
    name_rows(settings, file_id, after["mapping"], after["path"])
    return record.outcome_of(load, after, read_now=True)


def _look_closely(load: Load, file: RawFile) -> None:
    """The careful way: what may be wrong with a file is looked for step by step, and mended, left out or told."""
    read.recognise_columns(load, file)
    map.map_rows(load)
    persons.write_one_way(load)
    judge.leave_out_foreign(load)
    judge.leave_out_headers(load)
    erased.leave_out_erased(load)
    notice.tell_unknown_statuses(load)
    judge.refuse_damaged_ids(load)
    judge.find_problems(load)
    judge.leave_out(load)
    merge.find_age(load)
    notice.look_at_ids_of_persons(load)
    notice.remark_on_rows(load)
    persons.keep(load)


def _drop_temporaries(engine: DuckDBEngine) -> None:
    there = engine.execute(
        "SELECT 'VIEW', view_name FROM duckdb_views() WHERE temporary "
        "UNION ALL SELECT 'TABLE', table_name FROM duckdb_tables() WHERE temporary"
    )
    for kind, name in there:
        if name in _TEMPORARY:
            engine.execute(f"DROP {kind} temp.{name}")
