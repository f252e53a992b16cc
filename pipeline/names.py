"""Names of files: the numbers they hold, and the time at which an export was made, where the name gives it.

What belongs here: reading a name. What follows from it, `precedence` says.
"""

from __future__ import annotations

import datetime as dt
import re

# Numbers, and letters that stand alone: day2, orders (1), part_b.
_ORDINAL = re.compile(r"[0-9]+|(?<![^\W_])[^\W\d_](?![^\W_])")
_DIRECTIVES = {
    "Y": r"\d{4}", "y": r"\d{2}", "m": r"\d{1,2}", "d": r"\d{1,2}", "j": r"\d{1,3}", "H": r"\d{1,2}", "I": r"\d{1,2}",
    "M": r"\d{1,2}", "S": r"\d{1,2}", "f": r"\d{1,6}", "b": r"[a-z]{3}", "B": r"[a-z]+", "p": r"[ap]m",
    "z": r"[+-]\d{2}:?\d{2}|Z", "%": "%",
}  # fmt: skip
_DIRECTIVE = re.compile(r"%(.?)")


def ordinals(path: str) -> str:
    """What a path counts with, as a text that sorts like it: file2 before file10, orders before orders (1).

    Empty where there is neither a number nor a letter that stands alone; such a path sorts first.
    """
    return " ".join(map(_sortable, _ORDINAL.findall(path.casefold())))


def _sortable(ordinal: str) -> str:
    if not ordinal.isdecimal():
        return f"!{ordinal}"  # before all numbers: v.csv, then v2.csv
    number = ordinal.lstrip("0")
    return f"{len(number):03d}{number}"


def time_in(name: str, pattern: str, zone: dt.tzinfo) -> dt.datetime | None:
    """The first time in a file's name that is written as `pattern` says, in the local time of `zone`; None without one.

    Raises ValueError for a pattern that cannot be used (`check_pattern`).
    """
    for found in check_pattern(pattern).finditer(name):
        try:
            time = dt.datetime.strptime(found[0], pattern)  # noqa: DTZ007 - a name without an offset is local time
        except ValueError:
            continue
        return time.astimezone(zone).replace(tzinfo=None) if time.tzinfo else time
    return None


def check_pattern(pattern: str) -> re.Pattern[str]:
    """What to search a name for. Raises ValueError for what does not name a year, or is no part of a time."""
    used = _DIRECTIVE.findall(pattern)
    if unknown := [part for part in used if part not in _DIRECTIVES]:
        known = ", ".join(f"%{part}" for part in _DIRECTIVES)
        raise ValueError(f"%{unknown[0]} is no part of a time in a file's name; use {known}")
    if not {"Y", "y"} & {*used}:
        raise ValueError("a time in a file's name needs its year, such as orders_%Y-%m-%d")
    parts = _DIRECTIVE.split(pattern)
    regex = "".join(f"(?:{_DIRECTIVES[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(rf"(?<!\d){regex}(?!\d)" if pattern[0] == "%" else rf"{regex}(?!\d)", re.IGNORECASE)
