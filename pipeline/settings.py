"""Every setting of a home, in one class: `perennial.toml` in the home, then PERENNIAL_* variables on top.

Nothing else in the project reads the environment. A setting that changes what is computed is part of `fingerprint`,
which travels in every manifest, so that two partitions can be told apart by the settings that made them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    HttpUrl,
    Secret,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from pipeline.dialect import Dialect
from pipeline.errors import PerennialError
from pipeline.memory import available_bytes
from pipeline.names import check_pattern
from pipeline.shapes import CURRENCIES
from pipeline.shipped import shipped_files
from pipeline.statuses import Standing
from pipeline.validation import meant, told, written

SETTINGS_FILE = "perennial.toml"
LEAST_KEY = 16
"""Characters of a key of tombstones."""
NEEDS_FILE = "need_stages.toml"
"""Beside it, if there are rules of needs: they are long, and written by other people than the rest."""
_DAGSTER_YAML_OF_BEFORE = """\
telemetry:
  enabled: false
nux:
  enabled: false
event_log_storage:
  module: pipeline.history
  class: EventLog
  config:
    base_dir:
      env: DAGSTER_HOME
"""
# What steps print is not kept: it would be for ever, and cost four processes a run. Only runs that ask for it are tried
# again, and only where they came to no step.
DAGSTER_YAML = f"""\
{_DAGSTER_YAML_OF_BEFORE}\
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
run_retries:
  enabled: true
  max_retries: 0
  retry_on_asset_or_op_failure: false
"""
PROJECT = shipped_files()
"""The checkout; of an installed package, the folder in it that has the same."""
SQL_FOLDER = PROJECT / "sql"
TEMPLATES_FOLDER = PROJECT / "reports" / "templates"
PAGES_FOLDER = PROJECT / "reports" / "pages"


Setting = TypeVar("Setting")
_ANALYTIC = object()
Analytic = Annotated[Setting, _ANALYTIC]
"""The type of a setting that changes results: it enters the fingerprint, every manifest and the report's run card."""
_LATER = object()
Later = Annotated[Analytic[Setting], _LATER]
"""The same of one that earlier versions lacked: only where it is set, so that their manifests are not told apart."""

BETWEEN_PARTS = "|"


class InSql:
    """Marks a setting that SQL reads: as these columns of params.settings, one for each part of its value.

    A list of any length is one column, its parts behind and before `BETWEEN_PARTS`: |a|b|.
    """

    def __init__(self, type: str, *columns: str, of_any_length: bool = False) -> None:
        self.type, self.columns, self.of_any_length = type, columns, of_any_length

    def parts(self, value: Any) -> list[Any]:
        if self.of_any_length:
            return [BETWEEN_PARTS + "".join(f"{part}{BETWEEN_PARTS}" for part in value)]
        return [None] * len(self.columns) if value is None else _parts(value)


class SettingsError(PerennialError):
    """A setting that cannot be used; the message names the setting, where it stands and what would do."""


class Tiers(BaseModel):
    """Cut points of the three-step tiers; a pair that is not set is learnt from the customers of the day.

    `recency_days` = (a, b): up to a days is short, up to b medium, more is long. `occasions` = (a, b): from a on
    regular, from b on often. `revenue` = (a, b): from a on average, from b on spender.
    """

    model_config = ConfigDict(extra="forbid")

    recency_days: Annotated[tuple[int, int] | None, InSql("INTEGER", "recency_short_days", "recency_medium_days")] = (
        None
    )
    occasions: Annotated[tuple[int, int] | None, InSql("INTEGER", "occasions_regular", "occasions_often")] = None
    revenue: Annotated[tuple[float, float] | None, InSql("DECIMAL(18,2)", "revenue_average", "revenue_spender")] = None

    @model_validator(mode="after")
    def ascending(self) -> Self:
        for name in ("recency_days", "occasions", "revenue"):
            pair = getattr(self, name)
            if pair is not None and pair[0] >= pair[1]:
                raise ValueError(f"{name} must be two ascending numbers, not {list(pair)}")
        return self


class _RecencyCuts(InSql):
    """1 where the cut points are learnt; else the days, or nothing."""

    def parts(self, value: Any) -> list[Any]:
        return [int(value == "lifecycle"), *(value if isinstance(value, tuple) else (None,) * 4)]


class Rfm(BaseModel):
    """How recency is scored: quintiles of the customers of the day, the learnt limits of the lifecycle, or four numbers
    of days (a, b, c, d): up to a days is 5, up to b 4, up to c 3, up to d 2, more is 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recency: Annotated[
        Literal["quintiles", "lifecycle"] | tuple[int, int, int, int],
        _RecencyCuts(
            "INTEGER", "rfm_by_lifecycle", "rfm_score_5_days", "rfm_score_4_days", "rfm_score_3_days",
            "rfm_score_2_days",
        ),
    ] = Field("quintiles", description="Cut points of the recency score")  # fmt: skip

    @field_validator("recency", mode="before")
    @classmethod
    def is_known(cls, recency: object) -> object:
        days = recency if isinstance(recency, list | tuple) else ()
        ascending = all(type(day) is int for day in days) and all(a < b for a, b in pairwise((-1, *days)))
        if recency in ("quintiles", "lifecycle") or (len(days) == 4 and ascending):
            return recency
        raise ValueError("write quintiles, lifecycle, or four ascending numbers of days, such as [30, 90, 180, 365]")


class ChargeProducts(BaseModel):
    """Which products of a source are no goods: patterns of `product_id`, `*` for any text and `?` for one character.

    `add`: what the source takes for goods and is a charge. `exempt`: what it takes for a charge and is goods.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    add: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()

    @field_validator("add", "exempt")
    @classmethod
    def patterns(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in given:
            if not pattern.strip() or not set(pattern).isdisjoint("'\\\n"):
                raise ValueError("a pattern is a code such as PACKING or GIFT*; for a quote or a backslash write ?")
        return given

    def matches(self, which: Literal["add", "exempt"]) -> str:
        """SQL that holds where `product_id` matches one of these patterns; both engines read it alike."""
        like = [
            re.sub(r"[!%_]", r"!\g<0>", pattern.strip().upper()).replace("*", "%").replace("?", "_")
            for pattern in getattr(self, which)
        ]
        terms = [f"upper(trim(product_id)) LIKE '{pattern}' ESCAPE '!'" for pattern in like]
        return f"coalesce({' OR '.join(terms)}, FALSE)" if terms else "FALSE"


class Clv(BaseModel):
    """How customer lifetime value is predicted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    months: int = Field(12, ge=1, le=60, description="Horizon of the prediction in months")
    yearly_discount: float = Field(0.10, ge=0, le=1, description="What a year of waiting costs: 0.1 is 10 %")
    margin: Annotated[float | None, InSql("DOUBLE", "clv_margin")] = Field(
        None, gt=0, le=1, description="Share of revenue that is earned; else value is revenue"
    )
    fitter: Literal["perennial", "lifetimes"] = Field(
        "perennial", description="Who fits the models of purchase timing: perennial, or the package lifetimes"
    )


Stage = Literal["lead", "first-time", "active", "defecting", "inactive"]


class Scenario(BaseModel):
    """A strategy as what it would change: a month, `points` percentage points more of `from` move to `to`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(min_length=1)
    from_stage: Stage = Field(alias="from")
    to_stage: Stage = Field(alias="to")
    points: float = Field(ge=-100, le=100)

    @model_validator(mode="after")
    def nobody_becomes_a_lead(self) -> Self:
        if self.to_stage == "lead" and self.from_stage != "lead":
            raise ValueError(
                f"scenario {self.name!r}: nobody who has bought becomes a lead; choose another stage for to"
            )
        return self


class NeedStage(BaseModel):
    """A stage of a need: from one day to the other after the anchor (that one excluded), and what it is about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: str = Field(min_length=1)
    from_day: int = Field(ge=0)
    to_day: int
    items: tuple[str, ...] = Field(min_length=1, description="Patterns of products and categories, * for any text")

    @model_validator(mode="after")
    def has_days(self) -> Self:
        if self.to_day <= self.from_day:
            raise ValueError(f"stage {self.stage!r} must end after it begins: to_day is the first day after it")
        return self


class NeedRule(BaseModel):
    """A sequence of needs that begins with a purchase; a later one after a long pause begins it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str = Field(min_length=1)
    anchor: tuple[str, ...] = Field(min_length=1, description="Patterns of products and categories")
    anchor_age_days: int = Field(0, ge=0, description="On which day of the sequence the anchor is bought")
    reset_days: int = Field(300, ge=1, description="Pause after which an anchor begins the sequence again")
    exit: tuple[str, ...] = Field((), description="Patterns of what ends the sequence")
    stages: tuple[NeedStage, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def in_order(self) -> Self:
        for earlier, later in pairwise(self.stages):
            if later.from_day < earlier.to_day:
                raise ValueError(f"stage {later.stage!r} of {self.rule!r} begins before {earlier.stage!r} has ended")
        return self


class Lifecycle(BaseModel):
    """When a customer counts as defecting or inactive, and what the projection compares."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    defecting_days: int | None = Field(None, ge=1, le=3650, description="Days of silence; else learnt from the gaps")
    inactive_days: int | None = Field(None, ge=1, le=3650, description="Days of silence; else learnt from the gaps")
    new_customers: Literal["as observed", "none"] = Field(
        "as observed", description="New customers of a projected month: as in a month of the last 12, or none"
    )
    scenarios: tuple[Scenario, ...] = Field(
        (Scenario(name="win back", from_stage="defecting", to_stage="active", points=5),),
        description="What the projection compares with doing nothing",
    )

    @model_validator(mode="after")
    def in_order(self) -> Self:
        if self.defecting_days and self.inactive_days and self.defecting_days > self.inactive_days:
            raise ValueError(
                f"defecting_days ({self.defecting_days}) must not be more than inactive_days ({self.inactive_days})"
            )
        return self

    @model_validator(mode="after")
    def scenarios_differ(self) -> Self:
        names = ["do nothing", *(scenario.name for scenario in self.scenarios)]
        if len(set(names)) < len(names):
            raise ValueError(f"scenarios need different names, and none may be 'do nothing': {names[1:]}")
        return self


class Trend(BaseModel):
    """How a customer's trend is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_days: Annotated[int | None, InSql("INTEGER", "trend_window_days")] = Field(
        None, ge=7, le=730, description="Length of each of the two windows; else 90 or 180"
    )
    alpha: float = Field(0.1, gt=0, le=0.5, description="Share of unchanged customers that may be called changed")


class Rhythm(BaseModel):
    """When to write to a customer who has not bought again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    send_lead_days: int = Field(5, ge=0, le=365, description="How many days before the key moment to write")


class Affinity(BaseModel):
    """Which baskets tell what goes together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    largest_basket: Annotated[int, InSql("INTEGER", "largest_basket")] = Field(
        100, ge=2, le=300, description="Most different items of a basket that is counted"
    )


class Audiences(BaseModel):
    """Of which products, categories and places there are audiences, and how likely a repeat must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum_size: Annotated[int, InSql("INTEGER", "audience_minimum_size")] = Field(
        100, ge=1, description="Fewest customers that a product, category or place must have for files of its own"
    )
    most_values: Annotated[int, InSql("INTEGER", "audience_most_values")] = Field(
        20, ge=0, le=200, description="How many products, categories, places … have files, those of most customers"
    )
    products: Annotated[tuple[str, ...], InSql("VARCHAR", "audience_products", of_any_length=True)] = Field(
        (), max_length=100, description="Ids of products that have files whatever their size"
    )
    due_probability: Annotated[float, InSql("DOUBLE", "audience_due_probability")] = Field(
        0.2, ge=0, le=1, description="Least chance to buy an item again within 30 days for the audience repeat_due"
    )

    @field_validator("products")
    @classmethod
    def products_are_ids(cls, products: tuple[str, ...]) -> tuple[str, ...]:
        if any(not product.strip() or BETWEEN_PARTS in product for product in products):
            raise ValueError(f"a product is chosen by its id; ids that are empty or hold {BETWEEN_PARTS} cannot be")
        return products


class Discounts(BaseModel):
    """How large the bands of discounts are, and what bounds them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: Annotated[float, InSql("DOUBLE", "discount_low")] = Field(
        0.05, ge=0, lt=1, description="Discount of the band low, 0.05 for 5 %"
    )
    mid: Annotated[float, InSql("DOUBLE", "discount_mid")] = Field(
        0.10, ge=0, lt=1, description="Discount of the band mid"
    )
    high: Annotated[float, InSql("DOUBLE", "discount_high")] = Field(
        0.15, ge=0, lt=1, description="Discount of the band high"
    )
    margin_floor: Annotated[float, InSql("DOUBLE", "discount_margin_floor")] = Field(
        0.0, ge=0, lt=1, description="Share of revenue that must be left of clv.margin after the discount"
    )
    budget: Annotated[float | None, InSql("DOUBLE", "discount_budget")] = Field(
        None, ge=0, description="What the discounts of a day may be expected to cost within 90 days; else no limit"
    )
    control_share: float = Field(
        0.0, ge=0, lt=1, description="Share of all customers who get no discount, so that the effect can be measured"
    )

    @model_validator(mode="after")
    def ascending(self) -> Self:
        if not 0 < self.low < self.mid < self.high:
            raise ValueError(f"low, mid and high must rise, not {[self.low, self.mid, self.high]}")
        return self


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


ContactChannel = Literal["email", "sms", "push"]
HOURS_OF_PART = 3


def loud_hours(quiet: tuple[int, int] | None) -> list[tuple[int, int]]:
    """The spans of a day, from an hour until before another, that are not quiet."""
    if quiet is None:
        return [(0, 24)]
    first, end = quiet
    spans = [(end, first)] if end < first else [(0, first), (end, 24)]
    return [(since, until) for since, until in spans if since < until]


def loud_dayparts(quiet: tuple[int, int] | None) -> list[int]:
    """The parts of the day, of three hours each, 0 from midnight on, that are not quiet at any time."""
    spans = loud_hours(quiet)
    starts = range(0, 24, HOURS_OF_PART)
    return [
        part
        for part, start in enumerate(starts)
        if any(since <= start and start + HOURS_OF_PART <= until for since, until in spans)
    ]


class Contacts(BaseModel):
    """How often a customer is written to at most, and when nobody is: what the contact calendar keeps to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: int = Field(30, ge=1, le=365, description="Length of the rolling time that the caps are of")
    most: int = Field(8, ge=0, description="Messages to a customer within it, by any channel")
    email: int = Field(6, ge=0, description="Of these, by e-mail")
    sms: int = Field(2, ge=0, description="Of these, by SMS")
    push: int = Field(4, ge=0, description="Of these, by push")
    most_a_day: int | None = Field(None, ge=0, description="Contacts of all customers on a day; else no limit")
    quiet: tuple[Weekday, ...] = Field((), description="Days of the week on which nobody is written to")
    quiet_hours: dict[ContactChannel, tuple[int, int]] = Field(
        {}, description="By channel from which hour, in the shop's time zone, until before which nobody is written to"
    )

    @field_validator("quiet")
    @classmethod
    def a_day_is_left(cls, quiet: tuple[Weekday, ...]) -> tuple[Weekday, ...]:
        if set(quiet) == set(WEEKDAYS):
            raise ValueError("a day of the week must be left on which customers may be written to")
        return quiet

    @field_validator("quiet_hours")
    @classmethod
    def a_daypart_is_left(
        cls, quiet: dict[ContactChannel, tuple[int, int]]
    ) -> dict[ContactChannel, tuple[int, int]]:  # fmt: skip
        for channel, (first, end) in quiet.items():
            if not (0 <= first <= 23 and 0 <= end <= 24 and first != end % 24):
                raise ValueError(
                    f"{channel}: two hours of the day, such as [21, 8], are from which and until before which"
                )
            if not loud_dayparts((first, end)):
                raise ValueError(
                    f"{channel}: one of the parts from 0, 3, 6, … 21 o'clock must be left, three hours whole"
                )
        return quiet


class Consent(BaseModel):
    """What a customer must have agreed to, and for which channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    purpose: Literal["marketing", "ads", "ad_user_data", "ad_personalization", "own_similar"]
    channel: Literal["email", "sms", "phone", "push", "post", "ads"]


Mode = Literal["full", "diff", "replace"]


class Terms(BaseModel):
    """On which terms an audience is handed over; in settings, what is left out is as its file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consent: Consent | None = Field(None, description="Members who did not agree to it are in none of the files")
    platforms: tuple[str, ...] = Field((), description="Systems for which a file is written, as they want it")
    minimum_size: int = Field(0, ge=0, description="People below which no platform gets a file")
    control_share: float = Field(0, ge=0, lt=1, description="Share of the members who are left alone, to compare with")
    csv: bool = Field(False, description="A CSV beside the Parquet file, for people to open")
    mode: Mode | None = Field(
        None, description="What is sent: the list in full, how it differs from what was sent, or the list instead of it"
    )


FOLDERS = ("s3", "gs", "gcs", "sftp", "ssh", "file")
"""Kinds of folders that lists are sent to: none over which others could read what is sent."""


class Destination(BaseModel):
    """Where lists of a platform are sent, beside the folder of the home. Secrets are in the environment only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    platform: str = Field(min_length=1, description="Whose lists")
    url: str = Field(
        description="A folder, s3://, gs://, sftp:// or file://; or the address of an interface, https://",
    )
    lists: dict[str, str] = Field(
        default_factory=dict, description="Per audience, catalogue/name: the id of the list there. For https://"
    )
    credential: Annotated[str | None, written("[A-Za-z_][A-Za-z0-9_]*", "KLAVIYO_API_KEY")] = Field(
        None, description="Variable of the environment that holds the key; else KLAVIYO_API_KEY, META_ACCESS_TOKEN"
    )

    @field_validator("url")
    @classmethod
    def holds_no_secret(cls, url: str) -> str:
        if not re.match(r"[a-z][a-z0-9+.-]*://\S*$", url):
            raise ValueError(
                "an address begins with its kind: a folder with s3://, gs://, sftp:// or file://, an interface with "
                "https://; and it holds no blanks"
            )
        parts = urlsplit(url)
        if parts.password is not None or parts.query or parts.fragment:
            raise ValueError("an address holds no password, ? or #; name the variable that holds the key as credential")
        if parts.scheme == "http" and not is_this_machine(parts.hostname):
            raise ValueError("people's addresses are sent over https:// only")
        if parts.scheme not in (*FOLDERS, "https", "http"):
            raise ValueError(
                f"nothing is sent over {parts.scheme}://, which need not keep people's addresses and the password "
                f"from others; a folder is s3://, gs://, sftp:// or file://, an interface https://"
            )
        if parts.scheme == "file" and (
            parts.netloc or not parts.path.strip("/")
        ):  # else below the current folder, or /
            raise ValueError("a folder of this machine is file:// and its whole path, such as file:///srv/lists")
        if parts.scheme != "file" and not parts.hostname:
            raise ValueError(f"{parts.scheme}:// lacks what comes behind it, such as {parts.scheme}://lists/klaviyo")
        if "::" in parts.path:  # fsspec would take what follows for another kind of folder
            raise ValueError("an address holds no ::")
        return url.rstrip("/")

    @model_validator(mode="after")
    def lists_are_of_interfaces(self) -> Self:
        if self.is_interface != bool(self.lists):
            raise ValueError("lists says which list there an audience is; for https:// it is needed, else it is not")
        return self

    @property
    def is_interface(self) -> bool:
        return self.url.startswith(("https://", "http://"))

    def secret(self, default: str) -> str | None:
        """The key, as the environment holds it."""
        return os.environ.get(self.credential or default)


def is_this_machine(host: str | None) -> bool:
    return host in ("127.0.0.1", "localhost")


def _sent_secretly(address: Secret[HttpUrl] | None) -> Secret[HttpUrl] | None:
    """An address that is a secret is one no more where it is sent for everybody on the way to read."""
    url = address.get_secret_value() if address else None
    if url is not None and url.scheme == "http" and not is_this_machine(url.host):
        raise ValueError("the address is a secret, and is sent over https:// only")
    return address


Webhook = Annotated[Secret[HttpUrl] | None, AfterValidator(_sent_secretly)]
"""An address that takes JSON, and holds the token by which it knows us."""


class DigestSettings(BaseModel):
    """Who gets the digest of a night, and how. User and password of the mail server are in the environment only."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: tuple[str, ...] = Field((), description="E-mail addresses it is sent to")
    sender: str | None = Field(None, description="E-mail address it comes from")
    smtp: Annotated[str | None, written(r"smtps?://[^\s/@?#:]+:\d+", "smtp://host:587, without a user")] = Field(
        None, description="Mail server: smtp://host:587 (STARTTLS) or smtps://host:465 (TLS)"
    )
    webhook: Webhook = Field(None, description="Address that takes Slack's JSON, by POST; a secret")
    weekdays: tuple[Weekday, ...] = Field((), description="Mornings on which it is sent; else all")
    report_address: Annotated[str | None, written(r"https?://\S+", "https://reports.example.com/shop")] = Field(
        None, description="Where reports/out can be opened, for the link"
    )

    @field_validator("to", "sender")
    @classmethod
    def are_addresses(cls, given: tuple[str, ...] | str | None) -> tuple[str, ...] | str | None:
        for address in (given,) if isinstance(given, str) else given or ():
            if not re.fullmatch(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+", address):
                raise ValueError("an e-mail address is written like crm@example.com, without a name")
        return given

    @model_validator(mode="after")
    def mail_is_whole(self) -> Self:
        parts = {"digest.to": self.to, "digest.sender": self.sender, "digest.smtp": self.smtp}
        missing = [name for name, value in parts.items() if not value]
        if 0 < len(missing) < len(parts):
            raise ValueError(f"an e-mail needs digest.to, digest.sender and digest.smtp; {missing[0]} is missing")
        return self

    @property
    def is_set(self) -> bool:
        return bool(self.to or self.webhook)


class Spark(BaseModel):
    """Where Spark runs and keeps its tables, for `engine = "spark"` (docs/scaling.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: str = Field("local[*]", min_length=1, description="Spark in this machine (local[*]), or spark://host:port")
    remote: Annotated[str | None, written(r"sc://\S+", "sc://host:15002")] = Field(
        None, description="A Spark Connect server, sc://host:port, instead of a master"
    )
    warehouse: Path | None = Field(
        None, description="Folder of Spark's tables, seen by all its workers and here; else data/warehouse/spark"
    )
    order_lines: tuple[str, ...] = Field(
        (), description="Parquet, CSV or JSON-lines files in canonical columns that Spark reads itself, on any path"
    )
    config: dict[str, str] = Field(default_factory=dict, description="Spark's own options: spark.executor.memory …")

    @field_validator("warehouse", mode="before")
    @classmethod
    def a_folder_of_this_machine(cls, given: Any) -> Any:
        if not given:
            return None
        path = re.sub(r"^file:(//)?(?=/[^/])", "", str(given))
        if re.match(r"[A-Za-z][\w+.-]*:", path):
            raise ValueError(
                "Spark's tables need a folder that its workers and this machine share; mount that place, and name the "
                "folder where it is mounted, such as /mnt/lake/perennial"
            )
        return path


class Period(BaseModel):
    """The days from `first` to `last`, both included. Also written as one text, FROM:TO."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: dt.date
    last: dt.date

    @model_validator(mode="before")
    @classmethod
    def from_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        first, colon, last = given.partition(":")
        if not colon:
            raise ValueError("a period is written FROM:TO, such as 2026-01-01:2026-03-31")
        return {"first": first.strip(), "last": last.strip()}

    @model_validator(mode="after")
    def forward(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"a period must not end before it begins; did you mean {self.last}:{self.first}?")
        return self

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


class Comparison(BaseModel):
    """Two periods, the earlier one first. Also written as one text, A_FROM:A_TO,B_FROM:B_TO."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    a: Period
    b: Period

    @model_validator(mode="before")
    @classmethod
    def from_text(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        a, comma, b = given.partition(",")
        if not comma:
            raise ValueError(
                "two periods are written A_FROM:A_TO,B_FROM:B_TO, such as 2025-01-01:2025-06-30,2026-01-01:2026-06-30"
            )
        return {"a": a.strip(), "b": b.strip()}

    @model_validator(mode="after")
    def apart(self) -> Self:
        """Lost means: bought in A, not in B. Between periods that overlap it would mean nothing."""
        if self.a.last >= self.b.first:
            raise ValueError(
                f"the first period ({self.a}) must end before the second ({self.b}) begins; "
                f"write the earlier one first, and let them not overlap"
            )
        return self

    def __str__(self) -> str:
        return f"{self.a},{self.b}"


class Settings(BaseSettings):
    """Settings of one home (one shop)."""

    model_config = SettingsConfigDict(env_prefix="PERENNIAL_", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Field(default_factory=Path.cwd, description="Folder that holds data/, reports/ and perennial.toml")
    timezone: Analytic[str] = Field("UTC", description="The shop's time zone: what 'a day' means")
    currency: Analytic[str] = Field("EUR", description="The one reporting currency, ISO 4217")
    name: str = Field("", max_length=60, description="The shop's name, for the titles of the report")
    locale: str = Field("en", description="How numbers are written: en, de, fr, pl, …; texts stay English")
    country: Annotated[str | None, written("[A-Z]{2}", "PL or DE, in capital letters")] = Field(
        None,
        description="Country of the shop, ISO 3166: of telephone numbers that name none, of a customer who names none",
    )
    first_snapshot: dt.date | None = Field(
        None, description="First day for which a snapshot can be asked; else the day of the first order"
    )
    sources_folder: Path | None = Field(None, description="Own sources: <folder>/<source>/<input>.sql")
    duplicate_lines: Analytic[dict[str, Literal["keep", "drop"]]] = Field(
        default_factory=dict,
        description="Per source: keep or drop exact copies of a line inside one export; else as the source says",
    )
    dialects: Analytic[dict[str, Dialect]] = Field(
        default_factory=dict,
        description="Per source: how its files are written; else as the source says or the file shows",
    )
    exported_at: Analytic[dict[str, str]] = Field(
        default_factory=dict,
        description="Per source: where the names of its files hold the time of the export, orders_%Y-%m-%d",
    )
    charge_products: Analytic[dict[str, ChargeProducts]] = Field(
        default_factory=dict,
        description="Per source: products that are no goods but charges, and the other way round; else as it says",
    )
    statuses: Analytic[dict[str, dict[str, Standing]]] = Field(
        default_factory=dict,
        description="Per source: what an order with a status is (stands, unpaid, never_stood, refunded); else as the "
        "source says",
    )
    gift_card_products: Analytic[tuple[str, ...] | None] = Field(
        None,
        description="Names or ids of gift cards that are sold, * for any text; else as the source says; [] for none",
    )
    link_guests: Analytic[bool | dict[str, bool]] = Field(
        True,
        description="Whether orders of guests go to the one account their e-mail address has; or per source",
    )
    id_guard: Analytic[dict[str, bool]] = Field(
        default_factory=dict,
        description="Per source: whether ids that a spreadsheet changed are repaired or refused; false takes all ids "
        "as they stand",
    )
    rates_file: Path | None = Field(
        None,
        description="CSV of date, currency, rate (units of the reporting currency for one); else data/exports/rates/",
    )
    rate_max_age_days: Analytic[int] = Field(
        7, ge=0, description="How many days an exchange rate holds when no newer one is there"
    )
    quarantine_limit: float = Field(0.05, ge=0, le=1, description="Share of a file's rows that may be quarantined")
    max_export_bytes: int = Field(50_000_000_000, ge=1, description="Bytes a file of an export may hold, unpacked")
    max_export_ratio: float = Field(
        200, gt=1, description="How many times its size a packed file of more than 100 MB may unpack to"
    )
    cancelled_orders_count: Annotated[Analytic[bool], InSql("BOOLEAN", "cancelled_orders_count")] = Field(
        False, description="Whether a cancelled order is still a purchase occasion"
    )
    tiers: Analytic[Tiers] = Field(
        default_factory=lambda: Tiers(), description="Cut points of the recency/frequency/spend tiers"
    )
    rfm: Later[Rfm] = Field(default_factory=lambda: Rfm(), description="Cut points of the recency score")
    activity_window_days: Annotated[Analytic[int], InSql("INTEGER", "activity_window_days")] = Field(
        90, ge=1, le=3650, description="Length of each of the two windows that recency_activity compares"
    )
    compare: Annotated[
        Analytic[Comparison | None],
        NoDecode,
        InSql("DATE", "compare_a_from", "compare_a_to", "compare_b_from", "compare_b_to"),
    ] = Field(None, description="Two periods to compare, A_FROM:A_TO,B_FROM:B_TO; else the halves of the history")
    period: Annotated[Analytic[Period | None], NoDecode, InSql("DATE", "period_from", "period_to")] = Field(
        None, description="Period whose orders period_segments scores, FROM:TO; else the last 365 days"
    )
    catalogue: Annotated[Later[Literal["grid", "axonaut"]], InSql("VARCHAR", "catalogue")] = Field(
        "grid", description="Which segments the report speaks of: the grid of ten, or Axonaut's seven"
    )
    keep_daily: int = Field(35, ge=1, description="How many of the newest snapshots are kept")
    keep_monthly: Literal["all"] | Annotated[int, Field(ge=0)] = Field(
        "all", description="Of how many months the last snapshot is kept, too: all, or the newest so many"
    )
    keep_platform_days: int = Field(
        30, ge=1, description="Days after its snapshot for which a file with addresses, of a platform, is kept"
    )
    keep_quarantine_days: int = Field(90, ge=1, description="Days for which the text of quarantined rows is kept")
    clv: Analytic[Clv] = Field(
        default_factory=lambda: Clv(), description="Horizon, discount and margin of predicted value"
    )
    trend: Analytic[Trend] = Field(
        default_factory=lambda: Trend(), description="Windows and level of the activity trend"
    )
    churn_horizon_days: Analytic[int | None] = Field(
        None, ge=14, le=730, description="Days without a purchase after which a customer is churned; else 30 to 180"
    )
    lifecycle: Analytic[Lifecycle] = Field(
        default_factory=lambda: Lifecycle(), description="Limits of the lifecycle stages, and scenarios to project"
    )
    rhythm: Analytic[Rhythm] = Field(
        default_factory=lambda: Rhythm(), description="When to write before the key moment"
    )
    need_stages: Later[tuple[NeedRule, ...]] = Field(
        (), description="Sequences of needs: the rules of need_stages.toml in the home"
    )
    affinity: Later[Affinity] = Field(
        default_factory=lambda: Affinity(), description="Which baskets tell what goes together"
    )
    audiences: Later[Audiences] = Field(
        default_factory=lambda: Audiences(), description="Which products, categories and places have audiences"
    )
    deliver: Later[dict[str, Terms]] = Field(
        default_factory=dict, description="Per audience: for which platforms it is written, and on which terms"
    )
    destinations: dict[str, Destination] = Field(
        default_factory=dict, description="Where lists are sent when a snapshot is published"
    )
    holdout_share: Later[float] = Field(
        0.0, ge=0, lt=1, description="Share of all customers who are left alone by every audience, to compare with"
    )
    contacts: Later[Contacts] = Field(
        default_factory=lambda: Contacts(), description="How often a customer is written to, and when nobody is"
    )
    discounts: Later[Discounts] = Field(
        default_factory=lambda: Discounts(), description="How large discounts are, and what bounds them"
    )
    schedule_hour: int = Field(3, ge=0, le=23, description="Local hour of the nightly run")
    digest: DigestSettings = Field(
        default_factory=lambda: DigestSettings(), description="Who gets the digest of a night, and how"
    )
    failure_webhook: Webhook = Field(None, description="Address that is told (POST, JSON) when a run fails")
    share: Literal["owner", "group"] = Field(
        "owner", description="Who may read what is published: the owner of the home, or its group, too"
    )
    id_key: Secret[str] | None = Field(
        None, description="Key of the ids made from e-mail addresses, 64 hexadecimal digits; else .perennial/id.key"
    )
    erasure_keys: Secret[str] | None = Field(
        None, description="Keys by which those are known again who were forgotten, commas between; the first is used"
    )
    lock_wait_seconds: float = Field(
        600, ge=0, description="How long a run waits for another in its home, or for who has the warehouse open"
    )
    engine: Literal["duckdb", "spark"] = Field("duckdb", description="Where the SQL runs: in this process, or on Spark")
    spark: Spark = Field(default_factory=lambda: Spark(), description='Where Spark runs; for engine = "spark"')
    memory_limit: Annotated[str, written(r"\d+(\.\d+)?\s*(%|[KMGT]i?B)", "70% or 8GB")] = Field(
        "70%", description="Memory DuckDB may use"
    )
    threads: int = Field(0, ge=0, description="Threads DuckDB may use; 0 = all cores")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        home = init_settings().get("home") or env_settings().get("home") or Path.cwd()
        files = [Path(home) / NEEDS_FILE, Path(home) / SETTINGS_FILE]
        return init_settings, env_settings, *(TomlConfigSettingsSource(settings_cls, file) for file in files)

    @field_validator("need_stages")
    @classmethod
    def rules_have_names(cls, rules: tuple[NeedRule, ...]) -> tuple[NeedRule, ...]:
        names = [rule.rule for rule in rules]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two rules are called {sorted(twice)[0]!r}")
        return rules

    @field_validator("home")
    @classmethod
    def absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @field_validator("currency")
    @classmethod
    def known_currency(cls, code: str) -> str:
        if code not in CURRENCIES:
            raise ValueError("must be a currency of ISO 4217, in capital letters, such as EUR, PLN or USD")
        return code

    @field_validator("timezone")
    @classmethod
    def known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone; write one like 'Europe/Warsaw'") from error
        return name

    @field_validator("locale")
    @classmethod
    def known_locale(cls, name: str) -> str:
        try:
            Locale.parse(name.replace("-", "_"))
        except (UnknownLocaleError, ValueError) as error:
            raise ValueError(f"{name!r} is not a locale; write one like 'en', 'de' or 'fr_CH'") from error
        return name

    @field_validator("exported_at")
    @classmethod
    def times_in_names(cls, patterns: dict[str, str]) -> dict[str, str]:
        for pattern in patterns.values():
            check_pattern(pattern)
        return patterns

    @field_validator("id_key")
    @classmethod
    def is_a_key(cls, key: Secret[str] | None) -> Secret[str] | None:
        if key is not None and not re.fullmatch("[0-9a-fA-F]{64}", key.get_secret_value()):
            raise ValueError("a key is 64 hexadecimal digits, such as `openssl rand -hex 32` makes")
        return key

    @field_validator("erasure_keys")
    @classmethod
    def are_keys(cls, keys: Secret[str] | None) -> Secret[str] | None:
        if keys is not None and any(len(key.strip()) < LEAST_KEY for key in keys.get_secret_value().split(",")):
            raise ValueError(f"each key has {LEAST_KEY} characters or more, such as `openssl rand -hex 32` makes")
        return keys

    @model_validator(mode="after")
    def spark_reads_for_spark(self) -> Self:
        if self.spark.order_lines and self.engine != "spark":
            raise ValueError('spark.order_lines are read by Spark: set engine = "spark", or remove them')
        return self

    @model_validator(mode="after")
    def resolve_paths(self) -> Self:
        for name in ("sources_folder", "rates_file"):
            path = getattr(self, name)
            if path is not None and not path.is_absolute():
                # Settings are frozen against callers; this is still their construction.
                object.__setattr__(self, name, (self.home / path).resolve())
        if self.spark.warehouse is not None:
            spark = self.spark.model_copy(update={"warehouse": self.home / self.spark.warehouse})
            object.__setattr__(self, "spark", spark)
        return self

    @property
    def memory_bytes(self) -> int:
        """`memory_limit` as a number; a share is taken of the machine's memory, or of its container's."""
        number, unit = re.fullmatch(r"([\d.]+)\s*(.+)", self.memory_limit).groups()  # type: ignore[union-attr]
        if unit == "%":
            return int(available_bytes() * float(number) / 100)
        return int(float(number) * (1024 if unit.endswith("iB") else 1000) ** (1 + "KMGT".index(unit[0])))

    @property
    def warehouse_file(self) -> Path:
        """The home's DuckDB file: all tables, or beside Spark's tables ledger, inputs and their catalog."""
        name = "perennial" if self.engine == "duckdb" else self.engine
        return self.home / "data" / "warehouse" / f"{name}.duckdb"

    @property
    def exports_folder(self) -> Path:
        """The drop folder: a file in `data/exports/<source>/` is an export of that source."""
        return self.home / "data" / "exports"

    @property
    def sources_folders(self) -> tuple[Path, ...]:
        """Where sources are looked up, the user's own first."""
        own = [self.sources_folder] if self.sources_folder else []
        in_home = self.home / "sql" / "sources"
        if in_home.is_dir():
            own.append(in_home)
        return tuple(dict.fromkeys((*own, SQL_FOLDER / "sources")))

    def today(self) -> dt.date:
        """The day it is in the shop: for what is due, and for messages. No table is computed from it."""
        return dt.datetime.now(ZoneInfo(self.timezone)).date()

    def asked_periods(self) -> dict[str, Period]:
        """The periods that are set, by what they are called in messages."""
        asked = {"compare (A)": self.compare and self.compare.a, "compare (B)": self.compare and self.compare.b}
        asked["period"] = self.period
        return {name: period for name, period in asked.items() if period}

    def analytic(self) -> dict[str, Any]:
        """The settings that change results, as JSON values: what a manifest records and a fingerprint covers."""
        fields = type(self).model_fields.items()
        names = {name for name, field in fields if _ANALYTIC in field.metadata}
        names -= {name for name, field in fields if _LATER in field.metadata and self._is_default(name, field)}
        return self.model_dump(mode="json", include=names)

    def _is_default(self, name: str, field: FieldInfo) -> bool:
        return bool(getattr(self, name) == field.get_default(call_default_factory=True, validated_data={}))

    def in_sql(self) -> dict[str, tuple[str, Any]]:
        """params.settings: what SQL reads of the settings, as column -> (type, value)."""
        return dict(_in_sql(self))

    def fingerprint(self) -> str:
        text = json.dumps(self.analytic(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _in_sql(settings: BaseModel) -> Iterator[tuple[str, tuple[str, Any]]]:
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        for mark in field.metadata:
            if isinstance(mark, InSql):
                parts = zip(mark.columns, mark.parts(value), strict=True)
                yield from ((column, (mark.type, part)) for column, part in parts)
                break
        else:
            if isinstance(value, BaseModel):
                yield from _in_sql(value)


def _parts(value: Any) -> list[Any]:
    """The values that a value is made of, in order."""
    if isinstance(value, BaseModel):
        return [part for name in type(value).model_fields for part in _parts(getattr(value, name))]
    return list(value) if isinstance(value, tuple) else [value]


def load(home: Path | None = None, **overrides: Any) -> Settings:
    """Settings of `home` (default: PERENNIAL_HOME, else the current folder); `overrides` that are not None win.

    Raises SettingsError, which names the setting, the file and the remedy, instead of pydantic's report.
    """
    try:
        given = {"home": home} | overrides
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{_told_of(home)} is not readable TOML: {error}. Fix that line.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{SETTINGS_FILE} is not UTF-8 text (byte {error.start:,}). Save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{SETTINGS_FILE} of the home cannot be read: {error.strerror}. Fix that.") from error
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None  # pydantic's own words hold the values, secrets among them


def _told_of(home: Path | None) -> str:
    """Which of the two files cannot be read; the error does not say."""
    try:
        tomllib.loads(((home or Path(os.environ.get("PERENNIAL_HOME", "."))) / SETTINGS_FILE).read_text())
    except FileNotFoundError:
        return NEEDS_FILE
    except tomllib.TOMLDecodeError:
        return SETTINGS_FILE
    return NEEDS_FILE


_MAY_HOLD_SECRETS = ("failure_webhook", "digest", "destinations", "id_key", "erasure_keys")
"""Settings that are never repeated, nor what they stand in: a key, or an address that may have one in it."""


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        message = told(problem, Settings)
        if problem["type"] == "extra_forbidden":
            message = f"there is no such setting; {_instead(problem['loc'])}"
        elif problem["type"].startswith("date_"):
            message = "this is no day; write YYYY-MM-DD"
        secret = name.startswith(_MAY_HOLD_SECRETS)
        given = "" if secret or problem["type"] == "extra_forbidden" else f" (given: {problem['input']!r})"
        lines.append(f'setting "{name}": {message}{given}')
    where = f"{SETTINGS_FILE} in the home, from PERENNIAL_* variables and from options"
    return f"{'; '.join(lines)}. Settings come from {where}."


def _instead(place: tuple[str | int, ...]) -> str:
    if len(place) == 1:
        close = meant(place, Settings)
        return close if close.startswith("did you") else "docs/settings.md lists them"
    if place[-1] in Settings.model_fields:  # appended to the file, and so to its last table
        return f"a setting of the home, as {place[-1]} is, stands above the first [table] of {SETTINGS_FILE}"
    return meant(place, Settings)


def export_home(settings: Settings) -> None:
    """Make this home the one that Dagster, and every process it starts, works in."""
    dagster_home = settings.home / ".dagster"
    dagster_home.mkdir(parents=True, mode=0o700, exist_ok=True)
    config = dagster_home / "dagster.yaml"
    if not config.exists() or config.read_text() == _DAGSTER_YAML_OF_BEFORE:  # a text that somebody changed stays
        config.write_text(DAGSTER_YAML)
    os.environ["PERENNIAL_HOME"] = str(settings.home)
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
