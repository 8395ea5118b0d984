"""Roles: named sets of permissions, and grants that give one to somebody somewhere.

Built-in roles are the same everywhere. An organisation may make roles of its own beside them.
"""

from enum import StrEnum
from typing import Final

import msgspec

from legato.core.permission import Permission

EVERY_ORG: Final = "*"
"""As the organisation of a grant: the whole instance."""


class Role(StrEnum):
    """The built-in ones."""

    OWNER = "owner"
    ADMIN = "admin"
    DEVELOPER = "developer"
    ANALYST = "analyst"
    FINANCE = "finance"
    SECURITY = "security"
    APPROVER = "approver"
    VIEWER = "viewer"
    PAGE_USER = "page-user"


TITLES: Final[dict[Role, str]] = {
    Role.OWNER: "Everything, and who else may do it",
    Role.ADMIN: "Everything but to name owners",
    Role.DEVELOPER: "Builds: features, keys, prompts, routes, evaluations",
    Role.ANALYST: "Looks at spend and quality, and measures it",
    Role.FINANCE: "Looks at spend, and measures savings",
    Role.SECURITY: "Guards: keys, guardrails, erasures",
    Role.APPROVER: "Approves what others ask for",
    Role.VIEWER: "Looks at everything but content and people",
    Role.PAGE_USER: "Uses published pages, and sees nothing else",
}


class Grant(msgspec.Struct, frozen=True):
    """A role, given within an organisation, one of its teams, or one feature of that team.

    `org` is `*` for the whole instance; an empty `team` or `feature` means everything below.
    """

    role: str
    permissions: frozenset[Permission]
    org: str
    team: str = ""
    feature: str = ""


# Who has each permission beside the owner, who has all. A test fails for one that isn't placed.
_A: Final = frozenset({Role.ADMIN})
_EVERYBODY: Final = frozenset(Role)
_READERS: Final = _EVERYBODY - {Role.PAGE_USER}
_BUILDERS: Final = _A | {Role.DEVELOPER}
_ANALYSTS: Final = _BUILDERS | {Role.ANALYST, Role.VIEWER}
_GUARDS: Final = _A | {Role.SECURITY}
PLACED: Final[dict[Permission, frozenset[Role]]] = {
    Permission.SELF_READ: _EVERYBODY,
    Permission.SELF_UPDATE: _EVERYBODY,
    Permission.ACCOUNT_READ: _GUARDS,
    Permission.ACCOUNT_CREATE: _A,
    Permission.ACCOUNT_UPDATE: _A,
    Permission.ORGANISATION_READ: _READERS,
    Permission.ORGANISATION_CREATE: _A,
    Permission.ORGANISATION_UPDATE: _A,
    Permission.TEAM_READ: _READERS,
    Permission.TEAM_CREATE: _A,
    Permission.TEAM_UPDATE: _A,
    Permission.FEATURE_READ: _READERS,
    Permission.FEATURE_CREATE: _BUILDERS,
    Permission.FEATURE_UPDATE: _BUILDERS,
    Permission.KEY_READ: _READERS,
    Permission.KEY_CREATE: _BUILDERS,
    Permission.KEY_UPDATE: _A,
    Permission.KEY_ROTATE: _BUILDERS | _GUARDS,
    Permission.KEY_REVOKE: _GUARDS,
    Permission.BUDGET_READ: _ANALYSTS | {Role.FINANCE},
    Permission.BUDGET_CREATE: _A | {Role.FINANCE},
    Permission.BUDGET_UPDATE: _A | {Role.FINANCE},
    Permission.BUDGET_DELETE: _A | {Role.FINANCE},
    Permission.IMPORT_READ: _ANALYSTS | {Role.FINANCE},
    Permission.IMPORT_DELETE: _A | {Role.FINANCE},
    Permission.ANOMALY_READ: _ANALYSTS | {Role.FINANCE},
    Permission.ANOMALY_UPDATE: _BUILDERS | {Role.FINANCE},
    Permission.OBJECTIVE_READ: _READERS,
    Permission.OBJECTIVE_UPDATE: _BUILDERS,
    Permission.INCIDENT_READ: _ANALYSTS | _GUARDS | {Role.FINANCE},
    Permission.INCIDENT_UPDATE: _BUILDERS | _GUARDS,
    Permission.NOTIFICATION_READ: _ANALYSTS | _GUARDS | {Role.FINANCE},
    Permission.NOTIFICATION_UPDATE: _GUARDS | {Role.FINANCE},
    Permission.NOTIFICATION_TEST: _A,
    Permission.ROLE_READ: _GUARDS,
    Permission.ROLE_CREATE: _A,
    Permission.ROLE_DELETE: _A,
    Permission.ROLE_BIND: _A,
    Permission.ACCESS_READ: _READERS,
    Permission.ACCESS_CREATE: _GUARDS,
    Permission.ACCESS_DELETE: _GUARDS,
    # nobody gives what they haven't: without it an administrator makes nobody an owner
    Permission.OWNER_BIND: frozenset(),
    # invented figures, apart from all that is real
    Permission.SAMPLE_DATA_READ: _READERS,
    Permission.SAMPLE_DATA_UPDATE: _A,
    Permission.LEDGER_READ: _ANALYSTS | {Role.FINANCE},
    # wages and revenue: who builds doesn't see them
    Permission.FINANCE_READ: _A | {Role.ANALYST, Role.FINANCE},
    Permission.FINANCE_UPDATE: _A | {Role.FINANCE},
    Permission.REPORT_READ: _A | {Role.ANALYST, Role.FINANCE},
    Permission.REPORT_SCHEDULE: _A | {Role.FINANCE},
    Permission.BOOKS_READ: _ANALYSTS | {Role.FINANCE, Role.APPROVER},
    Permission.BOOKS_UPDATE: _A | {Role.FINANCE},
    # who may lift the second pair of eyes isn't who needs it
    Permission.TERMS_UPDATE: _A,
    Permission.PERIOD_CLOSE: _A | {Role.FINANCE},
    Permission.ENTRY_CORRECT: _A | {Role.FINANCE},
    Permission.CORRECTION_DECIDE: _A | {Role.FINANCE, Role.APPROVER},
    Permission.FEEDBACK_READ: _ANALYSTS,
    Permission.ERASURE_READ: _GUARDS,
    Permission.ERASURE_CREATE: _GUARDS,
    # all that is held about a person, opened
    Permission.SUBJECT_EXPORT: _GUARDS,
    Permission.SUBJECT_EXPORT_READ: _GUARDS,
    Permission.RESIDENCY_READ: _GUARDS | {Role.VIEWER},
    Permission.RESIDENCY_UPDATE: _GUARDS,
    Permission.RETENTION_READ: _GUARDS | {Role.VIEWER},
    Permission.RETENTION_UPDATE: _GUARDS,
    Permission.TOMBSTONE_READ: _GUARDS,
    Permission.PROPOSAL_READ: _ANALYSTS | {Role.APPROVER, Role.FINANCE},
    Permission.PROPOSAL_DECIDE: _A | {Role.APPROVER},
    Permission.GATEWAY_READ: _READERS,
    Permission.ALARM_UPDATE: _BUILDERS | _GUARDS,
    Permission.REVIEW_READ: _ANALYSTS | {Role.APPROVER},
    Permission.REVIEW_CREATE: _BUILDERS | {Role.ANALYST},
    Permission.REVIEW_COLLECT: _BUILDERS | {Role.ANALYST},
    Permission.REVIEW_LABEL: _BUILDERS | {Role.ANALYST, Role.APPROVER},
    Permission.TOOL_READ: _ANALYSTS | _GUARDS,
    Permission.TOOL_CALL: _BUILDERS,
    Permission.TASK_READ: _ANALYSTS | _GUARDS | {Role.APPROVER, Role.FINANCE},
    Permission.TASK_DECIDE: _BUILDERS | _GUARDS | {Role.APPROVER, Role.FINANCE, Role.ANALYST},
    Permission.HOLDOUT_READ: _ANALYSTS | {Role.FINANCE},
    Permission.HOLDOUT_UPDATE: _A | {Role.FINANCE},
    Permission.KPI_UPDATE: _A | {Role.FINANCE},
    Permission.REGISTRY_READ: _READERS,
    Permission.REGISTRY_UPDATE: _BUILDERS,
    Permission.REGISTRY_CREATE: _BUILDERS,
    Permission.REGISTRY_MOVE: _BUILDERS,
    Permission.REGISTRY_APPROVE: _A | {Role.APPROVER},
    Permission.REGISTRY_HAND_OVER: _A,
    Permission.INSTANCE_REGISTRY_READ: _ANALYSTS | {Role.APPROVER},
    Permission.INSTANCE_REGISTRY_UPDATE: _A,
    Permission.AUDIT_READ: _GUARDS | {Role.APPROVER},
    Permission.AUDIT_MIRROR: _GUARDS,
    Permission.COMPLIANCE_READ: _GUARDS | {Role.APPROVER, Role.VIEWER},
    Permission.COMPLIANCE_RUN: _GUARDS,
    Permission.CACHE_READ: _ANALYSTS | _GUARDS,
    Permission.CACHE_UPDATE: _BUILDERS | _GUARDS,
    Permission.CAPTURE_READ: _BUILDERS | _GUARDS | {Role.ANALYST},
    # all content, wherever it is shown: without it everybody sees it masked
    Permission.PAYLOAD_READ: _GUARDS,
    Permission.SAMPLE_READ: _GUARDS,
    Permission.SAMPLE_JUDGE: _GUARDS,
    Permission.REQUEST_RESTORE: _GUARDS,
    Permission.THRESHOLD_PROPOSE: _GUARDS,
    Permission.WORKFLOW_RUN_READ: _ANALYSTS | {Role.APPROVER},
    Permission.WORKFLOW_RUN_CREATE: _BUILDERS,
    Permission.WORKFLOW_RUN_UPDATE: _BUILDERS,
    Permission.WORKFLOW_RUN_SIGNAL: _BUILDERS,
    Permission.WORKFLOW_LETTER_UPDATE: _BUILDERS,
    Permission.PAGE_READ: _ANALYSTS | _GUARDS | {Role.APPROVER},
    Permission.PAGE_CREATE: _BUILDERS,
    Permission.PAGE_REVOKE: _BUILDERS | _GUARDS,
    # each page says besides whose it is
    Permission.PAGE_USE: _EVERYBODY,
    Permission.EVALUATION_READ: _ANALYSTS | {Role.APPROVER},
    Permission.EVALUATION_CREATE: _BUILDERS | {Role.ANALYST},
    Permission.EVALUATION_UPDATE: _BUILDERS | {Role.ANALYST},
}

BUILT_IN: Final[dict[Role, frozenset[Permission]]] = {
    role: frozenset(
        permission for permission, roles in PLACED.items() if role is Role.OWNER or role in roles
    )
    for role in Role
}
