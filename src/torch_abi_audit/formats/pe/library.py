"""Read a PE file (Windows DLL, ``.pyd``): the import, delay-import and export directories.

Only these tables are read, and of their strings only the windows that contain wanted names. Every
value must fit the file's sections and what the Windows linker can produce; anything else is a
``FormatError``.
"""

from __future__ import annotations

import os

from torch_abi_audit.formats.pe.exports import export_table
from torch_abi_audit.formats.pe.image import Image, open_image
from torch_abi_audit.formats.pe.imports import imports
from torch_abi_audit.model.binary import (
    ENTRY_PREFIXES,
    Binary,
    Format,
    NotALibrary,
)
from torch_abi_audit.model.device_code import DEVICE_SECTIONS, REGISTERING
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.model.device_code import DeviceCode

_SECTIONS = frozenset(name[:8] for name in DEVICE_SECTIONS)
"""As they are called in DLLs, where a name has at most eight bytes."""


def read(source: Readable) -> Binary | NotALibrary:
    """Read what the Windows loader learns from a DLL: imports, their DLLs, and entry points.

    Delay-loaded functions are part of ``imports``: they must resolve when they are called. An
    import by ordinal has no name, so only its DLL shows, in ``needed``. A name imported from two
    DLLs is attributed to the first; the import directory comes before delay imports.

    Raises:
        FormatError: the file is cut short or damaged, or is not a PE image.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return image
    found = imports(image)
    names = image.names((rva for one in found for rva in one.names), "name of an import")
    providers: dict[bytes, str] = {}
    for one in found:
        for rva in one.names:
            providers.setdefault(names[rva], one.dll)
    soname, exported = export_table(image)
    return Binary(
        format=Format.PE,
        device_code=_device_code(image, registers=any(name in providers for name in REGISTERING)),
        arch=image.arch,
        bits=image.bits,
        byteorder="little",
        imports=tuple(sorted(providers)),
        needed=tuple(dict.fromkeys(one.dll for one in found if not one.delayed)),
        delay_needed=tuple(dict.fromkeys(one.dll for one in found if one.delayed)),
        soname=soname,
        entry_points=_entry_points(image, exported),
        providers=MappingProxyType(providers),
    )


def exports(source: Readable, binary: Binary) -> frozenset[bytes]:  # noqa: ARG001 - every format's signature
    """The names that the DLL exports, including forwarded ones; exports by ordinal have no name.

    Raises:
        FormatError: the file is cut short or damaged, or is not a PE image.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return frozenset()
    return frozenset(image.names(export_table(image)[1], "name of an export").values())


def exported(source: Readable, wanted: frozenset[bytes], binary: Binary) -> frozenset[bytes]:
    """The names in ``wanted`` that ``exports`` returns.

    Raises:
        FormatError: as ``exports`` does.
    """
    return exports(source, binary) & wanted


def exported_with(source: Readable, parts: tuple[bytes, ...], binary: Binary) -> frozenset[bytes]:
    """The names in the export table that contain one of ``parts``.

    Raises:
        FormatError: the file is damaged.
    """
    names = exports(source, binary)
    return frozenset(name for part in parts for name in names if part in name)


def _device_code(image: Image, *, registers: bool) -> DeviceCode | None:
    """``Binary.device_code``; costs next to nothing for a DLL without any."""
    if _SECTIONS.isdisjoint(image.sections) and not registers:
        return None
    from torch_abi_audit.formats.pe import device_code  # few DLLs have any

    return device_code.of_image(image)


def _entry_points(image: Image, exported: array[int]) -> tuple[bytes, ...]:
    """The entry points, sorted; found by searching the strings, without reading other exports."""
    hits: set[int] = set()
    stem: bytes = os.path.commonprefix(ENTRY_PREFIXES)  # type: ignore[assignment]  # noqa: RUF071
    for start, blob, members in image.name_windows(exported, "name of an export"):
        found: set[int] = set()
        at = blob.find(stem)
        while at >= 0:
            if blob.startswith(ENTRY_PREFIXES, at):
                found.add(start + at)
            at = blob.find(stem, at + 1)
        if found:
            hits |= found.intersection(members)
    return tuple(sorted({*image.names(hits, "name of an export").values()}))
