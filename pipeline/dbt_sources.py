"""dbt: the published tables of a home as sources of a dbt project, written from their headers.

Two sources for dbt-duckdb, which reads the Parquet files where they lie: `perennial` has the newest published day,
`perennial_all_days` all of them. Tests are those of the headers that dbt itself has (not_null, unique,
accepted_values), on the newest day: before it was published, a night has tested more than these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from pipeline.errors import PerennialError
from pipeline.places import AUDIENCES, FOLDER_COLUMN
from pipeline.quoting import quoted
from pipeline.tables.header import PARTITION_COLUMN, Column, Table

LATEST, ALL_DAYS = "perennial", "perennial_all_days"


class NoSources(PerennialError):
    """A home that dbt cannot be told of."""


def sources(tables: Sequence[Table], home: str) -> str:
    """The text of a sources.yml for the published tables of the home in the folder `home`, as dbt sees it.

    `home` may be what dbt makes of a variable: "{{ env_var('PERENNIAL_HOME') }}". Raises NoSources for a folder in
    whose name dbt would read something else.
    """
    if "{{" not in home and any(sign in home for sign in "{}'*?["):
        raise NoSources(f"{home}: dbt or DuckDB reads {{ }} ' * ? [ in a path as something else. Rename the folder.")
    return yaml.safe_dump(
        {
            "version": 2,
            "sources": [
                {
                    "name": LATEST,
                    "description": "Customers and how the shop does, as of the newest day that Perennial published.",
                    "tables": [_table(table, _latest(table, home), has_tests=True) for table in tables],
                },
                {
                    "name": ALL_DAYS,
                    "description": f"The same of every day that is kept; {PARTITION_COLUMN} says which.",
                    "tables": [_table(table, _all_days(table, home), has_tests=False) for table in tables],
                },
            ],
        },
        sort_keys=False,
        allow_unicode=True,
        width=120,
    )


def _all_days(table: Table, home: str) -> str:
    """What stands behind FROM. In single files there is no column of the folder's name: it is left unread."""
    file = f"{home}/data/marts/{table.name}/{FOLDER_COLUMN}=*/{table.name}.parquet"
    return f"read_parquet('{file}', union_by_name = true, hive_partitioning = false)"


def _latest(table: Table, home: str) -> str:
    """Of the newest day with a manifest, which is written when all its files are there, though the table be empty."""
    manifests = f"glob('{home}/{AUDIENCES}/*/manifest.json')"
    days = f"SELECT max(regexp_extract(file, '([0-9-]+).manifest', 1))::DATE FROM {manifests}"
    return f"(SELECT * FROM {_all_days(table, home)} WHERE {PARTITION_COLUMN} = ({days}))"


def _table(table: Table, location: str, has_tests: bool) -> dict[str, Any]:
    meta = {"external_location": location, "owner": table.header.owner, "topic": table.topic}
    told: dict[str, Any] = {
        "name": table.name,
        "description": _text(table.header.description),
        "config": {"meta": meta},
    }
    if has_tests:
        grain = [quoted(name) for name in table.header.grain]
        key = f"row({', '.join(grain)})" if len(grain) > 1 else grain[0]
        told["data_tests"] = [{"unique": {"arguments": {"column_name": key}}}]
    told["columns"] = [_column(name, column, has_tests) for name, column in table.header.columns.items()]
    return told


def _column(name: str, column: Column, has_tests: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "description": _text(column.meaning), "data_type": column.type}
    if column.unit:
        told["config"] = {"meta": {"unit": column.unit}}
    tests: list[Any] = [] if column.nullable else ["not_null"]
    if column.values:
        given = {"values": list(column.values), "quote": column.type == "VARCHAR"}
        tests.append({"accepted_values": {"arguments": given}})
    if has_tests and tests:
        told["data_tests"] = tests
    return told


def _text(text: str) -> str:
    """dbt takes {{ … }}, {% … %} and {# … #} for something to work out."""
    return re.sub(r"\{(?=[{%#])", "{ ", text)
