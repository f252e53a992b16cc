"""Segments as several pages show them: as cards, as groups to compare, and as moves between them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from pipeline.reporting import charts, words
from pipeline.reporting.facts import Facts, audience_file


@dataclass(frozen=True)
class Segment:
    """A segment as a card: who they are, what they are worth, what to do, where their file is."""

    catalogue: str
    name: str
    label: str
    rank: int
    colour: str
    rule: str
    meaning: str
    advice: str
    owner: str
    customers: int
    share: float | None
    revenue_12_months: Decimal
    revenue_share: float | None
    mean_order_value: float | None
    arrived: str
    files: tuple[tuple[str, str], ...]


def frame_of(facts: Facts, catalogue: str) -> pl.DataFrame:
    """The totals of a catalogue's segments, best first, empty ones with 0 customers."""
    return facts.segments.filter(pl.col("catalogue") == catalogue).sort("segment_rank")


def segments_of(facts: Facts, catalogue: str) -> list[Segment]:
    """The segments of a catalogue, best first."""
    frame = frame_of(facts, catalogue)
    customers, revenue = frame["customers"].sum(), frame["revenue_12_months"].sum()
    return [
        Segment(
            catalogue=catalogue,
            name=row["segment"],
            label=row["label"],
            rank=row["segment_rank"],
            colour=charts.group_colour(row["segment"], row["segment_rank"], frame.height),
            rule=row["rule"],
            meaning=row["meaning"],
            advice=row["advice"],
            owner=row["owner"],
            customers=row["customers"],
            share=words.share_of(row["customers"], customers),
            revenue_12_months=row["revenue_12_months"],
            revenue_share=words.share_of(row["revenue_12_months"], revenue),
            mean_order_value=row["mean_order_value"],
            arrived=_arrived(facts, catalogue, row["segment"]),
            files=files_of(facts, catalogue, row["segment"]) if row["customers"] else (),
        )
        for row in frame.to_dicts()
    ]


def labels_of(facts: Facts, catalogue: str) -> dict[str, str]:
    frame = frame_of(facts, catalogue)
    return dict(zip(frame["segment"], frame["label"], strict=True))


def ranks_of(facts: Facts, catalogue: str) -> dict[str, int]:
    frame = frame_of(facts, catalogue)
    return dict(zip(frame["segment"], frame["segment_rank"], strict=True))


def groups_of(facts: Facts, catalogue: str) -> list[words.Group]:
    rows = frame_of(facts, catalogue).to_dicts()
    return [words.Group(row["label"], row["customers"], row["revenue_12_months"]) for row in rows]


def moves_of(facts: Facts, catalogue: str) -> list[words.Move]:
    """Moves with labels, the greatest value first."""
    labels = labels_of(facts, catalogue)
    return [
        words.Move(
            None if row["from_segment"] is None else labels.get(row["from_segment"], row["from_segment"]),
            labels.get(row["to_segment"], row["to_segment"]),
            row["direction"],
            row["customers"],
            row["value_at_stake"],
            f"{row['from_segment'] or 'newcomers'}_to_{row['to_segment']}",
        )
        for row in facts.moves.filter(pl.col("catalogue") == catalogue).to_dicts()
    ]


def _arrived(facts: Facts, catalogue: str, segment: str) -> str:
    """'41 arrived since 31 May 1998, 12 of them from a better group.'; empty without a comparison or a move."""
    moves = facts.moves.filter((pl.col("catalogue") == catalogue) & (pl.col("to_segment") == segment))
    if facts.previous is None or moves.is_empty():
        return ""
    people = int(moves["customers"].sum())
    down = int(moves.filter(pl.col("direction") == "worse")["customers"].sum())
    return words.arrived_sentence(people, down, facts.previous)


def files_of(facts: Facts, catalogue: str, audience: str) -> tuple[tuple[str, str], ...]:
    """(format, address relative to the page) of the files of an audience."""
    return tuple((form, audience_file(facts, catalogue, audience, form.lower())) for form in ("CSV", "Parquet"))
