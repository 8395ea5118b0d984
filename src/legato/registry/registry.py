"""One organisation's registry as people and programs change it.

It knows what each kind's content must be, seals it, and asks for the approvals that policy wants.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from legato.core.config import ApprovalRule
from legato.core.errors import Conflict, Erased, InvalidRequest, NotFound
from legato.core.registry import (
    DEFAULT_LABEL,
    INSTANCE_KINDS,
    INSTANCE_ORG,
    Kind,
    MoveState,
    ObjectName,
    Selector,
    Truth,
    checked_label,
    checked_name,
    digest_of,
    selector,
    shown,
)
from legato.registry.content import as_yaml, differences
from legato.registry.documents import Document, Placed, require_one_each
from legato.registry.planning import Plan, Present, Wanted, plan
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.records import (
    Changes,
    Details,
    Move,
    MoveRecord,
    NewVersion,
    VersionRecord,
)

References = frozenset[tuple[str, str]]
Check = Callable[[Any], References]
"""Checks an object's content and returns what it names of others. Raises InvalidRequest."""


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Models(Protocol):
    """Knows what deployments and routes must be on this instance."""

    def check(self, document: Document, beside: Sequence[Document], environment: str) -> References:
        """Return what one names of others. Raises InvalidRequest."""
        ...

    def require_served(self, changes: Mapping[ObjectName, Any], environment: str) -> None:
        """Refuse a change of what is live, as content or None, that breaks it. Raises Conflict."""
        ...

    def price(self, contents: Mapping[ObjectName, Any]) -> None:
        """Look up and keep what deployments charge."""
        ...


class WorkflowCheck(Protocol):
    """Knows what workflows must be on this instance."""

    def draft(self, content: Any) -> References:
        """Return what a definition names that nothing points to. Raises InvalidRequest."""
        ...

    def active(self, content: Any, exists: Callable[[ObjectName, str], bool]) -> References:
        """Return what one that is to run names. Raises InvalidRequest: it can't run."""
        ...


Margins = Callable[[Sequence[tuple[ObjectName, str]], str], None]
"""Refuses labels of objects to move in an environment while they don't pay. Raises Conflict."""


class Act(msgspec.Struct, frozen=True):
    """Who changes something, where and why."""

    author: str
    reason: str = ""
    environment: str = "production"
    through: Truth = Truth.DATABASE
    back: bool = False
    """Whether a label goes back to what it pointed to before."""


class Registry:
    """Every method may raise StorageUnavailable."""

    def __init__(
        self,
        org: str,
        stores: tuple[RegistryReader, RegistryChanges],
        sealing: Sealing,
        *,
        checks: Mapping[Kind, Check],
        approvals: Sequence[ApprovalRule],
        models: Models | None = None,
        margins: Margins | None = None,
        workflows: WorkflowCheck | None = None,
    ) -> None:
        self._org = org
        self.read, self._changes = stores
        self._sealing = sealing
        self._checks = checks
        self._models = models
        self._margins = margins
        self._workflows = workflows
        self._approvals = approvals

    def save(self, document: Document, act: Act) -> tuple[VersionRecord, list[MoveRecord]]:
        """Keep a document as a version and point its labels to it.

        Raises:
            InvalidRequest: the content isn't valid, with all its problems.
            Conflict: the environment is kept in a directory.
        """
        made = self.save_together((document,), act)
        of_digest = Selector(digest_prefix=digest_of(document.kind, document.spec))
        return self.read.version(document.object, of_digest, act.environment), made

    def save_together(self, documents: Sequence[Document], act: Act) -> list[MoveRecord]:
        """Keep documents as versions and point their labels to them: all of it, or nothing.

        Raises what `save` does.
        """
        versions = tuple(self._new_version(one, documents, act.environment) for one in documents)
        contents = {one.object: one.spec for one in documents}
        live = {one.object: one.spec for one in documents if DEFAULT_LABEL in one.labels}
        self._require_served(live, contents, act)
        self._require_margins([(one.object, to) for one in documents for to in one.labels], act)
        moves = tuple(
            self._move(one.object, label, version.digest, act)
            for one, version in zip(documents, versions, strict=True)
            for label in one.labels
        )
        return self._changes.make(self._changed(act, versions, moves))

    def point(
        self, name: ObjectName, label: str, to: Selector | None, act: Act, *, saw: str | None = None
    ) -> MoveRecord | None:
        """Move a label to a version, or away where `to` is None; None where it is there already.

        Raises:
            NotFound: there is no such version.
            PreconditionFailed: the label doesn't point to the digest that was seen.
            Conflict: the environment is kept in a directory.
        """
        version = None if to is None else self.read.version(name, to, act.environment)
        digest = "" if version is None else version.digest
        self._require_movable(name, label, version, act)
        if version is not None:
            self._require_margins([(name, label)], act)
        move = msgspec.structs.replace(
            self._move(name, checked_label(label), digest, act), expected=saw
        )
        return next(iter(self._changes.make(self._changed(act, (), (move,)))), None)

    def roll_back(self, name: ObjectName, label: str, act: Act) -> MoveRecord:
        """Point a label to what it pointed to before its last move.

        Raises:
            Conflict: it was never moved from one version to another.
        """
        moves = self.read.moves(
            1, environment=act.environment, name=name, label=label, state=MoveState.APPLIED
        )
        last = next(iter(moves), None)
        if last is None or not last.from_digest:
            raise Conflict(
                f"{name}@{label} pointed to nothing before in {act.environment}: "
                "move it to a version by name",
                param="label",
            )
        to = Selector(digest_prefix=last.from_digest)
        going_back = msgspec.structs.replace(act, back=True)
        moved = self.point(name, label, to, going_back, saw=last.to_digest)
        if moved is None:
            raise Conflict(f"{name}@{label} points there already", param="label")
        return moved

    def decide(self, move_id: str, act: Act, *, approved: bool) -> MoveRecord:
        """Approve or reject a move that waits; see RegistryChanges.decide."""
        if approved:
            move, _ = self.read.move(move_id)
            to = Selector(digest_prefix=move.to_digest) if move.to_digest else None
            version = None if to is None else self.read.version(move.name, to, "")
            there = msgspec.structs.replace(act, environment=move.environment)
            self._require_movable(move.name, move.label, version, there)
            if version is not None:
                self._require_margins([(move.name, move.label)], there)
        return self._changes.decide(move_id, act.author, approved=approved, reason=act.reason)

    def describe(self, name: ObjectName, details: Details, version: int) -> None:
        """Change who answers for an object; see RegistryChanges.describe."""
        self._changes.describe(name, details, version)

    def hand_over(self, environment: str, truth: Truth, by: str) -> None:
        """Say what decides an environment's labels from now on; see RegistryChanges.set_truth."""
        self._changes.set_truth(checked_label(environment), truth, by)

    def truth(self, environment: str) -> Truth:
        """Return what decides an environment's labels."""
        found = {one.name: one.truth for one in self.read.environments()}
        return found.get(environment, Truth.DATABASE)

    def content(self, version: VersionRecord) -> Any:
        """Return a version's content as plain data.

        Raises:
            Erased: it can't be opened any more: its key was destroyed.
        """
        context = sealing_context(version.name, version.digest)
        try:
            return msgspec.json.decode(self._sealing.open(self._org, version.sealed, context))
        except ValueError:
            told = f"{shown(version.name, version.digest)} can't be opened: its key is gone"
            raise Erased(told) from None

    def require_servable(self, version: VersionRecord, environment: str) -> None:
        """Refuse a version that callers of an environment couldn't be given. Raises Conflict."""
        act = Act("", environment=environment)
        self._require_movable(version.name, DEFAULT_LABEL, version, act)

    def require_runnable(self, workflow: Any, environment: str) -> None:
        """Refuse a definition of a workflow that couldn't run there. Raises ContentInvalid."""
        there = partial(self._is_there, environment, frozenset())
        self._known_workflows().active(workflow, there)

    def require_margin(self, name: ObjectName, label: str, environment: str) -> None:
        """Refuse to bring a label somewhere new while its feature doesn't pay. Raises Conflict."""
        self._require_margins([(name, label)], Act("", environment=environment))

    def differences(self, before: VersionRecord, after: VersionRecord) -> list[str]:
        """Return a unified diff of two versions' content, as YAML, line by line."""
        old, new = (as_yaml(self.content(one)) for one in (before, after))
        names = (shown(before.name, before.digest), shown(after.name, after.digest))
        return differences(old, new, names)

    def planned(self, documents: Iterable[Placed], environment: str) -> Plan:
        """Return what would change for an environment to be as documents say.

        Raises:
            InvalidRequest: a document isn't valid, or two contradict each other.
        """
        placed = list(documents)
        require_one_each(placed)
        wanted = [self._wanted(one, placed, environment) for one in placed]
        names = {one.name for one in wanted}
        details = {one.name: one.details for one in self.read.objects()}
        digests = {name: self.read.digests(name) for name in names}
        return plan(wanted, Present(self.read.labels(environment), digests, details))

    def apply(self, documents: Iterable[Placed], act: Act) -> list[MoveRecord]:
        """Make an environment as documents say: all of it, or nothing.

        Raises:
            InvalidRequest: as `planned`.
            Conflict: the environment isn't kept in a directory.
            PreconditionFailed: somebody changed it meanwhile.
        """
        return self._changes.make(self.changes(documents, act))

    def changes(self, documents: Iterable[Placed], act: Act) -> Changes:
        """Return what `apply` makes; raises what it raises before it is made."""
        placed = list(documents)
        planned = self.planned(placed, act.environment)
        beside = served_with(placed)
        versions = tuple(
            msgspec.structs.replace(
                self._new_version(one.document, beside, act.environment),
                details=one.document.details,
            )
            for one in placed
        )
        contents = {
            (one.document.object, label): one.document.spec
            for one in placed
            for label in one.document.labels
        }
        live = {
            one.name: contents.get((one.name, one.label))
            for one in planned.moves
            if one.label == DEFAULT_LABEL
        }
        self._require_served(live, {one.document.object: one.document.spec for one in placed}, act)
        self._require_margins(
            [(one.name, one.label) for one in planned.moves if one.to_digest], act
        )
        moves = tuple(
            Move(one.name, one.label, one.to_digest, expected=one.from_digest)
            for one in planned.moves
        )
        return self._changed(act, versions, moves)

    @property
    def write(self) -> RegistryChanges:
        """The store, for what is changed together with another organisation's."""
        return self._changes

    def exported(self, environment: str) -> list[Document]:
        """Return an environment as documents: applied again, they change nothing."""
        objects = {one.name: one.details for one in self.read.objects()}
        labels: dict[tuple[ObjectName, str], list[str]] = {}
        for one in self.read.labels(environment):
            labels.setdefault((one.name, one.digest), []).append(one.label)
        return [
            self._document(name, digest, tuple(sorted(found)), objects[name])
            for (name, digest), found in labels.items()
        ]

    def _document(
        self, name: ObjectName, digest: str, labels: tuple[str, ...], details: Details
    ) -> Document:
        version = self.read.version(name, Selector(digest_prefix=digest), "")
        return Document(
            name.kind,
            name.name,
            self.content(version),
            owner=details.owner,
            escalation=details.escalation,
            description=details.description,
            labels=labels,
        )

    def _wanted(self, placed: Placed, among: Sequence[Placed], environment: str) -> Wanted:
        document = placed.document
        try:
            self._check(document, served_with(among), environment)
        except InvalidRequest as error:
            told = f"{placed.place}: {document.object}: {error.message}"
            raise InvalidRequest(told, param=error.param) from None
        digest = digest_of(document.kind, document.spec)
        return Wanted(document.object, digest, document.labels, document.details)

    def _new_version(
        self, document: Document, beside: Sequence[Document], environment: str
    ) -> NewVersion:
        name = ObjectName(document.kind, checked_name(document.name))
        references = self._check(document, beside, environment)
        digest = digest_of(document.kind, document.spec)
        content = msgspec.json.encode(document.spec)  # in the order it was written
        sealed = self._sealing.seal(self._org, content, sealing_context(name, digest))
        told = document.details if document.details != Details() else None
        return NewVersion(name, digest, sealed, references, told)

    def _check(
        self, document: Document, beside: Sequence[Document], environment: str
    ) -> References:
        of_instance = document.kind in INSTANCE_KINDS
        if of_instance != (self._org == INSTANCE_ORG):
            owner = "the instance" if of_instance else "an organisation"
            raise InvalidRequest(f"kind: a {document.kind} belongs to {owner}", param="kind")
        if of_instance:
            return self._known_models().check(document, beside, environment)
        if document.kind is Kind.WORKFLOW:
            if not document.labels:
                return self._known_workflows().draft(document.spec)
            there = frozenset(one.object for one in (document, *beside))
            return self._known_workflows().active(
                document.spec, partial(self._is_there, environment, there)
            )
        return self._checks[document.kind](document.spec)

    def _require_movable(
        self, name: ObjectName, label: str, version: VersionRecord | None, act: Act
    ) -> None:
        """Refuse to make live, or to take away, what callers could then not reach."""
        if name.kind in INSTANCE_KINDS and label == DEFAULT_LABEL:
            content = None if version is None else self.content(version)
            contents = {} if version is None else {name: content}
            self._require_served({name: content}, contents, act)
        if name.kind is Kind.WORKFLOW and version is not None:
            there = partial(self._is_there, act.environment, frozenset((name,)))
            self._known_workflows().active(self.content(version), there)

    def _is_there(
        self, environment: str, beside: frozenset[ObjectName], name: ObjectName, version: str
    ) -> bool:
        """Whether a version is there, or comes with what is saved at the same time."""
        if name in beside:
            return True
        try:
            self.read.version(name, selector(version or DEFAULT_LABEL), environment)
        except NotFound:
            return False
        return True

    def _require_served(
        self, live: Mapping[ObjectName, Any], contents: Mapping[ObjectName, Any], act: Act
    ) -> None:
        """Refuse a change of what is live that breaks it; keep what all contents charge."""
        live = {name: one for name, one in live.items() if name.kind in INSTANCE_KINDS}
        contents = {name: one for name, one in contents.items() if name.kind in INSTANCE_KINDS}
        if live:
            self._known_models().require_served(live, act.environment)
        if contents:
            self._known_models().price(contents)

    def _require_margins(self, moves: Sequence[tuple[ObjectName, str]], act: Act) -> None:
        """Ask the policy on margins; back to what was there before one may always go."""
        if self._margins is not None and moves and not act.back:
            self._margins(moves, act.environment)

    def _known_models(self) -> Models:
        if self._models is None:
            msg = "this registry was opened without the instance's models"
            raise AssertionError(msg)
        return self._models

    def _known_workflows(self) -> WorkflowCheck:
        if self._workflows is None:
            msg = "this registry was opened without the instance's workflows"
            raise AssertionError(msg)
        return self._workflows

    def _move(self, name: ObjectName, label: str, digest: str, act: Act) -> Move:
        wanted = approvals_wanted(self._approvals, name, label, act)
        return Move(name, label, digest, approvals=wanted)

    @staticmethod
    def _changed(act: Act, versions: tuple[NewVersion, ...], moves: tuple[Move, ...]) -> Changes:
        environment = checked_label(act.environment)
        return Changes(act.author, act.reason, environment, act.through, versions, moves)


def served_with(placed: Iterable[Placed]) -> tuple[Document, ...]:
    """Return of documents those that callers reach once they are applied."""
    return tuple(one.document for one in placed if DEFAULT_LABEL in one.document.labels)


def approvals_wanted(rules: Sequence[ApprovalRule], name: ObjectName, label: str, act: Act) -> int:
    """Return how many others must approve a move: the most that any rule asks for.

    What comes from a directory was reviewed where the directory is kept.
    """
    if act.through is Truth.DIRECTORY:
        return 0
    return max(
        (
            _of_rule(rule, act)
            for rule in rules
            if rule.environment in {None, act.environment}
            and (rule.kinds is None or name.kind in rule.kinds)
            and (rule.labels is None or label in rule.labels)
        ),
        default=0,
    )


def _of_rule(rule: ApprovalRule, act: Act) -> int:
    if act.back and rule.rollback_approvals is not None:
        return rule.rollback_approvals
    return rule.approvals


def sealing_context(name: ObjectName, digest: str) -> bytes:
    """Return what a version's sealed content is bound to."""
    return f"registry\x00{name.kind}\x00{name.name}\x00{digest}".encode()
