"""The PE reader compared with LIEF, on every library in published Windows wheels."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import lief
import pytest

from tests.support.wheels import fetch
from torch_abi_audit.formats.pe import library as pe
from torch_abi_audit.model.binary import Binary
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from collections.abc import Iterable

WHEELS = [
    ("numpy==2.4.6", "win_amd64", "x86_64"),
    ("numpy==2.4.6", "win32", "i686"),
    ("numpy==2.4.6", "win_arm64", "arm64"),
    ("torchaudio==2.11.0", "win_amd64", "x86_64"),
    ("torchcodec==0.17.0", "win_amd64", "x86_64"),
]
Imports = dict[str, list[bytes]]


def grouped(binary: Binary) -> Imports:
    found: Imports = {dll: [] for dll in (*binary.needed, *binary.delay_needed)}
    for name, dll in binary.providers.items():  # in table order, as the oracle has them
        found[dll].append(name)
    return found


def as_lief_has_it(
    libraries: Iterable[lief.PE.Import | lief.PE.DelayImport], seen: set[bytes]
) -> Imports:
    found: Imports = {}
    for library in libraries:
        names = found.setdefault(str(library.name), [])
        for entry in library.entries:
            name = str(entry.name).encode()
            if not entry.is_ordinal and name not in seen:
                seen.add(name)
                names.append(name)
    return found


@pytest.mark.parametrize(("requirement", "platform", "arch"), WHEELS)
def test_every_library_of_a_wheel(requirement: str, platform: str, arch: str) -> None:
    compared = 0
    with zipfile.ZipFile(fetch(requirement, platform)) as wheel:
        for member in wheel.namelist():
            if not member.endswith((".pyd", ".dll")):
                continue
            data = wheel.read(member)
            source = BytesReadable(data)
            binary = pe.read(source)
            assert isinstance(binary, Binary), member
            oracle = lief.PE.parse(list(data))
            assert isinstance(oracle, lief.PE.Binary), member
            seen: set[bytes] = set()
            eager = as_lief_has_it(oracle.imports, seen)
            delayed = as_lief_has_it(oracle.delay_imports, seen)
            assert grouped(binary) == {**delayed, **eager}, member
            assert binary.imports == tuple(sorted(binary.providers)), member
            assert list(binary.needed) == list(eager), member
            assert list(binary.delay_needed) == list(delayed), member
            table = oracle.get_export()
            names = {str(entry.name).encode() for entry in table.entries} if table else set()
            exported = pe.exports(source, binary)
            assert exported == names - {b""}, member  # LIEF lists exports by ordinal as nameless
            assert binary.soname == (table.name if table else None), member
            inits = {name for name in names if name.startswith((b"PyInit_", b"PyModExport_"))}
            assert binary.entry_points == tuple(sorted(inits)), member
            assert binary.arch == arch, member
            compared += 1
    assert compared
