"""The records of the `control` table: JSON, in which what is secret stands encrypted."""

import asyncio
import secrets
from collections.abc import Callable, Iterable

import msgspec
from msgspec.structs import replace

from triggers.api_keys import ApiKey
from triggers.aws import keys
from triggers.control_changes import Controlled
from triggers.data_keys import DataKeyring
from triggers.sealing import NONCE_BYTES, DataKey, is_sealed, seal, unseal, wrapped_key_of
from triggers.tenants import Tenant, TenantView
from triggers.webhooks import Webhook

_Turn = Callable[[str, str], str]
"""Takes the name of a field and its text, and returns the text sealed, or opened."""

# Custom headers may hold credentials. They are sealed as one, under what is no name of a header.
_ALL_HEADERS = ""

_ENCODER = msgspec.json.Encoder()
_TENANT = msgspec.json.Decoder(Tenant)
_KEY = msgspec.json.Decoder(ApiKey)
_WEBHOOK = msgspec.json.Decoder(Webhook)
_HEADERS = msgspec.json.Decoder(dict[str, str])


class ControlRecords:
    """Writes and reads records. Raises StoreUnavailable when a data key cannot be had."""

    def __init__(self, keyring: DataKeyring) -> None:
        self._keyring = keyring

    async def encode(self, tenant_id: str, controlled: Controlled) -> str:
        """Return a record, its secrets sealed."""
        match controlled:
            case Webhook():
                turn = await self._sealing(tenant_id, controlled.webhook_id)
                controlled = _webhook_sealed(controlled, turn)
            case ApiKey() if _secrets_of_key(controlled):
                turn = await self._sealing(tenant_id, controlled.key_id)
                controlled = _key_turned(controlled, turn)
        return _ENCODER.encode(controlled).decode()

    async def decode(
        self, tenant_id: str, version: int, found: Iterable[tuple[str, str]]
    ) -> TenantView:
        """Return the view of a tenant that has these records, each with its sort key."""
        tenant: Tenant | None = None
        api_keys: list[ApiKey] = []
        webhooks: list[Webhook] = []
        for sort, record in found:
            if sort == keys.TENANT_KEY:
                tenant = _TENANT.decode(record)
            elif sort.startswith(keys.KEY_PREFIX):
                api_keys.append(_KEY.decode(record))
            elif sort.startswith(keys.WEBHOOK_PREFIX):
                webhooks.append(_WEBHOOK.decode(record))
        data_keys = await self._data_keys(tenant_id, api_keys, webhooks)
        return TenantView(
            tenant_id=tenant_id,
            version=version,
            tenant=tenant,
            keys={
                key.key_id: _key_turned(key, _opening(data_keys, tenant_id, key.key_id))
                for key in api_keys
            },
            webhooks={
                webhook.webhook_id: _webhook_opened(
                    webhook, _opening(data_keys, tenant_id, webhook.webhook_id)
                )
                for webhook in webhooks
            },
        )

    async def _sealing(self, tenant_id: str, record_id: str) -> _Turn:
        key = await self._keyring.for_writing(tenant_id)
        return lambda field, text: seal(
            key, text, (tenant_id, record_id, field), secrets.token_bytes(NONCE_BYTES)
        )

    async def _data_keys(
        self, tenant_id: str, api_keys: Iterable[ApiKey], webhooks: Iterable[Webhook]
    ) -> dict[bytes, DataKey]:
        """Return the data keys that open these records, by how they are wrapped."""
        texts = [text for key in api_keys for text in _secrets_of_key(key)]
        texts += [text for webhook in webhooks for text in _secrets_of_webhook(webhook)]
        wrapped = {wrapped_key_of(text) for text in texts if is_sealed(text)}
        opened = await asyncio.gather(*(self._keyring.unwrapped(tenant_id, w) for w in wrapped))
        return {key.wrapped: key for key in opened}


def _opening(data_keys: dict[bytes, DataKey], tenant_id: str, record_id: str) -> _Turn:
    """Return what opens the secrets of a record; those from before stand as they are."""

    def turn(field: str, text: str) -> str:
        if not is_sealed(text):
            return text
        return unseal(data_keys[wrapped_key_of(text)], text, (tenant_id, record_id, field))

    return turn


def _secrets_of_key(key: ApiKey) -> list[str]:
    texts = (key.signing_secret, key.old_version and key.old_version.signing_secret)
    return [text for text in texts if text]


def _key_turned(key: ApiKey, turn: _Turn) -> ApiKey:
    if key.signing_secret:
        key = replace(key, signing_secret=turn("signing_secret", key.signing_secret))
    old = key.old_version
    if old is not None and old.signing_secret:
        older = replace(old, signing_secret=turn("old_version", old.signing_secret))
        key = replace(key, old_version=older)
    return key


def _secrets_of_webhook(webhook: Webhook) -> list[str]:
    """Return what may be sealed in a webhook as it stands in its record."""
    headers = webhook.headers.get(_ALL_HEADERS)
    texts = (webhook.secret, headers, *(old.secret for old in webhook.old_secrets))
    return [text for text in texts if text]


def _webhook_turned(webhook: Webhook, turn: _Turn) -> Webhook:
    old = tuple(replace(o, secret=turn("old_secrets", o.secret)) for o in webhook.old_secrets)
    return replace(webhook, secret=turn("secret", webhook.secret), old_secrets=old)


def _webhook_sealed(webhook: Webhook, turn: _Turn) -> Webhook:
    if webhook.headers:
        headers = turn("headers", _ENCODER.encode(webhook.headers).decode())
        webhook = replace(webhook, headers={_ALL_HEADERS: headers})
    return _webhook_turned(webhook, turn)


def _webhook_opened(webhook: Webhook, turn: _Turn) -> Webhook:
    sealed = webhook.headers.get(_ALL_HEADERS)
    if sealed is not None:
        webhook = replace(webhook, headers=_HEADERS.decode(turn("headers", sealed)))
    return _webhook_turned(webhook, turn)
