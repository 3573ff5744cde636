"""Compiles fixtures: with gcc for this host, with the zig wheel for other formats and machines."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.support.wheels import cache_directory


def gcc(source: str, out: Path, *flags: str, lang: str = "c") -> Path:
    """Build a shared library from ``source`` with the host's gcc (or g++ for ``lang="c++"``)."""
    return _compile(["g++" if lang == "c++" else "gcc"], source, out, flags, lang)


def linked(library: str, home: Path, *more: str) -> tuple[str, ...]:
    """Options of gcc that link to libraries with these names, which are made, empty, in ``home``."""
    directory = home / "linked"
    for name in (library, *more):
        if not (directory / name).exists():
            gcc("", directory / name, f"-Wl,-soname,{name}", "-nostdlib")
    return ("-Wl,--no-as-needed", "-x", "none", *(str(directory / name) for name in (library, *more)))


def zig(source: str, out: Path, target: str, *flags: str, lang: str = "c") -> Path:
    """Build a shared library from ``source`` for ``target``, such as ``aarch64-macos``."""
    driver = [zig_program(), "c++" if lang == "c++" else "cc", "-target", target]
    return _compile(driver, source, out, flags, lang)


@cache
def zig_program() -> str:
    """The zig of the ``ziglang`` wheel, from a place that all clones of this repository share.

    Each installation of zig builds the runtimes of a target once. That takes minutes, and every
    fresh ``.venv`` would need it again.
    """
    spec = find_spec("ziglang")
    assert spec is not None
    assert spec.origin is not None
    home = cache_directory() / f"zig-{version('ziglang')}"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            shutil.copytree(Path(spec.origin).parent, Path(scratch, "zig"), copy_function=_link)
            if not home.is_dir():  # if it is, another process was faster
                Path(scratch, "zig").rename(home)
    return str(home / ("zig.exe" if os.name == "nt" else "zig"))


def _link(source: str, target: str) -> None:
    """Make a hard link if both are on one file system, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _compile(driver: list[str], source: str, out: Path, flags: tuple[str, ...], lang: str) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [*driver, "-x", lang, "-", "-shared", "-fPIC", "-o", str(out), *flags]
    done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\n{done.stderr}")
    return out
