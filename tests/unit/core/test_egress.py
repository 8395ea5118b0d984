import pytest

from legato.core.egress import Egress, refused_form

DEFAULT, STRICT = Egress(), Egress(private=False)
METADATA = ["169.254.169.254", "fe80::1", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"]
NOWHERE = ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "240.0.0.1"]  # noqa: S104 - judged, not bound
PRIVATE = ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "fd12::1"]
PUBLIC = ["1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", METADATA + NOWHERE)
def test_no_policy_lets_them_be_called(address: str) -> None:
    assert DEFAULT.refusal("host.example", address)
    assert STRICT.refusal("host.example", address)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_the_operators_choice(address: str) -> None:
    assert not DEFAULT.refusal("host.example", address)
    assert "private" in STRICT.refusal("host.example", address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert not STRICT.refusal("host.example", address)
    assert not STRICT.refusal_of_host(address)


@pytest.mark.parametrize(
    "address", ["::ffff:169.254.169.254", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1"]
)
def test_a_mapped_address_is_judged_as_what_it_maps(address: str) -> None:
    assert STRICT.refusal("host.example", address)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "127.1", "127.0.0.01",
        "::ffff:127.0.0.1", "2002:7f00:1::", "fe80::1%eth0", "0X7F.1", "127.0.0.1.",
    ],
)  # fmt: skip
def test_hidden_ways_to_write_an_address_are_refused(host: str) -> None:
    assert refused_form(host)
    assert DEFAULT.refusal_of_host(host)


@pytest.mark.parametrize("host", ["localhost", "api.openai.com", "127.0.0.1", "::1", "1password"])
def test_ordinary_hosts_are_not(host: str) -> None:
    assert not refused_form(host)
    assert not DEFAULT.refusal_of_host(host)


def test_exceptions_are_hosts_addresses_and_networks() -> None:
    policy = Egress.of(["10.0.0.0/8", "169.254.169.254", "Models.Internal."], private=False)
    assert not policy.refusal("anything", "10.9.9.9")
    assert not policy.refusal_of_host("169.254.169.254")
    assert not policy.refusal("models.internal", "192.168.1.1")
    assert policy.refusal("other.internal", "192.168.1.1")


@pytest.mark.parametrize("entry", ["", "10.0.0.0/99", "http://x/y", "0x7f.1"])
def test_an_exception_that_is_none_of_these_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host name, address or network"):
        Egress.of([entry], private=True)
