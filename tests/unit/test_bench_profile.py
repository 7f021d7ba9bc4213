"""The sums of the bench's profile: from sampled stacks to shares, and what it says when it may not look."""

import importlib
import os
import sys
from pathlib import Path

import msgspec
import pytest

from tests.bench import spy
from tests.bench.__main__ import main
from tests.bench.arguments import ArgumentError, read_arguments
from tests.bench.findings import Findings, tables_of
from tests.bench.profiles import tables_of_stacks
from tests.bench.spy import SpyError, check_access, reason_of
from tests.bench.stacks import (
    Frame,
    Stack,
    function_of,
    longest_prefix,
    module_of,
    read_stacks,
    shares,
)
from tests.bench.ways import AREAS, CALL_PARTS, DIVIDED, OTHER, STEPS, area_of, step_of

OUR_PACKAGES = ("app", "worker", "triggers")
LOOP = "asyncio.runners:Runner.run"
REQUEST = (LOOP, "app.edge:Edge._handle", "app.authentication:Authentication.handle")
CALL = ("triggers.aws.hot_calls:HotCalls.call", "triggers.aws.hot_calls:HotCalls._call")
INSERT = (LOOP, "triggers.aws.batcher:Batcher._fly", "triggers.aws.statements:Statements._flush")


def make_stack(*names: str, line: str = "", folder: Path | None = None) -> Stack:
    """Make a stack of `module:function`s. The innermost is at a line with such a text."""
    halves = [name.split(":") for name in names]
    frames = [Frame(module, function, file="", line=0) for module, function in halves]
    if folder is not None:
        file = folder / f"{len(list(folder.iterdir()))}.py"
        file.write_text(f"{line}\n")
        frames[-1] = frames[-1]._replace(file=str(file), line=1)
    return tuple(frames)


def make_record(*threads: list[list[int]]) -> bytes:
    """Make what py-spy writes; there are four frames."""
    frames = [
        {"name": "Runner.run", "file": "/python/asyncio/runners.py", "line": 118, "col": None},
        {"name": "Edge._handle", "file": "/python/lib/app/edge.py", "line": 75, "col": None},
        {"name": "Edge._handle", "file": "/python/lib/app/edge.py", "line": 76, "col": None},
        {"name": "_call_with_frames_removed", "file": "<frozen importlib>", "line": None},
    ]
    profiles = [
        {"type": "sampled", "name": "MainThread", "samples": samples, "weights": []}
        for samples in threads
    ]
    return msgspec.json.encode({"shared": {"frames": frames}, "profiles": profiles})


def test_a_stack_that_comes_on_end_counts_once_and_threads_are_added_up() -> None:
    record = make_record([[0, 1], [0, 1], [0, 2], [0, 1]], [[0, 1], [0]])
    stacks = read_stacks(record, ["/python", "/python/lib"])
    assert {
        tuple((frame.name, frame.line) for frame in stack): n for stack, n in stacks.items()
    } == {
        ((LOOP, 118), ("app.edge:Edge._handle", 75)): 3,
        ((LOOP, 118), ("app.edge:Edge._handle", 76)): 1,
        ((LOOP, 118),): 1,
    }
    assert shares(stacks, function_of) == {"app.edge:Edge._handle": 80, LOOP: 20}


def test_a_frame_without_a_file_or_a_line_is_one_too() -> None:
    [[frame]] = read_stacks(make_record([[3]]), [])
    assert (frame.module, frame.line) == ("<frozen importlib>", 0)


def test_what_is_no_record_is_said_to_be_none() -> None:
    with pytest.raises(msgspec.DecodeError):
        read_stacks(b'{"shared": {}}', [])


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/code/app/edge.py", "app.edge"),
        ("/code/triggers/ports/__init__.py", "triggers.ports"),
        ("/code/lib/site-packages/aiohttp/streams.py", "aiohttp.streams"),
        ("/elsewhere/thing.py", "elsewhere.thing"),
        ("/codes/app.py", "codes.app"),
    ],
)
def test_a_file_is_the_module_that_it_is_imported_as(file: str, module: str) -> None:
    assert module_of(file, ["/code/lib/site-packages", "/code", ""]) == module


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("app.edge:Edge.send", "app.edge:Edge"),
        ("app.edge:Edges.send", "app"),
        ("app:run", "app"),
        ("apple", None),
    ],
)
def test_the_longest_whole_beginning_of_a_name_decides(name: str, prefix: str | None) -> None:
    assert longest_prefix(name, ["app", "app.edge:Edge"]) == prefix


@pytest.mark.parametrize(
    ("name", "line", "area"),
    [
        ("app.edge:Edge.send", "", "app"),
        ("triggers.events:body_to_send", "", "triggers, the domain"),
        ("triggers.aws.batcher:Batcher.submit", "", "triggers/aws"),
        ("triggers.exchanges:_ask", "", "triggers/http"),
        ("uvicorn.server:serve", "", "uvicorn, httptools"),
        ("botocore.client:make", "", "botocore, aiobotocore"),
        (LOOP, "", "asyncio, uvloop"),
        ("contextlib:__aexit__", "", "standard library, other"),
        ("app.one_write:OneWrite.write", "self._transport.writelines(x)", "writes to sockets"),
        ("app.protocol:data_received", "self.parser.feed_data(data)", "uvicorn, httptools"),
        ("app.decoding:_decode", "value: S = _decoder(kind).decode(body)", "msgspec"),
        ("app.answers:JsonAnswer", "self._body = _ENCODER.encode(value)", "msgspec"),
        ("triggers.ids:make", 'return f"ten_{encode(number)}"', "triggers, the domain"),
        ("triggers.aws.signing:sign", "hmac.digest(key, text)", "hashes, ciphers"),
        ("triggers.telemetry:format", "return _ENCODER.encode(line)", "logging, telemetry"),
    ],
)
def test_self_time_belongs_to_the_module_unless_its_line_calls_into_c(
    name: str, line: str, area: str, tmp_path: Path
) -> None:
    assert area_of(make_stack(LOOP, name, line=line, folder=tmp_path)) == area


@pytest.mark.parametrize(
    ("part", "names", "step"),
    [
        ("app", (LOOP,), "loop"),
        ("app", ("threading:run",), OTHER),
        ("app", REQUEST[:2], "edge, handler"),
        ("app", REQUEST, "authenticate"),
        ("app", (*REQUEST, "app.rate_limiting:admit", "triggers.admission:admit"), "limit"),
        ("app", (*REQUEST, "app.routes.events:accept_event"), "edge, handler"),
        ("app", (*REQUEST, "triggers.aws.event_store:EventStore.insert"), "insert: build"),
        ("app", INSERT, "insert: build"),
        ("app", (*INSERT, CALL[0]), "insert: encode"),
        ("app", (*INSERT, *CALL, "aiohttp.streams:read"), "insert: exchange"),
        (
            "app",
            (*INSERT, *CALL, "triggers.aws.hot_calls:HotCalls._sign", "hmac:x"),
            "insert: sign",
        ),
        ("app", (*INSERT[:2], "triggers.aws.queues:_Sender._flush", *CALL), "hint"),
        ("app", (*REQUEST[:2], "app.edge:_log_request", "logging:emit"), "access log"),
        (
            "app",
            (LOOP, "aiohttp.client_proto:ResponseHandler.data_received"),
            "answers of AWS arrive",
        ),
        ("worker", INSERT, "claims, finishes: build"),
        ("worker", (LOOP, "worker.delivery:Deliverer._claim"), "claim"),
        ("worker", (LOOP, "worker.delivery:Deliverer._attempt"), "attempt"),
        (
            "worker",
            (LOOP, "worker.delivery:Deliverer._attempt", "triggers.signatures:sign"),
            "sign",
        ),
        ("worker", (LOOP, "worker.rounds:Round.log"), "log of attempts"),
        (
            "worker",
            (
                *(LOOP, "triggers.http.answers:AnswerProtocol.data_received"),
                "aiohttp.client_proto:ResponseHandler.data_received",
            ),
            "attempt",
        ),
    ],
)
def test_a_step_is_that_of_the_innermost_function_which_has_one(
    part: str, names: tuple[str, ...], step: str
) -> None:
    assert step_of(make_stack(*names), STEPS[part]) == step


def test_the_answer_of_a_call_is_decoded_where_it_was_exchanged(tmp_path: Path) -> None:
    line = "return operation.decoder.decode(content)"
    stack = make_stack(*INSERT, *CALL, line=line, folder=tmp_path)
    assert step_of(stack, STEPS["app"]) == "insert: decode"


def test_all_of_ours_that_the_tables_name_exists() -> None:
    steps = [name for tables in STEPS.values() for table in tables for name in table]
    names = [name for name in (*AREAS, *CALL_PARTS, *steps) if name.startswith(OUR_PACKAGES)]
    assert len(names) > 40
    for name in names:
        module, _, function = name.partition(":")
        found = importlib.import_module(module)
        for attribute in filter(None, function.split(".")):
            found = getattr(found, attribute)
    told = {step for tables in STEPS.values() for table in tables for step in table.values()}
    assert set(DIVIDED) <= told


def test_the_tables_have_the_largest_share_first_and_ten_functions() -> None:
    app = read_stacks(make_record([[0, 1], [0, 2], [0, 1], [0]]), ["/python", "/python/lib"])
    functions = [make_stack(f"worker.main:f{n}") for n in range(20)]
    worker = type(app)({stack: 1 + n for n, stack in enumerate(functions)})
    tables = tables_of_stacks({"app": app, "worker": worker})
    areas, by_step, _, _, of_worker = tables
    assert [(row.name, *row.figures.values()) for row in areas.rows] == [
        ("worker", 0, 100),
        ("app", 75, 0),
        ("asyncio, uvloop", 25, 0),
    ]
    assert [(row.name, *row.figures.values()) for row in by_step.rows] == [
        ("edge, handler", 75),
        ("loop", 25),
    ]
    assert [row.name for row in of_worker.rows] == [f"worker.main:f{n}" for n in range(19, 9, -1)]
    findings = Findings(arguments=read_arguments(["SCENARIO=profile"]), tables=tables, lost=0)
    assert "  app.edge:Edge._handle " in tables_of(findings)


def test_a_profile_is_taken_at_one_rate() -> None:
    assert read_arguments(["SCENARIO=profile"]).rates == [None]
    assert read_arguments(["SCENARIO=profile", "RATE=100"]).rates == [100]
    with pytest.raises(ArgumentError, match="RATE"):
        read_arguments(["SCENARIO=profile", "RATE=100,max"])


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("Permission Denied: Try running again with elevated permissions", "run as root"),
        ("Error: Operation not permitted (os error 1)", "kernel.yama.ptrace_scope=0"),
        ("This program requires root on OSX.", "sudo"),
        ("Error: one\nReason: no such process\n", "py-spy failed: Reason: no such process"),
        ("", "py-spy failed: it says nothing"),
    ],
)
def test_what_py_spy_says_becomes_one_sentence(printed: str, reason: str) -> None:
    assert reason in reason_of(printed)
    assert "\n" not in reason_of(printed)


def test_where_py_spy_may_not_look_the_bench_says_what_to_do_and_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refusing = tmp_path / "py-spy"
    refusing.write_text(
        "#!/bin/sh\necho 'Error: Operation not permitted (os error 1)' >&2\nexit 1\n"
    )
    refusing.chmod(0o755)
    monkeypatch.setattr(spy, "PY_SPY", refusing)
    monkeypatch.setattr("tests.bench.profiles.open_stage", None)  # nobody gets so far
    monkeypatch.setattr(sys, "argv", ["bench", "SCENARIO=profile"])
    assert main() == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_without_py_spy_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spy, "PY_SPY", tmp_path / "py-spy")
    with pytest.raises(SpyError, match="cannot be run"):
        check_access(os.getpid())
