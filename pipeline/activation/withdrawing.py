"""Withdrawing: who objects leaves what is published at once, and so does every row of a list with an address of theirs.

What was sent elsewhere is taken off by the next delivery; the next publication makes all of it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing

from pipeline.activation.handing_over import names_refused
from pipeline.activation.ledger import ROWS, Barred, Outbox
from pipeline.activation.platforms import Writer
from pipeline.activation.terms import Gate
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import file_literal
from pipeline.settings import Settings
from pipeline.tables.platforms import platforms


def rows_to_leave(engine: DuckDBEngine, settings: Settings, customers: Sequence[str]) -> list[Barred]:
    """The rows of the lists in force that are of these customers, or have an address that is refused by now, whoever
    they are of. `people` has to be attached. Raises OutboxUnusable.
    """
    outbox = Outbox.of(settings)
    if outbox is None:
        return []
    found = list[Barred]()
    with closing(Writer(engine, Gate(engine, outbox.day, settings.holdout_share))) as writer:
        for name in sorted({one.platform for one in outbox.lists} & platforms().keys()):
            refused = names_refused(platforms()[name], writer.refused(platforms()[name], None))
            rows = engine.execute(
                f"SELECT platform, audience, customer_id, identifiers FROM "
                f"read_parquet({file_literal(settings.home / ROWS)}) WHERE platform = $platform "
                f"AND identifiers IS NOT NULL AND (list_contains($customers, customer_id) OR {refused})",
                {"platform": name, "customers": list(customers)},
            )
            found += [Barred(*row) for row in rows]
    return found


def leaving_by_file(settings: Settings, rows: Sequence[Barred]) -> Mapping[str, tuple[str, list[dict[str, str]]]]:
    """Files of the folder -> whose platform they are for, and the identifiers that leave them."""
    outbox = Outbox.of(settings)
    of_list: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        of_list.setdefault((row.platform, row.audience), []).append(json.loads(row.identifiers))
    return {
        file: (one.platform, of_list[one.platform, one.audience])
        for one in (outbox.lists if outbox else ())
        if (one.platform, one.audience) in of_list
        for file in one.files
    }
