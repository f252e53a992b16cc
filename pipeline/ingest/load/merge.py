"""Merging: what counts of rows that are there twice, in the file itself or in others that hold the same keys."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

from pipeline.ingest.load.context import Load, agree_in, as_tuple, rows_as_text
from pipeline.ingest.load.keys import duplicate_lines, of_source
from pipeline.ingest.precedence import BELIEVED, FILES, OLDEST_FIRST
from pipeline.ingest.sources import EXPORTED_AT
from pipeline.names import time_in
from pipeline.quoting import quoted

_SAME_ORDER_DAYS = 2  # exports of one order may differ by a time zone, not by more
_FOREIGN_ORDERS = 10
"""So many orders of other customers under the ids of another file, and more than half, are no corrections."""


def find_age(load: Load) -> None:
    """What tells the age of the file, beside its arrival: when it was exported, and its latest row."""
    load.exported_at = told_by_a_column(load) or told_by_its_name(load)
    if load.exported_at is not None and load.exported_at > load.arrival.believed_until:
        load.exported_at = None
        load.remark(
            "exported_later",
            "says that it was exported more than a day after it arrived; its arrival counts instead.",
        )
    moment = load.input.moment
    load.latest_at = load.execute(
        f"SELECT max({moment}) FROM completed WHERE {moment} <= $believed_until AND {load.fitting()}"
    )[0][0]
    if load.input.changed_at is None:
        return
    later = f"SELECT count(*) FROM completed WHERE {load.input.changed_at} > $believed_until"
    if rows := load.execute(later)[0][0]:
        load.remark(
            "changed_later",
            f"{load.input.changed_at} is more than a day after the file arrived in {rows:,} of its rows, which "
            f"count as of their file instead.",
            rows,
        )


def told_by_a_column(load: Load) -> dt.datetime | None:
    if not load.of_the_file():
        return None
    given = [f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')" for raw in load.raw_columns()[EXPORTED_AT]]
    unreadable = f"mapped.{EXPORTED_AT} IS NULL AND coalesce(NULL, {', '.join(given)}) IS NOT NULL"
    told: dt.datetime | None
    told, rows = load.execute(
        f"SELECT max(mapped.{EXPORTED_AT}), count(*) FILTER (WHERE {unreadable if given else False}) "
        f"FROM mapped JOIN given ON given.row_number = mapped.row_number"
    )[0]
    if rows:
        load.remark("exported_unreadable", f"{EXPORTED_AT} cannot be read in {rows:,} of its rows.", rows)
    return told


def told_by_its_name(load: Load) -> dt.datetime | None:
    pattern = of_source(load.settings.exported_at, load.source, "")
    told = time_in(load.export.name, pattern, ZoneInfo(load.settings.timezone)) if pattern else None
    if pattern and told is None:
        load.remark(
            "exported_unnamed",
            f"its name does not hold the time of the export as {pattern} (setting exported_at); "
            f"its arrival counts instead.",
        )
    return told


def exclude_copies(load: Load) -> int:
    """Drop what is there twice, where it may be there once only or source or settings say so; returns how many."""
    if load.input.has_one_row_per_key:
        rows, number, columns = "completed", "row_number", ", ".join(load.input.key)
    elif duplicate_lines(load.settings, load.source) == "drop":
        rows, number, columns = "raw", load.number, ", ".join(quoted(name) for name in load.found.values())
    else:
        tell_copies(load)
        return 0
    return int(
        load.execute(
            f"""
            INSERT INTO excluded
            SELECT row_number
            FROM (
              SELECT {number} AS row_number, row_number() OVER (PARTITION BY {columns} ORDER BY {number}) AS copy
              FROM {rows} WHERE {number} NOT IN (SELECT row_number FROM excluded)
            ) AS numbered
            WHERE copy > 1
            """
        )[0][0]
    )


def tell_copies(load: Load) -> None:
    """Copies that are kept may be two purchases or one exported twice: a person decides, unless the settings say it."""
    is_decided = of_source(load.settings.duplicate_lines, load.source, "") != ""
    if is_decided or not load.input.is_of_sales or load.source.header.reads != "table":
        return
    columns = ", ".join(quoted(name) for name in load.found.values())
    rows, copies = f"raw WHERE {load.fitting('excluded', load.number)}", 0
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE alike AS "  # mostly none, and few else: all others are not looked at again
        f"SELECT hash({columns}) AS hashed FROM {rows} GROUP BY ALL HAVING count(*) > 1"
    )
    if load.execute("SELECT count(*) FROM alike")[0][0]:
        copies = load.execute(
            f"SELECT CAST(coalesce(sum(lines - 1), 0) AS BIGINT) FROM (SELECT count(*) AS lines FROM {rows} "
            f"AND hash({columns}) IN (SELECT hashed FROM alike) GROUP BY {columns}) AS groups"
        )[0][0]
    load.execute("DROP TABLE alike")
    if copies:
        are, count = ("is", "counts") if copies == 1 else ("are", "count")
        load.remark(
            "duplicate_lines",
            f"{rows_as_text(copies)} {are} equal to another in all columns, and {count} as bought once more. If the "
            f'export repeats lines by mistake, write {load.source.name} = "drop" below [duplicate_lines] in '
            f'perennial.toml, else "keep".',
            copies,
        )


def exclude_outdated(load: Load) -> int:
    """Drop rows of which this file itself tells a later state; returns how many."""
    if load.input.changed_at is None:
        return 0
    key = ", ".join(load.input.key)
    return int(
        load.execute(
            f"""
            INSERT INTO excluded
            SELECT row_number
            FROM (SELECT row_number, {key}, {load.changed_at()} AS row_told_at FROM completed) AS told
            WHERE row_number NOT IN (SELECT row_number FROM excluded)
            QUALIFY row_told_at < max(row_told_at) OVER (PARTITION BY {key})
            """
        )[0][0]
    )


def tell_reused_keys(load: Load) -> None:
    """An order that another file holds under its id, of another customer and with a day far off, is probably
    another order of that name. Where rows are of whole orders, the day alone tells.
    """
    if not load.input.is_of_sales:
        return
    keys, moment, person = load.input.key, load.input.moment, load.input.person
    key, listed = as_tuple(keys), ", ".join(keys)
    other = "" if load.source.header.whole_orders else "AND ours.customer IS DISTINCT FROM theirs.customer"
    reused, known, foreign = load.execute(
        f"""
        WITH ours AS (
          SELECT {listed}, min({moment}) AS moment, max({person}) AS customer FROM completed
          WHERE row_number NOT IN (SELECT row_number FROM excluded) AND {key} IN (SELECT {listed} FROM contested)
          GROUP BY {listed}
        ),
        theirs AS (
          SELECT {listed}, file_id, min({moment}) AS moment, max({person}) AS customer FROM {load.staging}
          WHERE ({listed}, file_id) IN (SELECT {listed}, file_id FROM contested) GROUP BY {listed}, file_id
        ),
        both_told AS (
          SELECT {as_tuple([f"ours.{name}" for name in keys])} AS key, ours.customer <> theirs.customer AS is_foreign,
            abs(date_diff('day', ours.moment, theirs.moment)) > {_SAME_ORDER_DAYS} {other} AS is_reused
          FROM ours JOIN theirs ON {agree_in(keys, "theirs", "ours")}
        )
        SELECT count(DISTINCT key) FILTER (is_reused), count(DISTINCT key) FILTER (is_foreign IS NOT NULL),
          count(DISTINCT key) FILTER (is_foreign)
        FROM both_told
        """
    )[0]
    if foreign >= _FOREIGN_ORDERS and 2 * foreign > known and not reused:
        load.remark(
            "reused_order_ids",
            f"of {load.input.things(known)} that another file holds under the same ids, {foreign:,} are of other "
            f"customers there, and only the newest is kept. If they are of another shop, export all shops in one file "
            f"or put a mark of the shop before the ids; if the shop gave its customers other ids, all is well.",
            foreign,
        )
    if reused:
        stand, they = ("stands", "it") if reused == 1 else ("stand", "they")
        load.remark(
            "reused_order_ids",
            f"{load.input.things(reused)} {stand} under the same id in another file with a day more than "
            f"{_SAME_ORDER_DAYS} days off; {they} may be another {load.input.header.thing}, as after a shop began "
            f"to count again. Only the newest is kept: export both in one file, or give one of them other ids (such as "
            f"the year before the number).",
            reused,
        )


def tell_refunds_alone(load: Load) -> None:
    """An order of which this file holds what came back, and no sale, takes the place of the sale in another file."""
    if not load.input.is_of_sales or "kind" not in load.schema.columns:
        return
    key, listed = as_tuple(load.input.key), ", ".join(load.input.key)
    # A shop that exports its whole history again contests all orders: few of them have a refund to begin with.
    alone = load.execute(
        f"""
        WITH refunded AS (
          SELECT DISTINCT {listed} FROM completed
          WHERE kind = 'refund' AND row_number NOT IN (SELECT row_number FROM excluded)
            AND {key} IN (SELECT {listed} FROM contested WHERE NOT is_newer)
        ),
        sold AS (
          SELECT {listed} FROM completed
          WHERE kind <> 'refund' AND row_number NOT IN (SELECT row_number FROM excluded)
            AND {key} IN (SELECT {listed} FROM refunded)
        ),
        sold_there AS (
          SELECT {listed} FROM {load.staging} WHERE kind = 'sale' AND {key} IN (SELECT {listed} FROM refunded)
        )
        SELECT count(*) FROM refunded
        WHERE {key} NOT IN (SELECT {listed} FROM sold) AND {key} IN (SELECT {listed} FROM sold_there)
        """
    )[0][0]
    if alone:
        load.remark(
            "refunds_alone",
            f"of {load.input.things(alone)} it holds refunds and no sale; the sales in another file no longer count, "
            f"since an order is taken whole from the newest file. Export orders whole, or give refunds order ids of "
            f"their own (docs/exports.md, Exports that overlap).",
            alone,
        )


def tell_backup(load: Load) -> None:
    """A file that counts as the newer only by its arrival, and whose latest row is older, may be an old backup."""
    if load.exported_at is not None or load.latest_at is None or load.input.changed_at is not None:
        return
    listed = ", ".join(load.input.key)
    content = content_of(load)
    taken = f"{as_tuple(load.input.key)} IN (SELECT {listed} FROM contested WHERE NOT is_newer)"
    changed = load.execute(
        f"""
        WITH ours AS (
          SELECT {listed}, {content} FROM completed
          WHERE row_number NOT IN (SELECT row_number FROM excluded) AND {taken} GROUP BY {listed}
        ),
        theirs AS (SELECT {listed}, file_id, {content} FROM {load.staging} WHERE {taken} GROUP BY ALL)
        SELECT count(DISTINCT {as_tuple([f"ours.{name}" for name in load.input.key])})
        FROM ours
        JOIN theirs ON {agree_in(load.input.key, "theirs", "ours")} AND ours.content <> theirs.content
        JOIN ingest.files AS files
          ON files.file_id = theirs.file_id AND files.latest_at > CAST($latest_at AS TIMESTAMP)
        JOIN ingest.arrivals AS arrivals
          ON arrivals.file_id = theirs.file_id AND arrivals.arrived_at < CAST($arrived_at AS TIMESTAMP)
        """,
        latest_at=load.latest_at,
        arrived_at=load.arrival.arrived_at,
    )[0][0]
    if changed:
        load.remark(
            "older_backup",
            f"it arrived later than a file whose latest row is newer than its own, and tells "
            f"{load.input.things(changed)} otherwise; these count as it tells them. If it is an old backup, remove it, "
            f"or let a column or its name tell when it was exported (exported_at).",
            changed,
        )


def resolve_contested_keys(load: Load) -> int:
    """A key is taken whole from one export, the newest by row or by file. Returns how many rows here give way."""
    find_contested(load)
    if not load.execute("SELECT count(*) FROM contested")[0][0]:
        return 0
    tell_undecided(load)
    tell_reused_keys(load)
    tell_refunds_alone(load)
    tell_backup(load)
    take_from_older(load)
    return int(
        load.execute(
            f"""
            INSERT INTO excluded
            SELECT DISTINCT row_number FROM completed
            WHERE row_number NOT IN (SELECT row_number FROM excluded)
              AND {as_tuple(load.input.key)} IN (SELECT {", ".join(load.input.key)} FROM contested WHERE is_newer)
            """
        )[0][0]
    )


def find_contested(load: Load) -> None:
    """`contested`: keys of this file that another one holds, and whether that one is newer.

    A row counts as of its own time, else as of its file's; of equal times the files decide (`precedence`). Where
    also these arrived together, so that only names and rows tell them apart, it `is_undecided`.
    """
    key, listed = load.input.key, ", ".join(load.input.key)
    of_theirs = [f"theirs.{name}" for name in key]
    theirs_at = load.changed_at("theirs.", f"arrivals.seen_at + INTERVAL {BELIEVED.days} DAY")
    left = "FROM completed WHERE row_number NOT IN (SELECT row_number FROM excluded)"
    load.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE contested AS
        WITH held AS (
          SELECT {", ".join(of_theirs)}, theirs.file_id, max({theirs_at}) AS row_told_at
          FROM {load.staging} AS theirs JOIN ingest.arrivals AS arrivals ON arrivals.file_id = theirs.file_id
          WHERE {as_tuple(of_theirs)} IN (SELECT {listed} {left})
          GROUP BY ALL
        ),
        given AS (
          SELECT {listed}, max({load.changed_at()}) AS row_told_at
          {left} AND {as_tuple(key)} IN (SELECT {listed} FROM held)
          GROUP BY ALL
        ),
        candidates AS (
          {FILES} WHERE files.file_id IN (SELECT file_id FROM held)
          UNION ALL
          SELECT $file_id, coalesce(CAST($exported_at AS TIMESTAMP), CAST($arrived_at AS TIMESTAMP)),
            CAST($arrived_at AS TIMESTAMP), $place, CAST($latest_at AS TIMESTAMP), $name, $sha256, $source
        ),
        ranked AS (SELECT *, row_number() OVER (ORDER BY {OLDEST_FIRST}) AS rank FROM candidates)
        SELECT
          {", ".join(f"held.{name}" for name in key)}, held.file_id,
          (coalesce(held.row_told_at, theirs.told_at), theirs.rank)
            > (coalesce(given.row_told_at, ours.told_at), ours.rank) AS is_newer,
          theirs.told_at = ours.told_at AND theirs.arrived_at = ours.arrived_at
            AND coalesce(held.row_told_at = given.row_told_at, TRUE) AS is_undecided
        FROM held
        JOIN given ON {agree_in(key, "given", "held")}
        JOIN ranked AS theirs ON theirs.file_id = held.file_id
        JOIN ranked AS ours ON ours.file_id = $file_id
        """,
        exported_at=load.exported_at,
        arrived_at=load.arrival.arrived_at,
        place=load.arrival.place,
        latest_at=load.latest_at,
        name=load.arrival.name,
        sha256=load.sha256,
        source=load.source.name,
    )


def tell_undecided(load: Load) -> None:
    """Remark on keys of which two files tell different things and nothing says which of them is newer."""
    key, listed = load.input.key, ", ".join(load.input.key)
    told = f"count(*) AS lines, min(row_number) AS first_row, {content_of(load)}"
    undecided = f"{as_tuple(key)} IN (SELECT {listed} FROM contested WHERE is_undecided)"
    found = load.execute(
        f"""
        WITH ours AS (
          SELECT {listed}, {told} FROM completed
          WHERE row_number NOT IN (SELECT row_number FROM excluded) AND {undecided} GROUP BY {listed}
        ),
        theirs AS (
          SELECT {listed}, file_id, {told} FROM {load.staging} WHERE {undecided} GROUP BY {listed}, file_id
        )
        SELECT count(*) OVER (), CAST(sum(ours.lines) OVER () AS BIGINT), ours.first_row, theirs.first_row,
          files.path, contested.is_newer
        FROM ours
        JOIN theirs ON {agree_in(key, "theirs", "ours")}
        JOIN contested ON {agree_in(key, "contested", "ours")} AND contested.file_id = theirs.file_id
        JOIN ingest.files AS files ON files.file_id = theirs.file_id
        WHERE ours.lines <> theirs.lines OR ours.content <> theirs.content
        ORDER BY ours.first_row LIMIT 1
        """
    )
    for keys, lines, our_row, their_row, path, is_newer in found:
        other = Path(path).name
        load.remark(
            "undecided",
            f"files that arrived together with it tell {keys:,} of its {listed} otherwise (row {our_row:,} here, "
            f"row {their_row:,} of {other}), and nothing says which is newer; {other if is_newer else 'this file'} "
            f"counts, by the numbers in the names, else by the latest row. Let a column or its name tell when "
            f"a file was exported (exported_at), or load one after the other.",
            lines,
        )


def content_of(load: Load) -> str:
    """SQL: what the rows of a key say, as staging holds it, whatever their order."""
    typed = [f"CAST({quoted(name)} AS {load.input.header.columns[name].type})" for name in load.input.stored]
    return f"sum(CAST(hash({', '.join(typed)}) AS HUGEINT)) AS content"


def take_from_older(load: Load) -> None:
    """Remove contested keys from the older files that hold them, and carry the rows over in their ledger."""
    columns = (*load.input.key, "file_id")
    ours = f"SELECT {', '.join(columns)} FROM contested WHERE NOT is_newer"
    load.execute(
        f"""
        UPDATE ingest.files AS files SET
          accepted = accepted - lost.rows,
          lines = files.lines - lost.lines,
          superseded = superseded + lost.rows,
          without_customer = without_customer - lost.guests
        FROM (
          SELECT
            lines.file_id, count(*) AS lines, count(DISTINCT lines.row_number) AS rows,
            {guests(load, "lines.")} AS guests
          FROM {load.staging} AS lines JOIN ({ours}) AS ours USING ({", ".join(columns)}) GROUP BY lines.file_id
        ) AS lost
        WHERE files.file_id = lost.file_id
        """
    )
    load.execute(f"DELETE FROM {load.staging} WHERE {as_tuple(columns)} IN ({ours})")


def guests(load: Load, of: str = "") -> str:
    """SQL: how many rows name no customer, where rows are of customers and need not name one."""
    if not load.input.has_guests:
        return "count(NULL)"
    return f"count(DISTINCT {of}row_number) FILTER (WHERE {of}{load.input.person} IS NULL)"
