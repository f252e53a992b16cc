"""Terms: who of an audience may be told of, and why the others are left out.

In this order, each step counting whom it takes: members − suppressed − objected − control − without consent − without
an address the platform can use − an address that is blocked − an address that another row has − fewer than the minimum
→ file. The counts add up to the members.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.home.people import CONTACTS, REFUSALS, suppressed_customers, with_hashes
from pipeline.models.control_groups import BUCKETS, HOLDOUT, bucket
from pipeline.quoting import quoted, text_literal
from pipeline.sections.activation import Consent
from pipeline.tables.audiences import ID, Audience

STEPS = (
    "suppressed",
    "objected",
    "control",
    "without_consent",
    "without_address",
    "blocked_address",
    "doubled",
    "under_minimum",
    "delivered",
)
MEMBERS = "temp.audience_members"
BLOCKED = "address_is_blocked"
"""Column of rows for a platform: whether each address of a customer is one that somebody else refused."""


@dataclass(frozen=True)
class Waterfall:
    """Whom each step took of the members of an audience; `platform` is None for the files that hold ids only."""

    audience: str
    platform: str | None
    steps: dict[str, int]
    channels: tuple[str, ...] = ()
    """Of the consents that it takes; none where it takes none."""
    value: float | None = None
    """What those who are delivered are worth together, where the audience says which column that is."""
    is_money: bool = False
    hashed_for_others: int = 0
    """Of who is without_address: those of whom only hashes are known, which were made for other platforms."""
    changes: tuple[int, int] | None = None
    """Of a list that is delivered: how many identifiers came since the day before, and how many are taken off."""

    @property
    def members(self) -> int:
        return sum(self.steps.values())

    @property
    def delivered(self) -> int:
        return self.steps["delivered"]

    @property
    def left_out(self) -> dict[str, int]:
        """The steps that took anybody, and why, where a step does not say it."""
        of_hashes = {"of_these_hashed_for_other_platforms": self.hashed_for_others}
        told = {
            name: count
            for step, steps in self.steps.items()
            for name, count in ({step: steps} | (of_hashes if step == "without_address" else {})).items()
        }
        return {name: count for name, count in told.items() if count and name != "delivered"}


@dataclass(frozen=True)
class Asked:
    """One audience of a file: `name` is catalogue and audience, by which its control group is drawn for ever."""

    audience: Audience
    name: str
    values: tuple[str, ...]

    @property
    def where(self) -> str:
        """SQL: which of MEMBERS are its members."""
        names = self.audience.header.each
        return " AND ".join(f"{quoted(name)} = $value_{place}" for place, name in enumerate(names)) or "TRUE"

    @property
    def is_money(self) -> bool:
        """Whether what a member is worth is an amount of the shop's currency."""
        header = self.audience.header
        return header.value is not None and header.columns[header.value].unit == "currency"

    @property
    def parameters(self) -> dict[str, str]:
        return {f"value_{place}": value for place, value in enumerate(self.values)}


class Gate:
    """What customers agreed to up to the end of a day, what they refused until now, and who is left alone.

    A yes counts up to the end of the day, a no as soon as it is told, also of a day that is long past: nobody may be
    written to who has said no meanwhile. Of a purpose and a channel the latest word counts, of words of the same
    second, or of an hour that the clock repeats, the withdrawal; what is withdrawn for every channel (*) is withdrawn
    for each. Nothing said is no consent.
    """

    def __init__(self, engine: DuckDBEngine, day: dt.date, holdout_share: float = 0.0) -> None:
        self._engine, self._holdout_share = engine, holdout_share
        engine.execute(_WITHDRAWN)
        engine.execute(_UNREACHED)
        engine.execute(_GRANTS, {"day": day})
        engine.execute(_OBJECTED)
        engine.execute(_CONTROLS, {"day": day})
        engine.execute("CREATE OR REPLACE TEMP TABLE suppressed (customer_id VARCHAR)")
        if engine.scalar("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'people'"):
            engine.execute(_SUPPRESSED.format(remembered=suppressed_customers(engine)))
        self._taken = [
            step for step in ("suppressed", "objected") if engine.scalar(f"SELECT count(*) FROM temp.{step}")
        ]

    def has_terms(self, asked: Asked) -> bool:
        """Whether anybody may be left out of an audience, so that it is told how many are."""
        header = asked.audience.header
        return bool(self._taken or self._holdout_share or header.consent or header.control_share or header.platforms)

    def left_out(self, asked: Asked) -> str:
        """SQL over MEMBERS: the step that takes a member before consent is asked for; null for the others."""
        steps = self._steps()
        for salt, share in ((HOLDOUT, self._holdout_share), (asked.name, asked.audience.header.control_share)):
            if share:
                steps.append(f"WHEN {self.is_left_alone(salt, share)} THEN 'control'")
        return f"CASE {' '.join(steps)} END" if steps else "CAST(NULL AS VARCHAR)"

    def is_left_alone(self, salt: str, share: float) -> str:
        """SQL over customers: whether they are left alone to compare with, of an audience or of all."""
        kept = f"{ID} IN (SELECT {ID} FROM temp.controls WHERE audience = {text_literal(salt)})"
        return f"({is_control(salt, share, ID)} OR {kept})"

    def is_out(self) -> str:
        """SQL over customers: whether nothing is sent to them by any way, so that no address of theirs may leave."""
        left_alone = self.is_left_alone(HOLDOUT, self._holdout_share) if self._holdout_share else "FALSE"
        return f"({self.barred()} IS NOT NULL OR {left_alone})"

    def barred(self) -> str:
        """SQL: the step that keeps a customer, column customer_id, off every list there is; null for the others."""
        return f"CASE {' '.join(self._steps())} END" if self._taken else "CAST(NULL AS VARCHAR)"

    def _steps(self) -> list[str]:
        return [f"WHEN {ID} IN (SELECT {ID} FROM temp.{step}) THEN '{step}'" for step in self._taken]

    def left_out_of_ids(self, asked: Asked) -> str:
        """SQL over MEMBERS: the step that takes a member of the files that hold ids only; null for the others."""
        consent = asked.audience.header.consent
        agreed = granted((consent,) if consent else (), f"{MEMBERS}.{ID}")
        return f"coalesce({self.left_out(asked)}, CASE WHEN NOT ({agreed}) THEN 'without_consent' END)"

    def counted(self, asked: Asked, platform: str | None, steps: str, parameters: dict[str, str]) -> Waterfall:
        """`steps`: SELECT of a step per member, null for who is delivered."""
        found = self._engine.execute(
            f"SELECT coalesce(step, 'delivered'), count(*) FROM ({steps}) AS told (step) GROUP BY ALL", parameters
        )
        return Waterfall(asked.name, platform, dict.fromkeys(STEPS, 0) | dict[str, int](found))


def is_control(salt: str, share: float, customer_id: str) -> str:
    """SQL: whether a customer is left alone. Whoever is so at a share is so at every larger one."""
    return f"{bucket(text_literal(salt), customer_id)} < {round(BUCKETS * share)}"


def granted(consents: Iterable[Consent], customer_id: str) -> str:
    """SQL: whether a customer agreed to all of these; asked of the tables of a Gate."""
    conditions = [
        f"{customer_id} IN (SELECT {ID} FROM temp.grants WHERE purpose = '{one.purpose}' AND channel = '{one.channel}')"
        for one in consents
    ]
    return " AND ".join(conditions) or "TRUE"


def refused(consents: Iterable[Consent], customer_id: str) -> str:
    """SQL: whether a customer took back one of these and has not given it again; asked of the tables of a Gate."""
    conditions = [
        f"({customer_id} IN ({withdrawn_by(one)}) AND NOT ({granted((one,), customer_id)}))" for one in consents
    ]
    return " OR ".join(conditions) or "FALSE"


def withdrawn_by(one: Consent) -> str:
    """SQL: who ever took back a consent, by itself or with every other."""
    return (
        f"SELECT {ID} FROM temp.withdrawn WHERE purpose IN ('{one.purpose}', '*') AND channel IN ('{one.channel}', '*')"
    )


_EVENTS = """
SELECT customer_id, event, happened_at,
  CASE
    WHEN regexp_replace(way, '[^a-z]', '', 'g') IN ('email', 'emails', 'mail', 'newsletter') THEN 'email'
    WHEN regexp_replace(way, '[^a-z]', '', 'g') IN ('sms', 'text', 'mms') THEN 'sms'
    WHEN way IN ('phone', 'push', 'post', 'ads') THEN way
    ELSE '*'
  END AS channel
FROM (
  SELECT events.customer_id, events.event, events.happened_at, lower(coalesce(events.channel, campaigns.channel)) AS way
  FROM staging.messages AS events
  LEFT JOIN staging.campaigns AS campaigns ON campaigns.campaign_id = events.campaign_id
) AS told
"""
"""Of a way that nobody knows the event is one of every channel."""
_DAY_ONLY = "{0} = date_trunc('day', {0})"
_END_OF_DAY = "{0} + INTERVAL 1 DAY - INTERVAL 1 SECOND"
"""Until when a no counts that tells a day and no time, which is read as its midnight."""
_IN_REPEATED_HOUR = "CAST(CAST({0} AS TIMESTAMPTZ) - INTERVAL 1 HOUR AS TIMESTAMP) = {0}"
"""Whether a time of the shop's zone comes twice, since its clocks go back: nobody can tell which of them it is."""
_MENDED = """EXISTS (
        SELECT 1 FROM staging.consents AS mended
        WHERE mended.status = 'granted' AND mended.changed_at = no.changed_at AND mended.customer_id = no.customer_id
          AND mended.purpose = no.purpose AND mended.channel = no.channel
      )"""
"""Of a word that could not be read: whether the shop says by now that it was a consent."""
_WITHDRAWN = f"""
CREATE OR REPLACE TEMP TABLE withdrawn AS
SELECT coalesce(aliases.customer_id, said.customer_id) AS customer_id, said.purpose, said.channel,
  max(said.said_at + CASE WHEN {_IN_REPEATED_HOUR.format("said.said_at")} THEN INTERVAL 1 HOUR ELSE INTERVAL 0 HOUR END)
    AS said_at
FROM (
  SELECT customer_id, purpose, channel,
    CASE
      WHEN {_DAY_ONLY.format("changed_at")} AND NOT (status <> 'withdrawn' AND {_MENDED})
        THEN {_END_OF_DAY.format("changed_at")}
      WHEN status = 'withdrawn' THEN changed_at
      ELSE changed_at - INTERVAL 1 SECOND
    END AS said_at
  FROM staging.consents AS no
  WHERE status <> 'granted'
  UNION ALL
  SELECT events.customer_id, purposes.purpose, events.channel,
    CASE WHEN {_DAY_ONLY.format("happened_at")} THEN {_END_OF_DAY.format("happened_at")} ELSE happened_at END
  FROM ({_EVENTS}) AS events
  CROSS JOIN (VALUES ('marketing'), ('own_similar')) AS purposes (purpose)
  WHERE events.event IN ('unsubscribed', 'complained')
) AS said
LEFT JOIN ingest.aliases AS aliases ON aliases.alias_id = said.customer_id
GROUP BY coalesce(aliases.customer_id, said.customer_id), said.purpose, said.channel
"""
"""Who is known by an address alone is every customer who has it (ingest.aliases). An unsubscription or a complaint
takes back all marketing of its channel. In an hour that comes twice a no counts as of the second time."""
_UNREACHED = f"""
CREATE OR REPLACE TEMP TABLE unreached AS
WITH last_seen AS (
  SELECT customer_id, channel, max(happened_at) AS happened_at,
    arg_max(event, (happened_at, event = 'bounced')) = 'bounced' AS is_bounced
  FROM ({_EVENTS}) AS events
  WHERE event IN ('bounced', 'delivered', 'opened', 'clicked')
    AND customer_id IN (SELECT customer_id FROM staging.messages WHERE event = 'bounced')
  GROUP BY customer_id, channel
)
SELECT DISTINCT coalesce(aliases.customer_id, last_seen.customer_id) AS customer_id, last_seen.channel
FROM last_seen
LEFT JOIN ingest.aliases AS aliases ON aliases.alias_id = last_seen.customer_id
LEFT JOIN staging.customers AS customers
  ON customers.customer_id = coalesce(aliases.customer_id, last_seen.customer_id)
WHERE last_seen.is_bounced AND (customers.updated_at > last_seen.happened_at) IS NOT TRUE
"""
"""What was sent last came back, and the customer's row has not been changed since."""
_GRANTS = """
CREATE OR REPLACE TEMP TABLE grants AS
WITH yes AS (
  SELECT coalesce(aliases.customer_id, consents.customer_id) AS customer_id, purpose, channel,
    date_trunc('second', max(changed_at)) AS said_at
  FROM staging.consents AS consents
  LEFT JOIN ingest.aliases AS aliases ON aliases.alias_id = consents.customer_id AND aliases.customers = 1
  WHERE status = 'granted' AND changed_on <= $day
  GROUP BY coalesce(aliases.customer_id, consents.customer_id), purpose, channel
)
SELECT yes.customer_id, yes.purpose, yes.channel
FROM yes
WHERE NOT EXISTS (
  SELECT 1 FROM temp.withdrawn AS no
  WHERE no.customer_id = yes.customer_id AND no.purpose IN (yes.purpose, '*') AND no.channel IN (yes.channel, '*')
    AND no.said_at >= yes.said_at
)
"""
_OBJECTED = """
CREATE OR REPLACE TEMP TABLE objected AS
SELECT DISTINCT customer_id
FROM staging.objections
"""
_CONTROLS = """
CREATE OR REPLACE TEMP TABLE controls AS
SELECT DISTINCT audience, customer_id
FROM marts.control_members
WHERE snapshot_date = $day AND member_until IS NULL
"""
"""Who was drawn once stays so, also where the share has become smaller since."""
_SUPPRESSED = f"""
INSERT INTO temp.suppressed
WITH told AS ({with_hashes(REFUSALS)}),
known AS (
  SELECT customers.customer_id, unnest([{", ".join(f"persons.{name}" for name in CONTACTS)}]) AS value
  FROM staging.customers AS customers
  JOIN people.customers AS persons USING (file_id, row_number)
)
SELECT value AS customer_id FROM ({REFUSALS}) AS named
UNION
SELECT known.customer_id FROM known JOIN told USING (value)
UNION
SELECT customer_id FROM ({{remembered}}) JOIN told USING (kind, entry)
"""
"""A customer is suppressed whole, also where one address is named, and stays so with another address: nobody is
written to by another way. Who asks to be forgotten is not written to either. Whatever a list says that it names, it
names whoever is known by it.
"""
