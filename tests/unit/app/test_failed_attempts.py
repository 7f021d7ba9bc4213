"""Wrong keys by address: thirty at once, then one every two seconds."""

from app.addresses import Address, parse_address
from app.failed_attempts import FAILURES_MAX, RECOVERY_MS, FailedAttempts
from tests.factories import NOW_MS


def at(text: str) -> Address:
    address = parse_address(text)
    assert address is not None
    return address


HOST = at("203.0.113.7")


def failed(address: Address, times: int = FAILURES_MAX, now_ms: int = NOW_MS) -> FailedAttempts:
    attempts = FailedAttempts(addresses_max=3)
    for _ in range(times):
        attempts.count(address, now_ms)
    return attempts


def test_an_address_may_fail_some_times_at_once_and_then_has_to_wait() -> None:
    assert failed(HOST, FAILURES_MAX - 1).wait_ms(HOST, NOW_MS) == 0
    attempts = failed(HOST)
    assert attempts.wait_ms(HOST, NOW_MS) == RECOVERY_MS
    assert attempts.wait_ms(HOST, NOW_MS + RECOVERY_MS - 1) == 1
    assert attempts.wait_ms(at("203.0.113.8"), NOW_MS) == 0


def test_one_attempt_comes_back_every_two_seconds() -> None:
    attempts = failed(HOST)
    later_ms = NOW_MS + RECOVERY_MS
    assert attempts.wait_ms(HOST, later_ms) == 0
    attempts.count(HOST, later_ms)
    assert attempts.wait_ms(HOST, later_ms) == RECOVERY_MS


def test_after_a_minute_of_peace_all_is_forgotten() -> None:
    attempts = failed(HOST)
    later_ms = NOW_MS + FAILURES_MAX * RECOVERY_MS
    for _ in range(FAILURES_MAX - 1):
        attempts.count(HOST, later_ms)
    assert attempts.wait_ms(HOST, later_ms) == 0


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    attempts = failed(HOST)
    assert attempts.wait_ms(HOST, NOW_MS - 3_600_000) == RECOVERY_MS


def test_of_ipv6_a_whole_64_is_one_source() -> None:
    attempts = failed(at("2001:db8:0:1::1"))
    assert attempts.wait_ms(at("2001:db8:0:1:ffff::2"), NOW_MS) > 0
    assert attempts.wait_ms(at("2001:db8:0:2::1"), NOW_MS) == 0


def test_only_so_many_addresses_are_remembered_the_latest_ones() -> None:
    attempts = failed(HOST)
    for number in (1, 2):
        attempts.count(at(f"203.0.113.{100 + number}"), NOW_MS)
    attempts.count(HOST, NOW_MS)
    attempts.count(at("203.0.113.103"), NOW_MS)
    assert attempts.wait_ms(HOST, NOW_MS) > 0
    attempts.count(at("203.0.113.104"), NOW_MS)
    attempts.count(at("203.0.113.105"), NOW_MS)
    attempts.count(at("203.0.113.106"), NOW_MS)
    assert attempts.wait_ms(HOST, NOW_MS) == 0
