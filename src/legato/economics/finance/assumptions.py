"""Assumptions: named, versioned, tagged figures, and which of them a result was made of."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.economics.finance.known import CUSTOM, KNOWN, known_of

SHIPPED: Final = 0
"""The version of what ships with Legato."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,79}(@[A-Za-z0-9][A-Za-z0-9._:/-]{0,200})?")
_DATE: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_DIGITS_MAX: Final = 30
_LISTED: Final = ", ".join(name for name in KNOWN if name != "fx.")


class Tag(StrEnum):
    """What a figure rests on."""

    MEASURED = "measured"
    ASSUMED = "assumed"
    BENCHMARK = "benchmark"


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An assumption as it is said. An empty `value` takes the name back."""

    name: str
    value: str
    tag: str = Tag.ASSUMED.value
    unit: str = ""
    low: str = ""
    high: str = ""
    source: str = ""
    valid_from: str = ""
    """A date; "" for today's."""


class Assumption(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one name. Figures are decimal texts; without a range both ends are ""."""

    name: str
    version: int
    tag: str
    unit: str
    value: str
    low: str = ""
    high: str = ""
    source: str
    valid_from: str
    author: str
    at_ns: int = 0


def shipped() -> list[Assumption]:
    """Return what ships with Legato, in the order of names."""
    return [
        Assumption(
            name=name,
            version=SHIPPED,
            tag=Tag.ASSUMED.value,
            unit=one.unit,
            value=one.value,
            low=one.low,
            high=one.high,
            source=one.source,
            valid_from="1970-01-01",
            author="legato",
        )
        for name, one in sorted(KNOWN.items())
        if one.value
    ]


def checked(said: Said, *, today: str) -> Said:
    """Return it complete: with its unit and date.

    Raises:
        InvalidRequest: naming the field.
    """
    if not _NAME.fullmatch(said.name):
        raise InvalidRequest(
            "name: write small letters, digits, dots and _, of one feature NAME@TEAM/FEATURE",
            param="name",
        )
    known = known_of(said.name)
    if known is None and not said.name.startswith(CUSTOM):
        raise InvalidRequest(
            f"name: the model knows no {said.name!r}: name one of {_LISTED}, fx.CUR; those of "
            f"your own begin with {CUSTOM}",
            param="name",
        )
    if said.tag not in list(Tag):
        raise InvalidRequest(f"tag: one of {', '.join(Tag)}, not {said.tag!r}", param="tag")
    if known is not None and said.unit not in {"", known.unit}:
        raise InvalidRequest(f"unit: {said.name} is in {known.unit}", param="unit")
    if said.value and not said.source.strip():
        told = "source: say where the figure is from: an invoice, a study, whose estimate"
        raise InvalidRequest(told, param="source")
    if said.valid_from and not is_date(said.valid_from):
        raise InvalidRequest("valid_from: write a date, as 2026-08-01", param="valid_from")
    _check_figures(said)
    return msgspec.structs.replace(
        said,
        unit=said.unit if known is None else known.unit,
        valid_from=said.valid_from or today,
    )


def is_date(text: str) -> bool:
    """Whether it is written as a date, 2026-08-01."""
    return _DATE.fullmatch(text) is not None


def figure(text: str, field: str) -> Decimal:
    """Read a decimal figure. Raises InvalidRequest, naming the field."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidRequest(
            f"{field}: {text[:40]!r} is not a decimal number", param=field
        ) from None
    if not number.is_finite() or len(text) > _DIGITS_MAX:
        told = f"{field}: write a finite number with at most {_DIGITS_MAX} digits"
        raise InvalidRequest(told, param=field)
    return number


def _check_figures(said: Said) -> None:
    if not said.value:
        if said.low or said.high:
            told = "value: without one there is nothing that low and high are around"
            raise InvalidRequest(told, param="value")
        return
    known, value = known_of(said.name), figure(said.value, "value")
    low = figure(said.low, "low") if said.low else value
    high = figure(said.high, "high") if said.high else value
    if not low <= value <= high:
        told = f"low: {said.name} has to go low <= value <= high, not {low}, {value}, {high}"
        raise InvalidRequest(told, param="low")
    if known is None:
        return
    for field, number in (("value", value), ("low", low), ("high", high)):
        if not known.at_least <= number <= known.at_most:
            told = f"{field}: {said.name} lies between {known.at_least} and {known.at_most}"
            raise InvalidRequest(told, param=field)


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that a result was made of: what it is, where it is from, in which version.

    `version` is None for what was read from the books or said with the question.
    """

    name: str
    value: str
    low: str = ""
    high: str = ""
    unit: str
    tag: str
    source: str
    version: int | None = None

    @property
    def number(self) -> Decimal:
        """The value."""
        return Decimal(self.value)

    @property
    def ends(self) -> tuple[Decimal, Decimal]:
        """Low and high; the value where there is no range."""
        return Decimal(self.low or self.value), Decimal(self.high or self.value)


def in_force(versions: Iterable[Assumption], on: str) -> dict[str, Assumption]:
    """Return by name what holds on a date: of versions from before it that of the latest date.

    Of two from the same date the newer one holds; what was taken back gives way to what ships.
    """
    best: dict[str, Assumption] = {}
    for one in versions:
        if one.valid_from > on:
            continue
        held = best.get(one.name)
        if held is None or (held.valid_from, held.version) < (one.valid_from, one.version):
            best[one.name] = one
    defaults = {one.name: one for one in shipped()}
    return defaults | {name: one for name, one in best.items() if one.value}


class Book:
    """Gives figures by name, and remembers which were asked for."""

    def __init__(
        self, held: Mapping[str, Assumption], said: Mapping[str, Input] | None = None
    ) -> None:
        """`said` was said with the question, and goes before what is kept."""
        self._inputs = {name: _input(one) for name, one in held.items()} | dict(said or {})
        self._used: dict[str, Input] = {}

    def has(self, name: str) -> bool:
        """Whether there is a figure."""
        return name in self._inputs

    def find(self, name: str) -> Input | None:
        """Return a figure with its source, None where there is none."""
        found = self._inputs.get(name)
        if found is not None:
            self._used[name] = found
        return found

    def need(self, name: str) -> Input:
        """Return a figure. Raises InvalidRequest, saying how to give it."""
        found = self.find(name)
        if found is None:
            known = known_of(name)
            means = "" if known is None else f" ({known.means}, {known.unit})"
            raise InvalidRequest(
                f"{name}{means} isn't known: `legato assumptions set {name} VALUE --source ...`",
                param=name,
            )
        return found

    def learn(self, found: Input) -> Input:
        """Take in a figure from the books, unless the name was said; return what holds."""
        self._inputs.setdefault(found.name, found)
        return self.need(found.name)

    @property
    def used(self) -> list[Input]:
        """What was asked for, by name."""
        return [self._used[name] for name in sorted(self._used)]


def said_input(name: str, value: str) -> Input:
    """Return a figure that was said with the question. Raises InvalidRequest."""
    one = checked(Said(name=name, value=value, source="said with the question"), today="1970-01-01")
    return Input(name=name, value=value, unit=one.unit, tag=Tag.ASSUMED.value, source=one.source)


def _input(one: Assumption) -> Input:
    return Input(
        name=one.name,
        value=one.value,
        low=one.low,
        high=one.high,
        unit=one.unit,
        tag=one.tag,
        source=one.source,
        version=one.version,
    )
