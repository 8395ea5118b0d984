"""What a random sample of hits proves about all of them, whatever the scores are worth.

Each hit is checked by a coin of probability q that nobody can foresee. Of W wrong hits S are seen.
For any θ > 0 the product over wrong hits of exp(-θ·seen) / (1 - q·(1 - e^-θ)) is a martingale that
starts at 1, so by Ville's inequality it never reaches 1/p but with probability p, at any time:

    W <= (ln(1/p) + θ·S) / -ln(1 - q·(1 - e^-θ))        and, with -θ,
    W >= (θ·S - ln(1/p)) / ln(1 + q·(e^θ - 1)).

Neither says anything about the order, the drift or the independence of the questions; an adversary
who knows all but the coin is included. A few θ share p, so that one fits each S. (Ville 1939; the
method of mixtures and of grids: Howard, Ramdas, McAuliffe and Sekhon, 2021, Annals of Statistics.)
"""

from math import expm1, inf, log, log1p
from typing import Final

_THETAS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, inf)


def wrong_at_most(seen: int, rate: float, confidence: float) -> float:
    """Return what the number of wrong hits stays below, at all times together."""
    if rate >= 1:
        return float(seen)
    level = log(len(_THETAS) / (1 - confidence))
    return min(
        (level + (theta * seen if seen else 0.0)) / -log1p(-rate * -expm1(-theta))
        for theta in _THETAS
        if theta < inf or not seen
    )


def wrong_at_least(seen: int, rate: float, confidence: float) -> float:
    """Return what the number of wrong hits stays above, at all times together."""
    level = log(len(_THETAS) / (1 - confidence))
    finite = [theta for theta in _THETAS if theta < inf]
    return max(
        seen,
        *((theta * seen - level) / log1p(rate * expm1(theta)) for theta in finite),
    )
