"""What stands around the rows of a table, and what a person should know of a file: blank rows, totals, what is odd.

Everything is asked of the temporary tables of a load (`raw`, `given`, `export`, `mapped`, `problems`) and answered with
row numbers or remarks; what is done with them, `loading` says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.duckdb import DuckDBEngine

_WORDS = (
    "total", "totals", "totale", "totaal", "totalt", "sum", "summe", "summa", "suma", "somme", "soma", "gesamt",
    "gesamtsumme", "endsumme", "zwischensumme", "gesamtbetrag", "insgesamt", "razem", "ogółem", "łącznie", "celkem",
    "spolu", "összesen", "toplam", "yhteensä", "i alt", "итого", "всего", "合計", "总计", "subtotal", "sub-total",
    "sub total", "grand total", "suma całkowita", "suma końcowa", "total general", "total général", "grand totals",
)  # fmt: skip
_IS_TOTAL = rf"^[\s*#>-]*({'|'.join(map(re.escape, _WORDS))})([^\p{{L}}\p{{N}}]*|[ :(].*)$"
_SCHEME = 0.05
"""Share of rows from which on such words are how the shop names its orders."""
_GUEST_AMONG = 5
_SHARE, _ORDERS = 0.5, 20
_SAMPLE = 20_000
_NEGATIVE = r"^\W*[-\x{2010}-\x{2015}\x{2212}(]|\d\s*[-\x{2010}-\x{2015}\x{2212}]\s*$"
_WITH_OFFSET = r":\d\d(?:\.\d+)?\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)$"

SUSPECT = "the row looks like a total of the others, and does not equal their sum"


@dataclass(frozen=True)
class Rows:
    """The columns that tell what a row is, as the canonical table and as the file names them."""

    id: str
    numbers: Sequence[str]
    """Raw columns with numbers; the sums of a totals row stand there."""
    amounts: Sequence[str]
    """Those of them that the amount is made from."""


def blank_rows(engine: DuckDBEngine, columns: Sequence[str], number: str) -> int:
    """Into `left_out`: rows without a cell that says anything. They have a problem, for each row needs an id."""
    is_blank = " AND ".join(f"coalesce(trim(CAST({_quoted(name)} AS VARCHAR)), '') = ''" for name in columns)
    return _count(
        engine,
        f"INSERT INTO left_out SELECT {number} FROM raw "
        f"WHERE {number} IN (SELECT row_number FROM problems) AND {is_blank}",
    )


def totals(engine: DuckDBEngine, rows: Rows, columns: Sequence[str], number: str) -> int:
    """Into `left_out`: rows that are certainly the sums of the others; into `problems`: those that only look so."""
    suspects = _suspects(engine, rows, columns, number)
    engine.execute("CREATE OR REPLACE TEMP TABLE suspects (row_number BIGINT, is_named BOOLEAN)")
    for row, is_named in suspects.items():
        engine.execute("INSERT INTO suspects VALUES ($row, $is_named)", {"row": row, "is_named": is_named})
    certain = [row for row in suspects if _is_sum(engine, rows, row)]
    for row in certain:
        engine.execute("INSERT INTO left_out VALUES ($row)", {"row": row})
    for row, is_named in suspects.items():
        if row not in certain and is_named:
            engine.execute(
                "INSERT INTO problems VALUES ($row, $id, $reason)", {"row": row, "id": rows.id, "reason": SUSPECT}
            )
    engine.execute("DROP TABLE suspects")
    return len(certain)


def _suspects(engine: DuckDBEngine, rows: Rows, columns: Sequence[str], number: str) -> dict[int, bool]:
    """Rows named like a total, and the last row if it has no id: row number -> whether a word names it."""
    named = engine.execute(
        f"SELECT DISTINCT row_number FROM mapped WHERE NOT ({rows.id}[1] BETWEEN '0' AND '9') "  # most ids, fast
        f"AND regexp_matches(lower({rows.id}), $words) AND row_number NOT IN (SELECT row_number FROM left_out)",
        {"words": _IS_TOTAL},
    )
    read = int(engine.scalar("SELECT count(*) FROM raw"))
    found = {int(row): True for (row,) in named} if len(named) <= max(1, _SCHEME * read) else {}
    if not engine.execute("SELECT 1 FROM problems LIMIT 1"):
        return found  # a row without an id has a problem
    cells = ", ".join(f"lower(CAST({_quoted(name)} AS VARCHAR))" for name in columns)
    without_id = engine.execute(
        f"""
        SELECT {number}, len(list_filter([{cells}], lambda cell: regexp_matches(cell, $words))) > 0
        FROM raw
        WHERE {number} IN (SELECT row_number FROM mapped GROUP BY row_number HAVING count({rows.id}) = 0)
          AND {number} IN (SELECT row_number FROM problems)
          AND {number} NOT IN (SELECT row_number FROM left_out)
        """,
        {"words": _IS_TOTAL},
    )
    last = engine.scalar("SELECT max(row_number) FROM mapped WHERE row_number NOT IN (SELECT row_number FROM left_out)")
    return found | {int(row): bool(word) for row, word in without_id if word or row == last}


def _is_sum(engine: DuckDBEngine, rows: Rows, row: int) -> bool:
    """Whether the row holds the sum of the others in a column of numbers, in one of the amount's if it has any."""
    others = (
        "row_number NOT IN (SELECT row_number FROM suspects) AND row_number NOT IN (SELECT row_number FROM left_out)"
    )
    equal: dict[str, bool] = {}
    for name in rows.numbers:
        cell = f"TRY_CAST({_quoted(name)} AS DECIMAL(38,9))"
        own, total, count = engine.execute(
            f"SELECT max({cell}) FILTER (row_number = $row), sum({cell}) FILTER ({others}), count(*) FILTER ({others}) "
            "FROM export",
            {"row": row},
        )[0]
        if own is not None:
            equal[name] = count >= 2 and bool(total) and abs(own - total) < 0.005
    decisive = [name for name in equal if name in rows.amounts] or list(equal)
    return any(equal[name] for name in decisive)


def guest_like_a_total(engine: DuckDBEngine) -> None:
    """Into `problems`: a last row that names no customer and whose amount is the sum of all the others'."""
    last = "SELECT max_by(customer_id IS NULL, row_number) FROM mapped"
    if not engine.scalar(last):
        return
    found = engine.execute(
        f"""
        WITH sums AS (SELECT row_number, sum(amount) AS amount, count(customer_id) AS named FROM completed GROUP BY 1)
        SELECT max(row_number) FROM sums
        HAVING count(*) > {_GUEST_AMONG} AND max_by(named, row_number) = 0 AND sum(named) > 0
          AND max_by(amount, row_number) <> 0 AND max_by(amount, row_number) * 2 = sum(amount)
        """
    )
    for (row,) in found:
        reason = "the row names no customer and equals the sum of all others: it looks like a total"
        engine.execute("INSERT INTO problems VALUES ($row, 'order_id', $reason)", {"row": row, "reason": reason})


def biased_loss(engine: DuckDBEngine, money: Sequence[str]) -> str | None:
    """What the quarantined rows have in common that makes their loss no chance; None if nothing."""
    if not money:
        return None
    cells = " UNION ALL ".join(
        f"SELECT row_number, CAST({_quoted(name)} AS VARCHAR) AS cell FROM given "
        "WHERE row_number IN (SELECT row_number FROM problems)"
        for name in money
    )
    digits = "regexp_replace(regexp_replace(cell, '[.,]\\d{1,2}\\D*$', ''), '\\D', '', 'g')"
    bad, negative, least = engine.execute(
        f"""
        SELECT count(*), count(*) FILTER (is_negative), min(size)
        FROM (
          SELECT row_number, bool_or(regexp_matches(trim(cell), $negative)) AS is_negative,
            max(TRY_CAST({digits} AS DOUBLE)) AS size
          FROM ({cells}) AS cells GROUP BY row_number
        ) AS bad
        """,
        {"negative": _NEGATIVE},
    )[0]
    if bad and bad == negative:
        return "only refunds were quarantined, so revenue is too high: this loss is not random"
    largest = "SELECT count(*), approx_quantile(abs(amount), 0.95) FROM completed WHERE amount IS NOT NULL"
    good, high = engine.execute(f"{largest} AND row_number NOT IN (SELECT row_number FROM problems)")[0]
    if bad and least is not None and good >= 10 and least > high:
        return "only the largest rows were quarantined, so revenue is too low: this loss is not random"
    return None


def one_offset(engine: DuckDBEngine, columns: Sequence[str]) -> str | None:
    """What a file says of the shop's time zone: that all times have one offset (two with summer time), not UTC's."""
    for name in columns:
        cell = f"trim({_quoted(name)})"
        offset = f"nullif(regexp_extract({cell}, '{_WITH_OFFSET}', 1), '')"
        step = max(1, int(engine.scalar("SELECT count(*) FROM raw")) // _SAMPLE)
        for every in dict.fromkeys((step, 1)):
            placed = f"SELECT {_quoted(name)}, row_number() OVER () AS place FROM raw"
            if every == 1:
                placed = f"SELECT {_quoted(name)}, 1 AS place FROM raw"
            found = engine.execute(
                f"SELECT DISTINCT {offset} FROM ({placed}) AS placed "
                f"WHERE (placed.place - 1) % {every} = 0 AND {cell} <> '' LIMIT 4"
            )
            hours = sorted({_hours(str(given)) for (given,) in found if given})
            if not found or (None,) in found or 0 in hours or len(hours) > 2 or hours[-1] - hours[0] > 1:
                break
        else:
            return " or ".join(f"{abs(h):g} hours {'behind' if h < 0 else 'ahead of'} UTC" for h in hours)
    return None


def _hours(offset: str) -> float:
    signed = re.fullmatch(r"([+-])(\d\d):?(\d\d)", offset)
    return (int(signed[2]) + int(signed[3]) / 60) * (-1 if signed[1] == "-" else 1) if signed else 0.0


def leading_customer(engine: DuckDBEngine) -> tuple[float, int] | None:
    """(share of the rows that name a customer, orders) of a customer with an implausible share; None if there is none.

    More than half of at least 20 orders: so large a part is a till's number or a placeholder more often than a person.
    The sample tells mostly that there is none.
    """
    step = max(1, int(engine.scalar("SELECT count(*) FROM mapped")) // _SAMPLE)
    for every in dict.fromkeys((step, 1)):
        found = engine.execute(
            f"""
            SELECT customer_id, count(*) / sum(count(*)) OVER () AS share, count(DISTINCT order_id) AS orders
            FROM mapped WHERE customer_id IS NOT NULL AND row_number % {every} = 0
            GROUP BY customer_id ORDER BY count(*) DESC LIMIT 1
            """
        )
        if not found or found[0][1] <= (_SHARE if every == 1 else 0.8 * _SHARE):
            return None
    _, share, orders = found[0]
    return (share, orders) if orders >= _ORDERS else None


def preamble(lines: int, header_line: int) -> str:
    return f"line {header_line:,} was taken for the header; lines left out above it: {lines:,}."


def _count(engine: DuckDBEngine, insert: str) -> int:
    return int(engine.execute(insert)[0][0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
