"""When an earlier answer serves a new question: what must agree, how likely, within which bound.

`questions.py` reads a text, `slots.py` says what of it has to agree, `features.py` what speaks for
one meaning, `verifier.py` weighs that into a probability, `bound.py` decides by it so that no more
than the stated share of requests get a wrong answer. No I/O, and nothing that blocks.
"""
