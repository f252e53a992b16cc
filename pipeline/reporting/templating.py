"""Templates: the environment that pages are made in, and the one that sentences are.

Both are sandboxed and strict: a template sees what it is given, and a name that it is not given is an error, not
nothing. What they may say beyond the values are the filters here, and `sentences`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from pipeline.notation import current_locale, notation
from pipeline.reporting import charts, components, words
from pipeline.reporting.sentences import SENTENCES
from pipeline.settings import TEMPLATES_FOLDER
from pipeline.tables.header import HeaderError

_SPACES = re.compile(r"[ \t\n]+")  # and no others: those of amounts are to stay


def make_environment(currency: str, pages: Mapping[str, str] | None = None) -> jinja2.Environment:
    """Autoescaping, strict templates with the filters that show values. `pages`: the templates of pages as files."""
    return _environment(currency, current_locale(), tuple((pages or {}).items()))


@lru_cache(maxsize=4)  # compiled once for all days; of a locale, because Jinja computes what is constant
def _environment(currency: str, locale: str, pages: tuple[tuple[str, str], ...]) -> jinja2.Environment:
    environment = SandboxedEnvironment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(TEMPLATES_FOLDER), jinja2.DictLoader(dict(pages))]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= _filters(currency)
    environment.tests["linked"] = lambda value: isinstance(value, components.Linked)
    environment.globals["notation"] = notation()
    return environment


class Texts:
    """Renders the templates of a header: one line each, with what is unknown said."""

    def __init__(self, currency: str) -> None:
        self._plain = SandboxedEnvironment(undefined=jinja2.StrictUndefined, finalize=_known)
        self._markup = SandboxedEnvironment(
            undefined=jinja2.StrictUndefined, finalize=lambda value: charts.plain(str(_known(value)))
        )
        for environment in (self._plain, self._markup):
            environment.filters |= _filters(currency)
        self._currency = currency
        self._compiled = cache(lambda environment, template: environment.from_string(template))

    def text(self, template: str, place: str, values: Mapping[str, Any]) -> str:
        """Raises HeaderError, which begins with `place`, for a template that cannot be rendered."""
        return self._rendered(self._plain, template, place)(values)

    def hover(self, template: str, place: str) -> Callable[[Mapping[str, Any]], str]:
        """For many rows: the same with values escaped, as Plotly reads markup."""
        return self._rendered(self._markup, template, place)

    def _rendered(
        self, environment: jinja2.Environment, template: str, place: str
    ) -> Callable[[Mapping[str, Any]], str]:
        if "{" not in template:  # most titles and captions: there is nothing to compile
            said = _SPACES.sub(" ", template).strip(" ")
            return lambda _: said
        try:
            compiled = self._compiled(environment, template)
        except jinja2.TemplateError as error:
            raise HeaderError(f"{place}: {error}") from error

        def render(values: Mapping[str, Any]) -> str:
            try:
                return _SPACES.sub(" ", compiled.render(currency=self._currency, **values)).strip(" ")
            except (jinja2.TemplateError, TypeError, ValueError, KeyError, ArithmeticError) as error:
                raise HeaderError(f"{place}: {error}") from error

        return render


def texts_in(currency: str) -> Texts:
    """The texts of a currency; their templates are compiled once for all days."""
    return _texts(currency, current_locale())


@cache
def _texts(currency: str, locale: str) -> Texts:
    return Texts(currency)


def _known(value: Any) -> Any:
    return words.UNKNOWN if value is None else value


def _filters(currency: str) -> dict[str, Callable[..., Any]]:
    return {
        "change": words.change,
        "change_of": lambda value, kind: words.change(value, lambda size: components.show(size, kind, currency)),
        "count": words.count,
        "counted": words.counted,
        "day": words.day,
        "first_of": words.first_of,
        "listed": lambda parts: words.listed(list(parts)),
        "money": lambda amount: words.money(amount, currency),
        "month": words.month,
        "number": words.number,
        "percent": words.percent,
        "points": words.points,
        "share_of": words.share_of,
        "short_day": words.short_day,
        "shown_id": words.shown_id,
        "span": words.span,
        "were": words.were,
        "show": lambda value, kind, digits=None: components.show(value, kind, currency, digits),
        "digits": lambda grid: components.digits(grid, currency),
        "raw": components.raw,
        "chart_data": lambda chart: [
            {"key": view.key, "sentence": view.sentence, "basis": view.basis or chart.basis, "figure": view.figure}
            for view in chart.views
        ],
        **SENTENCES,
    }
