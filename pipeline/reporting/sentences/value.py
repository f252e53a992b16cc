"""Sentences on how value changes."""

from __future__ import annotations

from pipeline.reporting.sentences.registry import Rows, sentence
from pipeline.reporting.words import Number, change, listed, money

BRIDGE = {
    "re-estimation": "from new estimates", "new": "from new customers",
    "upward": "from customers who came back or bought again", "downward": "from customers who slowed down",
    "to inactive": "from customers who lapsed", "ageing": "from time passing", "erased": "from customers who are gone",
}  # fmt: skip


@sentence
def bridge_sentence(rows: Rows, currency: str) -> str:
    """How the predicted value of all customers came from what it was to what it is; rows by their `name`."""
    amounts = {row["name"]: row["amount"] for row in rows}
    opening, closing = amounts["opening"], amounts["closing"]

    def changed(amount: Number) -> str:
        return change(amount, lambda size: money(size, currency))

    parts = [f"{changed(amounts[term])} {told}" for term, told in BRIDGE.items() if amounts.get(term)]
    before, after, size = (money(amount, currency) for amount in (opening, closing, abs(closing - opening)))
    way = f"{'rose' if closing > opening else 'fell'} by {size}, from {before} to {after}"
    said = f"Predicted value {way if closing != opening else f'is {after}, as before'}"
    said += f": {listed(parts)}." if parts else "."
    if rows[0]["is_revalued"]:
        said += " No snapshot was published 30 days ago, so that value is what today’s models would have said."
    return said
