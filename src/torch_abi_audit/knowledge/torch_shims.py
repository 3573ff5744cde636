"""The C shims of libtorch: ``data/torch_shims.tsv``, read on first use, by raw name.

``tools/generate_torch_shims.py`` generates the table and documents its sources.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet


STABLE_ABI_BEGINS = "2.9.0"
"""The release that introduced the LibTorch Stable ABI; many shims are older than its guarantee."""


@dataclass(frozen=True, slots=True)
class Shim:
    """One C function that the headers of a published torch wheel declare."""

    first_release: str
    """The first release that declares the shim: the oldest torch that a library with it runs on."""
    last_release: str
    """The newest release that declares the shim: if removed, older than the table's newest one."""
    device: str
    """``generic``, or the shim's device: ``cpu``, ``cuda``, ``mps``, ``xpu``."""
    deprecated: bool
    exported_by: tuple[str, ...]
    """File names of the libraries that export the shim in the newest release: Linux, macOS and
    Windows wheels; empty if no published wheel exports it (all of ``xpu``)."""
    guard: str | None
    """The release in the headers' ``TORCH_FEATURE_VERSION`` guard, which is not always right."""


@once
def _shim_table() -> tables.Table:
    return tables.read("torch_shims")


@once
def _shim_rows() -> dict[bytes, str]:
    return tables.by_raw_name(_shim_table().sections["shims"])


class _Shims(dict[bytes, Shim]):
    """Rows of the table, each parsed when it is first looked up."""

    __slots__ = ()

    def __missing__(self, name: bytes) -> Shim:
        first, device, exporters, *marks = _shim_rows()[name].split(" ")
        said = dict([mark.partition("=")[::2] for mark in marks])
        read = self[name] = Shim(
            first_release=first,
            last_release=said.get("last") or newest_shim_release(),
            device=device,
            deprecated="deprecated" in said,
            exported_by=tuple(_shim_table().sections["exporters"][exporters].split()),
            guard=said.get("guard"),
        )
        return read


_SHIMS = _Shims()


@once
def shims() -> Mapping[bytes, Shim]:
    """Every shim ever declared, by C name. Slow: it parses every row; prefer ``shim``."""
    return {name: _SHIMS[name] for name in _shim_rows()}


def shim_names() -> AbstractSet[bytes]:
    """The C names of ``shims``."""
    return _shim_rows().keys()


def shim(name: bytes) -> Shim | None:
    """The shim with this C name; None if the table does not list it."""
    return _SHIMS[name] if name in _shim_rows() else None


def shim_first_release(name: bytes) -> str:
    """The ``first_release`` of one of ``shim_names``, without parsing the rest of its row."""
    return _shim_rows()[name].partition(" ")[0]


def shim_releases() -> tuple[str, ...]:
    """The torch releases from which the shim table was made, oldest first."""
    return tuple(_shim_table().facts["releases"].split())


def newest_shim_release() -> str:
    """The newest torch release in the shim table; shims of later releases are unknown."""
    return shim_releases()[-1]
