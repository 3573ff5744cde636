"""Which library of the same distribution provides an import. Siblings come before libtorch."""

from __future__ import annotations

from torch_abi_audit.model import Format, file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Protocol

    from torch_abi_audit.model import Binary

    class Provider(Protocol):
        """A library of the distribution."""

        @property
        def filename(self) -> str:
            """Its file's name."""

        @property
        def binary(self) -> Binary:
            """One image of it."""


def provided(binary: Binary, offers: Mapping[bytes, Iterable[Provider]]) -> frozenset[bytes]:
    """Those imports of ``binary`` that another library of its distribution provides.

    A provider must be of the same format and architecture; where the import names its provider
    (Mach-O two-level names, PE), it must be that library.

    Args:
        binary: The importing library.
        offers: Of its imports, those that others export, and who does.
    """
    kind = (binary.format, binary.arch)
    return frozenset(
        name
        for name, siblings in offers.items()
        if any(
            (one.binary.format, one.binary.arch) == kind
            and _may_come_from(binary, name, one.binary, one.filename)
            for one in siblings
        )
    )


def _may_come_from(binary: Binary, name: bytes, other: Binary, filename: str) -> bool:
    stated = binary.providers.get(name)
    if stated is None:
        return binary.format is not Format.PE
    wanted = file_name(stated)
    if binary.format is Format.PE:
        return wanted.lower() == filename.lower()
    return wanted in (filename, file_name(other.soname or filename))
