"""Tasks for people, as the control API, the commands and runs work on them."""

from collections.abc import Callable

from legato.app.desks.roles import role_stores
from legato.core.authority import reach_for
from legato.core.clock import Clock
from legato.core.config_access import Access
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.roles import Grant
from legato.core.tenant import EVERY_TENANT, Reach
from legato.flow.rulings import Person
from legato.identity.principals import PERSON
from legato.identity.tokens import TASK_LINK, new_token
from legato.storage.database.engine import open_engine
from legato.storage.identity.accounts import AccountStore
from legato.storage.identity.records import Account
from legato.storage.tasks.links import TaskLinks
from legato.storage.tasks.tasks import TaskStore, Tell, nobody_waits
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.people.links import Decider, LinkDesk
from legato.workflows.people.tasks import Tasks

PrincipalOf = Callable[[str], Principal]


def tasks_on(
    database_url: str,
    clock: Clock,
    sealing: Envelopes,
    vault: Vault,
    *,
    tell: Tell = nobody_waits,
) -> Callable[[Reach], Tasks]:
    """Return what opens the tasks within a reach on a database."""
    engine, ids = open_engine(database_url), IdSource(clock)

    def of(reach: Reach) -> Tasks:
        return Tasks(
            lambda within: TaskStore(engine, clock, ids, within, tell=tell),
            reach,
            sealing,
            new_id=ids.new,
            pseudonym=vault.pseudonym,
        )

    return of


def people_on(database_url: str, clock: Clock) -> Callable[[Principal], Person]:
    """Return what says how tasks may name somebody who is authenticated."""
    engine, ids = open_engine(database_url), IdSource(clock)

    def person(principal: Principal) -> Person:
        names = {principal.key_id, principal.name}
        if principal.kind == PERSON:
            try:
                found = AccountStore(engine, clock, ids, EVERY_TENANT).get(principal.key_id)
                names |= {found.login}
            except NotFound:  # it was erased meanwhile: its id is all that is left
                pass
        return Person(
            id=f"{principal.kind}:{principal.name}",
            names=frozenset(names - {""}),
            roles=frozenset(one.role for one in principal.grants),
            teams=_teams(principal, principal.grants),
        )

    return person


class AccountDeciders:
    """Who people with accounts are at this moment: what `Deciders` asks for."""

    def __init__(self, database_url: str, clock: Clock, principal: PrincipalOf) -> None:
        """`principal` says what an account may do, by its id. Raises NotFound."""
        engine, ids = open_engine(database_url), IdSource(clock)
        self._accounts = AccountStore(engine, clock, ids, EVERY_TENANT)
        self._person = people_on(database_url, clock)
        self._principal = principal

    def named(self, login: str) -> Decider | None:
        """Return who has a login; None for nobody who may decide tasks."""
        return self._decider(self._accounts.find(login))

    def known(self, account_id: str) -> Decider | None:
        """Return who has an account, likewise."""
        try:
            return self._decider(self._accounts.get(account_id))
        except NotFound:
            return None

    def _decider(self, account: Account | None) -> Decider | None:
        if account is None or account.state != "active" or account.kind != "person":
            return None
        principal = self._principal(account.id)
        reach = reach_for(principal, Permission.TASK_DECIDE)
        if reach is None:
            return None
        return Decider(account.id, account.login, self._person(principal), reach)


def link_desk(
    database_url: str,
    clock: Clock,
    tasks: Callable[[Reach], Tasks],
    *,
    vault: Vault,
    access: Access,
) -> LinkDesk:
    """Return what makes links to tasks, and decides by them."""
    roles = role_stores(database_url, clock, access)
    deciders = AccountDeciders(
        database_url, clock, lambda account_id: roles.principal(EVERY_TENANT, PERSON, account_id)
    )
    return LinkDesk(
        TaskLinks(open_engine(database_url), clock, EVERY_TENANT),
        tasks,
        deciders,
        digest=vault.digest,
        new_token=lambda: new_token(TASK_LINK),
        now_ns=clock.now_ns,
    )


def _teams(principal: Principal, grants: tuple[Grant, ...]) -> frozenset[str]:
    return frozenset({principal.team, *(one.team for one in grants)} - {""})
