"""Which libraries nothing provides: not the package, nor its platform, nor what it is used with."""

from __future__ import annotations

from torch_abi_audit.knowledge import libtorch
from torch_abi_audit.knowledge.names.system import (
    is_device_runtime,
    is_driver,
    is_libpython,
    is_loader,
    is_musl,
    is_windows_runtime,
)
from torch_abi_audit.knowledge.platforms import Platform
from torch_abi_audit.knowledge.policies import is_windows_library, policy
from torch_abi_audit.metadata.cuda import is_cuda
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from collections.abc import Set as AbstractSet

    from torch_abi_audit.model.reports import PackageReport

    Kind = tuple[Format, str]
    """Format and architecture of an image."""

SYSTEM_PATHS = ("/usr/lib/", "/System/")
"""Where macOS keeps its own libraries."""
_LIBC = frozenset({"libc.so.6", "libc.so"})
"""Whether the tag has them is the question of L408."""


def absent(
    report: PackageReport, lowest: Mapping[str, Platform | None], reach: AbstractSet[str]
) -> dict[Kind, frozenset[str]]:
    """The libraries that are needed and that nothing provides, by the kind of image."""
    needed: dict[Kind, set[str]] = {}
    for one in report.libraries:
        for image in one.linkage:
            needed.setdefault((image.format, image.arch), set()).update(image.needed)
    found = {}
    for (form, arch), names in needed.items():
        around: Collection[str] = reach
        if form is Format.ELF:
            around = reach | _LIBC | _system_libraries(arch, lowest[arch])
        elif form is Format.PE:
            around = frozenset(map(str.lower, reach))
        found[form, arch] = frozenset(
            name for name in names if not _is_provided(name, form, around)
        )
    return found


def _is_provided(name: str, form: Format, around: Collection[str]) -> bool:
    """Whether a library is ``around``, or is known to come with torch, the system or the device."""
    base = file_name(name)
    if form is Format.PE:
        lower = base.lower()
        found = lower in around or is_windows_runtime(lower) or is_windows_library(lower)
    elif form is Format.MACHO:
        found = base in around or name.startswith(SYSTEM_PATHS)
    else:
        found = base in around or is_loader(base) or is_musl(base)
    return (
        found
        or libtorch.is_libtorch(name)
        or is_cuda(name)
        or is_driver(base)
        or is_device_runtime(base)
        or is_libpython(base)
    )


def lent(names: Collection[str], required: Collection[str]) -> frozenset[str]:
    """Those of the libraries that are named after a requirement, which may hold them.

    ``libmetatensor.so.1`` may be from ``metatensor-core``. A word that ends in a digit is distinct
    enough for all that begins with it: ``Qt6Core.dll`` may be from ``PyQt6-Qt6``.
    """
    owners = {own for name in required for own in (name, name.removeprefix("py"))}
    words = {word for name in required for word in name.split("-") if word[-1:].isdigit()}
    distinct = tuple(word for word in words if len(word) > 2)
    return frozenset(
        name
        for name in names
        if (stem := _stem(name))
        and (
            stem.startswith(distinct)
            or any(
                own == stem or own.startswith(f"{stem}-") or stem.startswith(f"{own}-")
                for own in owners
            )
        )
    )


def _stem(library: str) -> str:
    """``qt6core`` of ``libQt6Core.so.6``, as a requirement would be spelt."""
    name = file_name(library).removeprefix("lib").partition(".")[0]
    return name.lower().replace("_", "-")


def _system_libraries(arch: str, lowest: Platform | None) -> frozenset[str]:
    """What every system of the tags has; for a plain ``linux`` tag what any policy allows."""
    found = policy(lowest or Platform("", "linux", (arch,), (2, 9999), "glibc"))
    return found.libraries if found is not None else frozenset()
