"""Platforms: an audience as a system wants it, with the addresses of those who may be told of.

Addresses come from `people`, which has to be attached, and stand in temporary tables and in these files only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from pipeline.activation.handing_over import ADDRESSED, CUSTOMER, HandingOver
from pipeline.activation.list_files import write_list
from pipeline.activation.terms import BLOCKED, MEMBERS, Asked, Gate, Waterfall, granted, refused
from pipeline.engines.duckdb import DuckDBEngine, naming_the_file
from pipeline.home.people import COUNTRIES_CALLED, REFUSALS, hashes_of
from pipeline.quoting import quoted, text_literal
from pipeline.sections.activation import Consent
from pipeline.tables.audiences import ID, Audience
from pipeline.tables.formulas import harmless, like_a_formula
from pipeline.tables.inputs import HASHED_FOR, HASHES
from pipeline.tables.platforms import PATTERNS, Platform

FileFor = Callable[[str], Path]

_EEA = (
    "'AT', 'BE', 'BG', 'HR', 'CY', 'CZ', 'DK', 'EE', 'FI', 'FR', 'DE', 'GR', 'HU', 'IE', 'IT', 'LV', 'LT', 'LU', 'MT', "
    "'NL', 'PL', 'PT', 'RO', 'SK', 'SI', 'ES', 'SE', 'IS', 'LI', 'NO', 'GB', 'CH', "
    "'UK', 'EL', 'AX', 'GF', 'GP', 'MF', 'MQ', 'RE', 'YT', 'EA', 'IC', 'SJ', 'GG', 'GI', 'IM', 'JE'"
)
"""Countries in which data and personalised ads need a consent of their own, Britain and Switzerland among them; what
Britain and Greece are called as well, and what belongs to any of these and has a code of its own."""
_NO_COUNTRY = "'AA|Q[M-Z]|X[A-Z]|ZZ'"
"""Codes that ISO 3166 gives to none: of who has one, nobody knows the country."""
_ADDRESSES = ("email", "phone")
_TABLES = tuple(
    f"temp.{name}"
    for name in (
        "told", "file_rows", "member_rows", "blocked", "grants", "withdrawn", "unreached", "objected", "suppressed",
        "unhashed",
    )
)  # fmt: skip
_TEXTS = ("first_name", "last_name", "city", "region", "zip", "language")


@dataclass(frozen=True)
class Written:
    """A file that was written, its rows, and ids in it that begin as a formula does."""

    target: str
    rows: int
    ids_like_formulas: int


@dataclass(frozen=True)
class _List:
    """Rows of a list, or of who is removed from it: a SELECT of these columns, and where they are to be written."""

    target: str
    source: str
    count: int
    columns: Sequence[str]
    are_removed: bool


class Writer:
    """Writes the files of a day for platforms; what a platform gets of a person is made once for all audiences."""

    def __init__(
        self, engine: DuckDBEngine, gate: Gate, is_preview: bool = False, handing: HandingOver | None = None
    ) -> None:
        """`handing` takes what is written, where it is delivered with that."""
        self._engine, self._gate, self._is_preview, self._handing = engine, gate, is_preview, handing
        self._made: dict[tuple[str, Consent | None], str] = {}
        self._refused: dict[tuple[str, Consent | None], str] = {}

    def write(self, asked: Asked, platform: Platform, target: str, file: FileFor) -> tuple[list[Written], Waterfall]:
        """The files of an audience for a platform: one, parts of it if it is too large, or none if too few are left.
        Beside them, who was left out.
        """
        rows = self._rows(platform, asked.audience.header.consent)
        shown = self._without_controls(asked, platform, rows)
        with naming_the_file(platform.file, None):
            self._engine.execute(_told(asked, platform, self._gate.left_out(asked), shown), asked.parameters)
        told = self._gate.counted(asked, platform.name, "SELECT step FROM temp.told", {})
        stopped = told.delivered < _least(asked, platform)
        cells = _cells(asked, platform)
        made = f"CREATE OR REPLACE TEMP TABLE file_rows AS {_file(asked, platform, shown, cells)}"
        self._engine.execute(made, asked.parameters)
        written = [] if self._is_preview else self._files(asked, platform, target, rows, cells, stopped, file)
        header = asked.audience.header
        needed = platform.header.consent or ((header.consent,) if header.consent else ())
        told = replace(
            told,
            hashed_for_others=self._engine.scalar(_HASHED_FOR_OTHERS),
            channels=tuple(dict.fromkeys(one.channel for one in needed)),
            value=self._worth(asked),
            is_money=asked.is_money,
        )
        if stopped:
            taken = {"under_minimum": told.delivered, "delivered": 0}
            told = replace(told, steps=told.steps | taken, value=None)
        if self._handing is not None and not self._is_preview:
            came, left = self._handing.counts(header.mode or "full")
            told = replace(told, changes=(0 if stopped else came, left))
        return written, told

    def _worth(self, asked: Asked) -> float | None:
        """What those who are delivered are worth."""
        if not asked.audience.header.value:
            return None
        found = self._engine.execute(
            f"SELECT sum(CAST({_value(asked.audience)} AS DOUBLE)) FROM (SELECT * FROM {MEMBERS} WHERE {asked.where}) "
            f"AS members JOIN temp.told AS told ON told.{ID} = members.{ID} AND told.step IS NULL",
            asked.parameters,
        )
        return float(found[0][0]) if found[0][0] is not None else None

    def _files(
        self, asked: Asked, platform: Platform, target: str, rows: str, cells: Mapping[str, Cell], stopped: bool,
        file: FileFor,
    ) -> list[Written]:  # fmt: skip
        """The list whole, or how it differs from what was delivered; removals first, also where the rest is stopped."""
        mode = asked.audience.header.mode
        texts = [name for name, cell in cells.items() if cell.is_text and not platform.header.request]
        selects = {"": "SELECT * FROM temp.file_rows"}
        if self._handing is not None:
            refused_now = self.refused(platform, asked.audience.header.consent)
            self._handing.take(asked, platform, self._gate, rows, list(cells), refused_now)
            whole = {"": selects[""]} if mode != "diff" else {}
            changes = self._handing.changes(asked, platform)
            selects = {"-removed": changes["removed"]} if mode != "replace" or stopped else {}
            selects |= whole or {"-added": changes["added"]}
        written, files = list[Written](), list[str]()
        for kind, select in selects.items():
            are_removed = kind == "-removed"
            source = select if are_removed else _shown(select, texts)
            count = self._engine.scalar(f"SELECT count(*) FROM ({source}) AS rows")
            if count and (are_removed or not stopped):
                columns = platform.header.identifiers if are_removed else list(cells)
                of_kind = _List(f"{target}.{platform.name}{kind}", source, count, columns, are_removed)
                parts = self._parts(platform, of_kind, file)
                written += parts
                files += [] if are_removed else [one.target for one in parts]
        if self._handing is not None:
            self._handing.enter(asked, platform, stopped, list(cells), texts, files, _least(asked, platform))
        return written

    def refused(self, platform: Platform, consent: Consent | None) -> str:
        """A temporary table: addresses, as the platform writes them, that must not be on its lists, whoever they were
        sent of: suppressed, or of somebody who says no.
        """
        of = (platform.name, None if platform.header.consent else consent)
        self._find_unhashed()
        if of not in self._refused:
            self._refused[of] = f"temp.platform_refused_{len(self._refused)}"
            who = _refusing(platform, consent, f"({self._gate.barred()} IS NOT NULL)")
            with naming_the_file(platform.file, None):
                made = f"CREATE OR REPLACE TEMP TABLE {self._refused[of]} AS {_addresses(platform, who, _OF_NOBODY)}"
                self._engine.execute(made)
        return self._refused[of]

    def close(self) -> None:
        """Drop what is held of people; whoever runs SQL on the connection afterwards finds nothing of them."""
        for table in (*self._made.values(), *self._refused.values(), *_TABLES):
            self._engine.execute(f"DROP TABLE IF EXISTS {table}")

    def _parts(self, platform: Platform, rows: _List, file: FileFor) -> list[Written]:
        """One file, or as many parts as it takes for each to be small enough."""
        ending, parts = platform.header.ending, ceil(rows.count / (platform.header.most_rows or rows.count))
        while True:
            each = ceil(rows.count / parts)
            numbers = range(1, ceil(rows.count / each) + 1)
            names = [f"{rows.target}-part{part:02}" for part in numbers] if parts > 1 else [rows.target]
            written = [
                self._export(platform, f"{name}.{ending}", rows, place * each, each, file)
                for place, name in enumerate(names)
            ]
            if not (too_large := max(_times_too_large(platform, one, file) for one in written)):
                return written
            for one in written:
                file(one.target).unlink()
            parts = max(parts + 1, ceil(parts * too_large))

    def _export(
        self, platform: Platform, target: str, rows: _List, first: int, most: int, file: FileFor
    ) -> Written:  # fmt: skip
        header = platform.header
        ids = [name for name, column in header.columns.items() if column.kind == "id" and name in rows.columns]
        like_formulas = " OR ".join(like_a_formula(quoted(name)) for name in ids) or "FALSE"
        of_file = f"SELECT * FROM ({rows.source}) AS source LIMIT {most} OFFSET {first}"
        return Written(
            target,
            write_list(self._engine, header, of_file, rows.columns, rows.are_removed, file(target)),
            self._engine.scalar(f"SELECT count(*) FROM ({of_file}) AS written WHERE {like_formulas}"),
        )

    def _rows(self, platform: Platform, consent: Consent | None) -> str:
        """A temporary table: a row per customer who agreed, as the platform wants it, without what others refused."""
        of = (platform.name, None if platform.header.consent else consent)
        self._find_unhashed()
        if of not in self._made:
            self._made[of] = f"temp.platform_rows_{len(self._made)}"
            with naming_the_file(platform.file, None):
                blocked = self._blocked(platform, _refusing(platform, consent, self._gate.is_out()), {})
                rows = f"(SELECT *, FALSE AS {BLOCKED} FROM ({_normalised(platform, consent)}) AS normalised)"
                made = f"CREATE OR REPLACE TEMP TABLE {self._made[of]} AS {_unblocked(platform, rows, blocked)}"
                self._engine.execute(made)
        return self._made[of]

    def _find_unhashed(self) -> None:
        """`unhashed`, once; it is empty in most shops."""
        if self._made or self._refused:
            return
        self._engine.execute(_UNHASHED)
        if self._engine.scalar(f"SELECT 1 FROM people.customers WHERE {HASHED_FOR} IS NOT NULL LIMIT 1"):
            self._engine.execute(_FIND_UNHASHED)

    def _without_controls(self, asked: Asked, platform: Platform, rows: str) -> str:
        """The rows of members, without addresses of those whom this audience leaves alone: they are written to by no
        row of another customer, either.
        """
        share, members = asked.audience.header.control_share, f"FROM {MEMBERS} WHERE {asked.where}"
        if not share:
            return rows
        left_alone = f"SELECT {ID}, TRUE AS by_email, TRUE AS by_phone {members} AND " + self._gate.is_left_alone(
            asked.name, share
        )
        with naming_the_file(platform.file, None):
            blocked = self._blocked(platform, left_alone, asked.parameters)
            of_members = f"(SELECT * FROM {rows} WHERE {ID} IN (SELECT {ID} {members}))"
            made = f"CREATE OR REPLACE TEMP TABLE member_rows AS {_unblocked(platform, of_members, blocked)}"
            self._engine.execute(made, asked.parameters)
        return "temp.member_rows"

    def _blocked(self, platform: Platform, who: str, parameters: Mapping[str, str]) -> list[str]:
        """`blocked`: the addresses of these as the platform writes them; returns the columns that hold any."""
        made = f"CREATE OR REPLACE TEMP TABLE blocked AS {_addresses(platform, who)}"
        self._engine.execute(made, parameters)
        names = [name for name, column in platform.header.columns.items() if column.kind in ADDRESSED]
        counts = ", ".join(f"count({quoted(name)})" for name in names)
        held = self._engine.execute(f"SELECT {counts} FROM temp.blocked")[0] if names else ()
        return [name for name, count in zip(names, held, strict=True) if count]


def _least(asked: Asked, platform: Platform) -> int:
    """How many there must be for a list."""
    return max(asked.audience.header.minimum_size, platform.header.at_least, 1)


def _times_too_large(platform: Platform, written: Written, file: FileFor) -> float:
    """By how much a file exceeds what the platform takes in at once; 0 if it does not, or is of one row."""
    header, size = platform.header, file(written.target).stat().st_size
    times = max(written.rows / (header.most_rows or written.rows), size / (header.most_bytes or size))
    return times if times > 1 and written.rows > 1 else 0


_HASHED_FOR_OTHERS = f"""
SELECT count(*) FROM temp.told AS told WHERE step = 'without_address' AND {ID} IN (
  SELECT customers.{ID} FROM staging.customers AS customers JOIN people.customers AS persons USING (file_id, row_number)
  WHERE {" OR ".join(f"persons.{name} IS NOT NULL" for name in HASHES)}
)
"""
_TOLD = f"""
      SELECT customers.{ID}, persons.* EXCLUDE (country),
        CASE
          {" ".join(f"WHEN upper(trim(country)) = '{name}' THEN '{code}'" for name, code in COUNTRIES_CALLED.items())}
          WHEN regexp_full_match(trim(country), '[A-Za-z]{{2}}') THEN upper(trim(country))
        END AS country
      FROM staging.customers AS customers
      JOIN people.customers AS persons USING (file_id, row_number)
"""
"""Customers and who they are; a country by its code, also where it is called by another one."""


_UNHASHED = (
    f"CREATE OR REPLACE TEMP TABLE unhashed "
    f"({ID} VARCHAR, {', '.join(f'{name} VARCHAR' for name in (*_ADDRESSES, *HASHES))})"
)
_FIND_UNHASHED = f"""
INSERT INTO temp.unhashed
WITH told AS ({_TOLD}),
hashed AS (
  SELECT customer_id, email_sha256 AS hash, 'email' AS kind FROM told WHERE email_sha256 IS NOT NULL
  UNION ALL
  SELECT customer_id, phone_sha256, 'phone' FROM told WHERE phone_sha256 IS NOT NULL
),
plain AS (
  SELECT customer_id, email AS value FROM told UNION SELECT customer_id, phone FROM told
),
same AS MATERIALIZED (
  SELECT hashed.*, hashes.value FROM hashed JOIN ({hashes_of("SELECT value FROM plain")}) AS hashes USING (hash)
)
SELECT customer_id, CASE WHEN kind = 'email' THEN value END AS email, CASE WHEN kind = 'phone' THEN value END AS phone,
  NULL AS email_sha256, NULL AS phone_sha256
FROM same
UNION
SELECT plain.customer_id, NULL, NULL, CASE WHEN same.kind = 'email' THEN same.hash END,
  CASE WHEN same.kind = 'phone' THEN same.hash END
FROM plain JOIN same USING (value)
"""
"""Of customers known by a hash: the addresses and numbers of others, or of their own, that it is the hash of; and of
these others the hash, in whatever form it was made. Where either refuses, all of it leaves by nobody."""
_OF_NOBODY = f"""
      UNION ALL BY NAME
      SELECT concat('refusal ', file_id, ' ', row_number, ' ', row_number() OVER (ORDER BY value)) AS customer_id,
        CASE WHEN contains(value, '@') THEN nfc_normalize(value) END AS email,
        CASE WHEN regexp_full_match(value, '[+][0-9]+') THEN value END AS phone
      FROM ({REFUSALS}) AS refusals
"""
"""Addresses of suppressions and of who asks to be forgotten, whose customer may have another by now."""


def _refusing(platform: Platform, consent: Consent | None, is_out: str) -> str:
    """SQL: customers of whom an address must not leave, and whether that is the one of e-mail or the number.

    `is_out`: SQL, of whom none may.

    What a platform asks for itself concerns both; else a withdrawal concerns the address of its channel. To what came
    back nothing is sent, while advertisers send nothing.
    """
    header = platform.header
    if header.consent:
        no = refused((*header.consent, *header.consent_in_eea), f"told.{ID}")
        by_email, by_phone = no, no
    else:
        purpose = consent.purpose if consent else "marketing"
        by_email, by_phone = (
            refused((Consent(purpose=purpose, channel=channel),), f"told.{ID}") for channel in ("email", "sms")
        )
    if any(one.channel != "ads" for one in header.consent) or not header.consent:
        by_email, by_phone = (
            f"({no}) OR told.{ID} IN (SELECT {ID} FROM temp.unreached WHERE channel IN ('{channel}', '*'))"
            for no, channel in ((by_email, "email"), (by_phone, "sms"))
        )
    return (
        f"SELECT {ID}, {is_out} OR ({by_email}) AS by_email, {is_out} OR ({by_phone}) AS by_phone "
        f"FROM staging.customers AS told"
    )


def _addresses(platform: Platform, who: str, others: str = "") -> str:
    """SQL: what the platform's SELECT makes of the addresses of these, and of nothing else that is known of them; of
    their hashes also where these were made for another platform, since somebody else may have the same for this one.

    `others`: SQL that adds addresses of no customer.
    """
    plain = [f"CASE WHEN refusing.by_{name} THEN nfc_normalize(told.{name}) END AS {name}" for name in _ADDRESSES]
    hashed = [f"CASE WHEN refusing.by_{name} THEN told.{name}_sha256 END AS {name}_sha256" for name in _ADDRESSES]
    empty = [f"CAST(NULL AS VARCHAR) AS {name}" for name in (*_TEXTS, "country")]
    empty += ["FALSE AS agreed_in_eea", "CAST(NULL AS DATE) AS birth_date"]
    return f"""
    WITH told AS ({_TOLD}),
    people AS (
      SELECT told.{ID}, {", ".join((*plain, *hashed, *empty))}
      FROM ({who}) AS refusing JOIN told ON told.{ID} = refusing.{ID}
      WHERE refusing.by_email OR refusing.by_phone
      UNION ALL BY NAME
      SELECT told.{ID}, {", ".join((*plain, *hashed))}
      FROM ({who}) AS refusing JOIN temp.unhashed AS told ON told.{ID} = refusing.{ID}
      {others}
    )
    {platform.select}
    """


def _unblocked(platform: Platform, rows: str, columns: Sequence[str]) -> str:
    """SQL: the rows without what stands in temp.blocked, and whether they have no address left for that."""
    if not columns:
        return f"SELECT * FROM {rows} AS rows"
    cells = ", ".join(
        f"CASE WHEN rows.{quoted(name)} IN (SELECT {quoted(name)} FROM temp.blocked) THEN NULL "
        f"ELSE rows.{quoted(name)} END AS {quoted(name)}"
        for name in columns
    )
    was, known = (
        f"coalesce({', '.join(f'{of}.{quoted(name)}' for name in platform.header.identifiers)}, NULL)"
        for of in ("rows", "blanked")
    )
    return f"""
    SELECT * EXCLUDE (was_known) REPLACE ({BLOCKED} OR (was_known AND {known} IS NULL) AS {BLOCKED})
    FROM (SELECT rows.* REPLACE ({cells}), {was} IS NOT NULL AS was_known FROM {rows} AS rows) AS blanked
    """


def _normalised(platform: Platform, consent: Consent | None) -> str:
    """SQL: what the platform's SELECT makes of the people who agreed.

    An address or a number of somebody who agreed to another channel only is not among what it sees.
    """
    header = platform.header
    needed = header.consent or ((consent,) if consent else ())
    agreed = granted(needed, f"known.{ID}")
    if header.consent_in_eea:
        is_known = f"NOT regexp_full_match(told.country, {_NO_COUNTRY})"  # one that nobody knows may be one of them
        is_outside = f"coalesce({is_known} AND told.country NOT IN ({_EEA}), FALSE)"
        agreed += f" AND ({is_outside} OR {granted(header.consent_in_eea, f'known.{ID}')})"
    may_see = {name: _may_see(name, needed, bool(header.consent)) for name in _ADDRESSES}
    seen = [f"CASE WHEN {may} THEN nfc_normalize(told.{name}) END AS {name}" for name, may in may_see.items()]
    seen += [_hash(platform, name, may) for name, may in may_see.items()]
    seen += [f"nullif(trim(nfc_normalize(told.{name})), '') AS {name}" for name in _TEXTS]
    seen += [f"({granted(header.consent_in_eea, f'known.{ID}')}) AS agreed_in_eea"]
    return f"""
    WITH known AS (
      SELECT {ID} FROM staging.customers UNION SELECT {ID} FROM temp.grants
    ),
    told AS ({_TOLD}),
    people AS (
      SELECT known.{ID}, {", ".join(seen)}, told.country, told.birth_date
      FROM known LEFT JOIN told ON told.{ID} = known.{ID}
      WHERE {agreed}
    )
    {platform.select}
    """


def _hash(platform: Platform, address: str, where: str) -> str:
    """SQL: the hash that was given of an address, where it was made for this platform."""
    is_for = f"list_contains(string_split(told.{HASHED_FOR}, ','), {text_literal(platform.name)})"
    return f"CASE WHEN ({where}) AND {is_for} THEN told.{address}_sha256 END AS {address}_sha256"


def _may_see(address: str, needed: tuple[Consent, ...], is_of_platform: bool) -> str:
    """SQL: whether a platform may get an address. What it asks for itself covers both; else each channel its own."""
    if is_of_platform:
        return "TRUE"
    purpose = needed[0].purpose if needed else "marketing"
    return granted((Consent(purpose=purpose, channel="email" if address == "email" else "sms"),), f"known.{ID}")


def _told(asked: Asked, platform: Platform, left_out: str, rows: str) -> str:
    """SQL: `told`, the members and the step that takes each; null for those who are delivered."""
    header = platform.header
    identifier = f"coalesce({', '.join(f'rows.{quoted(name)}' for name in header.identifiers)}, NULL)"
    usable = [
        f"(rows.{quoted(name)} IS NULL OR regexp_full_match(rows.{quoted(name)}, '{PATTERNS[column.kind]}'))"
        for name, column in header.columns.items()
        if column.kind in PATTERNS and not column.value
    ]
    return f"""
    CREATE OR REPLACE TEMP TABLE told AS
    WITH stepped AS (
      SELECT
        members.{ID},
        coalesce(
          members.left_out,
          CASE
            WHEN rows.{ID} IS NULL THEN 'without_consent'
            WHEN rows.{BLOCKED} THEN 'blocked_address'
            WHEN {identifier} IS NULL OR NOT ({" AND ".join(usable) or "TRUE"}) THEN 'without_address'
          END
        ) AS step,
        {identifier} AS identifier
      FROM (SELECT {ID}, {left_out} AS left_out FROM {MEMBERS} WHERE {asked.where}) AS members
      LEFT JOIN {rows} AS rows ON rows.{ID} = members.{ID}
    )
    SELECT
      {ID},
      CASE
        WHEN step IS NULL AND row_number() OVER (PARTITION BY step, identifier ORDER BY {ID}) > 1 THEN 'doubled'
        ELSE step
      END AS step
    FROM stepped
    """


@dataclass(frozen=True)
class Cell:
    """A cell of a file as SQL, and whether it is a free text."""

    sql: str
    is_text: bool


def _cells(asked: Asked, platform: Platform) -> dict[str, Cell]:
    """The columns of the file in their order."""
    header, audience = platform.header, asked.audience
    cells = {
        name: Cell(_value(audience) if column.value else f"rows.{quoted(name)}", column.kind == "text")
        for name, column in header.columns.items()
    }
    taken = {name.lower() for name in cells}  # SQL, and most who read the file, do not tell Country from country
    if header.attributes != "none":
        for name, column in audience.header.columns.items():
            shown = name.upper() if header.attributes == "capitals" else name
            if name not in (ID, *audience.header.ids_only) and shown.lower() not in taken:
                cells[shown] = Cell(f"members.{quoted(name)}", column.type == "VARCHAR")
    return cells


def _value(audience: Audience) -> str:
    return f"members.{quoted(audience.header.value)}" if audience.header.value else "CAST(NULL AS DOUBLE)"


def _file(asked: Asked, platform: Platform, rows: str, cells: Mapping[str, Cell]) -> str:
    """SQL: the rows of the file in its order, as they are, and whose each is."""
    by_value = f"{_value(asked.audience)} DESC NULLS LAST, " if platform.header.by_value else ""
    return f"""
    SELECT
      members.{ID} AS {quoted(CUSTOMER)},
      {", ".join(f"{cell.sql} AS {quoted(name)}" for name, cell in cells.items())}
    FROM (SELECT * FROM {MEMBERS} WHERE {asked.where}) AS members
    JOIN temp.told AS told ON told.{ID} = members.{ID} AND told.step IS NULL
    JOIN {rows} AS rows ON rows.{ID} = members.{ID}
    ORDER BY {by_value}members.{ID}
    """


def _shown(select: str, texts: Sequence[str]) -> str:
    """SQL: rows as a spreadsheet may have them, free texts made harmless; addresses and ids are never altered."""
    safe = ", ".join(f"{harmless(quoted(name))} AS {quoted(name)}" for name in texts)
    return f"SELECT * EXCLUDE ({quoted(CUSTOMER)}){f' REPLACE ({safe})' if safe else ''} FROM ({select}) AS told"
