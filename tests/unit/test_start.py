"""The command line starts at once: what is slow to import waits until a command needs it."""

import subprocess
import sys

SLOW = {
    "dagster",
    "duckdb",
    "lifetimes",
    "numpy",
    "pandas",
    "pandera",
    "plotly",
    "polars",
    "py4j",
    "pyarrow",
    "pyspark",
    "scipy",
    "sklearn",
    "sqlglot",
}


def test_the_command_line_imports_nothing_slow() -> None:
    code = "import sys, pipeline.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "typer" in loaded
    assert SLOW & set(loaded) == set()
