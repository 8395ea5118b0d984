from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from legato.app.models.model_checks import Found
from legato.app.models.served_models import ServedModels
from legato.app.models.served_reading import Chosen, ServedReader, choose
from legato.core.config import Config, Deployment, Provider, Route
from legato.core.price import Price
from legato.core.registry import Kind, ObjectName, digest_of
from legato.registry.models import Live
from legato.storage.registry.models import ModelPrice
from legato.storage.registry.records import VersionRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.storage.registry.records import RunningRollout

FAST, SUPPORT = ObjectName(Kind.DEPLOYMENT, "fast"), ObjectName(Kind.ROUTE, "support")
FILE = ServedModels(
    Config(
        providers=[Provider(name="up", kind="simulated")],
        deployments=[Deployment(name="small", provider="up", model="m")],
    ),
    {"small": None},
)


def record(name: ObjectName, **spec: Any) -> VersionRecord:
    sealed = msgspec.json.encode(spec)
    return VersionRecord(name, digest_of(name.kind, spec), 1, sealed, "ada", "", 0)


class Source:
    """A registry in memory."""

    def __init__(self, *records: VersionRecord) -> None:
        self.number, self.records, self.prices = 1, list(records), list[ModelPrice]()

    def set(self, *records: VersionRecord) -> None:
        self.number, self.records = self.number + 1, list(records)

    def version(self) -> int:
        return self.number

    def read(self) -> tuple[int, list[VersionRecord], list[ModelPrice]]:
        return self.number, self.records, self.prices

    def rollouts(self) -> list[RunningRollout]:
        return []


class Plain:
    """Seals nothing; what begins with an exclamation mark can't be opened."""

    def seal(self, _org: str, data: bytes, _context: bytes) -> bytes:
        return data

    def open(self, _org: str, sealed: bytes, _context: bytes) -> bytes:
        if sealed.startswith(b"!"):
            raise ValueError("altered")
        return sealed


def reader(source: Source) -> ServedReader:
    return ServedReader(FILE, source, Plain(), lambda _: True)


def names(served: ServedModels | None) -> tuple[list[str], list[str]]:
    assert served is not None
    config = served.config
    return [one.name for one in config.deployments], [one.alias for one in config.routes]


def test_what_is_live_is_laid_behind_the_file_with_its_price() -> None:
    fast = record(FAST, provider="up", model="n")
    source = Source(fast, record(SUPPORT, deployments=["fast", "small"]))
    source.prices = [ModelPrice("fast", fast.digest, Price("v1"))]
    reading = reader(source)
    served = reading.load()
    assert names(served) == (["small", "fast"], ["support"])
    assert reading.now.prices == {"small": None, "fast": Price("v1")}
    assert reading.now.versions[FAST] == f"deployment/fast@{fast.digest[:12]}"
    assert reading.now.unpriced == ()
    assert reading.load() is None  # nothing has changed


def test_a_version_without_a_price_of_its_own_is_unpriced() -> None:
    fast = record(FAST, provider="up", model="n")
    source = Source(fast)
    source.prices = [ModelPrice("fast", "of another version", Price("v1"))]
    served = reader(source).load()
    assert served is not None
    assert served.prices["fast"] is None
    assert served.unpriced == ("fast",)


def test_what_cannot_be_read_leaves_the_last_good_one() -> None:
    source = Source(record(FAST, provider="up", model="n"))
    reading = reader(source)
    reading.load()
    for broken in (b"!", b'{"provider": "up"}', b"no json"):
        source.set(VersionRecord(FAST, "0" * 64, 2, broken, "", "", 0))
        served = reading.load()
        assert names(served) == (["small", "fast"], [])
        assert reading.now.config.deployments[1].model == "n"
        assert len(reading.now.withheld) == 1
        assert reading.now.withheld[0].startswith("deployment/fast@000000000000 can't be read")


def test_what_breaks_a_route_is_not_taken_away_and_the_rest_goes_on() -> None:
    source = Source(record(FAST, provider="up", model="n"), record(SUPPORT, deployments=["fast"]))
    reading = reader(source)
    reading.load()
    other = ObjectName(Kind.DEPLOYMENT, "other")
    source.set(record(SUPPORT, deployments=["fast"]), record(other, provider="up", model="o"))
    assert names(reading.load()) == (["small", "fast", "other"], ["support"])
    (told,) = reading.now.withheld
    assert told.startswith("taking deployment/fast away: route/support deployments[0]")


def test_a_start_serves_what_is_sound() -> None:
    source = Source(
        record(FAST, provider="gone", model="n"),
        record(SUPPORT, deployments=["fast"]),
        record(ObjectName(Kind.ROUTE, "well"), deployments=["small"]),
    )
    reading = reader(source)
    assert names(reading.load()) == (["small"], ["well"])
    assert len(reading.now.withheld) == 2


def live(name: ObjectName, digest: str) -> Live:
    model = Route(alias=name.name, deployments=["small"])
    return Live(name, digest, model)


def refusing(*digests: str) -> Callable[[Chosen], list[Found]]:
    """A check that refuses these, with a problem of the file's."""
    return lambda chosen: [
        Found(None, "place", one.digest) for one in chosen.values() if one.digest in digests
    ]


def test_changes_that_belong_together_are_taken_together() -> None:
    one, two = ObjectName(Kind.ROUTE, "one"), ObjectName(Kind.ROUTE, "two")
    before = {one: live(one, "a1"), two: live(two, "b1")}
    wanted = {one: live(one, "a2"), two: live(two, "b2")}

    def agree(chosen: Chosen) -> list[Found]:
        ends = {found.digest[1] for found in chosen.values()}
        return [] if len(ends) < 2 else [Found(None, "", "they differ")]

    assert choose(wanted, before, agree) == (wanted, [])
    chosen, told = choose(wanted, before, refusing("b2"))
    assert chosen == {one: wanted[one], two: before[two]}
    assert told == ["route/two@b2: place: b2"]
