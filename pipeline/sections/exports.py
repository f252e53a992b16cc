"""Sections of the settings that say how exports are read."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator


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
