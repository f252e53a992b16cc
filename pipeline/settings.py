"""Every setting of a home, in one class: `perennial.toml` in the home, then PERENNIAL_* variables on top.

Nothing else in the project reads the environment. A setting that changes what is computed is part of `fingerprint`,
which travels in every manifest, so that two partitions can be told apart by the settings that made them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tomllib
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, Secret, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

SETTINGS_FILE = "perennial.toml"
PROJECT = Path(__file__).resolve().parent.parent
SQL_FOLDER = PROJECT / "sql"
TEMPLATES_FOLDER = PROJECT / "reports" / "templates"


class SettingsError(Exception):
    """A setting that cannot be used; the message names the setting, where it stands and what would do."""


class Tiers(BaseModel):
    """Cut points of the three-step tiers; a pair that is not set is learnt from the customers of the day.

    `recency_days` = (a, b): up to a days is short, up to b medium, more is long. `occasions` = (a, b): from a on
    regular, from b on often. `revenue` = (a, b): from a on average, from b on spender.
    """

    model_config = ConfigDict(extra="forbid")

    recency_days: tuple[int, int] | None = None
    occasions: tuple[int, int] | None = None
    revenue: tuple[float, float] | None = None

    @model_validator(mode="after")
    def ascending(self) -> Self:
        for name in ("recency_days", "occasions", "revenue"):
            pair = getattr(self, name)
            if pair is not None and pair[0] >= pair[1]:
                raise ValueError(f"{name} must be two ascending numbers, not {list(pair)}")
        return self


class Settings(BaseSettings):
    """Settings of one home (one shop)."""

    model_config = SettingsConfigDict(env_prefix="PERENNIAL_", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Field(default_factory=Path.cwd, description="Folder that holds data/, reports/ and perennial.toml")
    timezone: str = Field("UTC", description="The shop's time zone: what 'a day' means")
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="The one reporting currency, ISO 4217")
    first_snapshot: dt.date = Field(dt.date(2020, 1, 1), description="First day for which a snapshot can be asked")
    sources_folder: Path | None = Field(None, description="Own sources: <folder>/<source>/<input>.sql")
    duplicate_lines: dict[str, Literal["keep", "drop"]] = Field(
        default_factory=dict,
        description="Per source: keep or drop exact copies of a line inside one export; else as the source says",
    )
    quarantine_limit: float = Field(0.05, ge=0, le=1, description="Share of a file's rows that may be set aside")
    cancelled_orders_count: bool = Field(False, description="Whether a cancelled order is still a purchase occasion")
    tiers: Tiers = Field(default_factory=lambda: Tiers(), description="Cut points of the recency/frequency/spend tiers")
    schedule_hour: int = Field(3, ge=0, le=23, description="Local hour of the nightly run")
    failure_webhook: Secret[HttpUrl] | None = Field(
        None, description="Address that is told (POST, JSON) when a run fails"
    )
    lock_wait_seconds: float = Field(600, ge=0, description="How long a run waits for another one in the same home")
    memory_limit: str = Field("70%", pattern=r"^\d+(\.\d+)?\s*(%|[KMGT]i?B)$", description="Memory DuckDB may use")
    threads: int = Field(0, ge=0, description="Threads DuckDB may use; 0 = all cores")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
        home = init_settings().get("home") or env_settings().get("home") or Path.cwd()
        toml = TomlConfigSettingsSource(settings_cls, Path(home) / SETTINGS_FILE)
        return init_settings, env_settings, toml

    @field_validator("home")
    @classmethod
    def absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @field_validator("timezone")
    @classmethod
    def known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone; write one like 'Europe/Warsaw'") from error
        return name

    @model_validator(mode="after")
    def resolve_sources_folder(self) -> Self:
        if self.sources_folder is not None and not self.sources_folder.is_absolute():
            # Settings are frozen against callers; this is still their construction.
            object.__setattr__(self, "sources_folder", (self.home / self.sources_folder).resolve())
        return self

    @property
    def warehouse_file(self) -> Path:
        return self.home / "data" / "warehouse" / "perennial.duckdb"

    @property
    def exports_folder(self) -> Path:
        """The drop folder: a file in `data/exports/<source>/` is an export of that source."""
        return self.home / "data" / "exports"

    @property
    def sources_folders(self) -> tuple[Path, ...]:
        """Where sources are looked up, the user's own first."""
        own = (self.sources_folder,) if self.sources_folder else ()
        return (*own, SQL_FOLDER / "sources")

    def analytic(self) -> dict[str, Any]:
        """The settings that change results, as JSON values: what a manifest records and a fingerprint covers."""
        names = {"timezone", "currency", "duplicate_lines", "cancelled_orders_count", "tiers"}
        return self.model_dump(mode="json", include=names)

    def fingerprint(self) -> str:
        text = json.dumps(self.analytic(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def load(home: Path | None = None) -> Settings:
    """Settings of `home` (default: PERENNIAL_HOME, else the current folder).

    Raises SettingsError, which names the setting, the file and the remedy, instead of pydantic's report.
    """
    try:
        return Settings(home=home) if home is not None else Settings()
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{SETTINGS_FILE} is not readable TOML: {error}. Mend that line.") from error
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error


def _explain(error: ValidationError) -> str:
    known = ", ".join(Settings.model_fields)
    lines = []
    for problem in error.errors():
        name = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            message = f"there is no such setting; the settings are {known}"
        secret = name.startswith("failure_webhook")
        given = "" if secret or problem["type"] == "extra_forbidden" else f" (given: {problem['input']!r})"
        lines.append(f'setting "{name}": {message}{given}')
    return f"{'; '.join(lines)}. Settings come from {SETTINGS_FILE} in the home and from PERENNIAL_* variables."


def export_home(settings: Settings) -> None:
    """Make this home the one that Dagster, and every process it starts, works in."""
    dagster_home = settings.home / ".dagster"
    dagster_home.mkdir(parents=True, exist_ok=True)
    config = dagster_home / "dagster.yaml"
    if not config.exists():
        config.write_text("telemetry:\n  enabled: false\nnux:\n  enabled: false\n")
    os.environ["PERENNIAL_HOME"] = str(settings.home)
    os.environ["DAGSTER_HOME"] = str(dagster_home)
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
