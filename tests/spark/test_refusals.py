"""A run on Spark that cannot be had: one message on the command line, and nothing published."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from homes import Home

PERENNIAL = Path(sys.executable).with_name("perennial")


@pytest.fixture
def home(tmp_path: Path, needs_spark: None) -> Home:
    home = Home.made(tmp_path / "home")
    home.drop("orders.csv")
    return home


def _run(home: Home, **variables: str) -> subprocess.CompletedProcess[str]:
    given = {f"PERENNIAL_{name}": value for name, value in variables.items()}
    command = [str(PERENNIAL), "run", "--home", str(home.folder), "--engine", "spark", "--snapshot", "2026-02-28"]
    return subprocess.run(command, env={**os.environ, **given}, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SPARK__MASTER": "spark://127.0.0.1:1"}, "the Spark master spark://127.0.0.1:1 cannot be reached"),
        ({"SPARK__REMOTE": "sc://127.0.0.1:1"}, "the Spark Connect server sc://127.0.0.1:1 cannot be reached"),
        ({"SPARK__WAREHOUSE": "/proc/lake"}, "Spark's tables cannot be written to /proc/lake"),
        ({"SPARK__ORDER_LINES": '["/nowhere/*.parquet"]'}, "orders.csv holds order lines, and spark.order_lines names"),
    ],
)
def test_it_is_one_message_and_nothing_is_published(home: Home, variables: dict[str, str], says: str) -> None:
    done = _run(home, **variables)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("Not published. "), done.stderr
    assert not (home.folder / "data" / "marts").exists()
