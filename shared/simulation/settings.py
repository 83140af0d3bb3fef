"""What is simulated: which months, which parts of the signal, how much noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared.models.coefficients import ErrorKind
from shared.models.epoch import Month
from shared.simulation.record import FIRST, LAST, delivered_months
from shared.simulation.solid_earth import RUPTURES, Rupture


@dataclass(frozen=True)
class Settings:
    """A simulated archive; two that differ in their months only agree in every month that both have.

    first, last: months; seed: of all that is random; nmax: maximum degree of Level-2; gaps: whether the real
    record's missing months are missing; water, gia, alias, ruptures: parts of the signal; noise: factor of
    the noise drawn and of the auxiliaries' errors, while the formal errors always are those of factor one;
    low_degree_errors: whether C20 (and C30 with one accelerometer) are as bad as they really are;
    errors: `formal`, or `empirical` for errors that scatter; normals: months with a full normal matrix.
    """

    first: Month = FIRST
    last: Month = LAST
    seed: int = 1
    nmax: int = 96
    gaps: bool = True
    water: bool = True
    gia: bool = True
    alias: bool = True
    ruptures: tuple[Rupture, ...] = RUPTURES
    noise: float = 1.0
    low_degree_errors: bool = True
    errors: ErrorKind = ErrorKind.FORMAL
    normals: frozenset[Month] = frozenset()

    def __post_init__(self) -> None:
        if not 4 <= self.nmax <= 120:
            raise ValueError(f"a simulation up to degree {self.nmax}; between 4 and 120 is possible")
        if not self.months:
            raise ValueError(f"there is no month of data from {self.first} to {self.last}")
        if self.errors not in (ErrorKind.FORMAL, ErrorKind.EMPIRICAL):
            raise ValueError(f"errors are formal or empirical, not {self.errors}")

    @property
    def months(self) -> tuple[Month, ...]:
        """The months that have data."""
        return delivered_months(self.first, self.last, self.gaps)

    def without_noise(self) -> Settings:
        """The same archive without any error but the alias; its formal errors stay, and so does the filter."""
        return replace(self, noise=0.0, low_degree_errors=False)
