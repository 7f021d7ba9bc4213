"""The health check that an engine runs inside a container, against the real program."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from infra.local.loopback import HOST, free_port
from tests.processes import PYTHON, own_environment


@contextmanager
def running_part(status: int) -> Iterator[int]:
    """Run what answers every request so; yields its port."""

    class Part(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readiness" else 404)
            self.end_headers()
            self.wfile.write(b"draining")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer((HOST, 0), Part) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def run_check(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = (PYTHON, "-m", "triggers.health_check", *arguments)
    environment = own_environment(settings)
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.parametrize(
    ("part", "variable"), [("app", "TRIGGERS_API_PORT"), ("worker", "TRIGGERS_WORKER_PORT")]
)
@pytest.mark.parametrize(
    ("status", "code", "printed"), [(200, 0, "ready\n"), (503, 1, "{part} answers 503: draining\n")]
)
def test_a_part_is_as_healthy_as_its_readiness_says(
    part: str, variable: str, status: int, code: int, printed: str
) -> None:
    with running_part(status) as port:
        ran = run_check(part, **{variable: str(port)})
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, printed.format(part=part), "")


def test_a_part_that_does_not_answer_a_wrong_setting_and_a_wrong_call_are_told_apart() -> None:
    port = free_port()
    silent = run_check("app", TRIGGERS_API_PORT=str(port))
    assert silent.returncode == 1
    assert silent.stdout.startswith(f"app does not answer at port {port}: ")
    wrong = run_check("worker", TRIGGERS_WORKER_PORT="none")
    assert wrong.returncode == 1
    assert "TRIGGERS_WORKER_PORT" in wrong.stdout
    assert run_check("proxy").returncode == run_check().returncode == 2
