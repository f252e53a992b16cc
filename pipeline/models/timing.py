"""What every model of purchase timing can be asked, whichever story it tells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from pipeline.models.histories import Array, Histories, distinct_pairs


@dataclass(frozen=True)
class TimingModel(ABC):
    """A model of when customers buy, with its parameters; rates are per week.

    Methods take x, t_x, T of shape (n,) (T and t_x in weeks) and return shape (n,).
    """

    name: ClassVar[str]
    time_parameters: ClassVar[tuple[str, ...]]
    """Parameters measured in weeks; the others have no unit."""
    rate_parameters: ClassVar[tuple[str, ...]] = ()
    """Parameters per week."""
    dropout_parameter: ClassVar[str | None]
    """The parameter that goes to 0 when nobody drops out."""
    equal_dropout: ClassVar[type[TimingModel] | None] = None
    """What it becomes where customers do not differ in how they drop out."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    def of(cls, values: ArrayLike) -> Self:
        return cls(*(float(value) for value in np.asarray(values)))

    @classmethod
    def powers_of_time(cls) -> Array:
        """(k,): 1 of a parameter in weeks, −1 of one per week, 0 of others."""
        return np.array([1.0 * (n in cls.time_parameters) - (n in cls.rate_parameters) for n in cls.names()])

    @property
    def values(self) -> Array:
        return np.array([getattr(self, name) for name in self.names()])

    @property
    def parameters(self) -> Mapping[str, float]:
        return dict(zip(self.names(), self.values.tolist(), strict=True))

    def in_units_of(self, weeks: float) -> Self:
        """The same model with time counted in units of so many weeks."""
        return self.of(self.values * weeks ** -self.powers_of_time())

    @abstractmethod
    def log_likelihood(self, histories: Histories) -> tuple[Array, Array]:
        """(log-likelihood of one customer of each group (n,), its derivatives by the parameters (n, k))."""

    @abstractmethod
    def p_alive(self, x: Array, t_x: Array, T: Array) -> Array:
        """Probability of not having dropped out by T. A latent quantity: it is not the complement of churn."""

    def expected_purchases(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """Expected number of purchases in (T, T + weeks]."""
        pairs, place = distinct_pairs(x, T)
        return np.asarray(self.p_alive(x, t_x, T) * self.expected_while_alive(weeks, *pairs)[place])

    @abstractmethod
    def expected_while_alive(self, weeks: float, x: Array, T: Array) -> Array:
        """The same of customers who are alive at T: of them, t_x says nothing more."""

    @abstractmethod
    def probability_of_purchase(self, weeks: float, x: Array, t_x: Array, T: Array) -> Array:
        """Probability of at least one purchase in (T, T + weeks]."""

    @abstractmethod
    def expected_from_start(self, weeks: Array) -> Array:
        """E[X(t)]: expected repeat purchases of a new customer in the first t weeks; for tracking plots."""

    def purchases_pmf(self, weeks: float, most: int, x: Array, t_x: Array, T: Array) -> Array:
        """P(N = 0), …, P(N = most) for the number N of purchases in (T, T + weeks]; (n, most + 1).

        What is left to 1 is P(N > most).
        """
        alive = self.p_alive(x, t_x, T)
        pairs, place = distinct_pairs(x, T)
        pmf = alive[:, None] * self.pmf_while_alive(weeks, most, *pairs)[place]
        pmf[:, 0] += 1 - alive
        return np.asarray(pmf)

    @abstractmethod
    def pmf_while_alive(self, weeks: float, most: int, x: Array, T: Array) -> Array:
        """The same of customers who are alive at T."""
