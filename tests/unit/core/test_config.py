from __future__ import annotations

import msgspec
import pytest

from legato.core.config import Config, Key


def test_a_key_may_call_every_model_unless_told_otherwise() -> None:
    declared = {"name": "ci", "team": "platform", "feature": "tests", "secret": {"env": "CI_KEY"}}
    first, second = (msgspec.convert(declared, Key) for _ in range(2))
    assert first.models == ["*"]
    assert first.models is not second.models


def test_an_unknown_setting_is_refused_with_its_place() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"portt.*\$\.server"):
        msgspec.convert({"server": {"portt": 1}}, Config)
