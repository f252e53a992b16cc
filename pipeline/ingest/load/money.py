"""Money: rows in other currencies, cells marked with another one, and amounts that are written with the other sign."""

from __future__ import annotations

from pipeline.dialect import SIGN_OF_CURRENCY, SIGNS, is_sign_of
from pipeline.ingest.load.context import Load, rows_as_text
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import CURRENCIES, currency_sql, shape


def convert(load: Load) -> None:
    """Lines in other currencies into the reporting currency, at the latest rate on or before their day.

    A line without such a rate keeps its currency, which the rules then refuse.
    """
    if not load.input.money:
        return
    reporting = load.settings.currency
    load.has_foreign_lines = bool(
        load.execute("SELECT count(*) FROM filled WHERE currency <> $reporting", reporting=reporting)[0][0]
    )
    if not load.has_foreign_lines or load.rates is None:
        return
    load.execute(
        """
        CREATE OR REPLACE TEMP TABLE day_rates AS
        WITH wanted AS (
          SELECT DISTINCT currency, CAST(ordered_at AS DATE) AS day FROM filled WHERE currency <> $reporting
        ),
        offered AS (
          SELECT wanted.currency, wanted.day, rates.rate,
            row_number() OVER (PARTITION BY wanted.currency, wanted.day ORDER BY rates.day DESC) AS place
          FROM wanted JOIN rates
            ON rates.currency = wanted.currency
            AND rates.day <= wanted.day AND wanted.day <= rates.day + $days
        )
        SELECT currency, day, rate FROM offered WHERE place = 1
        """,
        reporting=reporting,
        days=load.settings.rate_max_age_days,
    )
    converted = ", ".join(
        f"CASE WHEN rate IS NULL THEN filled.{name} ELSE TRY_CAST(filled.{name} * rate AS {kind}) END AS {name}"
        for name, kind in load.input.money.items()
    )
    load.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW completed AS
        SELECT
          filled.* REPLACE (
            {converted}, CASE WHEN rate IS NULL THEN filled.currency ELSE '{reporting}' END AS currency),
          CASE WHEN rate IS NOT NULL THEN filled.amount END AS original_amount,
          CASE WHEN rate IS NOT NULL THEN filled.currency END AS original_currency
        FROM filled
        LEFT JOIN day_rates
          ON day_rates.currency = filled.currency AND day_rates.day = CAST(filled.ordered_at AS DATE)
        """
    )


def find_foreign(load: Load) -> None:
    """What is still in another currency has no rate."""
    reporting, days = load.settings.currency, load.settings.rate_max_age_days
    missing = f"is not the reporting currency {reporting}"
    if load.rates is not None:
        missing += f", and no exchange rate of its day or up to {days} days before is given"
    shown = currency_sql("currency")
    load.execute(
        f"INSERT INTO problems SELECT DISTINCT row_number, 'currency', 'column \"currency\": \"' || {shown} || "
        f"'\" {missing}' FROM completed WHERE currency <> $currency",
        currency=reporting,
    )


def find_foreign_signs(load: Load) -> None:
    """Amounts with the sign or code of another currency than their row's: "$" beside "€" is no euro."""
    reporting = text_literal(load.settings.currency)
    for raw in load.marked:
        made = {name for name in load.schema.columns if raw in load.made_from(name)}
        of_row = "any_value(currency)" if made & set(load.input.money) else reporting
        cells = (
            f"SELECT given.row_number, coalesce(filled.currency, {reporting}) AS currency, "
            f"unnest(regexp_extract_all(given.{quoted(raw)}, {text_literal(SIGN_OF_CURRENCY)})) AS sign "
            f"FROM given JOIN (SELECT row_number, {of_row} AS currency FROM filled GROUP BY row_number) AS filled "
            f"ON filled.row_number = given.row_number JOIN export ON export.row_number = given.row_number "
            f"WHERE export.{quoted(raw)} IS NOT NULL AND regexp_matches(given.{quoted(raw)}, '[^-+0-9., ]')"
        )
        pairs = load.execute(f"SELECT DISTINCT sign, currency FROM ({cells}) AS cells ORDER BY ALL")
        foreign = [(sign, currency) for sign, currency in pairs if not is_sign_of(sign, currency)]
        if foreign and len(pairs) == 1 and not knows_currency(load):
            load.remark(
                f"marked_{raw}",
                f'column "{load.found[raw]}": amounts are marked {shown_sign(foreign[0][0])}, and counted as '
                f"{load.settings.currency}, since the setting currency is not given: set it to the shop's.",
            )
            continue
        for sign, currency in foreign:
            shown = shown_sign(sign)
            known = currency if currency in CURRENCIES else shape(currency)
            load.execute(
                "INSERT INTO problems SELECT DISTINCT row_number, $raw, $reason FROM "
                f"({cells}) AS cells WHERE sign = $sign AND currency = $currency",
                raw=raw,
                sign=sign,
                currency=currency,
                reason=f'column "{load.found[raw]}": the amount is marked {shown}, its row is in {known}: give '
                f"rows a column currency, or export amounts without signs",
            )


def knows_currency(load: Load) -> bool:
    """Whether the file or the settings say of what currency amounts are; else it is the default one's."""
    return load.has("currency") or "currency" in load.settings.model_fields_set


def turn_refunds(load: Load) -> bool:
    """Where every refund of the file is written positive, that is how the shop writes them: they are turned."""
    if load.execute("SELECT count(*) FROM completed WHERE kind = 'refund' AND amount < 0")[0][0]:
        return False
    rows = load.execute("SELECT count(DISTINCT row_number) FROM completed WHERE kind = 'refund' AND amount > 0")
    turned = ", ".join(
        f"CASE WHEN kind = 'refund' THEN -abs({name}) ELSE {name} END AS {name}"
        for name in ("amount", "original_amount")
    )
    definition = load.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'completed'")[0][0]
    query = definition.rstrip().rstrip(";").split(" AS ", 1)[1]
    load.execute(f"CREATE OR REPLACE TEMP VIEW completed AS SELECT * REPLACE ({turned}) FROM ({query}) AS written")
    load.remark(
        "positive_refunds",
        f"all refunds are written with positive amounts ({rows_as_text(rows[0][0])}); they were turned negative.",
        rows[0][0],
    )
    return True


def turn_discounts(load: Load) -> None:
    """Where every discount on goods sold is written negative, it is taken off all the same; if only some are, that
    is told, for they raise the amount.
    """
    made_of = {"discount", "quantity", "unit_price"}
    if not made_of <= load.stored.keys() or load.source.passed_on("discount") is None:
        return  # what a source computes has the sign it means
    sold = "quantity * unit_price > 0"
    negative, positive = load.execute(
        f"SELECT count(*) FILTER (WHERE discount < 0 AND {sold}), count(*) FILTER (WHERE discount > 0 AND {sold}) "
        "FROM mapped"
    )[0]
    if negative and positive:
        load.remark(
            "mixed_discounts",
            f"discounts are positive in {rows_as_text(positive)} and negative in {rows_as_text(negative)}, where they "
            f"raise the amount: is that meant?",
            negative,
        )
    elif negative:
        load.execute("UPDATE mapped SET discount = -discount")
        load.remark(
            "negative_discounts",
            f"all discounts are written negative ({rows_as_text(negative)}); they were taken off, not added.",
            negative,
        )


def shown_sign(sign: str) -> str:
    """A sign or code of a currency in a message; anything else by its shape."""
    return sign if sign in SIGNS or sign in CURRENCIES else shape(sign)
