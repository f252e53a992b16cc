"""A skip that is not on the list fails the run of CI."""

import pytest
from skips import LIST, NoOtherSkips, allowed


def skipped(reason: str) -> pytest.TestReport:
    return pytest.TestReport("t.py::t", ("t.py", 1, "t"), {}, "skipped", ("t.py", 1, f"Skipped: {reason}"), "setup")


def test_what_is_on_the_list_may_skip_and_nothing_else() -> None:
    plugin = NoOtherSkips({"no disk": "needs root"})
    for reason in ("no disk here", "no Chromium"):
        plugin.pytest_runtest_logreport(skipped(reason))
    assert plugin.others == ["t.py::t: Skipped: no Chromium"]


def test_every_line_of_the_list_has_its_reason() -> None:
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    assert len(allowed()) == len(lines)
    assert all(allowed().values())
