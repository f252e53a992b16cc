"""Pages of the site that are written from the SQL headers: one for each topic of tables, and their list.

A hook of MkDocs (mkdocs.yml): it adds them while the site is built; nothing of it is kept.
"""

from itertools import groupby

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from pipeline.tables.catalog import ours
from pipeline.tables.header import Column, Table

_NO_COLUMN_ENDS = str.maketrans({"|": "\\|", "\n": " ", "<": "&lt;", "*": "\\*", "`": "'"})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    topics = {
        topic: list(of_topic)
        for topic, of_topic in groupby(
            sorted(ours().published, key=lambda one: (one.topic, one.name)), lambda one: one.topic
        )
    }
    for topic, tables in topics.items():
        text = f"# Tables: {topic}\n\n" + "\n".join(map(_of_table, tables))
        files.append(File.generated(config, f"tables/{topic}.md", content=text))
    files.append(File.generated(config, "tables/index.md", content=_list(topics)))
    return files


def _list(topics: dict[str, list[Table]]) -> str:
    count = sum(map(len, topics.values()))
    lines = [
        "# Tables\n",
        f"The {count} tables that a night publishes, as their SQL files describe them. Every table has a row for each "
        "snapshot and key; each lies in `data/marts/<table>/day=<day>/<table>.parquet`. A home may add its own "
        "([Own SQL](../own-sql.md)).\n",
    ]
    for topic, tables in topics.items():
        lines.append(f"## {topic.capitalize()}\n\n| table | what |\n|---|---|")
        lines += [f"| [{one.name}]({topic}.md#{one.name}) | {_cell(one.header.description)} |" for one in tables]
        lines.append("")
    return "\n".join(lines)


def _of_table(table: Table) -> str:
    header = table.header
    return "\n".join(
        [
            f"## {table.name}\n",
            f"{_cell(header.description)}\n",
            f"Key: {', '.join(f'`{name}`' for name in header.grain)}. Kept by {header.owner}. `{table.file}`\n",
            "| column | type | unit | meaning | values |",
            "|---|---|---|---|---|",
            *(_of_column(name, column) for name, column in header.columns.items()),
            "",
        ]
    )


def _of_column(name: str, column: Column) -> str:
    kind = f"{column.type}, may be null" if column.nullable else column.type
    return f"| `{name}` | {kind} | {column.unit or ''} | {_cell(column.meaning)} | {_cell(_values(column))} |"


def _values(column: Column) -> str:
    if column.values:
        return ", ".join(map(str, column.values))
    least = "" if column.min is None else f"from {column.min:g}"
    most = "" if column.max is None else f"to {column.max:g}"
    return f"{least} {most}".strip()


def _cell(text: str) -> str:
    return text.translate(_NO_COLUMN_ENDS)
