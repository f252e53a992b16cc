"""Progress: a Dagster logger that tells a run step by step, for people at a terminal."""

import logging
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import dagster as dg
from rich.console import Console
from rich.status import Status
from rich.text import Text

from pipeline.shapes import counted
from pipeline.terminal import Terminal

_ENDS = {"PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED"}
_SKIPPED = (
    "Dependencies for step"  # Dagster names, as errors, all steps after a failure or a stop, which says enough itself
)


class ProgressHandler(logging.Handler):
    """What the steps of a run say, and where it is.

    At a terminal one line that changes: how many steps are done, and the last of them. With `verbose` a line for each
    finished step, with its rows and seconds, and everything that steps say. Warnings and failures are always told.
    """

    def __init__(self, console: Console, verbose: bool = True) -> None:
        super().__init__(logging.DEBUG)  # Dagster's own events are debug messages
        self._console = console
        self._verbose = verbose
        self._rows: dict[str, int] = {}
        self._warnings: dict[str, list[str]] = {}
        self._done, self._began = 0, time.monotonic()
        self._line: Status | None = None

    def emit(self, record: logging.LogRecord) -> None:
        meta: dict[str, Any] = getattr(record, "dagster_meta", {})
        event = meta.get("dagster_event")
        message = str(meta.get("orig_message") or record.getMessage())
        if event is None:
            self._tell(record.levelno, message)
        elif event.event_type_value == "ASSET_MATERIALIZATION":
            self._note_rows(event)
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            self._note_warning(event)
        elif event.event_type_value == "STEP_SUCCESS":
            self._finish(event)
        elif event.event_type_value == "STEP_FAILURE":
            self._say(f"  ✗ {_title(event.step_key)}", "bold red")
        elif event.event_type_value in _ENDS:
            self._end()

    def _tell(self, level: int, message: str) -> None:
        """What a step says itself."""
        if message.startswith(_SKIPPED):
            return
        if level >= logging.WARNING:
            self._say(f"  ! {message}", "yellow")
        elif level >= logging.INFO and self._verbose:
            self._say(f"    {message}", "dim")

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
        self._done += 1
        if self._verbose or warnings:
            self._say(self._finished(event, "!" if warnings else "✓"), "yellow" if warnings else "green")
        for sentence in warnings:
            self._say(f"    {sentence}", "yellow")
        if not self._verbose and self._console.is_terminal:
            self._show(f"{self._done} steps done, {_title(event.step_key)} last")

    def _show(self, text: str) -> None:
        """The line that changes; begun with the first step, so that a run without steps has none."""
        if self._line is None:
            self._line = self._console.status("")
            self._line.start()
        self._line.update(Text(text, style="dim"))

    def _end(self) -> None:
        if self._line is not None:
            self._line.stop()
        if not self._verbose and self._done:
            self._say(f"  {counted(self._done, 'step')} in {time.monotonic() - self._began:.1f} s", "dim")

    def _finished(self, event: Any, mark: str) -> str:
        rows = self._rows.pop(event.step_key, None)
        seconds = event.event_specific_data.duration_ms / 1000
        shown = f"{rows:>10,} rows" if rows is not None else " " * 15
        return f"  {mark} {_title(event.step_key):<44}{shown}{seconds:>8.1f} s"

    def _say(self, line: str, style: str) -> None:
        self._console.print(Text(line, style=style), soft_wrap=True)


def _title(step: str) -> str:
    return step.replace("__", ".")


@dg.logger(
    {"verbose": dg.Field(bool, default_value=False)}, description="Tells a terminal where a run is, or step by step."
)
def progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("perennial.progress", level=logging.DEBUG)
    logger.addHandler(_handler(context.run_id or "", context.logger_config["verbose"]))
    return logger


@lru_cache(maxsize=1)
def _handler(run_id: str, verbose: bool) -> ProgressHandler:
    """One for the two loggers that Dagster makes of a run: its steps tell the one, its end the other."""
    return ProgressHandler(Terminal(stderr=True), verbose)


def progress(verbose: bool = False) -> Mapping[str, Any]:
    """The part of a run's configuration that has it told at the terminal."""
    return {"loggers": {"progress": {"config": {"verbose": verbose}}}}
