"""Sentences on two periods held against each other."""

from __future__ import annotations

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import alike, count, counted, listed, money, parts_in_words, percent, share_of, were


@sentence
def revenue_split_sentence(rows: Rows, currency: str) -> str:
    """Revenue of two periods, the first row and the last, and what its change is due to, the rows between."""
    before, after = rows[0]["amount"], rows[-1]["amount"]
    show = alike([after - before, *(row["amount"] for row in rows)], currency)
    if before == after:
        text = f"Revenue was the same in A and in B, {show(after)}"
    else:
        size, way = abs(after - before), "rose" if after > before else "fell"
        share = f" ({percent(share_of(size, before))})" if before > 0 else ""
        ends = f"from {show(before)} in A to {show(after)} in B"
        text = f"Revenue {way} by {show(size)}{share}, {ends}"
    told = parts_in_words([(row["told"], row["amount"]) for row in rows[1:-1]], show)
    return f"{text}: {told}." if told else f"{text}."


@sentence
def evolution_sentence(rows: Rows, currency: str) -> str:
    """What became of the customers of A, by their groups."""
    columns = ("a_customers", "became_better", "stayed", "became_worse", "became_lost")
    customers, better, same, worse, lost = (sum(row[name] for row in rows) for name in columns)
    if not customers:
        return "Nobody bought in A."

    def told(people: int) -> str:
        return f"{count(people)} ({percent(share_of(people, customers))})"

    gone = f" The lost had brought {money(sum(row['lost_revenue'] for row in rows), currency)} in A." if lost else ""
    return (
        f"Of {counted(customers, 'customer')} of A, {told(better)} {were(better)} in a better group in B, "
        f"{told(same)} in the same, {told(worse)} in a worse one; {told(lost)} did not buy in B.{gone}"
    )


@sentence
def segment_change_sentence(rows: Rows, lost: int, new: int) -> str:
    """The group that changed most between A and B."""
    most = max(rows, key=lambda row: (abs(row["b_customers"] - row["a_customers"]), row["label"]))
    before, after = most["a_customers"], most["b_customers"]
    text = f"{most['label']} changed most, from {count(before)} to {counted(after, 'customer')}"
    if before == after:
        text = "Every group has as many customers in B as in A"
    gone = f"{count(lost)} of A did not buy in B" if lost else "All of A bought in B"
    come = f"{count(new)} of B did not buy in A" if new else "all of B bought in A"
    return f"{text}. {gone}; {come}."


@sentence
def arrival_context(arrivals: Row) -> str:
    """When those of B who did not buy in A first bought."""
    parts = {"first_in_b": "first bought in B", "first_between": "first bought between A and B",
             "back": "came back after a pause"}  # fmt: skip
    told = [f"{count(arrivals[name])} {what}" for name, what in parts.items() if arrivals[name]]
    return listed(told) or "all of B’s customers bought in A"


@sentence
def lost_context(share: str, bought_since: int, may_have: bool) -> str:
    """`may_have`: B ends before the snapshot date, so that there was time to buy since."""
    text = f"{share} of A’s customers"
    if not may_have:
        return text
    if not bought_since:
        return f"{text}; none of them has bought since"
    return f"{text}; {count(bought_since)} of them {'has' if bought_since == 1 else 'have'} bought since"


@sentence
def rise(pair: Row, name: str) -> str:
    """'rose by 20.0%', of a number of two periods."""
    before, after = pair[f"a_{name}"], pair[f"b_{name}"]
    if before == after:
        return "stayed the same"
    way = "rose" if after > before else "fell"
    return f"{way} by {percent(share_of(abs(after - before), before))}" if before > 0 else f"{way} from nothing or less"
