"""Sentences with more than two branches, as filters of the templates: `{{ rows|retention_sentence }}`, by topic."""

from pipeline.reporting.sentences import (  # noqa: F401 - each registers its own
    calendar,
    campaigns,
    cohorts,
    key_figures,
    lifecycle,
    periods,
    probability,
    rhythm,
    segments,
    trend,
    trust,
    value,
)
from pipeline.reporting.sentences.registry import SENTENCES

__all__ = ["SENTENCES"]
