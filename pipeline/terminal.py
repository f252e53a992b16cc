"""The door to the terminal: what is printed is literal. Names and data are text, whatever signs they hold.

A name of a file may hold escape sequences that repaint a terminal, line breaks that forge lines of a log, and what
rich takes for markup or emoji (`:x:`). Nothing of that is acted on here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from pipeline.shapes import one_line


class Terminal(Console):
    """A console without markup, emoji or highlighting, that prints control characters as dots."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is to be printed, piece by piece: every text and table comes by here; line ends are rich's own."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                lines = map(one_line, segment.text.split("\n"))
                yield Segment("\n".join(lines), segment.style)


out = Terminal()
err = Terminal(stderr=True)
