"""Which library of the same distribution provides an import. Siblings come before libtorch."""

from __future__ import annotations

from torch_abi_audit.model import Format, file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from torch_abi_audit.model import Binary

    class Provider(Protocol):
        """A library of the distribution, and which names it exports."""

        @property
        def filename(self) -> str:
            """Its file's name."""

        @property
        def binary(self) -> Binary:
            """One image of it."""

        def exported(self, wanted: frozenset[bytes]) -> frozenset[bytes]:
            """Those of ``wanted`` that it exports."""


def provided(
    binary: Binary, wanted: frozenset[bytes], siblings: Iterable[Provider]
) -> frozenset[bytes]:
    """Those of ``wanted``, imports of ``binary``, that one of ``siblings`` provides.

    A sibling must be of the same format and architecture; where the import names its provider
    (Mach-O two-level names, PE), the sibling must be that library.
    """
    if not wanted:
        return wanted
    found: set[bytes] = set()
    for sibling in siblings:
        other = sibling.binary
        if other is binary or (other.format, other.arch) != (binary.format, binary.arch):
            continue
        found.update(
            name
            for name in sibling.exported(wanted)
            if _may_come_from(binary, name, other, sibling.filename)
        )
    return frozenset(found)


def _may_come_from(binary: Binary, name: bytes, other: Binary, filename: str) -> bool:
    stated = binary.providers.get(name)
    if stated is None:
        return binary.format is not Format.PE
    wanted = file_name(stated)
    if binary.format is Format.PE:
        return wanted.lower() == filename.lower()
    return wanted in (filename, file_name(other.soname or filename))
