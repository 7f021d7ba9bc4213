"""Isolation: the limit of a webhook that adapts, and until when the rest is put off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, make_outcome
from triggers.retries import Outcome
from worker import lanes as lanes_module
from worker.lanes import FIRST_LIMIT, POSTPONE_MS_MAX, POSTPONE_MS_MIN, Lanes

FINE = make_outcome(200, duration_ms=10)
TIMED_OUT = make_outcome(None, timed_out=True, duration_ms=15_000)


def make_lanes(in_flight_max: int = 1_000, random: float = 0.0) -> Lanes:
    return Lanes(in_flight_max=in_flight_max, random=lambda: random)


def make_attempts(lanes: Lanes, *outcomes: Outcome | None, webhook: str = "w") -> None:
    """Make attempts one after the other that end so, at one moment."""
    for outcome in outcomes:
        assert lanes.enter("t", webhook, NOW_MS) is None
        lanes.leave("t", webhook, outcome, NOW_MS)


def fill(lanes: Lanes, webhook: str = "w", now_ms: int = NOW_MS, tenant: str = "t") -> None:
    """Have as many attempts of a webhook in the air as may be."""
    while lanes.enter(tenant, webhook, now_ms) is None:
        pass


@pytest.mark.parametrize(
    "outcome", [TIMED_OUT, *(make_outcome(status) for status in (429, 502, 503, 504))]
)
def test_a_timeout_or_an_overload_answer_halves_the_limit_down_to_one(outcome: Outcome) -> None:
    lanes, limits = make_lanes(), []
    for _ in range(7):
        make_attempts(lanes, outcome)
        limits.append(lanes.limit("w"))
    assert limits == [16, 8, 4, 2, 1, 1, 1]


def test_a_success_raises_it_by_one() -> None:
    lanes = make_lanes()
    make_attempts(lanes, FINE, FINE)
    assert lanes.limit("w") == FIRST_LIMIT + 2


@pytest.mark.parametrize("outcome", [None, *(make_outcome(s) for s in (500, 404, 302, None))])
def test_what_says_nothing_of_its_load_leaves_it(outcome: Outcome | None) -> None:
    lanes = make_lanes()
    make_attempts(lanes, outcome)
    assert lanes.limit("w") == FIRST_LIMIT


@pytest.mark.parametrize(("in_flight_max", "tenth"), [(1_000, 100), (400, 40), (50, 5), (5, 1)])
def test_it_never_exceeds_a_tenth_of_the_process(in_flight_max: int, tenth: int) -> None:
    lanes = make_lanes(in_flight_max)
    make_attempts(lanes, *[FINE] * 200)
    assert lanes.limit("w") == tenth


def test_the_process_has_no_more_in_the_air_than_its_own() -> None:
    lanes = make_lanes(100)
    for number in range(20):
        fill(lanes, f"w{number}", tenant=f"t{number % 4}")
    assert lanes.in_flight == 100
    lanes.leave("t0", "w0", FINE, NOW_MS)
    assert lanes.enter("t3", "w19", NOW_MS) is None


def test_a_tenant_all_of_whose_fifty_webhooks_hang_leaves_half_of_the_process_to_others() -> None:
    lanes = make_lanes(1_000)
    for number in range(50):
        fill(lanes, f"hangs{number}")
    assert lanes.in_flight == 500
    for number in range(5):
        fill(lanes, f"works{number}", tenant="other")
    assert lanes.in_flight == 500 + 5 * FIRST_LIMIT
    lanes.leave("t", "hangs0", TIMED_OUT, NOW_MS)
    assert lanes.enter("t", "hangs49", NOW_MS) is None


def postponements(lanes: Lanes, count: int, now_ms: int = NOW_MS) -> list[int]:
    """Return for how many milliseconds more deliveries of a full webhook are put off."""
    untils = [lanes.enter("t", "w", now_ms) for _ in range(count)]
    return [until - now_ms for until in untils if until is not None]


def test_the_backlog_of_a_dead_webhook_spreads_over_five_minutes() -> None:
    lanes = make_lanes()
    make_attempts(lanes, *[TIMED_OUT] * 30)
    fill(lanes)
    waits = postponements(lanes, 40)
    assert len(waits) == 40
    assert waits == sorted(waits)
    assert 10_000 < waits[1] - waits[0] <= 15_000
    assert waits[-1] == POSTPONE_MS_MAX


def test_the_backlog_of_a_fast_webhook_comes_back_after_a_second() -> None:
    lanes = make_lanes()
    make_attempts(lanes, *[FINE] * 30)
    fill(lanes)
    assert postponements(lanes, 100) == [POSTPONE_MS_MIN] * 100
    assert max(postponements(lanes, 10_000)) < 10_000


def test_silence_with_nothing_in_the_air_means_nothing() -> None:
    lanes = make_lanes()
    outcome = make_outcome(503, retry_after_seconds=3_600, duration_ms=10)
    make_attempts(lanes, outcome)
    assert postponements(lanes, 20, NOW_MS + 3_500_000)[-1] < 110_000


def test_postponements_have_jitter() -> None:
    lanes = make_lanes(random=0.5)
    fill(lanes)
    assert postponements(lanes, 1) == [1_100]


def test_a_backlog_that_had_its_time_is_over() -> None:
    lanes = make_lanes()
    make_attempts(lanes, *[TIMED_OUT] * 30)
    fill(lanes)
    postponements(lanes, 1_000)
    later_ms = NOW_MS + 2 * POSTPONE_MS_MAX
    lanes.leave("t", "w", TIMED_OUT, later_ms)
    assert postponements(lanes, 2, later_ms)[0] < 20_000


def test_a_webhook_that_falls_silent_is_known_long_before_its_first_timeout() -> None:
    lanes = make_lanes()
    fill(lanes)
    assert max(postponements(lanes, 50, NOW_MS + 200)) == POSTPONE_MS_MIN
    assert max(postponements(lanes, 50, NOW_MS + 5_000)) > 5 * POSTPONE_MS_MIN


def test_a_webhook_that_takes_one_of_many_is_not_silent() -> None:
    lanes = make_lanes()
    fill(lanes)
    lanes.leave("t", "w", make_outcome(200, duration_ms=5_000), NOW_MS + 5_000)
    fill(lanes, now_ms=NOW_MS + 5_000)
    assert max(postponements(lanes, 10, NOW_MS + 5_000)) == POSTPONE_MS_MIN


def test_a_thousand_deliveries_to_a_dead_webhook_cost_few_tries() -> None:
    lanes = make_lanes(random=0.5)
    make_attempts(lanes, *[TIMED_OUT] * 30)
    fill(lanes)
    due = [(NOW_MS + number, 0) for number in range(1_000)]
    for second in range(3_600):
        now_ms = NOW_MS + 1_000 * second
        due = [
            (lanes.enter("t", "w", now_ms) or now_ms, tries + 1)
            if until <= now_ms
            else (until, tries)
            for until, tries in due
        ]
    assert sum(tries for _, tries in due) <= 1_000 * (1 + 3_600_000 // POSTPONE_MS_MAX)


@pytest.mark.parametrize("seconds", [60, 86_400])
def test_f68_retry_after_pauses_its_webhook_and_no_other(seconds: int) -> None:
    lanes, end_ms = make_lanes(), NOW_MS + 1_000 * seconds
    make_attempts(lanes, make_outcome(503, retry_after_seconds=seconds))
    until_ms = lanes.enter("t", "w", end_ms - 1)
    assert until_ms is not None
    assert until_ms >= end_ms
    assert lanes.enter("t", "another", NOW_MS) is None
    assert lanes.enter("t", "w", end_ms) is None


def test_f68_what_waits_for_the_end_of_a_pause_does_not_come_all_at_once() -> None:
    lanes = make_lanes(random=0.5)
    outcome = make_outcome(503, retry_after_seconds=60, duration_ms=1_000)
    make_attempts(lanes, *[TIMED_OUT] * 5, outcome)
    waits = postponements(lanes, 200)
    assert min(waits) >= 60_000
    assert len(set(waits)) > 10
    assert max(waits) <= 60_000 + 1.2 * POSTPONE_MS_MAX


@pytest.mark.parametrize("later", [FINE, make_outcome(503, retry_after_seconds=10)])
def test_f68_what_was_in_the_air_before_does_not_shorten_a_pause(later: Outcome) -> None:
    lanes = make_lanes()
    for _ in range(2):
        lanes.enter("t", "w", NOW_MS)
    for outcome in (make_outcome(503, retry_after_seconds=60), later):
        lanes.leave("t", "w", outcome, NOW_MS)
    assert lanes.enter("t", "w", NOW_MS + 59_999) is not None


@pytest.mark.parametrize(("more", "is_paused"), [(1, True), (2, False)])
def test_when_too_many_are_known_the_idle_are_forgotten_and_the_paused_last(
    monkeypatch: pytest.MonkeyPatch, more: int, *, is_paused: bool
) -> None:
    lanes = make_lanes()
    make_attempts(lanes, TIMED_OUT, webhook="idle")
    make_attempts(lanes, TIMED_OUT, webhook="busy")
    lanes.enter("t", "busy", NOW_MS)
    make_attempts(lanes, make_outcome(503, retry_after_seconds=60), webhook="paused")
    monkeypatch.setattr(lanes_module, "LANES_MAX", 3)
    for number in range(more):
        lanes.enter("t", f"more{number}", NOW_MS)
    assert (lanes.enter("t", "paused", NOW_MS) is not None) == is_paused
    assert lanes.limit("busy") == FIRST_LIMIT // 2
    assert lanes.limit("idle") == FIRST_LIMIT


OUTCOMES = [
    None,
    FINE,
    TIMED_OUT,
    make_outcome(500),
    make_outcome(429),
    make_outcome(503, retry_after_seconds=2),
]
STEPS = st.tuples(st.sampled_from("abc"), st.sampled_from([*OUTCOMES, "enter", "enter", "enter"]))


@given(st.lists(STEPS, max_size=150), st.floats(0, 0.999))
def test_what_is_in_the_air_is_never_negative_nor_above_the_limits(
    steps: list[tuple[str, Outcome | str | None]], random: float
) -> None:
    lanes = make_lanes(in_flight_max=30, random=random)
    flying = dict.fromkeys("abc", 0)
    for number, (webhook, step) in enumerate(steps):
        now_ms = NOW_MS + 100 * number
        if step == "enter":
            limit = lanes.limit(webhook)
            until_ms = lanes.enter("t", webhook, now_ms)
            if until_ms is None:
                flying[webhook] += 1
                assert flying[webhook] <= limit
            else:
                assert now_ms + POSTPONE_MS_MIN <= until_ms
                assert until_ms <= now_ms + 2_000 + 1.2 * POSTPONE_MS_MAX
        elif flying[webhook] and not isinstance(step, str):
            lanes.leave("t", webhook, step, now_ms)
            flying[webhook] -= 1
        assert lanes.in_flight == sum(flying.values()) <= 30
        assert all(1 <= lanes.limit(each) <= 3 for each in "abc")
