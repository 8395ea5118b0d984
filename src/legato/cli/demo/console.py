"""The web console of a demo that serves on: somebody to sign in as, and calls that go on."""

import itertools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final

import msgspec

from legato.api.console.serving import BUILT
from legato.app.checks.instance import Instance
from legato.app.desks.identity import identity_of
from legato.app.desks.roles import role_stores
from legato.app.desks.stored_data import stored_data
from legato.cli.demo.prompts import Prompt
from legato.cli.demo.settings import EVERYDAY
from legato.core.clock import SystemClock
from legato.core.roles import EVERY_ORG
from legato.core.tenant import EVERY_TENANT
from legato.identity import enrolling
from legato.identity.principals import PERSON
from legato.identity.vouching import OPERATOR
from legato.storage.tenants.roles import NewBinding

_EVERY_S: Final = 2.0
_AGAIN_EACH: Final = 4
"""Of the calls, every fourth is one that was made before, word for word."""
_EMAIL: Final = "demo@legato.example"
_PASSWORD_BYTES: Final = 12
_ORG: Final = "default"
_ROLE: Final = "owner"


class SignIn(msgspec.Struct, frozen=True):
    """As whom to sign in."""

    email: str
    password: str


def make_sign_in(instance: Instance) -> SignIn | None:
    """Give the demo's account a password for this run; None where the console isn't built."""
    if not (BUILT / "stamp").exists():
        return None
    made = SignIn(_EMAIL, secrets.token_urlsafe(_PASSWORD_BYTES))
    with stored_data(instance) as stored:
        rooms = identity_of(instance, stored)
        accounts = rooms.accounts(EVERY_TENANT)
        account = accounts.find(made.email)
        if account is None:
            demo = enrolling.Enrolled(org=_ORG, kind="person", email=made.email, name="Demo")
            account = enrolling.enrol(rooms, EVERY_TENANT, demo)
            binding = NewBinding(
                subject_kind=PERSON, subject_id=account.id, role=_ROLE, org=EVERY_ORG, team=""
            )
            roles = role_stores(instance.database_url, SystemClock())
            roles.bindings(EVERY_TENANT).bind(binding, OPERATOR)
        accounts.set_password(account.id, rooms.passwords.hash(made.password), by=OPERATOR)
    return made


@contextmanager
def calls_going_on(ask: Callable[[Prompt], object], prompts: tuple[Prompt, ...]) -> Iterator[None]:
    """Ask one prompt after the other within the block, so that there is something to watch."""
    ends = Event()

    def go_on() -> None:
        for number, prompt in enumerate(itertools.cycle(prompts)):
            if ends.wait(_EVERY_S):
                return
            is_new = number % _AGAIN_EACH and prompt.model != EVERYDAY  # that one costs processors
            said = f"{prompt.prompt} ({number})" if is_new else prompt.prompt
            ask(msgspec.structs.replace(prompt, prompt=said))

    asking = Thread(target=go_on, name="calls", daemon=True)
    asking.start()
    try:
        yield
    finally:
        ends.set()
