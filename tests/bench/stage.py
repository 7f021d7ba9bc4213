"""Where the scenarios play: a driver, and for each of them a service with an emulator of its own."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from infra.local.loopback import HOST
from tests.bench.arguments import Arguments
from tests.bench.emulation import quiet_emulator
from tests.bench.loads import Driver, open_driver
from tests.bench.seeds import Look
from tests.bench.targets import Service, open_service

# A scene may take so long beside its loads, which with what they leave take a multiple of their time.
START_SECONDS, SCENE_SECONDS, LOAD_TIMES = 120, 120, 8


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A driver, a folder for all that is printed, and variables of the service's own."""

    driver: Driver
    folder: Path
    own: Mapping[str, str]

    @asynccontextmanager
    async def service(
        self, look: Look, *, tenants: int, workers: int = 1
    ) -> AsyncIterator[Service]:
        """Run a service whose emulator holds nothing else, so that all have the same start."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with quiet_emulator(folder) as emulator:
            assert emulator.process
            async with open_service(
                emulator.url,
                folder / "service",
                look,
                tenants=tenants,
                workers=workers,
                own=self.own,
            ) as service:
                yield replace(service, beside={"emulator": emulator.process})


@asynccontextmanager
async def open_stage(arguments: Arguments, *, scenes: int) -> AsyncIterator[Stage]:
    """Set it up for so many scenes. Raises TimeoutError when they take far too long."""
    seconds = START_SECONDS + scenes * (SCENE_SECONDS + LOAD_TIMES * arguments.seconds)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        async with (
            asyncio.timeout(seconds),
            open_driver(
                folder / "driver",
                payload_bytes=arguments.payload,
                events_max=arguments.events_max,
            ) as driver,
        ):
            yield Stage(driver=driver, folder=folder, own=dynamodb_of(arguments))


def dynamodb_of(arguments: Arguments) -> dict[str, str]:
    """Return the variable by which AWS's clients find another DynamoDB than the emulator's, if there is one."""
    if not arguments.dynamodb:
        return {}
    return {"AWS_ENDPOINT_URL_DYNAMODB": f"http://{HOST}:{arguments.dynamodb}"}


def say(what: str) -> None:
    """Tell on standard error what is being measured."""
    sys.stderr.write(f"measuring {what}\n")
