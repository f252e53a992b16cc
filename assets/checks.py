"""Checks that warn and stop nothing; those that stop a run are in the transaction of the table they guard."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from pipeline.days import DAY_TAG, LATEST
from pipeline.home.warehouse import Warehouse
from pipeline.naming import Naming
from pipeline.reporting.attention import MOVED_POINTS, Ask, late_orders, moved_sizes, torn_orders
from pipeline.steps.order_days import last_closed_day, order_days


def warning_checks(naming: Naming) -> list[dg.AssetChecksDefinition]:
    @dg.asset_check(
        asset=naming.key("marts.rfm_segments"),
        name="sizes_like_last_snapshot",
        description=f"No segment's share moved by more than {MOVED_POINTS:g} points, and no customers were lost",
        required_resource_keys={naming.resource},
    )
    def sizes_like_last_snapshot(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        warehouse = naming.warehouse(context)
        return _warning([problem for day in _days(context) for problem in moved_sizes(_as_of(warehouse, day), day)])

    @dg.asset_check(
        asset=naming.key("staging.orders"),
        name="one_customer_per_order",
        description="No order names two customers; the order counts for one of them",
        required_resource_keys={naming.resource},
    )
    def one_customer_per_order(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        return _warning(torn_orders(_as_of(naming.warehouse(context), dt.date.max)))

    @dg.asset_check(
        asset=naming.key("staging.orders"),
        name="orders_reach_last_closed_day",
        description="The last order is no longer ago than the shop's own quiet spells; of runs that publish the "
        "latest day, not of a day that was asked for",
        required_resource_keys={naming.resource},
    )
    def orders_reach_last_closed_day(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        warehouse = naming.warehouse(context)
        known = order_days(warehouse.local, last_closed_day(warehouse.settings))
        if known is None:
            return _warning([])
        is_latest = context.run.tags.get(DAY_TAG) == LATEST
        return _warning(
            late_orders(known) if is_latest else [],
            {"last_order_day": str(known.last), "age_days": known.quiet, "longest_quiet_days": known.longest_quiet},
        )

    return [sizes_like_last_snapshot, one_customer_per_order, orders_reach_last_closed_day]


def _days(context: dg.AssetCheckExecutionContext) -> list[dt.date]:
    return sorted(dt.date.fromisoformat(key) for key in context.op_execution_context.partition_keys)


def _as_of(warehouse: Warehouse, day: dt.date) -> Ask:
    return lambda sql: warehouse.local.read(sql, {"snapshot_date": day})


def _warning(problems: Sequence[str], metadata: dict[str, str | int] | None = None) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="\n".join(problems) or None,
        metadata=metadata or {},
    )
