"""What the images hold, and what their containers may do."""

import json
import re
from collections.abc import Callable

import pytest

from tests.containers.engine import Stack, docker, inspect

OURS = ["app", "worker"]
MEGABYTES_MAX = 120
TOOLS = ("cc", "gcc", "make", "git", "curl", "wget")
# What a start reads is there as byte code, or each would compile it anew: nothing can be written.
UNCOMPILED = """
import pathlib, sys, {service}.__main__
for module in list(sys.modules.values()):
    spec = getattr(module, "__spec__", None)
    if spec and spec.cached and not pathlib.Path(spec.cached).exists():
        print(spec.origin)
"""


def megabytes_of_ours(image: str) -> float:
    """Return what the image has on top of its base, whose layers are older than our first."""
    layers = docker("history", "--no-trunc", "--human=false", "--format", "{{json .}}", image)
    size = 0
    for line in layers.splitlines():  # newest first
        layer = json.loads(line)
        size += int(layer["Size"])
        if "PATH=/opt/venv/bin" in layer["CreatedBy"]:
            return size / 1e6
    raise AssertionError(f"{image} has no layer of ours")


@pytest.mark.parametrize("service", OURS)
def test_an_image_is_small_says_what_it_is_and_runs_as_nobody(
    stack: Stack, service: str, say: Callable[[object], None]
) -> None:
    image = stack.image(service)
    config = inspect("image", image)["Config"]
    ours, whole = megabytes_of_ours(image), inspect("image", image)["Size"] / 1e6
    say(f"{service}: {ours:.0f} MB on top of the {whole - ours:.0f} MB of its base")
    usage = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", stack.container(service))
    say(f"{service}: {usage.split(' ')[0]} of memory at rest")

    assert ours < MEGABYTES_MAX
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])
    assert config["Entrypoint"] == ["python", "-m", service]
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert config["Labels"]["org.opencontainers.image.title"] == f"triggers-{service}"


@pytest.mark.parametrize("service", OURS)
def test_an_image_holds_no_tools_and_all_of_its_byte_code(stack: Stack, service: str) -> None:
    container = stack.container(service)
    search = f"for tool in {' '.join(TOOLS)}; do command -v $tool; done; true"
    assert docker("exec", container, "sh", "-c", search) == ""
    assert docker("exec", container, "python", "-c", UNCOMPILED.format(service=service)) == ""


@pytest.mark.parametrize("service", [*OURS, "receiver", "proxy"])
def test_a_container_may_do_nothing_that_it_need_not(stack: Stack, service: str) -> None:
    container = stack.container(service)
    status = docker("exec", container, "cat", "/proc/1/status")
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in told["Uid"].split()
    assert int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 0
    assert told["NoNewPrivs"] == "1"

    write = "for place in / /srv/triggers /opt/venv /etc /var/tmp; do touch $place/x && echo $place; done"
    assert docker("exec", container, "sh", "-c", f"({write}) 2>/dev/null; true") == ""
    assert docker("exec", container, "sh", "-c", "touch /tmp/x && echo written") == "written\n"
