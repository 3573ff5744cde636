"""Which library of the same distribution provides an import. Siblings come before libtorch."""

from __future__ import annotations

from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.model.binary import Binary


@dataclass(frozen=True, slots=True)
class Provider:
    """One image of a library of the distribution, by what decides who can bind to it."""

    path: str
    """Where its file is: no two libraries have the same."""
    filename: str
    format: Format
    arch: str
    soname: str | None


def provided(
    binary: Binary, path: str, offers: Mapping[bytes, Iterable[Provider]]
) -> frozenset[bytes]:
    """Those imports of ``binary`` that another library of its distribution provides.

    A provider must be of the same format and architecture; where the import names its provider
    (Mach-O two-level names, PE), it must be that library.

    Args:
        binary: The importing library.
        path: Where its file is, which is no other library.
        offers: Of its imports, those that a library exports, and who does.
    """
    kind = (binary.format, binary.arch)
    return frozenset(
        name
        for name, libraries in offers.items()
        if any(
            (one.format, one.arch) == kind
            and one.path != path
            and _may_come_from(binary, name, one)
            for one in libraries
        )
    )


def _may_come_from(binary: Binary, name: bytes, other: Provider) -> bool:
    stated = binary.providers.get(name)
    if stated is None:
        return binary.format is not Format.PE
    wanted = file_name(stated)
    if binary.format is Format.PE:
        return wanted.lower() == other.filename.lower()
    return wanted in (other.filename, file_name(other.soname or other.filename))
