"""Which tests one process runs: those of a file share fixtures, and files that share an expensive one are a unit.

What belongs here: units and the check that each is run by one process. pytest-xdist's own marks (`--dist loadgroup`) do
nothing under pytest 9.2, which no longer takes the names of tests from where xdist 3.8 writes the group.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
_REAL_SHOPS = re.compile(r"\b(online_retail|cdnow_master)\b")  # fixtures of conftest.py, loaded once per process


@cache
def unit_of(path: str) -> str:
    """The unit of a test file, which is relative to the checkout."""
    if path.startswith("tests/spark/"):
        return "tests/spark"  # one Java machine, warm after the first file
    return "real shops" if _REAL_SHOPS.search((ROOT / path).read_text()) else path


class Units(LoadScopeScheduling):  # type: ignore[misc]
    """A process takes the next unit when it is through with one; they begin in the order of `testpaths`."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid.partition("::")[0])


class OneProcessPerUnit:
    """A plugin that hands out units, and fails the session if more than one process ran tests of the same."""

    def __init__(self) -> None:
        self.processes: dict[str, set[str]] = {}

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> LoadScopeScheduling:
        return Units(config, log)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if worker := getattr(report, "worker_id", None):
            self.processes.setdefault(unit_of(report.nodeid.partition("::")[0]), set()).add(worker)

    @property
    def torn(self) -> list[str]:
        return [unit for unit, processes in self.processes.items() if len(processes) > 1]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.torn and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for unit in self.torn:
            terminalreporter.line(f"{unit}: run by several processes, and each made the fixtures for itself", red=True)
