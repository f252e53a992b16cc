"""Dagster assets, thin: one module per stage. What they do is in `pipeline`."""
