"""How a setting is marked: whether it changes results, and as which columns SQL reads it."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel

Setting = TypeVar("Setting")
ANALYTIC = object()
Analytic = Annotated[Setting, ANALYTIC]
"""The type of a setting that changes results: it enters the fingerprint, every manifest and the report's run card."""
LATER = object()
Later = Annotated[Analytic[Setting], LATER]
"""The same of one that earlier versions lacked: only where it is set, so that their manifests are not told apart."""
BETWEEN_PARTS = "|"


class InSql:
    """Marks a setting that SQL reads: as these columns of params.settings, one for each part of its value.

    A list of any length is one column, its parts behind and before `BETWEEN_PARTS`: |a|b|.
    """

    def __init__(self, type: str, *columns: str, of_any_length: bool = False) -> None:
        self.type, self.columns, self.of_any_length = type, columns, of_any_length

    def parts(self, value: Any) -> list[Any]:
        if self.of_any_length:
            return [BETWEEN_PARTS + "".join(f"{part}{BETWEEN_PARTS}" for part in value)]
        return [None] * len(self.columns) if value is None else _parts(value)


def _parts(value: Any) -> list[Any]:
    """The values that a value is made of, in order."""
    if isinstance(value, BaseModel):
        return [part for name in type(value).model_fields for part in _parts(getattr(value, name))]
    return list(value) if isinstance(value, tuple) else [value]
