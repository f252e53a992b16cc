"""Digests: the same rows have the same one in whatever order they come, others have another."""

from collections.abc import Iterator

import pytest
from nasty import on_duckdb, on_spark

from pipeline.engines.engine import Engine

pytestmark = pytest.mark.timeout(1500)  # Java machines start slowly where much else runs

ROWS = ("'a', NULL, 2.5", "'b', DATE '2026-01-02', NULL", "'b', DATE '2026-01-02', NULL")
OTHERS = (
    (ROWS[0],),
    ROWS[:2],
    (*ROWS, ROWS[1]),
    (*ROWS[:2], "'c', DATE '2026-01-02', NULL"),
    (*ROWS[:2], "'b', DATE '2026-01-03', NULL"),
    (*ROWS[:2], "'b', DATE '2026-01-02', 0"),
    (*ROWS[:2], "NULL, DATE '2026-01-02', NULL"),
)


def digest(engine: Engine, *rows: str) -> str:
    listed = " UNION ALL ".join(
        f"SELECT {name}::VARCHAR AS name, {day}::DATE AS day, {amount}::DECIMAL(18,2) AS amount"
        for name, day, amount in (row.split(", ") for row in rows)
    )
    return engine.digest(f"SELECT name, day, amount FROM ({listed}) AS listed")


@pytest.fixture(params=["duckdb", "spark"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("home")
    if request.param == "spark":
        request.getfixturevalue("needs_spark")
    with on_duckdb(home) if request.param == "duckdb" else on_spark(home, "local[2]") as engine:
        yield engine


def test_a_digest_is_of_the_rows_whatever_their_order(engine: Engine) -> None:
    assert digest(engine, *ROWS) == digest(engine, *ROWS[::-1])
    assert len({digest(engine, *rows) for rows in (ROWS, *OTHERS)}) == 1 + len(OTHERS)
