"""Hillstrom's e-mail test: 64,000 customers, drawn by lot for one of two mailings or none. Shared data, if there."""

from pathlib import Path

import pytest

FILE = Path(__file__).resolve().parents[2] / "shared" / "data" / "hillstrom.parquet"
needs_hillstrom = pytest.mark.skipif(not FILE.exists(), reason="the shared data sets are no part of the repository")
