"""Checks of who may do what: accounts, roles, keys, approvals."""

from collections import defaultdict
from typing import Final

from legato.app.compliance.check import LiveCheck, named, not_applicable, passed_unless
from legato.app.compliance.scene import Scene
from legato.app.compliance.when import NS_PER_DAY, at
from legato.core.compliance import Finding, Status
from legato.core.principal import Scope
from legato.core.registry import Kind
from legato.core.roles import Role

_IDLE_S_MAX: Final = 4 * 3600.0
_SESSION_S_MAX: Final = 24 * 3600.0
_APART: Final = (
    frozenset({Role.DEVELOPER.value, Role.APPROVER.value}),
    frozenset({Role.DEVELOPER.value, Role.SECURITY.value}),
    frozenset({Role.FINANCE.value, Role.APPROVER.value}),
)
"""Roles that one person doesn't have over the same organisation: who makes a change and who
approves it, who builds and who guards, who sets budgets and who approves."""


def _sign_in(scene: Scene) -> Finding:
    people = [one for one in scene.facts.people() if one.state == "active"]
    accounts = scene.file.accounts
    if not people:
        return not_applicable("no person signs in")
    with_password = [one.id for one in people if one.password] if accounts.passwords else []
    evidence = {
        "people": len(people),
        "by_password": len(with_password),
        "providers": [one.name for one in accounts.oidc],
        "passwords_allowed": accounts.passwords,
    }
    good = "all sign in by an OpenID provider, which asks for a second factor or doesn't"
    wrong = "sign in by a password alone"
    return passed_unless(with_password, good, wrong, **evidence)


def _dormant(scene: Scene) -> Finding:
    most = scene.bounds.dormant_days
    before_ns = scene.now_ns - most * NS_PER_DAY
    people = [one for one in scene.facts.people() if one.state == "active"]
    if not people:
        return not_applicable("no person signs in")
    dormant = [one.id for one in people if (one.signed_in_at_ns or one.created_at_ns) < before_ns]
    good = f"all {len(people)} have signed in within {most} days"
    return passed_unless(dormant, good, f"not signed in for {most} days", people=len(people))


def _owners(scene: Scene) -> Finding:
    most = scene.bounds.owners_max
    owners: dict[str, set[str]] = defaultdict(set)
    for one in scene.facts.roles():
        if one.role == Role.OWNER.value:
            owners[one.org].add(one.subject)
    for key in scene.facts.keys_in_force(scene.now_ns):
        if Scope.ADMIN in key.scopes:
            owners["*"].add(f"key:{key.id}")
        elif Scope.ORG_ADMIN in key.scopes:
            owners[key.org].add(f"key:{key.id}")
    evidence = {org: named(sorted(found)) for org, found in sorted(owners.items())}
    bad = [f"{org} has {len(found)}" for org, found in owners.items() if len(found) > most]
    good = f"no more than {most} have all rights over anything"
    return passed_unless(bad, good, f"more than {most} with all rights", owners=evidence)


def _duties(scene: Scene) -> Finding:
    held: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in scene.facts.roles():
        held[one.subject, one.org].add(one.role)
    bad = [
        f"{subject} in {org}: {' and '.join(sorted(pair))}"
        for (subject, org), roles in held.items()
        for pair in _APART
        if pair <= roles
    ]
    if not held:
        return not_applicable("no roles were given")
    good = "nobody has two roles that are kept apart"
    return passed_unless(bad, good, "two roles in one hand", subjects=len(held))


def _approvals(scene: Scene) -> Finding:
    registry = scene.file.registry
    fitting = [
        one
        for one in registry.approvals
        if one.environment in {None, registry.environment} and one.labels is None
    ]
    covered = {kind for one in fitting for kind in (one.kinds or list(Kind))}
    wanted = {Kind.PROMPT, Kind.DEPLOYMENT, Kind.ROUTE, Kind.GUARDRAIL}
    bad = sorted(f"{kind.value}s" for kind in wanted - covered)
    evidence = {
        "environment": registry.environment,
        "rules": len(registry.approvals),
        "approved": scene.facts.events("registry.approve"),
        "moved": scene.facts.events("registry.move"),
    }
    good = f"changes in {registry.environment} wait for others' approval"
    return passed_unless(bad, good, "go live without anybody's approval", **evidence)


def _expiring(scene: Scene) -> Finding:
    keys = scene.facts.keys_in_force(scene.now_ns)
    if not keys:
        return not_applicable("no key is in force")
    endless = [one.id for one in keys if one.expires_at_ns is None]
    good = f"all {len(keys)} end by themselves"
    return passed_unless(endless, good, "never expire", keys=len(keys))


def _key_age(scene: Scene) -> Finding:
    keys = scene.facts.keys_in_force(scene.now_ns)
    if not keys:
        return not_applicable("no key is in force")
    most = scene.bounds.key_days_max
    before_ns = scene.now_ns - most * NS_PER_DAY
    rotated = {one.subject for one in scene.facts.events_since(["key.rotate"], before_ns)}
    old = [one.id for one in keys if one.created_at_ns < before_ns and one.id not in rotated]
    evidence = {
        "keys": len(keys),
        "oldest": at(min(one.created_at_ns for one in keys)),
        "rotated_within": len(rotated),
    }
    good = f"no secret is older than {most} days"
    return passed_unless(old, good, f"older than {most} days", **evidence)


def _key_use(scene: Scene) -> Finding:
    keys = scene.facts.keys_in_force(scene.now_ns)
    most = scene.bounds.key_unused_days
    since_ns = scene.now_ns - most * NS_PER_DAY
    old = [one for one in keys if one.created_at_ns < since_ns and Scope.CALL in one.scopes]
    if not old:
        return not_applicable(f"no key is older than {most} days", keys=len(keys))
    used = scene.facts.keys_used_since(since_ns)
    unused = [one.id for one in old if one.id not in used]
    good = f"all {len(old)} that are older were used within {most} days"
    return passed_unless(unused, good, f"made no call for {most} days", keys=len(keys))


def _sessions(scene: Scene) -> Finding:
    said = scene.file.accounts
    evidence = {"idle_s": said.session_idle_s, "longest_s": said.session_s}
    bad = []
    if said.session_idle_s > _IDLE_S_MAX:
        bad.append(f"after {said.session_idle_s:.0f} s without an act")
    if said.session_s > _SESSION_S_MAX:
        bad.append(f"after {said.session_s:.0f} s at the latest")
    good = f"after {said.session_idle_s:.0f} s without an act, {said.session_s:.0f} s at the latest"
    return passed_unless(bad, f"sessions end {good}", "sessions end late", **evidence)


def _access_rules(scene: Scene) -> Finding:
    rules = scene.file.access.rules
    evidence = {"rules": [one.name for one in rules]}
    if not rules:
        told = "no rule says which keys may use which models, regions and tools"
        return Finding(Status.FAIL, told, evidence)
    return Finding(Status.PASS, f"{len(rules)} rules hold for keys' calls", evidence)


PEOPLE_CHECKS: Final = (
    LiveCheck(
        "sign-in-by-provider",
        "whether people sign in by an OpenID provider rather than by a password alone",
        _sign_in,
        "Set accounts.oidc and accounts.passwords: false.",
    ),
    LiveCheck(
        "accounts-in-use",
        "when people signed in last",
        _dormant,
        "Disable those accounts: `legato accounts disable`.",
    ),
    LiveCheck(
        "owners-few",
        "how many people and keys have all rights, over the instance and each organisation",
        _owners,
        "Take the role from some (`legato roles unbind`); revoke admin keys that nobody needs.",
    ),
    LiveCheck(
        "duties-separated",
        "whether somebody has two roles that are kept apart",
        _duties,
        "Take one of the roles away: `legato roles unbind`.",
    ),
    LiveCheck(
        "changes-approved",
        "whether changes of what is served wait until another person approves",
        _approvals,
        "Set registry.approvals for the environment that this instance serves.",
    ),
    LiveCheck(
        "keys-expire",
        "whether each key in force ends by itself",
        _expiring,
        "Make them anew with `legato keys create --expires`.",
    ),
    LiveCheck(
        "keys-rotated",
        "how long ago each key was made or its secret was changed",
        _key_age,
        "Run `legato keys rotate` for them.",
    ),
    LiveCheck(
        "keys-in-use",
        "whether each key made a call lately",
        _key_use,
        "Run `legato keys revoke` for those that nobody needs.",
        heavy=True,
    ),
    LiveCheck(
        "sessions-end",
        "after how long people must sign in again",
        _sessions,
        "Lower accounts.session_idle_s to 4 hours or less, accounts.session_s to a day or less.",
    ),
    LiveCheck(
        "access-rules-in-force",
        "whether rules say which keys may use which models, regions, data use and tools",
        _access_rules,
        "Write access.rules.",
    ),
)
