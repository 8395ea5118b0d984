"""All that the predictor learned."""

import msgspec

from legato.routing.quality.blend import Blend
from legato.routing.quality.doubt import Doubt
from legato.routing.quality.members import Linear, Neighbours, Topics, Words
from legato.routing.quality.prior import Prior
from legato.routing.quality.space import Space


class Trained(msgspec.Struct, frozen=True, eq=False):
    """What was learned. Rows and columns of deployments are in the order of `deployments`.

    `spend` gives the natural logarithm of an answer's cost in USD; None where no cost was known.
    """

    deployments: tuple[str, ...]
    priors: tuple[Prior, ...]
    evidence: tuple[int, ...]
    space: Space
    linear: Linear
    measures: Linear
    words: Words
    topics: Topics
    neighbours: Neighbours
    blend: Blend
    doubt: Doubt
    spend: Linear | None = None
