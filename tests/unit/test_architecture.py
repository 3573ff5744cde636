"""Who may import whom: the directions of ARCHITECTURE.md, checked on the source.

The world is closed: every module is in exactly one room of the map, every import counts, wherever
it stands, and so does every text that names a module for ``lazy_import``.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.support.modules import PACKAGE, modules, tree

if TYPE_CHECKING:
    from pathlib import Path

ROOT = PACKAGE.parents[1]
PREFIX = PACKAGE.name

MAP = {
    "runtime": "",
    "model": "runtime",
    "mangling": "",
    "knowledge": "knowledge.platforms mangling model runtime",
    "knowledge.names": "model runtime",
    "knowledge.platforms": "model runtime",
    "formats": "model runtime",
    "sources": "knowledge.names knowledge.platforms model runtime",
    "judges": "knowledge knowledge.names mangling model runtime",
    "facts": "knowledge knowledge.names knowledge.platforms model runtime",
    "rules": (
        "facts judges knowledge knowledge.names knowledge.platforms model report.wording runtime"
    ),
    "audit": "facts formats judges knowledge knowledge.names mangling model rules runtime sources",
    "diff": "judges knowledge knowledge.names model runtime",
    "repair": "facts knowledge knowledge.names knowledge.platforms model rules runtime",
    "explain": (
        "judges knowledge knowledge.names knowledge.platforms mangling model repair rules runtime"
    ),
    "doctor": "explain formats judges knowledge knowledge.names mangling model runtime sources",
    "port": "formats judges knowledge knowledge.names mangling model runtime sources",
    "gpus": "facts formats judges knowledge knowledge.names model runtime sources",
    "fix": "facts knowledge knowledge.names model runtime",
    "gate": "judges knowledge.names model report.wording rules runtime",
    "settings": "gate knowledge model report rules runtime sources",
    "report": (
        "model report.audit report.config report.diff report.doctor report.explain report.gpus "
        "report.loads report.port report.repair report.rules runtime"
    ),
    "report.wording": "model",
    "report.audit": (
        "__init__ judges knowledge.names mangling model report report.loads report.wording rules "
        "runtime"
    ),
    "report.loads": "knowledge.names mangling model report report.audit report.wording runtime",
    "report.config": "gate mangling report settings",
    "report.diff": "diff mangling model report report.audit report.wording",
    "report.doctor": "doctor explain mangling model report report.audit runtime",
    "report.explain": "explain mangling model report",
    "report.gpus": "gpus judges knowledge mangling model report report.audit report.wording",
    "report.port": "mangling model port report report.wording",
    "report.repair": "mangling repair report report.audit report.wording",
    "report.rules": "report rules runtime",
    "commands": (
        "__init__ audit diff doctor explain fix gate gpus judges knowledge knowledge.names "
        "mangling model port repair report report.audit report.gpus report.loads report.rules "
        "report.wording rules runtime settings sources"
    ),
    "cli": "commands runtime",
    "api": "audit model sources",
    "__init__": "api model runtime",
    "__main__": "cli",
}
"""Room to the rooms that it imports, itself aside: a package, or one module of a package, in which
case the longest name that fits is the room of a module."""
ALLOWED = {room: set(rooms.split()) for room, rooms in MAP.items()}


@cache
def dotted() -> frozenset[str]:
    """The names of modules that a text can be meant for one of."""
    return frozenset(name for name in modules() if "." in name)


def room(module: str) -> str | None:
    """The room of a module: the longest key of the map that is its name or begins it."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in ALLOWED:
            return name
    return None


def imported(path: Path) -> set[str]:
    """The modules of this package that a source names, at its head, in a function or as a text."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            base = (node.module or "").removeprefix(PREFIX)
            if (node.module or "").partition(".")[0] == PREFIX:
                base = base.removeprefix(".")
                for alias in node.names:
                    whole = f"{base}.{alias.name}".removeprefix(".")
                    found.add(whole if whole in modules() else base or "__init__")
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.removeprefix(f"{PREFIX}.")
                for alias in node.names
                if alias.name.startswith(f"{PREFIX}.")
            }
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"module", "lazy_import"}:
            found |= _named(node.args[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= {node.value} & dotted()
    return found - {""}


def _named(argument: ast.expr) -> set[str]:
    """The modules that a call of ``lazy_import`` may mean."""
    if isinstance(argument, ast.Constant):
        return {str(argument.value)}
    if isinstance(argument, ast.JoinedStr) and isinstance(argument.values[0], ast.Constant):
        start = str(argument.values[0].value)
        return {each for each in modules() if each.startswith(start)}
    return set()  # a table beside it holds the texts


@pytest.mark.parametrize("module", sorted(modules()))
def test_imports_only_what_its_room_may(module: str) -> None:
    mine = room(module)
    assert mine is not None, f"{module} is in no room of the map"
    reached = {room(each) for each in imported(modules()[module])}
    assert None not in reached
    assert reached - {mine} <= ALLOWED[mine], f"{mine} reaches into another room"


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_the_map_names_what_exists(name: str) -> None:
    assert any(room(each) == name for each in modules()), "an empty room"


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_the_map_allows_no_more_than_is_used(name: str) -> None:
    mine = [each for each in modules() if room(each) == name]
    used = {room(each) for one in mine for each in imported(modules()[one])}
    assert ALLOWED[name] <= used, "take what is not used off the map"


def test_the_page_lists_the_rooms() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\w+)/` \|", page, re.MULTILINE))
    folders = {each.parent.name for each in PACKAGE.glob("[!_]*/*") if each.is_file()}
    assert listed == folders
    for path in re.findall(r"`(tests/[\w/.]+)`", page):
        assert (ROOT / path).exists(), f"ARCHITECTURE.md names {path}"


@pytest.mark.parametrize("module", sorted(modules()))
def test_only_the_command_line_prints(module: str) -> None:
    calls = [
        node.func.id
        for node in ast.walk(tree(modules()[module]))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    if room(module) not in {"commands", "cli"}:
        assert "print" not in calls
    assert "eval" not in calls
    assert "exec" not in calls


def test_one_module_knows_that_there_are_processes() -> None:
    users = {each for each, path in modules().items() if "runtime.workers" in imported(path)}
    assert users == {"audit.sharing"}
