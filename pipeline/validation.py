"""What is wrong with something that people wrote, in words for them: what pydantic finds, without its own phrases."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import AfterValidator, BaseModel

_IN_OUR_WORDS = (
    (r"\AValue error, ", ""),
    (r"\AField required\Z", "is missing"),
    (r"\A(?:Input|String|Value|Tuple|List|Dictionary|Set) should ", "must "),
    (r"\bbe a valid (?:tuple|list)\b", "be a list, [ … ]"),
    (r"\bbe a valid dictionary(?: or instance of \w+| or object to extract fields from)?", "be names with values"),
    (r"\bbe a valid boolean\b.*", "be true or false"),
    (r"\bbe a valid string\b", "be a text, in quotation marks"),
    (r"\bbe a valid integer\b.*", "be a whole number"),
    (r"\bbe a valid number\b.*", "be a number"),
    (r" after validation\b", ""),
)


def told(problem: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One of the problems that pydantic has with a `model`: what is wrong and, of a name, which was meant."""
    if problem["type"] == "extra_forbidden":
        return f"there is no such field; {meant(problem['loc'], model)}"
    words = str(problem["msg"])
    for theirs, ours in _IN_OUR_WORDS:
        words = re.sub(theirs, ours, words)
    return words


def place_of(problem: Mapping[str, Any]) -> str:
    """The names that lead to it; of a value that may be of several types, without the type that was tried."""
    return ".".join(str(part) for part in problem["loc"] if not re.fullmatch(r"bool|dict\[.*\]", str(part)))


def meant(place: Sequence[str | int], model: type[BaseModel]) -> str:
    """What is close to a name that there is not; else all names that there are."""
    known = sorted(_names(_model_at(place[:-1], model)))
    close = difflib.get_close_matches(str(place[-1]), known, n=1)
    where = ".".join(map(str, place[:-1]))
    if close:
        return f"did you mean {f'{where}.' if where else ''}{close[0]}"
    return f"{where or 'there'} {'has' if where else 'are'} {', '.join(known)}"


def written(pattern: str, like: str) -> AfterValidator:
    """A text that fits a pattern; a message shows what does, and not the pattern."""

    def fits(text: str | None) -> str | None:
        if text is not None and re.fullmatch(pattern, text) is None:
            raise ValueError(f"must be written like {like}")
        return text

    return AfterValidator(fits)


def _names(model: type[BaseModel]) -> Iterator[str]:
    return (field.alias or name for name, field in model.model_fields.items())


def _model_at(place: Sequence[str | int], model: type[BaseModel]) -> type[BaseModel]:
    """The class whose names a place may hold; names and numbers of entries are stepped over."""
    for part in place:
        if part in model.model_fields:
            model = next(_models_in(model.model_fields[str(part)].annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
