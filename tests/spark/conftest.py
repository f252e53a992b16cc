"""A Spark session in this machine, for the tests that compare it with DuckDB. They skip where there is no Spark."""

import importlib.util
from collections.abc import Iterator

import pytest

from pipeline.engines.session import SparkUnavailable, close_session, open_session, require_available
from pipeline.settings import Settings, Spark


@pytest.fixture(scope="session")
def needs_spark(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where pyspark or Java is missing; `.ci/run` installs both."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("pyspark is not installed: make setup-spark")
    try:
        require_available(Settings(home=tmp_path_factory.mktemp("nothing")))
    except SparkUnavailable as error:
        if "Java" not in str(error):
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory, needs_spark: None) -> Iterator[object]:
    # The tables have a dozen rows: one partition, and no time for Java to optimise what runs once.
    options = {
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    home = tmp_path_factory.mktemp("spark")
    session = open_session(Settings(home=home, spark=Spark(master="local[2]", config=options)))
    yield session
    close_session(session)
