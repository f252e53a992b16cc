"""Progress: a Dagster logger that tells a run step by step, for people at a terminal."""

import logging
from typing import Any

import dagster as dg
from rich.console import Console
from rich.text import Text

from pipeline.terminal import Terminal

_SKIPPED = "Dependencies for step"  # Dagster names every step that a failure stopped; the failure says enough


class ProgressHandler(logging.Handler):
    """One line per finished step, with its rows and seconds; what the steps say themselves, indented."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.DEBUG)  # Dagster's own events are debug messages
        self._console = console
        self._rows: dict[str, int] = {}
        self._warnings: dict[str, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        message = str(meta.get("orig_message") or record.getMessage())
        if event is None and (record.levelno < logging.INFO or message.startswith(_SKIPPED)):
            return
        if event is None:
            warns = record.levelno >= logging.WARNING
            self._say(f"  ! {message}" if warns else f"    {message}", "yellow" if warns else "dim")
        elif event.event_type_value == "ASSET_MATERIALIZATION":
            self._note_rows(event)
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            self._note_warning(event)
        elif event.event_type_value == "STEP_SUCCESS":
            self._finish(event)
        elif event.event_type_value == "STEP_FAILURE":
            self._say(f"  ✗ {_title(event.step_key)}", "bold red")

    def _note_rows(self, event: Any) -> None:
        count = event.event_specific_data.materialization.metadata.get("dagster/row_count")
        if count is not None:
            self._rows[event.step_key] = max(self._rows.get(event.step_key, 0), int(count.value))

    def _note_warning(self, event: Any) -> None:
        """Of a check that failed and stops nothing; one that stops something fails its step, which says why."""
        check = event.event_specific_data
        if not check.passed:
            said = (check.description or f"check {check.check_name} did not pass").splitlines()
            self._warnings.setdefault(event.step_key, []).extend(said)

    def _finish(self, event: Any) -> None:
        warnings = self._warnings.pop(event.step_key, [])
        self._say(self._finished(event, "!" if warnings else "✓"), "yellow" if warnings else "green")
        for sentence in warnings:
            self._say(f"    {sentence}", "yellow")

    def _finished(self, event: Any, mark: str) -> str:
        rows = self._rows.pop(event.step_key, None)
        seconds = event.event_specific_data.duration_ms / 1000
        shown = f"{rows:>10,} rows" if rows is not None else " " * 15
        return f"  {mark} {_title(event.step_key):<44}{shown}{seconds:>8.1f} s"

    def _say(self, line: str, style: str) -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)


def _title(step: str) -> str:
    return step.replace("__", ".")


@dg.logger({}, description="Tells a run step by step on the terminal.")
def progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("perennial.progress", level=logging.DEBUG)
    logger.addHandler(ProgressHandler(Terminal(stderr=True)))
    return logger
