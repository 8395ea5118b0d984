"""Opens what signing in and accounts work with, for the control process and for commands."""

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import StoredData
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.config_accounts import Accounts
from legato.core.ids import IdSource
from legato.identity.passwords import Passwords
from legato.identity.rooms import Rooms
from legato.storage.database.engine import open_engine
from legato.storage.identity.accounts import AccountStore
from legato.storage.identity.delays import SignInDelays
from legato.storage.identity.flows import SignInFlows
from legato.storage.identity.joining import Joining
from legato.storage.identity.sessions import SessionStore
from legato.storage.identity.tokens import TokenStore
from legato.vault.master import Vault


def identity_rooms(database_url: str, config: Accounts, vault: Vault) -> Rooms:
    """Return them; nothing is connected to yet."""
    engine, clock = open_engine(database_url), SystemClock()
    ids = IdSource(clock)
    return Rooms(
        config=config,
        vault=vault,
        now_ns=clock.now_ns,
        passwords=Passwords(),
        accounts=lambda reach: AccountStore(engine, clock, ids, reach),
        joining=lambda reach: Joining(engine, clock, reach),
        sessions=lambda reach: SessionStore(engine, clock, ids, reach),
        tokens=lambda reach: TokenStore(engine, clock, ids, reach),
        delays=SignInDelays(engine, clock),
        flows=SignInFlows(engine, clock),
    )


def identity_of(instance: Instance, stored: StoredData) -> Rooms:
    """Return those of an instance, for a command."""
    keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
    config = instance.loaded.config.accounts
    return identity_rooms(instance.database_url, config, Vault(keys.root()))
