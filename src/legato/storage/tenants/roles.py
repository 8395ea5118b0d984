"""Who has which role where, and the roles that organisations make for themselves."""

from collections import defaultdict
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, and_, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.permission import Permission
from legato.core.roles import BUILT_IN, EVERY_ORG, Grant, Role
from legato.core.tenant import Area, EveryTenant, Reach, Tenant, reaches
from legato.core.tombstones import Grave
from legato.storage.audit.writing import recorded
from legato.storage.burying import bury
from legato.storage.database.engine import reading, writing
from legato.storage.database.tenancy import within
from legato.storage.database.versions import bump
from legato.storage.tables.accounts import account, account_invitation
from legato.storage.tables.roles import custom_role, role_binding
from legato.storage.tables.schema import api_key

KEY: Final = "key"
ACCOUNT: Final = "account"
_VERSION_NAMES: Final = ("keys", "roles")
"""Who holds principals in memory looks at one of them, and reads its grants again."""
_OWNER: Final = Role.OWNER.value
_PLACE: Final = ("role", "org", "team", "feature")


class NewBinding(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to give which role, and where: see `core.roles.Grant`."""

    subject_kind: str
    subject_id: str
    role: str
    org: str
    team: str = ""
    feature: str = ""

    @property
    def area(self) -> Area:
        """Where it holds; that of the whole instance is an organisation called `*`."""
        return Area(self.org, self.team, self.feature)


class Binding(NewBinding, frozen=True, kw_only=True):
    """A role that somebody has."""

    id: str
    created_at_ns: int
    created_by: str


class CustomRole(msgspec.Struct, frozen=True, kw_only=True):
    """A role of an organisation."""

    org: str
    name: str
    title: str
    permissions: frozenset[Permission]
    created_at_ns: int
    created_by: str


class RoleBindings:
    """Bindings within reach. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, reach: Reach) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._reach = reach

    def page(
        self, count: int, after_id: str = "", *, subject: tuple[str, str] | None = None
    ) -> list[Binding]:
        """Return up to `count` bindings whose ids come after one; all, or those of a subject."""
        conditions = [role_binding.c.id > after_id, *within(self._reach, role_binding)]
        if subject is not None:
            conditions += _of(*subject)
        wanted = select(role_binding).where(*conditions).order_by(role_binding.c.id).limit(count)
        with reading(self._engine) as connection:
            return [_binding(row) for row in connection.execute(wanted)]

    def get(self, binding_id: str) -> Binding:
        """Return one. Raises NotFound."""
        with reading(self._engine) as connection:
            return self._get(connection, binding_id)

    def grants_of(self, subject_kind: str, subject_id: str) -> tuple[Grant, ...]:
        """Return all grants of a subject, wherever they hold."""
        with reading(self._engine) as connection:
            found = grants_by_subject(connection, subject_kind, subject_id)
        return found.get(subject_id, ())

    def bind(self, wanted: NewBinding, author: str) -> Binding:
        """Give somebody a role; an account's open invitations end.

        Who was allowed to invite it before may not be allowed to have this role.

        Raises:
            NotFound: the place is out of reach, or there is no such role.
            InvalidRequest: a feature without its team, or a team of the whole instance.
            Conflict: the subject has it there already.
        """
        require_place(wanted)
        if not self._reaches(wanted):
            raise NotFound(f"there is no organisation {wanted.org}", param="org")
        made = Binding(
            **msgspec.structs.asdict(wanted),
            id=self._ids.new(),
            created_at_ns=self._clock.now_ns(),
            created_by=author,
        )
        with writing(self._engine) as connection:
            permissions_of_role(connection, wanted.org, wanted.role)
            try:
                connection.execute(insert(role_binding), msgspec.structs.asdict(made))
            except IntegrityError:
                raise Conflict("it has this role there already", param="role") from None
            if made.subject_kind == ACCOUNT:
                open_ones = account_invitation.c.account_id == made.subject_id
                connection.execute(delete(account_invitation).where(open_ones))
            _changed(connection)
            recorded(connection, _act("bind", made))
        return made

    def unbind(self, binding_id: str) -> Binding:
        """Take a role away.

        Raises:
            NotFound: there is none with this id.
            Conflict: it is the last owner's.
        """
        with writing(self._engine) as connection:
            found = self._get(connection, binding_id)
            connection.execute(delete(role_binding).where(role_binding.c.id == binding_id))
            if found.role == _OWNER:
                require_owner(connection, found.org)
            _changed(connection)
            bury(connection, Grave.BINDING, found.org, binding_id)
            recorded(connection, _act("unbind", found))
        return found

    def _get(self, connection: Connection, binding_id: str) -> Binding:
        wanted = select(role_binding).where(
            role_binding.c.id == binding_id, *within(self._reach, role_binding)
        )
        row = connection.execute(wanted).first()
        if row is None:
            raise NotFound(f"no binding has the id {binding_id}", param="id")
        return _binding(row)

    def _reaches(self, wanted: NewBinding) -> bool:
        return isinstance(self._reach, EveryTenant) or reaches(self._reach, wanted.area)


class CustomRoles:
    """An organisation's own roles. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._org = tenant.org

    def list(self) -> list[CustomRole]:
        """Return them by name."""
        own = select(custom_role).where(custom_role.c.org == self._org)
        with reading(self._engine) as connection:
            rows = connection.execute(own.order_by(custom_role.c.name))
            return [_custom(row) for row in rows]

    def permissions(self, name: str) -> frozenset[Permission]:
        """Return what a role amounts to, a built-in one or an own. Raises NotFound."""
        with reading(self._engine) as connection:
            return permissions_of_role(connection, self._org, name)

    def create(
        self, name: str, title: str, permissions: frozenset[Permission], author: str
    ) -> CustomRole:
        """Make a role. Raises Conflict: the name is taken."""
        if name in BUILT_IN:
            raise Conflict(f"{name} is a built-in role: pick another name", param="name")
        made = CustomRole(
            org=self._org,
            name=name,
            title=title,
            permissions=permissions,
            created_at_ns=self._clock.now_ns(),
            created_by=author,
        )
        row = {
            **msgspec.structs.asdict(made),
            "permissions": msgspec.json.encode(sorted(permissions)).decode(),
        }
        with writing(self._engine) as connection:
            try:
                connection.execute(insert(custom_role), row)
            except IntegrityError:
                raise Conflict(f"there is a role named {name} already", param="name") from None
            recorded(connection, _role_act("create", made))
        return made

    def delete(self, name: str) -> CustomRole:
        """Remove a role that nobody has, and return it.

        Raises:
            NotFound: there is none.
            Conflict: somebody has it.
        """
        this = (custom_role.c.org == self._org, custom_role.c.name == name)
        bound = select(role_binding.c.id).where(
            role_binding.c.org == self._org, role_binding.c.role == name
        )
        with writing(self._engine) as connection:
            row = connection.execute(select(custom_role).where(*this).with_for_update()).first()
            if row is None:
                raise NotFound(f"there is no role named {name} of its own", param="role")
            if connection.execute(bound).first() is not None:
                raise Conflict(f"somebody has the role {name}: take it away first", param="role")
            connection.execute(delete(custom_role).where(*this))
            recorded(connection, _role_act("delete", _custom(row)))
        return _custom(row)


def permissions_of_role(connection: Connection, org: str, role: str) -> frozenset[Permission]:
    """Return what a role amounts to in an organisation. Raises NotFound."""
    if role in BUILT_IN:
        return BUILT_IN[Role(role)]
    this = select(custom_role).where(custom_role.c.org == org, custom_role.c.name == role)
    # locked, so that it isn't deleted while it is given to somebody
    row = connection.execute(this.with_for_update(read=True)).first()
    if row is None:
        raise NotFound(f"there is no role named {role}", param="role")
    return _custom(row).permissions


def grants_by_subject(
    connection: Connection, kind: str, subject_id: str | None = None
) -> dict[str, tuple[Grant, ...]]:
    """Return the grants of all subjects of a kind, or of one, by their ids."""
    wanted = select(role_binding).where(role_binding.c.subject_kind == kind)
    if subject_id is not None:
        wanted = wanted.where(role_binding.c.subject_id == subject_id)
    bindings = [_binding(row) for row in connection.execute(wanted.order_by(role_binding.c.id))]
    custom = {}
    if any(one.role not in BUILT_IN for one in bindings):
        roles = [_custom(row) for row in connection.execute(select(custom_role))]
        custom = {(one.org, one.name): one.permissions for one in roles}
    found: dict[str, list[Grant]] = defaultdict(list)
    for one in bindings:
        own = custom.get((one.org, one.role), frozenset())
        permissions = BUILT_IN[Role(one.role)] if one.role in BUILT_IN else own
        grant = Grant(one.role, permissions, one.org, one.team, one.feature)
        found[one.subject_id].append(grant)
    return {subject: tuple(grants) for subject, grants in found.items()}


def forget_subject(connection: Connection, kind: str, subject_id: str) -> None:
    """Take all roles from a subject that ends.

    Raises:
        Conflict: it is the last owner of an organisation.
    """
    rows = connection.execute(select(role_binding).where(*_of(kind, subject_id)))
    bindings = [_binding(row) for row in rows]
    if not bindings:
        return
    connection.execute(delete(role_binding).where(*_of(kind, subject_id)))
    for org in {one.org for one in bindings if one.role == _OWNER}:
        require_owner(connection, org)
    _changed(connection)
    for one in bindings:
        bury(connection, Grave.BINDING, one.org, one.id)
        recorded(connection, _act("unbind", one))


def hand_over(connection: Connection, from_id: str, to_id: str) -> None:
    """Let an account have what was given to another, beside its own; the other has nothing left."""
    rows = connection.execute(select(role_binding).where(*_of(ACCOUNT, from_id)))
    for one in [_binding(row) for row in rows]:
        named = role_binding.c.id == one.id
        places = (getattr(role_binding.c, name) == getattr(one, name) for name in _PLACE)
        has = select(role_binding.c.id).where(*_of(ACCOUNT, to_id), *places)
        if connection.execute(has).first() is not None:
            connection.execute(delete(role_binding).where(named))
            bury(connection, Grave.BINDING, one.org, one.id)
            continue
        connection.execute(update(role_binding).where(named).values(subject_id=to_id))
        recorded(connection, _act("bind", msgspec.structs.replace(one, subject_id=to_id)))
    _changed(connection)


def require_owner(connection: Connection, org: str) -> None:
    """Raise Conflict where an organisation has no owner left, of all of it, who is active.

    An account that is disabled, or still invited, looks after nothing.
    """
    bound = role_binding.c.subject_id
    active = select(account.c.id).where(account.c.id == bound, account.c.state == "active")
    in_force = select(api_key.c.id).where(api_key.c.id == bound, api_key.c.revoked_at_ns.is_(None))
    there = or_(
        and_(role_binding.c.subject_kind == ACCOUNT, active.exists()),
        and_(role_binding.c.subject_kind == KEY, in_force.exists()),
    )
    owners = select(role_binding.c.id).where(
        role_binding.c.org == org, role_binding.c.role == _OWNER, role_binding.c.team == "", there
    )
    if connection.execute(owners).first() is None:
        whose = "the instance" if org == EVERY_ORG else org
        msg = f"this is the last owner of {whose} who is active: make somebody else one first"
        raise Conflict(msg, param="role")


def require_other_owners(connection: Connection, kind: str, subject_id: str) -> None:
    """Raise Conflict where somebody who can't act any more was the last owner of something."""
    mine = select(role_binding.c.org).where(
        *_of(kind, subject_id), role_binding.c.role == _OWNER, role_binding.c.team == ""
    )
    for org in connection.execute(mine).scalars().all():
        require_owner(connection, org)


def require_place(wanted: NewBinding) -> None:
    """Raise InvalidRequest for a feature without its team, or a team of the whole instance."""
    if wanted.feature and not wanted.team:
        raise InvalidRequest("team: a feature is one of a team: name it", param="team")
    if wanted.org == EVERY_ORG and wanted.team:
        raise InvalidRequest("team: the whole instance has none", param="team")


def _changed(connection: Connection) -> None:
    for name in _VERSION_NAMES:
        bump(connection, name)


def _of(kind: str, subject_id: str) -> tuple[Any, ...]:
    return (role_binding.c.subject_kind == kind, role_binding.c.subject_id == subject_id)


def _binding(row: Any) -> Binding:
    return Binding(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def _custom(row: Any) -> CustomRole:
    known = {one.value for one in Permission}  # a later version may have had more
    names = msgspec.json.decode(row.permissions, type=list[str])
    permissions = frozenset(Permission(one) for one in names if one in known)
    return CustomRole(**{**row._mapping, "permissions": permissions})  # noqa: SLF001


def _act(action: str, binding: Binding) -> Act:
    org = "" if binding.org == EVERY_ORG else binding.org
    subject = Subject(binding.subject_kind, binding.subject_id)
    details = {"role": binding.role, "team": binding.team, "feature": binding.feature}
    return Act(org, f"role.{action}", subject, details={**details, "org": binding.org})


def _role_act(action: str, role: CustomRole) -> Act:
    details = {"permissions": " ".join(sorted(role.permissions)), "title": role.title}
    return Act(role.org, f"role.{action}", Subject("role", role.name), details={**details})
