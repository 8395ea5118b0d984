"""Checks of what is kept of people's data: what, how long, sealed by what, and how it goes."""

from stat import S_IMODE
from typing import Any, Final

from legato.app.checks.retention_checks import days_of
from legato.app.compliance.check import LiveCheck, not_applicable, passed_unless
from legato.app.compliance.scene import Scene
from legato.app.compliance.when import NS_PER_DAY, NS_PER_HOUR, at, days
from legato.app.desks.retention import terms
from legato.core.compliance import DRILL_FAILED, DRILL_PASSED, Finding, Status
from legato.storage.compliance.facts import SAYS_UNTIL
from legato.storage.privacy.keeping import RULES

_LATE_NS: Final = 2 * NS_PER_HOUR
"""What is deleted is deleted by the hour, in small parts."""
_ERASING_NS: Final = 24 * NS_PER_HOUR
_OTHERS: Final = 0o077
_KINDS: Final = {
    "traces": "traces",
    "feedback": "feedback",
    "reviews": "reviews",
    "responses": "responses",
    "live_scores": "live scores",
    "evaluations": "evaluations",
    "traffic_cases": "data sets of traffic",
}
"""What is kept of requests whose rows don't say themselves for how long, in words."""


def _captures(scene: Scene) -> Finding:
    rules = [one for one in scene.file.capture.rules if one.payloads != "none"]
    plain = [n for n, one in enumerate(scene.file.capture.rules)
             if one.payloads != "none" and not one.redact]  # fmt: skip
    kept = scene.facts.overdue("captures", 0).rows
    evidence = {"rules": len(rules), "not_redacted": plain, "captured_now": kept}
    if not rules:
        told = "no content of requests is kept" + (f"; {kept} of before are left" if kept else "")
        return Finding(Status.PASS, told, evidence)
    bad = [f"capture.rules[{n}]" for n in plain]
    good = f"what {len(rules)} rules keep is redacted"
    return passed_unless(bad, good, "content is kept with its personal data", **evidence)


def _days(scene: Scene, kind: str) -> int | None:
    """Return for how many days a kind is kept, by the file and by what people set."""
    return days_of(scene.file, kind, kept=scene.retention_terms)


def _stated(scene: Scene) -> Finding:
    stated = {name: _days(scene, kind) for kind, name in _KINDS.items()}
    for n, rule in enumerate(scene.file.capture.rules):
        if rule.payloads != "none":
            stated[f"capture.rules[{n}]"] = _shorter(rule.retention_days, _days(scene, "captures"))
    for policy in scene.policies:
        if (keep := policy.setting.redaction.keep) is not None:
            said = _shorter(keep.retention_days, _days(scene, "redaction_maps"))
            stated[f"redaction of {policy.setting.name}"] = said
    most = scene.bounds.retention_days_max
    bad = [f"{name}: {n or 'for good'}" for name, n in stated.items() if n is None or n > most]
    good = f"nothing of requests is kept longer than {most} days"
    return passed_unless(bad, good, f"kept longer than {most} days", days=stated)


def _shorter(of_row: int, of_all: int | None) -> int:
    return of_row if of_all is None else min(of_row, of_all)


def _carried_out(scene: Scene) -> Finding:
    looked: list[tuple[str, int, int | None]] = []
    for kind in SAYS_UNTIL:
        found = scene.facts.overdue(kind, scene.now_ns - _LATE_NS)
        looked.append((f"{kind}, as each says", found.overdue, found.oldest_ns))
    for kind, term, org in terms(scene.file, scene.retention_terms):
        name = f"{_KINDS.get(kind, kind)}{f' of {org}' if org else ''}, {term} days"
        before_ns = scene.now_ns - term * NS_PER_DAY - _LATE_NS
        for table in RULES[kind]:
            due = scene.due(table, before_ns, org)
            looked.append((name, due.rows_due, due.oldest_ns))
    bad = [f"{overdue} {name}" for name, overdue, _ in looked if overdue]
    evidence = {
        name: {"overdue": overdue, "oldest": at(oldest_ns)}
        for name, overdue, oldest_ns in sorted(looked, key=lambda one: one[1])
    }
    return passed_unless(bad, "nothing is there whose time is over", "still there", kinds=evidence)


def _master_key(scene: Scene) -> Finding:
    vault = scene.file.vault
    keys = scene.facts.data_keys()
    evidence: dict[str, Any] = {"data_keys": keys.count, "masters": list(keys.masters)}
    if len(keys.masters) > 1:
        told = (
            f"data keys are wrapped under {len(keys.masters)} master keys: a rotation was cut off"
        )
        return Finding(Status.FAIL, told, evidence)
    if vault.key_service is not None:
        evidence["where"] = vault.key_service.kind
        return Finding(Status.PASS, f"a key service ({vault.key_service.kind}) has it", evidence)
    if vault.master_key is not None:
        outside = "environment" if vault.master_key.env else "file"
        evidence["where"] = "secret store" if vault.master_key.in_store else outside
        return Finding(Status.PASS, "it comes from outside the data directory", evidence)
    evidence["where"] = "data directory"
    told = "it lies beside the data that it protects: who copies the data directory has both"
    return Finding(Status.WARN, told, evidence)


def _rotated(scene: Scene) -> Finding:
    keys = scene.facts.data_keys()
    if not keys.count:
        return not_applicable("there is no data key yet")
    last = scene.facts.newest_event(["data_key.rewrap"])
    since_ns = (keys.oldest_ns or 0) if last is None else last.at_ns
    evidence = {
        "first_key": at(keys.oldest_ns),
        "last_rotation": None if last is None else {"event": last.index, "at": at(last.at_ns)},
    }
    age, most = days(scene.now_ns - since_ns), scene.bounds.master_key_days_max
    said = f"the master key is {age} days old"
    return passed_unless([f"{age} of {most} days"] if age > most else [], said, said, **evidence)


def _private_files(scene: Scene) -> Finding:
    root = scene.data.root
    evidence: dict[str, Any] = {}
    for path in (root, scene.data.master_key, scene.data.database, scene.data.journal):
        if path.exists():
            evidence[path.name or str(path)] = f"{S_IMODE(path.stat().st_mode):o}"
    closed = not S_IMODE(root.stat().st_mode) & _OTHERS
    bad = [f"{name} ({mode})" for name, mode in evidence.items() if int(mode, 8) & _OTHERS]
    good = "only this user may enter the data directory"
    return passed_unless([] if closed else bad, good, "open to others", modes=evidence)


def _erasures(scene: Scene) -> Finding:
    found = scene.facts.erasures()
    if not found.asked:
        return not_applicable("nobody was erased yet")
    most = scene.bounds.erasure_days_max
    evidence = {
        "asked": found.asked,
        "open_since": at(found.open_since_ns),
        "longest_s": found.longest_ns // 1_000_000_000,
    }
    bad = []
    if found.open_since_ns is not None and scene.now_ns - found.open_since_ns > _ERASING_NS:
        bad.append(f"one of {at(found.open_since_ns)} was cut off: ask for it again")
    if found.longest_ns > most * NS_PER_DAY:
        bad.append(f"one took {days(found.longest_ns)} days")
    good = f"all {found.asked} were carried out within {most} days"
    return passed_unless(bad, good, "erasures", **evidence)


def _drilled(scene: Scene) -> Finding:
    passed, failed = (scene.facts.newest_event([one]) for one in (DRILL_PASSED, DRILL_FAILED))
    most = scene.bounds.drill_days_max
    evidence = {
        "passed": None if passed is None else {"event": passed.index, "at": at(passed.at_ns)},
        "failed": None if failed is None else {"event": failed.index, "at": at(failed.at_ns)},
    }
    if failed is not None and (passed is None or failed.index > passed.index):
        told = "the last drill found that a restored backup isn't whole"
        return Finding(Status.FAIL, told, evidence)
    if passed is None:
        return Finding(Status.FAIL, "no backup was ever restored for a drill", evidence)
    age = days(scene.now_ns - passed.at_ns)
    said = f"a backup was restored and found whole {age} days ago"
    return passed_unless([f"{age} of {most} days"] if age > most else [], said, said, **evidence)


KEEPING_CHECKS: Final = (
    LiveCheck(
        "restore-drilled",
        "whether a backup was restored lately, and found whole",
        _drilled,
        "Run `legato backup drill` on a schedule, on the backups that you keep.",
    ),
    LiveCheck(
        "captures-redacted",
        "whether content of requests is kept, and whether it is redacted first",
        _captures,
        "Take the rule out of capture.rules, or write `redact: true` in it.",
    ),
    LiveCheck(
        "retention-stated",
        "for how long each kind of record is kept",
        _stated,
        "Lower the retention named, or raise compliance.bounds.retention_days_max with a reason.",
    ),
    LiveCheck(
        "retention-carried-out",
        "whether rows are still there whose time is over",
        _carried_out,
        "Look at the ledger process's log for why they can't be deleted.",
    ),
    LiveCheck(
        "master-key-apart",
        "where the key lies that wraps all data keys",
        _master_key,
        "Set vault.key_service, or vault.master_key from the environment; `legato vault rotate`.",
    ),
    LiveCheck(
        "master-key-rotated",
        "when the data keys were last wrapped anew",
        _rotated,
        "Run `legato vault rotate`.",
    ),
    LiveCheck(
        "data-files-private",
        "whether other users of the machine may read the database, the journal or the master key",
        _private_files,
        "chmod 600 those files (700 for folders).",
        of_machine=True,
    ),
    LiveCheck(
        "erasures-carried-out",
        "whether erasures that were asked for came to their end, and how long they took",
        _erasures,
        "Ask for the one that was cut off again: `legato privacy erase`.",
    ),
)
