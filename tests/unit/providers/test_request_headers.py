"""What of a credential may stand in a header."""

import pytest

from legato.core.errors import BadProviderResponse, ConfigInvalid
from legato.providers.request_headers import line, render


@pytest.mark.parametrize("secret", ["key\n", "key\r\nx: y", "key\0"])
def test_nothing_ends_a_header_before_its_line(secret: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        render({"authorization": f"Bearer {secret}"}, {}, place="providers[0]")
    assert "key" not in refused.value.message
    with pytest.raises(BadProviderResponse):
        line("authorization", secret)
    with pytest.raises(BadProviderResponse):
        line("x-a\n", "v")


def test_a_good_credential_is_one_line() -> None:
    assert line("X-Key", "key") == b"x-key: key\r\n"
