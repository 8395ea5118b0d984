"""What `retention` means: how long each kind is kept, of whom, and what is due."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import msgspec

from legato.app.checks.retention_checks import days_of
from legato.core.config import Config
from legato.core.errors import InvalidRequest
from legato.storage.privacy.keeping import OTHERWISE, RULES, Keeping, tables_of
from legato.storage.privacy.pruning import Due
from legato.storage.privacy.retention_terms import KeptTerms, RetentionTerm, RetentionTermStore

NS_PER_DAY: Final = 86_400_000_000_000
Look = Callable[[Keeping, int | None, str | None], Due]
"""Looks at a table: what is older than a time is due, of one organisation or of all."""


class Term(NamedTuple):
    """How many days a kind is kept, of one organisation or of all (None)."""

    name: str
    days: int
    org: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A table: by which rule its rows go and after how many days, what there is and is due."""

    table: str
    rule: str
    """Its name in `retention.days`; "" where there is none."""
    org: str | None
    days: int | None
    kept: str
    """In words."""
    oldest_ns: int | None = None
    rows_due: int = 0


def terms(config: Config, kept: KeptTerms) -> Iterator[Term]:
    """Yield what is to go by itself: of all, then of organisations that have less time."""
    of_all = {name: days_of(config, name, kept=kept) for name in RULES}
    for name, days in of_all.items():
        if days is not None:
            yield Term(name, days)
    own = {(org, name) for org, said in config.retention.organisations.items() for name in said}
    for org, name in sorted(own | {one for one in kept if one[0]}):
        days, everybodys = days_of(config, name, org, kept), of_all[name]
        if days is not None and (everybodys is None or days < everybodys):
            yield Term(name, days, org)


class RetentionDesk:
    """What is set of retention, by people within reach. Everything may raise StorageUnavailable."""

    def __init__(self, store: RetentionTermStore, config: Config) -> None:
        self._store = store
        self._config = config

    def all(self) -> list[RetentionTerm]:
        """Return it by organisation and kind."""
        return self._store.all()

    def set(self, org: str, kind: str, days: int, author: str) -> RetentionTerm:
        """Keep a kind for no more than so many days, of an organisation or of all ("").

        Raises:
            InvalidRequest: the configuration keeps it for less; otherwise as the store's.
            NotFound, Forbidden: as the store's.
        """
        said = days_of(self._config, kind, org or None) if kind in RULES else None
        if said is not None and days > said:
            msg = f"days: the configuration keeps {kind} for {said} days, a term here is shorter"
            raise InvalidRequest(msg, param="days")
        return self._store.set(org, kind, days, author)

    def remove(self, org: str, kind: str) -> None:
        """Keep a kind as the configuration says again. Raises as the store's."""
        self._store.remove(org, kind)


def standings(
    look: Look, config: Config, kept: KeptTerms, now_ns: int, *, org: str | None = None
) -> list[Standing]:
    """Return how every table stands, of one organisation or of all. Raises StorageUnavailable."""
    found = []
    for name, keepings in RULES.items():
        days = days_of(config, name, org, kept)
        before_ns = None if days is None else now_ns - days * NS_PER_DAY
        for keeping in keepings:
            stands = look(keeping, before_ns, org)
            first, *others = tables_of(keeping)
            shown = Standing(
                table=first.name, rule=name, org=org, days=days,
                kept=_OF_ROWS.get(name, "for good") if days is None else f"{days} days",
                oldest_ns=stands.oldest_ns, rows_due=stands.rows_due,
            )  # fmt: skip
            found.append(shown)
            found += [
                Standing(table=one.name, rule=name, org=org, days=days, kept=f"with {first.name}")
                for one in others
            ]
    found += [
        Standing(table=table, rule="", org=org, days=None, kept=why)
        for table, why in OTHERWISE.items()
    ]
    return sorted(found, key=lambda one: one.table)


_OF_ROWS: Final = {
    "finance": "for good: the books",
    "captures": "as the rule of capture said when it came",
    "guard_samples": "as the policy says that drew it",
    "redaction_maps": "as the policy says that keeps it",
    "files": "until their owner deletes them",
}
"""What goes by itself without a term in days."""
