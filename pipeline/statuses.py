"""What the words of a shop system mean: statuses of orders, names of gift cards, faults that a source can see itself.

Each is a block of a source's header, so that it is data: read by loading, shown in docs/exports.md, changed by a
setting. The SELECT of the source gets the outcome as columns of `export` beside those of the file: `standing` (text)
and `is_gift_card` (boolean); of faults it gives the name, as `problem`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.quoting import text_literal

Standing = Literal["stands", "unpaid", "never_stood", "refunded"]
STANDINGS: Mapping[str, str] = {
    "stands": "counts",
    "unpaid": "counts, until it is cancelled",
    "never_stood": "brings nothing and is no occasion",
    "refunded": "was paid back: what the export names, else the whole",
}
UNKNOWN: Standing = "stands"
"""What an order of an unknown status is. Shops add words for steps of an order they took (packed, at the depot), not
for carts: to leave such orders out would lose customers without a trace, and the words are told until they are set."""

COMMON: Mapping[Standing, tuple[str, ...]] = {
    "stands": (
        "complete", "completed", "delivered", "fulfilled", "paid", "payment_accepted", "processing", "shipped",
        "succeeded", "success", "abgeschlossen", "bezahlt", "versandt", "opłacone", "zrealizowane", "wysłane", "payée",
        "livrée", "pagado", "entregado", "pagato", "consegnato",
    ),
    "never_stood": (
        "abandoned", "canceled", "cancelled", "declined", "draft", "expired", "failed", "payment_error",
        "payment_failed", "trash", "void", "voided", "abgebrochen", "abgelehnt", "storniert", "anulowana", "anulowane",
        "odrzucone", "annulé", "annulée", "cancelada", "cancelado", "annullato", "geannuleerd",
    ),
    "refunded": (
        "chargeback", "fully_refunded", "refunded", "erstattet", "zwrócona", "zwrócone", "remboursé", "remboursée",
        "reembolsado", "rimborsato", "terugbetaald",
    ),
}  # fmt: skip
"""Words that mean the same in every shop: what a first source for an unknown layout begins with."""
STANDING, IS_GIFT_CARD, PROBLEM = "standing", "is_gift_card", "problem"
_BETWEEN_WORDS = "[\\s\u00a0_-]+"
_PREFIX = "^wc_"
_LEAST_ROWS, _LEAST_SHARE, _LEAST_CUSTOMERS = 3, 0.005, 2


class Statuses(BaseModel):
    """The statuses of a shop system: which column holds them, and which words mean what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(description="The raw column that holds the status")
    stands: tuple[str, ...] = ()
    unpaid: tuple[str, ...] = ()
    never_stood: tuple[str, ...] = ()
    refunded: tuple[str, ...] = ()

    @model_validator(mode="after")
    def one_meaning(self) -> Self:
        words = [word for standing in get_args(Standing) for word in getattr(self, standing)]
        for word in words:
            if status_word(word) != word:
                raise ValueError(f"write the status {word!r} as {status_word(word)!r}")
            if words.count(word) > 1:
                raise ValueError(f"the status {word!r} can mean one thing only")
        return self

    def meanings(self, changed: Mapping[str, Standing]) -> dict[str, Standing]:
        """Word -> what an order with it is, `changed` by a setting."""
        known = {word: standing for standing in get_args(Standing) for word in getattr(self, standing)}
        return known | {status_word(word): standing for word, standing in changed.items()}


class GiftCards(BaseModel):
    """How gift cards that are sold are known: columns with names or ids of products, and patterns of these."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[str, ...] = Field(min_length=1)
    patterns: tuple[str, ...] = Field((), description="Names, in any case; * stands for any text")


class Fault(BaseModel):
    """What can be wrong with rows that only the SELECT of a source can see, which names it in its column `problem`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=10, description="What is wrong and what to do; a text of the header, never a cell")
    quarantined: bool = Field(True, description="Whether the row is quarantined, or loaded and told in a remark")
    limited: bool = Field(True, description="Whether the row counts towards quarantine_limit")
    left_out: bool = Field(
        False, description="Whether the row is none of this input: not counted as read, not quarantined, only told"
    )


def status_word(text: str) -> str:
    """A status as it is compared: "wc-Pending payment" is pending_payment."""
    return re.sub(_PREFIX, "", re.sub(_BETWEEN_WORDS, "_", text.strip().lower()))


def status_word_sql(text: str) -> str:
    """SQL: the same of a text column; null where nothing is written."""
    between = text_literal(_BETWEEN_WORDS.replace("\u00a0", "\\x{a0}"))
    words = f"regexp_replace(trim(lower(CAST({text} AS VARCHAR))), {between}, '_', 'g')"
    return f"nullif(regexp_replace({words}, '{_PREFIX}', ''), '')"


def standing_sql(word: str, meanings: Mapping[str, Standing]) -> str:
    """SQL: what an order with this status is; null where there is no status."""
    of: dict[str, list[str]] = {}
    for known, standing in sorted(meanings.items()):
        of.setdefault(standing, []).append(text_literal(known))
    cases = " ".join(f"WHEN {word} IN ({', '.join(words)}) THEN '{standing}'" for standing, words in of.items())
    return f"CASE WHEN {word} IS NULL THEN NULL {cases} ELSE '{UNKNOWN}' END"


def gift_card_sql(columns: Sequence[str], patterns: Sequence[str]) -> str:
    """SQL: whether one of the columns is named as a gift card is."""
    if not columns or not patterns:
        return "FALSE"
    any_of = "|".join(".*".join(map(_plain, pattern.strip().lower().split("*"))) for pattern in patterns)
    matches = (
        f"coalesce(regexp_full_match(lower(trim(CAST({column} AS VARCHAR))), {text_literal(f'(?s:{any_of})')}), FALSE)"
        for column in columns
    )
    return f"({' OR '.join(matches)})"


def is_shown(word: str, rows: int, customers: int, of: int) -> bool:
    """Whether an unknown status of so many rows (`of` all) and customers may be named; anything else may be a person.

    A word that a shop has set up is short, and stands at the orders of many: a name that slipped into the column does
    so at one customer's.
    """
    if rows < max(_LEAST_ROWS, _LEAST_SHARE * of) or customers < _LEAST_CUSTOMERS:
        return False
    return re.fullmatch(r"[^\W\d_]+(?:[ _-]+[^\W\d_]+)*", word) is not None and len(word) <= 30


def _plain(text: str) -> str:
    """A text as a regular expression of RE2 that matches it and nothing else."""
    return "".join(sign if sign.isalnum() or sign == " " or ord(sign) > 127 else f"\\{sign}" for sign in text)
