"""What is due is sent; what fails waits longer each time, and is given up in the end."""

from collections import Counter

from legato.core.clock import ManualClock
from legato.core.notification import Notification, Severity
from legato.notify.channel import SendFailed
from legato.notify.sender import Patience, Sender
from legato.storage.notifications.outbox import Due


def said(name: str) -> Notification:
    return Notification(
        id=name, kind="test", severity=Severity.INFO, title="", text="", at_ns=0, once=name
    )


class Box:
    """An outbox of one delivery for each name."""

    def __init__(self, *names: tuple[str, str]) -> None:
        self.waiting = {name: (channel, 0, 0) for name, channel in names}
        self.done: list[str] = []
        self.dead: dict[str, str] = {}

    def due(self, now_ns: int, count: int, without: frozenset[str]) -> list[Due]:
        return [
            Due(said(name), channel, attempts)
            for name, (channel, attempts, next_ns) in self.waiting.items()
            if next_ns <= now_ns and channel not in without
        ][:count]

    def sent(self, notification_id: str, channel: str, now_ns: int) -> None:
        del self.waiting[notification_id]
        self.done.append(notification_id)

    def failed(self, notification_id: str, channel: str, told: str, next_ns: int | None) -> None:
        _, attempts, _ = self.waiting.pop(notification_id)
        if next_ns is None:
            self.dead[notification_id] = told
        else:
            self.waiting[notification_id] = (channel, attempts + 1, next_ns)


class Claim:
    def __init__(self, *, ours: bool = True) -> None:
        self.ours = ours

    def take(self, lasts_ns: int) -> bool:
        return self.ours


class Channel:
    """Fails as long as `away`."""

    def __init__(self, *, hopeless: bool = False) -> None:
        self.away = True
        self.hopeless = hopeless
        self.tries = 0

    def send(self, notification: Notification) -> None:
        self.tries += 1
        if self.away:
            raise SendFailed("away", hopeless=self.hopeless)


def make(
    box: Box, channels: dict[str, Channel], **terms: object
) -> tuple[Sender, ManualClock, Counter[tuple[str, str]]]:
    clock: ManualClock = ManualClock()
    counted: Counter[tuple[str, str]] = Counter()
    sender = Sender(
        box,
        terms.get("claim", Claim()),  # type: ignore[arg-type]
        channels,
        patience=Patience(3, 10.0),
        count=lambda channel, result: counted.update([(channel, result)]),
        clock=clock,
    )
    return sender, clock, counted


def test_it_waits_longer_each_time_and_gives_up() -> None:
    box, channel = Box(("a", "c")), Channel()
    sender, clock, counted = make(box, {"c": channel})
    waits = []
    while box.waiting:
        sender.send_due(lambda: False)
        if "a" in box.waiting:
            waits.append((box.waiting["a"][2] - clock.now_ns()) / 1e9)
            clock.advance(waits[-1] + 1)
    assert 10 <= waits[0] <= 12
    assert 20 <= waits[1] <= 24
    assert box.dead == {"a": "away"}
    assert counted == {("c", "failed"): 2, ("c", "dead"): 1}


def test_a_channel_that_fails_holds_up_no_other() -> None:
    box, bad, good = Box(("a", "bad"), ("b", "bad"), ("c", "good")), Channel(), Channel()
    good.away = False
    sender, clock, _ = make(box, {"bad": bad, "good": good})
    sender.send_due(lambda: False)
    assert box.done == ["c"]
    assert bad.tries == 1  # the second would only have failed as well
    bad.away = False
    clock.advance(60)
    sender.send_due(lambda: False)
    assert set(box.done) == {"a", "b", "c"}


def test_what_is_hopeless_is_given_up_at_once() -> None:
    box = Box(("a", "c"), ("b", "unknown"))
    sender, _, counted = make(box, {"c": Channel(hopeless=True)})
    sender.send_due(lambda: False)
    assert set(box.dead) == {"a", "b"}
    assert "no channel unknown" in box.dead["b"]
    assert counted["c", "dead"] == 1


def test_who_has_no_claim_sends_nothing() -> None:
    box, channel = Box(("a", "c")), Channel()
    sender, _, _ = make(box, {"c": channel}, claim=Claim(ours=False))
    assert sender.send_due(lambda: False) == 0
    assert channel.tries == 0
