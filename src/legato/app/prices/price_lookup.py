"""A short-lived process that asks the price catalogue: `python -m legato.app.prices.price_lookup`.

The catalogue takes half a second and 60 MiB to import; this way no process that stays pays.
JSON in on stdin, JSON out on stdout (`Lookup`, list of `PriceAnswer` in the same order).
"""

import sys
from datetime import UTC, datetime

import msgspec

from legato.economics.price_book import PriceAnswer, PriceQuestion

_NS_PER_S = 1_000_000_000


class Lookup(msgspec.Struct, frozen=True):
    """What the process is asked."""

    at_ns: int
    questions: list[PriceQuestion]


def answer(lookup: Lookup) -> list[PriceAnswer]:
    """Answer each question as of `at_ns`."""
    from legato.economics.catalogue import look_up  # noqa: PLC0415 - the costly import

    moment = datetime.fromtimestamp(lookup.at_ns // _NS_PER_S, UTC)
    return [look_up(question, moment) for question in lookup.questions]


def main() -> None:
    """Read one lookup, write its answers."""
    lookup = msgspec.json.decode(sys.stdin.buffer.read(), type=Lookup)
    sys.stdout.buffer.write(msgspec.json.encode(answer(lookup)))


if __name__ == "__main__":
    main()
