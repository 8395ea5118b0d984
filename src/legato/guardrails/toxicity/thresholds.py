"""From which score a sentence is told, and how often harmless texts reach it."""

from typing import Final

THRESHOLD: Final = 0.5
"""Scores are set so that 0.5 is reached by 0.5 % of 1,767 harmless texts that training hadn't seen:
prompts of seven sources, questions to banks and assistants, paragraphs of documentation.

Of comments in social media that weren't read for it, though their figures were (every second row of
Surge AI's Toxicity Dataset, MIT), it was reached by 6 of 249 harmless ones (2.4 %) and 115 of 250
toxic ones (46 %). Of HateCheck's texts (CC BY 4.0), made to mislead, by 37 % of 2,563 hateful and
17 % of 1,165 others.
"""
