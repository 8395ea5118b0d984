"""Checks of what leaves for models: guardrails over every route, regions, terms of data use."""

from collections.abc import Callable
from typing import Final

from legato.app.checks.compliance_rules import breaches_of, data_use_of, rules_on
from legato.app.compliance.check import LiveCheck, few, not_applicable, passed_unless
from legato.app.compliance.scene import Scene
from legato.core.compliance import Finding, Status
from legato.core.config_guardrails import GuardPolicy
from legato.core.guarding import Place
from legato.guardrails.policy.coverage import callable_names, over_everybody, unguarded

_ANSWERS: Final = frozenset({Place.OUTPUT, Place.TOOL_CALL})


def _everybodys(scene: Scene) -> list[GuardPolicy]:
    """Return the policies that are no single organisation's."""
    return [one.setting for one in scene.policies if one.org is None]


def _guarded(group: str, what: str) -> Callable[[Scene], Finding]:
    def look(scene: Scene) -> Finding:
        names = callable_names(scene.config)
        if not names:
            return not_applicable("nothing can be called")
        bare = unguarded(scene.config, _everybodys(scene), group)
        versions = sorted(one.version for one in scene.policies if one.org is None)
        good = f"{what} are held back on all {len(names)} names that can be called"
        told = f"{what} aren't held back by an enforced policy for everybody on"
        return passed_unless(bare, good, told, callable=len(names), policies=versions)

    return look


def _policies(scene: Scene) -> Finding:
    broken = [f"{org}: {name}" for org, found in scene.guarding.broken.items() for name in found]
    shadows = sorted(one.version for one in scene.policies if not one.is_enforced)
    evidence = {"policies": len(scene.policies), "only_watching": shadows}
    if broken:
        told = f"can't be read, so their requests are refused: {few(broken)}"
        return Finding(Status.FAIL, told, {**evidence, "broken": sorted(broken)})
    if not scene.policies:
        return Finding(Status.FAIL, "there is no policy", evidence)
    if shadows:
        return Finding(Status.WARN, f"only watch: {few(shadows)}", evidence)
    return Finding(Status.PASS, f"all {len(scene.policies)} policies act", evidence)


def _answers(scene: Scene) -> Finding:
    names = callable_names(scene.config)
    if not names:
        return not_applicable("nothing can be called")
    bare = [
        name
        for name in names
        if not any(
            one.output is not None or any(_ANSWERS & frozenset(rule.on) for rule in one.rules)
            for one in over_everybody(name, scene.config, _everybodys(scene))
        )
    ]
    good = f"answers of all {len(names)} names are checked"
    return passed_unless(bare, good, "answers aren't checked of", callable=len(names))


def _regions(scene: Scene) -> Finding:
    config = scene.config
    if not config.deployments:
        return not_applicable("there is no deployment")
    unknown = [one.name for one in config.deployments if not one.region]
    regions = sorted({one.region for one in config.deployments if one.region})
    bound = [one.name for one in config.access.rules if one.require and one.require.regions]
    bound += [one.alias for one in config.routes if one.require and one.require.regions]
    evidence = {"regions": regions, "bound_by": bound}
    if not unknown and not bound:
        told = "regions are known, but no route and no rule of access requires one"
        return Finding(Status.WARN, told, evidence)
    return passed_unless(unknown, "all say where they run", "say no region", **evidence)


def _terms(scene: Scene) -> Finding:
    config = scene.config
    if not config.deployments:
        return not_applicable("there is no deployment")
    bad, terms = [], {}
    for one in config.deployments:
        use = data_use_of(one, config)
        terms[one.name] = {"training": use.training, "retention_days": use.retention_days}
        if use.training is not False or use.retention_days is None:
            bad.append(one.name)
    good = f"none of {len(terms)} deployments' providers trains on what is sent"
    told = "training isn't excluded, or what is kept isn't known, at"
    return passed_unless(bad, good, told, deployments=terms)


def _rules_kept(scene: Scene) -> Finding:
    names = rules_on(scene.config)
    if not names:
        told = "compliance.frameworks and compliance.rules switch no rule on: saves go unchecked"
        return Finding(Status.FAIL, told, {"rules": []})
    broken = breaches_of(scene.config)
    evidence = {"rules": names, "on_breach": scene.file.compliance.on_breach}
    bad = [f"{one.rule}: {one.told}" for one in broken]
    return passed_unless(
        bad, f"{len(names)} rules hold for all that is served", "broken", **evidence
    )


GUARDING_CHECKS: Final = (
    LiveCheck(
        "rules-on-save",
        "whether rules are asked before a change is served, and all that is served keeps them",
        _rules_kept,
        "Set compliance.frameworks or compliance.rules, and mend what breaks them.",
    ),
    LiveCheck(
        "personal-data-held-back",
        "whether an enforced policy for everybody redacts or blocks personal data, on each name",
        _guarded("personal", "personal data"),
        "Enforce a policy without narrowing that redacts or blocks `personal`.",
    ),
    LiveCheck(
        "secrets-held-back",
        "whether an enforced policy for everybody redacts or blocks secrets, on each name",
        _guarded("secrets", "secrets"),
        "Enforce a policy without narrowing that blocks or redacts `secrets`.",
    ),
    LiveCheck(
        "policies-enforced",
        "whether all guardrail policies can be read, and act rather than watch",
        _policies,
        "Mend what can't be read (`legato registry show`); set `mode: enforce`.",
    ),
    LiveCheck(
        "answers-checked",
        "whether a policy checks answers, on each name that can be called",
        _answers,
        "Add `output` checks or rules on `output` to an enforced policy.",
    ),
    LiveCheck(
        "regions-known",
        "whether each deployment says where it runs, and whether anything binds calls to regions",
        _regions,
        "State `region` of the deployments; require regions in access.rules or routes.",
    ),
    LiveCheck(
        "data-use-known",
        "whether training on what is sent is excluded and its retention known, of each deployment",
        _terms,
        "State `data_use` of the deployments as their contracts have it, or take them out.",
    ),
)
