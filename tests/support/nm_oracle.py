"""The dynamic symbols of an ELF file as GNU nm lists them: the oracle for the ELF reader."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from torch_abi_audit.formats.elf import library as elf
from torch_abi_audit.model.binary import Binary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from pathlib import Path

    Versioned = set[tuple[bytes, str]]


def nm(path: Path) -> tuple[Versioned, Versioned, set[bytes]]:
    """Strong and weak imports with their versions, and exports, as GNU nm lists them."""
    done = subprocess.run(["nm", "-D", str(path)], capture_output=True, check=True)
    strong: Versioned = set()
    weak: Versioned = set()
    defined: set[bytes] = set()
    for line in done.stdout.splitlines():
        kind, name = line[17:18], line[19:]
        plain, _, version = name.partition(b"@")
        if kind == b"U":
            strong.add((plain, version.decode()))
        elif kind in b"wv" and not line[:16].strip():
            weak.add((plain, version.decode()))
        else:
            defined.add(plain)
    return strong, weak, defined


def reads_as_nm_does(path: Path) -> None:
    """Fail unless reader and nm agree on every export and on each import's binding and version."""
    strong, weak, defined = nm(path)
    sought = frozenset(sorted(defined)[::3]).union(name for name, _ in strong)
    with open_readable(path) as source:
        binary = elf.read(source)
        exports = elf.exports(source)
        exported = elf.exported(source, sought)
        few = frozenset(sorted(sought)[::7][:1000])
        looked_up = elf.exported(source, few)
        versions = elf.versions(source)
    assert isinstance(binary, Binary), path
    assert {(name, versions.get(name, "")) for name in binary.imports} == strong, path
    assert {(name, versions.get(name, "")) for name in binary.weak_imports} == weak, path
    assert exports == defined, path
    assert exported == defined & sought, path
    assert looked_up == defined & few, path
