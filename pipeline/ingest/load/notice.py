"""Noticing: what stops nothing, and what a person would like to know of a file before believing its figures."""

from __future__ import annotations

from pipeline.ingest import oddities
from pipeline.ingest.load.context import Load, as_tuple, rows_as_text
from pipeline.ingest.load.keys import of_source
from pipeline.ingest.load.map import mapped_rows
from pipeline.ingest.load.persons import HOW_HASHES_ARE_READ
from pipeline.quoting import quoted
from pipeline.shapes import shape
from pipeline.statuses import COMMON, UNKNOWN, is_shown, status_word_sql
from pipeline.tables.inputs import HASHES

_TOP_WORDS = 5
_VOID = ("canceled", "cancelled", "void", "voided")
"""Words with which staging.orders takes an order for cancelled, whatever the source."""
_EMAIL = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_PHONE = r"(\+|00)[0-9][0-9 ()./-]{6,18}"
_PERSONAL_IDS = (
    (
        "personal_ids",
        "an e-mail address",
        "map the column with `type: email` in a source of your own (docs/exports.md)",
    ),
    ("personal_number_ids", "a phone number", "export the shop's own customer ids instead"),
)


def tell_unknown_statuses(load: Load) -> None:
    """Words nobody has explained: which, how often, what they count as, and the setting that decides."""
    statuses = load.source.header.statuses
    if statuses is None or statuses.column not in load.found:
        return
    column = quoted(statuses.column)
    known = statuses.meanings(of_source(load.settings.statuses, load.source, {}))
    counted = load.execute(
        f"WITH people AS (SELECT row_number, min({person_sql(load)}) AS person FROM mapped GROUP BY row_number) "
        f"SELECT {status_word_sql('given.' + column)} AS word, count(*), min(given.{column}), "
        "count(DISTINCT person), (SELECT count(*) FROM given) "
        "FROM given LEFT JOIN people ON people.row_number = given.row_number GROUP BY word "
        "HAVING word IS NOT NULL AND NOT list_contains($known, word) ORDER BY 2 DESC, 1",
        known=list(known),
    )
    if not counted:
        return
    shown = [word for word, rows, _, people, of in counted if is_shown(word, rows, people, of)]
    words = [f'"{word}"' if word in shown else f"one shaped like {shape(told)}" for word, _, told, *_ in counted]
    named = [f"{word} ({rows_as_text(rows)})" for word, (_, rows, *_) in zip(words, counted, strict=True)][:_TOP_WORDS]
    more = f" and {len(counted) - _TOP_WORDS} more" if len(counted) > _TOP_WORDS else ""
    example = next(iter(shown), "status")
    load.remark(
        "unknown_status",
        f'column "{load.found[statuses.column]}": unknown statuses {", ".join(named)}{more}. Such orders count as '
        f"orders that stand. Say what they are below [statuses.{load.source.name}] in perennial.toml, such as "
        f'"{example}" = "{UNKNOWN}", or never_stood, or refunded.',
        sum(rows for _, rows, *_ in counted),
    )


def person_sql(load: Load) -> str:
    """SQL: whom a line of `mapped` is of, else its order; null where it says neither."""
    key = next((name for name in load.input.key if name in load.stored), "NULL")
    return f"coalesce({', '.join(load.persons)})" if load.persons else key


def remark_on_rounding(load: Load) -> None:
    """Decimals that the contract does not keep: no fault of a row, but sums may differ by them."""
    types = dict[str, str](load.execute("SELECT column_name, column_type FROM (DESCRIBE raw)"))
    for name, kind in load.stored.items():
        raw = load.source.passed_on(name) if name in load.outputs and kind.startswith("DECIMAL") else None
        if raw is None or raw not in load.found or not may_have_decimals(types[load.found[raw]]):
            continue
        digits = int(kind.rstrip(")").split(",")[1])
        rounded = is_rounded(quoted(raw), digits, is_text=types[load.found[raw]] == "VARCHAR")
        rows = load.execute(f"SELECT count(*) FILTER (WHERE {rounded}) FROM export")[0][0]
        if rows:
            lost = "; currencies with three decimals (such as KWD) lose their third" if digits == 2 else ""
            load.remark(
                f"rounded_{name}",
                f'column "{load.found[raw]}": {rows:,} numbers with more than {digits} decimals were rounded to '
                f"{digits}{lost}.",
                rows,
            )


def is_rounded(cell: str, digits: int, is_text: bool) -> str:
    """SQL: whether a number has more decimals than are kept. Most texts are too short, which is told fast."""
    number = f"TRY_CAST({cell} AS DECIMAL(38,9))"
    rounded = f"{number} <> round({number}, {digits})"
    return f"CASE WHEN {cell} LIKE '%.{'_' * (digits + 1)}%' THEN {rounded} ELSE FALSE END" if is_text else rounded


def remark_on_what_is_told(load: Load) -> None:
    """What the header of the input has to say of some rows, none of which is wrong."""
    for name, told in load.input.header.told.items():
        fitting = f"({told.where}) AND row_number NOT IN (SELECT row_number FROM problems)"
        rows = load.execute(f"SELECT count(DISTINCT row_number) FROM {mapped_rows(load)} WHERE {fitting}")[0][0]
        if rows:
            load.remark(name, told.says.format(rows=rows_as_text(rows)), rows)


def remark_on_time_zones(load: Load) -> None:
    """Where times may be of another zone than they are taken for."""
    moments = [
        load.found[raw]
        for raw in load.made_from(load.input.moment)
        if raw in load.found and load.is_text(load.found[raw])
    ]
    if mixed := oddities.with_and_without_offset(load.engine, moments):
        zone = load.dialect.timezone or load.settings.timezone
        load.remark(
            "mixed_offsets",
            f'column "{mixed}": some times have an offset such as Z, others none. Those without are taken for times of '
            f"{zone}; if they are not, export them with their offset.",
        )
    is_set = "timezone" in load.settings.model_fields_set or load.dialect.timezone
    if not is_set and (behind := oddities.one_offset(load.engine, moments)):
        load.remark(
            "time_zone",
            f"all times are {behind}, and no time zone is set: days are those of UTC. Set timezone to the "
            f"shop's (UTC, if it is meant).",
        )


def remark_on_unread_hashes(load: Load) -> None:
    """Columns called like those of hashes, in a file of a source that does not say by whose rules they were made."""
    there = {name.lower() for name, _ in load.execute("SELECT column_name, column_type FROM (DESCRIBE raw)")}
    unread = [name for name in HASHES if name in load.schema.columns and name not in load.outputs and name in there]
    if unread:
        named = " and ".join(f'"{name}"' for name in unread)
        load.remark(
            "unread_hashes", f"column {named}: left out, as {load.source.label} reads no hashes. {HOW_HASHES_ARE_READ}"
        )


def remark_on_rows(load: Load) -> None:
    """What does not stop a file, and what a person would like to know before believing its figures."""
    remark_on_unread_hashes(load)
    remark_on_rounding(load)
    remark_on_what_is_told(load)
    remark_on_time_zones(load)
    _, bad = load.counts()
    amounts = next(filter(None, map(load.made_from, load.input.money)), [])
    money, amount = [raw for raw in load.money_columns() if raw in amounts], load.input.amount
    if bad and amount and (loss := oddities.biased_loss(load.engine, money, amount)):
        load.remark("biased_loss", f"{rows_as_text(bad)} {'does' if bad == 1 else 'do'} not fit: {loss}.", bad)
    remark_on_buyers(load)


def remark_on_buyers(load: Load) -> None:
    """Customers that may be no persons."""
    buyer, key = load.sells_to, as_tuple(load.input.key)
    if buyer and (leading := oddities.leading_customer(load.engine, buyer, key)):
        share, orders = leading
        load.remark(
            "leading_customer",
            f"one customer has {share * 100:.0f} % of the rows that name one ({load.input.things(orders)}): is that a "
            f"person, or the number of a till, a placeholder, or an id that a spreadsheet has rounded?",
        )
    if buyer and load.input.is_of_sales and (rows := _without_their_buyer(load)):
        names, counts = ("names", "counts") if rows == 1 else ("name", "count")
        load.remark(
            "rows_without_customer",
            f"{rows_as_text(rows)} {names} no customer, though other rows of the same order do, and {counts} as a "
            f"guest's: fill the column in the export, or take the customer of the order in a source of your own, as "
            f"max(customer_id) OVER (PARTITION BY order_id).",
            rows,
        )
    if buyer and (few := oddities.stand_ins(load.engine, buyer, key)):
        listed = ", ".join(f'"{word}" ({load.input.things(orders)})' for word, orders in few)
        load.remark(
            "stand_ins",
            f"customers that may be no persons: {listed}. If that stands for guests, leave the cell empty in the "
            f"export, or write nullif(…) in a source of your own (docs/exports.md).",
            sum(orders for _, orders in few),
        )


def _without_their_buyer(load: Load) -> int:
    """Rows without a customer of orders that have one."""
    key, listed, person = as_tuple(load.input.key), ", ".join(load.input.key), load.input.person
    named = f"SELECT {listed} FROM completed WHERE {person} IS NOT NULL"
    return int(load.execute(f"SELECT count(*) FROM completed WHERE {person} IS NULL AND {key} IN ({named})")[0][0])


def remark_on_statuses(load: Load) -> None:
    """Orders that a word of their status ends and whose money stays, where no header says what the words mean."""
    if not load.input.is_of_sales or load.source.header.statuses is not None or not load.has("status"):
        return
    words = [word for standing in ("never_stood", "refunded") for word in COMMON[standing] if word not in _VOID]
    keys = ", ".join(load.input.key)
    orders, told = load.execute(
        f"""
        SELECT count(*), string_agg(DISTINCT '"' || word || '"', ', ' ORDER BY '"' || word || '"')
        FROM (
          SELECT {keys}, min({status_word_sql("status")}) AS word, sum(amount) AS amount
          FROM completed GROUP BY {keys} HAVING list_contains($words, min({status_word_sql("status")}))
        ) AS ended
        WHERE amount > 0
        """,
        words=words,
    )[0]
    if orders:
        load.remark(
            "status_without_refund",
            f"{load.input.things(orders)} with status {told} {'counts' if orders == 1 else 'count'} in full: a status "
            f"says nothing about money, and ends an order only where it is cancelled or voided. Give what came back as "
            f"refunds, or let a source of your own say what statuses mean (docs/exports.md, Statuses).",
            orders,
        )


def look_at_ids_of_persons(load: Load) -> None:
    """Ids that are addresses or numbers of people would stand in every table: say so, and hash nothing unasked."""
    person = load.input.person
    if person is None or not load.has(person):
        return
    filled, mails, numbers, zeros = load.execute(
        f"SELECT count({person}), "
        f"count(*) FILTER (WHERE contains({person}, '@') AND regexp_full_match({person}, '{_EMAIL}')), "
        f"count(*) FILTER (WHERE prefix({person}, '+') AND regexp_full_match({person}, '{_PHONE}')), "
        f"count(*) FILTER (WHERE prefix({person}, '00') AND regexp_full_match({person}, '{_PHONE}')) FROM completed"
    )[0]
    if zeros >= 0.5 * filled:  # a few are the shop's own numbers, filled up with zeros
        numbers += zeros
    for rows, (subject, what, remedy) in zip((mails, numbers), _PERSONAL_IDS, strict=True):
        if rows:
            load.remark(
                subject,
                f"{rows_as_text(rows)} with {what} for the customer, which then stands in every table and audience; "
                f"{remedy}.",
                rows,
            )


def may_have_decimals(kind: str) -> bool:
    """Whether a column of a type may hold more decimals than it means; a FLOAT always does."""
    return kind in ("VARCHAR", "DOUBLE") or (kind.startswith("DECIMAL") and not kind.endswith(",0)"))
