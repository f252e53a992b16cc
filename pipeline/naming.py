"""Naming: what the definitions of a home are called in Dagster.

In a code location of its own a home has the names of all documents. In somebody else's, where other homes and other
assets are, a prefix keeps them apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import dagster as dg

from pipeline.errors import PerennialError
from pipeline.home.warehouse import Warehouse
from pipeline.tables.header import Table

JOB = "nightly"
_PART = re.compile(r"[A-Za-z0-9_]+")


class NamingRefused(PerennialError):
    """A name that Dagster would not take, or that would be another's."""


@dataclass(frozen=True)
class Naming:
    """`prefix` stands before the key of every asset and the name of everything else.

    `group` is the one group of all assets; without it each topic is one. `resource` is the key of the warehouse, `job`
    the name of the job.
    """

    prefix: tuple[str, ...] = ()
    group: str | None = None
    resource: str = "warehouse"
    job: str = JOB

    @classmethod
    def under(
        cls, prefix: tuple[str, ...], group: str | None = None, resource: str | None = None, job: str | None = None
    ) -> Naming:
        """Names below a prefix; what is not given is named after it. Raises NamingRefused."""
        named = cls(prefix)
        named = cls(prefix, group, resource or named.name(cls.resource), job or named.name(cls.job))
        for part in (*prefix, named.resource, named.job, *([group] if group else [])):
            if not _PART.fullmatch(part):
                raise NamingRefused(f"{part!r} cannot name what is in Dagster: use letters, digits and _ only.")
        return named

    def key(self, table: Table | str) -> dg.AssetKey:
        """Of a table, or of what is called `schema.table`."""
        return dg.AssetKey([*self.prefix, *(table.full_name if isinstance(table, Table) else table).split(".")])

    def name(self, own: str) -> str:
        """Of a step, a schedule or a sensor: these are unique in a code location."""
        return "__".join((*self.prefix, own))

    def group_of(self, topic: str) -> str:
        return self.group or topic

    def warehouse(self, context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Warehouse:
        """The open warehouse of the run, which each step requires by `resource`."""
        warehouse = getattr(context.resources, self.resource)
        assert isinstance(warehouse, Warehouse)
        return warehouse
