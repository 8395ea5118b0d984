"""How long the next sign-in waits after failures: twice as long each time, and never for ever."""

from typing import Final

FREE_FAILURES: Final = 5
"""Of one login: somebody tries the passwords they have."""
FREE_FAILURES_OF_ADDRESS: Final = 20
"""Of one address: an office has one, and so has a load balancer."""
_FIRST_S: Final = 2.0
LONGEST_S: Final = 900.0
LONGEST_OF_ADDRESS_S: Final = 60.0


def delay_s(failures: int, *, free: int = FREE_FAILURES, longest: float = LONGEST_S) -> float:
    """Return how many seconds must pass after so many failures in a row."""
    beyond = failures - free
    return 0.0 if beyond < 0 else min(longest, _FIRST_S * 2.0 ** min(beyond, 30))


def address_delay_s(failures: int) -> float:
    """Return it for an address, whoever it tries to be."""
    return delay_s(failures, free=FREE_FAILURES_OF_ADDRESS, longest=LONGEST_OF_ADDRESS_S)
