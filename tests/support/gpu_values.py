"""Device code by hand, as a value and in a file, for tests of what is said of it."""

from __future__ import annotations

from dataclasses import replace
from struct import Struct
from typing import TYPE_CHECKING, Any

from tests.support import metadata_values
from torch_abi_audit.model.device_code import DeviceCode, KernelSet, target_key

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport


def kernels(*sets: str, problem: str | None = None, ptx: str = "8.7") -> DeviceCode:
    """Device code with these kernel sets, each as ``sm_80 sm_90`` or ``40x sm_80 compute_90``."""
    found = []
    for text in sets:
        words = text.split()
        count = int(words.pop(0)[:-1]) if words[0].endswith("x") else 1
        found.append(KernelSet(tuple(sorted(words, key=target_key)), count, 1000 * count))
    found.sort(key=lambda one: (-one.count, one.targets))
    compiled = {each for one in found for each in one.targets if each.startswith("compute_")}
    isa = tuple((each, ptx) for each in sorted(compiled, key=target_key))
    return DeviceCode(tuple(found), isa, problem=problem)


def with_gpus(
    *sets: str, name: str = "_C.abi3.so", problem: str | None = None, **library: Any
) -> ExtensionReport:
    """A library with these kernel sets; the rest as for ``metadata_values.library``."""
    plain = metadata_values.library(name, **library)
    code = kernels(*sets, problem=problem)
    return replace(plain, arch=plain.arch or "x86_64", device_code=code)


def fatbin(*targets: str) -> bytes:
    """A fat binary with an entry of 4 KB of zeros for each architecture, as a section holds it."""
    entries = b""
    for target in targets:
        digits = target.removeprefix("sm_").removeprefix("compute_")
        flags = {"a": 1 << 20, "f": 1 << 21}.get(digits[-1], 0)
        kind, minor, major = (1, 7, 8) if target.startswith("compute_") else (2, 7, 1)
        entries += _ENTRY.pack(
            *(kind, 0x101, _ENTRY.size, 4096, 0, 0),
            *(minor, major, int(digits.rstrip("af")), flags, 0),
        ) + bytes(4096)
    return _FATBIN.pack(0xBA55ED50, 1, _FATBIN.size, len(entries)) + entries


def with_fatbins(source: str, *fatbins: bytes) -> str:
    """A C source whose library carries these fat binaries as well."""
    content = ", ".join(map(str, b"".join(fatbins)))
    return (
        f'{source}\n__attribute__((section(".nv_fatbin"), aligned(8), used))\n'
        f"static const unsigned char fatbins[] = {{{content}}};\n"
    )


_FATBIN = Struct("<IHHQ")
_ENTRY = Struct("<HHIQIIHHI8xQ8xQ")
