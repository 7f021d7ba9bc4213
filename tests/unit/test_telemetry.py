"""Log lines, and which trace contexts are taken up."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import TRACEPARENT
from triggers.telemetry import JsonLines, configure_logging, json_line, log, valid_traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [
        TRACEPARENT,
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-ff",
        f"01-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
    ],
)
def test_a_traceparent_of_the_standards_form_is_taken_up(header: str) -> None:
    assert valid_traceparent(header) == header


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "00",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}0-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01\n",
        f" 00-{TRACE}-{PARENT}-01",
        f"0g-{TRACE}-{PARENT}-01",
        f"01-{TRACE}-{PARENT}-01more",
        f"01-{TRACE}-{PARENT}-01-\n",
        f"01-{TRACE}-{PARENT}-01-\0",
        f"01-{TRACE}-{PARENT}-01-é",
        f"01-{TRACE}-{PARENT}-01-{'x' * 100}",
        f"0٠-{TRACE}-{PARENT}-01",
    ],
)
def test_any_other_is_ignored(header: str | None) -> None:
    assert valid_traceparent(header) is None


class RawFile(io.RawIOBase):
    """What has left the process, an entry for each write."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.lines.append(bytes(data))
        return len(data)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Set up logging as a container does, and put it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("test", "info")
    yield logging.getLogger("triggers.tests")
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_record_is_one_json_line(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("test", "info")
    log(logger, "event accepted", event_id="evt_1", milliseconds=1.5, tenant_id=None)

    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert record.pop("at").endswith("Z")
    assert record == {
        "level": "info",
        "part": "test",
        "message": "event accepted",
        "event_id": "evt_1",
        "milliseconds": 1.5,
        "tenant_id": None,
    }


@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b", "a\x85b", "a\x0bb", '"}\n{"x":"'])
def test_no_value_can_begin_a_line_of_its_own(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    configure_logging("test", "info")
    log(logger, text, field=text)
    logger.warning("%s", text)

    first, second = capsys.readouterr().out.split("\n")[:-1]
    assert json.loads(first)["message"] == json.loads(first)["field"] == text
    assert json.loads(second)["message"] == text


def test_an_exception_is_part_of_its_line() -> None:
    error = ValueError("two\nlines")
    record = logging.makeLogRecord({"msg": "failed", "exc_info": (ValueError, error, None)})

    line = json_line("test", record).decode()

    assert "\n" not in line
    assert "ValueError: two\nlines" in json.loads(line)["exception"]


def test_a_value_that_json_does_not_know_is_written_as_text() -> None:
    record = logging.makeLogRecord({"msg": "odd", "fields": {"error": ValueError("no")}})

    assert json.loads(json_line("test", record).decode())["error"] == "no"


def test_each_line_has_left_the_process_before_the_next_is_begun(logger: logging.Logger) -> None:
    written = RawFile()
    logging.getLogger().handlers[:] = [JsonLines("test", io.BufferedWriter(written))]
    log(logger, "first")
    assert [json.loads(line)["message"] for line in written.lines] == ["first"]
    log(logger, "second")
    assert [json.loads(line)["message"] for line in written.lines] == ["first", "second"]


def test_a_line_that_cannot_be_written_fails_nothing(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("test", "info")
    log(logger, "half a pair", text="\ud800")
    log(logger, "next")

    captured = capsys.readouterr()
    assert "Logging error" in captured.err
    assert [json.loads(line)["message"] for line in captured.out.splitlines()] == ["next"]


def test_a_record_has_all_that_others_look_for(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    log(logger, "ours", level=logging.WARNING)
    logger.handle(logger.makeRecord(logger.name, logging.WARNING, "", 0, "its own", (), None))

    ours, its_own = caplog.records
    assert vars(its_own).keys() <= vars(ours).keys()
    shown = logging.Formatter("%(name)s:%(lineno)d %(levelname)s %(message)s").format(ours)
    assert shown == "triggers.tests:0 WARNING ours"


def test_what_is_below_the_level_is_not_logged(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("test", "warning")
    log(logger, "too quiet")
    log(logger, "loud enough", level=logging.WARNING)

    assert "loud enough" in capsys.readouterr().out.strip()


def test_libraries_log_their_warnings_only(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("test", "debug")
    logging.getLogger("botocore.parsers").debug("the whole response")
    logging.getLogger("uvicorn.access").info("GET /")

    assert capsys.readouterr().out == ""
