"""What binutils and LLVM say about addresses: functions and lines, inlined ones first."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Chain = tuple[tuple[str, str, int], ...]
"""Function, file and line of each frame, innermost first; an unknown line is 0."""


def addr2line(path: Path, addresses: Sequence[int], section: str | None = None) -> list[Chain]:
    """The chains of addresses, or of offsets in a section of an object file."""
    where = [] if section is None else ["-j", section]
    return _chains(["addr2line", "-a", "-i", "-f", *where, "-e", str(path)], addresses)


def llvm_symbolizer(path: Path, addresses: Sequence[int]) -> list[Chain] | None:
    """The chains of addresses as LLVM reads them; None if it is not installed."""
    tool = shutil.which("llvm-symbolizer")
    if tool is None:
        return None
    style = ["--no-demangle", "--output-style=GNU", "--inlines", "-f", "-a"]
    return _chains([tool, *style, f"--obj={path}"], addresses)


def _chains(command: list[str], addresses: Iterable[int]) -> list[Chain]:
    text = "\n".join(map(hex, addresses))
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    found: list[list[str]] = []
    for line in done.stdout.splitlines():
        if line.startswith("0x"):
            found.append([])
        elif line:
            found[-1].append(line)
    return [
        tuple(_frame(each[at], each[at + 1]) for at in range(0, len(each), 2)) for each in found
    ]


def _frame(function: str, place: str) -> tuple[str, str, int]:
    file, _, line = place.partition(" (discriminator")[0].rpartition(":")
    return function, posixpath.normpath(file), int(line) if line.isdecimal() else 0
