"""What people are asked of answers, and what they say: contents sealed, leases kept."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest
from legato.core.origin import NO_ORIGIN, Origin
from legato.judging.asking import Subject
from legato.judging.labels import Label
from legato.storage.evaluation.reviews import Item, NewItem, ReviewStore, SealedLabel

LEASE_S: Final = 900
LABELS_MAX: Final = 10
_NS_PER_S: Final = 1_000_000_000
_PAGE: Final = 500
_WHOLE: Final = 1 << 32


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that somebody is to review."""

    subject: Subject
    source: str
    labels: int = 1
    """How many people are to label it."""
    origin: Origin = NO_ORIGIN


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says of an item; no levels: it was skipped."""

    levels: dict[str, int] | None
    comment: str = ""
    correction: str = ""


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """A label as it is read back. `readable` is false where its texts can't be decrypted."""

    item: str
    reviewer: str
    at_ns: int
    said: Said
    readable: bool = True


class Shown(msgspec.Struct, frozen=True):
    """An item with its content; None where its key was destroyed."""

    item: Item
    subject: Subject | None


class Reviews:
    """One organisation's. Blocking: call it in a thread. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        org: str,
        store: ReviewStore,
        sealing: Sealing,
        clock: Clock,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self._org = org
        self.store = store
        self._sealing = sealing
        self._now_ns = clock.now_ns
        self._new_id = new_id

    def add(self, judge: str, wishes: Sequence[Wish], double_share: float = 0.0) -> list[str]:
        """Put answers into a judge's queue; return their ids.

        `double_share` of those that want one label get two, so that agreement can be told: which
        ones follows from what they say, so nobody picks them.
        """
        items = [self._new(judge, wish, double_share) for wish in wishes]
        self.store.add(items, self._now_ns())
        return [one.id for one in items]

    def next(self, judge: str, reviewer: str, lease_s: int = LEASE_S) -> Shown | None:
        """Put an item before a reviewer for a while; None where none is left for them."""
        now_ns = self._now_ns()
        found = self.store.claim(judge, reviewer, now_ns, now_ns + lease_s * _NS_PER_S)
        return None if found is None else self.shown(found)

    def say(self, item_id: str, reviewer: str, said: Said) -> None:
        """Keep what a reviewer says; see ReviewStore.label."""
        texts = msgspec.json.encode((said.comment, said.correction))
        context = label_context(item_id, reviewer)
        self.store.label(
            SealedLabel(
                item_id,
                reviewer,
                said.levels is None,
                msgspec.json.encode(said.levels or {}).decode(),
                self._sealing.seal(self._org, texts, context),
                self._now_ns(),
            )
        )

    def shown(self, item: Item) -> Shown:
        """Return an item with its content."""
        try:
            plain = self._sealing.open(self._org, item.sealed, item_context(item.id))
        except ValueError:
            return Shown(item, None)
        return Shown(item, msgspec.json.decode(plain, type=Subject))

    def spoken(self, item_ids: Sequence[str]) -> list[Spoken]:
        """Return what was said of items."""
        return [self._spoken(label) for label in self.store.labels(item_ids)]

    def labelled(self, judge: str) -> Iterator[tuple[Shown, list[Spoken]]]:
        """Yield every item of a queue that somebody labelled, with its labels."""
        after: str | None = None
        while page := self.store.page(_PAGE, after, judge):
            labels: dict[str, list[Spoken]] = {}
            for one in self.spoken([item.id for item in page]):
                if one.said.levels is not None:
                    labels.setdefault(one.item, []).append(one)
            yield from ((self.shown(item), labels[item.id]) for item in page if item.id in labels)
            after = page[-1].id

    def _new(self, judge: str, wish: Wish, double_share: float) -> NewItem:
        plain = msgspec.json.encode(wish.subject)
        labels = wish.labels
        if not 1 <= labels <= LABELS_MAX:
            raise InvalidRequest(f"labels: must be from 1 to {LABELS_MAX}", param="labels")
        point = int.from_bytes(blake2b(plain, digest_size=4).digest())
        if labels == 1 and point < double_share * _WHOLE:
            labels = 2
        item_id = self._new_id()
        sealed = self._sealing.seal(self._org, plain, item_context(item_id))
        origin = (wish.origin.request_id, wish.origin.user)
        return NewItem(item_id, judge, wish.source, sealed, labels, *origin)

    def _spoken(self, label: SealedLabel) -> Spoken:
        levels = None if label.skipped else msgspec.json.decode(label.levels)
        said, readable = Said(levels=levels), True
        try:
            context = label_context(label.item_id, label.reviewer)
            texts = self._sealing.open(self._org, label.sealed, context)
            comment, correction = msgspec.json.decode(texts)
            said = Said(levels=levels, comment=comment, correction=correction)
        except ValueError:
            readable = False
        return Spoken(
            item=label.item_id,
            reviewer=label.reviewer,
            at_ns=label.at_ns,
            said=said,
            readable=readable,
        )


def as_labels(spoken: Sequence[Spoken]) -> list[Label]:
    """Return labels as agreement is computed from."""
    return [Label(one.item, one.reviewer, one.said.levels) for one in spoken if one.said.levels]


def read_subject(plain: Any, place: str) -> Subject:
    """Read what is to be reviewed. Raises InvalidRequest."""
    try:
        return msgspec.convert(plain, Subject)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{place}: {error}", param=place) from None


def item_context(item_id: str) -> bytes:
    """Return what an item's content is bound to."""
    return f"review\x00{item_id}".encode()


def label_context(item_id: str, reviewer: str) -> bytes:
    """Return what a label's texts are bound to."""
    return f"review label\x00{item_id}\x00{reviewer}".encode()
