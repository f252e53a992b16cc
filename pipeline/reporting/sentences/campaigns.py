"""Sentences on campaigns and what they caused."""

from __future__ import annotations

from pipeline.reporting.sentences.registry import Row, Rows, sentence
from pipeline.reporting.words import Number, capital, change, count, counted, listed, money, percent, points

WORKS_WHERE = {
    "Delivered": "clean the list of addresses that bounce",
    "Opened": "try other senders, subjects and times",
    "Clicked": "try other offers and whom they are sent to",
    "Came to the shop": "look whether the links lead where they should",
    "Bought": "look at the page that the links lead to",
}
"""What to work on where most are lost."""
FALSE_FINDINGS = 0.05
"""Rate of false discoveries up to which campaigns are sure even when all are looked at together."""


@sentence
def campaigns_sentence(rows: Rows) -> str:
    """How many of the campaigns are known to have caused something, and what makes the others known."""
    known = [row for row in rows if row["status"] == "known"]
    more, less = (sum(row["says"] == says for row in known) for says in ("more", "less"))
    running, alone, uneven = (
        sum(row["status"] == status for row in rows) for status in ("running", "no_control", "srm_failed")
    )
    if known:
        said = f"Of {counted(len(known), 'campaign')} that can be judged, {count(more)} made more members buy"
        said += f" and {count(less)} fewer" if less else ""
        said += f"; for {count(len(known) - more - less)}, no difference to the control group is shown."
        said += " Looked at one by one, one in forty without effect would seem to have one." if more > 1 else ""
    else:
        said = "Of no campaign it is known what it caused."
    others = [
        (running, "still running"),
        (alone, "without a control group, so their effect is unknown"),
        (uneven, "with groups of another size than was drawn, which cannot be compared"),
    ]
    parts = [f"{count(number)} {'is' if number == 1 else 'are'} {what}" for number, what in others if number]
    said += f" {listed(parts)}." if parts else ""
    return said + (" Hold out one member in ten at random next time (group control)." if alone else "")


@sentence
def uplift_sentence(rows: Rows, currency: str) -> str:
    """What to repeat and what to stop, and how far it holds where so many campaigns are looked at."""
    unit = {"conversion": "of its members bought", "spend": "a member", "visit": "of its members came to the shop"}
    metric = rows[0]["metric"]
    which = (
        f"the last {count(len(rows))} campaigns" if rows[0]["all_known"] > len(rows) else counted(len(rows), "campaign")
    )

    def shown(value: Number) -> str:
        return money(value, currency) if metric == "spend" else points(value)

    best = max(rows, key=lambda row: row["effect_low"])
    worst = min(rows, key=lambda row: row["effect_high"])
    more = sum(row["says"] == "more" for row in rows)
    if not more:
        said = f"Of {which}, none did better than its control group beyond chance."
        said += " Larger control groups would show smaller effects." if worst["effect_high"] >= 0 else ""
    else:
        sure = sum(row["says"] == "more" and (row["q_bh"] or 1) <= FALSE_FINDINGS for row in rows)
        together = f"; looked at together, {count(sure)} {'is' if sure == 1 else 'are'} sure"
        said = (
            f"Repeat {best['campaign']}: {shown(best['effect'])} more {unit[metric]} than of those held out "
            f"({shown(best['effect_low'])} to {shown(best['effect_high'])}). {count(more)} of "
            f"{which} did better beyond chance{together if len(rows) > 1 else ''}."
        )
    if worst["effect_high"] < 0:
        said += f" Stop {worst['campaign']}: {shown(abs(worst['effect']))} fewer {unit[metric]}."
    return said


@sentence
def funnel_sentence(rows: Rows) -> str:
    """How many of a hundred come how far, and where most are lost."""
    *_, last = rows
    sent = rows[0]
    if last["share_of_sent"] is None or last is sent:
        return f"{counted(sent['contacts'], 'member')} were written to; what became of it is unknown."
    reached = "clicked and bought" if last["stage"] == "Bought" else last["stage"].lower()
    said = f"Of {counted(sent['contacts'], 'member')} written to, {percent(last['share_of_sent'])} {reached}."
    steps = [row for row in rows[1:] if row["share_of_previous"] is not None and row["stage"] in WORKS_WHERE]
    if not steps:
        return said
    least = min(steps, key=lambda row: row["share_of_previous"])
    before = rows[list(rows).index(least) - 1]["stage"].lower()
    on = percent(least["share_of_previous"])
    where = f"between {before} and {least['stage'].lower()}"
    return f"{said} Most are lost {where}, where {on} go on: {WORKS_WHERE[least['stage']]}."


@sentence
def caused_sentence(conversion: Row, spend: Row | None, currency: str) -> str:
    """What a campaign caused, of buyers and of spend as far as it is known, and what to do."""
    treated, control = percent(conversion["treated_mean"]), percent(conversion["control_mean"])
    effect, low, high = (points(conversion[name]) for name in ("effect", "effect_low", "effect_high"))
    rates = (
        f"{treated} of those who got it bought, {control} of those held out: a difference of {effect} ({low} to {high})"
    )
    if conversion["says"] == "no_difference_shown":
        said = f"No difference shown: {rates}. It may have done nothing."
    elif conversion["says"] == "more":
        said = f"Repeat it: {rates}, {counted(round(conversion['extra']), 'extra buyer')} in all."
    else:
        said = f"Stop it: {rates}, {counted(round(-conversion['extra']), 'buyer')} fewer in all."
    if spend is None or spend["says"] == "not_known":
        said += " With so few buyers, the change in what they spent is unknown."
    else:
        names = ("adjusted", "adjusted_low", "adjusted_high") if spend["is_adjusted"] else (
            "effect", "effect_low", "effect_high"
        )  # fmt: skip
        change_of, low, high = (money(spend[name], currency) for name in names)
        rough = ", roughly" if spend["quality"] == "rough" else ""
        said += f" Difference in what a member spent: {change_of} ({low} to {high}{rough})."
    if conversion["contaminated"]:
        said += (
            f" {count(conversion['contaminated'])} of those held out got it after all, so it looks smaller than it is."
        )
    if conversion["sample_ratio"] == "unknown":
        said += " How many were to be held out is unknown, and so is whether the groups are as drawn."
    return said


@sentence
def uplift_segments_sentence(rows: Rows) -> str:
    """Whether a campaign did more for some, and for whom; sorted, the most first."""
    best, least = rows[0], rows[-1]
    if best["says"] == "no_difference_shown":
        return (
            f"No difference between segments shown: all of them, from {best['segment']} to {least['segment']}, may "
            "have answered alike. Choose by what a customer is worth, not by this."
        )
    ends = [[points(row[name]) for name in ("shrunk", "shrunk_low", "shrunk_high")] for row in (best, least)]
    more, less = (f"{at} ({low} to {high})" for at, low, high in ends)
    return (
        f"Segments differ. Begin with {best['segment']}: {more} more of them bought than of those held out; of "
        f"{least['segment']} {less}."
    )


@sentence
def uncaused_sentence(conversion: Row | None, spend: Row | None) -> str:
    """Why it is not known what a campaign caused, and the counts that there are."""
    if conversion is None:
        return "It is not known who was to get it, so nothing can be said of what it caused."
    counts = (
        f"{counted(conversion['treated'], 'member')} got it and {count(conversion['control'])} were held out at random"
    )
    if conversion["status"] == "running":
        return f"{counts}. Its window or the 14 days for refunds are not over: what it caused can be told after them."
    if conversion["status"] == "srm_failed":
        return (
            f"{counts}, which is not how many were to be held out. So the groups differ in more than the campaign, and "
            f"its effect is unknown."
        )
    if spend is None or spend["before_after"] is None:
        return "Nobody was held out at random, so its effect is unknown."
    return (
        f"Nobody was held out at random, so its effect is unknown. Before/after, not causal: members spent "
        f"{change(spend['before_after'], percent)} against as many days before."
    )


@sentence
def channel_name(channel: str) -> str:
    """A channel of messages, visits or sales as a reader calls it; one with capitals as it is."""
    known = {"email": "E-mail", "sms": "SMS", "(none)": "No visit before", "unknown": "Not recorded"}
    return known.get(channel, capital(channel.replace("_", " ")))
