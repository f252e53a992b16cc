"""Checks that warn and stop nothing; those that stop a run are in the transaction of the table they guard."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from pipeline.home.warehouse import Warehouse
from pipeline.reporting.attention import MOVED_POINTS, Ask, moved_sizes, torn_orders


def warning_checks() -> list[dg.AssetChecksDefinition]:
    @dg.asset_check(
        asset=dg.AssetKey(["marts", "rfm_segments"]),
        name="sizes_like_last_snapshot",
        description=f"No segment's share moved by more than {MOVED_POINTS:g} points, and no customers were lost",
    )
    def sizes_like_last_snapshot(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
        return _warning([problem for day in _days(context) for problem in moved_sizes(_as_of(warehouse, day), day)])

    @dg.asset_check(
        asset=dg.AssetKey(["staging", "orders"]),
        name="one_customer_per_order",
        description="No order names two customers; the order counts for one of them",
    )
    def one_customer_per_order(warehouse: Warehouse) -> dg.AssetCheckResult:
        return _warning(torn_orders(_as_of(warehouse, dt.date.max)))

    return [sizes_like_last_snapshot, one_customer_per_order]


def _days(context: dg.AssetCheckExecutionContext) -> list[dt.date]:
    return sorted(dt.date.fromisoformat(key) for key in context.op_execution_context.partition_keys)


def _as_of(warehouse: Warehouse, day: dt.date) -> Ask:
    return lambda sql: warehouse.local.read(sql, {"snapshot_date": day})


def _warning(problems: Sequence[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not problems, severity=dg.AssetCheckSeverity.WARN, description="\n".join(problems) or None
    )
