"""Matching: whether order lines name products as the exports of products do; where they do not, prices are missing.

A pure function of what stands in the warehouse, like linking, and told after every load. Nothing is matched that
differs: `kim` and `Kim` may be two products, and only the shop knows.
"""

from __future__ import annotations

from pipeline.engines.duckdb import DuckDBEngine

SUBJECT = "unknown_products"
_TOLD_FROM = 0.05
"""Share of lines with an unknown product from which it is told; some products are always gone from the list."""


def tell_unknown_products(engine: DuckDBEngine) -> None:
    """Remark, on the latest export of products, how many order lines name a product that no such export has."""
    engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": SUBJECT})
    files = engine.execute(
        "SELECT files.file_id FROM ingest.files AS files "
        "JOIN ingest.arrivals AS arrivals ON arrivals.file_id = files.file_id "
        "WHERE files.input = 'products' AND files.status = 'loaded' AND files.accepted > 0 "
        "ORDER BY arrivals.arrived_at DESC, files.file_id LIMIT 1"
    )
    if not files:
        return
    lines, unknown, near = engine.execute(_COUNTED)[0]
    if not unknown or unknown < _TOLD_FROM * lines:
        return
    alike = f"{near:,} of them differ from one in capital letters or leading zeros only" if near else "none is alike"
    engine.execute(
        "INSERT INTO ingest.remarks BY NAME "
        "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
        {
            "file_id": files[0][0],
            "subject": SUBJECT,
            "rows": unknown,
            "message": f"{unknown:,} of {lines:,} order lines with a product ({100 * unknown / lines:.0f} %) name one "
            f"that no export of products has; {alike}. Such lines have no price, cost or stock of the list: export "
            f"both with the same ids, or map them alike in a source of your own (docs/exports.md).",
        },
    )


_ALIKE = "lower(ltrim({}, '0'))"
_COUNTED = f"""
    WITH sold AS (
      SELECT product_id, count(*) AS lines
      FROM staging.order_lines WHERE kind = 'sale' AND product_id IS NOT NULL GROUP BY product_id
    ),
    alike AS (SELECT DISTINCT {_ALIKE.format("product_id")} AS word FROM staging.products)
    SELECT CAST(coalesce(sum(sold.lines), 0) AS BIGINT),
      CAST(coalesce(sum(sold.lines) FILTER (WHERE products.product_id IS NULL), 0) AS BIGINT),
      CAST(coalesce(sum(sold.lines) FILTER (WHERE products.product_id IS NULL AND alike.word IS NOT NULL), 0) AS BIGINT)
    FROM sold
    LEFT JOIN staging.products AS products ON products.product_id = sold.product_id
    LEFT JOIN alike ON alike.word = {_ALIKE.format("sold.product_id")}
"""
