"""Wires a replay over what an instance has stored."""

from collections.abc import Iterator, Sequence

from legato.app.checks.instance import Instance
from legato.app.desks.stored_data import StoredData
from legato.app.ruling import rules_in_force
from legato.core.config_access import AccessRule
from legato.core.errors import LegatoError
from legato.core.ids import time_ns_of
from legato.core.registry import Kind, ObjectName, Selector
from legato.governance.ruled_keys import RuledKeys
from legato.registry.prompt import read_prompt
from legato.replay.day import Day
from legato.replay.deciding import AccessOf, Replay
from legato.storage.ledger.entries import EntryFilter


def open_replay(instance: Instance, stored: StoredData, *, access_now: bool = False) -> Replay:
    """Return what decides recorded requests again; nothing but keys and rules is read yet.

    `access_now`: by the rules of access that are in force now, instead of those of then.
    """
    decided, prices = stored.decided_by(), stored.prices()
    known: dict[tuple[str, str], str | None] = {}

    def prompt_route(org: str, shown: str) -> str | None:
        if (org, shown) not in known:
            known[org, shown] = _prompt_route(instance, stored, org, shown)
        return known[org, shown]

    access = _access_now(instance, stored) if access_now else None
    return Replay(Day(decided.route, prices.get), prompt_route, access)


def _access_now(instance: Instance, stored: StoredData) -> AccessOf:
    """Return the rules that mean a key now; tags of callers' tokens aren't known."""
    rules = rules_in_force(instance.loaded.config.access, instance.database_url)
    keys = RuledKeys(stored.keys(), rules).snapshot().by_digest.values()
    known = {one.key_id: one.access for one in keys}

    def access(key_id: str) -> Sequence[AccessRule] | None:
        if key_id not in known:
            return None
        found = known[key_id]
        return () if found is None else found.rules

    return access


def _prompt_route(instance: Instance, stored: StoredData, org: str, shown: str) -> str | None:
    """Return where a prompt's version is sent; None where it is gone or can't be read."""
    name, _, digits = shown.removeprefix(f"{Kind.PROMPT}/").partition("@")
    prompt = ObjectName(Kind.PROMPT, name)
    try:
        kept = stored.registry_reader(org).version(prompt, Selector(digest_prefix=digits), "")
        return read_prompt(stored.registry(instance, org).content(kept)).route
    except (LegatoError, ValueError):
        return None


def without_trace(
    stored: StoredData, seen: set[str], since_ns: int, until_ns: int
) -> Iterator[str]:
    """Yield requests of the ledger that arrived in a span and have no trace: nothing to replay by.

    Their traces had their time, or their worker was killed before it wrote one.
    """
    told: set[str] = set()
    for row in stored.entries().export_rows(EntryFilter(since_ns=since_ns)):
        request_id = row["request_id"]
        arrived_ns = time_ns_of(request_id)
        if request_id in seen or request_id in told or arrived_ns is None:
            continue
        if since_ns <= arrived_ns < until_ns:
            told.add(request_id)
            yield request_id
