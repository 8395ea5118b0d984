"""How often strangers may begin to sign in."""

import pytest

from legato.core.clock import ManualClock
from legato.core.errors import RateLimited
from legato.core.networks import origin_of
from legato.identity.attempts import Attempts


def count(attempts: Attempts, address: str) -> int:
    done = 0
    while done < 1_000:
        try:
            attempts.count(address)
        except RateLimited:
            break
        done += 1
    return done


def test_one_network_has_its_share_and_gets_more_with_time() -> None:
    clock = ManualClock()
    attempts = Attempts(clock.now_ns)
    assert count(attempts, "192.0.2.1") == 120
    assert count(attempts, "192.0.2.2") == 120, "another one isn't held up"
    clock.advance(20)
    assert count(attempts, "192.0.2.1") == 40
    with pytest.raises(RateLimited) as refused:
        attempts.count("192.0.2.1")
    assert refused.value.retry_after_s == 1


def test_who_has_one_address_of_a_prefix_has_them_all() -> None:
    attempts = Attempts(ManualClock().now_ns)
    assert count(attempts, "2001:db8:0:1::1") == 120
    assert count(attempts, "2001:db8:0:1:ffff::9") == 0
    assert count(attempts, "2001:db8:0:2::1") == 120


def test_all_together_are_bounded() -> None:
    attempts = Attempts(ManualClock().now_ns)
    assert sum(count(attempts, f"10.0.0.{number}") for number in range(60)) == 600


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("somewhere", "somewhere"),
    ],
)
def test_addresses_are_counted_by_their_origin(address: str, origin: str) -> None:
    assert origin_of(address) == origin
