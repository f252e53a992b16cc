"""Many small cases in one test: all of them are tried, and those that fail are listed together."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Case = TypeVar("Case")


def failing(cases: Iterable[Case], check: Callable[[Case], object]) -> list[str]:
    """A line for each case in which `check` raises or asserts in vain. There must be cases."""
    tried, found = 0, []
    for case in cases:
        tried += 1
        try:
            check(case)
        except Exception as error:
            found.append(f"{getattr(case, '__name__', case)}: {type(error).__name__}: {error}")
    assert tried, "no case was tried"
    return found
