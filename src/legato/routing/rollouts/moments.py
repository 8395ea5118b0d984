"""What is kept of an arm's observations: sums from which mean and variance follow."""

from typing import Self

import msgspec

from legato.core.errors import InvalidRequest


class Moments(msgspec.Struct, frozen=True):
    """Sums over units (users, or requests where each stands for itself).

    A unit with `n` observations that sum to `x` adds `n`, `x`, `x²`, `n²` and `n·x`. Requests of
    one user are alike and share an arm, so it is users whose number makes a result certain; the
    last three sums hold what is needed to say so. Amounts are statistics here, never booked.
    """

    count: float = 0.0
    total: float = 0.0
    total_squares: float = 0.0
    count_squares: float = 0.0
    products: float = 0.0

    @classmethod
    def of_units(cls, count: float, total: float, squares: float) -> Self:
        """Return the sums of observations that each are a unit of their own.

        Raises:
            InvalidRequest: they can't be those of any observations.
        """
        moments = cls(count, total, squares, count_squares=count, products=total)
        if count < 0 or squares < 0 or total * total > count * squares * (1 + 1e-9) + 1e-9:
            raise InvalidRequest(
                f"moments: no {count:g} values sum to {total:g} with squares {squares:g}",
                param="moments",
            )
        return moments

    @classmethod
    def of_rate(cls, count: int, hits: int) -> Self:
        """Return the sums of independent yes-or-no observations, `hits` of them yes."""
        return cls.of_units(count, hits, hits)

    def with_unit(self, count: float, total: float) -> "Moments":
        """Return the sums with one more unit, of all its observations."""
        return self + Moments(count, total, total * total, count * count, count * total)

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(
            self.count + other.count,
            self.total + other.total,
            self.total_squares + other.total_squares,
            self.count_squares + other.count_squares,
            self.products + other.products,
        )

    @property
    def mean(self) -> float:
        """The mean of all observations."""
        return self.total / self.count

    @property
    def units(self) -> float:
        """How many units of equal size would be as certain: Kish's effective sample size."""
        return self.count * self.count / self.count_squares if self.count_squares else 0.0

    @property
    def variance_of_mean(self) -> float:
        """The mean's variance, as a ratio of sums over units (Cochran 1977, ch. 6).

        Needs more than one unit.
        """
        mean = self.mean
        spread = self.total_squares - 2 * mean * self.products + mean * mean * self.count_squares
        small_sample = self.units / (self.units - 1)
        return max(spread, 0.0) / (self.count * self.count) * small_sample

    @property
    def variance_of_rate(self) -> float:
        """The same for yes-or-no observations, where few of them may all be equal.

        As if one more unit had said yes to all and one no: no failure among ten is not certainty
        (Agresti & Caffo 2000).
        """
        size = self.count / self.units
        return self.with_unit(size, size).with_unit(size, 0.0).variance_of_mean
