"""A replay: new attempts at an old event, on request; how it is kept with its event. Pure."""

from msgspec import Struct

REPLAYS_MAX = 10
WORKFLOW_ID_CHARACTERS_MAX = 128
REASON_CHARACTERS_MAX = 512


class Replay(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One replay of an event. `number` counts from 1; `webhook_ids` are those it goes to.

    By `request_id` a replay whose answer was lost on the way from the store knows itself. Add
    fields with defaults only.
    """

    number: int
    webhook_ids: tuple[str, ...]
    created_ms: int
    request_id: str
    workflow_id: str | None = None
    reason: str | None = None
