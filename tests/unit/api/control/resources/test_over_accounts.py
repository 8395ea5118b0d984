from typing import Any

import pytest

from legato.api.control.access import Caller
from legato.api.control.resources.over_accounts import limits_of, require_unlimited
from legato.core.config_parts import Requirements
from legato.core.errors import Forbidden
from legato.core.money import NanoUSD
from legato.core.permission import Permission
from legato.core.principal import BudgetLimit, Principal, Scope, Window


def caller(**fields: Any) -> Caller:
    scopes = frozenset({Scope.CALL, Scope.ADMIN})
    return Caller(
        Principal("k", "n", "acme", "t", "f", scopes=scopes, **fields), Permission.SELF_READ
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("allow_from", ("10.0.0.0/8",)),
        ("budget", BudgetLimit("b", NanoUSD(5), Window.DAY)),
        ("concurrency_max", 1),
        ("expires_at_ns", 1),
        ("models", frozenset({"small"})),
        ("models", frozenset()),
        ("requests_per_minute", 1),
        ("require", Requirements()),
    ],
)
def test_each_limit_of_a_key_keeps_it_from_giving_accounts_power(field: str, value: Any) -> None:
    limited = caller(**{field: value})
    assert limits_of(limited.principal) == [field.removesuffix("_ns")]
    with pytest.raises(Forbidden, match=field.removesuffix("_ns")):
        require_unlimited(limited)


def test_a_key_without_limits_and_an_account_may() -> None:
    require_unlimited(caller())
    require_unlimited(caller(kind="account", expires_at_ns=1))
