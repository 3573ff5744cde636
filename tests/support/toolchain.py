"""Compiles fixtures: with gcc for this host, with the zig wheel for other formats and machines."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.support.wheels import cache_directory

TORCH = ("libtorch.so", "libtorch_python.so")
"""Libraries that bring in all of torch."""
_OF_TORCH = re.compile(
    r'extern \w+ \w+\(void\) __asm__\("(?:_ZN?K?(?:2at|3c10|5torch)|aoti_|torch_|THP)'
)


def gcc(
    source: str, out: Path, *flags: str, lang: str = "c", torch: tuple[str, ...] | None = None
) -> Path:
    """Build a shared library from ``source`` with the host's gcc (or g++ for ``lang="c++"``).

    It is linked to the libraries ``torch``: by default, as any build for torch is, to those that
    bring in all of torch, if it imports names of torch (as ``sources.source`` writes them).
    """
    if torch is None:
        torch = TORCH if _OF_TORCH.search(source) else ()
    if torch:
        flags = (*flags, *linked(*torch, home=_stubs()))
    return _compile(["g++" if lang == "c++" else "gcc"], source, out, flags, lang)


def linked(*libraries: str, home: Path) -> tuple[str, ...]:
    """Options of gcc that link to empty libraries with these names, which are made in ``home``."""
    for name in libraries:
        if not (home / name).exists():
            gcc("", home / name, f"-Wl,-soname,{name}", "-nostdlib")
    return ("-Wl,--no-as-needed", "-x", "none", *(str(home / name) for name in libraries))


@cache
def _stubs() -> Path:
    """A directory for empty libraries with the names of torch's."""
    home = tempfile.mkdtemp(prefix="torch-stubs-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return Path(home)


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
