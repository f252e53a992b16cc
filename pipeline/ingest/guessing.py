"""Guessing: which columns of a layout that nobody knows are an order's, and a first source that maps them.

By the names of the columns, in the languages that shops export in, and by what they hold. What is not sure is left out:
the source says NULL there, with the candidates.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.engines.duckdb import DuckDBEngine
from pipeline.errors import ExportError
from pipeline.quoting import quoted, text_literal
from pipeline.shapes import one_line, shown_names
from pipeline.statuses import COMMON, status_word_sql
from pipeline.tables.inputs import INPUTS, ORDERS

Profile = dict[str, set[str]]
"""Column -> what it looks like."""
_OF_THE_ORDER = "of the order"
"""What a sum looks like that is told again on each row of an order."""
_ENDED = ("never_stood", "refunded")
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
_NOT_WHEN_ORDERED = {
    "birth", "birthday", "delivered", "delivery", "due", "expires", "modified", "refunded", "shipped", "updated",
    "geburtstag", "lieferung", "geliefert", "versendet", "versand", "geändert", "dostawy", "wysyłki", "urodzenia",
    "livraison", "naissance", "entrega", "nacimiento",
}  # fmt: skip
_TEXTS = ("product_name", "category", "country", "city", "status", "sales_channel")
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
_LEAST_ORDERS = 3
"""So many orders of several lines show whether a sum is theirs or the lines', where no price of pieces tells."""
NAMES = "looks like people's names: two of one name would be one customer, and names stand in all tables; map a number"
ALONE = 10
"""From so many rows on, a column with one value in all of them says nothing about the rows."""
_NUMBER_LIKE = r"\D{0,4}[-+]?\d[\d.,'’ \x{a0}\x{202f}]*\D{0,4}"
_MONEY_LIKE = r"\D{0,4}[-+]?\d[\d.,'’ \x{a0}\x{202f}]*[.,]\d{2}\D{0,4}"
_DATE_LIKE = r"\D{0,4}\d{1,4}[-./ ]\w{1,9}[-./, ]+\d{2,4}.*"
_EMAIL_LIKE = r"[^@\s]+@[^@\s]+\.[^@\s]+"
_NAME_LIKE = r"\p{Lu}[\p{L}'’.-]*(?: [\p{L}'’.-]+){1,3}"
_NESTED_LIKE = r"(?s)\{.*\}|\[.*\]"
_LIKE = {"ordered_at": "date", "amount": "number", "quantity": "number", "unit_price": "number", "unit_cost": "number",
         "discount": "number"}  # fmt: skip


def profile_of(engine: DuckDBEngine, columns: Sequence[str]) -> Profile:
    """What each column of the table raw looks like: number, date, money, constant, status and so on."""
    profile: dict[str, set[str]] = {}
    for name in columns:
        text = f"trim(CAST({quoted(name)} AS VARCHAR))"
        patterns = {"number": _NUMBER_LIKE, "date": _DATE_LIKE, "email": _EMAIL_LIKE, "money": _MONEY_LIKE,
                    "nested": _NESTED_LIKE, "name": _NAME_LIKE}  # fmt: skip
        counts = ", ".join(f"count(*) FILTER (WHERE regexp_full_match({text}, ${like}))" for like in patterns)
        filled, *matching = engine.execute(
            f"SELECT count(*), {counts} FROM (SELECT {quoted(name)} FROM raw WHERE {text} <> '' LIMIT 1000) AS sample",
            patterns,
        )[0]
        likes = dict(zip(patterns, matching, strict=True))
        profile[name] = {like for like, count in likes.items() if filled and count >= 0.9 * filled}
        rows, values = engine.execute(f"SELECT count(*), count(DISTINCT {text}) FROM raw WHERE {text} <> ''")[0]
        profile[name] |= {"constant"} if rows >= ALONE and values == 1 else set()
        profile[name] |= _likes_of_statuses(engine, name)
    for one, other in pairwise(name for name in profile if _names_customers(name)):
        pairs = engine.execute(f"SELECT DISTINCT {quoted(one)}, {quoted(other)} FROM raw")
        if len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs}):
            profile[one].add("told again")
    while _is_of_the_order(engine, guessed := guess_columns(profile)):
        profile[guessed["amount"]].add(_OF_THE_ORDER)
    return profile


def _likes_of_statuses(engine: DuckDBEngine, name: str) -> set[str]:
    """status: half of the cells or more are words that mean the same in every shop; ended: some say that it is over."""
    counts = ", ".join(f"count(*) FILTER (WHERE list_contains(${standing}, word))" for standing in COMMON)
    words = f"SELECT {status_word_sql(quoted(name))} AS word FROM raw"
    given: dict[str, Any] = {standing: list(listed) for standing, listed in COMMON.items()}
    filled, *known = engine.execute(f"SELECT count(word), {counts} FROM ({words}) AS words", given)[0]
    if not filled or sum(known) < 0.5 * filled:
        return set()
    return {"status", "ended"} if any(dict(zip(COMMON, known, strict=True))[name] for name in _ENDED) else {"status"}


def _is_of_the_order(engine: DuckDBEngine, guessed: Mapping[str, str]) -> bool:
    """Whether the amount is the same on all rows of every order of several lines, and not of all orders."""
    if not {"order_id", "amount"} <= guessed.keys():
        return False
    order, amount = quoted(guessed["order_id"]), quoted(guessed["amount"])
    told = [
        quoted(guessed[name]) for name in ("product_id", "product_name", "quantity", "unit_price") if name in guessed
    ]
    lines = f"count(DISTINCT concat_ws('|', {', '.join(told)}))" if told else "count(*)"
    several, same, amounts = engine.execute(
        f"""
        WITH orders AS (
          SELECT {lines} AS lines, count(DISTINCT {amount}) AS amounts, min({amount}) AS amount
          FROM raw
          GROUP BY {order}
        ),
        several AS (SELECT * FROM orders WHERE lines > 1)
        SELECT count(*), count(*) FILTER (WHERE amounts = 1), (SELECT count(DISTINCT amount) FROM orders) FROM several
        """
    )[0]
    least = 2 if {"quantity", "unit_price"} <= guessed.keys() else _LEAST_ORDERS
    return bool(several >= least and several == same and amounts > 1)


def lacking(guessed: Mapping[str, str]) -> list[str]:
    """The canonical columns without which there is nothing to compute."""
    lacking = [name for name in ("customer_id", "ordered_at") if name not in guessed]
    has_amount = "amount" in guessed or {"quantity", "unit_price"} <= guessed.keys()
    return lacking if has_amount else [*lacking, "amount"]


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
    if "nested" in likes or (canonical == "amount" and _OF_THE_ORDER in likes):
        return False
    if canonical == "customer_id" and likes & {"constant", "date"}:
        return False
    if canonical in ("amount", "unit_price") and set(_words_of(raw)) & _NOT_THE_AMOUNT:
        return False
    if canonical == "ordered_at" and set(_words_of(raw)) & _NOT_WHEN_ORDERED:
        return False
    if canonical in _TEXTS and "money" in likes:
        return False
    if canonical in (*_SUMS, "coupon") and (set(_words_of(raw)) & _NOT_A_SUM or "%" in raw):
        return False
    return canonical not in _LIKE or _LIKE[canonical] in likes


def _add_by_content(found: dict[str, str], profile: Mapping[str, set[str]]) -> None:
    """The only column of times is when; the only one of ids of customers is who, and two that say the same are one,
    else the only one of their addresses; the only one of money, where none is a price of pieces, is how much.
    """
    orders = [raw for raw in profile if _ends_with_id_of(raw, "order")]
    if "order_id" not in found and len(orders) == 1 and orders[0] not in found.values():
        found["order_id"] = orders[0]
    ids = [raw for raw, likes in profile.items() if _names_customers(raw) and "told again" not in likes]
    is_open = "customer_id" not in found or _is_mail(found["customer_id"], profile[found["customer_id"]])
    if is_open and len(ids) == 1 and _may_be("customer_id", ids[0], profile[ids[0]]):
        found["customer_id"] = ids[0]
    statuses = sorted((raw for raw in profile if "status" in profile[raw]), key=lambda raw: "ended" not in profile[raw])
    if statuses and found.get("status") not in statuses[:1]:
        found["status"] = next((raw for raw in statuses if raw not in found.values()), statuses[0])
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
    elif (
        not {"amount", "quantity"} & found.keys() and not money
        and (price := found.get("unit_price")) and _may_be("amount", price, profile[price])
    ):  # fmt: skip
        found["amount"] = found.pop("unit_price")  # a price without pieces is what was paid


def _names_customers(raw: str) -> bool:
    """Whether a name ends like that of a customer's id, whatever is before it."""
    return _ends_with_id_of(raw, "customer", "client", "user")


def _ends_with_id_of(raw: str, *things: str) -> bool:
    *_, what, how = ["", "", *_words_of(raw)]
    return what in things and how in _ID_WORDS


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
    ids = [word for word, next in pairwise([*words, ""]) if word in _ID_WORDS and next != "of"]
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
    number = guessed.get("amount") if "status" in guessed else None  # compared with 0 below
    must = {guessed[name] for name in ("order_id", "customer_id", "ordered_at") if name in guessed}
    raw = "\n".join(
        f"  {_yaml(column)}: {_properties(column in must, 'email' in likes, column == number)}"
        for column, likes in columns.items()
    )
    outputs = _outputs(guessed, columns)
    for canonical in lacking(guessed):
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
        f"owner: team:data\n{dialect}raw:\n{raw}\n{_statuses(guessed)}*/\nSELECT\n"
        + "\n".join(lines)
        + "\nFROM export\n"
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


def _outputs(guessed: Mapping[str, str], profile: Mapping[str, set[str]]) -> list[tuple[str, str, str]]:
    """What the SELECT gives: SQL, canonical column, comment. What never stood, or was paid back, brings nothing."""
    outputs = {canonical: (quoted(column), "") for canonical, column in guessed.items()}
    if "customer_id" in guessed and "name" in profile[guessed["customer_id"]]:
        outputs["customer_id"] = (outputs["customer_id"][0], NAMES)
    if "status" in guessed:
        ended = f"standing IN ({', '.join(map(text_literal, _ENDED))})"
        otherwise = f" ELSE {quoted(guessed['amount'])}" if "amount" in guessed else ""
        if "amount" not in lacking(guessed):
            outputs["amount"] = (f"CASE WHEN {ended} THEN '0'{otherwise} END", "nothing, of what is over by its status")
        outputs["status"] = (f"CASE WHEN {ended} THEN 'cancelled' ELSE {quoted(guessed['status'])} END", "")
    return [(made, canonical, why) for canonical, (made, why) in outputs.items()]


def _statuses(guessed: Mapping[str, str]) -> str:
    """The block of the header that says what the words of the status mean, to be completed by the shop."""
    if "status" not in guessed:
        return ""
    listed = (textwrap.wrap(f"{standing}: [{', '.join(words)}]", 110) for standing, words in COMMON.items())
    words = "".join(f"  {first}\n" + "".join(f"    {more}\n" for more in others) for first, *others in listed)
    return f"statuses:\n  column: {_yaml(guessed['status'])}\n{words}"


def _properties(is_required: bool, is_email: bool, is_number: bool) -> str:
    """An address is personal: whatever it is mapped to, only its hash is kept."""
    properties = ["required: true"] * is_required + ["type: email"] * is_email + ["type: number"] * is_number
    return "{" + ", ".join(properties) + "}"


def _yaml(text: str) -> str:
    """A text in the header: quoted, and without the characters that would end the comment."""
    return json.dumps(text, ensure_ascii=False).replace("*/", "*\\/")
