"""Who keeps the master key that data keys are wrapped with: KMS, or in development a setting."""

import secrets
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from triggers.aws.clients import Clients, calling
from triggers.errors import StoreRefused
from triggers.ports import DataKeys
from triggers.sealing import DATA_KEY_BYTES, NONCE_BYTES, DataKey
from triggers.settings import Settings, require_secrets_key

if TYPE_CHECKING:
    from types_aiobotocore_kms import KMSClient

_PURPOSE = b"triggers: wrapping of data keys"


def data_keys_of(settings: Settings, clients: Clients) -> DataKeys:
    """Return the keeper that the settings name. Raises SettingsError unless they name one."""
    require_secrets_key(settings)
    if clients.kms is not None:
        return KmsDataKeys(clients.kms, settings.kms_key_id)
    return LocalDataKeys(settings.secrets_key)


class KmsDataKeys:
    """Data keys wrapped by KMS. The tenant is the encryption context: no other's unwraps."""

    def __init__(self, kms: "KMSClient", key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    async def generate(self, tenant_id: str) -> DataKey:
        """Make a data key of a tenant."""
        with calling("GenerateDataKey"):
            answer = await self._kms.generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext={"tenant_id": tenant_id}
            )
            return DataKey(answer["CiphertextBlob"], answer["Plaintext"])

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        """Return a data key in the clear. Raises StoreRefused for one that KMS did not wrap so.

        The KMS key is the one that it was wrapped with, so that the setting may come to name another;
        which keys may be used at all is said by our role.
        """
        with calling("Decrypt"):
            answer = await self._kms.decrypt(
                CiphertextBlob=wrapped, EncryptionContext={"tenant_id": tenant_id}
            )
            return answer["Plaintext"]


class LocalDataKeys:
    """Data keys wrapped by a master key that is derived from a setting; for development."""

    def __init__(self, secrets_key: str) -> None:
        derivation = HKDF(SHA256(), length=DATA_KEY_BYTES, salt=None, info=_PURPOSE)
        self._master = AESGCM(derivation.derive(secrets_key.encode()))

    async def generate(self, tenant_id: str) -> DataKey:
        """Make a data key of a tenant."""
        plain, nonce = secrets.token_bytes(DATA_KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
        return DataKey(nonce + self._master.encrypt(nonce, plain, tenant_id.encode()), plain)

    async def unwrap(self, tenant_id: str, wrapped: bytes) -> bytes:
        """Return a data key in the clear. Raises StoreRefused for one that was not wrapped so."""
        nonce, rest = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._master.decrypt(nonce, rest, tenant_id.encode())
        except (InvalidTag, ValueError):
            raise StoreRefused(
                "a data key does not unwrap: was TRIGGERS_SECRETS_KEY another?"
            ) from None
