"""What all sentences of the report share: how one is registered, and what its rows are.

The rules of `words` hold: pure functions of aggregates, what is unknown is said, nothing is invented. Rows are those of
the chart that says the sentence, by the columns of its file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pipeline.reporting.prediction_words import model_name
from pipeline.reporting.words import number

Row = Mapping[str, Any]
Rows = Sequence[Row]
Sentence = TypeVar("Sentence", bound=Callable[..., str])
SENTENCES: dict[str, Callable[..., str]] = {}
"""Every sentence by the name of its filter."""
TREND_CLASSES = ("Growing", "Stable", "Declining")
LEAST_COMPARED = 20
"""Customers a group must have to be compared with others by a share."""


def sentence(function: Sentence) -> Sentence:
    """Register a function as a filter."""
    SENTENCES[function.__name__] = function
    return function


sentence(model_name)


@sentence
def expected(customers: float | None) -> str:
    """A number of customers that chance makes: '96', and '0.3' rather than 0."""
    return number(customers, 0 if customers is None or customers >= 10 else 1)


@sentence
def quarter(name: str) -> str:
    """'Q4 2026' of '2026-Q4'."""
    year, _, place = name.partition("-")
    return f"{place} {year}" if place.startswith("Q") else name
