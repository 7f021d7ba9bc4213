"""Data keys: whoever keeps the master key, each unwraps for its own tenant alone."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.factories import make_settings
from tests.fakes import FakeDataKeys
from triggers.aws.clients import open_clients
from triggers.aws.data_keys import LocalDataKeys, data_keys_of
from triggers.errors import StoreRefused, StoreUnavailable
from triggers.ports import DataKeys
from triggers.sealing import DATA_KEY_BYTES

OpenDataKeys = Callable[[], AbstractAsyncContextManager[DataKeys]]


@asynccontextmanager
async def open_fake() -> AsyncIterator[DataKeys]:
    yield FakeDataKeys()


@asynccontextmanager
async def open_local() -> AsyncIterator[DataKeys]:
    yield LocalDataKeys("secrets-key-of-the-tests-0123456789a")


@asynccontextmanager
async def open_kms() -> AsyncIterator[DataKeys]:
    async with open_clients(make_settings(kms_key_id="any")) as clients:
        assert clients.kms is not None
        key_id = (await clients.kms.create_key())["KeyMetadata"]["KeyId"]
        yield data_keys_of(make_settings(kms_key_id=key_id, secrets_key=""), clients)


@pytest.fixture(params=["fake", "local", "kms"])
def open_data_keys(request: pytest.FixtureRequest) -> OpenDataKeys:
    if request.param == "kms":
        request.getfixturevalue("aws")
    return {"fake": open_fake, "local": open_local, "kms": open_kms}[request.param]


async def test_a_data_key_unwraps_again(open_data_keys: OpenDataKeys) -> None:
    async with open_data_keys() as keys:
        made = await keys.generate("ten_A")

        assert len(made.plain) == DATA_KEY_BYTES
        assert made.plain not in made.wrapped
        assert await keys.unwrap("ten_A", made.wrapped) == made.plain


async def test_every_data_key_is_another(open_data_keys: OpenDataKeys) -> None:
    async with open_data_keys() as keys:
        one, two = await keys.generate("ten_A"), await keys.generate("ten_A")

        assert one.plain != two.plain
        assert one.wrapped != two.wrapped


async def test_a_data_key_unwraps_for_its_own_tenant_alone(open_data_keys: OpenDataKeys) -> None:
    async with open_data_keys() as keys:
        made = await keys.generate("ten_A")

        with pytest.raises(StoreRefused):
            await keys.unwrap("ten_B", made.wrapped)


async def test_what_is_no_wrapped_data_key_does_not_unwrap(open_data_keys: OpenDataKeys) -> None:
    async with open_data_keys() as keys:
        made = await keys.generate("ten_A")

        for wrapped in (made.wrapped[:5], b"x", bytes(200)):
            with pytest.raises(StoreRefused):
                await keys.unwrap("ten_A", wrapped)


async def test_no_byte_of_a_wrapped_data_key_can_be_changed() -> None:
    keys = LocalDataKeys("a" * 32)  # the emulator's KMS takes some changes, unlike AWS's
    wrapped = (await keys.generate("ten_A")).wrapped

    for n, byte in enumerate(wrapped):
        with pytest.raises(StoreRefused):
            await keys.unwrap("ten_A", wrapped[:n] + bytes([byte ^ 1]) + wrapped[n + 1 :])


async def test_a_data_key_of_another_master_key_does_not_unwrap() -> None:
    made = await LocalDataKeys("a" * 32).generate("ten_A")

    with pytest.raises(StoreRefused, match="TRIGGERS_SECRETS_KEY"):
        await LocalDataKeys("b" * 32).unwrap("ten_A", made.wrapped)


async def test_data_keys_unwrap_when_the_setting_names_another_kms_key(aws: object) -> None:
    async with open_clients(make_settings(kms_key_id="any")) as clients:
        assert clients.kms is not None
        ids = [(await clients.kms.create_key())["KeyMetadata"]["KeyId"] for _ in range(2)]
        old, new = (
            data_keys_of(make_settings(kms_key_id=key_id, secrets_key=""), clients)
            for key_id in ids
        )
        made = await old.generate("ten_A")

        assert await new.unwrap("ten_A", made.wrapped) == made.plain


async def test_every_timeout_and_retry_of_the_kms_client_is_said(aws: object) -> None:
    async with open_clients(make_settings(kms_key_id="any")) as clients:
        assert clients.kms is not None
        config = clients.kms.meta.config
        assert (config.connect_timeout, config.read_timeout) == (1, 2)  # type: ignore[attr-defined]  # the types know less than botocore
        assert config.retries == {"mode": "standard", "total_max_attempts": 3}  # type: ignore[attr-defined]  # as above


async def test_without_kms_there_are_no_data_keys(
    aws: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    settings = make_settings(kms_key_id="alias/triggers", secrets_key="")
    async with open_clients(settings) as clients:
        with pytest.raises(StoreUnavailable):
            await data_keys_of(settings, clients).generate("ten_A")
