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
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.catalog import tables
from pipeline.contracts import ORDER_LINES
from pipeline.dialects import Dialect
from pipeline.engines.duckdb import DuckDBEngine, connect
from pipeline.exports import load_exports, recognise_input
from pipeline.inputs import INPUTS, input_tables
from pipeline.loading import Export, Loaded
from pipeline.rates import rates_files
from pipeline.readers import format_of, read_raw
from pipeline.settings import Settings
from pipeline.sources import ExportError, Source, choose, find_sources, quoted, read_source

_TABLES = (
    "ingest.files", "ingest.quarantine", "ingest.remarks", "ingest.identities",
    *(table.full_name for table in input_tables()),
)  # fmt: skip
_SAMPLE_LINES = 5
_TOP_REASONS = 5
_CLOSE_ENOUGH = 0.8
_WORDS: Mapping[str, tuple[str, ...]] = {
    "order_id": (
        "order id", "order", "order number", "order no", "invoice", "invoice no", "invoice number", "receipt",
        "transaction", "transaction id", "nr zamówienia", "numer zamówienia", "zamówienie", "faktura", "bestellung",
        "bestellnummer", "auftrag", "auftragsnummer", "rechnung", "commande", "numéro de commande", "pedido",
    ),
    "customer_id": (
        "customer id", "customer", "customer number", "customer no", "client", "client id", "user", "user id", "buyer",
        "buyer id", "member", "member id", "contact id", "klient", "nr klienta", "id klienta", "kunde", "kundennummer",
        "kunden id", "cliente", "email", "e-mail", "customer email", "mail", "adres e-mail", "email address",
    ),
    "ordered_at": (
        "ordered at", "order date", "date", "datetime", "timestamp", "created at", "created", "purchase date",
        "invoice date", "transaction date", "sold at", "data", "data zamówienia", "data sprzedaży", "datum",
        "bestelldatum", "rechnungsdatum", "fecha", "day",
    ),
    "amount": (
        "amount", "total", "line total", "line amount", "revenue", "sales", "net amount", "gross amount", "order total",
        "grand total", "value", "paid", "sum", "kwota", "wartość", "suma", "razem", "betrag", "summe", "umsatz",
        "gesamt", "montant", "importe", "total price",
    ),
    "quantity": ("quantity", "qty", "units", "pieces", "items", "ilość", "liczba sztuk", "menge", "anzahl", "quantité",
                 "cantidad"),
    "unit_price": ("unit price", "price", "item price", "cena", "cena jednostkowa", "preis", "einzelpreis", "prix",
                   "precio"),
    "unit_cost": ("unit cost", "cost", "purchase price", "cost price", "koszt", "einkaufspreis"),
    "discount": ("discount", "discount amount", "rabat", "rabatt", "remise", "descuento"),
    "product_id": ("product id", "sku", "product", "item", "item id", "article", "article number", "stock code", "ean",
                   "produkt", "towar", "artikel", "artikelnummer", "kod produktu", "producto"),
    "product_name": ("product name", "item name", "title", "description", "nazwa produktu", "nazwa", "bezeichnung"),
    "category": ("category", "product category", "kategoria", "kategorie", "catégorie", "categoría"),
    "currency": ("currency", "currency code", "waluta", "währung", "devise", "moneda"),
    "country": ("country", "shipping country", "kraj", "land", "pays", "país"),
    "city": ("city", "shipping city", "miasto", "stadt", "ville", "ciudad"),
    "status": ("status", "order status", "state", "stan"),
    "coupon": ("coupon", "coupon code", "discount code", "voucher", "kod rabatowy", "gutschein"),
    "sales_channel": ("sales channel", "channel", "kanał", "kanal"),
    "store_id": ("store id", "store", "shop", "sklep", "filiale"),
    "line_id": ("line id", "line", "line number", "row id", "position"),
}  # fmt: skip
_NUMBER_LIKE = r"\D{0,4}[-+]?\d[\d.,'’ \x{a0}\x{202f}]*\D{0,4}"
_DATE_LIKE = r"\D{0,4}\d{1,4}[-./ ]\w{1,9}[-./, ]+\d{2,4}.*"
_EMAIL_LIKE = r"[^@\s]+@[^@\s]+\.[^@\s]+"
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
    """Why rows would be set aside: in words, how many rows, and the first of them."""

    text: str
    rows: int
    first_row: int


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
    span: tuple[dt.datetime, dt.datetime] | None = None
    guessed: dict[str, str] = field(default_factory=dict)
    written: Path | None = None
    warning: str | None = None
    problem: str | None = None

    @property
    def is_usable(self) -> bool:
        return self.problem is None


def inspect(path: Path, settings: Settings, source: str | None = None, write_to: Path | None = None) -> Inspection:
    """Look at a file: as one of `source`, else as one of the source that fits best.

    `write_to`: a folder for a first source, if none fits; it is written as <folder>/<name of the file>/order_lines.sql.
    """
    try:
        format, compression = format_of(path)
        shown = format if compression == "none" else f"{format}, {compression}"
        if not path.is_file():
            return Inspection(path.name, shown, problem=f"There is no file {path}.")
        with _workshop(settings) as (engine, aside):
            found = _inspect(engine, aside, path.resolve(), shown, source, write_to)
    except ExportError as error:
        return Inspection(path.name, "unknown", problem=str(error))
    return _judged(found, settings.quarantine_limit)


def _inspect(
    engine: DuckDBEngine, settings: Settings, path: Path, shown: str, name: str | None, write_to: Path | None
) -> Inspection:
    sources = find_sources(settings.sources_folders)
    columns, dialect, profile = _columns(engine, settings, path)
    candidates = _candidates(sources, columns, path.name)
    found = Inspection(path.name, shown, columns, str(dialect), candidates=candidates)
    if name is not None:
        return _loaded(engine, settings, path, found, recognise_input(settings, path, choose(sources, name)))
    fitting = [candidate.source for candidate in candidates if not candidate.lacks]
    if fitting:
        return _loaded(engine, settings, path, found, fitting[0])
    for source in sources.values():  # a table of aligned text has no columns to be known by, only lines that fit
        if source.header.reads == "lines" and len(columns) == 1:
            attempt = _loaded(engine, settings, path, found, source)
            if attempt.loaded and attempt.loaded.accepted:
                return attempt
    return _guessed(engine, settings, path, found, profile, dialect, write_to)


@contextmanager
def _workshop(settings: Settings) -> Iterator[tuple[DuckDBEngine, Settings]]:
    """A warehouse in a folder of its own that is gone afterwards, and the settings of the home for it."""
    with tempfile.TemporaryDirectory(prefix="perennial-inspect-") as folder:
        rates = rates_files(settings)
        aside = settings.model_copy(update={"home": Path(folder), "quarantine_limit": 1.0, "rates_file": None})
        if rates:
            aside = aside.model_copy(update={"rates_file": settings.rates_file or rates[0].parent})
        connection = connect(aside.warehouse_file, aside)
        try:
            engine = DuckDBEngine(connection)
            engine.prepare(aside, [tables()[name] for name in _TABLES])
            yield engine, aside
        finally:
            connection.close()


def _columns(engine: DuckDBEngine, settings: Settings, path: Path) -> tuple[list[str], Dialect, dict[str, set[str]]]:
    """The columns of the file, how it is written, and what each column looks like (number, date)."""
    file = read_raw(engine, path, scratch=settings.warehouse_file.parent)
    profile: dict[str, set[str]] = {}
    for name in file.columns:
        text = f"trim(CAST({quoted(name)} AS VARCHAR))"
        patterns = {"number": _NUMBER_LIKE, "date": _DATE_LIKE, "email": _EMAIL_LIKE}
        counts = ", ".join(f"count(*) FILTER (WHERE regexp_full_match({text}, ${like}))" for like in patterns)
        filled, *matching = engine.execute(
            f"SELECT count(*), {counts} FROM (SELECT {quoted(name)} FROM raw WHERE {text} <> '' LIMIT 1000) AS sample",
            patterns,
        )[0]
        likes = dict(zip(patterns, matching, strict=True))
        profile[name] = {like for like, count in likes.items() if filled and count >= 0.9 * filled}
    return file.columns, file.dialect, profile


def _candidates(sources: Mapping[str, Source], columns: Sequence[str], file: str) -> list[Candidate]:
    """Sources of tables, the best first: those that lack nothing, then by how many columns they know."""
    found = []
    for source in sources.values():
        if source.header.reads == "lines":
            continue
        present = {column.strip().lower() for column in columns}
        names = {raw: (raw, *column.aliases) for raw, column in source.header.raw.items()}
        matched = sum(any(name.lower() in present for name in known) for known in names.values())
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
    staging, order = input.table.full_name, "row_number, kind DESC" if input.grain else "row_number"
    lines = engine.read(f"SELECT * FROM {staging} ORDER BY {order} LIMIT {_SAMPLE_LINES}")
    sample = [{name: value for name, value in row.items() if value is not None} for row in lines.to_dicts()]
    first, last = engine.execute(f"SELECT min({input.moment}), max({input.moment}) FROM {staging}")[0]
    return _with(
        found, source=source, dialect=outcome.dialect, loaded=outcome, sample=sample, reasons=_reasons(engine),
        span=(first, last) if first else None, warning=_warning(input.moment, last, settings),
        **more,
    )  # fmt: skip


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
        f"would load nothing of this file. Mend the export, name another source, or set how it is written.",
    )


def _warning(moment: str, last: dt.datetime | None, settings: Settings) -> str | None:
    """The one place where the clock is asked: it is a person who looks, now."""
    today = dt.datetime.now(ZoneInfo(settings.timezone)).date()
    if last is None or last.date() <= today:
        return None
    return (
        f"The latest {moment} is {last.date()}, after today. Rows of the future are loaded, count for no day before "
        f"theirs, and make this export the newest of all until then; correct such dates in the export."
    )


def _reasons(engine: DuckDBEngine) -> list[Reason]:
    """Why rows are set aside, the most frequent first; the values are left out so that like comes to like."""
    rows = engine.execute(
        f"""
        WITH single AS (
          SELECT row_number, unnest(string_split(reasons, '; ')) AS reason FROM ingest.quarantine
        )
        SELECT regexp_replace(reason, '": ".*" ', '" '), count(DISTINCT row_number), min(row_number)
        FROM single GROUP BY ALL ORDER BY 2 DESC, 1 LIMIT {_TOP_REASONS}
        """
    )
    return [Reason(*row) for row in rows]


# ── an unknown layout ─────────────────────────────────────────────────────────────────────────────────────────────────


def _guessed(
    engine: DuckDBEngine, settings: Settings, path: Path, found: Inspection, profile: Mapping[str, set[str]],
    dialect: Dialect, write_to: Path | None,
) -> Inspection:  # fmt: skip
    guessed = guess_columns(profile)
    lacking = [name for name in ("customer_id", "ordered_at") if name not in guessed]
    lacking += [] if "amount" in guessed or {"quantity", "unit_price"} <= guessed.keys() else ["amount"]
    known = "No source knows this layout."
    if lacking:
        listed = ", ".join(lacking)
        return _with(
            found,
            guessed=guessed,
            problem=f"{known} None of its columns looks like {listed}: map it by hand in a source.",
        )
    if write_to is None:
        return _with(
            found, guessed=guessed, problem=f"{known} Add --write FOLDER to have a first source written for it."
        )
    target = write_source(write_to, path.name, profile, guessed)
    more = {"guessed": guessed, "written": target}
    return _loaded(engine, settings, path, found, read_source(target), **more)


def guess_columns(profile: Mapping[str, set[str]]) -> dict[str, str]:
    """Canonical column -> the raw column that is probably it, by name and by what it looks like; each used once."""
    scored = []
    for canonical, words in _WORDS.items():
        for raw, likes in profile.items():
            if canonical in _LIKE and _LIKE[canonical] not in likes:
                continue
            likeness, place = max((_likeness(raw, word), -place) for place, word in enumerate(words))
            if likeness >= _CLOSE_ENOUGH:
                scored.append((likeness, place, canonical, raw))
    found: dict[str, str] = {}
    for _, _, canonical, raw in sorted(scored, key=lambda one: (-one[0], -one[1], one[2], one[3])):
        if canonical not in found and raw not in found.values():
            found[canonical] = raw
    return {name: found[name] for name in ORDER_LINES.columns if name in found}


def _likeness(raw: str, word: str) -> float:
    return difflib.SequenceMatcher(None, _plain(raw), _plain(word)).ratio()


def _plain(name: str) -> str:
    """Letters and digits only, without accents."""
    decomposed = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    return "".join(filter(str.isalnum, decomposed))


def write_source(folder: Path, file: str, columns: Mapping[str, set[str]], guessed: Mapping[str, str]) -> Path:
    """A source file that maps the columns as guessed. Never over one that is there."""
    name = re.sub(r"[^a-z0-9]+", "_", _plain(file.split(".")[0])).strip("_") or "export"
    target = folder / name / "order_lines.sql"
    if target.exists():
        raise ExportError(f"{target} is there already; remove it, or name another folder with --write.")
    must = {guessed[name] for name in ("order_id", "customer_id", "ordered_at") if name in guessed}
    raw = "\n".join(
        f"  {_yaml(column)}: {_properties(column in must, 'email' in likes)}" for column, likes in columns.items()
    )
    selected = ["row_number"]
    if "order_id" not in guessed:
        customer, moment = quoted(guessed["customer_id"]), quoted(guessed["ordered_at"])
        selected.append(f"{customer} || '-' || left(TRY_CAST({moment} AS VARCHAR), 10) AS order_id")
    selected += [f"{quoted(column)} AS {canonical}" for canonical, column in guessed.items()]
    text = (
        f"/*\ndescription: {_yaml(f'Written by perennial inspect for {file}; check every line of it.')}\n"
        f"owner: team:data\nraw:\n{raw}\n*/\nSELECT\n  " + ",\n  ".join(selected) + "\nFROM export\n"
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    return target


def _properties(is_required: bool, is_email: bool) -> str:
    """An address is personal: whatever it is mapped to, only its hash is kept."""
    properties = ["required: true"] * is_required + ["type: email"] * is_email
    return "{" + ", ".join(properties) + "}"


def _yaml(text: str) -> str:
    """A text in the header: quoted, and without the characters that would end the comment."""
    return json.dumps(text, ensure_ascii=False).replace("*/", "*\\/")
