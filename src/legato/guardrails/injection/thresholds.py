"""From which score a text is flagged, by whose it is, and how often harmless texts reach it."""

from types import MappingProxyType
from typing import Final

from legato.core.guarding import Place

THRESHOLDS: Final = MappingProxyType(dict.fromkeys(Place, 0.5))
"""Scores are set so that 0.5 is the point chosen for each place.

Of harmless texts that training had not seen, this share reached it:
- input: 0.006 of 1811 prompts of five sources (a third kept out of training each time);
- tool results and documents: 0.021 of 485 stretches of manuals, code and read-me files of 1 to
  20 KB (1 KB 0.030, 4 KB 0.006, 20 KB 0.026), and 1 of 45 e-mails.
The points were chosen on these texts, and so were the telling sequences (`model.TELLING`): take the
shares as what was seen here, not as a promise.
"""
