"""Numbers by one locale, in text, on axes and in the terminal."""

from __future__ import annotations

import datetime as dt

import pytest

from pipeline.notation import notation, writing_in
from pipeline.reporting import words
from pipeline.settings import Settings

SPACE, NARROW, JOINED = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}", "\N{WORD JOINER}"


@pytest.mark.parametrize(
    ("locale", "amount", "share", "small", "short"),
    [
        ("en", "€57,255", "22.2%", "<0.1%", "€38.9k"),
        ("de", f"57.255{SPACE}€", f"22,2{SPACE}%", f"<0,1{SPACE}%", f"38,9k{SPACE}€"),
        ("fr", f"57{NARROW}255{SPACE}€", f"22,2{SPACE}%", f"<0,1{SPACE}%", f"38,9k{SPACE}€"),
        ("pl", f"57{SPACE}255{SPACE}€", "22,2%", "<0,1%", f"38,9k{SPACE}€"),
        ("tr", "€57.255", "%22,2", "<%0,1", "€38,9k"),
    ],
)
def test_each_locale_writes_its_own_way(locale: str, amount: str, share: str, small: str, short: str) -> None:
    with writing_in(locale):
        assert words.money(57255, "EUR") == amount
        assert words.percent(0.2222) == share
        assert words.percent(0.0001) == small
        assert words.short_money(38_900, "EUR") == short
    assert words.money(57255, "EUR") == "€57,255"


@pytest.mark.parametrize(
    ("currency", "english", "german"),
    [
        ("USD", "$869.50", f"869,50{SPACE}$"),
        ("JPY", "¥870", f"870{SPACE}¥"),
        ("PLN", f"PLN{SPACE}869.50", f"869,50{SPACE}PLN"),
        ("ZZZ", f"ZZZ{SPACE}869.50", f"869,50{SPACE}ZZZ"),
        ("XXX", f"XXX{SPACE}869.50", f"869,50{SPACE}XXX"),
        ("KWD", f"KWD{SPACE}869.500", f"869,500{SPACE}KWD"),
    ],
)
def test_a_currency_without_a_symbol_is_named_by_its_code(currency: str, english: str, german: str) -> None:
    assert words.money(869.5, currency) == english
    with writing_in("de"):
        assert words.money(869.5, currency) == german


def test_no_line_ends_between_a_sign_and_an_amount() -> None:
    assert words.money(-7, "GBP") == f"−{JOINED}£7.00"
    assert words.change(7, lambda amount: words.money(amount, "GBP")) == f"+{JOINED}£7.00"
    assert words.change(7) == "+7"
    with writing_in("de"):
        assert words.money(-7, "GBP") == f"−7,00{SPACE}£"


def test_points_are_no_percent_and_months_are_english() -> None:
    with writing_in("de"):
        assert words.points(0.011) == f"1,1{SPACE}points"
        assert words.month(dt.date(2026, 10, 1)) == "Oct 2026"


def test_what_an_axis_is_told() -> None:
    with writing_in("de_CH"):
        assert notation().separators == ".'"
    with writing_in("fr"):
        assert (notation().separators, notation().percent) == (f",{NARROW}", ("", f"{SPACE}%"))


def test_a_locale_that_is_not_known_is_refused(tmp_path) -> None:
    for known in ("en", "pl", "fr-CH", "pt_BR"):
        assert Settings(home=tmp_path, locale=known).locale == known
    for unknown in ("xx", "english", "", "de_XX_YY_ZZ"):
        with pytest.raises(ValueError, match="is not a locale"):
            Settings(home=tmp_path, locale=unknown)
