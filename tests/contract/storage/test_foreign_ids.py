"""Every method of every store, asked for what is another tenant's, on either database.

Nothing of a foreign row is returned and none is changed, whatever the method, and whatever other
arguments it takes. Methods are found, not listed: one that can't be asked needs a reason here.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from legato.core.errors import Forbidden, LegatoError
from legato.core.tenant import EVERY_TENANT, Area, Areas, Tenant
from legato.economics.finance.entries import EntryKind
from legato.storage.privacy.subject_rows import PLACES
from legato.storage.registry.proposals import ACCEPTING, REVERTING

from .foreign import OWN, OWN_MARK, SECRET, Unmade, arguments, fill, others_rows
from .test_tenancy import stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from legato.core.clock import ManualClock
    from legato.core.ids import IdSource

BY_ORG = {"BatchStore", "FileStore", "ResponseStore", "DataKeyTable", "FloorStore", "BatchClaims"}
"""Stores that are told the organisation by each method."""
NOT_ASKED = {
    "BudgetStore.apply_declared": "refuses whoever reaches less than every tenant",
    "DataKeyTable.all": "wrapped keys of all, for a change of the master key",
    "DataKeyTable.rewrap": "the same",
    "FinanceEntryStore.add": "takes rows whose fields fit one another; test_finance asks it",
    "FloorStore.read": "for workers, which serve every tenant; each row says whose it is",
    "KeyStore.makers_of": "of a record that was read within reach: whoever made it limits it",
    "ProposalStore.finish": "of a proposal that `begin` returned",
    "ProposalStore.give_up": "the same",
    "KeyStore.residing": "of a principal that was read within reach: narrows it",
    "KeyStore.upsert_declared": "refuses whoever reaches less than every tenant",
    "TaskStore.asked": "of a task that was read within reach",
    "SpendReader.rows": "runs a statement of a function that is handed the reach",
    "LiveScores.put": "adds a row of its own; what it watches is a function's that it is given",
}
"""Why a method isn't asked."""
WITH: dict[str, list[dict[str, Any]]] = {
    "BatchStore.change": [{"status": "cancelled"}],
    "EvaluationStore.change": [{"status": "cancelled"}],
    "ProposalStore.begin": [{"through": ACCEPTING}, {"through": REVERTING}],
    "SubjectRows.of_kind": [{"kind": kind} for kind in PLACES],
}
"""Arguments of which only some values mean anything."""
DAYS = {"first_day": 0, "end_day": 2**15}


def scoped_stores() -> list[str]:
    found = stores()
    asking = {
        name
        for name, store in found.items()
        if {"reach", "tenant"} & set(inspect.signature(store).parameters)
    }
    return sorted(asking | BY_ORG)


def opened(name: str, made: Mapping[str, Any], reach: Any) -> Any:
    store = stores()[name]
    given: dict[str, Any] = {}
    for each, parameter in inspect.signature(store).parameters.items():
        if each in {"reach", "tenant"}:
            given[each] = reach
        elif each in made:
            given[each] = made[each]
        elif parameter.default is inspect.Parameter.empty:
            pytest.fail(f"{name} is made with {each}, which this test doesn't know")
    return store(**given)


def methods(store: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in inspect.getmembers(store, inspect.ismethod):
        if not name.startswith("_"):
            yield name, member


def told(value: Any) -> str:
    """Return all that a method gives away, whatever it gives it as."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, msgspec.Struct):
        return told(msgspec.structs.asdict(value))
    if isinstance(value, Mapping):
        return " ".join(told(one) for pair in value.items() for one in pair)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return " ".join(map(told, value))
    return repr(value)


def test_no_method_meets_what_is_anothers(
    engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    fill(engine)
    before = others_rows(engine)
    made = {"engine": engine, "clock": clock, "ids": ids, "new_id": ids.new, **DAYS}
    made |= {"stamps": (clock, ids), "kind": EntryKind.REVENUE}
    asked: set[str] = set()
    for name in scoped_stores():
        for reach in reaches_of(name):
            try:
                store = opened(name, made, reach)
            except Forbidden:  # what it keeps is kept by organisation
                continue
            for method_name, method in methods(store):
                asked.add(f"{name}.{method_name}")
                if f"{name}.{method_name}" not in NOT_ASKED:
                    ask(f"{name}.{method_name}", method, engine)
        assert others_rows(engine) == before, f"{name} changed what is another's"
    assert set(NOT_ASKED) | set(WITH) <= asked, "what isn't there any more needs no reason"
    assert len(asked) > 150


def reaches_of(name: str) -> list[Any]:
    """Return what a store may be opened for: below organisations, too, where it knows of that."""
    whole = Tenant(OWN)
    if "reach" not in inspect.signature(stores()[name]).parameters:
        return [whole]
    return [whole, Areas((Area(OWN, OWN_MARK),))]


def ask(asked: str, method: Callable[..., Any], engine: Engine) -> None:
    with contextlib.ExitStack() as opening:
        within = {"connection": lambda: opening.enter_context(engine.begin())}
        named = inspect.signature(method).parameters.keys() & within.keys()
        try:
            given = arguments(method, {one: within[one]() for one in named})
        except Unmade as unmade:
            pytest.fail(f"{asked}: {unmade}: teach this test to make it, or say why not")
        answered(asked, method, given)


def answered(asked: str, method: Callable[..., Any], given: dict[str, Any]) -> None:
    for more in WITH.get(asked, [{}]):
        try:
            answer = told(method(**given | more))
        except (LegatoError, IntegrityError):
            answer = ""
        except Exception as error:
            error.add_note(f"{asked} can't be asked so: say in WITH how, or why not")
            raise
        assert SECRET not in answer, asked


def test_what_a_method_gave_away_would_be_seen(
    engine: Engine, clock: ManualClock, ids: IdSource
) -> None:
    fill(engine)
    made = {"engine": engine, "clock": clock, "ids": ids, **DAYS}
    for name in ("AccountStore.page", "AccountStore.get"):
        store, _, method = name.partition(".")
        with pytest.raises(AssertionError):
            ask(name, getattr(opened(store, made, EVERY_TENANT), method), engine)
