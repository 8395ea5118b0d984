"""Runs that applications begin over HTTP with a key of their own, and wait for."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.core.authority import decide
from legato.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.tenant import Area
from legato.storage.triggers.triggers import TriggerName, TriggerStore
from legato.storage.workflows.rows import ENDED
from legato.workflows.runs.asked import Asked
from legato.workflows.runs.rooms import Definitions
from legato.workflows.runs.workflows import NewRun, RunView, Workflows

HTTP: Final = ""
"""In whose place idempotency keys are kept: no trigger is called so."""
_KEY: Final = "key"


class CalledRuns:
    """Blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        definitions: Definitions,
        opened: Callable[[str], Workflows],
        store_of: Callable[[str], TriggerStore],
        *,
        new_id: Callable[[], str],
        wake: Callable[[], None],
    ) -> None:
        """`opened` gives an organisation's runs, `wake` tells who runs them."""
        self._definitions = definitions
        self._opened = opened
        self._store_of = store_of
        self._new_id = new_id
        self._wake = wake

    def require(self, caller: Principal, workflow: str) -> None:
        """Refuse who may not start a workflow.

        Raises:
            NotFound: there is none of this name.
            Forbidden: the key lacks the permission, or doesn't name the workflow.
        """
        try:
            name = self._definitions.resolve(caller.org, workflow, "").name
        except (NotFound, InvalidRequest) as error:
            raise NotFound(error.message, param="workflow") from None
        area = Area(caller.org, caller.team, caller.feature)
        decision = decide(caller, Permission.WORKFLOW_RUN_CREATE, area)
        if not decision.allowed:
            raise Forbidden(f"The key {caller.name} may not start workflows: {decision.reason}.")
        if told := caller.against_starting(name):
            raise Forbidden(f"The key {caller.name} may not start {name}: {told}.")

    def begin(self, caller: Principal, workflow: str, asked: Asked) -> RunView:
        """Begin a run, or return the one that this idempotency key began.

        Raises:
            InvalidRequest: the input doesn't follow the workflow's schema.
            Conflict: the idempotency key began a run with another input.
        """
        run_id = self._new_id()
        if asked.once:
            place = TriggerName(workflow, HTTP)
            digest = _digest(caller.key_id, asked.once)
            run_id = self._store_of(caller.org).reserve(place, digest, run_id).run_id
        found = self._opened(caller.org)
        resolved = self._definitions.resolve(caller.org, workflow, asked.user or run_id)
        new = NewRun(
            definition=resolved.definition,
            workflow=resolved.name,
            arm=resolved.arm,
            version=resolved.version,
            input=asked.input,
            user=asked.user,
            author=caller.name,
            origin="http",
            test=asked.test,
            run_id=run_id,
        )
        with acting_as(Actor(_KEY, caller.key_id)):
            row, is_new = found.start(new, caller)
        if is_new:
            self._wake()
        view = found.opened(row)
        if not is_new and view.begin.input != asked.input:
            raise Conflict("idempotency-key: it began a run with another input; take another one")
        return view

    def look(self, caller: Principal, run_id: str) -> RunView:
        """Return a run of this key. Raises NotFound, Erased."""
        found = self._opened(caller.org)
        row = found.runs.get(run_id)
        if row.key_id != caller.key_id:
            raise NotFound(f"There is no run {run_id[:64]!r}.", param="id")
        return found.opened(row)

    def has_ended(self, caller: Principal, run_id: str) -> bool:
        """Whether a run of the organisation is over."""
        return self._opened(caller.org).runs.get(run_id).status in ENDED


def _digest(key_id: str, once: str) -> bytes:
    return blake2b(f"{key_id}\x00{once}".encode(), digest_size=20, person=b"http run").digest()
