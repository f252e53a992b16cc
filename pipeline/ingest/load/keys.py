"""What decides how a file is read besides the file: the key that the ledger keeps, and settings given per source."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeVar

from pipeline.dialect import Dialect
from pipeline.ingest.sources import Source
from pipeline.sections.exports import ChargeProducts
from pipeline.settings import Settings
from pipeline.tables.inputs import INPUTS

Value = TypeVar("Value")
_RULES = 2
"""Raised where this code would read a file otherwise than before: files that are at hand are then read again."""

_RULES_OF_PERSONS = 1
"""The same of inputs with personal columns alone."""


def mapping_key(settings: Settings, source: Source) -> str:
    """What decides how a file is read besides the file: its source's SQL, its input's header, settings of ingest."""
    dialect = of_source(settings.dialects, source, Dialect()).model_dump(exclude_none=True)
    cards = settings.gift_card_products if source.header.gift_cards else None
    parts = [
        _RULES, source.mapping, INPUTS[source.input].reading, duplicate_lines(settings, source), settings.timezone,
        settings.currency, dialect,
        settings.rate_max_age_days, of_source(settings.exported_at, source, ""),
        of_source(settings.charge_products, source, ChargeProducts()).model_dump(),
        of_source(settings.statuses, source, {}), cards, sorted({"timezone", "currency"} & settings.model_fields_set),
        of_source(settings.id_guard, source, True),
    ]  # fmt: skip
    parts += [settings.country, _RULES_OF_PERSONS] if INPUTS[source.input].persons else []
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def with_rates(mapping: str, rates: str | None) -> str:
    """How a file was read that holds lines in other currencies: it is read again when the rates change."""
    return f"{mapping} rates {rates}"


def fixed_dialect(settings: Settings, source: Source) -> Dialect:
    """What the settings, else the source say of how its files are written."""
    return of_source(settings.dialects, source, Dialect()).over(source.header.dialect)


def duplicate_lines(settings: Settings, source: Source) -> str:
    return of_source(settings.duplicate_lines, source, source.header.duplicate_lines)


def of_source(values: Mapping[str, Value], source: Source, otherwise: Value) -> Value:
    """A setting that is given per source: for one of its inputs, else for all of them."""
    return values.get(f"{source.name}.{source.input}", values.get(source.name, otherwise))
