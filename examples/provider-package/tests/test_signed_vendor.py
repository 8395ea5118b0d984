import hashlib
import hmac
import json
from importlib.metadata import entry_points
from typing import Any

import pytest
from signed_vendor.provider import build, factory

from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ConfigInvalid
from legato.core.wire import Operation, RequestView
from legato.providers.base import Provider, ProviderSettings, Target

KEY = "a-shared-key-of-these-tests"
BODY: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "hi"}]}


def settings(**fields: Any) -> ProviderSettings:
    config = ProviderConfig(name="v", kind="signed_vendor", settings={"key_id": "k1"} | fields)
    return ProviderSettings(config, "https://vendor.example/api/v2", KEY)


def test_the_entry_point_names_the_factory() -> None:
    found = entry_points(group="legato.providers", name="signed_vendor")
    assert [point.load() for point in found] == [factory]


def test_a_request_is_signed_and_carries_no_key() -> None:
    provider: Provider = build(settings(), ManualClock(1_700_000_000 * 10**9))
    request = provider.request(Operation.CHAT, BODY, RequestView("chat"), Target("big-1"))
    assert json.loads(request.body) == BODY | {"model": "big-1"}
    signed = b"1700000000\n/api/v2/chat/completions\n" + request.body
    expected = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    line = f"x-signature: key=k1, time=1700000000, sha256={expected}\r\n"
    assert request.headers.endswith(line.encode())
    assert b"authorization" not in request.headers
    assert KEY.encode() not in request.headers


def test_an_error_that_repeats_the_key_is_scrubbed() -> None:
    said = json.dumps({"error": {"message": f"bad signature for {KEY}"}}).encode()
    assert KEY not in factory(settings()).failure(400, [], said).message


@pytest.mark.parametrize("fields", [{"key_id": "a\r\nb"}, {"key_id": None}, {"colour": "red"}])
def test_wrong_settings_are_refused_by_their_place(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigInvalid, match=r"providers\[v\].settings"):
        factory(settings(**fields))


def test_a_missing_key_is_refused() -> None:
    with pytest.raises(ConfigInvalid, match=r"providers\[v\].api_key"):
        factory(ProviderSettings(settings().config, "https://vendor.example/api/v2", None))
