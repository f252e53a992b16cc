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
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError
from pydantic import BaseModel, Field, Secret, ValidationError, field_validator, model_validator
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
from pipeline.sections.activation import Audiences, Contacts, Discounts, Terms
from pipeline.sections.analysis import Affinity, Clv, Comparison, Lifecycle, NeedRule, Period, Rfm, Rhythm, Tiers, Trend
from pipeline.sections.delivery import Destination, DigestSettings, Webhook
from pipeline.sections.exports import ChargeProducts
from pipeline.sections.marks import ANALYTIC, LATER, Analytic, InSql, Later
from pipeline.sections.spark import Spark
from pipeline.shapes import CURRENCIES
from pipeline.shipped import shipped_files
from pipeline.statuses import Standing
from pipeline.validation import meant, place_of, told, written

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


class SettingsError(PerennialError):
    """A setting that cannot be used; the message names the setting, where it stands and what would do."""


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
        names = {name for name, field in fields if ANALYTIC in field.metadata}
        names -= {name for name, field in fields if LATER in field.metadata and self._is_default(name, field)}
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
    wrong = dict[str, list[str]]()
    for problem in error.errors():
        name = place_of(problem)
        message = told(problem, Settings)
        if problem["type"] == "extra_forbidden":
            message = f"there is no such setting; {_instead(problem['loc'])}"
        elif problem["type"].startswith("date_"):
            message = "this is no day; write YYYY-MM-DD"
        secret = name.startswith(_MAY_HOLD_SECRETS)
        given = "" if secret or problem["type"] == "extra_forbidden" else f" (given: {problem['input']!r})"
        wrong[name] = [message.removesuffix(given) for message in wrong.get(name, [])] + [f"{message}{given}"]
    lines = [f'setting "{name}": {" or ".join(messages)}' for name, messages in wrong.items()]
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
