"""What stands around the rows of a table, and what a person should know of a file: blank rows, totals, what is odd.

Everything is asked of the temporary tables of a load (`raw`, `given`, `export`, `mapped`, `problems`) and answered with
row numbers or remarks; what is done with them, `load` says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.quoting import quoted, text_literal

_WORDS = (
    "total", "totals", "totale", "totaal", "totalt", "sum", "summe", "summa", "suma", "somme", "soma", "gesamt",
    "gesamtergebnis", "gesamtbetrag", "insgesamt", "razem", "ogółem", "łącznie", "celkem", "teilergebnis",
    "spolu", "összesen", "toplam", "yhteensä", "i alt", "итого", "всего", "合計", "总计", "subtotal", "sub-total",
    "sub total", "grand total", "suma całkowita", "suma końcowa", "total general", "total général", "grand totals",
    "subtotals", "subtotale", "subtotaal", "sous-total", "sous total", "mezisoučet", "zwischentotal", "übertrag",
)  # fmt: skip
_WORD = rf"(?:{'|'.join(map(re.escape, _WORDS))}|\p{{L}}*summe)"
_IS_WORD = rf"^[\s*#>-]*{_WORD}[^\p{{L}}\p{{N}}]*$"
_IS_TOTAL = rf"^[\s*#>-]*{_WORD}([^\p{{L}}\p{{N}}]*|[ :(].*)$"
_MAY_BE_TOTAL = rf"^[\s*#>-]*{_WORD}([^\p{{L}}\p{{N}}].*)?$|[\s:(_-]{_WORD}[^\p{{L}}\p{{N}}]*$"
"""What names a total where no customer is named: also `Subtotal-K8` and `K8 Total`."""
_SCHEME, _ANONYMOUS_SCHEME = 0.05, 0.75
"""Share of rows from which on such words are how the shop names its orders: those of customers, those of guests."""
_GUEST_AMONG = 5
_SHARE, _ORDERS = 0.5, 20
_SAMPLE = 20_000
_STAND_INS, _SEVERAL = (
    "0", "00", "000", "0000", "-1", "0.0", "guest", "gast", "anonymous", "anonym", "unknown", "unbekannt", "dummy",
    "test", "customer", "empty", "false", "no", "nobody", "missing", "tbd", "xxx",
), 5  # fmt: skip
_A_NUMBER = r"[^\w]*[A-Za-z]{0,3}[^\w]*\d[\d.,'’\s]*[^\w]*[A-Za-z]{0,3}[^\w]*"
"""Digits and their separators, with no more letters than a currency has: "12 pieces of 2024" is no size of anything."""
_NEGATIVE = r"^\W*[-\x{2010}-\x{2015}\x{2212}(]|\d\s*[-\x{2010}-\x{2015}\x{2212}]\s*$"
_WITH_OFFSET = r":\d\d(?:\.\d+)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)$"

SUSPECT = "the row looks like a total of the others, and does not equal their sum"
_LIKE_A_TOTAL = "the row names no customer and equals the sum of all others: it looks like a total"


@dataclass(frozen=True)
class Rows:
    """The columns that tell what a row is, as the canonical table and as the file names them."""

    id: str
    numbers: Sequence[str]
    """Raw columns with numbers; the sums of a totals row stand there."""
    amounts: Sequence[str]
    """Those of them that the amount is made from."""
    persons: Sequence[str]
    """Canonical columns that say whom a row is of, those that the file has."""


def blank_rows(engine: DuckDBEngine, columns: Sequence[str], number: str) -> int:
    """Into `left_out`: rows without a cell that says anything. They have a problem, for each row needs an id."""
    is_blank = " AND ".join(f"coalesce(trim(CAST({quoted(name)} AS VARCHAR)), '') = ''" for name in columns)
    return _count(
        engine,
        f"INSERT INTO left_out SELECT {number} FROM raw "
        f"WHERE {number} IN (SELECT row_number FROM problems) AND {is_blank}",
    )


def totals(engine: DuckDBEngine, rows: Rows, columns: Sequence[str], number: str) -> int:
    """Into `left_out`: rows that are certainly sums of others; into `problems`: those that only look so."""
    _find_suspects(engine, rows, columns, number)
    found = 0
    if engine.execute("SELECT 1 FROM suspects LIMIT 1"):
        loose = _count(engine, "DELETE FROM suspects WHERE names_customer AND NOT is_total")  # TOTAL-17 of a customer
        _find_sums(engine, rows)
        if _are_orders(engine, loose):
            engine.execute("DELETE FROM suspects WHERE is_named AND (names_customer OR NOT is_word)")
            _find_sums(engine, rows)
        found = _count(engine, "INSERT INTO left_out SELECT row_number FROM suspects WHERE is_sum")
        engine.execute(
            "INSERT INTO problems SELECT row_number, $id, $reason FROM suspects WHERE NOT is_sum AND is_named",
            {"id": rows.id, "reason": SUSPECT},
        )
    engine.execute("DROP TABLE suspects")
    return found


def _find_suspects(engine: DuckDBEngine, rows: Rows, columns: Sequence[str], number: str) -> None:
    """`suspects`: rows whose id is named like a total, rows without an id that hold such a word, and the last row if
    it has no id.
    """
    customer = f"coalesce({', '.join(rows.persons)})" if rows.persons else "CAST(NULL AS VARCHAR)"
    engine.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE suspects AS
        WITH named AS (
          SELECT row_number, lower({rows.id}) AS id,
            coalesce(NOT regexp_matches(lower({customer}), $may_be), FALSE) AS names_customer
          FROM mapped
          WHERE {may_be_total(rows.id)} AND row_number NOT IN (SELECT row_number FROM left_out)
        )
        SELECT row_number, TRUE AS is_named, bool_or(names_customer) AS names_customer,
          bool_and(regexp_matches(id, $word)) AS is_word, bool_and(regexp_matches(id, $total)) AS is_total,
          FALSE AS is_sum
        FROM named GROUP BY row_number
        """,
        {"may_be": _MAY_BE_TOTAL, "word": _IS_WORD, "total": _IS_TOTAL},
    )
    if not engine.execute("SELECT 1 FROM problems LIMIT 1"):
        return  # a row without an id has a problem
    cells = ", ".join(f"lower(CAST({quoted(name)} AS VARCHAR))" for name in columns)
    engine.execute(
        f"""
        INSERT INTO suspects
        SELECT row_number, has_word, FALSE, TRUE, TRUE, FALSE
        FROM (
          SELECT {number} AS row_number,
            len(list_filter([{cells}], lambda cell: regexp_matches(cell, $words))) > 0 AS has_word
          FROM raw
          WHERE {number} IN (SELECT row_number FROM mapped GROUP BY row_number HAVING count({rows.id}) = 0)
            AND {number} IN (SELECT row_number FROM problems)
            AND {number} NOT IN (SELECT row_number FROM left_out)
        )
        WHERE has_word OR (
          row_number = (SELECT max(row_number) FROM mapped WHERE row_number NOT IN (SELECT row_number FROM left_out))
          AND row_number NOT IN (SELECT row_number FROM mapped WHERE {customer} IS NOT NULL)
        )
        """,
        {"words": _MAY_BE_TOTAL},
    )


def may_be_total(id: str) -> str:
    """SQL: whether an id is named like a total. Most end with a digit and have one in the first or second place (1001,
    o1001), as no such name has; that is told fast.
    """
    digit = "BETWEEN '0' AND '9'"
    return (
        f"CASE WHEN {id}[-1] {digit} AND ({id}[1] {digit} OR {id}[2] {digit}) THEN FALSE "
        f"ELSE regexp_matches(lower({id}), {text_literal(_MAY_BE_TOTAL)}) END"
    )


def _find_sums(engine: DuckDBEngine, rows: Rows) -> None:
    """Mark the suspects that hold a sum: of the rows between them and any other suspect before or behind, or of all.

    That is so for subtotals, for totals of subtotals, and for running totals. A row that no word names, or that names a
    customer, must be the sum of two rows at least. What a row says in a column of the amount decides, if it says any.
    """
    sums = {name: f"sum_{place}" for place, name in enumerate(rows.numbers)}
    if not sums:
        return
    cells = {name: f"TRY_CAST({quoted(name)} AS DECIMAL(18,4))" for name in sums}
    own = ", ".join(f"{cell} AS own_{sums[name]}" for name, cell in cells.items())
    up_to = ", ".join(
        f"coalesce(sum({cell}) FILTER (is_row) OVER upwards, 0) AS {sums[name]}" for name, cell in cells.items()
    )
    engine.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE marks AS
        WITH told AS (
          SELECT export.*, suspects.row_number IS NULL AND left_out.row_number IS NULL AS is_row,
            suspects.row_number IS NOT NULL AS is_suspect
          FROM export
          LEFT JOIN suspects ON suspects.row_number = export.row_number
          LEFT JOIN left_out ON left_out.row_number = export.row_number
        )
        SELECT row_number, is_suspect, count(*) FILTER (is_row) OVER upwards AS rows, {own}, {up_to}
        FROM told WINDOW upwards AS (ORDER BY row_number ROWS UNBOUNDED PRECEDING)
        QUALIFY is_suspect OR row_number = max(row_number) OVER ()
        """
    )
    none = ", ".join(["NULL"] * len(sums) + ["0"] * len(sums))
    engine.execute(f"INSERT INTO marks SELECT 0, FALSE, 0, {none}")
    decisive = [sums[name] for name in rows.numbers if name in rows.amounts]
    says = " OR ".join(f"mark.own_{name} IS NOT NULL" for name in decisive) or "FALSE"
    for name in sums.values():
        counts = "TRUE" if name in decisive else f"NOT ({says})"
        own, here, there = f"mark.own_{name}", f"mark.{name}", f"other.{name}"
        between = "abs(mark.rows - other.rows)"
        enough = f"{between} >= CASE WHEN suspects.is_named AND NOT suspects.names_customer THEN 1 ELSE 2 END"
        for span in (
            f"other.row_number < mark.row_number AND {there} > {here} - {own} - 0.005 "
            f"AND {there} < {here} - {own} + 0.005",
            f"other.row_number > mark.row_number AND {there} > {here} + {own} - 0.005 "
            f"AND {there} < {here} + {own} + 0.005",
        ):
            engine.execute(
                f"""
                UPDATE suspects SET is_sum = TRUE FROM (
                  SELECT DISTINCT mark.row_number FROM marks AS mark
                  JOIN suspects ON suspects.row_number = mark.row_number
                  JOIN marks AS other ON {span}
                  WHERE {counts} AND {enough} AND ({own} <> 0 OR suspects.is_named)
                ) AS found WHERE suspects.row_number = found.row_number
                """
            )
    engine.execute("DROP TABLE marks")


def _are_orders(engine: DuckDBEngine, loose: int) -> bool:
    """Whether the shop names its orders so: too many rows for totals, and most of them are no sums.

    `loose`: orders of customers whose names begin or end with such a word all the same.
    """
    read = int(engine.scalar("SELECT count(*) FROM raw"))
    named, sums, anonymous = engine.execute(
        "SELECT count(*) FILTER (names_customer), count(*) FILTER (names_customer AND is_sum), "
        "count(*) FILTER (NOT names_customer) FROM suspects WHERE is_named"
    )[0]
    many = max(1, _SCHEME * read)
    return bool(loose > many or (named > many and 2 * sums < named) or anonymous > max(1, _ANONYMOUS_SCHEME * read))


def guest_like_a_total(engine: DuckDBEngine, id: str, person: str, amount: str) -> None:
    """Into `problems`: a last row that names no customer and whose amount is the sum of all the others'."""
    last = f"SELECT max_by({person} IS NULL, row_number) FROM mapped"
    if not engine.scalar(last):
        return
    found = engine.execute(
        f"""
        WITH sums AS (SELECT row_number, sum({amount}) AS amount, count({person}) AS named FROM completed GROUP BY 1)
        SELECT max(row_number) FROM sums
        HAVING count(*) > {_GUEST_AMONG} AND max_by(named, row_number) = 0 AND sum(named) > 0
          AND max_by(amount, row_number) <> 0 AND max_by(amount, row_number) * 2 = sum(amount)
        """
    )
    for (row,) in found:
        engine.execute(
            "INSERT INTO problems VALUES ($row, $id, $reason)", {"row": row, "id": id, "reason": _LIKE_A_TOTAL}
        )


def biased_loss(engine: DuckDBEngine, money: Sequence[str], amount: str) -> str | None:
    """What the quarantined rows have in common that makes their loss no chance; None if nothing."""
    if not money:
        return None
    cells = " UNION ALL ".join(
        f"SELECT row_number, CAST({quoted(name)} AS VARCHAR) AS cell FROM given "
        "WHERE row_number IN (SELECT row_number FROM problems) "
        f"AND row_number NOT IN (SELECT row_number FROM problems WHERE reason IN ('{SUSPECT}', '{_LIKE_A_TOTAL}'))"
        for name in money
    )
    digits = "regexp_replace(regexp_replace(cell, '[.,]\\d{1,2}\\D*$', ''), '\\D', '', 'g')"
    bad, negative, sized, least = engine.execute(
        f"""
        SELECT count(*), count(*) FILTER (is_negative), count(size), min(size)
        FROM (
          SELECT row_number, bool_or(regexp_matches(trim(cell), $negative)) AS is_negative,
            max(TRY_CAST({digits} AS DOUBLE)) FILTER (regexp_full_match(trim(cell), $number)) AS size
          FROM ({cells}) AS cells WHERE regexp_matches(cell, '\\d') GROUP BY row_number
        ) AS bad
        """,
        {"negative": _NEGATIVE, "number": _A_NUMBER},
    )[0]
    if bad and bad == negative:
        return "only refunds were quarantined, so revenue is too high: this loss is not random"
    largest = f"SELECT count(*), approx_quantile(abs({amount}), 0.95) FROM completed WHERE {amount} IS NOT NULL"
    good, high = engine.execute(f"{largest} AND row_number NOT IN (SELECT row_number FROM problems)")[0]
    if bad and bad == sized and good >= 10 and least > high:
        return "only the largest rows were quarantined, so revenue is too low: this loss is not random"
    return None


def one_offset(engine: DuckDBEngine, columns: Sequence[str]) -> str | None:
    """What a file says of the shop's time zone: that all times have one offset (two with summer time), not UTC's."""
    for name in columns:
        cell = f"trim({quoted(name)})"
        offset = f"nullif(regexp_extract({cell}, '{_WITH_OFFSET}', 1), '')"
        step = max(1, int(engine.scalar("SELECT count(*) FROM raw")) // _SAMPLE)
        for every in dict.fromkeys((step, 1)):
            placed = f"SELECT {quoted(name)}, row_number() OVER () AS place FROM raw"
            if every == 1:
                placed = f"SELECT {quoted(name)}, 1 AS place FROM raw"
            found = engine.execute(
                f"SELECT DISTINCT {offset} FROM ({placed}) AS placed "
                f"WHERE (placed.place - 1) % {every} = 0 AND {cell} <> '' LIMIT 4"
            )
            hours = sorted({_hours(str(given)) for (given,) in found if given})
            if not found or (None,) in found or 0 in hours or len(hours) > 2 or hours[-1] - hours[0] > 1:
                break
        else:
            return " or ".join(
                f"{abs(h):g} hour{'' if abs(h) == 1 else 's'} {'behind' if h < 0 else 'ahead of'} UTC" for h in hours
            )
    return None


def with_and_without_offset(engine: DuckDBEngine, columns: Sequence[str]) -> str | None:
    """The first of the columns in which some times have an offset and others have none, by an even sample."""
    step = max(1, int(engine.scalar("SELECT count(*) FROM raw")) // _SAMPLE)
    for name in columns:
        cell = f"trim({quoted(name)})"
        kinds = engine.scalar(
            f"""
            SELECT count(DISTINCT regexp_matches({cell}, '{_WITH_OFFSET}'))
            FROM (SELECT {quoted(name)}, row_number() OVER () AS place FROM raw) AS placed
            WHERE (placed.place - 1) % {step} = 0 AND {cell} LIKE '%:__%'
            """
        )
        if kinds == 2:
            return name
    return None


def _hours(offset: str) -> float:
    signed = re.fullmatch(r"([+-])(\d\d):?(\d\d)", offset)
    return (int(signed[2]) + int(signed[3]) / 60) * (-1 if signed[1] == "-" else 1) if signed else 0.0


def leading_customer(engine: DuckDBEngine, person: str, key: str) -> tuple[float, int] | None:
    """(share of the rows that name a customer, orders) of a customer with an implausible share; None if there is none.

    More than half of at least 20 orders: so large a part is a till's number or a placeholder more often than a person.
    The sample tells mostly that there is none.
    """
    step = max(1, int(engine.scalar("SELECT count(*) FROM mapped")) // _SAMPLE)
    for every in dict.fromkeys((step, 1)):
        found = engine.execute(
            f"""
            SELECT {person}, count(*) / sum(count(*)) OVER () AS share, count(DISTINCT {key}) AS orders
            FROM mapped WHERE {person} IS NOT NULL AND row_number % {every} = 0
            GROUP BY {person} ORDER BY count(*) DESC LIMIT 1
            """
        )
        if not found or found[0][1] <= (_SHARE if every == 1 else 0.8 * _SHARE):
            return None
    _, share, orders = found[0]
    return (share, orders) if orders >= _ORDERS else None


def stand_ins(engine: DuckDBEngine, person: str, key: str) -> list[tuple[str, int]]:
    """(word, orders) of customers with several orders whose id often stands for nobody; it may be one's, too."""
    listed = ", ".join(f"'{word}'" for word in _STAND_INS)
    return [
        (str(word), int(orders))
        for word, orders in engine.execute(
            f"""
            SELECT lower({person}) AS word, count(DISTINCT {key}) AS orders FROM mapped
            WHERE CASE WHEN length({person}) > {max(map(len, _STAND_INS))} OR {person}[-1] BETWEEN '2' AND '9'
              THEN FALSE ELSE lower({person}) IN ({listed}) END
            GROUP BY word HAVING orders >= {_SEVERAL} ORDER BY orders DESC, word
            """
        )
    ]


def preamble(lines: int, header_line: int) -> str:
    return f"line {header_line:,} was taken for the header; lines left out above it: {lines:,}."


def _count(engine: DuckDBEngine, insert: str) -> int:
    return int(engine.execute(insert)[0][0])
