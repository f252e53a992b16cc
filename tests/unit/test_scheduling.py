"""The tests of a unit are run by one process, and a run that tears one apart fails."""

from types import SimpleNamespace

import pytest
from scheduling import OneProcessPerUnit, Units, unit_of


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("tests/spark/test_parity.py", "tests/spark"),
        ("tests/sql/test_reference_figures.py", "real shops"),
        ("tests/unit/test_skips.py", "tests/unit/test_skips.py"),
    ],
)
def test_units(path: str, unit: str) -> None:
    assert unit_of(path) == unit
    assert Units._split_scope(None, f"{path}::test_x[a::b]") == unit


def report(name: str, worker: str) -> pytest.TestReport:
    return pytest.TestReport(name, ("t.py", 1, "t"), {}, "passed", None, "call", worker_id=worker)


@pytest.mark.parametrize(("second", "exitstatus"), [("gw0", 0), ("gw1", 1)])
def test_a_unit_on_two_processes_fails_the_session(second: str, exitstatus: int) -> None:
    plugin = OneProcessPerUnit()
    plugin.pytest_runtest_logreport(report("tests/spark/test_parity.py::test_a", "gw0"))
    plugin.pytest_runtest_logreport(report("tests/spark/test_golden.py::test_b", second))
    plugin.pytest_runtest_logreport(report("tests/unit/test_skips.py::test_c", "gw1"))
    session = SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    plugin.pytest_sessionfinish(session)
    assert session.exitstatus == exitstatus
