"""Another interpreter's environment: the interpreter runs in isolated mode and prints its paths."""

from __future__ import annotations

import json
import os

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 60
_QUESTION = """\
import json, os, site, sys, sysconfig
found = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *site.getsitepackages()]
json.dump({"sites": found, "path": sys.path, "prefix": sys.prefix,
           "python": "%d.%d" % sys.version_info[:2]}, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The package directories of an interpreter."""

    prefix: str
    sites: tuple[str, ...]
    """Its existing site-packages directories, each once."""
    path: tuple[str, ...]
    """Its ``sys.path``, without empty entries."""
    python: str
    """Its version, such as ``3.12``."""


def interpreter(place: str) -> Interpreter:
    """Run the interpreter at ``place``, a program or an environment's directory, for its paths.

    Raises:
        TargetError: there is no interpreter, or it does not print its paths.
    """
    import subprocess

    path = program(place)
    try:
        done = subprocess.run(
            [path, "-I", "-c", _QUESTION],
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
        said = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise TargetError(
            f"{path} did not report its site-packages directories: is it a Python interpreter?"
        ) from error
    sites = {os.path.realpath(path): path for path in reversed(said["sites"]) if path}
    return Interpreter(
        said["prefix"],
        tuple(path for path in reversed(sites.values()) if os.path.isdir(path)),
        tuple(path for path in said["path"] if path),
        said["python"],
    )


def program(place: str) -> str:
    """The program at ``place``: a path, a name on PATH, or the directory of an environment.

    Raises:
        TargetError: there is no interpreter.
    """
    if os.path.isdir(place):
        found = next((one for one in _programs(place) if os.path.isfile(one)), None)
        if found is None:
            raise TargetError(f"there is no Python interpreter in {place}")
        return found
    if os.path.isfile(place):
        return os.path.abspath(place)
    import shutil

    found = shutil.which(place)
    if found is None:
        raise TargetError(f"there is no Python interpreter at {place}, nor called that on PATH")
    return found


def _programs(directory: str) -> Iterator[str]:
    for parts in (
        ("bin", "python"),
        ("bin", "python3"),
        ("Scripts", "python.exe"),
        ("python.exe",),
    ):
        yield os.path.join(directory, *parts)
