"""What `legato budgets` does."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.budget import Budget, BudgetEvent, Measure, measure_of
from legato.core.config_budgets import BudgetSaid, StepSaid, budget_of, said_of
from legato.core.errors import InvalidRequest, NotFound
from legato.core.money import NanoUSD, display_usd, exact_usd
from legato.storage.limits.budgets import BudgetRecord
from legato.storage.limits.standing import Standing
from legato.vault.master import Vault

Place = tuple[Path, Path | None]
_LIMITS = tuple(measure.value for measure in Measure)
_ID_PREFIX_MIN = 8


def create(place: Place, name: str, org: str, terms: Mapping[str, Any], *, as_json: bool) -> None:
    """Store a new budget and print it."""
    instance = find_instance(*place)
    said = _said({"name": name, "org": org}, terms)
    with stored_data(instance) as stored:
        vault = _vault(instance, stored)
        record = stored.budgets().create(budget_of(said, pseudonym=vault.pseudonym))
    _print(record, as_json=as_json)


def change(place: Place, wanted: str, terms: Mapping[str, Any], *, as_json: bool) -> None:
    """Change a budget and print it."""
    instance = find_instance(*place)
    with stored_data(instance) as stored:
        store, vault = stored.budgets(), _vault(instance, stored)
        record = find_budget(store.every(), wanted)
        before = said_of(record.budget)
        kept = before["where"].get("user") if not terms["where"] else None
        if any(terms[name] is not None for name in _LIMITS):
            before |= dict.fromkeys(_LIMITS)
        said = _said(before, terms)

        def pseudonym(org: str, user: str) -> str:
            return user if user == kept else vault.pseudonym(org, user)

        budget = budget_of(said, budget_id=record.budget.id, pseudonym=pseudonym)
        record = store.change(budget, record.version)
    _print(record, as_json=as_json)


def list_budgets(place: Place, *, as_json: bool) -> None:
    """Print all budgets."""
    with stored_data(find_instance(*place)) as stored:
        records = stored.budgets().every()
    if as_json:
        print_json([_shown(record) for record in records])
        return
    columns = ("id", "name", "org", "covers", "limit", "window", "kind", "steps")
    print_table(columns, [_row(record) for record in records])


def show(place: Place, wanted: str, *, as_json: bool) -> None:
    """Print everything stored of a budget."""
    with stored_data(find_instance(*place)) as stored:
        record = find_budget(stored.budgets().every(), wanted)
    _print(record, as_json=as_json)


def status(place: Place, wanted: str, *, as_json: bool) -> None:
    """Print how a budget stands."""
    with stored_data(find_instance(*place)) as stored:
        budget = find_budget(stored.budgets().every(), wanted).budget
        counters = stored.budget_standings(budget)
    if as_json:
        print_json([_standing(budget, one) for one in counters])
        return
    columns = ("of", "limit", "settled", "set aside", "remaining", "resets")
    print_table(columns, [_standing_row(budget, one) for one in counters])


def events(place: Place, wanted: tuple[int, int], *, as_json: bool) -> None:
    """Print what came of budgets."""
    with stored_data(find_instance(*place)) as stored:
        found = stored.budget_events().page(*wanted)
    if as_json:
        print_json([{"id": number, **msgspec.to_builtins(one)} for number, one in found])
        return
    columns = ("id", "at", "budget", "what", "at %", "used", "limit")
    print_table(columns, [_event_row(number, one) for number, one in found])


def delete(place: Place, wanted: str) -> None:
    """Forget a budget."""
    with stored_data(find_instance(*place)) as stored:
        store = stored.budgets()
        record = find_budget(store.every(), wanted)
        store.delete(record.budget.id, record.version)
    click.echo(f"{record.budget.name} ({record.budget.id}) is deleted.")


def _said(before: Mapping[str, Any], terms: Mapping[str, Any]) -> BudgetSaid:
    values = dict(before)
    for name in (*_LIMITS, "window", "rolling_s", "hard", "share_by"):
        if terms[name] is not None:
            values[name] = terms[name]
    if terms["where"]:
        values["where"] = _pairs(terms["where"], "where")
    if terms["each"]:
        values["each"] = list(terms["each"])
    if terms["weight"]:
        weights = _pairs(terms["weight"], "weight")
        values["weights"] = {name: _number(text, "weight") for name, text in weights.items()}
    steps = [StepSaid(at_percent=percent, do="warn") for percent in terms["warn"]]
    steps += [StepSaid(at_percent=percent, do="queue") for percent in terms["queue"]]
    for text in terms["degrade"]:
        percent, _, name = text.partition("=")
        steps.append(
            StepSaid(at_percent=_number(percent, "degrade"), do="degrade", to=name.strip())
        )
    if steps:
        values["steps"] = steps
    try:
        return msgspec.convert(msgspec.to_builtins(values), BudgetSaid)
    except msgspec.ValidationError as error:
        raise InvalidRequest(str(error)) from None


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InvalidRequest(f"--{option}: write NAME=VALUE, not {text!r}", param=option)
        found[name] = value
    return found


def _number(text: str, option: str) -> int:
    if not text.isdigit():
        raise InvalidRequest(f"--{option}: {text!r} is no whole number", param=option)
    return int(text)


def find_budget(records: Sequence[BudgetRecord], wanted: str) -> BudgetRecord:
    """Return the budget that an id, its beginning or a name means. Raises NotFound."""
    found = [one for one in records if wanted in (one.budget.id, one.budget.name)]
    if not found and len(wanted) >= _ID_PREFIX_MIN:
        found = [one for one in records if one.budget.id.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidRequest(f"several budgets are called {wanted!r}: name one by its id")
    raise NotFound(f"there is no budget {wanted!r}; `legato budgets list` shows all")


def _vault(instance: Instance, stored: StoredData) -> Vault:
    return Vault(open_data_keys(instance.loaded, instance.data, stored.data_keys()).root())


def _shown(record: BudgetRecord) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(said_of(record.budget))
    return {"id": record.budget.id, **shown, "source": record.source, "version": record.version}


def _print(record: BudgetRecord, *, as_json: bool) -> None:
    shown = _shown(record)
    if as_json:
        print_json(shown)
        return
    for name, value in (shown | _in_words(record.budget)).items():
        if value not in (None, [], {}, "", 0):
            click.echo(f"{name:<12} {value}")


def _in_words(budget: Budget) -> dict[str, str]:
    """Return what has parts of its own, as a command's options write it."""
    return {
        "where": _pairs_text(budget.where),
        "each": " ".join(budget.each),
        "hard": "yes" if budget.hard else "no",
        "steps": _steps_text(budget),
        "weights": _pairs_text(budget.weights),
    }


def _pairs_text(pairs: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs.items())


def _steps_text(budget: Budget) -> str:
    return " ".join(f"{one.at_percent}%:{one.do}{one.to and '=' + one.to}" for one in budget.steps)


def _row(record: BudgetRecord) -> tuple[str, ...]:
    budget = record.budget
    covers = " ".join([_pairs_text(budget.where), *[f"each {name}" for name in budget.each]])
    steps = _steps_text(budget)
    window = f"{budget.rolling_s} s" if budget.rolling_s else budget.period.value
    kind = "hard" if budget.hard else "soft"
    limit = figure(budget.measure, budget.limit, long=True)
    return budget.id[:12], budget.name, budget.org or "*", covers, limit, window, kind, steps


def _standing(budget: Budget, one: Standing) -> dict[str, Any]:
    measure = budget.measure
    return {
        "of": one.values,
        "limit": _exact(measure, one.limit),
        "settled": _exact(measure, one.settled),
        "set_aside": _exact(measure, one.leased),
        "remaining": _exact(measure, max(0, one.limit - one.settled - one.leased)),
        "resets_at": None if one.resets_at_ns is None else time_text(one.resets_at_ns),
    }


def _standing_row(budget: Budget, one: Standing) -> tuple[str, ...]:
    left = max(0, one.limit - one.settled - one.leased)
    figures = (one.limit, one.settled, one.leased, left)
    of = " ".join(f"{name}={value or '(none)'}" for name, value in one.values.items())
    resets = "never" if one.resets_at_ns is None else time_text(one.resets_at_ns)
    return of or "all", *(figure(budget.measure, number) for number in figures), resets


def _event_row(number: int, one: BudgetEvent) -> tuple[str, ...]:
    measure = measure_of(one.limit_id)
    used, limit = figure(measure, one.used), figure(measure, one.limit)
    return (
        str(number), time_text(one.at_ns), one.name, one.what, str(one.at_percent), used, limit
    )  # fmt: skip


def _exact(measure: Measure, number: int) -> str | int:
    return exact_usd(NanoUSD(number)) if measure is Measure.USD else number


def figure(measure: Measure, number: int, *, long: bool = False) -> str:
    """Write a figure of a budget: dollars, or a plain number."""
    if measure is Measure.USD:
        return f"${display_usd(NanoUSD(number))}"
    return f"{number} {measure.value}" if long else str(number)
