#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/old_exports.idx`` from torch's wheels for macOS.

    generate_old_exports.py            read the last wheel of each minor release before 2.4.0, write
    generate_old_exports.py --check    read them, exit 1 if the file differs

``pip download`` fetches about 2 GB, one wheel at a time, which is deleted as soon as it is read.
``--wheels DIR`` keeps them there, and takes what is there already.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.torch_wheels import read_wheel  # noqa: E402
from tools.wheels import WheelError, pip  # noqa: E402
from torch_abi_audit.knowledge.old_exports import FILE, pack  # noqa: E402
from torch_abi_audit.knowledge.torch_namespaces import owns  # noqa: E402
from torch_abi_audit.mangling import demangle, owner  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RELEASES = (
    *("1.0.0", "1.1.0", "1.2.0", "1.3.1", "1.4.0", "1.5.1", "1.6.0", "1.7.1", "1.8.1", "1.9.1"),
    *("1.10.2", "1.11.0", "1.12.1", "1.13.1", "2.0.1", "2.1.2", "2.2.2", "2.3.1"),
)
"""The last release of each minor release before those of the export index; 1.0.1 has no wheel."""
SOURCE = "torch's wheels for macOS on the package index: functions exported before torch 2.4.0"
_PYTHONS = ("3.7", "3.8")
_TAGS = (
    *("macosx_10_7_x86_64", "macosx_10_9_x86_64", "macosx_10_13_x86_64"),
    *("macosx_11_0_x86_64", "macosx_11_0_arm64"),
)
_NOT_FUNCTIONS = (b"_ZTS", b"_ZTI", b"_ZTV", b"_ZTT", b"_ZGV", b"_ZTh", b"_ZTv", b"_ZTc")
"""Beginnings of the names of what a compiler adds: type information, tables, guards, thunks."""


def functions(release: str, wheels: Path | None) -> set[str]:
    """The functions of torch that a release exports, demangled.

    Raises:
        WheelError: pip cannot download its wheel.
    """
    with tempfile.TemporaryDirectory(prefix="torch-exports-") as name:
        file = wheel(release, wheels or Path(name))
        exports = read_wheel(file, release, "macosx_arm64", Path(name)).exports
    named = {one.encode("latin-1") for each in exports.values() for one in each}
    own = sorted(
        one
        for one in named
        if one.startswith(b"_Z") and not one.startswith(_NOT_FUNCTIONS) and owns(owner(one))
    )
    return set(demangle(own))


def wheel(release: str, directory: Path) -> Path:
    """The wheel of a release in a directory, downloaded if it is not there.

    Raises:
        WheelError: pip cannot download it.
    """
    refusals = []
    for python in _PYTHONS:
        if found := next(directory.glob(f"torch-{release}-*.whl"), None):
            return found
        try:
            pip(*_words(release, python, directory), what=f"download torch {release} for macOS")
        except WheelError as refusal:
            refusals.append(refusal)
    if found := next(directory.glob(f"torch-{release}-*.whl"), None):
        return found
    raise refusals[0]


def _words(release: str, python: str, directory: Path) -> Iterator[str]:
    """The arguments of ``pip download``."""
    yield from ("download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary", ":all:")
    yield from ("--dest", str(directory), "--implementation", "cp", "--python-version", python)
    for tag in _TAGS:
        yield from ("--platform", tag)
    tag = f"cp{python.replace('.', '')}"
    yield from ("--abi", tag, "--abi", f"{tag}m", "--abi", "none", f"torch==={release}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; the exit code is 1 if ``--check`` finds a difference, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--wheels", type=Path, help="keep the wheels in this directory")
    options = parser.parse_args(arguments)
    found: dict[str, int] = {}
    try:
        for at, release in enumerate(RELEASES):
            print(f"torch {release}", file=sys.stderr)
            for shown in functions(release, options.wheels):
                found[shown] = found.get(shown, 0) | 1 << at
    except WheelError as error:
        print(error, file=sys.stderr)
        return 2
    data = pack(SOURCE, RELEASES, found)
    differs = not FILE.exists() or FILE.read_bytes() != data
    print(f"{len(found)} functions, {len(data)} bytes, {'differs' if differs else 'unchanged'}")
    if differs and not options.check:
        FILE.write_bytes(data)
    return 1 if differs and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
