"""Logs and counters: one JSON line for each thing worth knowing, and the names of what is counted.

Bodies, keys and secrets never come here. Counters go to OpenTelemetry's API; without a provider
they cost nothing.
"""

import logging
import re
import sys
import time
from typing import Any, BinaryIO

import msgspec
from opentelemetry import metrics

from triggers.times import rfc3339

_ENCODER = msgspec.json.Encoder(enc_hook=str)
_FORMATTER = logging.Formatter()
_BLANK_RECORD = vars(logging.makeLogRecord({}))
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


class JsonLines(logging.Handler):
    """Writes each record as a line of JSON, which has left the process before the next is begun."""

    def __init__(self, part: str, stream: BinaryIO) -> None:
        super().__init__()
        self._part = part
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. What is wrong with it is told as the library tells it, and no more."""
        try:
            self._stream.write(json_line(self._part, record) + b"\n")
            self._stream.flush()
        except Exception:  # noqa: BLE001 a line that cannot be written must fail no request
            self.handleError(record)


def json_line(part: str, record: logging.LogRecord) -> bytes:
    """Write a record as JSON: when, level, part, message, the fields given to `log`."""
    line = {
        "at": rfc3339(int(record.created * 1000)),
        "level": record.levelname.lower(),
        "part": part,
        "message": record.getMessage(),
        **getattr(record, "fields", {}),
    }
    if record.exc_info:
        line["exception"] = _FORMATTER.formatException(record.exc_info)
    return _ENCODER.encode(line)


def configure_logging(part: str, level: str) -> None:
    """Send everything that is logged in this process to standard output, a JSON line each."""
    handler = JsonLines(part, sys.stdout.buffer)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # What no line shows need not be found out; with who called `log` it took 7 % of a request.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    for noisy in ("botocore", "aiobotocore", "aioboto3", "aiohttp.access", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def log(logger: logging.Logger, message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log a message with fields that stand as they are in the JSON line."""
    if logger.isEnabledFor(level):
        logger.handle(_record(logger.name, level, message, fields))


def _record(name: str, level: int, message: str, fields: dict[str, Any]) -> logging.LogRecord:
    """Make a record of which only that is found out what a line shows.

    The library looks for the line, the path and the thread that called: half of a line's time.
    """
    record = logging.LogRecord.__new__(logging.LogRecord)
    record.__dict__ = _BLANK_RECORD | {
        "name": name,
        "levelno": level,
        "levelname": logging.getLevelName(level),
        "msg": message,
        "fields": fields,
        "created": time.time(),
    }
    return record


def valid_traceparent(header: str | None) -> str | None:
    """Return a `traceparent` header if it has the form of W3C Trace Context; None: ignore it."""
    if header is None or len(header) > 128 or not _TRACEPARENT.fullmatch(header):
        return None
    return header if header[:2] != "00" or len(header) == 55 else None
