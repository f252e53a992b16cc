"""Homes in which a few nights have already passed; tests copy them before they do harm."""

from collections.abc import Callable
from pathlib import Path

import pytest
from homes import DAYS, Home

from pipeline.settings import export_home


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-snapshots", action="store_true", help="Write tests/dagster/definitions.snapshot.json again"
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A shop in Warsaw with one export and no run yet."""
    made = Home.made(tmp_path / "home")
    made.drop("orders.csv")
    return made


@pytest.fixture(scope="session")
def one_night(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The first of DAYS is published. Read only: copy it to change it."""
    made = Home.made(tmp_path_factory.mktemp("one_night") / "home")
    made.drop("orders.csv")
    assert made.run(DAYS[0]).success
    return made


@pytest.fixture(scope="session")
def three_nights(one_night: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """DAYS are published, in order, one run each. Read only."""
    made = one_night.copied(tmp_path_factory.mktemp("three_nights") / "home")
    for day in DAYS[1:]:
        assert made.run(day).success
    return made


@pytest.fixture
def first_night(one_night: Home, tmp_path: Path) -> Home:
    """A copy of one_night."""
    return one_night.copied(tmp_path / "home")


@pytest.fixture
def enter(monkeypatch: pytest.MonkeyPatch) -> Callable[[Home], None]:
    """Makes a home the one this process works in, as the command line does; undone after the test."""

    def entered(home: Home) -> None:
        for name in ("PERENNIAL_HOME", "DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY"):
            monkeypatch.setenv(name, "")  # so that pytest puts back what export_home sets
        export_home(home.settings)

    return entered
