"""Leases from a store that speaks Redis' protocol, as `legato.core.leases.Leases` says."""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from legato.core.errors import StorageUnavailable
from legato.core.leases import LEDGERED, Grant, Limit, LimitKind, Returned, Wish
from legato.storage.database.windows import FOREVER_NS, Span, span_around
from legato.storage.limits.limit_windows import LimitWindow
from legato.storage.limits.redis.link import Answer, StoreAway
from legato.storage.limits.redis.scripts import TAKE
from legato.storage.limits.redis.session import Session
from legato.storage.limits.redis.slices import (
    Slice,
    end_us,
    is_based,
    kept_us,
    named_window,
    start_us,
)

_PATIENCE_S: Final = 1.5
"""So long a question waits for others to enrol: a second is what that takes."""
_PAUSE_S: Final = 0.1
_FIELDS: Final = 4
_TRIES: Final = 8
_CLOSED: Final = (
    "The store of leases (limits.store) has lost its memory, and not all processes have said yet "
    "what they have leased. Try again shortly."
)


class _Asked(NamedTuple):
    """One wish, the window it is of now, and what the holder has of that."""

    wish: Wish
    span: Span
    part: Slice
    windows: list[LimitWindow]
    """The one under way, then the earlier parts of a rolling one, the oldest first."""
    others: list[str]
    """Keys of the same limit's windows of other spans, as far as they are known here."""


class RedisLeases:
    """Grants and takes back. One connection, so one question at a time in each process."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._others: dict[tuple[LimitKind, str], list[str]] = {}
        """Windows of limits whose window was changed, by what the store said last."""

    def take(self, wishes: Sequence[Wish], *, holder: str) -> list[Grant]:
        """Lease from all these limits or from none, and return how each stands."""
        until = time.monotonic() + _PATIENCE_S
        while True:
            with self._session.lock:
                grants = self._tried(wishes, holder)
            if grants is not None:
                return grants
            if time.monotonic() > until:
                raise StorageUnavailable(_CLOSED)
            time.sleep(_PAUSE_S)

    def give_back(self, returned: Sequence[Returned], *, holder: str) -> None:
        """Take back at most what a holder has of these windows."""
        with self._session.lock:
            self._session.ready(holder)
            # From here on it is given back, whether the store hears of it now or later: who gave it
            # must not spend it again.
            for one in returned:
                amount = one.amount
                for part in self._session.slices.starting(
                    holder, one.kind, one.limit_id, one.window_start_ns
                ):
                    if one.span in ("", part.window.span):
                        amount -= self._give_back(holder, part, min(amount, part.mine))

    def release_holder(self, holder: str) -> None:
        """Take back the slots of a dead process."""
        session = self._session
        with session.lock:
            session.ready()
            key = session.holder_key(holder)
            for window_key in list(session.command("ZRANGE", key, 0, -1)):  # type: ignore[call-overload]
                window = named_window(window_key)
                if window.kind is LimitKind.SLOTS:
                    session.drop(holder, window_key)
                    session.slices.slice(holder, window).mine = 0
            session.slices.forget_ended(session.now_ns())

    def attend(self) -> bool:
        """Say again what got no answer, and enrol where the store has forgotten.

        Returns whether leases are granted. Call it twice a second: others wait for it.

        Raises:
            StorageUnavailable: the store is away.
        """
        session = self._session
        with session.lock:
            session.ready()
            granted = session.refresh()
            for holder, part in list(session.slices.every()):
                if part.unsure and session.tell(holder, part)[0] == "lost":
                    session.begin_anew()
                    session.ready()
                    break
            session.slices.forget_ended(session.now_ns())
            return granted

    @property
    def waits_for(self) -> list[str]:
        """Return whose word is missing before leases are granted again."""
        return list(self._session.missing)

    def _give_back(self, holder: str, part: Slice, back: int) -> int:
        if back <= 0:
            return 0
        left = part.mine - back
        try:
            answer = self._session.tell(holder, part, back)
        except StoreAway:
            answer = ["unheard"]
        if answer[0] == "ok":
            left = int(answer[1])
        elif answer[0] == "lost":
            self._session.begin_anew()
        elif answer[0] == "epoch":
            self._session.forget_epoch()
        else:
            part.unsure = True
        given = part.mine - left
        part.mine = left
        return given

    def _tried(self, wishes: Sequence[Wish], holder: str) -> list[Grant] | None:
        """Ask; None while leases aren't granted."""
        session = self._session
        for _ in range(_TRIES):
            session.ready(holder)
            asked = [self._asked(wish, holder) for wish in wishes]
            seq = session.next_seq()
            keys = [session.epoch_key, session.holder_key(holder)]
            keys += [key for one in asked for key in self._keys(one)]
            values: list[str | int] = [session.epoch, holder, seq, session.given_clock]
            for one in asked:
                values += _values(one, session.now_ns())
            try:
                answer = session.run(TAKE, keys, values)
            except StoreAway as error:
                for one in asked:
                    one.part.unsure = one.part.unsure or error.may_have_arrived
                raise
            if answer[0] == "ok":
                return self._granted(asked, seq, answer)
            if not self._put_right(answer, asked):
                return None
        return None

    def _put_right(self, answer: Answer, asked: Sequence[_Asked]) -> bool:
        """Do what an answer asks for; False where nothing can be done but wait."""
        session = self._session
        if answer[0] == "closed":
            return session.open()
        if answer[0] == "window":
            session.heard(answer[1])
        elif answer[0] == "base":
            keys = [key for one in asked for key in self._keys(one)]
            # Lua counts from 1, and two keys come before.
            missing = [named_window(keys[int(place) - 3]) for place in answer[1:]]
            session.push(session.books.standings(missing), create=True)
        elif answer[0] == "others":
            one = asked[int(answer[1])]
            own = session.window_key(one.windows[0])
            limit = one.wish.limit
            self._others[limit.kind, limit.id] = [key for key in answer[2:] if key != own]
        elif answer[0] == "lost":
            session.begin_anew()
        elif answer[0] == "epoch":
            session.forget_epoch()
        return True

    def _keys(self, one: _Asked) -> list[str]:
        session = self._session
        keys = [session.window_key(window) for window in one.windows]
        if one.wish.limit.kind in LEDGERED:
            keys += [session.index_key(one.windows[0]), *one.others]
        return keys

    def _asked(self, wish: Wish, holder: str) -> _Asked:
        limit = wish.limit
        span = span_around(limit.span, self._session.now_ns())
        window = LimitWindow(limit.kind, limit.id, limit.span, span.start_ns, span.end_ns)
        length_ns = span.end_ns - span.start_ns
        earlier = [
            window._replace(start_ns=start_ns, end_ns=start_ns + length_ns)
            for start_ns in range(span.oldest_ns, span.start_ns, length_ns)
        ]
        part = self._session.slices.slice(holder, window)
        return _Asked(wish, span, part, [window, *earlier], self._open_others(limit))

    def _open_others(self, limit: Limit) -> list[str]:
        place = limit.kind, limit.id
        known = self._others.get(place)
        if known is None:
            return []
        now_ns = self._session.now_ns()
        known = self._others[place] = [key for key in known if named_window(key).end_ns > now_ns]
        if not known:
            del self._others[place]
        return known

    def _granted(self, asked: Sequence[_Asked], seq: int, answer: Answer) -> list[Grant]:
        at_ns = self._session.heard(answer[1])
        grants = []
        for place, one in enumerate(asked):
            fields = answer[2 + place * _FIELDS : 2 + (place + 1) * _FIELDS]
            granted, settled, leased, first = map(int, fields)
            if granted or one.part.mine or one.part.acked:
                one.part.answered(seq, at_ns)
            one.part.mine += granted
            ends = one.span.end_ns != FOREVER_NS
            grants.append(
                Grant(
                    granted,
                    settled,
                    leased,
                    one.wish.limit.limit,
                    one.span.start_ns,
                    one.span.end_ns if ends else None,
                    at_ns,
                    _frees_at_ns(one, first) if ends else None,
                )
            )
        return grants


def _frees_at_ns(one: _Asked, first: int) -> int:
    oldest = one.windows[first] if first < len(one.windows) else one.windows[0]
    return oldest.start_ns + (one.span.end_ns - one.span.start_ns) * (one.span.parts + 1)


def _values(one: _Asked, at_ns: int) -> list[str | int]:
    wish, window = one.wish, one.windows[0]
    return [
        len(one.windows),
        one.part.known(at_ns),
        one.part.mine,
        wish.want,
        wish.at_least,
        wish.limit.limit,
        start_us(window),
        end_us(window),
        one.span.oldest_ns // 1_000,
        int(is_based(window)),
        int(window.kind is LimitKind.RATE and not is_based(window)),
        int(wish.limit.soft),
        kept_us(window),
        len(one.others) if window.kind in LEDGERED else -1,
    ]
