"""Segments as several pages show them: as groups to compare, and as moves between them."""

from __future__ import annotations

import polars as pl

from pipeline.reporting import words
from pipeline.reporting.facts import Facts, audience_file


def frame_of(facts: Facts, catalogue: str) -> pl.DataFrame:
    """The totals of a catalogue's segments, best first, empty ones with 0 customers."""
    return facts.segments.filter(pl.col("catalogue") == catalogue).sort("segment_rank")


def labels_of(facts: Facts, catalogue: str) -> dict[str, str]:
    frame = frame_of(facts, catalogue)
    return dict(zip(frame["segment"], frame["label"], strict=True))


def moves_of(facts: Facts, catalogue: str) -> list[words.Move]:
    """Moves with labels, the greatest value first."""
    labels = labels_of(facts, catalogue)
    return [
        words.Move(
            None if row["from_segment"] is None else labels.get(row["from_segment"], row["from_segment"]),
            labels.get(row["to_segment"], row["to_segment"]),
            row["direction"],
            row["customers"],
            row["revenue_12_months"],
            f"{row['from_segment'] or 'newcomers'}_to_{row['to_segment']}",
        )
        for row in facts.moves.filter(pl.col("catalogue") == catalogue).to_dicts()
    ]


def files_of(facts: Facts, catalogue: str, audience: str) -> tuple[tuple[str, str], ...]:
    """(format, address relative to the page) of the files of an audience."""
    return tuple((form, audience_file(facts, catalogue, audience, form.lower())) for form in ("CSV", "Parquet"))
