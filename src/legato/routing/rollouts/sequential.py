"""A test that may be looked at after every sample, as often as anybody likes.

The statistic z of a difference, followed over time, is near a Brownian motion. A mixture of its
likelihood ratios over positive drifts is a supermartingale while the true drift is not positive,
so the chance that it *ever* reaches 1/alpha is at most alpha (Ville's inequality). The mixture is
half a normal distribution: Robbins (1970), Ann. Math. Statist. 41; Howard, Ramdas, McAuliffe &
Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence sequences", Ann. Statist. 49.
With an estimated variance: Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), "Time-uniform
central limit theory and asymptotic confidence sequences", Ann. Statist. 52. For comparing two
arms: Johari, Koomen, Pekelis & Walsh (2022), "Always valid inference", Oper. Res. 70.
"""

import math
from typing import Final

PRIOR_PAIRS: Final = 50.0
"""Where the mixture looks first: at an alpha of 0.05 it is tightest near seven times as many."""
_NEWTON_STEPS_MAX: Final = 50
_TAIL: Final = -30.0


def log_e_value(z: float, pairs: float) -> float:
    """Return the logarithm of the evidence against "not above": reject at 1/alpha, at any time."""
    share = pairs / (pairs + PRIOR_PAIRS)
    return math.log(2) + 0.5 * math.log1p(-share) + _log_half_bell(z * math.sqrt(share))


def boundary(alpha: float, pairs: float) -> float:
    """Return the z at which the evidence is 1/alpha, 0 < alpha < 1."""
    share = pairs / (pairs + PRIOR_PAIRS)
    wanted = -math.log(alpha)
    # Newton's steps from above, as Φ ≥ 1/2 right of 0: the function rises and is convex.
    z = math.sqrt(2 * (wanted - 0.5 * math.log1p(-share)) / share)
    for _ in range(_NEWTON_STEPS_MAX):
        inner = z * math.sqrt(share)
        density = math.exp(-0.5 * inner * inner) / math.sqrt(2 * math.pi)
        slope = share * z + math.sqrt(share) * density / _normal_cdf(inner)
        step = (log_e_value(z, pairs) - wanted) / slope
        z -= step
        if abs(step) <= 1e-10 * z:
            break
    return z


def _normal_cdf(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _log_half_bell(x: float) -> float:
    """Return x²/2 + ln Φ(x)."""
    if x > _TAIL:
        return 0.5 * x * x + math.log(_normal_cdf(x))
    return -math.log(-x) - 0.5 * math.log(2 * math.pi)  # its limit, where erfc runs out of range
