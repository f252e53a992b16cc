"""Inspection: what a file is, how it would be read, and what would become of its rows. Changes nothing in the home.

The file is really loaded, by the same code as in a run, into a warehouse that exists for the length of the inspection.
For a layout that no source knows, a first source is written from the names of its columns.
"""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.dialect import Dialect
from pipeline.engines.duckdb import DuckDBEngine, confine, open_file
from pipeline.errors import ExportError
from pipeline.ingest.exports import load_exports, recognise_input
from pipeline.ingest.load import Export, Loaded, fixed_dialect
from pipeline.ingest.rates import rates_files
from pipeline.ingest.readers import format_of, read_raw, sheets_of
from pipeline.ingest.sizes import limits_of
from pipeline.ingest.sources import Source, choose, find_sources, looks_like_data, read_source
from pipeline.quoting import quoted
from pipeline.settings import Settings
from pipeline.shapes import counted, one_line, shown_names, without_shape_sql
from pipeline.tables.catalog import tables
from pipeline.tables.header import HeaderError
from pipeline.tables.inputs import INPUTS, ORDERS, input_tables

_TABLES = (
    *(name for name, table in tables().items() if table.schema == "ingest"),
    *(table.full_name for table in input_tables()),
)
_SAMPLE_LINES = 5
_TOP_REASONS = 5
_CLOSE_ENOUGH = 0.8
_WORDS: Mapping[str, tuple[str, ...]] = {
    "order_id": (
        "order id",
        "order",
        "invoice",
        "invoice id",
        "receipt",
        "receipt id",
        "transaction",
        "transaction id",
        "ticket",
        "ticket id",
        "bon",
        "beleg",
        "beleg id",
        "zamówienie",
        "zamówienia",
        "id zamówienia",
        "faktura",
        "paragon",
        "bestellung",
        "bestell id",
        "auftrag",
        "auftrags id",
        "rechnung",
        "rechnungs id",
        "commande",
        "id commande",
        "facture",
        "pedido",
        "id pedido",
        "factura",
        "id",
    ),
    "customer_id": (
        "customer id",
        "customer",
        "client id",
        "client",
        "user id",
        "user",
        "buyer id",
        "buyer",
        "member id",
        "member",
        "contact id",
        "account id",
        "klient",
        "id klienta",
        "kunde",
        "kunden id",
        "cliente",
        "id cliente",
        "id client",
        "email",
        "customer email",
        "mail",
        "e mail",
        "adres email",
        "email address",
        "adresse mail",
        "correo",
    ),
    "ordered_at": (
        "ordered at",
        "order date",
        "date",
        "datetime",
        "timestamp",
        "created at",
        "created",
        "purchase date",
        "invoice date",
        "transaction date",
        "sold at",
        "data",
        "data zamówienia",
        "data sprzedaży",
        "datum",
        "bestelldatum",
        "rechnungsdatum",
        "fecha",
        "fecha pedido",
        "date commande",
        "time",
        "zeit",
        "day",
    ),
    "amount": (
        "amount",
        "total",
        "line total",
        "line amount",
        "revenue",
        "sales",
        "net amount",
        "gross amount",
        "order total",
        "grand total",
        "value",
        "paid",
        "sum",
        "kwota",
        "wartość",
        "suma",
        "razem",
        "betrag",
        "summe",
        "umsatz",
        "gesamt",
        "montant",
        "importe",
        "total price",
    ),
    "quantity": (
        "quantity",
        "qty",
        "units",
        "pieces",
        "items",
        "ilość",
        "liczba sztuk",
        "menge",
        "anzahl",
        "quantité",
        "qté",
        "cantidad",
    ),
    "unit_price": (
        "unit price",
        "price",
        "item price",
        "cena",
        "cena jednostkowa",
        "preis",
        "einzelpreis",
        "prix",
        "prix unitaire",
        "precio",
        "precio unitario",
    ),
    "unit_cost": ("unit cost", "cost", "purchase price", "cost price", "koszt", "einkaufspreis"),
    "discount": ("discount", "discount amount", "rabat", "rabatt", "remise", "descuento"),
    "product_id": (
        "product id",
        "sku",
        "product",
        "item",
        "item id",
        "article",
        "article id",
        "stock id",
        "ean",
        "barcode",
        "produkt",
        "towar",
        "artikel",
        "artikel id",
        "id produktu",
        "produit",
        "producto",
    ),
    "product_name": (
        "product name",
        "item name",
        "article name",
        "title",
        "description",
        "nazwa produktu",
        "nazwa",
        "bezeichnung",
        "artikelname",
        "artikelbezeichnung",
        "produktname",
        "désignation",
        "libellé",
        "descripción",
    ),
    "category": (
        "category",
        "product category",
        "product group",
        "kategoria",
        "kategorie",
        "warengruppe",
        "produktgruppe",
        "catégorie",
        "famille",
        "categoría",
        "familia",
        "department",
    ),
    "currency": ("currency", "waluta", "währung", "devise", "moneda"),
    "country": ("country", "shipping country", "kraj", "land", "pays", "país"),
    "city": ("city", "shipping city", "miasto", "stadt", "ort", "ville", "ciudad"),
    "status": ("status", "order status", "state", "stan", "statut", "estado"),
    "coupon": ("coupon", "coupon id", "discount id", "voucher", "kod rabatowy", "gutschein"),
    "sales_channel": ("sales channel", "channel", "kanał", "kanal", "canal"),
    "store_id": ("store id", "store", "shop", "sklep", "filiale", "magasin", "tienda"),
    "line_id": ("line id", "line", "row id", "position"),
}
"""By which names a column goes, the surest first. Numbers, codes and the like of something are written as its id."""
_ID = "id"
_ID_WORDS = {
    "id",
    "ids",
    "nr",
    "no",
    "num",
    "numer",
    "nummer",
    "number",
    "numéro",
    "número",
    "nro",
    "code",
    "kod",
    "ref",
}
_ID_ENDINGS = ("nummer", "number", "numer", "nr", "id")
_NOT_THE_AMOUNT = {
    "tax",
    "vat",
    "mwst",
    "ust",
    "steuer",
    "tva",
    "iva",
    "podatek",
    "shipping",
    "postage",
    "versand",
    "wysyłka",
    "port",
    "refund",
    "refunded",
    "balance",
    "points",
    "fee",
}
_NOT_A_SUM = {"percent", "percentage", "pct", "prozent", "procent", "rate", "%"}
_OTHER_UNITS = {
    "cent",
    "cents",
    "ct",
    "cts",
    "centimes",
    "céntimos",
    "centimos",
    "centavos",
    "centesimi",
    "grosz",
    "grosze",
    "groszy",
    "groszach",
    "gr",
    "öre",
    "øre",
    "ore",
    "oere",
    "penny",
    "pence",
    "pennies",
    "rappen",
    "haléře",
    "haléřů",
    "fillér",
    "kopeks",
    "kopecks",
    "paise",
    "minor",
    "subunits",
    "thousand",
    "thousands",
    "tsd",
    "teur",
    "tys",
    "million",
    "millions",
    "mio",
    "mln",
}
"""Words that say that a sum is not in whole units of the currency: it would come out 100 times too large, say."""
_OTHER_UNIT_ENDINGS = ("cents", "grosze", "pence", "minor")
_SUMS = ("amount", "unit_price", "unit_cost", "discount")
_MAILS = ("email", "mail", "correo")
_PEOPLE = ("customer", "client", "klient", "kund", "buyer", "acheteur", "comprador", "kupuj", "kaufer", "besteller")
"""Parts of words for customers: an address whose column has one is theirs, and nobody's of the shop."""
_ALONE = 10
"""From so many rows on, a column with one value in all of them says nothing about the rows."""
_NUMBER_LIKE = r"\D{0,4}[-+]?\d[\d.,'’ \x{a0}\x{202f}]*\D{0,4}"
_MONEY_LIKE = r"\D{0,4}[-+]?\d[\d.,'’ \x{a0}\x{202f}]*[.,]\d{2}\D{0,4}"
_DATE_LIKE = r"\D{0,4}\d{1,4}[-./ ]\w{1,9}[-./, ]+\d{2,4}.*"
_EMAIL_LIKE = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_NESTED_LIKE = r"(?s)\{.*\}|\[.*\]"
_LIKE = {"ordered_at": "date", "amount": "number", "quantity": "number", "unit_price": "number", "unit_cost": "number",
         "discount": "number"}  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A source, and how well the columns of the file fit it. `lacks` is empty for one that can read the file."""

    source: Source
    matched: int
    lacks: str = ""


@dataclass(frozen=True)
class Reason:
    """Why rows would be quarantined: in words, how many rows, and the first of them."""

    text: str
    rows: int
    first_row: int


@dataclass(frozen=True)
class Figures:
    """What the orders of a file come to: so few customers, or so much revenue, catch the eye where columns do not."""

    customers: int
    orders: int
    revenue: Decimal


@dataclass(frozen=True)
class Inspection:
    """What was found out about a file. `problem` says why it cannot be used, None if it can."""

    file: str
    format: str
    columns: list[str] = field(default_factory=list)
    dialect: str = ""
    source: Source | None = None
    candidates: list[Candidate] = field(default_factory=list)
    loaded: Loaded | None = None
    sample: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    """The most frequent ones."""
    other_reasons: int = 0
    """How many more there are."""
    span: tuple[dt.datetime, dt.datetime] | None = None
    figures: Figures | None = None
    guessed: dict[str, str] = field(default_factory=dict)
    written: Path | None = None
    warning: str | None = None
    problem: str | None = None
    note: str | None = None
    """What was asked for and not done."""

    @property
    def is_usable(self) -> bool:
        return self.problem is None


def inspect(path: Path, settings: Settings, source: str | None = None, write_to: Path | None = None) -> Inspection:
    """Look at a file: as one of `source`, else as one of the source that fits best.

    `write_to`: a folder for a first source, if none fits; it is written as <folder>/<name of the file>/order_lines.sql.
    """
    name, shown = one_line(path.name), "unknown"
    try:
        format, compression = format_of(path)
        shown = format if compression == "none" else f"{format}, {compression}"
        if not path.is_file():
            return Inspection(name, shown, problem=f"There is no file {path}.")
        with _workshop(settings, path.resolve()) as (engine, aside):
            sources = find_sources(settings.sources_folders)
            found = _inspect(engine, aside, sources, path.resolve(), shown, source, write_to)
            found = _judged(found, settings.quarantine_limit)
    except (ExportError, HeaderError) as error:
        found = Inspection(name, shown, problem=str(error))
    if write_to is not None and found.written is None and found.source is not None:
        reads = "was named" if source else "knows this layout"
        found = _with(found, note=f"No source is written: {found.source.label} {reads}.")
    if found.problem is not None and shown == "xlsx" and len(sheets := sheets_of(path)) > 1:
        found = _with(
            found,
            problem=f"{found.problem} The workbook has the sheets {shown_names(sheets)}; the first is read unless "
            f'another is named: sheet = "…" below [dialects.<source>] in perennial.toml.',
        )
    return found


def _inspect(
    engine: DuckDBEngine, settings: Settings, sources: Mapping[str, Source], path: Path, shown: str, name: str | None,
    write_to: Path | None,
) -> Inspection:  # fmt: skip
    if name is not None:
        source = recognise_input(settings, path, choose(sources, name))
        columns, dialect, _ = _columns(engine, settings, path, fixed_dialect(settings, source).sheet)
        found = Inspection(one_line(path.name), shown, columns, str(dialect))
        found = _with(found, candidates=_candidates(sources, columns, path.name))
        return _loaded(engine, settings, path, found, source)
    looks = []
    for sheet, of_sheet in _by_sheet(settings, sources, path, shown).items():
        columns, dialect, profile = _columns(engine, settings, path, sheet)
        candidates = _candidates(of_sheet, columns, path.name)
        found = Inspection(one_line(path.name), shown, columns, str(dialect), candidates=candidates)
        looks.append((found, profile, sheet))
        fitting = [candidate.source for candidate in candidates if not candidate.lacks]
        if fitting:
            return _loaded(engine, settings, path, found, fitting[0])
    found, profile, sheet = looks[0]
    for source in sources.values():  # a table of aligned text has no columns to be known by, only lines that fit
        if source.header.reads == "lines" and len(found.columns) == 1:
            attempt = _loaded(engine, settings, path, found, source)
            if attempt.loaded and attempt.loaded.accepted:
                return attempt
    return _guessed(engine, settings, path, found, profile, sheet, write_to)


def _by_sheet(
    settings: Settings, sources: Mapping[str, Source], path: Path, shown: str
) -> dict[str | None, dict[str, Source]]:
    """Sheet to look at -> the sources that would read it: those that settings name and the workbook has, then the first
    (None). Of other files all sources read the same."""
    if shown != "xlsx":
        return {None: dict(sources)}
    of_sheets: dict[str | None, dict[str, Source]] = {
        sheet: {} for dialect in settings.dialects.values() if (sheet := dialect.sheet)
    }
    for label, source in sources.items():
        of_sheets.setdefault(fixed_dialect(settings, source).sheet, {})[label] = source
    there, first = sheets_of(path), of_sheets.pop(None, {})
    named: dict[str | None, dict[str, Source]] = {
        sheet: of_sheet for sheet, of_sheet in of_sheets.items() if sheet in there
    }
    return named if named and not first else {**named, None: first}


@contextmanager
def _workshop(settings: Settings, file: Path) -> Iterator[tuple[DuckDBEngine, Settings]]:
    """A warehouse in a folder of its own that is gone afterwards, and the settings of the home for it."""
    with tempfile.TemporaryDirectory(prefix="perennial-inspect-") as folder:
        rates = rates_files(settings)
        aside = settings.model_copy(update={"home": Path(folder), "quarantine_limit": 1.0, "rates_file": None})
        if rates:
            aside = aside.model_copy(update={"rates_file": settings.rates_file or rates[0].parent})
        connection = open_file(aside.warehouse_file, aside)
        try:
            confine(connection, aside, [file])
            engine = DuckDBEngine(connection)
            engine.prepare(aside, [tables()[name] for name in _TABLES])
            yield engine, aside
        finally:
            connection.close()


def _columns(
    engine: DuckDBEngine, settings: Settings, path: Path, sheet: str | None
) -> tuple[list[str], Dialect, dict[str, set[str]]]:
    """The columns of the file, how it is written, and what each column looks like (number, date, constant …)."""
    dialect = Dialect(sheet=sheet)
    file = read_raw(engine, path, dialect=dialect, scratch=settings.warehouse_file.parent, limits=limits_of(settings))
    profile: dict[str, set[str]] = {}
    for name in file.columns:
        text = f"trim(CAST({quoted(name)} AS VARCHAR))"
        patterns = {"number": _NUMBER_LIKE, "date": _DATE_LIKE, "email": _EMAIL_LIKE, "money": _MONEY_LIKE,
                    "nested": _NESTED_LIKE}  # fmt: skip
        counts = ", ".join(f"count(*) FILTER (WHERE regexp_full_match({text}, ${like}))" for like in patterns)
        filled, *matching = engine.execute(
            f"SELECT count(*), {counts} FROM (SELECT {quoted(name)} FROM raw WHERE {text} <> '' LIMIT 1000) AS sample",
            patterns,
        )[0]
        likes = dict(zip(patterns, matching, strict=True))
        profile[name] = {like for like, count in likes.items() if filled and count >= 0.9 * filled}
        rows, values = engine.execute(f"SELECT count(*), count(DISTINCT {text}) FROM raw WHERE {text} <> ''")[0]
        profile[name] |= {"constant"} if rows >= _ALONE and values == 1 else set()
    for one, other in pairwise(name for name in profile if _names_customers(name)):
        pairs = engine.execute(f"SELECT DISTINCT {quoted(one)}, {quoted(other)} FROM raw")
        if len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs}):
            profile[one].add("told again")
    return file.columns, file.dialect, profile


def _candidates(sources: Mapping[str, Source], columns: Sequence[str], file: str) -> list[Candidate]:
    """Sources of tables, the best first: those that lack nothing, then by how many columns they know."""
    found = []
    for source in sources.values():
        if source.header.reads == "lines" or source.is_foreign(columns):
            continue
        matched = len(source.present(columns))
        try:
            source.resolve(columns, file)
            lacks = ""
        except ExportError as error:
            lacks = str(error).split(" It has ")[0].removeprefix(f"{file} is no export of source {source.label}: it ")
        found.append(Candidate(source, matched, lacks))
    return sorted(found, key=lambda one: (bool(one.lacks), -one.matched, one.source.label))


def _loaded(
    engine: DuckDBEngine, settings: Settings, path: Path, found: Inspection, source: Source, **more: Any
) -> Inspection:
    """Load the file as a run would, and look at what has become of it."""
    for table in _TABLES:
        engine.execute(f"DELETE FROM {table}")
    (outcome,) = load_exports(engine, settings, [Export(path, source)])
    if isinstance(outcome, ExportError):
        return _with(found, source=source, problem=str(outcome), **more)
    input = INPUTS[source.input]
    staging, order = input.table.full_name, ", ".join(["row_number", *(f"{name} DESC" for name in input.line_of_row)])
    lines = engine.read(f"SELECT * FROM {staging} ORDER BY {order} LIMIT {_SAMPLE_LINES}")
    sample = [{name: value for name, value in row.items() if value is not None} for row in lines.to_dicts()]
    first, last = engine.execute(f"SELECT min({input.moment}), max({input.moment}) FROM {staging}")[0]
    reasons = _reasons(engine)
    return _with(
        found, source=source, dialect=outcome.dialect, loaded=outcome, sample=sample, reasons=reasons[:_TOP_REASONS],
        other_reasons=len(reasons[_TOP_REASONS:]), span=(first, last) if first else None,
        figures=_figures(engine, source), warning=_warning(input.moment, last, settings), **more,
    )  # fmt: skip


def _figures(engine: DuckDBEngine, source: Source) -> Figures | None:
    if source.input != ORDERS:
        return None
    return Figures(
        *engine.execute(
            "SELECT count(DISTINCT customer_id), count(DISTINCT order_id), coalesce(sum(amount), 0) "
            "FROM staging.order_lines"
        )[0]
    )


def _with(found: Inspection, **values: Any) -> Inspection:
    return Inspection(**{**{name: getattr(found, name) for name in found.__dataclass_fields__}, **values})


def _judged(found: Inspection, limit: float) -> Inspection:
    """Whether a run would load the file: it was loaded here whatever the share of rows that do not fit."""
    if found.problem is not None or found.loaded is None:
        return found
    read, bad = found.loaded.rows_read, found.loaded.quarantined - found.loaded.unlimited
    if not read:
        return _with(found, problem="The file holds a header and no rows: there is nothing to load. Export it again.")
    if bad <= limit * read:
        return found
    return _with(
        found,
        problem=f"{bad / read:.1%} of the rows do not fit, more than {limit:.1%} (setting quarantine_limit): a run "
        f"would load nothing of this file. Fix the export, name another source, or set how it is written.",
    )


def _warning(moment: str, last: dt.datetime | None, settings: Settings) -> str | None:
    """The one place where the clock is asked: it is a person who looks, now."""
    today = dt.datetime.now(ZoneInfo(settings.timezone)).date()
    if last is None or last.date() <= today:
        return None
    return (
        f"The latest {moment} is {last.date()}, after today. Rows of the future are loaded and count for no day before "
        f"theirs; if the date is a typo, correct it in the shop and export again."
    )


def _reasons(engine: DuckDBEngine) -> list[Reason]:
    """Why rows are quarantined, the most frequent first; the values are left out so that like comes to like."""
    rows = engine.execute(
        f"""
        WITH single AS (
          SELECT row_number, unnest(string_split(reasons, '; ')) AS reason FROM ingest.quarantine
        )
        SELECT {without_shape_sql("reason")}, count(DISTINCT row_number), min(row_number)
        FROM single GROUP BY ALL ORDER BY 2 DESC, 1
        """
    )
    return [Reason(*row) for row in rows]


# ── an unknown layout ─────────────────────────────────────────────────────────────────────────────────────────────────


def _guessed(
    engine: DuckDBEngine, settings: Settings, path: Path, found: Inspection, profile: Mapping[str, set[str]],
    sheet: str | None, write_to: Path | None,
) -> Inspection:  # fmt: skip
    """A first source for a layout that nobody knows; tried where it maps all that a run needs."""
    if found.format.startswith(("csv", "xlsx")) and looks_like_data(found.columns):
        return _with(
            found,
            problem="The file has no header line, it seems: its first line looks like data. Add one that names the "
            "columns.",
        )
    guessed = guess_columns(profile)
    known, lacking = "No source knows this layout.", _lacking(guessed)
    unsure = f" None of its columns is surely {', '.join(lacking)}." if lacking else ""
    if inner := [name for name, likes in profile.items() if "nested" in likes]:
        found = _with(
            found,
            note=f"Nested and not guessed: {shown_names(inner)}. What lies inside is reached by names such as "
            f"profile.email in a source with nested: true (docs/exports.md).",
        )
    if write_to is None:
        return _with(
            found, guessed=guessed, problem=f"{known}{unsure} Add --write FOLDER to have a first source written for it."
        )
    target = write_source(write_to, path.name, profile, guessed, sheet)
    more = {"guessed": guessed, "written": target}
    if lacking:
        return _with(
            found, **more,
            problem=f"{known}{unsure} A source is written that is not to be used yet: map {', '.join(lacking)} in "
            f"{target}, where it says NULL, and inspect the file again.",
        )  # fmt: skip
    return _plausible(_loaded(engine, settings, path, found, read_source(target), **more))


def _lacking(guessed: Mapping[str, str]) -> list[str]:
    """The canonical columns without which there is nothing to compute."""
    lacking = [name for name in ("customer_id", "ordered_at") if name not in guessed]
    has_amount = "amount" in guessed or {"quantity", "unit_price"} <= guessed.keys()
    return lacking if has_amount else [*lacking, "amount"]


def _plausible(found: Inspection) -> Inspection:
    """A guess is not to be used if what comes of it is no shop."""
    if found.problem is not None or found.figures is None or not found.figures.orders:
        return found
    customers, orders, revenue = found.figures.customers, found.figures.orders, found.figures.revenue
    doubts = []
    if customers == 0 or (customers == 1 and orders >= _ALONE):
        doubts.append(f"{counted(orders, 'order')} of {counted(customers, 'customer')}")
    if revenue <= 0:
        doubts.append(f"a revenue of {revenue:,}")
    if not doubts:
        return found
    return _with(
        found, problem=f"The columns were guessed, and {' and '.join(doubts)} cannot be right: correct {found.written}."
    )


def guess_columns(profile: Mapping[str, set[str]]) -> dict[str, str]:
    """Canonical column -> the raw column that is probably it, by name and by what it looks like; each used once."""
    scored = []
    for canonical, words in _WORDS.items():
        for raw, likes in profile.items():
            if not _may_be(canonical, raw, likes) or (canonical in _SUMS and _is_in_other_units(raw)):
                continue
            likeness, place = max((_likeness(raw, word), -place) for place, word in enumerate(words))
            if likeness < _CLOSE_ENOUGH and canonical in _LIKE and _has_word(raw, words):
                likeness, place = _CLOSE_ENOUGH, -len(words)
            if likeness >= _CLOSE_ENOUGH:
                is_last_resort = canonical == "customer_id" and _is_mail(raw, likes)
                scored.append((is_last_resort, -likeness, -place, canonical, raw))
    found: dict[str, str] = {}
    for *_, canonical, raw in sorted(scored):
        if canonical not in found and raw not in found.values():
            found[canonical] = raw
    _add_by_content(found, profile)
    return {name: found[name] for name in INPUTS[ORDERS].schema.columns if name in found}


def _may_be(canonical: str, raw: str, likes: set[str]) -> bool:
    """Whether what a column holds leaves room for it."""
    if "nested" in likes:
        return False
    if canonical == "customer_id" and likes & {"constant", "date"}:
        return False
    if canonical in ("amount", "unit_price") and set(_words_of(raw)) & _NOT_THE_AMOUNT:
        return False
    if canonical in (*_SUMS, "coupon") and (set(_words_of(raw)) & _NOT_A_SUM or "%" in raw):
        return False
    return canonical not in _LIKE or _LIKE[canonical] in likes


def _add_by_content(found: dict[str, str], profile: Mapping[str, set[str]]) -> None:
    """The only column of times is when; the only one of ids of customers is who, and two that say the same are one,
    else the only one of their addresses; the only one of money, where none is a price of pieces, is how much.
    """
    ids = [raw for raw, likes in profile.items() if _names_customers(raw) and "told again" not in likes]
    if "customer_id" not in found and len(ids) == 1 and _may_be("customer_id", ids[0], profile[ids[0]]):
        found["customer_id"] = ids[0]
    free = {raw: likes for raw, likes in profile.items() if raw not in found.values()}
    mails = [raw for raw, likes in free.items() if "email" in likes and _may_be("customer_id", raw, likes)]
    if "customer_id" not in found and len(mails) == 1 and any(word in _plain(mails[0]) for word in _PEOPLE):
        found["customer_id"] = mails[0]
        del free[mails[0]]
    if "ordered_at" not in found and len(times := [raw for raw, likes in profile.items() if "date" in likes]) == 1:
        found["ordered_at"] = times[0]
    money = [
        raw for raw, likes in free.items() if "money" in likes and "date" not in likes and not _is_in_other_units(raw)
    ]
    if "amount" not in found and len(money) == 1 and _may_be("amount", money[0], free[money[0]]):
        if "unit_price" not in found:
            found["amount"] = money[0]
    elif "amount" not in found and "unit_price" in found and "quantity" not in found and not money:
        found["amount"] = found.pop("unit_price")  # a price without pieces is what was paid


def _names_customers(raw: str) -> bool:
    """Whether a name ends like that of a customer's id, whatever is before it."""
    return _words_of(raw)[-2:] in (["customer", "id"], ["client", "id"], ["user", "id"])


def _is_in_other_units(raw: str) -> bool:
    """Whether a sum's name says that it is in hundredths or thousands of the currency."""
    words = _words_of(raw)
    return not _OTHER_UNITS.isdisjoint(words) or any(word.endswith(_OTHER_UNIT_ENDINGS) for word in words)


def _is_mail(raw: str, likes: set[str]) -> bool:
    return "email" in likes or any(word in _plain(raw) for word in _MAILS)


def _has_word(raw: str, words: Sequence[str]) -> bool:
    return not {_plain(word) for word in _words_of(raw)}.isdisjoint(map(_plain, words))


def _likeness(raw: str, word: str) -> float:
    return difflib.SequenceMatcher(None, _key(raw), _key(word)).ratio()


def _key(name: str) -> str:
    """What a column is called, with one word for number, code, No. and # of something."""
    words = _words_of(name)
    if not words:
        return _plain(name)
    ids = [word for word in words if word in _ID_WORDS]
    rest = [word for word in words if word not in _ID_WORDS]
    for ending in _ID_ENDINGS if not ids and rest else ():
        if rest[-1].endswith(ending) and len(rest[-1]) > len(ending) + 2:
            rest[-1], ids = rest[-1].removesuffix(ending), [_ID]
            break
    return _plain("".join(rest)) + (f" {_ID}" if ids else "")


def _words_of(name: str) -> list[str]:
    """Words in lower case; # is a word, and so is each part of camelCase."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    spaced = re.sub(r"#|№|\b[nN][°º]", " no ", spaced)
    return [word for word in re.split(r"[\W_]+", spaced.replace("'", "").replace('"', "").lower()) if word]


def _plain(name: str) -> str:
    """Letters and digits only, without accents."""
    decomposed = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    return "".join(filter(str.isalnum, decomposed))


def write_source(
    folder: Path, file: str, columns: Mapping[str, set[str]], guessed: Mapping[str, str], sheet: str | None = None
) -> Path:
    """A source file that maps the columns as guessed, and says NULL where it does not know. Never over one there is.

    `sheet`: the one of a workbook that it reads, if that is not the first. Raises ExportError.
    """
    name = re.sub(r"[^a-z0-9]+", "_", _plain(file.split(".")[0])).strip("_")[:80] or "export"
    target = folder / name / "order_lines.sql"
    if target.exists():
        raise ExportError(f"{target} is there already; remove it, or name another folder with --write.")
    must = {guessed[name] for name in ("order_id", "customer_id", "ordered_at") if name in guessed}
    raw = "\n".join(
        f"  {_yaml(column)}: {_properties(column in must, 'email' in likes)}" for column, likes in columns.items()
    )
    outputs = [(quoted(column), canonical, "") for canonical, column in guessed.items()]
    for canonical in _lacking(guessed):
        outputs.append(("NULL", canonical, f"map it; {_candidates_for(canonical, columns, guessed)}"))
    if "order_id" not in guessed:
        if {"customer_id", "ordered_at"} <= guessed.keys():
            customer, moment = quoted(guessed["customer_id"]), quoted(guessed["ordered_at"])
            made, why = f"{customer} || '-' || left(TRY_CAST({moment} AS VARCHAR), 10)", "no number: customer and day"
        else:
            made, why = "NULL", f"map it; {_candidates_for('order_id', columns, guessed)}"
        outputs.insert(0, (made, "order_id", why))
    selected = [("row_number", ""), *((f"{made} AS {canonical}", why) for made, canonical, why in outputs)]
    dialect = f"dialect: {{sheet: {_yaml(sheet)}}}\n" if sheet else ""
    lines = [
        f"  {text}{',' if place < len(selected) else ''}{f'  -- {why}' if why else ''}"
        for place, (text, why) in enumerate(selected, start=1)
    ]
    text = (
        f"/*\ndescription: {_yaml(f'Written by perennial inspect for {one_line(file)}; check every line of it.')}\n"
        f"owner: team:data\n{dialect}raw:\n{raw}\n*/\nSELECT\n" + "\n".join(lines) + "\nFROM export\n"
    )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ExportError(
            f"{target} cannot be written ({error.strerror}). Name another folder with --write."
        ) from error
    return target


def _candidates_for(canonical: str, columns: Mapping[str, set[str]], guessed: Mapping[str, str]) -> str:
    """The columns that are left and hold what it needs, for whoever maps it."""
    left = [raw for raw, likes in columns.items() if raw not in guessed.values() and _may_be(canonical, raw, likes)]
    if not left:
        return "no column holds what it needs"
    scaled = [raw for raw in left if canonical in _SUMS and _is_in_other_units(raw)]
    unit = f"; {shown_names(scaled)} by its name not in whole units: divide it, cents by 100" if scaled else ""
    return f"candidates: {shown_names(left)}{unit}"


def _properties(is_required: bool, is_email: bool) -> str:
    """An address is personal: whatever it is mapped to, only its hash is kept."""
    properties = ["required: true"] * is_required + ["type: email"] * is_email
    return "{" + ", ".join(properties) + "}"


def _yaml(text: str) -> str:
    """A text in the header: quoted, and without the characters that would end the comment."""
    return json.dumps(text, ensure_ascii=False).replace("*/", "*\\/")
