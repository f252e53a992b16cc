"""How a programme does from quarter to quarter: what its campaigns caused in the mean, and whether that changed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from pipeline.models.random_effects import random_effects
from pipeline.models.validation import Z
from pipeline.steps.campaigns.segments import Estimate

Row = dict[str, Any]
About = Mapping[str, tuple[str, dt.date]]
"""Campaign -> its programme, and the day on which it began for the last member."""


def programme_rows(estimates: Mapping[tuple[str, str], Estimate], about: About) -> list[Row]:
    """A row per programme, quarter and metric. `estimates`: (campaign, metric) -> what it caused."""
    found: dict[tuple[str, str, int], list[Estimate]] = defaultdict(list)
    for (campaign, metric), estimate in estimates.items():
        programme, day = about[campaign]
        found[programme, metric, 4 * day.year + (day.month - 1) // 3].append(estimate)
    means = {
        key: random_effects([part.effect for part in parts], [part.variance for part in parts])
        for key, parts in found.items()
    }
    rows = []
    for (programme, metric, quarter), whole in sorted(means.items()):
        parts, before = found[programme, metric, quarter], means.get((programme, metric, quarter - 1))
        change = whole.mean - before.mean if before else None
        half = Z * (whole.mean_error**2 + before.mean_error**2) ** 0.5 if before else 0.0
        low, high = (None, None) if change is None else (change - half, change + half)
        rows.append(
            {
                "programme": programme,
                "quarter": f"{quarter // 4}-Q{quarter % 4 + 1}",
                "metric": metric,
                "campaigns": len(parts),
                "treated": sum(part.treated for part in parts),
                "control": sum(part.control for part in parts),
                "mean": whole.mean,
                "mean_low": whole.mean - Z * whole.mean_error,
                "mean_high": whole.mean + Z * whole.mean_error,
                "tau": whole.tau,
                "q": whole.q,
                "p_value": whole.p,
                "change": change,
                "change_low": low,
                "change_high": high,
                "says": _says(low, high),
            }
        )
    return rows


def _says(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "not_known"
    return "more" if low > 0 else "less" if high < 0 else "no_difference_shown"
