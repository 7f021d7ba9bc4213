"""Identifiers: what they look like, what they carry, how they are made.

An event id carries its time and its shard, so ids sort by time and a get by id needs no look-up.
A key id carries its tenant, so a key finds its tenant without an index.
"""

import re
import zlib
from collections.abc import Callable

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: no I, L, O, U
DUE_SHARDS = tuple(f"{number:02d}" for number in range(16))
TENANT_GROUPS = 16

TIME_CHARACTERS = 10
_RANDOM_CHARACTERS = 16
_TENANT_CHARACTERS = 16
_KEY_CHARACTERS = 10
_WEBHOOK_CHARACTERS = 20
_REQUEST_CHARACTERS = 20
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_OF_BYTES = bytes(ord(ALPHABET[byte & 31]) for byte in range(256))
EVENT_ID_MAX = "evt_8"  # behind every event id
_TIME_MS_MAX = (1 << 48) - 1
_EVENT_ID = re.compile(f"evt_[0-7][{ALPHABET}]{{25}}")
_JOB_ID = re.compile(f"job_[0-7][{ALPHABET}]{{25}}")
_TENANT_ID = re.compile(f"ten_[{ALPHABET}]{{{_TENANT_CHARACTERS}}}")

RandomBits = Callable[[int], int]
"""Returns that many random bits as an integer, as `secrets.randbits` does."""


def encode(number: int, characters: int) -> str:
    """Write the low bits of a number as that many Crockford characters, most significant first."""
    is_odd = characters % 2
    # Two at a time: to write ids took 5 % of a request.
    shifts = range(5 * (characters + is_odd - 2), -1, -10)
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in shifts])[is_odd:]


def random_text(characters: int, random_bits: RandomBits) -> str:
    """Make that many random Crockford characters, each of five bits."""
    # A byte for each character, of which three bits are left over: translated all at once, they
    # cost half of what `encode` takes.
    randomness = random_bits(8 * characters).to_bytes(characters, "big")
    return randomness.translate(_OF_BYTES).decode()


def make_event_id(now_ms: int, shards: int, random_bits: RandomBits) -> str:
    """Make an event id: 48 bits of milliseconds, 75 random bits, the shard as its last character.

    `shards` is the tenant's number of shards, a power of two up to 32.
    """
    randomness = random_text(_RANDOM_CHARACTERS, random_bits)
    shard = ALPHABET[_VALUES[randomness[-1]] % shards]
    return f"evt_{encode(now_ms, TIME_CHARACTERS)}{randomness[:-1]}{shard}"


def make_job_id(now_ms: int, random_bits: RandomBits) -> str:
    """Make the id of a job, which sorts by time as an event's does: 48 bits of it, 80 random bits."""
    return f"job_{encode(now_ms, TIME_CHARACTERS)}{random_text(_RANDOM_CHARACTERS, random_bits)}"


def is_job_id(text: str) -> bool:
    """Tell whether a text has the form of a job's id."""
    return _JOB_ID.fullmatch(text) is not None


def first_event_id(created_ms: int) -> str:
    """Return what stands just before the ids of all events created from then on."""
    return f"evt_{encode(min(max(created_ms, 0), _TIME_MS_MAX), TIME_CHARACTERS)}"


def is_event_id(text: str) -> bool:
    """Tell whether a text has the form of an event id."""
    return _EVENT_ID.fullmatch(text) is not None


def is_tenant_id(text: str) -> bool:
    """Tell whether a text has the form of a tenant id."""
    return _TENANT_ID.fullmatch(text) is not None


def created_ms_of(event_id: str) -> int:
    """Return the creation time that an event id carries, in milliseconds since 1970."""
    milliseconds = 0
    for character in event_id[4 : 4 + TIME_CHARACTERS]:
        milliseconds = milliseconds * 32 + _VALUES[character]
    return milliseconds


def shard_of(event_id: str) -> int:
    """Return the shard of its tenant in which an event lives."""
    return _VALUES[event_id[-1]]


def due_shard_of(event_id: str) -> str:
    """Return the partition of the due index in which an event or a job waits, `00` to `15`."""
    return DUE_SHARDS[_VALUES[event_id[-2]] % len(DUE_SHARDS)]


def group_of(tenant_id: str) -> int:
    """Return the group of tenants that one belongs to, for good: below TENANT_GROUPS."""
    return zlib.crc32(tenant_id.encode()) % TENANT_GROUPS


def make_tenant_id(random_bits: RandomBits) -> str:
    """Make a tenant id with 80 random bits."""
    return f"ten_{random_text(_TENANT_CHARACTERS, random_bits)}"


def make_key_id(tenant_id: str, random_bits: RandomBits) -> str:
    """Make a key id: the tenant's characters, then 50 random bits."""
    return tenant_id[4:] + random_text(_KEY_CHARACTERS, random_bits)


def tenant_of_key(key_id: str) -> str:
    """Return the id of the tenant that a key id names."""
    return f"ten_{key_id[:_TENANT_CHARACTERS]}"


def make_webhook_id(random_bits: RandomBits) -> str:
    """Make a webhook id with 100 random bits."""
    return f"wh_{random_text(_WEBHOOK_CHARACTERS, random_bits)}"


def make_request_id(random_bits: RandomBits) -> str:
    """Make the id of one HTTP request."""
    return f"req_{random_text(_REQUEST_CHARACTERS, random_bits)}"


def make_correlation_id(random_bits: RandomBits) -> str:
    """Make a correlation id for a request that brought none."""
    return f"corr_{random_text(_REQUEST_CHARACTERS, random_bits)}"
