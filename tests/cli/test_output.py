"""What is printed on a terminal: colours where they are wanted, and nothing broken that is to be copied."""

import io

import pytest

from triggers.cli.output import Output

DOCUMENT = b'{"event_id":"evt_01KAN72XQV8YJ4T6Z0M3S5B7C9","status":"failed"}'
KEY = f"trg_{'0' * 74}"
COLUMNS = (("EVENT", "event_id"), ("STATUS", "status"), ("AND", lambda _: "some words " * 9))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(**environ: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("NO_COLOR", raising=False)
        for name, text in ({"TERM": "xterm", "COLUMNS": "34"} | environ).items():
            patch.setenv(name, text)
        out = Terminal()
        output = Output(as_json=False, out=out)
        output.one(DOCUMENT, COLUMNS)
        output.line(KEY)
        output.table([DOCUMENT], COLUMNS, empty="none")
    return out.getvalue()


def test_a_terminal_gets_colours_unless_it_wants_none() -> None:
    assert "\x1b[31mfailed" in printed()
    assert "\x1b[3" not in printed(NO_COLOR="1")


def test_no_id_and_no_key_is_broken() -> None:
    assert KEY in printed()
    assert printed().count("evt_01KAN72XQV8YJ4T6Z0M3S5B7C9") == 2
