from typing import Any

import pytest

from legato.app.config.versions import migrate
from legato.core.errors import ConfigInvalid


def test_today_s_version_is_left_as_it_is() -> None:
    document = {"config_version": 1, "server": {"port": 1}}
    assert migrate(document) == document


def test_each_version_leads_to_the_next() -> None:
    def rename(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "server": {"port": document["port"]}}

    def drop(document: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in document.items() if name != "port"}

    document = {"config_version": 1, "port": 5}
    moved = migrate(document, migrations={1: rename, 2: drop}, target=3)
    assert moved == {"config_version": 3, "server": {"port": 5}}
    assert document == {"config_version": 1, "port": 5}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "has no config_version"),
        ({"config_version": True}, "has no config_version"),
        ({"config_version": 9}, "newer than 2"),
        ({"config_version": 1}, "nothing is known about version 1"),
    ],
)
def test_what_can_t_be_migrated_is_said(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigInvalid, match=said):
        migrate(document, target=2)
