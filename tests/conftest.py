"""Fixtures that more than one kind of test needs: the tiny shop, and the two public data sets everyone knows."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from scheduling import OneProcessPerUnit
from shop import CDNOW, ONLINE_RETAIL, RealShop, Shop, open_engine, real_shop
from skips import NoOtherSkips, allowed

from pipeline.settings import Settings

# The same examples in every run: a nightly test that fails by chance teaches people not to look. No deadline, because
# the first example pays for the imports; no example database, because the top level of the repository is fixed.
hypothesis_settings.register_profile(
    "perennial",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.register_profile("searching", hypothesis_settings.get_profile("perennial"), derandomize=False)
hypothesis_settings.load_profile("perennial")


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CI") == "true":
        config.pluginmanager.register(NoOtherSkips(allowed()))
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(OneProcessPerUnit())


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests know their settings: what the shell of the developer has set does not reach them."""
    for name in [name for name in os.environ if name.startswith("PERENNIAL_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """An empty shop in a home of its own, on an engine in memory."""
    with open_engine(Settings(home=tmp_path)) as engine:
        yield Shop(tmp_path, engine)


@pytest.fixture(scope="session")
def cdnow_master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealShop]:
    """CDNOW, all 23,570 customers, up to 1998-06-30."""
    home = tmp_path_factory.mktemp("cdnow")
    with real_shop(Settings(home=home), "cdnow", CDNOW, dt.date(1998, 6, 30)) as shop:
        yield shop


@pytest.fixture(scope="session")
def online_retail_file() -> Path:
    if not ONLINE_RETAIL.exists():
        pytest.skip(f"{ONLINE_RETAIL} is not there: the shared data sets are no part of the repository")
    return ONLINE_RETAIL


@pytest.fixture(scope="session")
def online_retail(tmp_path_factory: pytest.TempPathFactory, online_retail_file: Path) -> Iterator[RealShop]:
    """Online Retail (UCI) up to 2011-12-09, mapped by the built-in source."""
    home = tmp_path_factory.mktemp("online_retail")
    with real_shop(Settings(home=home), "uci_online_retail", online_retail_file, dt.date(2011, 12, 9)) as shop:
        yield shop
