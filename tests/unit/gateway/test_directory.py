from __future__ import annotations

from typing import Any

import pytest

from legato.core.errors import NotFound, StorageUnavailable
from legato.core.principal import Principal
from legato.gateway.directory import Directory

ANYBODY = Principal("k", "key", "acme", "team", "feature")
ROUTE: Any = object()


def test_what_may_be_in_the_registry_is_not_said_to_be_missing() -> None:
    directory = Directory({"chat": ROUTE}, complete=False)
    assert directory.resolve("chat", ANYBODY) is ROUTE
    with pytest.raises(StorageUnavailable):
        directory.resolve("support", ANYBODY)
    with pytest.raises(StorageUnavailable):
        directory.named("support")
    directory.swap({"support": ROUTE}, {})
    assert directory.resolve("support", ANYBODY) is ROUTE
    assert directory.named("chat") is None
    with pytest.raises(NotFound):
        directory.resolve("chat", ANYBODY)
