"""Compiles fixtures: gcc for ELF on this host, the zig wheel for every other format and machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def gcc(source: str, out: Path, *flags: str, lang: str = "c") -> Path:
    """Build a shared library from ``source`` with the host's gcc (or g++ for ``lang="c++"``)."""
    return _compile(["g++" if lang == "c++" else "gcc"], source, out, flags, lang)


def zig(source: str, out: Path, target: str, *flags: str, lang: str = "c") -> Path:
    """Build a shared library from ``source`` for ``target``, such as ``aarch64-macos``."""
    driver = [sys.executable, "-m", "ziglang", "c++" if lang == "c++" else "cc", "-target", target]
    return _compile(driver, source, out, flags, lang)


def _compile(driver: list[str], source: str, out: Path, flags: tuple[str, ...], lang: str) -> Path:
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [*driver, "-x", lang, "-", "-shared", "-fPIC", "-o", str(out), *flags]
    done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}\n{done.stderr}")
    return out
