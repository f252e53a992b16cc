"""Step `uplift`: what campaigns caused where members were drawn by lot, and what cannot be said elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from pipeline.engines.engine import Engine
from pipeline.models import uplift
from pipeline.models.affinity import false_discovery_rates
from pipeline.models.uplift import Arm, Effect
from pipeline.settings import Settings
from pipeline.steps.campaigns.programmes import programme_rows
from pipeline.steps.campaigns.segments import segment_rows, whole_estimates
from pipeline.tables.catalog import with_features

FOR_REFUNDS = 14
"""Days after the window in which refunds still change what was spent."""
LEAST_RATIO_P = 0.001
RELIABLE, ROUGH, EVEN_RELIABLE = 100, 20, 20
"""Buyers that both groups need for an interval of spend that holds, for a rough one, and where the groups are equal."""
EVEN = 1.1
"""Groups are equal in size if the larger is at most so many times the other."""
WORTH_ADJUSTING = 0.95
TOGETHER_DAYS = 365
_DECIDE = ("conversion", "spend")
"""Metrics that p_holm and q_bh are over: a visit alone is no success."""

_ARMS = """
SELECT campaign_id, dimension, segment, group_name, programme, control_share, window_days, last_on, members,
  with_message, visitors, buyers, orders, spend, spend_squared, before, before_squared, products, equally_before
FROM features.campaign_arms
ORDER BY campaign_id, dimension, segment, group_name
"""

Row = dict[str, Any]


def queries() -> dict[str, str]:
    """Everything that the step asks of the engine, by name."""
    return {"arms": with_features(_ARMS)}


def compute(engine: Engine, settings: Settings, day: dt.date, log: Callable[[str], object]) -> dict[str, pl.DataFrame]:
    """Rows by campaign and metric: of all members, and by where they stood before."""
    arms = engine.read(queries()["arms"], {"snapshot_date": day})
    whole = arms.filter(dimension="all").join(
        arms.filter(dimension="lifecycle", segment="lead").select("campaign_id", "group_name", new_buyers="buyers"),
        on=["campaign_id", "group_name"],
        how="left",
        maintain_order="left",
    )
    campaigns = whole["campaign_id"].unique().sort()
    began = dict(whole.group_by("campaign_id").agg(pl.col("last_on").max()).iter_rows())
    lately = {name for name in campaigns if (day - began[name]).days < TOGETHER_DAYS}
    rows = [row for name in campaigns for row in _campaign(whole.filter(campaign_id=name), day)]
    judged = [row for row in rows if row["p_holm"] is not None and row["campaign_id"] in lately]
    for row, rate in zip(judged, false_discovery_rates(np.array([row["p_value"] for row in judged])), strict=True):
        row["q_bh"] = float(rate)
    known: dict[str, list[str]] = {}
    for row in rows:
        if row["effect"] is not None:
            known.setdefault(row["campaign_id"], []).append(row["metric"])
    found = sum(row["says"] in {"more", "less"} for row in rows if row["metric"] == "conversion")
    log(f"{day}: {found} of {len(campaigns)} campaigns changed how many members bought, as far as is known.")
    cells = arms.filter(pl.col("dimension") != "all").iter_rows(named=True)
    about = {name: (programme, began[name]) for name, programme in whole.select("campaign_id", "programme").iter_rows()}
    written = {
        "campaign_uplift": rows,
        "campaign_uplift_segments": segment_rows(cells, known, lately),
        "programme_comparison": programme_rows(whole_estimates(whole.iter_rows(named=True), known), about),
    }
    return {name: pl.DataFrame(of, infer_schema_length=None) for name, of in written.items()}


def _campaign(groups: pl.DataFrame, day: dt.date) -> list[Row]:
    """Rows of one campaign; that of visit where a member's visit is told of."""
    of = {row["group_name"]: row for row in groups.iter_rows(named=True)}
    treated, control = (_arm(of.get(name)) for name in ("treated", "control"))
    any_row = of.get("treated") or of["control"]
    share, last_on = any_row["control_share"], max(row["last_on"] for row in of.values())
    ratio_p = None if share is None else uplift.sample_ratio_p((treated.n, control.n), (1 - share, share))
    is_final = (day - last_on).days >= any_row["window_days"] + FOR_REFUNDS
    common: Row = {
        "campaign_id": any_row["campaign_id"],
        "arm": "treated",
        "status": _status(treated, control, is_final, ratio_p),
        "is_final": is_final,
        "treated": treated.n,
        "control": control.n,
        "contaminated": of["control"]["with_message"] if "control" in of else 0,
        "sample_ratio": "unknown" if ratio_p is None else "failed" if ratio_p < LEAST_RATIO_P else "passed",
        "sample_ratio_p": ratio_p,
    }
    counted = {f"extra_{name}": _extra(name, of) for name in ("orders", "new_buyers")}
    metrics = [{**_share("conversion", treated, control), **counted}, _spend(treated, control)]
    if any(row["visitors"] for row in of.values()):
        metrics.append(_share("visit", *(_arm(of.get(name), "visitors") for name in ("treated", "control"))))
    rows = [{**_UNSAID, **common, **metric} for metric in metrics]
    if common["status"] != "known":
        rows = [{**row, **_UNSAID} for row in rows]
    if common["status"] == "no_control" and treated.n and is_final:
        before = of["treated"]["equally_before"]
        rows[1]["before_after"] = treated.y / before - 1 if before > 0 else None
    told = [row for row in rows if row["p_value"] is not None and row["metric"] in _DECIDE]
    for row, p in zip(told, uplift.holm([row["p_value"] for row in told]), strict=True):
        row["p_holm"] = p
    return rows


_UNSAID: Row = {
    **dict.fromkeys(
        ("effect", "effect_low", "effect_high", "ratio", "ratio_low", "ratio_high", "quality", "adjusted",
         "adjusted_low", "adjusted_high", "variance_left", "p_value", "p_holm", "q_bh", "extra", "extra_low",
         "extra_high", "extra_orders", "extra_new_buyers", "before_after")
    ),
    "says": "not_known",
    "is_adjusted": False,
}  # fmt: skip


def _arm(row: Row | None, counted: str = "buyers") -> Arm:
    """A group, with those who bought, or visited, for those who are counted."""
    if row is None:
        return Arm(0, 0, 0.0, 0.0)
    names = ("members", counted, "spend", "spend_squared", "before", "before_squared", "products")
    return Arm(*(row[name] for name in names))


def _extra(name: str, of: dict[str, Row]) -> float | None:
    """How many more of these there are of the treated than if they were as many per member as of the control."""
    if len(of) < 2:
        return None
    treated, control = of["treated"], of["control"]
    return float((treated[name] or 0) - (control[name] or 0) * treated["members"] / control["members"])


def _status(treated: Arm, control: Arm, is_final: bool, ratio_p: float | None) -> str:
    if not treated.n or not control.n:
        return "no_control"
    if ratio_p is not None and ratio_p < LEAST_RATIO_P:
        return "srm_failed"
    return "known" if is_final else "running"


def _share(metric: str, treated: Arm, control: Arm) -> Row:
    both = bool(treated.n and control.n)
    effect = uplift.shares(treated, control) if both else None
    return {
        "metric": metric,
        "treated_mean": treated.buyers / treated.n if treated.n else None,
        "control_mean": control.buyers / control.n if control.n else None,
        **_effect(effect, treated, is_primary=True),
        **_ratio(uplift.ratio_of_shares(treated, control) if both else None),
        "quality": "reliable" if both else None,
        "detectable": uplift.detectable_share(treated, control) if both else None,
    }


def _spend(treated: Arm, control: Arm) -> Row:
    """The interval of spend only where groups have enough buyers for it to hold; adjusted where that helps."""
    both = bool(treated.n and control.n)
    quality = _quality(treated, control) if both else None
    theta = uplift.cuped_theta(treated, control) if both else 0.0
    raw = uplift.means(treated, control) if quality else None
    adjusted = uplift.means(treated, control, theta) if quality else None
    left = uplift.variance_left(treated, control, theta) if quality else None
    helps = adjusted is not None and left is not None and left <= WORTH_ADJUSTING
    return {
        "metric": "spend",
        "treated_mean": treated.mean() if treated.n else None,
        "control_mean": control.mean() if control.n else None,
        **_effect(raw, treated, is_primary=not helps),
        **_ratio(uplift.ratio_of_means(treated, control) if raw else None),
        "quality": quality,
        "adjusted": adjusted.difference if adjusted else None,
        "adjusted_low": adjusted.low if adjusted else None,
        "adjusted_high": adjusted.high if adjusted else None,
        "variance_left": left,
        **(_primary(adjusted, treated) if helps and adjusted else {}),
        "is_adjusted": helps,
        "detectable": uplift.detectable_mean(treated, control) if both and control.n > 1 else None,
    }


def _quality(treated: Arm, control: Arm) -> str | None:
    buyers = min(treated.buyers, control.buyers)
    even = max(treated.n, control.n) <= EVEN * min(treated.n, control.n)
    if buyers >= (EVEN_RELIABLE if even else RELIABLE):
        return "reliable"
    return "rough" if buyers >= ROUGH else None


def _effect(effect: Effect | None, treated: Arm, is_primary: bool) -> Row:
    if effect is None:
        return {}
    ends = {"effect": effect.difference, "effect_low": effect.low, "effect_high": effect.high, "p_value": effect.p}
    return ends | (_primary(effect, treated) if is_primary else {})


def _primary(effect: Effect, treated: Arm) -> Row:
    """What is said goes by the interval that counts."""
    return {
        "says": "more" if effect.low > 0 else "less" if effect.high < 0 else "no_difference_shown",
        "p_value": effect.p,
        "extra": treated.n * effect.difference,
        "extra_low": treated.n * effect.low,
        "extra_high": treated.n * effect.high,
    }


def _ratio(ratio: tuple[float, float, float] | None) -> Row:
    return dict(zip(("ratio", "ratio_low", "ratio_high"), ratio or (None, None, None), strict=True))
