"""Names that reach into a column: `profile.email`, `items[0].item_id`, `event_params[ga_session_id].int_value`.

A dot goes to a key of an object, a number in brackets to an element of a list. Any other word in brackets goes to the
`value` of the element whose `key` it is, as lists of keys and values are written. What is not there is null.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from pipeline.quoting import text_literal

_PATH = re.compile(r"([^.\[\]]+)((?:\.[^.\[\]]+|\[[^\[\]]+\])+)")
_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\[\]]+)\]")


@dataclass(frozen=True)
class Path:
    """A column, and the way inside of it: (key of an object or None, place or key in a list or None) for each step."""

    column: str
    steps: tuple[tuple[str | None, str | None], ...]

    def sql(self, column: str, is_text: bool) -> str:
        """SQL: what lies there, as text. A text that is no JSON holds nothing."""
        value = f"CASE WHEN json_valid({column}) THEN CAST({column} AS JSON) END" if is_text else f"to_json({column})"
        for key, element in self.steps:
            if key is not None:
                value = f"json_extract({value}, {_json_path(key)})"
            elif element is not None and element.isdecimal():
                value = f"json_extract({value}, '$[{element}]')"
            else:
                pairs = f"CAST(json_extract({value}, '$[*]') AS JSON[])"
                is_it = f"json_extract_string(pair, '$.key') = {text_literal(str(element))}"
                value = f"json_extract(list_filter({pairs}, lambda pair: {is_it})[1], '$.value')"
        return f"json_extract_string({value}, '$')"


def _json_path(key: str) -> str:
    return text_literal('$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"')


@cache
def path_of(name: str) -> Path | None:
    """The path that a name is; None for a plain one."""
    found = _PATH.fullmatch(name)
    if found is None:
        return None
    return Path(found[1], tuple((key or None, element or None) for key, element in _STEP.findall(found[2])))
