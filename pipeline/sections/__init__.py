"""The sections of a home's settings, by topic; `pipeline.settings` has the whole."""
