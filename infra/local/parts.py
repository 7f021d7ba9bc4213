"""The processes of a local run, and the one that makes tables and queues."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.loopback import HOST
from infra.local.settings import ROOT, LocalSettings
from infra.local.supervisor import Part

NAMES = ("app", "worker", "emulator", "receiver")
# Idle machinery of other AWS services, which the emulator would start as well.
EMULATOR_ENVIRONMENT = {
    "SERVICES": "dynamodb,sqs,kms",
    "IOT_MTLS_ENABLED": "0",
    "SFTP_ENABLED": "0",
    "LOG_LEVEL": "WARNING",
}


def emulator(settings: LocalSettings, environment: Mapping[str, str]) -> Part:
    """The AWS emulator, from an environment of its own because its botocore pin clashes with ours."""
    own = {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(settings.emulator_port),
        "TMPDIR": str(pid_path(settings).parent),
    }
    return Part(
        name="emulator",
        command=(str(settings.emulator_python), "-m", "infra.local.emulator"),
        environment={**environment, **EMULATOR_ENVIRONMENT, **own},
        folder=ROOT,
        # It has nothing to save, and would wait for the long polls of a worker that is gone.
        stop_signal=signal.SIGKILL,
    )


def pid_path(settings: LocalSettings) -> Path:
    """Where the emulator writes its process id."""
    return settings.folder / f"ministack-{settings.emulator_port}.pid"


def module(name: str, module_name: str, environment: Mapping[str, str]) -> Part:
    """A part that is one of our own modules, run by our own Python."""
    return Part(
        name=name,
        command=(sys.executable, "-m", module_name),
        environment=environment,
        folder=ROOT,
    )


def parts(settings: LocalSettings, environment: Mapping[str, str]) -> tuple[Part, ...]:
    """All parts that are kept running. The emulator comes first: the others wait for it."""
    return (
        emulator(settings, environment),
        module("app", "app", environment),
        module("worker", "worker", environment),
        module("receiver", "infra.local.receiver", environment),
    )


def provision(environment: Mapping[str, str]) -> Part:
    """Makes the tables and queues that are not there, and ends."""
    return module("local", "triggers.aws.provision", environment)
