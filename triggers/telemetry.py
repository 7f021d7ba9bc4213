"""Logs and counters: one JSON line for each thing worth knowing, and the names of what is counted.

Bodies, keys and secrets never come here. Counters go to OpenTelemetry's API; without a provider
they cost nothing.
"""

import logging
import re
import sys
from typing import Any

import msgspec
from opentelemetry import metrics

from triggers.times import rfc3339

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?"
)

_meter = metrics.get_meter("triggers")
hints_lost = _meter.create_counter(
    "triggers.hints.lost",
    description="Hints that SQS did not take; the sweeper delivers their events",
)
hints_stale = _meter.create_counter(
    "triggers.hints.stale", description="Hints older than the grace, dropped unread"
)
claims_lost = _meter.create_counter(
    "triggers.claims.lost", description="Claims that another worker or a finish won"
)
fenced_off = _meter.create_counter(
    "triggers.finishes.fenced_off", description="Finishes refused because the claim had passed on"
)
recovered = _meter.create_counter(
    "triggers.deliveries.recovered",
    description="Failed or held deliveries that a job opened again",
)
postponements = _meter.create_counter(
    "triggers.deliveries.postponed",
    description="Deliveries put off because their webhook was at its limit",
)
calls_unlimited = _meter.create_counter(
    "triggers.rate_limits.unenforced",
    description="Calls let in without a limit, because the store did not answer",
)
key_uses_lost = _meter.create_counter(
    "triggers.key_uses.lost",
    description="Notes of when a key was used that the store did not take",
)


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON line: when, level, part, message, the fields given to `log`."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "at": rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "part": self._part,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _ENCODER.encode(line).decode()


def configure_logging(part: str, level: str) -> None:
    """Send everything that is logged in this process to standard output, a JSON line each."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(part))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What no line shows need not be found out; with who called `log` it took 7 % of a request.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for noisy in ("botocore", "aiobotocore", "aioboto3", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log(logger: logging.Logger, message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log a message with fields that stand as they are in the JSON line."""
    if logger.isEnabledFor(level):
        # Not `logger.log`, which looks for the line that called it: none of ours shows it.
        extra = {"fields": fields}
        logger.handle(logger.makeRecord(logger.name, level, "", 0, message, (), None, extra=extra))


def valid_traceparent(header: str | None) -> str | None:
    """Return a `traceparent` header if it has the form of W3C Trace Context; None: ignore it."""
    if header is None or len(header) > 128 or not _TRACEPARENT.fullmatch(header):
        return None
    return header if header[:2] != "00" or len(header) == 55 else None
