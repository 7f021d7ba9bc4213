"""`python -m tests.catalogue`: which faults and bad inputs the service survives, and which tests hold it.

A test holds a line by naming it, as in `test_F05_…`, or a range of lines, as in `test_B20_to_B33_…`.
"""

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
LINES = {
    # Processes
    "F01": "app killed before the insert",
    "F02": "app killed between insert and hint",
    "F03": "app killed between hint and answer",
    "F04": "worker killed after the claim",
    "F05": "worker killed while receivers hold its requests",
    "F06": "worker killed between a 2xx and the finish: one repeat",
    "F07": "worker killed between the finish and the delete of the hint",
    "F08": "worker paused past its lease, then resumed",
    "F09": "event loop held up for 20 s",
    "F10": "clocks that differ by 10 s, or are set back an hour",
    "F11": "SIGTERM to app under load",
    "F12": "SIGTERM to a worker with much in the air",
    "F13": "SIGTERM while a receiver hangs",
    "F14": "a second SIGTERM",
    "F15": "old and new versions of records and hints side by side",
    "F16": "a payload that kills its process",
    "F17": "no file descriptors left",
    "F18": "a root file system that is read-only",
    "F19": "memory at the limits with the largest bodies",
    # DynamoDB
    "F20": "the insert's answer lost after the commit",
    "F21": "a request lost on its way",
    "F22": "500 and 503 for seconds",
    "F23": "a throttled table",
    "F24": "a throttled index",
    "F25": "calls that hang",
    "F26": "2 s latency: sheds, and stays bounded",
    "F27": "frozen for 30 s, then back: no stampede",
    "F28": "a stale page of an index",
    "F29": "errors of single items in a batch",
    "F30": "an item gone by TTL while pending",
    "F31": "SQS there, DynamoDB away: no claims, no hot loop",
    # SQS
    "F40": "sending fails: events arrive by the sweeper",
    "F41": "a batch that fails in part",
    "F42": "the same hint many times",
    "F43": "a hint after its event is done",
    "F44": "hints late and out of order",
    "F45": "the queue purged, or empty again, under load",
    "F46": "receiving fails for minutes",
    "F47": "deleting fails",
    "F48": "hints malformed, of an unknown version, or huge",
    "F49": "all workers away for minutes, then back",
    # Receivers
    "F60": "never accepts",
    "F61": "accepts and never answers",
    "F62": "drips its answer",
    "F63": "resets or cuts its answer off",
    "F64": "endless bodies and headers, bombs",
    "F65": "redirects, to link-local addresses too",
    "F66": "TLS: expired, self-signed, wrong name, old, stalled",
    "F67": "DNS: no name, failure, no answer, rebinding",
    "F68": "Retry-After of every form",
    "F69": "410 disables the webhook",
    "F70": "now 200, now 500: never disabled",
    "F71": "all receivers down an hour, then up: no herd",
    "F72": "one hanging tenant does not slow down the others",
    "F73": "a producer's flood: 429 for it alone",
    # Around
    "F80": "a telemetry collector that is dead, hanging or slow",
    "F81": "no credentials at their refresh",
    "F82": "started before tables and queues exist",
    "F83": "500 slow uploads",
    "F84": "a client that goes away",
    # HTTP
    "B01": "both Content-Length and Transfer-Encoding",
    "B02": "two Content-Lengths",
    "B03": "a negative, signed or huge Content-Length",
    "B04": "odd Transfer-Encodings",
    "B05": "bare LF, folded lines, a space before the colon",
    "B06": "NUL or CR in a header",
    "B07": "headers too large or too many",
    "B08": "no Host, two, or garbage",
    "B09": "a URL of 70 KB",
    "B10": "bad sizes of chunks",
    "B11": "Expect without a body",
    "B12": "upgrades",
    "B13": "strange methods, and methods overridden by a header",
    # Bodies
    "B20": "empty",
    "B21": "no object at the root",
    "B22": "not UTF-8",
    "B23": "nested 100,000 deep",
    "B24": "a payload nested 33 deep is fine",
    "B25": "a key that comes twice",
    "B26": "NaN, Infinity, 1e400",
    "B27": "integers of 5,000 digits, and beyond 2^53",
    "B28": "lone surrogates, NUL, control and zero-width characters",
    "B29": "byte order mark, trailing bytes, truncation",
    "B30": "at the limit and one more, with a length and chunked",
    "B31": "compressed",
    "B32": "a Content-Type that is wrong, missing or odd; UTF-16",
    "B33": "very many keys",
    # Fields
    "B40": "event types of a wrong form",
    "B41": "ids with our separators, and other tenants' ids",
    "B42": "cursors that are damaged or belong elsewhere",
    "B43": "limits out of range",
    "B44": "times out of range or without a zone",
    "B45": "unknown fields",
    "B46": "repeated parameters",
    "B47": "idempotency keys: empty, long, two, reused, at once",
    # Webhook URLs
    "B50": "other schemes",
    "B51": "userinfo",
    "B52": "odd ports",
    "B53": "private addresses in every spelling",
    "B54": "single labels, internal names, our own address",
    "B55": "what two parsers read differently",
    "B56": "8 KB",
    "B57": "custom headers that are reserved or broken",
    # Keys
    "B60": "none, two, or of a wrong form",
    "B61": "a wrong checksum",
    "B62": "revoked, expired, without the scope",
    "B63": "signed requests: stale, repeated, changed",
    # Receivers' answers
    "B70": "impossible statuses, 1xx alone, bodies where there are none",
    "B71": "garbage instead of HTTP",
    "B72": "cookies, which are never kept",
    "B73": "escape codes, markup and non-UTF-8 in a body",
}
_NAMED = re.compile(r"_([fb])(\d\d)(?=_)(?:_to_[fb](\d\d)(?=_))?", re.IGNORECASE)


def named_in(test: str) -> Iterator[str]:
    """Yield the lines that a test's name names."""
    for kind, first, last in _NAMED.findall(test):
        for number in range(int(first), int(last or first) + 1):
            yield f"{kind.upper()}{number:02d}"


def tests_by_line() -> dict[str, list[str]]:
    """Return the tests that hold each line, as `file::test`.."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(HERE.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for line in named_in(node.name) if node.name.startswith("test_") else ():
                    found[line].append(f"{path.relative_to(HERE)}::{node.name}")
    return found


def main() -> int:
    """Print the lines with their tests."""
    parser = argparse.ArgumentParser(prog="python -m tests.catalogue", description=__doc__)
    parser.add_argument("--tests", action="store_true", help="name the tests of each line")
    parser.add_argument("--missing", action="store_true", help="only the lines without a test")
    args = parser.parse_args()
    found = tests_by_line()
    for line, text in LINES.items():
        tests = found.get(line, [])
        if not (args.missing and tests):
            sys.stdout.write(f"{line}  {len(tests) or '–':>2}  {text}\n")
        if args.tests:
            sys.stdout.writelines(f"           {test}\n" for test in tests)
    held = sum(line in found for line in LINES)
    sys.stdout.write(f"{held} of {len(LINES)} lines have a test\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
