"""Matching: whether exports name the same thing alike: order lines the products, and every no a customer.

A pure function of what stands in the warehouse, like linking, and told after every load. Nothing is matched that
differs: `kim` and `Kim` may be two products, or two customers, and only the shop knows.
"""

from __future__ import annotations

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.shapes import counted
from pipeline.tables.inputs import INPUTS

SUBJECT = "unknown_products"
_TOLD_FROM = 0.05
"""Share of lines with an unknown product from which it is told; some products are always gone from the list."""

_ALIKE = "lower(ltrim({}, '0'))"
"""What is left of an id without what spreadsheets and shop systems change in it."""
_DIFFERENCE = "capital letters or leading zeros only"
_REMEDY = "export both with the same ids, or map them alike in a source of your own (docs/exports.md)."

UNKNOWN_CUSTOMERS = "unknown_customers"
UNKNOWN_PERSONS = "unknown_persons"
_NOES = {
    "consents": "withdrawal", "objections": "objection", "suppressions": "suppression",
    "erasures": "request of erasure",
}  # fmt: skip
"""Inputs of what people refuse, and what a row of them is called."""


def tell_unknown_persons(engine: DuckDBEngine) -> None:
    """Remark, on each file of what people refuse, how many rows name a customer that no other export knows.

    Such a no protects nobody: ids of another system, hashed ones, or other capitals. Suppressed ids stand in `people`,
    which has to be attached for these.
    """
    engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": UNKNOWN_PERSONS})
    is_attached = engine.scalar("SELECT count(*) FROM duckdb_databases() WHERE database_name = 'people'")
    for input, word in _NOES.items():
        if (INPUTS[input].persons and not is_attached) or not engine.scalar(f"SELECT count(*) FROM staging.{input}"):
            continue
        for file_id, rows, unknown, near in engine.execute(_unknown(input)):
            differ = "differs" if near == 1 else "differ"
            name = "names" if unknown == 1 else "name"
            alike = f"{near:,} of them {differ} from one in {_DIFFERENCE}" if near else "none is alike"
            message = (
                f"Of {counted(rows, word)}, {unknown:,} {name} no customer of whom there is an order or a row of "
                f"customers; {alike}. Nobody is left out for them: {_REMEDY}"
            )
            _remark(engine, UNKNOWN_PERSONS, file_id, unknown, message)


_OF_PEOPLE = (
    "SELECT entries.file_id, entries.row_number, named.value AS customer_id FROM staging.{input} AS entries "
    "JOIN people.{input} AS named USING (file_id, row_number) WHERE entries.kind = 'customer_id'"
)
_NAMED = {
    "consents": "SELECT file_id, row_number, customer_id FROM staging.consents WHERE status <> 'granted'",
    "objections": "SELECT file_id, row_number, customer_id FROM staging.objections",
    "suppressions": _OF_PEOPLE.format(input="suppressions"),
    "erasures": _OF_PEOPLE.format(input="erasures"),
}
_UNKNOWN = """
    WITH named AS ({named}),
    known AS (
      SELECT customer_id FROM staging.customers
      UNION
      SELECT customer_id FROM staging.order_lines WHERE customer_id IS NOT NULL
      UNION
      SELECT alias_id AS customer_id FROM ingest.aliases
    ),
    alike AS (SELECT DISTINCT {alike} AS word FROM known),
    told AS (
      SELECT named.file_id, bool_or(known.customer_id IS NOT NULL) AS is_known,
        bool_or(alike.word IS NOT NULL) AS is_alike
      FROM named
      LEFT JOIN known ON known.customer_id = named.customer_id
      LEFT JOIN alike ON alike.word = {named_alike}
      GROUP BY named.file_id, named.row_number
    )
    SELECT file_id, count(*), count(*) FILTER (WHERE NOT is_known), count(*) FILTER (WHERE NOT is_known AND is_alike)
    FROM told
    GROUP BY file_id
    HAVING count(*) FILTER (WHERE NOT is_known) > 0
"""


def _unknown(input: str) -> str:
    """SELECT of the files of an input: rows, those with a customer nobody knows, those of them with one alike."""
    return _UNKNOWN.format(
        named=_NAMED[input], alike=_ALIKE.format("customer_id"), named_alike=_ALIKE.format("named.customer_id")
    )


def tell_unknown_customers(engine: DuckDBEngine) -> None:
    """Remark, on the latest export of customers, how many who ordered stand in none, but for capitals or zeros.

    They have no address and no name, so no list for a platform has them. Guests and customers of before an export stand
    in none either, so that only those are told of whom there is one alike.
    """
    engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": UNKNOWN_CUSTOMERS})
    file_id = _latest(engine, "customers")
    if file_id is None:
        return
    buyers, near = engine.execute(_BUYERS)[0]
    if not near or near < _TOLD_FROM * buyers:
        return
    stand = "stands" if near == 1 else "stand"
    message = (
        f"Of {counted(buyers, 'customer')} with orders, {near:,} {stand} in no export of customers, but one there "
        f"differs in {_DIFFERENCE} (7 and 0007). Those who ordered have no address then: {_REMEDY}"
    )
    _remark(engine, UNKNOWN_CUSTOMERS, file_id, near, message)


_BUYERS = f"""
    WITH buyers AS (SELECT DISTINCT customer_id FROM staging.order_lines WHERE customer_id IS NOT NULL),
    alike AS (SELECT DISTINCT {_ALIKE.format("customer_id")} AS word FROM staging.customers)
    SELECT count(*), count(*) FILTER (WHERE customers.customer_id IS NULL AND alike.word IS NOT NULL)
    FROM buyers
    LEFT JOIN (SELECT DISTINCT customer_id FROM staging.customers) AS customers USING (customer_id)
    LEFT JOIN alike ON alike.word = {_ALIKE.format("buyers.customer_id")}
"""


def _remark(engine: DuckDBEngine, subject: str, file_id: str, rows: int, message: str) -> None:
    engine.execute(
        "INSERT INTO ingest.remarks BY NAME "
        "SELECT $file_id AS file_id, $subject AS subject, $rows AS rows, $message AS message",
        {"file_id": file_id, "subject": subject, "rows": rows, "message": message},
    )


def _latest(engine: DuckDBEngine, input: str) -> str | None:
    """The file of an input that was loaded last and gave rows."""
    files = engine.execute(
        "SELECT files.file_id FROM ingest.files AS files "
        "JOIN ingest.arrivals AS arrivals ON arrivals.file_id = files.file_id "
        "WHERE files.input = $input AND files.status = 'loaded' AND files.accepted > 0 "
        "ORDER BY arrivals.arrived_at DESC, files.file_id LIMIT 1",
        {"input": input},
    )
    return str(files[0][0]) if files else None


def tell_unknown_products(engine: DuckDBEngine) -> None:
    """Remark, on the latest export of products, how many order lines name a product that no such export has."""
    engine.execute("DELETE FROM ingest.remarks WHERE subject = $subject", {"subject": SUBJECT})
    file_id = _latest(engine, "products")
    if file_id is None:
        return
    lines, unknown, near = engine.execute(_COUNTED)[0]
    if not unknown or unknown < _TOLD_FROM * lines:
        return
    alike = f"{near:,} of them differ from one in {_DIFFERENCE}" if near else "none is alike"
    message = (
        f"{unknown:,} of {lines:,} order lines with a product ({100 * unknown / lines:.0f} %) name one that no export "
        f"of products has; {alike}. Such lines have no price, cost or stock of the list: {_REMEDY}"
    )
    _remark(engine, SUBJECT, file_id, unknown, message)


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
