"""The README and the guide do what they say."""

from pathlib import Path

import pytest

from app.wire.bulk import ITEMS_MAX
from infra.local.loopback import free_port
from infra.local.settings import ROOT
from tests.factories import make_settings
from tests.guide.documents import Section, read_sections
from tests.guide.reader import follow, missing_tools, shell_environment
from triggers.replays import REPLAYS_MAX
from triggers.tenants import LIMITS_BY_TIER, Tier
from triggers.webhooks import WEBHOOKS_MAX

README = read_sections(ROOT / "README.md")
GUIDE = read_sections(ROOT / "docs/api.md")
SETTING_UP = "Before you begin"


@pytest.mark.parametrize("section", GUIDE, ids=lambda section: section.title)
def test_the_guide_does_what_it_says(section: Section, folder: Path) -> None:
    if missing := missing_tools(section):
        pytest.skip(f"not run, since this machine has no {' and no '.join(missing)}")
    files = folder / ".local/guide"
    files.mkdir()
    before = [] if section.title == SETTING_UP else _section(GUIDE, SETTING_UP).blocks
    ports = {f"PORT_{name}": str(free_port()) for name in ("PYTHON", "NODE", "GO")}
    typed = [block for block in before if block.language == "sh"]
    follow(section, typed, folder, shell_environment(**ports), files)


def test_the_readme_does_what_it_says(folder: Path) -> None:
    follow(_section(README, "The first event"), [], folder, shell_environment())


def _section(sections: list[Section], title: str) -> Section:
    return next(section for section in sections if section.title == title)


def test_the_limits_that_the_guide_tells_are_those_of_the_code() -> None:
    settings = make_settings()
    _, _, limits = (ROOT / "docs/api.md").read_text().partition("## Limits")
    told = " ".join(limits.partition("## Errors")[0].split())
    assert f"a payload of {settings.payload_bytes_max // 1024} KB" in told
    assert f"{ITEMS_MAX} events a bulk call" in told
    assert f"{WEBHOOKS_MAX} webhooks a tenant, {REPLAYS_MAX} replays an event" in told
    for tier in (Tier.FREE, Tier.PRO):
        limit = LIMITS_BY_TIER[tier]
        assert f"| {tier} | {limit.per_second:,} | {limit.burst:,} |" in told
    assert f"{settings.retention_days} days that an event is kept" in told
