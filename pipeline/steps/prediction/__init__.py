"""Prediction: the models put to work on one snapshot. Cohorts from the engine, fits, holdouts, and rows for the tables.

What belongs here: which data a model sees, what it is tested on, which one is published. What does not: the models
themselves (`pipeline.models`), SQL of published tables (`sql/marts`), Dagster (`assets/prediction.py`).
"""
