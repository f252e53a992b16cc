"""Judging: which rows do not fit and why, `problems`, and which are no rows of the table, `left_out`."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.dialect import ends_as_a_time
from pipeline.errors import ExportError
from pipeline.ingest import oddities, spreadsheets
from pipeline.ingest.load.context import Load, as_tuple, rows_as_text
from pipeline.ingest.load.map import WHOLE, date_undated
from pipeline.ingest.load.money import convert, find_foreign, find_foreign_signs, turn_all
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import shape_sql
from pipeline.statuses import PROBLEM
from pipeline.tables.rules import EARLIEST, LATEST, RowRule, row_rules

CASTS = {"number": ("DECIMAL(38,9)", "a number"), "timestamp": ("TIMESTAMP", "a date")}
_FORMAT_HINT = 'a format such as dates = "{}" below [dialects.<source>] in perennial.toml tells how to read it'
_UNIX_HINT = "Unix {}? leave out the type of the column in a source of your own, and write to_timestamp({}) in its SQL"
_DATE_HINTS = (
    (r"^1\d{9}([.]\d+)?$", _UNIX_HINT.format("seconds", "TRY_CAST(… AS DOUBLE)")),
    (r"^1\d{12}$", _UNIX_HINT.format("milliseconds", "TRY_CAST(… AS DOUBLE) / 1000")),
    (r"^\d{5}([.,]\d+)?$", "the serial number of a spreadsheet?"),
    (r"^\d{8}$", _FORMAT_HINT.format("%Y%m%d")),
    (r"^\d{8}[ T]?\d", _FORMAT_HINT.format("%Y%m%d%H%M%S")),
    (r"^\d{1,4}([./-] ?\d{1,4}){2},? +\d{1,2}[.]\d\d", _FORMAT_HINT.format("%d.%m.%Y %H.%M")),
    (r"^(\d{1,4}([./-] ?\d{1,4}){2},? +)?\d{1,2} ?h", _FORMAT_HINT.format("%d/%m/%Y %Hh%M")),
    (r":\d\d(\.\d+)? ?[^0-9 ]", "behind a time nothing is read but an offset such as Z or +01:00, and a zone is set by "
     "timezone below [dialects.<source>] in perennial.toml"),
)  # fmt: skip
"""What may help to read a text that is no date, by its form. No hint has a semicolon: that parts reasons."""
_SECOND_HEADER = (
    "words stand wherever numbers and dates are asked for, as in a second header line: take it out of the export"
)
KINDS_OF = {
    "TIMESTAMP": "a date", "DATE": "a date", "DECIMAL": "a number", "DOUBLE": "a number", "BIGINT": "a whole number",
    "INTEGER": "a whole number", "BOOLEAN": "true or false",
}  # fmt: skip
"""What a cell that cannot be read is not, by the canonical type."""


def refuse_damaged_ids(load: Load) -> None:
    """An id that lost its zeros or digits is another one: such a file is refused whole."""
    if not load.guards_ids or load.source.header.reads != "table":
        return
    siblings = (
        f"SELECT * FROM {load.staging} WHERE file_id IN (SELECT file_id FROM ingest.files "
        f"WHERE status = 'loaded' AND source = {text_literal(load.source.name)} AND file_id <> '{load.file_id}')"
    )
    stored = [name for name in load.ids() if name in load.stored and not load.input.header.columns[name].inside_key]
    if reason := spreadsheets.damage(load.engine, "mapped", stored, siblings):
        raise ExportError(
            f"{load.export.name}, {reason}: {spreadsheets.REMEDY}. If the shop has such ids, write "
            f"{load.source.name} = false below [id_guard] in perennial.toml."
        )


def find_problems(load: Load) -> None:
    """`problems`: (row_number, column_name, reason), all reasons of all rows that do not fit."""
    load.execute(
        "CREATE OR REPLACE TEMP TABLE problems AS "
        "SELECT row_number, CAST(NULL AS VARCHAR) AS column_name, reason FROM malformed"
    )
    raw_columns = load.raw_columns()
    find_unreadable_cells(load)
    for name in columns_with_nulls(load):
        if name in load.source.header.may_be_null:
            continue
        seen = any(load.source.header.raw[raw].type in CASTS for raw in raw_columns[name])
        if not seen or load.stored[name] in WHOLE:  # 2.5 was seen to be a number
            find_unreadable(load, name, raw_columns[name])
    find_foreign_signs(load)
    find_what_the_source_says(load)
    date_undated(load)
    convert(load)
    rules = rules_of(load)
    counts = ", ".join(f"count(*) FILTER (WHERE {rule.fails})" for rule in rules)
    failing = load.execute(f"SELECT {counts} FROM completed")[0]  # one pass; most rules fail nowhere
    for rule, count in zip(rules, failing, strict=True):
        if count and turn_all(load, rule):
            continue
        if count:
            apply(load, rule, raw_columns.get(rule.column, []))
    tell_second_headers(load)
    keep_without_cells(load)
    read_in_doubt(load)
    if load.has_foreign_lines:
        find_foreign(load)
    if load.input.has_one_row_per_key:
        find_contradictions(load)
    if load.source.header.whole_orders:
        find_rest_of_keys(load)


def rules_of(load: Load) -> list[RowRule]:
    """What a completed row must be."""
    shown = {name: load.found[raws[0]] for name, raws in load.raw_columns().items() if len(raws) == 1}
    ids = [name for name in load.ids() if name in load.stored]
    rules = [*row_rules(load.schema, shown), *load.input.rules, *spreadsheets.nested_id_rules(ids, shown)]
    return rules + (list(spreadsheets.lost_id_rules(ids, shown)) if load.guards_ids else [])


def keep_without_cells(load: Load) -> None:
    """A bad cell that tells of a person, or when a row about one was made, costs itself and not the row: without it
    nobody would know whose the address is, and the no of one who has it would not protect it.
    """
    told, columns = load.raw_columns(), load.input.header.columns
    times = {load.input.moment, load.input.changed_at} if load.input.persons else set[str | None]()
    may_be_lost = [
        name
        for name, column in columns.items()
        if (column.personal or name in times) and not column.required and column.contact not in ("kind", "hash")
    ]
    for name in may_be_lost:
        if name not in load.stored:
            continue
        others = {raw for other, raws in told.items() if other not in may_be_lost for raw in raws}
        raws = [raw for raw in told.get(name, []) if raw not in others]
        bad = f"column_name IN ({', '.join(map(text_literal, (name, *raws)))})"
        if name in times:  # where another row tells of the same customer, that one can be read whole
            of_key = f"PARTITION BY {', '.join(load.input.key)}"
            bad += f" AND row_number IN (SELECT row_number FROM mapped QUALIFY count(*) OVER ({of_key}) = 1)"
        rows, first, reason = load.execute(
            f"SELECT count(DISTINCT row_number), min(row_number), arg_min(reason, row_number) FROM problems WHERE {bad}"
        )[0]
        if rows:
            meant = f"SELECT row_number FROM problems WHERE {bad}"
            load.execute(f"UPDATE mapped SET {quoted(name)} = NULL WHERE row_number IN ({meant})")
            load.execute(f"DELETE FROM problems WHERE {bad}")
            load.remark(
                f"unusable_{name}",
                f"{name} cannot be right in {rows:,} of its rows; these customers are kept without it. The first is "
                f"row {first:,}, {reason}.",
                rows,
            )


def read_in_doubt(load: Load) -> None:
    """A row that may be somebody's no counts as one although it does not fit: what cannot be read of it is taken for
    what refuses most. Quarantined are those only that do not say whose they are.
    """
    doubt = load.input.header.in_doubt
    if doubt is None:
        return
    read = {
        name: f"CASE WHEN {fits(load, name)} THEN {name} ELSE {'NULL' if safe is None else text_literal(safe)} END"
        for name, safe in doubt.reads.items()
        if name in load.stored
    }
    moment = load.input.moment
    between = f"BETWEEN TIMESTAMP '{EARLIEST}' AND TIMESTAMP '{LATEST}'"
    read[moment] = f"CASE WHEN {moment} {between} THEN {moment} ELSE CAST($arrived_at AS TIMESTAMP) END"
    load.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE doubted AS
        SELECT row_number, {", ".join(f"{sql} AS {name}" for name, sql in read.items())}
        FROM completed
        WHERE row_number IN (SELECT row_number FROM problems)
          AND row_number NOT IN ({noted(*doubt.of)})
          AND {" AND ".join(f"{name} IS NOT NULL" for name in doubt.of)} AND ({doubt.unless}) IS NOT TRUE
        """,
        arrived_at=load.arrival.arrived_at,
    )
    if rows := load.execute("SELECT count(*) FROM doubted")[0][0]:
        first, reason = load.execute(
            "SELECT row_number, min(reason) FROM problems WHERE row_number IN (SELECT row_number FROM doubted) "
            "GROUP BY row_number ORDER BY row_number LIMIT 1"
        )[0]
        taken = ", ".join(f"{name} = doubted.{name}" for name in read)
        load.execute(f"UPDATE mapped SET {taken} FROM doubted WHERE doubted.row_number = mapped.row_number")
        load.execute("DELETE FROM problems WHERE row_number IN (SELECT row_number FROM doubted)")
        told = doubt.says.format(rows=rows_as_text(rows))
        load.remark("in_doubt", f"{told}. The first is row {first:,}, {reason}.", rows)
    load.execute("DROP TABLE doubted")


def fits(load: Load, name: str) -> str:
    """SQL over the completed row: whether its value of a column is one that there can be."""
    if known := load.input.header.columns[name].values:
        return f"{name} IN ({', '.join(text_literal(str(value)) for value in known)})"
    return f"{name} IS NOT NULL AND row_number NOT IN ({noted(name)})"


def leave_out_foreign(load: Load) -> None:
    """`left_out`: rows of which the SELECT says that they are none of the input, such as logins among opens."""
    load.execute("CREATE OR REPLACE TEMP TABLE left_out (row_number BIGINT)")
    for name, fault in load.source.header.problems.items() if PROBLEM in load.outputs else ():
        if not fault.left_out:
            continue
        found = load.execute(
            f"INSERT INTO left_out SELECT DISTINCT row_number FROM mapped WHERE {PROBLEM} = $name", name=name
        )[0][0]
        if found:
            load.execute(f"DELETE FROM mapped WHERE {PROBLEM} = $name", name=name)
            load.remark(name, f"{rows_as_text(found)} left out: {fault.reason}.", found)


def leave_out_headers(load: Load) -> None:
    """Into `left_out`: rows that repeat the header, as where files were put together; each cell names its column."""
    columns = load.found.items()
    is_text = load.source.header.reads == "table" and all(map(load.is_text, load.found.values()))
    if len(columns) < 2 or not is_text:
        return
    repeats = " AND ".join(
        f"lower(trim({quoted(raw)})) = {text_literal(name.strip().lower())}" for raw, name in columns
    )
    found = load.execute(f"INSERT INTO left_out SELECT row_number FROM given WHERE {repeats}")[0][0]
    if found:
        first = load.execute(f"SELECT min(row_number) FROM given WHERE {repeats}")[0][0]
        load.execute("DELETE FROM mapped WHERE row_number IN (SELECT row_number FROM left_out)")
        load.remark(
            "repeated_header", f"{rows_as_text(found)} left out: the header again. The first is row {first:,}.", found
        )


def tell_second_headers(load: Load) -> None:
    """One reason in place of many for rows that hold words wherever numbers and dates are asked for."""
    typed = [raw for raw, kind in load.source.kinds.items() if kind in CASTS and raw in load.found]
    if load.source.header.reads != "table" or len(typed) < 2 or not load.execute("SELECT 1 FROM problems LIMIT 1"):
        return
    texts = [f"coalesce(trim(CAST({quoted(raw)} AS VARCHAR)), '')" for raw in typed]
    filled = " + ".join(f"CAST({text} <> '' AS INTEGER)" for text in texts)
    words = " AND ".join(f"NOT regexp_matches({text}, '[0-9]')" for text in texts)
    load.execute(
        f"CREATE OR REPLACE TEMP TABLE headers AS SELECT row_number FROM given "
        f"WHERE row_number IN (SELECT row_number FROM problems) AND {words} AND {filled} >= 2"
    )
    if load.execute("SELECT count(*) FROM headers")[0][0]:
        load.execute("DELETE FROM problems WHERE row_number IN (SELECT row_number FROM headers)")
        load.execute(f"INSERT INTO problems SELECT row_number, NULL, {text_literal(_SECOND_HEADER)} FROM headers")
    load.execute("DROP TABLE headers")


def find_what_the_source_says(load: Load) -> None:
    """Rows of which the SELECT itself names a fault: quarantined, or only told."""
    if PROBLEM not in load.outputs:
        return
    for name, fault in load.source.header.problems.items():
        if fault.left_out:
            continue
        if fault.quarantined:
            load.execute(
                f"INSERT INTO problems SELECT DISTINCT row_number, '{PROBLEM}', $reason FROM mapped "
                f"WHERE {PROBLEM} = $name",
                reason=fault.reason,
                name=name,
            )
        rows = f"SELECT count(DISTINCT row_number) FROM mapped WHERE {PROBLEM} = $name"
        counted = load.execute(rows, name=name)[0][0]
        if counted and not (fault.quarantined and fault.limited):
            load.remark(name, f"{fault.reason} ({rows_as_text(counted)})", counted)
        if fault.quarantined and not fault.limited:
            load.unlimited += counted


def find_rest_of_keys(load: Load) -> None:
    """An order of which a row does not fit would be counted in part, which is wrong in silence."""
    key = load.input.key
    load.execute(
        f"""
        INSERT INTO problems
        SELECT DISTINCT row_number, '{key[0]}', 'another row of its {load.input.header.thing} does not fit'
        FROM mapped
        WHERE row_number NOT IN (SELECT row_number FROM problems)
          AND {as_tuple(key)} IN (
            SELECT {", ".join(key)} FROM mapped WHERE row_number IN (SELECT row_number FROM problems)
          )
        """
    )


def leave_out(load: Load) -> None:
    """Into `left_out`: blank rows, and totals that are certain. They are no rows of the table, and are told."""
    forget_left_out(load)
    columns = list(dict(load.execute("SELECT column_name, column_type FROM (DESCRIBE raw)")))
    columns = [name for name in columns if f"raw.{name}" != load.number]
    id = next((name for name in load.input.key if spreadsheets.is_id(name)), None)
    if id is None or load.source.header.reads != "table":
        return
    if load.execute("SELECT count(*) FROM problems")[0][0]:
        if blank := oddities.blank_rows(load.engine, columns, load.number):
            load.remark("blank_rows", f"blank rows left out: {blank:,}.", blank)
        forget_left_out(load)
    numbers = [raw for raw, kind in load.source.kinds.items() if kind == "number" and raw in load.found]
    amounts = load.made_from(load.input.amount) if load.input.amount else []
    rows = oddities.Rows(id, numbers, amounts, load.persons)
    if sums := oddities.totals(load.engine, rows, columns, load.number):
        load.remark("totals", f"rows left out because they hold sums of others: {sums:,}.", sums)
    forget_left_out(load)
    if load.sells_to and load.input.amount and not sums:
        oddities.guest_like_a_total(load.engine, id, load.sells_to, load.input.amount)


def forget_left_out(load: Load) -> None:
    for table in ("mapped", "problems"):
        load.execute(f"DELETE FROM {table} WHERE row_number IN (SELECT row_number FROM left_out)")


def find_contradictions(load: Load) -> None:
    """Rows that fit, agree in the key and differ in the rest: nobody can tell which of them is meant.

    Unless each tells when it was changed: then those of the latest time are meant, and must agree.
    """
    columns, key = ", ".join(map(quoted, load.schema.columns)), ", ".join(load.input.key)
    shown = shape_sql(f"concat_ws(', ', {key})")
    opening, ending = text_literal(f'column "{key}": "'), text_literal('" stands in other rows with other values')
    load.execute(
        f"""
        INSERT INTO problems
        WITH fitting AS (
          SELECT row_number, {columns}, {load.changed_at()} AS row_told_at
          FROM completed WHERE row_number NOT IN (SELECT row_number FROM problems)
        ),
        latest AS (
          SELECT * FROM fitting
          QUALIFY row_told_at IS NULL OR row_told_at = max(row_told_at) OVER (PARTITION BY {key})
        ),
        different AS (SELECT DISTINCT {columns} FROM latest)
        SELECT row_number, '{load.input.key[0]}', {opening} || {shown} || {ending}
        FROM fitting
        WHERE {as_tuple(load.input.key)} IN (SELECT {key} FROM different GROUP BY {key} HAVING count(*) > 1)
        """
    )


def apply(load: Load, rule: RowRule, raws: Sequence[str]) -> None:
    """Note the rows that break a rule, unless their column is known to be unreadable, or the source says why."""
    load.execute(
        f"INSERT INTO problems SELECT row_number, '{rule.column}', {rule.reason} FROM completed WHERE ({rule.fails}) "
        f"AND row_number NOT IN ({noted(rule.column, *raws, PROBLEM)})"
    )


def find_unreadable_cells(load: Load) -> None:
    """Cells of columns that the source declares as numbers or dates, whatever its SELECT makes of them."""
    for raw, column in load.source.header.raw.items():
        if raw not in load.found or column.type not in CASTS:
            continue
        cast, kind = CASTS[column.type]
        text = f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')"
        read = f"TRY_CAST(export.{quoted(raw)} AS {cast}) IS NOT NULL"
        if cast == "TIMESTAMP" and load.is_text(load.found[raw]):
            read += f" AND {ends_as_a_time(f'export.{quoted(raw)}')}"
        unreadable = f"({read}) IS NOT TRUE AND {text} IS NOT NULL"
        load.execute(
            f"INSERT INTO problems SELECT given.row_number, {text_literal(raw)}, "
            f"{not_of_its_kind(load.found[raw], text, kind)} "
            f"FROM given JOIN export ON export.row_number = given.row_number WHERE {unreadable}"
        )


def columns_with_nulls(load: Load) -> list[str]:
    typed = [name for name, kind in load.stored.items() if name in load.outputs and kind != "VARCHAR"]
    if not typed:
        return []
    counts = load.execute(f"SELECT {', '.join(f'count(*) - count({quoted(n)})' for n in typed)} FROM mapped")[0]
    return [name for name, nulls in zip(typed, counts, strict=True) if nulls]


def find_unreadable(load: Load, name: str, raws: list[str]) -> None:
    """A typed column is unreadable where it is null although the raw columns it is made from are not blank."""
    if not raws:
        return
    texts = [f"nullif(trim(CAST(given.{quoted(raw)} AS VARCHAR)), '')" for raw in raws]
    text = f"concat_ws(' ', {', '.join(texts)})"
    kind = KINDS_OF[load.stored[name].split("(")[0]]
    load.execute(
        f"INSERT INTO problems SELECT mapped.row_number, '{name}', "
        f"{not_of_its_kind(', '.join(load.found[raw] for raw in raws), text, kind)} "
        f"FROM ({rows_without(load, name)}) AS mapped JOIN given ON given.row_number = mapped.row_number "
        f"WHERE coalesce({', '.join(texts)}) IS NOT NULL AND mapped.row_number NOT IN ({noted(*raws)})"
    )


def rows_without(load: Load, name: str) -> str:
    """SQL: the raw rows of which no line has a value in the column; postage, say, has no quantity of its own."""
    if not load.has_several_lines:
        return f"SELECT row_number FROM mapped WHERE {quoted(name)} IS NULL"
    return f"SELECT row_number FROM mapped GROUP BY row_number HAVING count({quoted(name)}) = 0"


def over_limit(load: Load) -> bool:
    read, bad = load.counts()
    return bool(bad - load.unlimited > load.settings.quarantine_limit * read)


def noted(*columns: str) -> str:
    """SQL: the rows that have a problem in one of the columns already."""
    names = ", ".join(text_literal(column) for column in columns)
    return f"SELECT row_number FROM problems WHERE column_name IN ({names})"


def not_of_its_kind(column: str, text: str, kind: str) -> str:
    """SQL: what to say of a text that is not of its kind."""
    hint = (
        f"CASE WHEN regexp_matches({text}, '^[-+]?[0-9.,]*[oO][0-9.,oO]*$') THEN ' (letter O?)' "
        f"WHEN regexp_matches({text}, '[0-9][eE][-+]?[0-9]') "
        f"THEN ' that has kept its digits: a spreadsheet has rounded it, so {spreadsheets.REMEDY}' ELSE '' END"
    )
    if kind == "a date":
        hints = " ".join(f"WHEN regexp_matches({text}, '{pattern}') THEN ' ({says})'" for pattern, says in _DATE_HINTS)
        hint = f"CASE {hints} ELSE '' END"
    opening, ending = text_literal(f'column "{column}": "'), text_literal(f'" is not {kind}')
    return f"{opening} || {shape_sql(text)} || {ending} || {hint}"
