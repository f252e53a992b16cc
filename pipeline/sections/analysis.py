"""Sections of the settings that say how customers are judged: scores, value, lifecycle, trend, needs, periods."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.sections.marks import InSql


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
