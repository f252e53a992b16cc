"""Any tool that reads Parquet reads all that is published."""

import pytest
from homes import DAYS, Home
from readers_of_tables import WAYS, wrong

from pipeline.tables.catalog import ours
from pipeline.tables.header import Header, HeaderError, parse_header


@pytest.mark.parametrize("tool", WAYS)
def test_every_published_table_is_read(three_nights: Home, tool: str) -> None:
    read, ways = WAYS[tool]
    tried = [
        wrong(three_nights.folder, table.name, DAYS, tool, read, way) for table in ours().published for way in ways
    ]
    assert len(tried) == len(ours().published) * len(ways) > 100
    assert [problem for problem in tried if problem] == []


def test_no_published_table_has_a_column_named_as_the_folders_are() -> None:
    column = {"type": "DATE", "meaning": "any day"}
    data = {
        "description": "A table of days.", "grain": ["day"], "owner": "team:crm",
        "columns": {"snapshot_date": column, "day": column},
    }  # fmt: skip
    with pytest.raises(HeaderError, match="no column 'day'"):
        parse_header(Header, data, "", "sql/marts/any.sql")
