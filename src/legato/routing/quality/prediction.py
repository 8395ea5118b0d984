"""What is expected of one deployment."""

from typing import Final

import msgspec

LEAST: Final = 0.005
"""No answer is predicted to be surely good, or surely bad."""
DISAGREEMENT: Final = 0.5
"""How much of the variance between members is doubt."""


class Prediction(msgspec.Struct, frozen=True):
    """What is expected of one deployment's answer to one question.

    `mean` is the probability that it is good enough, `deviation` the standard deviation of what
    isn't known about that probability: it shrinks with evidence, and is wide where the question is
    unlike all that was judged. `cost_usd` is what such answers cost, None where none was priced.
    `evidence` counts the judged answers of this deployment; with 0 all rests on the prior.
    """

    mean: float
    deviation: float
    cost_usd: float | None = None
    evidence: int = 0
