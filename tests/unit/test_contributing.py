"""CONTRIBUTING.md: eleven recipes, and every file that one names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RECIPES = (
    *("New rule", "New output format", "New verb", "New TARGET kind", "New binary format"),
    *("New torch release", "New index platform", "New GPU or CUDA toolkit", "New judge"),
    *("New option on all verbs", "New kind of error text in explain"),
)
_PLACEHOLDER = re.compile(r"<\w+>")


def recipes() -> dict[str, list[list[str]]]:
    """Heading to the lines of its list: the quoted paths of each."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    sections = page.partition("\n## Recipes\n")[2].split("\n### ")[1:]
    return {
        section.partition("\n")[0]: [
            re.findall(r"`([^`]+)`", line) for line in section.splitlines() if line.startswith("- ")
        ]
        for section in sections
    }


def test_there_are_the_eleven_recipes() -> None:
    assert tuple(recipes()) == RECIPES
    assert all(recipes().values())


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_file_that_a_recipe_names_exists(recipe: str) -> None:
    missing = [
        path
        for line in recipes()[recipe]
        for path in line
        if not _PLACEHOLDER.search(path) and not (ROOT / path).is_file()
    ]
    assert not missing


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_new_file_has_a_home_and_others_of_its_kind(recipe: str) -> None:
    for path, *like in recipes()[recipe]:
        if not _PLACEHOLDER.search(path):
            continue
        kin = next(ROOT.glob(_PLACEHOLDER.sub("*", path)), None)
        assert like or kin, f"nothing is like {path}"


def test_the_commands_are_those_of_the_markers() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert 'pytest tests/unit -q -m "not slow"' in page
    assert "slow: " in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
