"""A night in a shop with too little data for the models: it succeeds, predicts nothing, and says why."""

import pytest
from homes import DAYS, Home

WRITTEN = (
    "timing_predictions", "classifier_scores", "champions", "model_validation", "calibration_curve",
    "conditional_expectation", "decile_chart", "tracking", "model_parameters", "model_fits", "season_clock",
    "interval_coverage", "churn_horizons",
)  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_models_write_is_empty(one_night: Home, name: str) -> None:
    assert one_night.table(name, DAYS[0]).height == 0


def test_every_customer_has_a_row_that_says_why_nothing_is_predicted(one_night: Home) -> None:
    customers = one_night.table("customer_summary", DAYS[0])
    for name, predicted in (("clv_predictions", "predicted_clv"), ("churn_predictions", "churn_probability")):
        rows = one_night.table(name, DAYS[0])
        assert rows.height == customers.height > 0
        assert set(rows["status"]) == {"insufficient data"}
        assert rows[predicted].null_count() == rows.height


def test_the_log_says_why(first_night: Home) -> None:
    customers = first_night.table("customer_summary", DAYS[0]).height
    result = first_night.run(DAYS[0])
    assert result.success
    assert f"{DAYS[0]}: {customers} customers have bought; predictions need 500." in first_night.said(result)
