"""Feedback on its way in and out: its texts are sealed, its users are pseudonyms."""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.feedback import Outcome, Said
from legato.core.principal import Principal
from legato.core.tenant import Tenant
from legato.storage.evaluation.feedback import FeedbackIntake, KeptWord, SealedWord
from legato.storage.evaluation.feedback_reading import Row

_TEXTS: Final = ("correction", "comment")


class Sealer(Protocol):
    """Encrypts what is kept of each organisation; may block."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt `data`, bound to `context`. Raises LegatoError where there is no key."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError for anything altered or bound to another context."""
        ...


class Texts(msgspec.Struct, frozen=True):
    """What somebody wrote. `readable` is false where it can't be decrypted any more."""

    correction: Any = None
    comment: str | None = None
    readable: bool = True


class FeedbackDesk:
    """Takes feedback in. Blocking: call it in a thread."""

    def __init__(
        self,
        intake: Callable[[Tenant], FeedbackIntake],
        sealer: Sealer,
        pseudonym: Callable[[str, str], str],
        clock: Clock,
        *,
        new_id: Callable[[], str],
        take_back: Callable[[Tenant, str], object],
    ) -> None:
        """`take_back` calls the hit of the semantic cache wrong that a request got."""
        self._intake = intake
        self._sealer = sealer
        self._pseudonym = pseudonym
        self._now_ns = clock.now_ns
        self._new_id = new_id
        self._take_back = take_back

    def keep(self, caller: Principal, said: Said) -> KeptWord:
        """Keep what a caller says, over what the same user or key said before.

        Whether there ever was such a request isn't looked at: the ledger may learn of it later,
        and nobody is told of another's. But for a wrong hit of the semantic cache: that is taken
        back first, once for each request, whoever says it how often.

        Raises:
            NotFound, Conflict: a wrong hit is said of a request that has no trace, or got none.
            LegatoError: the database or the vault is away.
        """
        org, intake = caller.org, self._intake(Tenant(caller.org))
        if said.signals.get("outcome") == Outcome.WRONG_HIT and not intake.has_outcome(
            said.request_id, Outcome.WRONG_HIT
        ):
            self._take_back(Tenant(org), said.request_id)
        end_user = self._pseudonym(org, said.user) if said.user else ""
        source = end_user or caller.key_id
        signals = dict(said.signals)
        for name in _TEXTS:
            if signals.get(name) is not None:
                plain = msgspec.json.encode(signals[name])
                context = _context(said.request_id, source, name)
                signals[name] = self._sealer.seal(org, plain, context)
        word = SealedWord(
            id=self._new_id(),
            request_id=said.request_id,
            end_user=end_user,
            key_id=caller.key_id,
            at_ns=self._now_ns(),
            signals=signals,
        )
        return intake.put(word)


def texts_of(row: Row, sealer: Sealer) -> Texts:
    """Return what was written, of a row as it is stored; blocking.

    What can't be decrypted (its key was destroyed) hides nothing else of a list.

    Raises:
        LegatoError: the vault is away.
    """
    found = {}
    try:
        for name in _TEXTS:
            if row[name] is not None:
                context = _context(row["request_id"], row["source"], name)
                plain = sealer.open(row["org"], bytes(row[name]), context)
                found[name] = msgspec.json.decode(plain)
    except ValueError:
        return Texts(readable=False)
    return Texts(**found)


def _context(request_id: str, source: str, name: str) -> bytes:
    return f"feedback\x00{request_id}\x00{source}\x00{name}".encode()
