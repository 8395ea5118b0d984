"""What a point of accuracy costs, of whatever was tried."""

from collections.abc import Sequence
from decimal import Decimal

from legato.core.errors import InvalidRequest
from legato.economics.finance.accuracy import METHOD, Tried, priced_points
from legato.economics.finance.figures import Accuracy


def accuracy_of(source: str, scorer: str, tried: Sequence[Tried], left_out: int) -> Accuracy:
    """Return the frontier of what was tried; `left_out` had no score or no price.

    Raises:
        InvalidRequest: nothing can be said of less than two.
    """
    if len(tried) < 2:  # noqa: PLR2004 - a step has two ends
        msg = f"{source}: {len(tried)} with a score and a price; a step between two is needed"
        raise InvalidRequest(msg, param="evaluation")
    points = priced_points(tried)
    told = [f"{left_out} have no score or no price: left out"] if left_out else []
    best, cheapest = points[-1], points[0]
    for one in points:
        if one.on_frontier:
            best = one
    if best.name == cheapest.name:
        told.append(f"{best.name} is the cheapest and the best: no point is to be bought")
    else:
        gained = Decimal(best.score) - Decimal(cheapest.score)
        told.append(f"{best.name} scores {gained} points more than {cheapest.name}")
    return Accuracy(source=source, scorer=scorer, points=points, told=told, method=METHOD)
