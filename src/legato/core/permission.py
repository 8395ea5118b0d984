"""What somebody may do at the control API: `scope:resource:action`."""

from enum import StrEnum


class Permission(StrEnum):
    """Every one there is. Each route of the control API asks for exactly one."""

    SELF_READ = "control:self:read"
    SELF_UPDATE = "control:self:update"
    ACCOUNT_READ = "control:account:read"
    ACCOUNT_CREATE = "control:account:create"
    ACCOUNT_UPDATE = "control:account:update"
    ORGANISATION_READ = "control:organisation:read"
    ORGANISATION_CREATE = "control:organisation:create"
    ORGANISATION_UPDATE = "control:organisation:update"
    TEAM_READ = "control:team:read"
    TEAM_CREATE = "control:team:create"
    TEAM_UPDATE = "control:team:update"
    FEATURE_READ = "control:feature:read"
    FEATURE_CREATE = "control:feature:create"
    FEATURE_UPDATE = "control:feature:update"
    KEY_READ = "control:key:read"
    KEY_CREATE = "control:key:create"
    KEY_UPDATE = "control:key:update"
    KEY_ROTATE = "control:key:rotate"
    KEY_REVOKE = "control:key:revoke"
    BUDGET_READ = "control:budget:read"
    BUDGET_CREATE = "control:budget:create"
    BUDGET_UPDATE = "control:budget:update"
    BUDGET_DELETE = "control:budget:delete"
    ROLE_READ = "control:role:read"
    ROLE_CREATE = "control:role:create"
    ROLE_DELETE = "control:role:delete"
    ROLE_BIND = "control:role:bind"
    OWNER_BIND = "control:owner:bind"
    LEDGER_READ = "control:ledger:read"
    FEEDBACK_READ = "control:feedback:read"
    ERASURE_READ = "control:erasure:read"
    ERASURE_CREATE = "control:erasure:create"
    PROPOSAL_READ = "proposals:proposal:read"
    PROPOSAL_DECIDE = "proposals:proposal:decide"
    GATEWAY_READ = "control:gateway:read"
    ALARM_UPDATE = "control:alarm:update"
    REVIEW_READ = "reviews:item:read"
    REVIEW_CREATE = "reviews:item:create"
    REVIEW_COLLECT = "reviews:item:collect"
    REVIEW_LABEL = "reviews:label:create"
    HOLDOUT_READ = "control:holdout:read"
    HOLDOUT_UPDATE = "control:holdout:update"
    REGISTRY_READ = "registry:object:read"
    REGISTRY_UPDATE = "registry:object:update"
    REGISTRY_CREATE = "registry:version:create"
    REGISTRY_MOVE = "registry:label:move"
    REGISTRY_APPROVE = "registry:move:approve"
    REGISTRY_HAND_OVER = "registry:environment:update"
    INSTANCE_REGISTRY_READ = "registry:instance:read"
    INSTANCE_REGISTRY_UPDATE = "registry:instance:update"
    CACHE_READ = "control:cache:read"
    CACHE_UPDATE = "control:cache:update"
    CAPTURE_READ = "captures:request:read"
    PAYLOAD_READ = "captures:payload:read"
    SAMPLE_READ = "guardrails:sample:read"
    SAMPLE_JUDGE = "guardrails:sample:judge"
    REQUEST_RESTORE = "guardrails:request:restore"
    THRESHOLD_PROPOSE = "guardrails:threshold:propose"
    AUDIT_READ = "audit:event:read"
    AUDIT_MIRROR = "audit:log:mirror"
    EVALUATION_READ = "evaluation:run:read"
    EVALUATION_CREATE = "evaluation:run:create"
    EVALUATION_UPDATE = "evaluation:run:update"


EVERYBODYS = frozenset({Permission.SELF_READ, Permission.SELF_UPDATE})
"""What any key may do."""
INSTANCE_ONLY = frozenset(
    {
        Permission.ORGANISATION_CREATE,
        Permission.GATEWAY_READ,
        Permission.INSTANCE_REGISTRY_READ,
        Permission.INSTANCE_REGISTRY_UPDATE,
        Permission.PROPOSAL_DECIDE,
        Permission.AUDIT_MIRROR,
    }
)
"""What concerns the whole instance, so that an administrator of one organisation may not."""
