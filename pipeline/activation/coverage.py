"""Consent coverage: how many customers agreed to what, as counts that stand in the manifest of each day.

They are counted where audiences are written, the last step that knows whom lists of suppressions name; the report goes
by the manifests, and never asks for a person.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.activation.terms import Gate
from pipeline.engines.duckdb import DuckDBEngine
from pipeline.places import audience_folder
from pipeline.reporting.facts import CONSENT_STATES, Coverage

CONSENTS = "consents"
"""What the manifest calls them."""

_CUSTOMERS = """
SELECT
  count(*) FILTER (WHERE customer_id IN (SELECT customer_id FROM temp.suppressed)) AS suppressed,
  count(*) FILTER (WHERE customer_id IN (SELECT customer_id FROM temp.objected)
    AND customer_id NOT IN (SELECT customer_id FROM temp.suppressed)) AS objected,
  count(*) AS customers
FROM marts.lifecycle_stages
WHERE snapshot_date = $day
"""
_TOLD = """
WITH asked AS (
  SELECT DISTINCT purpose, channel
  FROM staging.consents
  WHERE purpose <> '*' AND channel <> '*' AND changed_on <= $day
),
told AS (
  SELECT customer_id, purpose, channel, TRUE AS is_granted
  FROM temp.grants
  UNION ALL
  SELECT no.customer_id, asked.purpose, asked.channel, FALSE AS is_granted
  FROM temp.withdrawn AS no
  JOIN asked ON no.purpose IN (asked.purpose, '*') AND no.channel IN (asked.channel, '*')
),
latest AS (
  SELECT customer_id, purpose, channel, bool_or(is_granted) AS agreed
  FROM told
  WHERE customer_id IN (SELECT customer_id FROM marts.lifecycle_stages WHERE snapshot_date = $day)
    AND customer_id NOT IN (SELECT customer_id FROM temp.suppressed)
    AND customer_id NOT IN (SELECT customer_id FROM temp.objected)
  GROUP BY customer_id, purpose, channel
)
SELECT
  asked.purpose,
  asked.channel,
  count(*) FILTER (WHERE latest.agreed) AS agreed,
  count(*) FILTER (WHERE NOT latest.agreed) AS withdrawn
FROM asked
LEFT JOIN latest ON latest.purpose = asked.purpose AND latest.channel = asked.channel
GROUP BY asked.purpose, asked.channel
ORDER BY asked.purpose DESC, asked.channel
"""


def consent_coverage(engine: DuckDBEngine, day: dt.date) -> list[Coverage]:
    """Of every purpose and channel that consents were told of by a day: in which state customers and leads are.

    They add up to all of them. As files are written: a consent counts up to the day, a no as soon as it is loaded. The
    people must be attached.
    """
    if not engine.scalar("SELECT count(*) FROM staging.consents WHERE changed_on <= $day", {"day": day}):
        return []
    Gate(engine, day)
    ((suppressed, objected, customers),) = engine.execute(_CUSTOMERS, {"day": day})
    return [
        Coverage(day, purpose, channel, dict(zip(
            CONSENT_STATES,
            (agreed, withdrawn, customers - suppressed - objected - agreed - withdrawn, objected, suppressed),
            strict=True,
        )))
        for purpose, channel, agreed, withdrawn in engine.execute(_TOLD, {"day": day})
    ]  # fmt: skip


def as_entry(one: Coverage) -> dict[str, Any]:
    """As the manifest of its day has it."""
    return {"purpose": one.purpose, "channel": one.channel, "customers": one.customers, **one.states}


def coverage_before(home: Path, days: Iterable[dt.date]) -> list[Coverage]:
    """What the manifests of days tell; nothing of a day without one, or whose manifest is of an earlier version."""
    found = []
    for day in sorted(days):
        try:
            manifest = json.loads((home / audience_folder(day) / "manifest.json").read_text(encoding="utf-8"))
            found += [
                Coverage(day, one["purpose"], one["channel"], {state: int(one[state]) for state in CONSENT_STATES})
                for one in manifest.get(CONSENTS, [])
            ]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return found
