from pathlib import Path

import pytest

from legato.app.checks.configuration import load
from legato.app.config.problems import ConfigProblems
from legato.app.config.shown_config import shown_values

TEXT = """\
config_version: 1
providers:
  - name: up
    kind: anthropic
    api_key: {env: UP_KEY}
    headers: {x-token: hush}
    proxy: "http://team:mum@proxy:3128"
"""


def test_each_value_has_a_source_and_no_secret_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(TEXT)
    environment = {"UP_KEY": "very-secret", "LEGATO_SERVER__PORT": "1234"}
    shown = {value.path: value for value in shown_values(load(file, environment))}
    assert shown["server.port"].value == 1234
    assert shown["server.port"].source == "environment LEGATO_SERVER__PORT"
    assert shown["server.host"].source == "default"
    assert shown["providers[0].api_key"].value == {"env": "UP_KEY"}
    assert shown["providers[0].api_key"].source == f"{file}:5:20"
    assert shown["providers[0].headers.x-token"].value == "***"
    assert "very-secret" not in repr(shown)
    assert "hush" not in repr(shown)


def test_a_proxys_password_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(TEXT)
    other = {"LEGATO_PROVIDERS__0__PROXY": "http://team:pst@other:3128", "UP_KEY": "k"}
    for environment, host in (({"UP_KEY": "k"}, "proxy"), (other, "other")):
        values = shown_values(load(file, environment))
        shown = {value.path: value for value in values}
        assert shown["providers[0].proxy"].value == f"http://***@{host}:3128"
        assert "mum" not in repr(values)
        assert "pst" not in repr(values)


def test_a_proxy_that_is_none_is_a_problem_without_its_password(tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(TEXT.replace("http://team", "https://team"))
    with pytest.raises(ConfigProblems, match="proxy must start with http://") as caught:
        load(file, {"UP_KEY": "k"})
    assert "mum" not in str(caught.value)
