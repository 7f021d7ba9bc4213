"""The README and the guide do what they say."""

from pathlib import Path

import pytest

from infra.local.loopback import free_port
from infra.local.settings import ROOT
from tests.guide.documents import Section, read_sections
from tests.guide.reader import follow, missing_tools, shell_environment

README = read_sections(ROOT / "README.md")
GUIDE = read_sections(ROOT / "docs/api.md")
SETTING_UP = "Before you begin"


@pytest.mark.parametrize("section", GUIDE, ids=lambda section: section.title)
def test_the_guide_does_what_it_says(section: Section, folder: Path) -> None:
    if missing := missing_tools(section):
        pytest.skip(f"not run, since this machine has no {' and no '.join(missing)}")
    before = [] if section.title == SETTING_UP else _section(GUIDE, SETTING_UP).blocks
    follow(
        section,
        [b for b in before if b.language == "sh"],
        folder,
        shell_environment(PORT=str(free_port())),
    )


def test_the_readme_does_what_it_says(folder: Path) -> None:
    follow(_section(README, "The first event"), [], folder, shell_environment())


def _section(sections: list[Section], title: str) -> Section:
    return next(section for section in sections if section.title == title)
