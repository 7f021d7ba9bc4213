"""The retry policy as tables: every class of answers, every step of every schedule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import NOW_MS, make_outcome
from triggers.retries import (
    JITTER_SHARE,
    RETRY_AFTER_SECONDS_MAX,
    SCHEDULES,
    Verdict,
    next_delay_seconds,
    parse_retry_after,
    verdict_of,
)

DAY = 86_400
STANDARD = (5, 30, 120, 600, 1800, 7200, 18_000, 36_000, 36_000, DAY, DAY)
DELAYS = {
    "standard": (*STANDARD, None),
    "short": (1, 2, 4, 8, 16, None),
}
EVERY_STEP = [
    (name, attempts, delay)
    for name, delays in DELAYS.items()
    for attempts, delay in enumerate(delays, start=1)
]


@pytest.mark.parametrize(("name", "attempts", "delay"), EVERY_STEP)
def test_every_step_of_every_schedule_has_its_delay(
    name: str, attempts: int, delay: int | None
) -> None:
    assert next_delay_seconds(SCHEDULES[name], attempts, 0, None) == delay


def test_the_table_of_delays_has_every_schedule() -> None:
    assert SCHEDULES.keys() == DELAYS.keys()


@pytest.mark.parametrize(("name", "attempts", "delay"), EVERY_STEP)
@pytest.mark.parametrize("jitter", [0, 0.5, 0.999])
def test_jitter_lengthens_a_delay_by_a_fifth_at_most(
    name: str, attempts: int, delay: int | None, jitter: float
) -> None:
    jittered = next_delay_seconds(SCHEDULES[name], attempts, jitter, None)

    assert (jittered is None) == (delay is None)
    if jittered is not None and delay is not None:
        assert jittered == pytest.approx(delay * (1 + JITTER_SHARE * jitter))
        assert delay <= jittered < delay * 1.2


def test_the_standard_schedule_goes_on_for_about_three_days() -> None:
    assert sum(SCHEDULES["standard"]) / DAY == pytest.approx(3.2, abs=0.1)


def test_a_custom_list_of_delays_is_a_schedule_too() -> None:
    assert next_delay_seconds((7,), 1, 0, None) == 7
    assert next_delay_seconds((7,), 2, 0, None) is None


@pytest.mark.parametrize(("retry_after", "delay"), [(None, 5), (0, 5), (4, 5), (6, 6), (DAY, DAY)])
def test_retry_after_lengthens_a_delay_and_never_shortens_it(
    retry_after: int | None, delay: int
) -> None:
    assert next_delay_seconds(SCHEDULES["standard"], 1, 0, retry_after) == delay


def test_retry_after_does_not_bring_back_an_exhausted_schedule() -> None:
    assert next_delay_seconds((1,), 2, 0, 60) is None


VERDICTS = [
    (None, Verdict.RETRY),
    *((code, Verdict.RETRY) for code in (100, 101, 103, 199)),
    *((code, Verdict.DELIVERED) for code in (200, 201, 202, 204, 226, 299)),
    *((code, Verdict.RETRY) for code in (300, 301, 302, 304, 307, 308, 399)),
    *((code, Verdict.RETRY) for code in (400, 401, 403, 404, 408, 409, 411, 418, 425, 429, 499)),
    (410, Verdict.GONE),
    *((code, Verdict.RETRY) for code in (500, 501, 502, 503, 504, 599)),
    *((code, Verdict.RETRY) for code in (0, 99, 600, 999)),
]


@pytest.mark.parametrize(("status_code", "verdict"), VERDICTS)
def test_every_class_of_answers_has_its_verdict(status_code: int | None, verdict: Verdict) -> None:
    assert verdict_of(make_outcome(status_code)) is verdict


@pytest.mark.parametrize(
    ("status_code", "overloaded"),
    [(None, False), (200, False), (404, False), (500, False)]
    + [(code, True) for code in (429, 502, 503, 504)],
)
def test_some_answers_say_that_the_receiver_is_overloaded(
    status_code: int | None, *, overloaded: bool
) -> None:
    assert make_outcome(status_code).overloaded is overloaded


def test_a_timeout_says_so_too() -> None:
    assert make_outcome(None, timed_out=True).overloaded


@pytest.mark.parametrize(
    ("status_code", "description"),
    [
        (200, None),
        (302, "receiver answered 302, a redirect: these are not followed"),
        (304, "receiver answered 304"),
        (500, "receiver answered 500"),
    ],
)
def test_an_outcome_says_in_words_what_went_wrong(
    status_code: int, description: str | None
) -> None:
    assert make_outcome(status_code).description == description
    assert make_outcome(None, error="no such host").description == "no such host"


TEN_YEARS = 10 * 365 * DAY
NONSENSE = ["", " ", "soon", "1.5", "1e3", "+5", "-5", "- 5", "0x10", "1 2", "1,2", "٣", "²", "\0"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("120", 120),
        (" 120 ", 120),
        ("007", 7),
        (str(DAY), DAY),
        (str(DAY + 1), DAY),
        (str(TEN_YEARS), DAY),
        ("9" * 5_000, DAY),
        ("Sun, 22 Nov 2026 05:30:00 GMT", 59),
        ("Sunday, 22-Nov-26 05:30:00 GMT", 59),
        ("Sun Nov 22 05:30:00 2026", 59),
        ("Sun, 22 Nov 2026 06:30:00 +0100", 59),
        ("Sun, 22 Nov 2026 05:29:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("Sun, 22 Nov 2036 05:30:00 GMT", DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("Sun, 22 Nov 10000 05:30:00 GMT", None),
        ("Sun, 22 Nov 99999999999999999999 05:30:00 GMT", None),
        ("Sun, 99 Nov 2026 05:30:00 GMT", None),
        ("Sun, 22 Nov 2026 05:30:00 +9999", None),
        *((text, None) for text in NONSENSE),
    ],
)
def test_f68_retry_after_is_read_as_seconds_or_a_date_and_nonsense_ignored(
    header: str | None, seconds: int | None
) -> None:
    assert parse_retry_after(header, NOW_MS) == seconds


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Sun", "Xyz", ""]),
    st.integers(-1, 40),
    st.sampled_from(["Jan", "Nov", "Foo"]),
    st.integers(-1, 11_000),
    st.integers(-1, 30),
    st.integers(-1, 70),
    st.integers(-1, 70),
    st.sampled_from(["GMT", "+2359", "-2359", "-9999", "EST", ""]),
)


@given(st.text() | DATES)
def test_f68_no_retry_after_is_an_error_or_longer_than_a_day(header: str) -> None:
    seconds = parse_retry_after(header, NOW_MS)

    assert seconds is None or 0 <= seconds <= RETRY_AFTER_SECONDS_MAX
