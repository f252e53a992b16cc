"""Reading: the file as it is, `raw`, and its source's columns, `given` (as they stand) and `export` (normalised)."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.dialect import Kind, minor_units
from pipeline.errors import ExportError
from pipeline.home.quarantine import scratch_folder
from pipeline.ingest import oddities, spreadsheets
from pipeline.ingest.load.context import Load, Undecided
from pipeline.ingest.load.keys import fixed_dialect, of_source
from pipeline.ingest.nested import path_of
from pipeline.ingest.readers.raw import RawFile, number_beside
from pipeline.ingest.readers.read import read_raw
from pipeline.ingest.recognise import AmbiguousDialect, normalised, plain_columns, recognise
from pipeline.ingest.sizes import limits_of
from pipeline.ingest.sources import FILE_NAME, FOLDER_NAME
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import shown_name
from pipeline.statuses import IS_GIFT_CARD, STANDING, gift_card_sql, standing_sql, status_word_sql


def read_file(load: Load) -> RawFile:
    """`raw`: the file as it is; which of its columns are those of the source."""
    file = read_raw(
        load.engine, load.export.path, load.source.header.reads == "lines", fixed_dialect(load.settings, load.source),
        scratch_folder(load.settings), limits_of(load.settings), lambda cells: load.source.fit(cells)[0],
    )  # fmt: skip
    load.number, load.found = file.number, resolve(load, file)
    reach(load, file)
    return file


def recognise_columns(load: Load, file: RawFile) -> None:
    """`given` and `export`, once it is known how the file writes numbers and dates."""
    fixed = fixed_dialect(load.settings, load.source)
    types = dict(load.execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
    kinds = undo(load, types, file.typed)
    shown_as = {load.found[raw]: kind for raw, kind in kinds.items()}
    try:
        recognised = recognise(
            load.engine, "raw", shown_as, fixed.over(file.dialect), load.export.name, load.source.label,
            [load.found[raw] for raw in load.money_columns() if raw in kinds], minor_units(load.settings.currency),
            load.siblings,
        )  # fmt: skip
    except AmbiguousDialect as error:
        raise Undecided(str(error), error.shown) from None
    load.dialect, load.shown, load.by_siblings = recognised.dialect, recognised.shown, recognised.by_siblings
    numbers = [load.found[raw] for raw, kind in kinds.items() if kind == "number"]
    as_they_are = plain_columns(load.engine, "raw", numbers) if load.dialect.is_plain_in_numbers else set()
    load.marked = [
        raw for raw in load.money_columns() if kinds.get(raw) == "number" and load.found[raw] not in as_they_are
    ]
    show(load, {raw: kind for raw, kind in kinds.items() if load.found[raw] not in as_they_are})


def show(load: Load, kinds: Mapping[str, Kind]) -> None:
    """`given`: the columns of the source as they stand in the file. `export`: the same as its SELECT gets them, those
    of a kind normalised.
    """
    given, export = [], []
    for raw in load.source.header.raw:
        column = quoted(load.found[raw]) if raw in load.found else "CAST(NULL AS VARCHAR)"
        given.append(f"{column} AS {quoted(raw)}")
        export.append(f"{normalised(load.dialect, kinds.get(raw, 'text'), column)} AS {quoted(raw)}")
    export += [*meanings(load), *place(load)]
    for view, shown in (("given", given), ("export", export)):
        columns = ", ".join(shown)
        load.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {load.number} AS row_number, {columns} FROM raw")


def meanings(load: Load) -> list[str]:
    """SQL: what a SELECT gets beside the columns of the file; see `statuses`."""
    header, made = load.source.header, list[str]()
    changed = of_source(load.settings.statuses, load.source, {})
    if changed and header.statuses is None:
        raise ExportError(
            f"setting statuses: source {load.source.label} has no block `statuses` in its header that it could "
            f"change; take [statuses.{load.source.name}] out, or add the block (docs/exports.md)."
        )
    if header.statuses is not None:
        word = "CAST(NULL AS VARCHAR)"
        if header.statuses.column in load.found:
            word = status_word_sql(quoted(load.found[header.statuses.column]))
        made.append(f"{standing_sql(word, header.statuses.meanings(changed))} AS {STANDING}")
    if header.gift_cards is not None:
        columns = [quoted(load.found[name]) for name in header.gift_cards.columns if name in load.found]
        patterns = load.settings.gift_card_products
        made.append(
            f"{gift_card_sql(columns, header.gift_cards.patterns if patterns is None else patterns)} AS {IS_GIFT_CARD}"
        )
    return made


def place(load: Load) -> list[str]:
    """SQL: what the file and its folder are called, where the SELECT asks for it."""
    if not load.source.header.reads_name:
        return []
    file, folder = load.export.path.name, load.export.path.parent.name
    return [f"{text_literal(file)} AS {FILE_NAME}", f"{text_literal(folder)} AS {FOLDER_NAME}"]


def reach(load: Load, file: RawFile) -> None:
    """Columns of `raw` for what lies inside of others; what else the file holds of persons goes."""
    inside = {name: path for name in load.found.values() if name not in file.columns if (path := path_of(name))}
    if not inside:
        return
    types = {
        name.lower(): (name, kind) for name, kind in load.execute("SELECT column_name, column_type FROM (DESCRIBE raw)")
    }
    kept = list(file.columns)
    if load.input.is_personal:
        kept = [name for name in file.columns if name in load.found.values()]
    number = number_beside([*file.columns, *inside])
    columns = [f"{load.number} AS {number}", *map(quoted, kept)]
    for name, path in inside.items():
        column, kind = types[path.column.lower()]
        columns.append(f"{path.sql(quoted(column), is_text=kind == 'VARCHAR')} AS {quoted(name)}")
    load.execute(f"CREATE OR REPLACE TEMP TABLE raw AS SELECT {', '.join(columns)} FROM raw")
    load.number = f"raw.{number}"


def resolve(load: Load, file: RawFile) -> dict[str, str]:
    """Raw column -> its name in the file; what stands above the header is told."""
    above = file.title_lines
    if above:
        load.remark("preamble", oddities.preamble(above, file.header_line), above)
    try:
        return load.source.resolve(file.columns, load.export.name)
    except ExportError as error:
        if not above:
            raise
        raise ExportError(f"{error} Line {file.header_line:,} was taken for the header.") from None


def undo(load: Load, types: dict[str, str], typed: frozenset[str]) -> dict[str, Kind]:
    """Undo in `raw` what a spreadsheet did to its cells; returns the kinds of the columns that are text now.

    `typed` are columns of text in which the file has numbers of its own, whatever they look like.
    """
    known = {raw: kind for raw, kind in load.source.kinds.items() if raw in load.found}
    for raw, kind in known.items():
        name = load.found[raw]
        if kind == "timestamp" and types[name] in ("DOUBLE", "FLOAT", "BIGINT", "INTEGER"):
            load.execute(f"ALTER TABLE raw ALTER {quoted(name)} TYPE VARCHAR")
            types[name] = "VARCHAR"
    if load.source.header.reads == "table":
        texts = [name for name in load.found.values() if types[name] == "VARCHAR"]
        spreadsheets.unwrap(load.engine, texts)
        if load.guards_ids:
            ids = {raw for name in load.ids() for raw in load.source.raw_columns_of(name)}
            columns = [load.found[raw] for raw in known if raw in ids and known[raw] in ("text", "email")]
            spreadsheets.mend_ids(load.engine, columns, types)
        empty_placeholders(load, known, types)
    return {
        raw: kind
        for raw, kind in known.items()
        if kind == "email"
        or (types[load.found[raw]] == "VARCHAR" and not (kind == "number" and load.found[raw] in typed))
    }


def empty_placeholders(load: Load, known: Mapping[str, Kind], types: Mapping[str, str]) -> None:
    """In columns of ids, what only says that there is no value becomes none, and what nobody sees goes."""
    named = {raw: name for name in reversed(load.ids()) for raw in load.source.raw_columns_of(name)}
    columns = {
        load.found[raw]: name
        for raw, name in named.items()
        if raw in known and known[raw] in ("text", "email") and types[load.found[raw]] in spreadsheets.HOLDS_TEXT
    }
    spreadsheets.drop_invisible(load.engine, [name for name in columns if types[name] == "VARCHAR"])
    emptied = spreadsheets.empty_placeholders(load.engine, columns, {load.input.person, *load.input.key})
    if emptied:
        listed = ", ".join(f'{rows:,} in column "{shown_name(name)}"' for name, rows in emptied.items())
        load.remark(
            "placeholders",
            f"cells that say there is no value (such as NULL, N/A, #REF!, ####) were read as empty: {listed}. "
            f"{without_id(load)}",
            sum(emptied.values()),
        )


def without_id(load: Load) -> str:
    """What becomes of rows whose ids say that there is none."""
    thing = load.input.header.thing
    without = f"without {'an' if thing[0] in 'aeiou' else 'a'} {thing} is quarantined."
    return f"A row without a customer is a guest's; one {without}" if load.input.has_guests else f"A row {without}"
