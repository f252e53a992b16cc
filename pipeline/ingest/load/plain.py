"""Plain files: those of which two looks tell that none of the other steps would find anything.

The careful way asks a file some fifty things one after the other, changes it where an answer wants it, and keeps a
typed copy of it. Most exports are as they should be. So all that may be wrong is asked at once here, in the words of
these steps where they have any, first of the cells, then of the completed rows. If nothing is in doubt, `mapped` is a
view over the file, and its rows go into staging as they stand. Nothing is refused, mended or told here but what is of
the file as a whole: whatever is in doubt, and whatever this module does not know, is left to the careful way, which
begins at `raw` as if nobody had looked. So a step that is added there needs its doubt here.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence

from pipeline.dialect import PLAIN, Dialect, may_be_rounded
from pipeline.ingest import oddities, spreadsheets
from pipeline.ingest.load.context import Load
from pipeline.ingest.load.judge import CASTS, refuse_damaged_ids, rules_of
from pipeline.ingest.load.keys import fixed_dialect, of_source
from pipeline.ingest.load.map import canonical, complete, describe, rows_of_source, zones
from pipeline.ingest.load.merge import find_age
from pipeline.ingest.load.money import signs_of
from pipeline.ingest.load.notice import is_rounded, remark_on_buyers, remark_on_statuses
from pipeline.ingest.load.read import show
from pipeline.ingest.readers.raw import RawFile
from pipeline.ingest.recognise import Shown
from pipeline.ingest.sources import EXPORTED_AT
from pipeline.quoting import quoted, text_literal

_HEAD = 2_048
_TIME = r"[12]\d{3}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?"
_SIMPLE_ID = "[A-Za-z]*[0-9]([A-Za-z0-9_-]*[0-9])?"
"""1001, o1001, p0008-37. So no id is wrapped, rounded or nested, stands for nothing, or is called like a total: a word
for that has an end or a sign behind it, and no digit.
"""


def stands(load: Load, file: RawFile) -> bool:
    """Whether the rows stand as they are. Then they are `completed`, and the file is known as far as recording asks."""
    if not _may_stand(load, file):
        return False
    simple = _simple_ids(load)
    if _holds(load, "raw AS source", _doubts_of_cells(load, simple)):
        return False
    shown = _shown(load)
    if shown is None:
        return False
    _map(load)
    if _is_doubtful(load, simple):
        load.execute("DROP VIEW mapped")
        return False
    refuse_damaged_ids(load)
    load.dialect, load.shown = _dialect(load, file), shown
    find_age(load)
    remark_on_buyers(load)
    remark_on_statuses(load)
    return True


def _may_stand(load: Load, file: RawFile) -> bool:
    """Whether this module knows all that is asked of such files: lines of orders or the like, of a source that only
    renames columns, written as text, with nothing set that says how to read them.
    """
    source, input, header = load.source, load.input, load.source.header
    columns = list(load.found.values())
    times = [name for raw, name in load.found.items() if source.kinds[raw] == "timestamp"]
    types = dict(load.execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
    return (
        not (input.has_one_row_per_key or input.persons or input.is_keyed or input.header.told or input.header.in_doubt)
        and bool(source.renamed)
        and source.renamed.keys() <= {*load.schema.columns, EXPORTED_AT}
        and header.reads == "table"
        and not (header.statuses or header.gift_cards or header.problems or header.hashed_for or header.reads_name)
        and "email" not in source.kinds.values()
        and not of_source(load.settings.statuses, source, {})
        and fixed_dialect(load.settings, source) == Dialect()
        and not load.tombstones
        and not file.typed
        and spreadsheets.is_id(input.key[0])
        and any(name.strip()[:1].isalpha() for name in times)  # so that a header that is repeated is in doubt
        and len(set(columns)) == len(columns)
        and all(types[name] == "VARCHAR" for name in columns)
        and not load.execute("SELECT 1 FROM malformed LIMIT 1")
    )


def _map(load: Load) -> None:
    """`mapped` and what follows from it, all of it views. Of the cells it is known that ids have no blanks around them
    and times no offset.
    """
    show(load, {})
    describe(load)
    ids, columns = load.ids(), list[str]()
    for name, declared in (load.stored | load.of_the_file()).items():
        written = declared if declared == "TIMESTAMP" else load.outputs.get(name)
        read = f"source.{quoted(name)}" if name in ids else canonical(name, written, declared, *zones(load))
        columns.append(f"{read} AS {quoted(name)}")
    load.execute(f"CREATE OR REPLACE TEMP VIEW mapped AS {rows_of_source(load, columns)}")
    complete(load)


def _is_doubtful(load: Load, simple: Container[str]) -> bool:
    """Whether a completed row is in doubt, or the last one may be a total."""
    for table in ("problems (row_number BIGINT, column_name VARCHAR, reason VARCHAR)", "left_out (row_number BIGINT)"):
        load.execute(f"CREATE OR REPLACE TEMP TABLE {table}")
    if _holds(load, "mapped", _doubts_of_mapped(load, simple)):
        return True
    if _holds(load, "completed", _doubts_of_rows(load, simple)):
        return True
    if load.sells_to and load.input.amount:
        oddities.guest_like_a_total(load.engine, load.input.key[0], load.sells_to, load.input.amount)
    return bool(load.execute("SELECT 1 FROM problems LIMIT 1"))


def _holds(load: Load, rows: str, doubts: Sequence[str]) -> bool:
    """Whether one of the doubts holds for one of the rows."""
    return bool(doubts and load.execute(f"SELECT 1 FROM {rows} WHERE {' OR '.join(doubts)} LIMIT 1"))


def _simple_ids(load: Load) -> set[str]:
    """The canonical columns whose ids are of the form that most shops' have, of which no test of ids holds."""
    there = {name: load.found[raw] for name in load.ids() if (raw := load.source.renamed[name]) in load.found}
    strange = "NOT regexp_full_match({}, {})"
    return {
        name for name, column in there.items()
        if not _holds(load, "raw", [strange.format(quoted(column), text_literal(_SIMPLE_ID))])
    }  # fmt: skip


def _doubts_of_cells(load: Load, simple: Container[str]) -> list[str]:
    """SQL over the file as it is: tests of cells that the careful way might change, or read in another way."""
    doubts, kinds = list[str](), load.source.kinds
    ids = {load.source.renamed[name] for name in load.ids() if name not in simple}
    for raw, name in load.found.items():
        cell = f"source.{quoted(name)}"
        if kinds[raw] == "number":
            doubts += [f"{cell} IS NOT NULL AND {test}" for test in _doubts_of_number(load, raw, cell)]
        elif kinds[raw] == "timestamp":
            doubts += _doubts_of_time(cell)
        else:
            doubts += spreadsheets.doubts_of_texts(cell)
        doubts += spreadsheets.doubts_of_ids(cell) if raw in ids else []
    for output, raw in load.source.renamed.items():
        declared = load.input.header.columns[output].type if output != EXPORTED_AT else "TIMESTAMP"
        if raw in load.found and declared != "VARCHAR" and kinds[raw] != "timestamp":
            read = canonical(load.found[raw], "VARCHAR", declared, *zones(load))
            doubts.append(f"source.{quoted(load.found[raw])} IS NOT NULL AND {read} IS NULL")
    return doubts


def _doubts_of_number(load: Load, raw: str, cell: str) -> Iterator[str]:
    yield f"TRY_CAST({cell} AS DOUBLE) IS NULL"
    yield f"({may_be_rounded(cell)})"
    if load.source.header.raw[raw].type in CASTS:
        yield f"TRY_CAST({cell} AS {CASTS['number'][0]}) IS NULL"
    for output, of in load.source.renamed.items():
        kind = load.input.header.columns[output].type if output != EXPORTED_AT else ""
        if of == raw and kind.startswith("DECIMAL"):
            yield is_rounded(cell, int(kind.rstrip(")").split(",")[1]), is_text=True)


def _doubts_of_time(cell: str) -> Iterator[str]:
    """A time must be written as ISO has it, and without an offset. Most are written to the second."""
    fast = f"{cell} >= '1' AND {cell} < '3' AND {cell} LIKE '____-__-__ __:__:__'"
    yield f"NOT (({fast}) OR regexp_full_match({cell}, {text_literal(_TIME)}))"
    yield f"{cell} IS NOT NULL AND TRY_CAST({cell} AS TIMESTAMP) IS NULL"


def _doubts_of_mapped(load: Load, simple: Container[str]) -> list[str]:
    """SQL over the mapped row: what may be a total, and what may have been written with the other sign."""
    id = load.input.key[0]
    negative = [f"{name} < 0 AND ({sign.where})" for name, sign in signs_of(load)]
    return negative if id in simple else [oddities.may_be_total(id), *negative]


def _doubts_of_rows(load: Load, simple: Container[str]) -> list[str]:
    """SQL over the completed row: rules that it breaks, another currency, and customers whose id is an address or a
    number of theirs.
    """
    rules = [rule for rule in rules_of(load) if rule.check not in spreadsheets.RULES or rule.column not in simple]
    doubts = [f"({rule.fails})" for rule in rules]
    if load.input.currency:
        doubts.append(f"{load.input.currency} <> {text_literal(load.settings.currency)}")
    if person := load.input.person:
        doubts.append(f"prefix({person}, '00')")
        doubts += [] if person in simple else [f"contains({person}, '@')", f"prefix({person}, '+')"]
    return doubts


def _shown(load: Load) -> Shown | None:
    """What the numbers show of their decimal sign, once all of them are plain; None if that must be looked into.

    A point before one or two last digits divides no thousands. Without any point nothing is shown.
    """
    numbers = [name for raw, name in load.found.items() if load.source.kinds[raw] == "number"]
    cells = [quoted(load.found[raw]) for raw in load.money_columns()] or [quoted(name) for name in numbers]
    for rows in (f"(SELECT * FROM raw LIMIT {_HEAD})", "raw"):  # mostly the first rows show it
        if _holds(load, rows, [f"{cell}[-2] = '.' OR {cell}[-3] = '.'" for cell in cells]):
            return Shown(decimals={"."})
    return None if _holds(load, "raw", [f"contains({cell}, '.')" for cell in cells]) else Shown()


def _dialect(load: Load, file: RawFile) -> Dialect:
    kinds = {load.source.kinds[raw] for raw in load.found}
    written = {"decimal": PLAIN.decimal, "thousands": PLAIN.thousands} if "number" in kinds else {}
    return file.dialect.but(**written, dates="iso")
