"""The service as it runs on this machine, whoever started it: where it is, and its secrets."""

from msgspec import Struct


class Endpoints(Struct, frozen=True, kw_only=True):
    """Addresses as this machine reaches them; `hook` is the receiver as the service reaches it."""

    api: str
    receiver: str
    hook: str
    operator_key: str
    webhook_secret: str
