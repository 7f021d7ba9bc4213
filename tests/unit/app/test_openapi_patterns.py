"""The patterns of the OpenAPI document allow what the service does, and nothing else."""

import base64
import secrets

import jsonschema_rs
import msgspec
import pytest

from app.wire import ids as wire_ids
from app.wire.webhook_fields import EventTypes, Secret, webhook_checks
from tests.factories import make_settings
from tests.unit.app.api import Api
from tests.unit.app.documents import assert_valid, document_of, values_of
from triggers import ids


@pytest.mark.parametrize("name", ["EventId", "WebhookId", "KeyId", "TenantId"])
def test_ids_have_the_form_that_their_fields_promise(name: str) -> None:
    tenant_id = ids.make_tenant_id(secrets.randbits)
    made = {
        "EventId": ids.make_event_id(1, 32, secrets.randbits),
        "WebhookId": ids.make_webhook_id(secrets.randbits),
        "KeyId": ids.make_key_id(tenant_id, secrets.randbits),
        "TenantId": tenant_id,
    }
    assert_valid(made[name], msgspec.json.schema(getattr(wire_ids, name)), name)


async def test_patterns_are_those_of_json_schema(api: Api) -> None:
    patterns = set(values_of("pattern", await document_of(api)))
    assert patterns
    assert not any(part in pattern for pattern in patterns for part in (r"(?!\n)", r"\Z"))


@pytest.mark.parametrize("size", [*range(23, 27), 62, 63, 64, 65])
def test_the_pattern_of_a_secret_allows_what_the_service_does(size: int) -> None:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(size)).decode()
    validator = jsonschema_rs.Draft202012Validator(msgspec.json.schema(Secret))
    assert validator.is_valid(secret) == (24 <= size <= 64)


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [("*", True), ("a", True), ("a.b.*", True), ("a..b", True), ("a..*", False), (".*", False)],
)
def test_the_pattern_of_a_filter_allows_what_the_service_does(text: str, is_allowed: bool) -> None:
    validator = jsonschema_rs.Draft202012Validator(msgspec.json.schema(EventTypes))
    assert validator.is_valid([text]) == is_allowed
    assert (webhook_checks(make_settings())["event_types"]([text]) is None) == is_allowed
