"""Engines: where SQL runs. `engine` is the interface, `duckdb` the embedded default, `dialect` the portable subset."""
