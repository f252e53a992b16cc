"""Sentences on chances."""

from __future__ import annotations

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import counted, percent

LEAST_IN_A_CELL = 30


@sentence
def extremes_sentence(rows: Rows, column: str, what: str) -> str:
    """The highest and the lowest mean probability of cells of `order_days` and `silent` that are large enough."""
    known = [row for row in rows if row[column] is not None]
    large = [row for row in known if row["customers"] >= LEAST_IN_A_CELL] or known
    few = f"; cells of fewer than {LEAST_IN_A_CELL} are left aside" if len(large) < len(known) else ""
    best, least = (pick(large, key=lambda row: round(row[column], 4)) for pick in (max, min))
    if round(best[column], 4) == round(least[column], 4):
        return f"{what} is {percent(best[column])} for all of them."

    def who(row: Row) -> str:
        days = "order day" if row["order_days"] == "1" else "order days"
        ago = row["silent"].removesuffix(" ago")
        return f"{counted(row['customers'], 'customer')} with {row['order_days']} {days}, the last {ago} ago"

    return (
        f"{what} is highest, {percent(best[column])} on average, for the {who(best)}, and lowest, "
        f"{percent(least[column])}, for the {who(least)}{few}."
    )
