"""Skips that nobody allowed fail the run where CI=true: a test that does not run proves nothing, and looks green."""

from collections.abc import Mapping
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("skips.txt")


def allowed(file: Path = LIST) -> dict[str, str]:
    """{part of the reason of a skip: why it is right}, as the list has them."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return dict(tuple(part.strip() for part in line.split("|", maxsplit=1)) for line in lines)  # type: ignore[misc]


class NoOtherSkips:
    """A plugin that fails the session if a test skips for a reason that is not on the list."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = reasons
        self.others: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._look_at(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._look_at(report)

    def _look_at(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(part in reason for part in self.reasons):
            self.others.append(f"{report.nodeid}: {reason}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.others and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.others:
            terminalreporter.section(f"skipped, and not on {LIST.name}", red=True)
            for line in self.others:
                terminalreporter.line(line)
