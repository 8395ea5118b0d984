"""Checks of processing and of spend: the ledger, budgets, alarms, what is left where one fails."""

import shutil
from typing import Final

from legato.app.compliance.check import LiveCheck, not_applicable, passed_unless
from legato.app.compliance.scene import Scene
from legato.app.compliance.when import NS_PER_DAY, at
from legato.core.budget import Budget
from legato.core.compliance import Finding, Status

_FREE_MIB_MIN: Final = 1024


def _ledger(scene: Scene) -> Finding:
    found = scene.verified_ledger()
    evidence = {
        "entries": found.entries,
        "cost_nano_usd": found.cost,
        "baseline_cost_nano_usd": found.baseline_cost,
    }
    bad = [f"{one.what} ({one.where})" for one in found.problems]
    good = f"all {found.entries} entries keep the ledger's rules"
    return passed_unless(bad, good, "the ledger", **evidence)


def _journal(scene: Scene) -> Finding:
    unread = scene.facts.journal_alarms()
    quarantine = scene.data.journal / "quarantine"
    damaged = len(list(quarantine.iterdir())) if quarantine.is_dir() else 0
    bad = [f"{unread} records can't be read"] if unread else []
    if damaged:
        bad.append(f"{damaged} damaged segments lie in quarantine")
    evidence = {"unreadable": unread, "quarantined": damaged}
    return passed_unless(bad, "all that was spent reached the ledger", "spend", **evidence)


def _budgets(scene: Scene) -> Finding:
    keys = scene.facts.keys_in_force(scene.now_ns)
    if not keys:
        return not_applicable("no key is in force")
    hard = [one.budget for one in scene.budgets() if one.budget.hard]
    without = sorted(
        {
            f"{key.org}/{key.team}"
            for key in keys
            if not key.own_budget and not any(_covers(one, key.org, key.team) for one in hard)
        }
    )
    teams = len({(key.org, key.team) for key in keys})
    evidence = {"hard_budgets": len(hard), "teams": teams}
    good = f"a hard budget holds for each of {teams} teams"
    return passed_unless(without, good, "no hard budget holds for all keys of", **evidence)


def _covers(budget: Budget, org: str, team: str) -> bool:
    """Whether all calls of a team count against a budget."""
    fixed = {"org": org, "team": team}
    return budget.org in {"", org} and all(
        fixed.get(name) == value for name, value in budget.where.items()
    )


def _alarms(scene: Scene) -> Finding:
    waiting = scene.facts.alarms_open()
    most = scene.bounds.alarm_days_max
    late = [one for one in waiting if scene.now_ns - one > most * NS_PER_DAY]
    evidence = {"open": len(waiting), "oldest": at(waiting[0] if waiting else None)}
    bad = [f"{len(late)} for more than {most} days"] if late else []
    return passed_unless(bad, "no alarm was left alone", "alarms nobody acknowledged", **evidence)


def _fallbacks(scene: Scene) -> Finding:
    config = scene.config
    if not config.routes:
        return not_applicable("there is no route")
    provider_of = {one.name: one.provider for one in config.deployments}
    alone = [
        one.alias
        for one in config.routes
        if len({provider_of.get(name) for name in [*one.deployments, *one.degrade]} - {None}) <= 1
    ]
    good = f"all {len(config.routes)} routes have a second provider"
    return passed_unless(alone, good, "one provider's failure ends", routes=len(config.routes))


def _disk(scene: Scene) -> Finding:
    free = shutil.disk_usage(scene.data.root).free // 2**20
    said = f"{free} MiB are free"
    status = Status.PASS if free >= _FREE_MIB_MIN else Status.FAIL
    return Finding(status, said, {"free_mib": free, "least_mib": _FREE_MIB_MIN})


SPENDING_CHECKS: Final = (
    LiveCheck(
        "ledger-whole",
        "every rule of the ledger, over all entries: sums, reversals, identities, budgets",
        _ledger,
        "Run `legato ledger verify` and restore what it names from a backup.",
        heavy=True,
    ),
    LiveCheck(
        "spend-all-recorded",
        "whether the ledger has taken in all of the spend journal",
        _journal,
        "Look into journal/quarantine and at `legato journal`.",
        of_machine=True,
    ),
    LiveCheck(
        "budgets-hold",
        "whether a hard budget holds for every key in force",
        _budgets,
        "Make one for each team: `legato budgets create --each team`.",
    ),
    LiveCheck(
        "alarms-answered",
        "since when alarms of falling quality wait for somebody",
        _alarms,
        "Look at them and acknowledge them: `legato scores`.",
    ),
    LiveCheck(
        "routes-have-fallbacks",
        "whether each route can go to a second provider",
        _fallbacks,
        "Add a deployment at another provider to the routes named.",
    ),
    LiveCheck(
        "disk-has-room",
        "how much room the data directory's disk has",
        _disk,
        "Free some: a full disk stops new calls.",
        of_machine=True,
    ),
)
