"""``doctor`` on the command line: complete outputs of a built environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.support.snapshots import matches
from tests.support.torch_stand_in import SUFFIX, World, define, library, module, use, versioned

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the loader of Linux")

INIT = """import torch
from . import _C
try:
    from . import _D
except ImportError:
    pass
"""


_PATH = 80
"""The length of the path of the world's home, wherever temporary directories are."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A package with an older copy of its helper on the path, and a part that is not linked."""
    base = tmp_path_factory.mktemp("world")
    home = base / "home".ljust(_PATH - len(str(base)) - 1, "-")  # lines are cut at a length
    home.mkdir()
    made = World(home)
    new, old = versioned(home, "HELPER_2"), versioned(home, "HELPER_1")
    lib = library(made.package / "libhelper.so.1", define("help_one"), flags=new)
    library(home / "older" / "libhelper.so.1", define("help_one"), flags=old)
    runpath = ("-Wl,--enable-new-dtags,-rpath,$ORIGIN",)
    module(made.package / f"_C{SUFFIX}", use("help_one"), lib, flags=runpath)
    module(made.package / f"_D{SUFFIX}", use("at_of_another"), *made.torch("libtorch.so"))
    made.sources(__init__=INIT)
    return made


def shown(world: World, *words: str, older: bool) -> tuple[int, str]:
    """The exit code and the output, without what differs between machines."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if older:
        environ["LD_LIBRARY_PATH"] = str(world.home / "older")
    command = [sys.executable, "-m", "torch_abi_audit", "doctor", "ext", "--python"]
    done = subprocess.run(
        [*command, str(world.venv), *words],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        cwd="/",
    )
    assert done.stderr == ""
    release = f"{sys.version_info[0]}.{sys.version_info[1]}"
    program = subprocess.run(
        [world.venv / "bin" / "python", "-c", "import sys; print(sys._base_executable)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    text = done.stdout.replace(program, "PYTHON").replace(str(world.home), "HOME")
    for suffix in (SUFFIX, SUFFIX.replace("_", r"\_")):  # as text and as Markdown
        text = text.replace(suffix, ".so")
    return done.returncode, text.replace(release, "3.X")


@pytest.mark.parametrize(("name", "words"), [("doctor.txt", []), ("doctor.md", ["--markdown"])])
def test_whole_reports(world: World, name: str, words: list[str]) -> None:
    code, text = shown(world, *words, older=True)
    assert code == 1
    matches(name, text)


def test_a_whole_document(world: World) -> None:
    code, text = shown(world, "--json", older=False)
    document: dict[str, Any] = json.loads(text)
    for one in (document["torch"], *document["packages"]):
        one["opened"] = [each for each in one["opened"] if each["path"].startswith("HOME")]
    assert code == 0
    matches("doctor.json", json.dumps(document, indent=2) + "\n")
