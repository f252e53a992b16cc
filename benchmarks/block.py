"""The tables of one topic, made from exports with Perennial's own steps and nothing else, each with its checks.

Loads a drop folder into an empty home and then measures the steps that make the tables of `sql/marts/<topic>/`; what
they read of other topics is made before and not counted. Prints one line of JSON, in a process of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.ingest.exports import find_exports, load_exports
from pipeline.ingest.load import Loaded
from pipeline.settings import Settings, load
from pipeline.steps.computed import asked_of, compute_of, tables_of
from pipeline.tables.catalog import tables
from pipeline.tables.header import Table, in_order

COUNTED = ("order_lines", "messages", "web_events")
_KEPT = "SELECT sum(memory_usage_bytes) FROM duckdb_memory() WHERE tag = 'IN_MEMORY_TABLE'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topic", help="products, campaigns or another folder of sql/marts")
    parser.add_argument("until", type=dt.date.fromisoformat, help="the snapshot date")
    parser.add_argument("home", type=Path, help="a home with its settings and exports, not loaded yet")
    arguments = parser.parse_args()
    settings = load(arguments.home)
    connection = open_file(settings.warehouse_file, settings)
    try:
        confine(connection, settings)
        made = run(DuckDBEngine(connection), settings, arguments.until, arguments.topic)
    finally:
        connection.close()
    sys.stdout.write(json.dumps(made) + "\n")


def run(engine: DuckDBEngine, settings: Settings, day: dt.date, topic: str) -> dict[str, Mapping[str, float]]:
    """Rows of the inputs; by step, seconds of the clock and of processors, the peak of memory, and what is kept (GiB).

    What is kept is that of kept features in memory at the end of the step; what is spilled is not counted.
    """
    engine.prepare(settings, list(tables().values()))
    for result in load_exports(engine, settings, find_exports(settings, {})):
        assert isinstance(result, Loaded), result
    seconds, processors, peaks, kept = (dict[str, float]() for _ in range(4))
    steps = _steps(topic)
    for step, written in steps.items():  # imports are no work on the tables
        if written[0].header.computed_by:
            compute_of(step)
    asked = asked_of([table for written in steps.values() for table in written])
    engine.expect(lambda: {name: selects for name, selects in asked.items() if name in steps})
    for step, written in steps.items():
        _forget_peak()
        started, used = time.perf_counter(), _processor_seconds()
        _write(engine, settings, day, step, written)
        engine.finished(step)
        if written[0].topic == topic:
            seconds[step], processors[step] = time.perf_counter() - started, _processor_seconds() - used
            peaks[step], kept[step] = _peak_gib(), (engine.scalar(_KEPT) or 0) / 2**30
    rows = {name: engine.scalar(f"SELECT count(*) FROM staging.{name}") for name in COUNTED}
    return {"rows": rows, "seconds": seconds, "processors": processors, "peak_gib": peaks, "kept_gib": kept}


def _steps(topic: str) -> dict[str, list[Table]]:
    """What makes the tables of the topic and all that they read, in order; steps with the tables they write."""
    every = in_order(tables().values())
    needed = {name for name, table in every.items() if table.topic == topic}
    for name, table in reversed(every.items()):
        if name in needed:
            needed |= table.reads
    steps: dict[str, list[Table]] = {}
    for name, table in every.items():
        if name in needed and (table.select is not None or table.header.computed_by):
            step = table.header.computed_by
            steps[step or name] = tables_of(step) if step else [table]
    return steps


def _write(engine: DuckDBEngine, settings: Settings, day: dt.date, step: str, written: list[Table]) -> None:
    if written[0].select is not None:
        engine.write(written[0], day if written[0].is_partitioned else None)
        return
    frames = compute_of(step)(engine, settings, day, lambda _: None)
    for table in written:
        engine.write_frame(table, day, frames.get(table.name, pl.DataFrame()))


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _forget_peak() -> None:
    """From now on the kernel's peak of this process is that of what follows."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak_gib() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**20


if __name__ == "__main__":
    main()
