"""What the project says of itself in several places is the same in all of them."""

import re
from importlib.metadata import metadata, version

import pytest

from scripts.suite import SUPPORTED, lowest_core_versions
from tests.project.source import ROOT

FRONT_PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


def test_the_supported_pythons_are_the_tested_ones() -> None:
    """The classifiers, the lower bound, `make pythons` and CI name the same versions."""
    classifiers = metadata("everstream").get_all("Classifier") or []
    python = r"Programming Language :: Python :: (3\.\d+)"
    assert [m[1] for text in classifiers if (m := re.fullmatch(python, text))] == list(SUPPORTED)
    assert metadata("everstream")["Requires-Python"] == f">={SUPPORTED[0]}"
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    matrix = ", ".join(f'"{supported}"' for supported in SUPPORTED)
    assert f"python: [{matrix}]" in workflow


def test_every_core_dependency_has_a_tested_lower_bound() -> None:
    """`make lowest` pins all of them."""
    pinned = {pin.split("==")[0] for pin in lowest_core_versions()}
    assert pinned == {"requests", "urllib3", "tenacity", "structlog"}


def test_the_changelog_tells_of_this_version() -> None:
    """A release has an entry, below "Unreleased"."""
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", version("everstream")]


@pytest.mark.parametrize("page", FRONT_PAGES)
def test_links_between_files_lead_somewhere(page: str) -> None:
    """A relative link or picture of a front page exists; Sphinx checks those inside the docs."""
    text = (ROOT / page).read_text("utf-8")
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []
