"""What SQL that is not ours may say: it reads the tables it is given and its own CTEs, and calls functions of a list.

Sources, and what a home adds of its own, get passed around, so their SQL is judged before anything runs it: by DuckDB's
own parser, whose tree is what will run, and by allow-lists, so that what nobody thought of is refused. What is left can
read no file, no other table, no setting and no clock. The engine is locked besides (`engines.duckdb.confine`).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

import duckdb

EXPORT = "export"

_OPERATORS = """
+ - * / // % ** ^ || & | << >> ~ @ -> ->> ^@ ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape
not_ilike_escape
"""
_TEXT = """
ascii bar chr concat concat_ws contains damerau_levenshtein ends_with format hash hamming instr
jaccard jaro_similarity jaro_winkler_similarity lcase left left_grapheme length len char_length character_length strlen
levenshtein lower lpad ltrim md5 nfc_normalize ord position prefix printf regexp_escape regexp_extract
regexp_extract_all regexp_full_match regexp_matches regexp_replace regexp_split_to_array replace reverse right
right_grapheme rpad rtrim sha1 sha256 split split_part starts_with str_split str_split_regex string_split
string_split_regex string_to_array strip_accents strpos substr substring substring_grapheme suffix translate trim ucase
unicode upper url_decode url_encode
"""
_NUMBERS = """
abs ceil ceiling even exp floor gcd greatest isfinite isinf isnan lcm least ln log log10 log2 mod pow power round
round_even sign sqrt trunc to_base hex bin
"""
_TIMES = """
date_add date_diff datediff date_part datepart date_sub datesub date_trunc datetrunc day dayname dayofmonth dayofweek
dayofyear decade epoch epoch_ms epoch_ns epoch_us hour isodow isoyear last_day make_date make_time make_timestamp
make_timestamp_ms microsecond millisecond minute month monthname quarter second strftime strptime try_strptime
time_bucket timezone to_days to_hours to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks
to_years week weekday weekofyear year yearweek
"""
_CONDITIONS = "coalesce if ifnull nullif typeof"
_LISTS = """
array_extract array_length array_slice array_to_string list_apply list_contains list_distinct list_element list_extract
list_filter list_has list_position list_reverse list_slice list_sort list_transform list_value row struct_extract
struct_pack json_array_length json_extract json_extract_path json_extract_path_text json_extract_string json_keys
json_type json_valid
"""
_AGGREGATES = """
any_value arg_max arg_min array_agg avg bool_and bool_or corr count count_if count_star countif covar_pop covar_samp
first last list max max_by mean median min min_by mode quantile_cont quantile_disc regr_intercept regr_r2 regr_slope
stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance
"""
_WINDOWS = "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"
FUNCTIONS = frozenset(
    " ".join((_OPERATORS, _TEXT, _NUMBERS, _TIMES, _CONDITIONS, _LISTS, _AGGREGATES, _WINDOWS)).split()
)
"""The functions that may be called, by DuckDB's names: the same arguments give the same value, and nothing else
is looked at. Operators are functions, too."""

_EXPRESSIONS = {
    "BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION", "LAMBDA",
    "OPERATOR", "STAR", "SUBQUERY", "TYPE", "WINDOW",
}  # fmt: skip
_QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
_TABLES = {"BASE_TABLE", "EMPTY", "EXPRESSION_LIST", "JOIN", "SUBQUERY"}
_CLOCK = {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"}
_SESSION = {"current_catalog", "current_role", "current_schema", "current_user", "session_user"}  # without (), as those
_LONGEST_SHOWN = 60


class Unsafe(NamedTuple):
    """Something that may not be said: what, and the line of the SELECT in which it stands, if that is known."""

    what: str
    line: int | None


def unsafe(
    select: str, columns: Iterable[str] = (), tables: Iterable[str] = (EXPORT,), parameters: Iterable[str] = ()
) -> Unsafe | None:
    """The first thing in the SELECT that it may not say; None where it says nothing of the kind.

    `columns`: the raw columns, since one that is called like the clock is a column; `tables`: what it may read, in
    lower case, `table` or `schema.table`; `parameters`: the `$names` it may use.
    """
    return _unsafe(select, frozenset(name.lower() for name in columns), frozenset(tables), frozenset(parameters))


@cache
def _unsafe(select: str, columns: frozenset[str], tables: frozenset[str], parameters: frozenset[str]) -> Unsafe | None:
    (text,) = _parser().cursor().execute("SELECT json_serialize_sql(CAST(? AS VARCHAR))", [select]).fetchall()[0]
    tree = json.loads(text)
    if tree["error"]:
        is_other = tree["error_type"] == "not implemented"
        what = "is not a SELECT" if is_other else f"cannot be read as SQL ({_short(tree['error_message'])})"
        return Unsafe(what, _line(select, tree.get("position")))
    if len(tree["statements"]) != 1:
        return Unsafe(f"holds {len(tree['statements'])} statements", None)
    reader = _Reader(columns, tables, parameters)
    found = next(reader.found(tree["statements"][0]["node"], frozenset(), None), None)
    if found is None:
        return None
    what, place = found
    return Unsafe(what, _line(select, place))


def _line(select: str, place: str | int | None) -> int | None:
    """The line in which a byte of the text stands."""
    return None if place is None else select.encode()[: int(place)].count(b"\n") + 1


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """Parses and nothing else: an engine without a file, that may open none."""
    connection = duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": "false"})
    for setting in ("enable_external_access = false", "lock_configuration = true"):
        connection.execute(f"SET {setting}").fetchall()
    return connection


Found = Iterator[tuple[str, int | None]]


class _Reader:
    """Walks the tree from the root. `scope` are the names of the CTEs that may be read where it is."""

    def __init__(self, columns: frozenset[str], tables: frozenset[str], parameters: frozenset[str]) -> None:
        self._columns, self._tables, self._parameters = columns, tables, parameters

    def found(self, value: Any, scope: frozenset[str], place: int | None) -> Found:
        """(what is refused, its offset in bytes), in the order of the text as far as the tree keeps it."""
        if isinstance(value, list):
            for item in value:
                yield from self.found(item, scope, place)
        if not isinstance(value, dict):
            return
        here = value.get("query_location", place)
        place = here if here is not None and here < 1 << 62 else place
        refused = self._judge(value, scope)
        if refused is not None:
            yield refused, place
            return
        for cte in value.get("cte_map", {}).get("map", ()):
            name, query = cte["key"].lower(), cte["value"]
            recursive = query["query_node"]["type"] == "RECURSIVE_CTE_NODE"
            yield from self.found(query, scope | {name} if recursive else scope, place)
            scope |= {name}
        for key, inner in value.items():
            if key != "cte_map":
                yield from self.found(inner, scope, place)

    def _judge(self, node: dict[str, Any], scope: frozenset[str]) -> str | None:
        """What is wrong with the node itself."""
        kind = node.get("type")
        if "class" in node:
            return self._expression(node)
        if "modifiers" in node and kind not in _QUERIES:
            return f"holds a {_words(kind)}"
        if node.get("sample") is not None:
            return "takes a sample"
        if "sample" in node and "modifiers" not in node:
            return self._table(node, scope)
        return None

    def _expression(self, node: dict[str, Any]) -> str | None:
        kind = node["class"]
        if kind == "PARAMETER":
            return None if node["identifier"] in self._parameters else "holds a parameter"
        if kind not in _EXPRESSIONS:
            return f"holds a {_words(kind)}"
        if kind in ("FUNCTION", "WINDOW"):
            return _function(node)
        if kind == "TYPE" and (node["schema"] or node["catalog"]):
            return f"names a type of another schema, {_short(node['type_name'])}"
        if kind == "COLUMN_REF" and len(names := node["column_names"]) == 1:
            name = names[0].lower()
            if name in _CLOCK | _SESSION and name not in self._columns:
                return f"reads the {'clock' if name in _CLOCK else 'session'} ({name})"
        return None

    def _table(self, node: dict[str, Any], scope: frozenset[str]) -> str | None:
        kind = node["type"]
        if kind == "TABLE_FUNCTION":
            return f"reads {_short(node['function']['function_name'])}()"
        if kind not in _TABLES:
            return f"holds a {_words(kind)}"
        if kind != "BASE_TABLE":
            return None
        name = [part for part in (node["catalog_name"], node["schema_name"], node["table_name"]) if part]
        # A dot inside of a name is not one between two: "marts.kpis" is no table of the schema marts.
        is_known = all("." not in part for part in name) and ".".join(name).lower() in self._tables
        is_cte = len(name) == 1 and name[0].lower() in scope
        if not (is_known or is_cte) or node["at_clause"] is not None:
            return f"reads {_short('.'.join(name))}"
        return None


def _function(node: dict[str, Any]) -> str | None:
    """A method, `x.lower()`, is the function `lower` of a schema `x` to the parser; it is written `lower(x)`."""
    name = node["function_name"].lower()
    if node["schema"] or node["catalog"]:
        return f"calls {_short(node['schema'])}.{_short(name)}(); functions are called by their bare name"
    if name in FUNCTIONS or _is_list_given(name, node):
        return None
    close = difflib.get_close_matches(name, FUNCTIONS, n=1, cutoff=0.8)
    return f"calls {_short(name)}(), which is not among the functions that may be called" + (
        f" (the closest is {close[0]})" if close else ""
    )


def _is_list_given(name: str, node: dict[str, Any]) -> bool:
    """`unnest($names)`: the values of a list that we give."""
    given = [argument["expression"]["class"] for argument in node.get("arguments", ())]
    return name == "unnest" and given == ["PARAMETER"]


def _words(kind: object) -> str:
    return str(kind).lower().removesuffix("_ref").replace("_", " ")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_SHOWN else f"{line[: _LONGEST_SHOWN - 1]}…"
