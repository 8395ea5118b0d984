"""Which fault strikes a call: a pure function of seed, model, call number and rates."""

import hashlib

import msgspec

from legato.providers.simulated.settings import Behaviour, CutStyle, GarbageShape, WrongUsageShape

_DRAW_BYTES = 7  # 56 bits fit a float's 53 closely enough for a rate


class Faults(msgspec.Struct, frozen=True):
    """The faults of one call. At most one of `status` and `garbage` is set."""

    status: int | None = None
    retry_after_s: float | None = None
    retry_after_ms: float | None = None
    garbage: GarbageShape | None = None
    cut_after_events: int | None = None
    cut_style: CutStyle = "reset"
    stall_first_byte_s: float = 0.0
    stall_after_events: int | None = None
    stall_mid_stream_s: float = 0.0
    wrong_usage: WrongUsageShape | None = None


NO_FAULTS = Faults()


class Dice:
    """Uniform draws in [0, 1), each fixed by the seed, the model, the call's number and a name."""

    __slots__ = ("_prefix",)

    def __init__(self, seed: int, model: str, call: int) -> None:
        self._prefix = f"{seed}:{model}:{call}:"

    def draw(self, name: str) -> float:
        """The draw called `name`; asking twice gives the same number."""
        digest = hashlib.blake2b((self._prefix + name).encode(), digest_size=_DRAW_BYTES).digest()
        return int.from_bytes(digest) / float(1 << (8 * _DRAW_BYTES))

    def strikes(self, name: str, rate: float) -> bool:
        """Whether an event of this rate happens."""
        return rate > 0.0 and self.draw(name) < rate


def latency_s(behaviour: Behaviour, dice: Dice) -> float:
    """Seconds to the first token, jitter included."""
    latency_ms = behaviour.latency_ms
    if behaviour.latency_jitter_ms:
        latency_ms += (2.0 * dice.draw("latency") - 1.0) * behaviour.latency_jitter_ms
    return max(latency_ms, 0.0) / 1000.0


def decide(behaviour: Behaviour, dice: Dice, call: int) -> Faults:
    """The faults of the `call`-th call (from 0) since the settings were set."""
    limit = behaviour.fault_calls_max
    if not behaviour.is_faulty or (limit is not None and call >= limit):
        return NO_FAULTS
    if dice.strikes("error", behaviour.error_rate):
        return Faults(status=behaviour.error_status)
    if dice.strikes("429", behaviour.rate429):
        return Faults(
            status=429,
            retry_after_s=behaviour.retry_after_s,
            retry_after_ms=behaviour.retry_after_ms,
        )
    if dice.strikes("garbage", behaviour.garbage_rate):
        return Faults(garbage=behaviour.garbage_shape)
    return _while_answering(behaviour, dice)


def _while_answering(behaviour: Behaviour, dice: Dice) -> Faults:
    cut = dice.strikes("cut", behaviour.cut_rate)
    stall = dice.strikes("stall", behaviour.stall_rate)
    first = stall and behaviour.stall_where == "first_byte"
    middle = stall and not first
    wrong = dice.strikes("usage", behaviour.wrong_usage_rate)
    return Faults(
        cut_after_events=behaviour.cut_after_events if cut else None,
        cut_style=behaviour.cut_style,
        stall_first_byte_s=behaviour.stall_s if first else 0.0,
        stall_after_events=behaviour.stall_after_events if middle else None,
        stall_mid_stream_s=behaviour.stall_s if middle else 0.0,
        wrong_usage=behaviour.wrong_usage_shape if wrong else None,
    )
