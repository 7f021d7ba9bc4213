"""Settings: read once, checked whole, and each wrong one named."""

from pathlib import Path

import msgspec
import pytest

from tests.factories import make_settings
from triggers.retries import JITTER_SHARE, SCHEDULES
from triggers.settings import (
    ELSEWHERE,
    PREFIX,
    SECRETS,
    STOP_SECONDS_MAX,
    Settings,
    SettingsError,
    describe,
    read_settings,
    reference,
    require_secrets_key,
)
from triggers.webhooks import RETRY_DELAY_SECONDS_MAX

CONFIGURATION = Path(__file__).parents[2] / "docs" / "configuration.md"
SECRET = "correct horse battery staple, and some more"


def test_nothing_needs_to_be_set() -> None:
    assert read_settings({}) == Settings()


def test_every_setting_has_its_variable() -> None:
    settings = make_settings()
    environ = {
        PREFIX + name.upper(): str(value)
        for name, value in msgspec.structs.asdict(settings).items()
    }

    assert read_settings(environ) == settings


def test_variables_of_others_are_no_concern_of_ours() -> None:
    others = dict.fromkeys(ELSEWHERE, "/somewhere") | {"PATH": "/bin", "AWS_REGION": "x"}

    assert read_settings(others) == Settings()


NUMBERS_OF_SECONDS = [
    field.name for field in msgspec.structs.fields(Settings) if field.name.endswith("_seconds")
]


@pytest.mark.parametrize("name", NUMBERS_OF_SECONDS)
@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf", "1e9", "5s"])
def test_a_wrong_number_of_seconds_is_named(name: str, text: str) -> None:
    variable = PREFIX + name.upper()

    with pytest.raises(SettingsError, match=variable.removesuffix("_SECONDS").split("_DRAIN")[0]):
        read_settings({variable: text})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("TRIGGERS_ENVIRONMENT", "staging"),
        ("TRIGGERS_ENVIRONMENT", ""),
        ("TRIGGERS_LOG_LEVEL", "INFO"),
        ("TRIGGERS_LOG_LEVEL", "chatty"),
        ("TRIGGERS_NAME_PREFIX", ""),
        ("TRIGGERS_NAME_PREFIX", "with space"),
        ("TRIGGERS_NAME_PREFIX", "with-end-of-line\n"),
        ("TRIGGERS_NAME_PREFIX", "x" * 81),
        ("TRIGGERS_OPERATOR_KEY", "x" * 31),
        ("TRIGGERS_CURSOR_KEY", "x" * 31),
        ("TRIGGERS_SECRETS_KEY", "x" * 31),
        ("TRIGGERS_API_PORT", "-1"),
        ("TRIGGERS_API_PORT", "65536"),
        ("TRIGGERS_API_PORT", "http"),
        ("TRIGGERS_API_PORT", " 80"),
        ("TRIGGERS_WORKER_PORT", "65536"),
        ("TRIGGERS_PAYLOAD_BYTES_MAX", "0"),
        ("TRIGGERS_PAYLOAD_BYTES_MAX", "400KB"),
        ("TRIGGERS_WRITES_WAITING_MAX", "0"),
        ("TRIGGERS_ATTEMPTS_IN_FLIGHT_MAX", "0"),
        ("TRIGGERS_EVENTS_IN_FLIGHT_MAX", "1.5"),
        ("TRIGGERS_EVENTS_QUEUED_MAX", "many"),
        ("TRIGGERS_CLAIMS_MAX", "0"),
        ("TRIGGERS_RETENTION_DAYS", "0"),
        ("TRIGGERS_RETENTION_DAYS", "3"),
        ("TRIGGERS_ALLOWED_NETWORKS", "127.0.0.0/8"),
        ("TRIGGERS_ALLOWED_NETWORKS", "127.0.0.1/8"),
        ("TRIGGERS_ALLOWED_NETWORKS", "loopback"),
        ("TRIGGERS_LEASE_SECONDS", "39.9"),
        ("TRIGGERS_DRAIN_SECONDS", "50"),
    ],
)
def test_a_wrong_value_is_named(variable: str, text: str) -> None:
    assert variable.removeprefix(PREFIX).lower() in Settings.__struct_fields__
    with pytest.raises(SettingsError, match=variable.removeprefix("TRIGGERS")):
        read_settings({variable: text})


def test_development_may_reach_its_own_networks() -> None:
    settings = read_settings(
        {
            "TRIGGERS_ENVIRONMENT": "development",
            "TRIGGERS_ALLOWED_NETWORKS": " 127.0.0.0/8, ::1/128 ,",
        }
    )

    assert [str(network) for network in settings.networks] == ["127.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("TRIGGERS_LEASE_SECOND", "TRIGGERS_LEASE_SECONDS"),
        ("TRIGGERS_APIPORT", "TRIGGERS_API_PORT"),
        ("TRIGGERS_OPERATOR_KEYS", "TRIGGERS_OPERATOR_KEY"),
    ],
)
def test_an_unknown_variable_suggests_what_was_meant(variable: str, suggestion: str) -> None:
    with pytest.raises(SettingsError, match=rf"{variable} is no setting; meant {suggestion}\?"):
        read_settings({variable: "1"})


def test_an_unknown_variable_like_no_other_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^TRIGGERS_XYZZY is no setting$"):
        read_settings({"TRIGGERS_XYZZY": "1"})


def test_secrets_are_shown_as_set_or_not() -> None:
    shown = describe(Settings(operator_key=SECRET))

    assert shown["operator_key"] == "set"
    assert shown["cursor_key"] == "not set"
    assert shown["lease_seconds"] == 45
    assert shown.keys() == set(Settings.__struct_fields__)


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_refused_secret_is_not_repeated(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({PREFIX + name.upper(): SECRET[:20]})

    assert SECRET[:20] not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"environment": "development"}, "TRIGGERS_SECRETS_KEY must be set"),
        ({"environment": "production"}, "TRIGGERS_KMS_KEY_ID must be set in production"),
        ({"secrets_key": SECRET}, "TRIGGERS_KMS_KEY_ID must be set in production"),
        ({"secrets_key": SECRET, "kms_key_id": "alias/a"}, "are both set: unset one"),
    ],
)
def test_what_secrets_are_encrypted_with_must_be_said(given: dict[str, str], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        require_secrets_key(msgspec.convert(given, Settings))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"environment": "development", "secrets_key": SECRET},
        {"environment": "development", "kms_key_id": "alias/a"},
        {"environment": "production", "kms_key_id": "alias/a"},
    ],
)
def test_one_of_the_two_says_what_secrets_are_encrypted_with(given: dict[str, str]) -> None:
    require_secrets_key(msgspec.convert(given, Settings))


# The inequalities that promises rest on, for the values that stand there by default.


def test_a_claim_outlasts_the_attempt_the_finish_and_twice_the_skew() -> None:
    s = Settings()

    assert s.lease_seconds >= s.attempt_seconds + s.finish_seconds + 2 * s.clock_skew_seconds


def test_events_outlast_their_longest_retries() -> None:
    standard_days = sum(SCHEDULES["standard"]) * (1 + JITTER_SHARE) / 86_400
    custom_days = 20 * RETRY_DELAY_SECONDS_MAX * (1 + JITTER_SHARE) / 86_400

    assert Settings().retention_days > max(standard_days, custom_days)


def test_a_stop_ends_before_it_is_forced() -> None:
    s = Settings()

    assert s.serve_on_seconds + s.drain_seconds < STOP_SECONDS_MAX  # app
    assert s.drain_seconds + s.finish_seconds < STOP_SECONDS_MAX  # worker


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"LEASE_SECONDS": "39"}, "TRIGGERS_LEASE_SECONDS must be at least 40"),
        ({"RETENTION_DAYS": "3"}, "TRIGGERS_RETENTION_DAYS must exceed"),
        ({"SERVE_ON_SECONDS": "40"}, "TRIGGERS_SERVE_ON_SECONDS and _DRAIN_SECONDS"),
        ({"DRAIN_SECONDS": "40"}, "TRIGGERS_DRAIN_SECONDS and _FINISH_SECONDS"),
        ({"BULK_BYTES_MAX": "40000000"}, "must be at least four times the largest body"),
        ({"EVENTS_IN_FLIGHT_MAX": "2001"}, "must not exceed TRIGGERS_WRITES_WAITING_MAX"),
    ],
)
def test_settings_at_odds_with_each_other_stop_the_process(
    given: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named):
        read_settings({f"TRIGGERS_{name}": value for name, value in given.items()})


def test_a_connection_is_refused_before_the_attempt_is_over() -> None:
    assert Settings().attempt_connect_seconds < Settings().attempt_seconds


def test_a_fresh_event_is_left_to_its_hint_for_longer_than_a_sweep_takes() -> None:
    assert Settings().hint_grace_seconds > Settings().sweep_seconds


def test_a_sweeper_keeps_its_shard_over_many_looks() -> None:
    assert Settings().shard_lease_seconds > 2 * Settings().sweep_seconds


def test_a_change_waits_until_every_older_view_is_too_old() -> None:
    s = Settings()

    assert s.control_settle_seconds > s.control_age_max_seconds


def test_a_worker_makes_no_more_attempts_of_one_webhook_than_a_tenth() -> None:
    assert Settings().attempts_in_flight_max >= 10


def test_the_documentation_has_every_setting_as_it_is() -> None:
    assert reference() in CONFIGURATION.read_text()


def test_every_setting_has_a_meaning_in_words() -> None:
    rows = reference().splitlines()[2:]

    assert len(rows) == len(Settings.__struct_fields__)
    for row in rows:
        _, _variable, default, meaning, _ = (cell.strip() for cell in row.split("|"))
        assert default
        assert meaning
