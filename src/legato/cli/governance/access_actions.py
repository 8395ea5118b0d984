"""What `legato access` does. The operator at the terminal may do everything."""

from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.config.yaml_file import read_yaml
from legato.cli.governance.role_actions import open_roles
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.config_access import AccessRule
from legato.core.errors import InvalidRequest, NotFound
from legato.core.tenant import EVERY_TENANT
from legato.routing.access import bound, means
from legato.storage.tenants.access_rules import KeptRule

_EVERY_ORG = "*"
_SAYS = ("models", "deployments", "require", "tools")
_CONFIGURATION = "configuration"


def list_rules(*, config_file: Path | None, data: Path, as_json: bool) -> None:
    """Print the rules in force."""
    declared = find_instance(data, config_file).loaded.config.access.rules
    with open_roles(config_file, data) as opened:
        kept = opened.stores.rules(EVERY_TENANT).list()
    rows = [(one.name, _CONFIGURATION, "", one) for one in declared]
    rows += [(one.rule.name, one.id, one.org or _EVERY_ORG, one.rule) for one in kept]
    if as_json:
        print_json(
            [
                {"name": name, "id": rule_id, "org": org or None, "rule": msgspec.to_builtins(rule)}
                for name, rule_id, org, rule in rows
            ]
        )
        return
    shown = [(name, org, _who(rule), _says(rule), rule_id) for name, rule_id, org, rule in rows]
    print_table(("rule", "org", "means", "says", "id"), shown)


def add(*, config_file: Path | None, data: Path, org: str, file: Path, as_json: bool) -> None:
    """Put a rule in force."""
    try:
        rule = msgspec.convert(read_yaml(file).plain(), AccessRule)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"{file}: {error}", param="rule") from None
    if all(getattr(rule, name) is None for name in _SAYS):
        raise InvalidRequest(f"{file}: say one of {', '.join(_SAYS)}", param="rule")
    with open_roles(config_file, data) as opened:
        whose = "" if org == _EVERY_ORG else org
        kept = opened.stores.rules(EVERY_TENANT).add(rule, whose, "operator")
    if as_json:
        print_json({"id": kept.id, "org": kept.org or None, "name": kept.rule.name})
        return
    click.echo(f"rule {rule.name} of {org} is in force ({kept.id})")


def remove(*, config_file: Path | None, data: Path, rule: str) -> None:
    """Put a rule out of force."""
    with open_roles(config_file, data) as opened:
        store = opened.stores.rules(EVERY_TENANT)
        found = store.remove(_named(store.list(), rule).id)
    click.echo(f"rule {found.rule.name} of {found.org or _EVERY_ORG} is out of force")


def explain(
    *, config_file: Path | None, data: Path, key: str, model: str, tool: str, as_json: bool
) -> None:
    """Print which rules mean a key, and what is against something it wants."""
    declared = find_instance(data, config_file).loaded.config.access.rules
    with open_roles(config_file, data) as opened:
        principal = opened.principal(key)
        kept = opened.stores.rules(EVERY_TENANT).list()
    rules = [one for one in (*declared, *(k.in_force for k in kept)) if means(one, principal)]
    binding = bound(rules, principal)
    against = []
    if binding is not None and model and (found := binding.against_model(model)):
        against.append(found)
    refused = None if binding is None or not tool else binding.against_tool(tool)
    if refused is not None:
        becomes = "is taken out" if refused.strips else "is refused"
        against.append(f"access rule {refused.rule!r}: the tool {tool} {becomes}")
    if as_json:
        print_json({"rules": [msgspec.to_builtins(one) for one in rules], "against": against})
    else:
        for one in rules:
            click.echo(f"{one.name}: {_says(one)} (means {_who(one)})")
        if not rules:
            click.echo("no rule means this key")
        for text in against:
            click.echo(f"no: {text}")
    if against:
        raise SystemExit(1)


def _named(kept: list[KeptRule], text: str) -> KeptRule:
    found = [one for one in kept if text in {one.id, one.rule.name}]
    if len(found) > 1:
        raise InvalidRequest(f"{text}: several organisations have such a rule: give its id")
    if not found:
        msg = f"there is no rule {text!r} to remove; those of the configuration are changed there"
        raise NotFound(msg, param="rule")
    return found[0]


def _who(rule: AccessRule) -> str:
    who = msgspec.to_builtins(rule.who)
    given = [f"{name} {_words(value)}" for name, value in who.items() if value]
    return "; ".join(given) or "everybody"


def _says(rule: AccessRule) -> str:
    told = msgspec.to_builtins(rule)
    return "; ".join(f"{name}: {_words(told[name])}" for name in _SAYS if told.get(name))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items() if one is not None)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
