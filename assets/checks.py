"""Checks that warn and stop nothing; those that stop a run are in the transaction of the table they guard."""

import datetime as dt

import dagster as dg

from pipeline.warehouse import Warehouse

MOVED_POINTS = 10.0


def warning_checks() -> list[dg.AssetChecksDefinition]:
    @dg.asset_check(
        asset=dg.AssetKey(["marts", "rfm_segments"]),
        name="sizes_like_last_snapshot",
        description=f"No segment's share moved by more than {MOVED_POINTS:g} points, and no customers were lost",
    )
    def sizes_like_last_snapshot(context: dg.AssetCheckExecutionContext, warehouse: Warehouse) -> dg.AssetCheckResult:
        days = sorted(dt.date.fromisoformat(key) for key in context.op_execution_context.partition_keys)
        problems = [problem for day in days for problem in size_problems(warehouse, day)]
        return dg.AssetCheckResult(
            passed=not problems,
            severity=dg.AssetCheckSeverity.WARN,
            description="\n".join(problems) or None,
        )

    @dg.asset_check(
        asset=dg.AssetKey(["staging", "orders"]),
        name="one_customer_per_order",
        description="No order names two customers; the order counts for one of them",
    )
    def one_customer_per_order(warehouse: Warehouse) -> dg.AssetCheckResult:
        of_several = (
            "SELECT order_id FROM staging.order_lines GROUP BY order_id HAVING min(customer_id) <> max(customer_id)"
        )
        orders = warehouse.local.scalar(f"SELECT count(*) FROM ({of_several}) AS orders")
        return dg.AssetCheckResult(
            passed=not orders,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{orders:,} orders name several customers: {of_several}" if orders else None,
        )

    return [sizes_like_last_snapshot, one_customer_per_order]


def size_problems(warehouse: Warehouse, day: dt.date) -> list[str]:
    """What is odd about the segment sizes of `day` beside those of the latest earlier snapshot."""
    rows = warehouse.local.execute(
        """
        WITH sizes AS (
          SELECT snapshot_date, catalogue, segment, count(*) AS customers,
            100.0 * count(*) / sum(count(*)) OVER (PARTITION BY snapshot_date, catalogue) AS share
          FROM marts.rfm_segments
          WHERE snapshot_date = $snapshot_date
            OR snapshot_date = (SELECT max(snapshot_date) FROM marts.rfm_segments WHERE snapshot_date < $snapshot_date)
          GROUP BY snapshot_date, catalogue, segment
        ),
        now AS (SELECT * FROM sizes WHERE snapshot_date = $snapshot_date),
        before AS (SELECT * FROM sizes WHERE snapshot_date < $snapshot_date)
        SELECT catalogue, segment, before.snapshot_date, coalesce(before.customers, 0), coalesce(now.customers, 0),
          coalesce(before.share, 0), coalesce(now.share, 0)
        FROM before FULL JOIN now USING (catalogue, segment)
        WHERE EXISTS (SELECT 1 FROM before)
        ORDER BY catalogue, segment
        """,
        {"snapshot_date": day},
    )
    problems = [
        f"{day}: {segment} ({catalogue}) went from {old:.1f} % to {new:.1f} % of the customers."
        for catalogue, segment, _, _, _, old, new in rows
        if abs(new - old) > MOVED_POINTS
    ]
    customers_before, customers_now = (sum(row[i] for row in rows if row[0] == "grid") for i in (3, 4))
    if customers_now < customers_before:
        problems.append(
            f"{day}: {customers_now:,} customers, {customers_before - customers_now:,} fewer than last time; "
            f"customers do not vanish by themselves: were orders cancelled, or is an export missing?"
        )
    return problems
