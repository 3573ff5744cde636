"""Who touches disk, archives, network and other programs: ``sources/``, and the few listed here."""

from __future__ import annotations

import ast

import pytest

from tests.support.modules import modules, tree

ALLOWED = {
    "audit.sharing": "asks for sizes, to see whether more processes are worth while",
    "cli": "gives closed streams something to write to",
    "commands.port": "reads the baseline that progress is counted from",
    "commands.shared.baselines": "writes the baseline",
    "commands.shared.output": "writes the report where -o says",
    "commands.shared.torch_choice": "asks whether --torch names a directory",
    "commands.shared.wrappers": "asks whether it wrote the header that --wrappers names",
    "knowledge.export_index": "reads the package's own data",
    "knowledge.old_exports": "reads the package's own data",
    "knowledge.operators": "reads the package's own data",
    "knowledge.replacements": "reads the package's own data",
    "knowledge.spellings": "reads the package's own data",
    "knowledge.tables": "reads the package's own data",
    "runtime.workers": "forks, and speaks with the other processes through pipes",
    "settings.find_file": "finds and reads the configuration file",
}
"""Module to why it may; whoever wants to add to it moves the reading to ``sources/`` instead."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MODULES = words(
    "fileinput ftplib glob gzip http mmap os.path requests shutil socket sqlite3 ssl subprocess "
    "tarfile tempfile urllib.request zipfile"
)
METHODS = words(
    "exists glob is_dir is_file iterdir lstat mkdir read_bytes read_text rename resolve rglob "
    "rmdir samefile stat touch unlink write_bytes write_text"
)
"""Of ``pathlib.Path``."""
HARMLESS = words(
    "_exit cpu_count environ fsdecode fsencode fspath get_terminal_size getpid path "
    "sched_getaffinity strerror"
)
"""Of ``os``: what neither asks nor changes a file system."""
HARMLESS_PATH = words(
    "abspath basename commonprefix dirname isabs join normpath relpath split splitext"
)


def touches(module: ast.Module) -> set[str]:
    """The calls and imports of a module by which it touches what lies outside of it."""
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            names = {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
            found |= names & MODULES
            found |= {name for name in names if name.startswith("os.")} - {"os.environ"}
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            owner, _, method = name.rpartition(".")
            if (
                name in {"open", "io.open", "os.open"}
                or (owner == "os" and method not in HARMLESS)
                or (owner == "os.path" and method not in HARMLESS_PATH)
                or (owner not in {"", "os.path", "sources"} and method in METHODS)
                or (method == "open" and owner.startswith("Path("))
            ):
                found.add(name)
    return found


def outside() -> list[str]:
    """Every module that is not of ``sources/``."""
    return [name for name in modules() if name.partition(".")[0] != "sources"]


@pytest.mark.parametrize("name", outside())
def test_only_sources_and_the_listed_touch_disk(name: str) -> None:
    found = touches(tree(modules()[name]))
    if name in ALLOWED:
        assert found, "it touches nothing any more: take it off the list"
    else:
        assert not found, "let a module of sources/ do that"


def test_the_list_names_modules_that_exist() -> None:
    assert ALLOWED.keys() <= modules().keys()


@pytest.mark.parametrize(
    "source",
    [
        *("open('x')", "import os\nos.stat('x')", "import os\nos.path.exists('x')"),
        *("from os import listdir", "Path('x').read_text()", "Path('x').open()", "where.is_dir()"),
        *("import subprocess", "from urllib import request", "def f():\n    import zipfile"),
    ],
)
def test_a_touch_is_seen(source: str) -> None:
    assert touches(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["candidate.open()", "sources.resolve('x')", "os.path.join('a', 'b')", "os.environ.get('x')"],
)
def test_what_touches_nothing(source: str) -> None:
    assert not touches(ast.parse(source))
