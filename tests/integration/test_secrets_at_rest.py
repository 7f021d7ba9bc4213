"""Secrets stand encrypted in the table, and come back as they were; those from before too."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.emulator import Emulator
from tests.factories import NOW_MS, make_key, make_settings, make_tenant, make_webhook
from tests.testbed import own_prefix
from triggers.api_keys import OldVersion
from triggers.aws import keys
from triggers.aws.clients import Clients, open_clients
from triggers.aws.provision import provision
from triggers.aws.resources import open_resources
from triggers.control_changes import AuditEntry, ControlChange, Controlled
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.ports import ControlWrites
from triggers.settings import Settings, SettingsError
from triggers.webhooks import OldSecret

TENANT = make_tenant()
TENANT_ID = TENANT.tenant_id
CANARIES = [f"canary{secrets.token_hex(16)}" for _ in range(5)]
WEBHOOK = make_webhook(
    secret=f"whsec_{CANARIES[0]}",
    old_secrets=(OldSecret(secret=f"whsec_{CANARIES[1]}", until_ms=NOW_MS),),
    headers={"authorization": CANARIES[2]},
)
KEY, _ = make_key(
    TENANT_ID,
    signing_secret=f"sig_{CANARIES[3]}",
    old_version=OldVersion(digest="d", signing_secret=f"sig_{CANARIES[4]}", until_ms=NOW_MS),
)


def change(from_version: int, *puts: Controlled) -> ControlChange:
    audit = AuditEntry(at_ms=NOW_MS, actor="operator", action="test", subject="subject")
    return ControlChange(from_version=from_version, audit=audit, puts=puts)


@asynccontextmanager
async def open_store(**values: Any) -> AsyncIterator[tuple[Clients, ControlWrites, Settings]]:
    settings = make_settings(name_prefix=own_prefix(), **values)
    await provision(settings)
    async with open_clients(settings) as clients, open_resources(settings) as resources:
        yield clients, resources.control, settings


async def items_of(clients: Clients) -> list[Any]:
    answer = await clients.dynamodb.scan(TableName=clients.name(keys.CONTROL))
    return [dict(item) for item in answer["Items"]]


async def read_anew(settings: Settings) -> Any:
    """Read the tenant as a process does that has just started."""
    async with open_resources(settings) as resources:
        return await resources.control.read_view(TENANT_ID)


@pytest.fixture(params=["local", "kms"])
async def encryption(request: pytest.FixtureRequest, aws: Emulator) -> dict[str, str]:
    """Return the settings of each way to encrypt."""
    if request.param == "local":
        return {}
    async with open_clients(make_settings(kms_key_id="any")) as clients:
        assert clients.kms is not None
        key_id = (await clients.kms.create_key())["KeyMetadata"]["KeyId"]
    return {"kms_key_id": key_id, "secrets_key": ""}


async def test_no_item_holds_a_secret_and_a_fresh_process_reads_them_all(
    encryption: dict[str, str],
) -> None:
    async with open_store(**encryption) as (clients, control, settings):
        assert await control.write(TENANT_ID, change(0, TENANT, WEBHOOK, KEY))

        stored = repr(await items_of(clients))
        assert WEBHOOK.webhook_id in stored
        assert not [canary for canary in CANARIES if canary in stored]
        view = await read_anew(settings)
        assert view == await control.read_view(TENANT_ID)
        assert view.webhooks == {WEBHOOK.webhook_id: WEBHOOK}
        assert view.keys == {KEY.key_id: KEY}


async def test_a_sealed_record_that_was_moved_to_another_place_does_not_open(
    aws: Emulator,
) -> None:
    other = make_webhook()
    async with open_store() as (clients, control, _):
        await control.write(TENANT_ID, change(0, TENANT, WEBHOOK, other))
        items = {item["sk"]["S"]: item for item in await items_of(clients)}
        ours, theirs = (
            msgspec.json.decode(items[keys.control_sort(w)]["record"]["S"])
            for w in (WEBHOOK, other)
        )
        record = msgspec.json.encode(theirs | {"secret": ours["secret"]}).decode()
        moved = items[keys.control_sort(other)] | {"record": {"S": record}}
        await clients.dynamodb.put_item(TableName=clients.name(keys.CONTROL), Item=moved)

        with pytest.raises(StoreRefused):
            await control.read_view(TENANT_ID)


async def test_a_record_from_before_is_read_as_it_stands_and_sealed_when_it_changes(
    aws: Emulator,
) -> None:
    async with open_store() as (clients, control, _):
        await control.write(TENANT_ID, change(0, TENANT))
        plain = msgspec.json.encode(WEBHOOK).decode()
        item = {"pk": {"S": TENANT_ID}, "sk": {"S": keys.control_sort(WEBHOOK)}}
        item["record"] = {"S": plain}
        await clients.dynamodb.put_item(TableName=clients.name(keys.CONTROL), Item=item)

        assert (await control.read_view(TENANT_ID)).webhooks == {WEBHOOK.webhook_id: WEBHOOK}
        await control.write(TENANT_ID, change(1, replace(WEBHOOK, description="new")))
        assert not [canary for canary in CANARIES if canary in repr(await items_of(clients))]


async def test_with_kms_away_secrets_are_unavailable_until_they_are_known(
    aws: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store() as (_, _, settings):
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
        away = replace(settings, kms_key_id="alias/triggers", secrets_key="")
        async with open_resources(away) as resources:
            with pytest.raises(StoreUnavailable):
                await resources.control.write(TENANT_ID, change(0, TENANT, WEBHOOK))
            assert await resources.control.write(TENANT_ID, change(0, TENANT))


async def test_resources_are_not_opened_without_a_word_on_encryption(aws: Emulator) -> None:
    with pytest.raises(SettingsError, match="TRIGGERS_SECRETS_KEY must be set"):
        async with open_resources(make_settings(secrets_key="")):
            pass
