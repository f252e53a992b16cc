"""Money: rows in other currencies, cells marked with another one, and amounts that are written with the other sign."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.dialect import SIGN_OF_CURRENCY, SIGNS, is_sign_of
from pipeline.ingest.load.context import Load, rows_as_text
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import CURRENCIES, currency_sql, shape
from pipeline.tables.inputs import Sign
from pipeline.tables.rules import RowRule


def convert(load: Load) -> None:
    """Lines in other currencies into the reporting currency, at the latest rate on or before their day.

    A line without such a rate keeps its currency, which the rules then refuse.
    """
    currency, moment, reporting = load.input.currency, load.input.moment, load.settings.currency
    if currency is None:
        return
    load.has_foreign_lines = bool(
        load.execute(f"SELECT count(*) FROM filled WHERE {currency} <> $reporting", reporting=reporting)[0][0]
    )
    if not load.has_foreign_lines or load.rates is None:
        return
    load.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE day_rates AS
        WITH wanted AS (
          SELECT DISTINCT {currency} AS currency, CAST({moment} AS DATE) AS day FROM filled
          WHERE {currency} <> $reporting
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
    kept = [
        f", CASE WHEN rate IS NOT NULL THEN filled.{of} END AS {name}"
        for name, of in load.input.before_conversion.items()
    ]
    load.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW completed AS
        SELECT
          filled.* REPLACE (
            {converted}, CASE WHEN rate IS NULL THEN filled.{currency} ELSE '{reporting}' END AS {currency})
          {"".join(kept)}
        FROM filled
        LEFT JOIN day_rates
          ON day_rates.currency = filled.{currency} AND day_rates.day = CAST(filled.{moment} AS DATE)
        """
    )


def find_foreign(load: Load) -> None:
    """What is still in another currency has no rate."""
    reporting, days = load.settings.currency, load.settings.rate_max_age_days
    missing = f"is not the reporting currency {reporting}"
    if load.rates is not None:
        missing += f", and no exchange rate of its day or up to {days} days before is given"
    name = load.input.currency
    assert name is not None, "rows without money are in no currency"
    load.execute(
        f"INSERT INTO problems SELECT DISTINCT row_number, '{name}', "
        f"'column \"{name}\": \"' || {currency_sql(name)} || '\" {missing}' FROM completed WHERE {name} <> $currency",
        currency=reporting,
    )


def find_foreign_signs(load: Load) -> None:
    """Amounts with the sign or code of another currency than their row's: "$" beside "€" is no euro."""
    reporting = text_literal(load.settings.currency)
    for raw in load.marked:
        made = {name for name in load.schema.columns if raw in load.made_from(name)}
        of_row = f"any_value({load.input.currency})" if made & set(load.input.money) else reporting
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
    told = load.input.currency is not None and load.has(load.input.currency)
    return told or "currency" in load.settings.model_fields_set


def turn_all(load: Load, rule: RowRule) -> bool:
    """Where every row that a rule is about breaks it, that is how the shop writes them: they are turned negative."""
    turned = load.input.header.rules[rule.check].turned if rule in load.input.rules else None
    if turned is None:
        return False
    if load.execute(f"SELECT count(*) FROM completed WHERE ({turned.where}) AND {rule.column} < 0")[0][0]:
        return False
    rows = load.execute(f"SELECT count(DISTINCT row_number) FROM completed WHERE {rule.fails}")[0][0]
    kept = [name for name, of in load.input.before_conversion.items() if of == rule.column]
    negative = ", ".join(
        f"CASE WHEN {turned.where} THEN -abs({name}) ELSE {name} END AS {name}" for name in (rule.column, *kept)
    )
    definition = load.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'completed'")[0][0]
    query = definition.rstrip().rstrip(";").split(" AS ", 1)[1]
    load.execute(f"CREATE OR REPLACE TEMP VIEW completed AS SELECT * REPLACE ({negative}) FROM ({query}) AS written")
    load.remark(turned.subject, turned.says.format(rows=rows_as_text(rows)), rows)
    return True


def turn_negative(load: Load) -> None:
    """Where every value of a column is written negative, such as every discount on goods sold, it means the same as
    positive all the same; if only some are, that is told.
    """
    for name, sign in signs_of(load):
        negative, positive = load.execute(
            f"SELECT count(*) FILTER (WHERE {name} < 0 AND ({sign.where})), "
            f"count(*) FILTER (WHERE {name} > 0 AND ({sign.where})) FROM mapped"
        )[0]
        if negative and positive:
            both = {"positive": rows_as_text(positive), "negative": rows_as_text(negative)}
            load.remark(f"mixed_{name}s", sign.mixed.format(**both), negative)
        elif negative:
            load.execute(f"UPDATE mapped SET {name} = -{name}")
            load.remark(f"negative_{name}s", sign.negative.format(rows=rows_as_text(negative)), negative)


def signs_of(load: Load) -> Iterator[tuple[str, Sign]]:
    """The columns that may be written negative; what a source computes has the sign it means."""
    for name, sign in load.input.header.signs.items():
        needed = {name, *(other for other in load.schema.columns if re.search(rf"\b{other}\b", sign.where))}
        if needed <= load.stored.keys() and load.source.passed_on(name) is not None:
            yield name, sign


def shown_sign(sign: str) -> str:
    """A sign or code of a currency in a message; anything else by its shape."""
    return sign if sign in SIGNS or sign in CURRENCIES else shape(sign)
