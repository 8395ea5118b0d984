from __future__ import annotations

import pytest

from legato.core.errors import InvalidRequest
from legato.core.networks import are_within, is_within, read_networks


def test_networks_are_kept_in_one_form() -> None:
    given = [" 10.0.0.0/8", "192.0.2.7", "10.0.0.0/255.0.0.0", "2001:DB8::/32"]
    assert read_networks(given, "x") == ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32")


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "", "10.0.0.0/33"])
def test_what_is_no_network_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"allow_from: .*write"):
        read_networks([text], "allow_from")


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("2001:db8::5", True),
        ("fe80::1%eth0", False),
        ("11.0.0.1", False),
        ("", False),
        ("10.1.2.3, 11.0.0.1", False),
    ],
)
def test_an_address_is_held_against_networks(address: str, *, inside: bool) -> None:
    assert is_within(address, ("10.0.0.0/8", "2001:db8::/32")) is inside


def test_networks_lie_within_others_of_their_kind() -> None:
    outer = ("10.0.0.0/8", "2001:db8::/32")
    assert are_within(("10.9.0.0/16", "2001:db8:1::/48"), outer)
    assert not are_within(("10.9.0.0/16", "11.0.0.0/8"), outer)
    assert not are_within(("0.0.0.0/0",), outer)
