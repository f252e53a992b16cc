"""Sections of the settings that say who is written to: audiences and their terms, discounts, contacts."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipeline.sections.marks import BETWEEN_PARTS, InSql


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
